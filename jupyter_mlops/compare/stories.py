"""The parts of a comparison as plain text that tell of many runs and of single rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .comparability import apart_groups
from .layout import render_table
from .wording import (
    NOTHING,
    count,
    format_change,
    format_duration,
    format_number,
    format_row,
    join_labels,
    join_words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .findings import ColumnDifference, MetricRow, RunComparison

Labels = dict[str, str]
BARS = " ▁▂▃▄▅▆▇█"
_SPREADS = 6
_SLICES = 6


def hypotheses_text(record: RunComparison, labels: Labels) -> str:
    """What was expected, and whether that was written before the result."""
    lines = [
        f"{labels[h.run_id]}: {h.text} ({before_words(before=h.before)})"
        for h in record.hypotheses
        if h.run_id in labels
    ]
    return "\n".join(["Hypotheses", *lines]) if lines else ""


def before_words(*, before: bool) -> str:
    """How a hypothesis counts."""
    return "written before the result" if before else "post hoc"


def effect_lines(record: RunComparison, labels: Labels) -> list[str]:
    """How sure each change is, where predictions were kept."""
    return [
        f"{labels[run_id]}: {row.name} {format_change(effect.change)} on {count(effect.rows, 'row')}, "
        f"{effect.sentence} ({effect.method}{p_words(effect.p_value)})"
        for row in record.metrics
        for run_id, effect in row.effects.items()
        if run_id in labels
    ]


def p_words(p_value: float | None) -> str:
    """The p-value, where there is one."""
    return "" if p_value is None else f", p = {format_number(p_value, 2)}"


def apart_lines(row: MetricRow, labels: Labels) -> list[str]:
    """Which runs do not compare with the reference, and what they come to on rows that all share."""
    lines = []
    if len(row.values) > 2:
        lines += [
            f"    {join_labels([labels[run_id] for run_id in run_ids])} set apart: {why}"
            for why, run_ids in apart_groups(row.apart).items()
        ]
    if row.rescored:
        shown = format_row(list(row.rescored.values()))
        each = (f"{labels[run_id]} {text}" for run_id, text in zip(row.rescored, shown, strict=True))
        lines.append(f"    rescored on the rows they share: {join_words(each)}")
    return lines


def seeds_text(record: RunComparison, labels: Labels) -> str:
    """Runs that differ by their seed only."""
    lines = []
    for group in record.groups:
        lines.append(f"{group.name}: {join_labels([labels[run_id] for run_id in group.run_ids])}")
        lines += [f"    {spread.metric} {spread.sentence}" for spread in group.spreads]
    return "\n".join(["Only the seed differs", *lines]) if lines else ""


def influences_text(record: RunComparison) -> str:
    """What went together with the leading metric."""
    if not record.influences:
        return ""
    title = f"What went together with {record.leading_metric} (not what caused it)"
    return "\n".join([title, *(influence.sentence for influence in record.influences)])


def losses_text(record: RunComparison, labels: Labels) -> str:
    """Where each run gains and loses against the reference."""
    blocks = []
    reference = labels[record.reference]
    for losses in record.losses:
        label = labels[losses.run_id]
        buckets = [[b.name, str(b.reference), str(b.run)] for b in losses.buckets]
        parts = [
            f"Where {label} gains and loses: {losses.sentence}",
            render_table([f"of {count(losses.rows, 'row')}", reference, label], buckets),
        ]
        slices = [
            [
                part.name,
                f"{part.rows:,}",
                *format_row([part.reference, part.run]),
                format_change(part.change),
                part.interval,
                "" if part.sure else "noise",
            ]
            for part in losses.slices[:_SLICES]
        ]
        if slices:
            heads = [f"{losses.measure} where", "rows", reference, label, "change", "interval", ""]
            parts.append(render_table(heads, slices))
        blocks.append("\n".join(parts))
    return "\n\n".join(blocks)


def spread_lines(columns: Sequence[ColumnDifference]) -> list[str]:
    """The spread of each column that moved, before and after, as a row of bars."""
    lines = []
    for column in columns[:_SPREADS]:
        highest = max(*column.before, *column.after)
        before, after = (bars(shares, highest) for shares in (column.before, column.after))
        lines.append(f"{column.name}: {before} → {after}  {percent(column.distance)} moved")
    if len(columns) > _SPREADS:
        lines.append(f"and {count(len(columns) - _SPREADS, 'more column')} that moved")
    return lines


def bars(shares: Sequence[float], highest: float) -> str:
    """Shares as a row of bars, the highest full."""
    if highest <= 0:
        return ""
    top = len(BARS) - 1
    return "".join(BARS[max(round(share / highest * top), 1 if share > 0 else 0)] for share in shares)


def percent(share: float) -> str:
    """``21 %``."""
    return f"{format_number(float(f'{share * 100:.2g}'), 2)} %"


def figures_text(record: RunComparison, labels: Labels) -> str:
    """Which figures there are; a terminal cannot show them."""
    lines = [
        f"{row.name}: "
        + ("the same in every run" if row.same else join_words(labels[r] for r in row.figures))
        for row in record.figures
    ]
    return "\n".join(["Figures", *lines]) if lines else ""


def frontier_text(record: RunComparison, labels: Labels) -> str:
    """The best so far, new bests only."""
    points = record.frontiers.get(record.leading_metric, ())
    if len(points) < 3:
        return ""
    rows = [[labels[point.run_id], format_number(point.value), point.idea] for point in points if point.best]
    title = f"Best {record.leading_metric} so far, of {count(len(points), 'run')}"
    return f"{title}\n{render_table(['run', record.leading_metric, 'idea'], rows, left=3)}"


def ideas_text(record: RunComparison, labels: Labels) -> str:
    """What each idea cost and came to."""
    if len(record.runs) < 3:
        return ""
    metric = record.leading_metric
    values = next((row.values for row in record.metrics if row.name == metric), {})
    rows = []
    for idea in record.ideas:
        best = idea.best.get(metric, "")
        top = f"{format_number(values[best])} ({labels[best]})" if best else NOTHING
        dropped = f"dropped: {idea.dropped}" if idea.dropped else ""
        rows.append([idea.name, str(len(idea.run_ids)), format_duration(idea.duration), top, dropped])
    total = format_duration(sum(idea.duration for idea in record.ideas))
    heads = ["idea", "runs", "time", f"best {metric}".strip(), ""]
    return f"Compute spent: {total} in all\n{render_table(heads, rows)}"


def lineage_text(record: RunComparison, labels: Labels) -> str:
    """Which run stands on which, as a tree."""
    if len(record.runs) < 3 or not record.descents:
        return ""
    descents = {descent.run_id: descent for descent in record.descents}
    children: dict[str, list[str]] = {}
    for run in record.runs:
        parent = descents[run.run_id].parent_id if run.run_id in descents else ""
        children.setdefault(parent, []).append(run.run_id)
    lines: list[str] = []
    waiting = [(run_id, 0) for run_id in reversed(children.get("", []))]
    while waiting:
        run_id, depth = waiting.pop()
        told = f"  {descents[run_id].sentence}" if run_id in descents else ""
        lines.append(f"{'  ' * depth}{labels[run_id]}{told}")
        below = children.get(run_id, [])
        # One after the other is no tree: only where it forks, the text goes in.
        deeper = depth if len(below) == 1 else depth + 1
        waiting += [(child, deeper) for child in reversed(below)]
    return "\n".join(["Which run stands on which", *lines])
