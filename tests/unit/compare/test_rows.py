"""Metrics and parameters side by side, and whether they compare."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from sample_runs import deeper_run, evaluation, sample_run

from jupyter_mlops.compare import compare_runs
from jupyter_mlops.errors import UsageError
from jupyter_mlops.records import Evaluation, MetricDetail

if TYPE_CHECKING:
    from jupyter_mlops.compare.findings import MetricRow


def row(
    metrics: list[float | None], name: str = "accuracy", evaluations: list[Evaluation | None] | None = None
):
    """The metric's row over runs that have these values."""
    runs = []
    for number, value in enumerate(metrics, 1):
        known = evaluations[number - 1] if evaluations else None
        details = {name: MetricDetail(origin="call", evaluation=known)}
        runs.append(
            sample_run(number, metrics={} if value is None else {name: value}, metric_details=details)
        )
    record = compare_runs(runs)
    found: MetricRow = next(r for r in record.metrics if r.name == name)
    return found, [run.run_id for run in runs]


def test_values_changes_and_best() -> None:
    found, ids = row([0.9, 0.93, 0.91])
    assert found.changes == {ids[1]: pytest.approx(0.03), ids[2]: pytest.approx(0.01)}
    assert found.best == ids[1]
    assert found.comparable
    assert found.reason == ""


def test_what_is_not_finite_is_never_best() -> None:
    found, ids = row([0.9, 0.93, math.inf, math.nan])
    assert found.best == ids[1]


def test_the_best_loss_is_the_lowest() -> None:
    found, ids = row([0.9, 0.93, 0.91], name="loss")
    assert found.best == ids[0]


def test_nothing_is_best_when_all_are_equal_or_alone_or_nan() -> None:
    assert row([0.9, 0.9])[0].best == ""
    assert row([0.9, None])[0].best == ""
    assert row([0.9, float("nan")])[0].best == ""


def test_nan_never_wins() -> None:
    found, ids = row([float("nan"), 0.2, 0.3], name="loss")
    assert found.best == ids[1]
    assert math.isnan(found.changes[ids[1]])


def test_a_metric_of_unknown_direction_has_no_best_and_says_so() -> None:
    found, _ = row([1.0, 2.0], name="answer")
    assert found.best == ""
    assert found.comparable
    assert "higher is better" in found.reason


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (evaluation(), evaluation(86, "other"), "scored on other rows: 114 vs 86"),
        (evaluation(), evaluation(114, "other"), "scored on other rows of y_test (114 in each)"),
        (evaluation(), evaluation(function="mine"), "scored by another function: accuracy_score vs mine"),
        (
            evaluation(function="sklearn.metrics.accuracy_score"),
            evaluation(function="sklearn.metrics.balanced_accuracy_score"),
            "scored by another function: accuracy_score vs balanced_accuracy_score",
        ),
        (
            evaluation(function="mine.score"),
            evaluation(function="theirs.score"),
            "scored by another function: mine.score vs theirs.score",
        ),
        (
            Evaluation(function="mine", function_hash="a"),
            Evaluation(function="mine", function_hash="b"),
            "the code of mine changed",
        ),
    ],
)
def test_other_evaluations_are_not_comparable(first: Evaluation, second: Evaluation, reason: str) -> None:
    found, _ = row([0.9, 0.95], evaluations=[first, second])
    assert not found.comparable
    assert found.reason == reason
    assert found.best == ""


@pytest.mark.parametrize("second", [None, Evaluation(function="accuracy_score")])
def test_where_little_is_known_nothing_speaks_against_comparing(second: Evaluation | None) -> None:
    found, ids = row([0.9, 0.95], evaluations=[evaluation(), second])
    assert found.comparable
    assert found.reason == ""
    assert found.best == ids[1]


def test_a_run_without_the_metric_does_not_spoil_the_others() -> None:
    found, ids = row([0.9, 0.95, None], evaluations=[evaluation(), evaluation(), evaluation(86, "other")])
    assert found.comparable
    assert found.best == ids[1]


def params(*settings: dict[str, Any]) -> dict[str, bool]:
    runs = [sample_run(n, params=setting) for n, setting in enumerate(settings, 1)]
    return {r.name: r.differs for r in compare_runs(runs).params}


def test_parameters_that_differ_come_first() -> None:
    assert list(params({"a": 1, "b": 2}, {"a": 1, "b": 3}).items()) == [("b", True), ("a", False)]


def test_plain_names_come_before_nested_settings() -> None:
    assert list(params({"svc__C": 1, "depth": 2}, {"svc__C": 2, "depth": 3})) == ["depth", "svc__C"]


def test_a_missing_parameter_differs_even_from_none() -> None:
    assert params({"a": None}, {}) == {"a": True}


def test_kinds_and_nan() -> None:
    assert params({"a": True}, {"a": 1}) == {"a": True}
    assert params({"a": 1}, {"a": 1.0}) == {"a": False}
    assert params({"a": float("nan")}, {"a": float("nan")}) == {"a": False}


def test_the_reference_can_be_chosen() -> None:
    first, second = sample_run(1), deeper_run(2)
    record = compare_runs([first, second], reference=second.run_id)
    assert record.reference == second.run_id
    assert record.metrics[0].changes == {first.run_id: pytest.approx(-0.02105, abs=1e-4)}


def test_a_run_given_twice_is_shown_once() -> None:
    run = sample_run(1)
    assert len(compare_runs([run, run, deeper_run(2)]).runs) == 2


def test_bad_input_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="no run to compare"):
        compare_runs([])
    with pytest.raises(UsageError, match="not among"):
        compare_runs([sample_run(1)], reference="nobody")
