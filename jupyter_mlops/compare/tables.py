"""A comparison as plain text: for a terminal, and wherever a notebook can show nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .alike import alike
from .code_differences import changed_line_count
from .layout import display_width, render_table
from .stories import (
    apart_lines,
    effect_lines,
    figures_text,
    frontier_text,
    hypotheses_text,
    ideas_text,
    influences_text,
    lineage_text,
    losses_text,
    seeds_text,
    spread_lines,
)
from .wording import (
    NOTHING,
    count,
    encodable,
    format_change,
    format_duration,
    format_row,
    format_value,
    join_labels,
    join_words,
    run_labels,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .findings import MetricRow, RunComparison

BEST = "★"
_DIFF_LINES = 40
_WIDE = 7


def comparison_text(record: RunComparison, *, diff_lines: int = _DIFF_LINES) -> str:
    """Write a comparison for a terminal: summary, metrics, parameters, data, code, environment.

    Args:
        record: The comparison.
        diff_lines: How many lines of each cell's difference to print at most; 0 prints none.
    """
    labels = run_labels(record.runs)
    blocks = [record.summary, _runs_block(record, labels)]
    blocks += [hypotheses_text(record, labels), _metrics_block(record, labels), seeds_text(record, labels)]
    blocks += [influences_text(record), losses_text(record, labels), _data_block(record, labels)]
    blocks += [_params_block(record, labels), _code_block(record, labels, diff_lines)]
    blocks += [_environment_block(record, labels), figures_text(record, labels)]
    blocks += [frontier_text(record, labels), ideas_text(record, labels), lineage_text(record, labels)]
    blocks += [_warnings_block(record, labels)]
    return encodable("\n\n".join(block for block in blocks if block))


def metric_cells(row: MetricRow, run_ids: Sequence[str]) -> list[str]:
    """A metric's numbers in the order of `run_ids`, with equal decimals."""
    return format_row([row.values.get(run_id) for run_id in run_ids])


def is_best(row: MetricRow, run_id: str) -> bool:
    """Whether the run has the best number of the row; ties are all best."""
    if not row.best or run_id not in row.values or run_id in row.apart:
        return False
    return row.values[run_id] == row.values[row.best]


def direction_mark(row: MetricRow) -> str:
    """An arrow for which way the metric is good; empty when that is not known."""
    return {True: "↑", False: "↓", None: ""}[row.higher_is_better]


def _runs_block(record: RunComparison, labels: dict[str, str]) -> str:
    rows = [
        [
            labels[run.run_id] + (" (reference)" if run.run_id == record.reference else ""),
            run.name or NOTHING,
            run.experiment,
            run.status.value.lower(),
            format_duration(run.duration),
        ]
        for run in record.runs
    ]
    return render_table(["run", "name", "experiment", "status", "duration"], rows, left=4)


def _metrics_block(record: RunComparison, labels: dict[str, str]) -> str:
    if not record.metrics:
        return "Metrics\nnone of the runs has one"
    run_ids = [run.run_id for run in record.runs]
    notes: list[str] = []
    marked = 0
    names: list[str] = []
    cells: list[list[tuple[str, str]]] = []
    for row in record.metrics:
        mark = ""
        if not row.comparable:
            marked += 1
            mark = f" [{marked}]"
            notes.append(f"[{marked}] {row.name} is not comparable: {row.reason}")
            notes += apart_lines(row, labels)
        names.append(f"{row.name} {direction_mark(row)}".rstrip() + mark)
        beside = [_beside(row, run_id) for run_id in run_ids]
        cells.append(list(zip(metric_cells(row, run_ids), beside, strict=True)))
    headers = [labels[run_id] for run_id in run_ids]
    if len(run_ids) < _WIDE:
        corner, across, down = "metric", headers, names
        columns = [_aligned(column) for column in zip(*cells, strict=True)]
    else:
        corner, across, down = "run", names, headers
        columns = [_aligned(column) for column in cells]
    rows = [[head, *line] for head, line in zip(down, zip(*columns, strict=True), strict=True)]
    table = render_table([corner, *across], rows, left=len(across) + 1)
    legend = f"{BEST} best   ↑ higher is better   ↓ lower is better   signed: change against the reference"
    return "\n".join(["Metrics", table, *effect_lines(record, labels), *notes, legend])


def _beside(row: MetricRow, run_id: str) -> str:
    """What stands beside a number: its change, and a star on the best."""
    told = run_id in row.changes and run_id not in row.apart
    change = format_change(row.changes[run_id]) if told else ""
    return " ".join(part for part in (change, BEST if is_best(row, run_id) else "") if part)


def _aligned(column: Sequence[tuple[str, str]]) -> list[str]:
    """Numbers to the right, so that their decimals stand under each other, the rest after them."""
    width = max(display_width(number) for number, _ in column)
    return [
        f"{' ' * (width - display_width(number))}{number}  {beside}".rstrip() for number, beside in column
    ]


def _params_block(record: RunComparison, labels: dict[str, str]) -> str:
    differing = [row for row in record.params if row.differs]
    same = [row for row in record.params if not row.differs]
    run_ids = [run.run_id for run in record.runs]
    note = f"{count(len(same), 'parameter')} the same: {join_words(row.name for row in same)}" if same else ""
    if not differing:
        return f"Parameters\n{note}" if note else ""
    cells = [
        [format_value(row.values[run_id], 30) if run_id in row.values else NOTHING for run_id in run_ids]
        for row in differing
    ]
    names = [row.name for row in differing]
    headers = [labels[run_id] for run_id in run_ids]
    if len(run_ids) < _WIDE:
        table = render_table(["parameter", *headers], [[n, *c] for n, c in zip(names, cells, strict=True)])
    else:
        across = zip(headers, zip(*cells, strict=True), strict=True)
        table = render_table(["run", *names], [[label, *values] for label, values in across])
    return "\n".join(line for line in ("Parameters that differ", table, note) if line)


def _data_block(record: RunComparison, labels: dict[str, str]) -> str:
    lines = []
    for run_ids, found in alike(_others(record, labels), record.data):
        label = join_labels([labels[run_id] for run_id in run_ids])
        changed = [difference for difference in found if difference.change != "same"]
        if not changed:
            lines.append(f"{label}: the same ({join_words(difference.name for difference in found)})")
        for difference in changed:
            lines.append(f"{label}: {difference.name} {difference.change}")
            lines += [f"    {sentence}" for sentence in difference.sentences]
            lines += [f"    {line}" for line in spread_lines(difference.columns)]
    return "\n".join(["Data", *lines]) if lines else ""


def _code_block(record: RunComparison, labels: dict[str, str], diff_lines: int) -> str:
    lines = []
    for run_ids, found in alike(_others(record, labels), record.code):
        label = join_labels([labels[run_id] for run_id in run_ids])
        changed = [difference for difference in found if difference.change != "same"]
        if not changed:
            lines.append(f"{label}: the same ({count(len(found), 'cell')})")
        for difference in changed:
            moved = f" ({difference.moved})" if difference.moved else ""
            lines.append(f"{label}: {difference.change}: {difference.title}{moved}")
            lines += [f"    {line}" for line in difference.lines[:diff_lines]]
            if len(difference.lines) > diff_lines:
                lines.append(f"    ⋯ {changed_line_count([difference])} lines changed in all")
    return "\n".join(["Code", *lines]) if lines else ""


def _environment_block(record: RunComparison, labels: dict[str, str]) -> str:
    lines = [
        f"{join_labels([labels[run_id] for run_id in run_ids])}: "
        f"{d.name} {d.reference or NOTHING} → {d.value or NOTHING}"
        for run_ids, found in alike(_others(record, labels), record.environment)
        for d in found
    ]
    return "\n".join(["Environment", *lines]) if lines else ""


def _warnings_block(record: RunComparison, labels: dict[str, str]) -> str:
    lines = [
        f"{labels[run_id]}: {warning.message}{f' {warning.hint}' if warning.hint else ''}"
        for run_id, warnings in record.warnings.items()
        if run_id in labels
        for warning in warnings
    ]
    return "\n".join(["Warnings", *lines]) if lines else ""


def _others(record: RunComparison, labels: dict[str, str]) -> list[str]:
    return [run_id for run_id in labels if run_id != record.reference]
