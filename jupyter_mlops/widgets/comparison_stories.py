"""The sections of a comparison that tell of many runs and of single rows."""

from __future__ import annotations

import base64
import csv
import io
from typing import TYPE_CHECKING

from jupyter_mlops.compare.stories import before_words, ideas_text, lineage_text
from jupyter_mlops.compare.wording import count, exact, format_change, format_row

from .comparison_tables import run_header
from .small_pictures import frontier_picture
from .theme import LINE, fold, muted, prose, span, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_mlops.compare.findings import Losses, RunComparison
    from jupyter_mlops.compare.palette import Look

_INDENT = "margin:2px 0 4px 14px"
_CELL = f"padding:2px 14px 2px 0;border:0;border-bottom:{LINE};text-align:left"
_DRAWABLE = ("image/png", "image/jpeg")
_ROWS = 31


def hypotheses_section(record: RunComparison, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """What was expected of the runs."""
    return "".join(
        f"<div>{run_header(h.run_id, labels, looks)} “{text(h.text)}” "
        f"{muted(before_words(before=h.before))}</div>"
        for h in record.hypotheses
        if h.run_id in labels
    )


def seeds_section(record: RunComparison, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """Runs that differ by their seed only."""
    parts = []
    for group in record.groups:
        runs = " ".join(
            span(run_header(run_id, labels, looks), title=group.seeds.get(run_id, ""))
            for run_id in group.run_ids
        )
        spreads = "".join(
            f'<div title="{text(exact(spread.mean))}"><b>{text(spread.metric)}</b> '
            f"{text(spread.sentence)}</div>"
            for spread in group.spreads
        )
        parts.append(f'<div style="{_INDENT}"><div>{text(group.name)}: {runs}</div>{spreads}</div>')
    return f"<div><b>Only the seed differs</b></div>{''.join(parts)}" if parts else ""


def influences_section(record: RunComparison) -> str:
    """What went together with the leading metric."""
    if not record.influences:
        return ""
    lines = "".join(f"<div>{prose(influence.sentence)}</div>" for influence in record.influences)
    title = f"<b>What went together with {text(record.leading_metric)}</b> {muted('not what caused it')}"
    return fold(title, f'<div style="{_INDENT}">{lines}</div>')


def losses_section(record: RunComparison, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """Where each run gains and loses against the reference."""
    parts = []
    for losses in record.losses:
        head = f"<div>{run_header(losses.run_id, labels, looks)}: {text(losses.sentence)}</div>"
        parts.append(f'<div style="{_INDENT}">{head}{_loss_tables(losses, record, labels)}</div>')
    if not parts:
        return ""
    rows = muted(f"over {count(record.losses[0].rows, 'row')} that both predicted")
    return fold(f"<b>Where it gains and loses</b> {rows}", "".join(parts), opened=len(parts) == 1)


def figures_section(
    record: RunComparison,
    labels: Mapping[str, str],
    looks: Mapping[str, Look],
    figures: Mapping[str, bytes],
) -> str:
    """The figures side by side, as far as their bytes are given; where they are, for the others."""
    parts = []
    for row in record.figures:
        shown: list[str] = []
        for run_id, artifact in row.figures.items():
            if row.same and shown:
                break
            head = run_header(run_id, labels, looks)
            data = figures.get(artifact.digest)
            if data is not None and artifact.media_type == "text/csv":
                picture = _csv_table(data, f"{row.name} of {labels[run_id]}")
            elif data is None or artifact.media_type not in _DRAWABLE:
                picture = muted(text(artifact.path))
            else:
                drawn = base64.b64encode(data).decode()
                picture = (
                    f'<img alt="{text(f"{row.name} of {labels[run_id]}")}" '
                    f'style="max-width:340px;background:#fff" '
                    f'src="data:{artifact.media_type};base64,{drawn}">'
                )
            place = "display:inline-block;margin:0 14px 6px 0;vertical-align:top"
            shown.append(f'<div style="{place}">{head}<br>{picture}</div>')
        same = f" {muted('the same in every run')}" if row.same else ""
        parts.append(f"<div>{text(row.name)}{same}</div><div>{''.join(shown)}</div>")
    told = muted(count(len(parts), "figure"))
    return fold(f"<b>Figures</b> {told}", f'<div style="{_INDENT}">{"".join(parts)}</div>') if parts else ""


def _csv_table(data: bytes, label: str) -> str:
    """A small table kept as CSV, its first row and column as heads."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8", "replace"))))[:_ROWS]
    lines = []
    for place, row in enumerate(rows):
        cells = [
            f'<th style="{_CELL}" scope="{"col" if place == 0 else "row"}">{text(cell)}</th>'
            if place == 0 or column == 0
            else f'<td style="{_CELL}">{text(cell)}</td>'
            for column, cell in enumerate(row[:_ROWS])
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table aria-label="{text(label)}" style="border-collapse:collapse">{"".join(lines)}</table>'


def story_section(record: RunComparison, labels: Mapping[str, str], looks: Mapping[str, Look]) -> str:
    """How the best came about, what each idea cost, which run stands on which."""
    if len(record.runs) < 3:
        return ""
    parts = []
    points = record.frontiers.get(record.leading_metric, ())
    if len(points) > 2:
        parts.append(f"<div>{frontier_picture(points, looks, labels, record.leading_metric)}</div>")
    for told in (ideas_text(record, dict(labels)), lineage_text(record, dict(labels))):
        title, _, body = told.partition("\n")
        if body:
            pre = (
                f'<pre style="margin:2px 0;font-size:12px;line-height:1.4;overflow-x:auto">{text(body)}</pre>'
            )
            parts.append(f"<div>{text(title)}</div>{pre}")
    return fold("<b>How it came about</b>", f'<div style="{_INDENT}">{"".join(parts)}</div>')


def _loss_tables(losses: Losses, record: RunComparison, labels: Mapping[str, str]) -> str:
    ends = [labels[record.reference], labels[losses.run_id]]
    buckets = [[b.name, f"{b.reference:,}", f"{b.run:,}"] for b in losses.buckets]
    slices = [
        [
            part.name,
            f"{part.rows:,}",
            *format_row([part.reference, part.run]),
            format_change(part.change),
            part.interval if part.sure else f"{part.interval}, noise",
        ]
        for part in losses.slices
    ]
    tables = [_table(["rows", *ends], buckets)]
    if slices:
        tables.append(
            _table([f"{losses.measure} where", "rows", *ends, "change", "interval, of all slices"], slices)
        )
    gap = "display:inline-block;margin:2px 28px 6px 0;vertical-align:top"
    return "".join(f'<div style="{gap}">{table}</div>' for table in tables)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col" style="{_CELL};font-weight:normal">{muted(text(h))}</th>' for h in heads)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{text(cell)}</td>' for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<table style="border-collapse:collapse;border:0"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
