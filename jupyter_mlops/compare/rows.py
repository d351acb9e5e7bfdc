"""Metrics and parameters of several runs, side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .comparability import judge_apart, judge_metric
from .directions import known_direction
from .findings import MetricRow, ParamRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jupyter_mlops.records import MetricValue, ParamValue, Run

UNKNOWN_DIRECTION = "whether higher is better is not known"


def metric_rows(
    runs: Sequence[Run], reference: Run, directions: Mapping[str, bool] | None = None
) -> tuple[MetricRow, ...]:
    """One row a metric, in the order the reference has them, then as the others bring them.

    `directions` are what people said of metrics: whether higher is better.
    """
    return tuple(
        _metric_row(name, runs, reference, directions or {}) for name in _names(reference, runs, "metrics")
    )


def param_rows(runs: Sequence[Run], reference: Run) -> tuple[ParamRow, ...]:
    """One row a parameter: those that differ first, plain names before nested settings."""
    rows = []
    for name in _names(reference, runs, "params"):
        values = {run.run_id: run.params[name] for run in runs if name in run.params}
        rows.append(ParamRow(name=name, values=values, differs=not _all_equal(values.values(), len(runs))))
    return tuple(sorted(rows, key=lambda row: (not row.differs, "__" in row.name)))


def best_run(values: dict[str, MetricValue], higher_is_better: bool | None) -> str:
    """The ``run_id`` with the best finite number; empty when nothing stands out."""
    numbers = {run_id: value for run_id, value in values.items() if math.isfinite(value)}
    if higher_is_better is None or len(numbers) < 2 or len(set(numbers.values())) < 2:
        return ""
    choose = max if higher_is_better else min
    return choose(numbers, key=lambda run_id: numbers[run_id])


def params_equal(first: ParamValue, second: ParamValue) -> bool:
    """Whether two parameter values are the same setting: kinds count, NaN equals NaN."""
    if isinstance(first, bool) is not isinstance(second, bool):
        return False
    if isinstance(first, float) and isinstance(second, float) and math.isnan(first) and math.isnan(second):
        return True
    return first == second


def _metric_row(name: str, runs: Sequence[Run], reference: Run, directions: Mapping[str, bool]) -> MetricRow:
    values = {run.run_id: run.metrics[name] for run in runs if name in run.metrics}
    base = values.get(reference.run_id)
    changes = {
        run_id: value - base
        for run_id, value in values.items()
        if base is not None and run_id != reference.run_id
    }
    direction, source = known_direction(name, runs, directions)
    comparable, reason = judge_metric(name, runs)
    apart = judge_apart(name, runs, reference)
    together = {run_id: value for run_id, value in values.items() if run_id not in apart}
    if comparable and direction is None:
        reason = UNKNOWN_DIRECTION
    return MetricRow(
        name=name,
        values=values,
        changes=changes,
        higher_is_better=direction,
        best=best_run(together, direction) if comparable or len(together) > 1 else "",
        comparable=comparable,
        reason=reason,
        apart=apart,
        direction_from=source,
    )


def _names(reference: Run, runs: Sequence[Run], field: str) -> list[str]:
    ordered = [reference, *(run for run in runs if run is not reference)]
    return list(dict.fromkeys(name for run in ordered for name in getattr(run, field)))


def _all_equal(values: Iterable[ParamValue], expected: int) -> bool:
    listed = list(values)
    return len(listed) == expected and all(params_equal(listed[0], value) for value in listed[1:])
