"""Runs in, one `RunComparison` out: the substance that every view of a comparison shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.errors import UsageError
from jupyter_mlops.records import Curve, Run, RunSummary, within_floats

from .differences import Differences, differences_between
from .figures import figure_rows
from .findings import RunComparison
from .ideas import descents_of, frontiers_of, hypotheses_of, ideas_of
from .influences import influences_of
from .palette import run_styles
from .rows import metric_rows, param_rows
from .seeds import seed_groups
from .summary import leading_metric, summarize
from .wording import run_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .evidence import Evidence


def compare_runs(
    runs: Sequence[Run],
    curves: Mapping[str, Mapping[str, Curve]] | None = None,
    reference: str | None = None,
    *,
    directions: Mapping[str, bool] | None = None,
    evidence: Evidence | None = None,
) -> RunComparison:
    """Put runs side by side.

    Args:
        runs: Complete runs, in the order they are to be shown; a run given twice is shown once.
        curves: Curves by metric, then by ``run_id``.
        reference: The ``run_id`` the others are held against; default: the first run.
        directions: What people said of metrics: whether higher is better.
        evidence: The runs' predictions, where they were kept.

    Raises:
        UsageError: There is no run, or the reference is not among them.
    """
    unique = list({run.run_id: within_floats(run) for run in runs}.values())
    base = _reference(unique, reference)
    differences: dict[str, Differences] = {
        run.run_id: differences_between(base, run) for run in unique if run is not base
    }
    metrics = metric_rows(unique, base, directions)
    if evidence is not None:
        metrics = evidence.weigh(metrics, unique, base)
    params = param_rows(unique, base)
    groups = seed_groups(unique, metrics)
    leading = leading_metric(metrics)
    summaries = tuple(summary_of(run) for run in unique)
    return RunComparison(
        runs=summaries,
        reference=base.run_id,
        summary=summarize(unique, base, differences, metrics, groups),
        metrics=metrics,
        params=params,
        code=tuple(item for found in differences.values() for item in found.code),
        data=tuple(item for found in differences.values() for item in found.data),
        environment=tuple(item for found in differences.values() for item in found.environment),
        curves={metric: dict(by_run) for metric, by_run in (curves or {}).items() if by_run},
        warnings={run.run_id: run.warnings for run in unique if run.warnings},
        leading_metric=leading.name if leading is not None else "",
        figures=figure_rows(unique),
        hypotheses=hypotheses_of(unique),
        groups=groups,
        losses=evidence.losses(leading, unique, base) if evidence is not None else (),
        influences=influences_of(leading, params, [run.run_id for run in unique]),
        frontiers=frontiers_of(unique, metrics),
        ideas=ideas_of(unique, metrics),
        descents=descents_of(unique, run_labels(unique)),
        styles=run_styles(summaries),
    )


def _reference(runs: Sequence[Run], reference: str | None) -> Run:
    if not runs:
        raise UsageError("There is no run to compare.", "Name at least two runs, for example #12 #14.")
    if reference is None:
        return runs[0]
    found = next((run for run in runs if run.run_id == reference), None)
    if found is None:
        raise UsageError(
            f"The reference {reference!r} is not among the compared runs.",
            "Name one of the runs you compare as the reference.",
        )
    return found


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
