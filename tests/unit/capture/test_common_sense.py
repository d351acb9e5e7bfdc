"""Leaks are named; clean data stays unremarked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.model_selection import train_test_split

from jupyter_mlops.capture.common_sense import Fitting, Scoring, find_nonsense

RANDOM = np.random.default_rng(0)


def codes(train: Any, y_train: Any, test: Any, y_test: Any, **score: Any) -> list[str]:
    scoring = {
        "metric": "acc",
        "function": "sklearn.metrics._classification.accuracy_score",
        "value": 0.99,
        **score,
    }
    found = find_nonsense(
        [Fitting("X_train", train, "y_train", y_train)],
        [Scoring(**scoring, features_name="X_test", features=test, target_name="y_test", target=y_test)],
    )
    assert all(warning.hint and warning.message for warning in found)
    return [warning.code for warning in found]


@pytest.mark.parametrize(
    "load", ["load_iris", "load_wine", "load_breast_cancer", "load_digits", "load_diabetes"]
)
@pytest.mark.parametrize("as_frame", [True, False])
def test_clean_data_is_left_alone(load: str, as_frame: bool) -> None:
    X, y = getattr(datasets, load)(return_X_y=True, as_frame=as_frame)
    train, test, y_train, y_test = train_test_split(X, y, random_state=0)
    assert codes(train, y_train, test, y_test) == []


def test_small_integer_tables_have_equal_rows_by_nature() -> None:
    X = RANDOM.integers(0, 3, (400, 3)).astype(float)
    y = RANDOM.integers(0, 2, 400)
    assert codes(X[:300], y[:300], X[300:], y[300:]) == []


def test_shared_rows_are_named() -> None:
    X, y = datasets.load_breast_cancer(return_X_y=True)
    assert codes(X[:400], y[:400], X[350:], y[350:]) == ["rows_shared"]


def test_the_training_score_is_no_leak() -> None:
    X, y = datasets.load_breast_cancer(return_X_y=True)
    assert codes(X, y, X, y) == []


@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"]])
def test_a_copy_of_the_target_is_named(labels: list[Any]) -> None:
    y = pd.Series(labels * 50, name="target")
    X = pd.DataFrame({"a": RANDOM.random(100), "copy": y})
    assert codes(X, y, None, None) == ["target_among_features"]


def test_a_score_below_the_baseline_is_named() -> None:
    y = np.array([0] * 80 + [1] * 20)
    assert codes(np.zeros((3, 2)), None, None, y, value=0.7) == ["below_baseline"]
    assert codes(np.zeros((3, 2)), None, None, y, value=0.81) == []
    assert codes(
        np.zeros((3, 2)), None, None, y, value=-0.2, function="sklearn.metrics._regression.r2_score"
    ) == ["below_baseline"]


@pytest.mark.parametrize(
    "odd",
    [None, 3, "text", [1, 2], iter([]), np.array(None), pd.DataFrame(), pd.DataFrame({"a": [[1], [2]]})],
)
def test_odd_values_are_passed_over(odd: Any, hostile: Any) -> None:
    assert codes(odd, odd, odd, odd) == []
    assert codes(hostile, hostile, hostile, hostile) == []
