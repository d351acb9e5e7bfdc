"""Scores that a library only writes while it trains: ``[80] train-rmse:0.22 valid-rmse:0.25``.

XGBoost's and LightGBM's own training functions keep no history unless they are given a place for it. What
they write has fewer digits than what they computed, so it is told only where nothing else tells of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from jupyter_mlops.records import Curve, MetricDetail

from .metric_names import canonical
from .vocabulary import sounds_like_metric

if TYPE_CHECKING:
    from .evidence import Found

#: How such a metric came to be; it has no place in the code, so no proof can ask for it.
ORIGIN = "written"
_LINE = re.compile(r"^\[(\d{1,9})\]\t(\S.*)$", re.MULTILINE)
_SCORE = re.compile(r"([A-Za-z_][\w@.-]*(?:'s [\w@.-]+)?):\s?(-?\d+(?:\.(\d+))?(?:e[-+]?\d+)?)(?=[\s+]|$)")
_NAMES = 20


class _Written:
    """What was written of one score: steps and values, and how many decimals the last one has."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.values: list[float] = []
        self.decimals = 0

    def add(self, step: int, value: float, decimals: int) -> None:
        if self.steps and step <= self.steps[-1]:
            if step != self.steps[0]:
                return  # the best round, written once more at the end
            self.steps, self.values = [], []  # another training: the last one stays
        self.steps.append(step)
        self.values.append(value)
        self.decimals = decimals


def tell_written(found: Found, text: str, order: int) -> None:
    """Add the curves in a cell's text that nothing else told of."""
    for name, written in _read(text).items():
        value = written.values[-1]
        near = 0.51 * 10.0**-written.decimals
        told = (
            *found.values.values(),
            *(curve.values[-1] for curve in found.curves.values() if curve.values),
        )
        if name in found.values or any(abs(other - value) <= near for other in told):
            continue
        found.values[name] = value
        found.curves[name] = Curve(
            steps=written.steps,
            values=written.values,
            times=[0.0] * len(written.values),
            count=len(written.values),
        )
        found.details[name] = MetricDetail(
            origin=ORIGIN, order=order, step=written.steps[-1], points=len(written.values)
        )


def _read(text: str) -> dict[str, _Written]:
    found: dict[str, _Written] = {}
    for step, scores in _LINE.findall(text):
        for label, value, decimals in _SCORE.findall(scores):
            name = canonical(label.replace("'s ", "_").replace("-", "_"))
            if sounds_like_metric(name) and (name in found or len(found) < _NAMES):
                found.setdefault(name, _Written()).add(int(step), float(value), len(decimals))
    return found
