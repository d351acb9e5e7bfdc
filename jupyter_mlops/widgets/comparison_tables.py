"""The metric and parameter tables of a comparison."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jupyter_mlops.compare.stories import apart_lines
from jupyter_mlops.compare.tables import direction_mark, is_best, metric_cells
from jupyter_mlops.compare.wording import NOTHING, count, exact, format_change, format_value

from .theme import BETTER, GOOD, LINE, WORSE, code, fold, muted, prose, span, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_mlops.compare.findings import MetricRow, ParamRow, RunComparison
    from jupyter_mlops.compare.palette import Look

# Beyond this many runs, runs become rows: a page scrolls down more gladly than sideways.
_WIDE = 6
_METRICS = 12
_PARAMS = 12
_NUMBER = f"padding:2px 6px 2px 0;border:0;border-bottom:{LINE};white-space:nowrap"
_NAME = (
    f"padding:2px 16px 2px 0;border:0;border-bottom:{LINE};text-align:left;font-weight:normal;max-width:260px"
)
_CELL = f"padding:2px 16px 2px 0;border:0;border-bottom:{LINE};white-space:nowrap"


def metric_table(record: RunComparison, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """Metrics side by side: the best marked, changes against the reference, reasons below."""
    if not record.metrics:
        return muted("None of these runs has a metric.")
    run_ids = list(labels)
    notes: list[str] = []
    names, cells = [], []
    for row in record.metrics:
        note = ""
        if not row.comparable:
            notes.append(
                f"<sup>{len(notes) + 1}</sup> {code(row.name)} is not comparable: {prose(row.reason)}"
            )
            note = f"<sup>{len(notes)}</sup>"
            notes[-1] += "".join(f"<br>{text(line.strip())}" for line in apart_lines(row, dict(labels)))
        names.append(f"{_metric_name(row)}{note}")
        numbers = metric_cells(row, run_ids)
        cells.append(
            [_metric_cell(row, run_id, shown) for run_id, shown in zip(run_ids, numbers, strict=True)]
        )
    headers = [run_header(run_id, labels, looks) for run_id in run_ids]
    below = "".join(f"<div>{muted(note)}</div>" for note in notes)
    if len(run_ids) > _WIDE:
        return _across("run", headers, names, cells) + below
    table = _table("metric", headers, names[:_METRICS], cells[:_METRICS])
    if len(names) > _METRICS:
        rest = _table("metric", headers, names[_METRICS:], cells[_METRICS:])
        table += fold(muted(count(len(names) - _METRICS, "more metric")), rest)
    return table + below


def param_table(record: RunComparison, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """The parameters that differ; the names of the others in one line."""
    run_ids = list(labels)
    differing = [row for row in record.params if row.differs]
    same = [row for row in record.params if not row.differs]
    kept = ""
    if same:
        listed = ", ".join(f"{code(row.name)} {text(format_value(_any(row)))}" for row in same)
        kept = fold(muted(f"{count(len(same), 'parameter')} the same in every run"), f"<div>{listed}</div>")
    if not differing:
        return kept
    # A pipeline's nested settings have long names; they may break where they nest.
    names = [code(row.name).replace("__", "__<wbr>") for row in differing]
    cells = [[(_param_cell(row, run_id, record.reference), "") for run_id in run_ids] for row in differing]
    headers = [run_header(run_id, labels, looks) for run_id in run_ids]
    if len(run_ids) > _WIDE:
        return _across("run", headers, names, cells) + kept
    table = _table("parameter", headers, names[:_PARAMS], cells[:_PARAMS])
    if len(names) > _PARAMS:
        rest = _table("parameter", headers, names[_PARAMS:], cells[_PARAMS:])
        table += fold(muted(f"{count(len(names) - _PARAMS, 'more parameter')} that differ"), rest)
    return table + kept


def run_header(run_id: str, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """A run's label with its mark in its colour."""
    look = looks[run_id]
    return f"{span(look.mark, style=f'color:{look.color}')}&nbsp;{text(labels[run_id])}"


def _metric_name(row: MetricRow) -> str:
    told = {True: "higher is better", False: "lower is better", None: row.reason}[row.higher_is_better]
    mark = direction_mark(row)
    return f"{text(row.name)}&nbsp;{muted(mark, title=told)}" if mark else span(text(row.name), title=told)


def _metric_cell(row: MetricRow, run_id: str, shown: str) -> tuple[str, str]:
    """The number, and beside it the star and the change, so that numbers stand in a column."""
    if run_id not in row.values:
        return muted(NOTHING), ""
    best = is_best(row, run_id)
    number = span(f"<b>{text(shown)}</b>" if best else text(shown), title=exact(row.values[run_id]))
    star = span("★", kind="good", style=f"color:{GOOD}", title="best") + " " if best else ""
    change = row.changes.get(run_id)
    if change is None or run_id in row.apart:
        return number, star
    written = span(text(format_change(change)), title=exact(change))
    effect = row.effects.get(run_id)
    sure = ""
    if effect is not None:
        sure = " " + muted(text(effect.interval), title=f"{effect.sentence} ({effect.method})")
        told = {"noise": " noise", "too few": " too few to tell"}.get(effect.verdict)
        sure += muted(told) if told else ""
    doubted = effect is not None and effect.verdict in ("noise", "too few")
    if change == 0 or not math.isfinite(change) or row.higher_is_better is None or doubted:
        return number, star + muted(written) + sure
    better = (change > 0) is row.higher_is_better
    kind, color = ("better", BETTER) if better else ("worse", WORSE)
    told = "better than the reference" if better else "worse than the reference"
    return number, star + span(written, kind=kind, style=f"color:{color}", title=told) + sure


def _param_cell(row: ParamRow, run_id: str, reference: str) -> str:
    if run_id not in row.values:
        return muted(NOTHING, title="not set")
    value = row.values[run_id]
    shown = span(text(format_value(value, 40)), title=exact(value))
    changed = run_id != reference and (reference not in row.values or row.values[reference] != value)
    return f"<b>{shown}</b>" if changed else shown


def _any(row: ParamRow) -> object:
    return next(iter(row.values.values()), None)


def _table(
    corner: str, headers: Sequence[str], names: Sequence[str], cells: Sequence[Sequence[tuple[str, str]]]
) -> str:
    head = "".join(f'<th scope="col" colspan="2" style="{_CELL};text-align:left">{h}</th>' for h in headers)
    first = f'<th scope="col" style="{_CELL};text-align:left;font-weight:normal">{muted(corner)}</th>'
    body = "".join(
        f'<tr><th scope="row" style="{_NAME}">{name}</th>'
        + "".join(
            f'<td style="{_NUMBER};text-align:right">{number}</td>'
            f'<td style="{_CELL};text-align:left">{beside}</td>'
            for number, beside in row
        )
        + "</tr>"
        for name, row in zip(names, cells, strict=True)
    )
    return (
        f'<table style="border-collapse:collapse;border:0"><thead><tr>{first}{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _across(
    corner: str, headers: Sequence[str], names: Sequence[str], cells: Sequence[Sequence[tuple[str, str]]]
) -> str:
    return _table(corner, names, headers, [list(column) for column in zip(*cells, strict=True)])
