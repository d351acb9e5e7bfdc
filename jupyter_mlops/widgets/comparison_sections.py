"""The sections of a comparison that fold: data, code, environment, warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.compare.alike import alike
from jupyter_mlops.compare.code_differences import changed_line_count
from jupyter_mlops.compare.wording import NOTHING, count, join_words

from .comparison_tables import run_header
from .small_pictures import spread_pictures
from .theme import SEVERITY_COLORS, SEVERITY_ICONS, code, fold, muted, prose, span, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_mlops.compare.findings import CodeDifference, RunComparison
    from jupyter_mlops.compare.palette import Look

_OPEN_LINES = 30
_LINES = 400
_INDENT = "margin:2px 0 4px 14px"


def data_section(record: RunComparison, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """Which datasets are other, and how."""
    if not record.data:
        return ""
    parts, changed_total = [], 0
    for run_ids, found in alike(_others(record, labels), record.data):
        changed = [difference for difference in found if difference.change != "same"]
        same = [difference for difference in found if difference.change == "same"]
        changed_total += len(changed) * len(run_ids)
        lines = [
            f"<div>{code(d.name)} <b>{text(d.change)}</b>: {prose('; '.join(d.sentences))}</div>"
            + spread_pictures(d.columns)
            if d.sentences
            else f"<div>{code(d.name)} <b>{text(d.change)}</b></div>"
            for d in changed
        ]
        if same:
            lines.append(f"<div>{muted('the same: ' + join_words(code(d.name) for d in same))}</div>")
        parts.append(_for_runs(run_ids, labels, looks, "".join(lines), len(labels) > 2))
    told = f"{count(changed_total, 'difference')}" if changed_total else "the same"
    return fold(f"<b>Data</b> {muted(told)}", "".join(parts), opened=bool(changed_total))


def code_section(record: RunComparison, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """The code as executed, cell by cell, where it differs."""
    if not record.code:
        return ""
    parts = []
    for run_ids, found in alike(_others(record, labels), record.code):
        changed = [difference for difference in found if difference.change != "same"]
        lines = [_cell(difference) for difference in changed]
        if len(found) > len(changed):
            kept = count(len(found) - len(changed), "cell")
            lines.append(f"<div>{muted(f'{kept} the same')}</div>")
        parts.append(_for_runs(run_ids, labels, looks, "".join(lines), len(labels) > 2))
    changed = [difference for difference in record.code if difference.change != "same"]
    lines_changed = changed_line_count(changed)
    told = f"{count(lines_changed, 'line')} changed" if lines_changed else "the same"
    moved = sum(difference.change == "moved" for difference in changed)
    if moved:
        told = f"{told}, {count(moved, 'cell')} moved"
    total = sum(len(difference.lines) for difference in changed)
    return fold(
        f"<b>Code</b> {muted(told)}",
        "".join(parts),
        opened=0 < total <= (_OPEN_LINES // 2 if record.curves else _OPEN_LINES),
    )


def environment_section(record: RunComparison, labels: Mapping[str, str]) -> str:
    """Packages, interpreter, commit and seeds that differ."""
    if not record.environment:
        return ""
    rows = "".join(
        f"<div>{muted(text(labels.get(d.run_id, d.run_id)))} {code(d.name)} "
        f"{text(d.reference or NOTHING)} → <b>{text(d.value or NOTHING)}</b></div>"
        for d in record.environment
    )
    told = count(len(record.environment), "difference")
    return fold(f"<b>Environment</b> {muted(told)}", f'<div style="{_INDENT}">{rows}</div>')


def warnings_section(record: RunComparison, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """What each run warned of."""
    parts, total = [], 0
    for run_id, warnings in record.warnings.items():
        if run_id not in labels or not warnings:
            continue
        total += len(warnings)
        lines = "".join(
            f"<div>{span(SEVERITY_ICONS[w.severity], style=f'color:{SEVERITY_COLORS[w.severity]}')} "
            f"{prose(w.message)} {muted(prose(w.hint))}</div>"
            for w in warnings
        )
        parts.append(_for_runs([run_id], labels, looks, lines, True))
    return fold(f"<b>Warnings</b> {muted(str(total))}", "".join(parts)) if parts else ""


def _cell(difference: CodeDifference) -> str:
    moved = f" {muted(text(difference.moved))}" if difference.moved else ""
    title = f"<div>{muted(text(difference.change))} {code(difference.title)}{moved}</div>"
    if not difference.lines:
        return title
    shown = difference.lines[:_LINES]
    # Without the stylesheet the signs alone tell; the colours only help.
    body = "".join(_diff_line(line) for line in shown)
    if len(difference.lines) > _LINES:
        body += muted(f"⋯ {len(difference.lines) - _LINES} more lines")
    return (
        f'{title}<pre style="margin:2px 0 6px 0;font-size:12px;line-height:1.4;overflow-x:auto;'
        f'white-space:pre">{body}</pre>'
    )


def _diff_line(line: str) -> str:
    kinds = {"+": ("add", "rgba(10,108,171,0.16)"), "-": ("remove", "rgba(200,97,15,0.16)")}
    kind, color = kinds.get(line[:1], ("", ""))
    style = f' style="display:block;background-color:{color}"' if kind else ' style="display:block"'
    return f"<span{style}>{text(line) or ' '}</span>"


def _for_runs(
    run_ids: Sequence[str], labels: Mapping[str, str], looks: Mapping[str, Look], content: str, named: bool
) -> str:
    headers = " ".join(run_header(run_id, labels, looks) for run_id in run_ids)
    head = f"<div><b>{headers}</b></div>" if named else ""
    return f'<div style="{_INDENT}">{head}{content}</div>'


def _others(record: RunComparison, labels: Mapping[str, str]) -> list[str]:
    return [run_id for run_id in labels if run_id != record.reference]
