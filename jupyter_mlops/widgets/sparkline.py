"""Tiny pictures of curves, as SVG in an ``<img>``: they survive where scripts and ``<svg>`` do not."""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING

from jupyter_mlops.compare.statistics import thin
from jupyter_mlops.compare.wording import format_number

from .theme import text

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOR = "#2f8fd0"
_POINTS = 60


def sparkline(values: Sequence[float], name: str = "", *, width: int = 64, height: int = 16) -> str:
    """An ``<img>`` of the curve through `values`, `width` by `height` pixels; empty below two points.

    Values that are not finite are gaps. The last point carries a dot.
    """
    finite = [value for value in values if math.isfinite(value)]
    if len(finite) < 2:
        return ""
    kept = thin(values, _POINTS)
    low, high = min(finite), max(finite)
    spread = (high - low) or 1.0
    last = len(values) - 1
    pad = 2.5
    parts: list[str] = []
    pen = "M"
    x = y = 0.0
    for i in kept:
        if not math.isfinite(values[i]):
            pen = "M"
            continue
        x = pad + (width - 2 * pad) * (i / last)
        # Halving first keeps numbers near the largest float from overflowing.
        share = (values[i] / 2 - low / 2) / (spread / 2) if math.isfinite(spread) else 0.5
        y = height - pad - (height - 2 * pad) * share
        parts.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><path d="{"".join(parts)}" fill="none" stroke="{_COLOR}" '
        f'stroke-width="1.5" stroke-linejoin="round" stroke-linecap="round"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{_COLOR}"/></svg>'
    )
    encoded = base64.b64encode(svg.encode()).decode()
    told = (
        f"{name} over {len(values):,} points, from {format_number(values[0])} to {format_number(values[-1])}"
    )
    return (
        f'<img src="data:image/svg+xml;base64,{encoded}" width="{width}" height="{height}" '
        f'alt="{text(told.strip())}" title="{text(told.strip())}" '
        f'style="display:inline-block;vertical-align:middle">'
    )
