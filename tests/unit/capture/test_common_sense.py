"""Leaks are named; clean data stays unremarked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.model_selection import train_test_split

from jupyter_mlops.capture.common_sense import find_nonsense, find_time_leaks, row_hashes
from jupyter_mlops.capture.fingerprint import fingerprint
from jupyter_mlops.capture.scorings import Fitting, Scoring, Verdicts

RANDOM = np.random.default_rng(0)


def codes(train: Any, y_train: Any, test: Any, y_test: Any, **score: Any) -> list[str]:
    scoring = {
        "metric": "acc",
        "function": "sklearn.metrics._classification.accuracy_score",
        "value": 0.99,
        **score,
    }
    found = find_nonsense(
        [Fitting("X_train", train, "y_train", y_train, models=frozenset({1}))],
        [
            Scoring(
                **scoring, features_name="X_test", features=test, target_name="y_test", target=y_test, model=1
            )
        ],
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


def test_data_is_looked_through_again_only_where_its_contents_are_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    X, y = datasets.load_breast_cancer(return_X_y=True)
    looked: list[Any] = []

    def counting(value: Any) -> Any:
        looked.append(value)
        return row_hashes(value)

    monkeypatch.setattr("jupyter_mlops.capture.common_sense.row_hashes", counting)
    verdicts = Verdicts(fingerprint)

    def told(test: Any, name: str = "X_test") -> list[tuple[str, tuple[str, ...]]]:
        del looked[:]
        fitting = Fitting("X_train", X[:400], "y_train", y[:400], models=frozenset({1}))
        scoring = Scoring("acc", "accuracy_score", 0.9, name, test, "y_test", y[350:].copy(), model=1)
        return [(w.code, w.names) for w in find_nonsense([fitting], [scoring], verdicts=verdicts)]

    test = X[350:].copy()
    shared = [("rows_shared", ("X_train", "X_test"))]
    assert (told(test), len(looked)) == (shared, 2)
    assert (told(test.copy()), len(looked)) == (shared, 0)
    assert (told(test, "others"), len(looked)) == ([("rows_shared", ("X_train", "others"))], 2)
    test += 1
    assert (told(test), len(looked)) == ([], 2)
    verdicts = Verdicts(lambda value: f"sampled:{fingerprint(value)}")
    assert told(test) == told(test) == []
    assert len(looked) == 2


def below(
    value: float, trivial: float | None, higher: bool | None, function: str = "accuracy_score"
) -> list[str]:
    return codes(
        None, None, None, None, value=value, trivial=trivial, higher_is_better=higher, function=function
    )


def test_a_score_below_the_baseline_is_named() -> None:
    assert below(0.7, 0.8, True) == ["below_baseline"]
    assert below(0.81, 0.8, True) == []
    assert below(-0.2, 0.0, True, "sklearn.metrics._regression.r2_score") == ["below_baseline"]
    assert below(9.0, 8.0, False, "mean_squared_error") == ["below_baseline"]
    assert below(7.0, 8.0, False, "mean_squared_error") == []
    assert below(8.01, 8.0, False, "mean_squared_error") == []
    assert below(0.0, 0.9, True, "f1_score") == []
    found = find_nonsense([], [Scoring("m", "my_rmse", 9.0, trivial=8.0, higher_is_better=False)])
    assert "always predicting the mean (8)" in found[0].message
    assert below(0.1, None, True) == []


Y = pd.Series(RANDOM.integers(0, 3, 300), name="target")
COPIES = {
    "shifted and scaled": lambda y: 3.5 * y - 2,
    "negative": lambda y: -y,
    "renamed classes": lambda y: y.map({0: 7, 1: 2, 2: 5}),
    "names for numbers": lambda y: y.map({0: "low", 1: "middle", 2: "high"}),
    "a category": lambda y: y.map({0: "low", 1: "middle", 2: "high"}).astype("category"),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_disguised_copy_of_the_target_is_named(name: str) -> None:
    X = pd.DataFrame({"a": RANDOM.random(300), "copy": COPIES[name](Y)})
    assert codes(X, Y, None, None) == ["target_among_features"]


def test_a_copy_in_an_array_and_in_a_regression_is_named() -> None:
    y = RANDOM.random(5_000)
    X = np.column_stack([RANDOM.random(5_000), 2 * y + 1])
    assert codes(X, y, None, None) == ["target_among_features"]
    X[-1, 1] += 1
    assert codes(X, y, None, None) == []


def test_a_strong_feature_is_no_copy() -> None:
    y = Y.to_numpy()
    almost = y.copy()
    almost[0] = (almost[0] + 1) % 3
    X = pd.DataFrame({"a": RANDOM.random(300), "almost": almost, "unique": np.arange(300) + 1000 * y})
    assert codes(X, y, None, None) == []


def test_a_jump_of_the_classes_is_named() -> None:
    y = np.sort(datasets.load_iris(return_X_y=True)[1])
    X = RANDOM.random((150, 4))
    assert codes(X[:100], y[:100], X[100:], y[100:]) == ["class_balance"]
    names = np.array(["no"] * 90 + ["yes"] * 10)
    other = np.array(["no"] * 30 + ["yes"] * 30)
    assert codes(X[:100], names, X[90:], other)[-1] == "class_balance"


def test_training_rows_balanced_on_purpose_are_no_jump() -> None:
    X = RANDOM.random((200, 4))
    balanced, natural = np.array([0, 1] * 50), np.array([0] * 90 + [1] * 10)
    assert codes(X[:100], balanced, X[100:], natural) == []


def dated(order: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": RANDOM.random(100), "b": 1.0}, index=pd.date_range("2024", periods=100)[order])


def test_training_rows_newer_than_the_test_are_named() -> None:
    order = RANDOM.permutation(100)
    y = np.array([0, 1] * 50)
    shuffled, sorted_ = dated(order), dated(np.arange(100))
    assert codes(shuffled[:70], y[:70], shuffled[70:], y[70:]) == ["split_over_time"]
    assert codes(sorted_[:70], y[:70], sorted_[70:], y[70:]) == []


def time_codes(name: str, *ancestors: str, **tables: Any) -> list[str]:
    found = find_time_leaks([(name, ancestors)] if name else [], tables, list(tables))
    assert all(warning.hint for warning in found)
    return [warning.code for warning in found]


def test_a_random_split_of_time_stamped_rows_is_named() -> None:
    plain = pd.DataFrame({"a": RANDOM.random(100)})
    stamped = plain.assign(when=pd.date_range("2024-01-01", periods=100))
    texts = plain.assign(date=stamped["when"].dt.strftime("%Y-%m-%d"))
    assert time_codes("X", X=dated(np.arange(100))) == ["split_over_time"]
    assert time_codes("X", "df", X=plain, df=stamped) == ["split_over_time"]
    assert time_codes("X", "df", X=plain, df=texts) == ["split_over_time"]
    assert time_codes("X", "df", X=plain, df=plain) == []
    # Customers have a birthday; they are no time series.
    assert time_codes("X", "df", X=plain, df=stamped.sample(frac=1, random_state=0)) == []


def test_time_stamps_that_have_not_come_yet_are_named() -> None:
    frame = pd.DataFrame({"when": pd.date_range("2020-01-01", periods=5)})
    assert time_codes("", df=frame) == []
    frame.loc[3, "when"] = pd.Timestamp("2190-01-01")
    assert time_codes("", df=frame) == ["future_timestamps"]


@pytest.mark.parametrize(
    "odd",
    [None, 3, "text", [1, 2], iter([]), np.array(None), pd.DataFrame(), pd.DataFrame({"a": [[1], [2]]})],
)
def test_odd_values_are_passed_over(odd: Any, hostile: Any) -> None:
    assert codes(odd, odd, odd, odd) == []
    assert codes(hostile, hostile, hostile, hostile) == []
