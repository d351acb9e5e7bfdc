"""Runs in, one `RunComparison` out: the substance that every view of a comparison shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.errors import UsageError
from jupyter_mlops.records import Curve, Run, RunComparison, RunSummary

from .differences import Differences, differences_between
from .rows import metric_rows, param_rows
from .summary import summarize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def compare_runs(
    runs: Sequence[Run],
    curves: Mapping[str, Mapping[str, Curve]] | None = None,
    reference: str | None = None,
) -> RunComparison:
    """Put runs side by side.

    Args:
        runs: Complete runs, in the order they are to be shown; a run given twice is shown once.
        curves: Curves by metric, then by ``run_id``.
        reference: The ``run_id`` the others are held against; default: the first run.

    Raises:
        UsageError: There is no run, or the reference is not among them.
    """
    unique = list({run.run_id: run for run in runs}.values())
    if not unique:
        raise UsageError("There is no run to compare.", "Name at least two runs, for example #12 #14.")
    base = unique[0]
    if reference is not None:
        found = next((run for run in unique if run.run_id == reference), None)
        if found is None:
            raise UsageError(
                f"The reference {reference!r} is not among the compared runs.",
                "Name one of the runs you compare as the reference.",
            )
        base = found
    differences: dict[str, Differences] = {
        run.run_id: differences_between(base, run) for run in unique if run is not base
    }
    metrics = metric_rows(unique, base)
    return RunComparison(
        runs=tuple(summary_of(run) for run in unique),
        reference=base.run_id,
        summary=summarize(unique, base, differences, metrics),
        metrics=metrics,
        params=param_rows(unique, base),
        code=tuple(item for found in differences.values() for item in found.code),
        data=tuple(item for found in differences.values() for item in found.data),
        environment=tuple(item for found in differences.values() for item in found.environment),
        curves={metric: dict(by_run) for metric, by_run in (curves or {}).items() if by_run},
        warnings={run.run_id: run.warnings for run in unique if run.warnings},
    )


def summary_of(run: Run) -> RunSummary:
    """What a list of runs shows of `run`."""
    return RunSummary(
        run_id=run.run_id,
        number=run.number,
        name=run.name,
        experiment=run.experiment,
        status=run.status,
        start_time=run.start_time,
        status_reason=run.status_reason,
        duration=run.duration,
        params=run.params,
        metrics=run.metrics,
        tags=run.tags,
        note=run.note,
        notebook=run.notebook,
        cell_id=run.cell_id,
        parent_id=run.parent_id,
        curves=run.curves,
        warning_count=len(run.warnings),
        parent_number=run.parent_number,
        children=run.children,
    )
