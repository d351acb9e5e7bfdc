"""Conditions on rows, and scores of the rows they choose."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from jupyter_mlops.compare.slices import slice_score
from jupyter_mlops.errors import UsageError
from jupyter_mlops.records import Evaluation, MetricDetail, Run, Status, new_id, now


def archive(**columns: list[Any]) -> bytes:
    arrays = {str(position): np.array(values) for position, values in enumerate(columns.values())}
    buffer = io.BytesIO()
    np.savez(buffer, columns=np.array(list(columns)), **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


TABLES = {
    "p": archive(
        y_true=["Gentoo", "Gentoo", "Adelie", "Adelie"], y_pred=["Gentoo", "Adelie", "Adelie", "Adelie"]
    ),
    "r": archive(y_true=[1.5, 2.5, 4.0, 0.5], y_pred=[1.5, 2.5, 1.0, 0.5]),
    "f": archive(weight=[5.0, 4.0, 3.0, float("nan")], sex=["male", "female", "male", "male"]),
}


def run_of(predictions: str) -> Run:
    evaluation = Evaluation(function="f", target_name="y_test", predictions=predictions, features="f")
    return Run(
        run_id=new_id(),
        experiment="x",
        number=3,
        status=Status.FINISHED,
        start_time=now(),
        metrics={"m": 0.5},
        metric_details={"m": MetricDetail(origin="call", evaluation=evaluation)},
    )


@pytest.mark.parametrize(
    ("condition", "value", "rows"),
    [
        ("y_test = 'Gentoo'", 0.5, 2),
        ('y_true == "Adelie"', 1.0, 2),
        ("weight >= 4", 0.5, 2),
        ("`weight` < 4.5 and sex != 'male'", 0.0, 1),
        ("sex = 'male' AND weight > -1e3", 1.0, 2),
        ("sex = 'male' or weight < 4.5", 0.75, 4),
        ("not weight > 3 and sex IN ('male')", 1.0, 2),
    ],
)
def test_a_slice_is_scored_by_its_rows_alone(condition: str, value: float, rows: int) -> None:
    found = slice_score(run_of("p"), condition, TABLES.__getitem__)
    assert (found.measure, found.value, found.rows) == ("accuracy", value, rows)


def test_numbers_are_scored_by_their_error() -> None:
    found = slice_score(run_of("r"), "weight <= 3", TABLES.__getitem__)
    assert (found.measure, found.value, found.higher_is_better) == ("rmse", 3.0, False)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "sex",
        "sex =",
        "sex = 'a' 'b'",
        "__import__('os')",
        "a = 1 AND",
        "@x = 1",
        "sex = 'male' ; y_true",
        "sex.max() = 'male'",
    ],
)
def test_what_is_no_condition_is_refused(condition: str) -> None:
    with pytest.raises(UsageError):
        slice_score(run_of("p"), condition, TABLES.__getitem__)


@pytest.mark.parametrize(("condition", "said"), [("size = 1", "weight"), ("weight > 9", "No row")])
def test_a_slice_that_cannot_be_scored_says_why(condition: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        slice_score(run_of("p"), condition, TABLES.__getitem__)
