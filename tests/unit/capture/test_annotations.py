"""Types of values, as somebody else would write them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from jupyter_mlops.capture.annotations import annotation_of


class Local:
    pass


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, "int"),
        (True, "bool"),
        (None, "None"),
        ([1.0, 2.0], "list[float]"),
        ([1, 2.0], "list"),
        ([], "list"),
        ({"a": 1}, "dict[str, int]"),
        ({"a": pd.DataFrame()}, "dict[str, pandas.DataFrame]"),
        ((1, 2), "tuple[int, ...]"),
        ([[1], [2]], "list[list]"),
        (np.zeros(2), "numpy.ndarray"),
        (np.float64(2), "numpy.float64"),
        (pd.DataFrame(), "pandas.DataFrame"),
        (LogisticRegression(), "sklearn.linear_model.LogisticRegression"),
        (make_pipeline(LogisticRegression()), "sklearn.pipeline.Pipeline"),
        (len, ""),
        (Local, "type"),
    ],
)
def test_a_value_is_called_by_the_shortest_path_to_its_class(value: object, annotation: str) -> None:
    assert annotation_of(value) == annotation


class Loud(type):
    def __eq__(cls, other: object) -> bool:
        raise AssertionError

    def __hash__(cls) -> int:
        raise AssertionError


def test_no_code_of_a_foreign_class_runs() -> None:
    thing = Loud("Thing", (), {})()
    assert annotation_of(thing) == ""
    assert annotation_of([thing]) == "list"


def test_a_class_that_lies_about_itself_has_no_annotation() -> None:
    liar = type("DataFrame", (), {"__module__": "pandas"})
    assert annotation_of(liar()) == ""
    assert annotation_of(type("not a name", (), {})()) == ""
