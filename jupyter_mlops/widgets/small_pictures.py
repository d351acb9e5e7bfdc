"""Small pictures as SVG in ``<img>``: spreads of columns, and the best so far over many runs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from jupyter_mlops.compare.palette import COLORS, NEUTRAL
from jupyter_mlops.compare.stories import percent
from jupyter_mlops.compare.wording import format_number

from .theme import code, muted, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_mlops.compare.findings import ColumnDifference, FrontierPoint
    from jupyter_mlops.compare.palette import Look

_WIDTH, _HEIGHT = 140, 44
_BROAD, _HIGH = 380, 150


def spread_pictures(columns: Sequence[ColumnDifference]) -> str:
    """How the values of each column are spread: bars now, a line before."""
    if not columns:
        return ""
    pictures = "".join(_spread(column) for column in columns)
    return f"<div>{pictures}</div><div>{muted('Line: reference. Bars: this run.')}</div>"


def frontier_picture(
    points: Sequence[FrontierPoint], looks: Mapping[str, Look], labels: Mapping[str, str], metric: str
) -> str:
    """The best so far, run by run in the order they were made; bests stand out."""
    low, high = min(p.value for p in points), max(p.value for p in points)
    spread = (high - low) or 1.0
    places = [
        (
            40 + (index + 0.5) / len(points) * (_BROAD - 52),
            _HIGH - 16 - (point.value - low) / spread * (_HIGH - 32),
        )
        for index, point in enumerate(points)
    ]
    steps, dots = "", []
    for (x, y), point in zip(places, points, strict=True):
        if point.best:
            steps += f"H{x:.1f}V{y:.1f}" if steps else f"M{x:.1f} {y:.1f}"
        opacity, look = 1 if point.best else 0.4, looks[point.run_id]
        dots.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" dominant-baseline="central" font-size="12" '
            f'fill="{look.color}" opacity="{opacity}">{look.mark}</text>'
        )
    ticks = "".join(
        f'<text x="36" y="{y}" text-anchor="end">{format_number(value)}</text>'
        for value, y in ((high, 20), (low, _HIGH - 12))
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_BROAD}" height="{_HIGH}" '
        f'viewBox="0 0 {_BROAD} {_HIGH}" font-family="sans-serif" font-size="10" fill="{NEUTRAL}">{ticks}'
        f'<path d="M40 8V{_HIGH - 8}H{_BROAD - 8}" fill="none" stroke="{NEUTRAL}"/>'
        f'<path d="{steps}H{_BROAD - 8}" fill="none" stroke="{NEUTRAL}" stroke-width="1.5"/>'
        f"{''.join(dots)}</svg>"
    )
    best = next(point for point in reversed(points) if point.best)
    told = f"Best {metric} so far: {format_number(best.value)} in {labels[best.run_id]}"
    return _image(svg, told, _BROAD, _HIGH)


def _spread(column: ColumnDifference) -> str:
    highest = max(*column.before, *column.after, 1e-12)
    width = _WIDTH / len(column.after)
    bars = "".join(
        f'<rect x="{index * width + 0.5:.1f}" y="{_HEIGHT * (1 - share / highest):.1f}" '
        f'width="{max(width - 1, 0.5):.1f}" height="{_HEIGHT * share / highest:.1f}"/>'
        for index, share in enumerate(column.after)
    )
    line = f"M0 {_HEIGHT}" + "".join(
        f"V{_HEIGHT * (1 - share / highest):.1f}H{(index + 1) * width:.1f}"
        for index, share in enumerate(column.before)
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT + 1}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT + 1}"><g fill="{COLORS[0]}" opacity="0.6">{bars}</g>'
        f'<path d="{line}V{_HEIGHT}" fill="none" stroke="{NEUTRAL}" stroke-width="1.4"/></svg>'
    )
    if column.kind == "numbers":
        ends = f"{format_number(column.edges[0])} to {format_number(column.edges[-1])}"
    else:
        ends = ", ".join(column.labels)
    told = f"Spread of {column.name}, in the reference and in this run: {ends}"
    return (
        f'<div style="display:inline-block;margin:4px 16px 2px 0;vertical-align:top;max-width:{_WIDTH}px">'
        f"{code(column.name)} {muted(text(percent(column.distance) + ' moved'))}<br>"
        f"{_image(svg, told, _WIDTH, _HEIGHT + 1)}</div>"
    )


def _image(svg: str, told: str, width: int, height: int) -> str:
    drawn = base64.b64encode(svg.encode("utf-8", "replace")).decode()
    return (
        f'<img alt="{text(told)}" title="{text(told)}" width="{width}" height="{height}" '
        f'src="data:image/svg+xml;base64,{drawn}" style="display:inline-block;max-width:100%">'
    )
