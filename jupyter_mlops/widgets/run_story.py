"""How a run ended, what it left and what changed since the one before, in words."""

from __future__ import annotations

import re

from jupyter_mlops.compare.differences import Differences, describe_data
from jupyter_mlops.compare.wording import count, format_duration, join_words, run_label
from jupyter_mlops.records import Run, Status

SHOWN_PARAMS = 4
_DATASETS = 3
_REASONS = {
    "interrupted": "interrupted after {}",
    "kernel_died": "the kernel died, last heard of after {}",
}


def ending_words(run: Run) -> str:
    """How the run stands: ``finished in 1.24 s``, ``failed after 38 ms``, ``interrupted after 12.1 s``."""
    duration = format_duration(run.duration)
    if run.status is Status.FINISHED:
        return f"finished in {duration}" if run.duration is not None else "finished"
    if run.status is Status.FAILED:
        return f"failed after {duration}" if run.duration is not None else "failed"
    if run.status is Status.KILLED:
        told = _REASONS.get(run.status_reason, "stopped after {}")
        return told.format(duration) if run.duration is not None else re.split(",| after", told)[0]
    return f"running for {duration}" if run.duration is not None else "running"


def children_words(run: Run) -> str:
    """How many children a run has, and what to type to see them side by side."""
    label = run_label(run)
    tries = count(run.children, "child run", "child runs")
    return f"{tries}, {label}.1 to {label}.{run.children}: `%runs --children {label}`, `%compare {label}`"


def recorded_words(run: Run) -> str:
    """What a run without a metric left behind, so that nobody thinks it was lost."""
    figures = sum(artifact.kind == "figure" for artifact in run.artifacts)
    parts = [
        count(len(run.params), "param"),
        count(len({(dataset.name, dataset.role) for dataset in run.datasets}), "dataset"),
        count(len(run.models), "model"),
        count(figures, "figure"),
    ]
    kept = join_words(part for part in parts if not part.startswith("0 "))
    opening = "No metric yet" if run.status is not Status.FINISHED else "No metric in this cell"
    return f"{opening}; kept: {kept}." if kept else f"{opening}."


def code_words(changes: Differences) -> list[str]:
    """``code same`` or ``code 2 lines changed``; nothing when no code is known."""
    return [f"code {changes.describe_code()}"] if changes.code else []


def data_words(changes: Differences) -> list[str]:
    """``data same``, or one phrase for each dataset that is not the same, the first three.

    ``files same`` says that code made other tables of the same files.
    """
    described = describe_data(changes.telling_data)
    if described and all(told == "same" for _, told in described):
        return ["files same" if changes.derived else "data same"]
    changed = [f"data {name} {told}" for name, told in described if told != "same"]
    if len(changed) > _DATASETS:
        changed[_DATASETS:] = [f"data {count(len(changed) - _DATASETS, 'more dataset')} changed"]
    return changed


def param_words(changes: Differences, run: Run) -> list[str]:
    """``params same``, or one phrase for each parameter that changed, the first four."""
    params = changes.params
    if not params:
        return ["params same"] if run.params else []
    words = [change.describe() for change in params[:SHOWN_PARAMS]]
    if len(params) > SHOWN_PARAMS:
        words.append(f"{count(len(params) - SHOWN_PARAMS, 'more param')} changed")
    return words
