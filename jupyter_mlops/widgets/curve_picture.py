"""Curves of several runs as one SVG in an ``<img>``, drawn here: it is there at once, and stays.

The interactive charts need a plotting library, which takes seconds to load, and a kernel. This needs
neither. Its lines, colours and greys are those of `compare/charts.py`, so that one picture reads on
a light and on a dark page.
"""

from __future__ import annotations

import base64
import math
import re
from html import escape
from typing import TYPE_CHECKING

from jupyter_mlops.compare.palette import NEUTRAL, run_looks
from jupyter_mlops.compare.statistics import thin
from jupyter_mlops.compare.wording import encodable, format_number, run_labels

from .theme import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.compare.findings import RunComparison
    from jupyter_mlops.records import Curve

_WIDTH, _HEIGHT = 380, 224
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 26, 38
_POINTS = 400
_TICKS = 6
_NAMED_RUNS = 6
_FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def curve_picture(record: RunComparison, metric: str) -> str:
    """An ``<img>`` of every run's curve of `metric`; values that are not finite leave a gap."""
    drawn = base64.b64encode(curve_svg(record, metric).encode()).decode()
    return (
        f'<img alt="Curves of {text(metric)}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'src="data:image/svg+xml;base64,{drawn}" '
        f'style="display:inline-block;max-width:100%;height:auto;margin:4px 20px 4px 0">'
    )


def curve_svg(record: RunComparison, metric: str) -> str:
    """The same as an SVG document."""
    curves = {
        run.run_id: record.curves[metric][run.run_id]
        for run in record.runs
        if run.run_id in record.curves[metric]
    }
    points = {run_id: _points(curve) for run_id, curve in curves.items()}
    finite = [point for line in points.values() for point in line if math.isfinite(point[1])]
    across = _Axis([x for x, _ in finite], _LEFT, _WIDTH - _RIGHT, whole=True)
    up = _Axis([y for _, y in finite], _HEIGHT - _BOTTOM, _TOP)
    looks = run_looks(record)
    lines = "".join(
        f'<path d="{_path(line, across, up)}" fill="none" stroke="{looks[run_id].color}" stroke-width="1.8" '
        f'stroke-linejoin="round"{_dashed(looks[run_id].dash)}/>'
        for run_id, line in points.items()
    )
    labels = run_labels(record.runs)
    named = [(labels[run_id], looks[run_id].color) for run_id in curves] if len(record.runs) > 1 else []
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="{escape(_FONT)}" font-size="11" fill="{NEUTRAL}">'
        f'<text x="4" y="15" font-size="12" font-weight="bold">{_escaped(metric, 30)}</text>'
        f"{_legend(named)}{_grid(across, up)}{lines}</svg>"
    )


class _Axis:
    """Numbers to pixels, with round ticks around them all."""

    def __init__(self, values: Sequence[float], start: float, end: float, *, whole: bool = False) -> None:
        self.low, self.high = min(values, default=0.0), max(values, default=1.0)
        self._start, self._end = start, end
        if self.low == self.high:
            around = max(abs(self.low) / 10, 0.5)
            self.low, self.high = self.low - around, self.high + around
        self.ticks = [self.low, self.high]
        spread = self.high - self.low
        if not math.isfinite(spread) or spread < abs(self.high) * 1e-12:
            return  # no round numbers in between
        step = _round_step(spread / _TICKS)
        if whole:
            step = max(1.0, step)
        first, last = math.floor(self.low / step), math.ceil(self.high / step)
        self.ticks = [number * step for number in range(first, last + 1)]
        if whole:
            self.ticks = [tick for tick in self.ticks if self.low <= tick <= self.high]
        else:
            self.low, self.high = self.ticks[0], self.ticks[-1]

    def __call__(self, value: float) -> float:
        # A quarter of each, so that numbers near the largest float do not overflow.
        share = (value / 4 - self.low / 4) / (self.high / 4 - self.low / 4)
        return self._start + (self._end - self._start) * share


def _round_step(size: float) -> float:
    power = 10.0 ** math.floor(math.log10(size))
    return power * next(factor for factor in (1, 2, 5, 10) if factor * power >= size * 0.999)


def _points(curve: Curve) -> list[tuple[float, float]]:
    return [(curve.steps[i], curve.values[i]) for i in thin(curve.values, _POINTS)]


def _path(line: Sequence[tuple[float, float]], across: _Axis, up: _Axis) -> str:
    parts, pen = [], "M"
    for x, y in line:
        if math.isfinite(y):
            parts.append(f"{pen}{across(x):.1f} {up(y):.1f}")
        pen = "L" if math.isfinite(y) else "M"
    return "".join(parts)


def _grid(across: _Axis, up: _Axis) -> str:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = [f'<g stroke="{NEUTRAL}" stroke-opacity="0.22">']
    parts += [f'<path d="M{across(tick):.1f} {_TOP}V{bottom}"/>' for tick in across.ticks]
    parts += [f'<path d="M{_LEFT} {up(tick):.1f}H{right}"/>' for tick in up.ticks]
    parts.append(f'</g><path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="{NEUTRAL}"/>')
    parts += [
        f'<text x="{across(tick):.1f}" y="{bottom + 15}" text-anchor="middle">{_tick(tick)}</text>'
        for tick in across.ticks
    ]
    parts += [
        f'<text x="{_LEFT - 6}" y="{up(tick) + 4:.1f}" text-anchor="end">{_tick(tick)}</text>'
        for tick in up.ticks
    ]
    middle = (_LEFT + right) / 2
    return "".join(parts) + f'<text x="{middle:.1f}" y="{_HEIGHT - 6}" text-anchor="middle">step</text>'


def _tick(value: float) -> str:
    return format_number(value) if abs(value) >= 1e6 else f"{value:.6g}".replace("-", "−")


def _legend(named: Sequence[tuple[str, str]]) -> str:
    """The runs from the right; where they are many, the page's own legend has to do."""
    if len(named) > _NAMED_RUNS:
        return ""
    parts, right = [], float(_WIDTH - _RIGHT)
    for label, color in reversed(named):
        shown = _escaped(label, 16)
        parts.append(f'<text x="{right:.0f}" y="15" text-anchor="end">{shown}</text>')
        right -= 6.6 * min(len(label), 16) + 7
        parts.append(f'<path d="M{right - 12:.0f} 11H{right:.0f}" stroke="{color}" stroke-width="3"/>')
        right -= 22
    return "".join(parts)


def _dashed(dashes: Sequence[int]) -> str:
    return "" if tuple(dashes) == (1, 0) else f' stroke-dasharray="{" ".join(map(str, dashes))}"'


def _escaped(name: str, limit: int) -> str:
    cleaned = _NO_XML.sub("", encodable(name))
    return escape(cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…")
