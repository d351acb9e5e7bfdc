"""How the values of a column are spread in two datasets, in the same bins."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .findings import ColumnDifference
from .statistics import shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import Column

BINS = 16
VALUES = 10
OTHERS = "others"
#: Below this two samples of one thing look no different, and a picture of it would only confuse.
TELLING = 0.02


def column_difference(before: Column, after: Column, rows: int, new_rows: int) -> ColumnDifference | None:
    """The two spreads side by side; None where either is not profiled or they are of other kinds."""
    numbers = _histogram(before), _histogram(after)
    if numbers[0] is not None and numbers[1] is not None:
        return _numbers(before.name, numbers[0], numbers[1])
    first, second = shares(before, rows), shares(after, new_rows)
    if first and second and numbers == (None, None):
        return _values(before.name, first, second)
    return None


def _numbers(
    name: str, first: tuple[list[float], list[float]], second: tuple[list[float], list[float]]
) -> ColumnDifference:
    low, high = min(first[0][0], second[0][0]), max(first[0][-1], second[0][-1])
    if first[0] == second[0]:
        edges = first[0]
    elif high > low:
        edges = [low + (high - low) * (i / BINS) for i in range(BINS + 1)]
    else:
        edges = [low - 0.5, high + 0.5]
    one, two = _rebinned(*first, edges), _rebinned(*second, edges)
    return ColumnDifference(
        name=name,
        kind="numbers",
        distance=_distance(one, two),
        before=tuple(one),
        after=tuple(two),
        edges=tuple(edges),
    )


def _values(name: str, first: dict[str, float], second: dict[str, float]) -> ColumnDifference:
    by_share = sorted({**first, **second}, key=lambda v: -max(first.get(v, 0.0), second.get(v, 0.0)))
    labels = by_share[:VALUES]
    one = [first.get(label, 0.0) for label in labels]
    two = [second.get(label, 0.0) for label in labels]
    rest = max(0.0, 1 - math.fsum(one)), max(0.0, 1 - math.fsum(two))
    if max(rest) > 0.0005:
        labels.append(OTHERS)
        one.append(rest[0])
        two.append(rest[1])
    return ColumnDifference(
        name=name,
        kind="values",
        distance=_distance(one, two),
        before=tuple(one),
        after=tuple(two),
        labels=tuple(labels),
    )


def _rebinned(edges: Sequence[float], counts: Sequence[float], wanted: Sequence[float]) -> list[float]:
    """Shares in other bins, as if each old bin's values were spread evenly over it."""
    total = math.fsum(counts)
    if total <= 0:
        return [0.0] * (len(wanted) - 1)
    reached = [0.0]
    for number in counts:
        reached.append(reached[-1] + number / total)

    def share_below(value: float) -> float:
        if value <= edges[0]:
            return 0.0
        if value >= edges[-1]:
            return 1.0
        place = bisect_right(edges, value) - 1
        low, high = edges[place], edges[place + 1]
        part = (value - low) / (high - low) if high > low else 1.0
        return reached[place] + (reached[place + 1] - reached[place]) * part

    if edges[0] == edges[-1]:  # one value only: all of it in the bin that holds it
        place = min(max(bisect_right(wanted, edges[0]) - 1, 0), len(wanted) - 2)
        return [1.0 if i == place else 0.0 for i in range(len(wanted) - 1)]
    return [max(0.0, share_below(high) - share_below(low)) for low, high in pairwise(wanted)]


def _histogram(column: Column) -> tuple[list[float], list[float]] | None:
    found: Any = column.profile.get("histogram")
    if not isinstance(found, dict):
        return None
    edges, counts = found.get("edges"), found.get("counts")
    if not isinstance(edges, (list, tuple)) or not isinstance(counts, (list, tuple)):
        return None
    if len(edges) != len(counts) + 1 or not counts:
        return None
    try:
        numbers = [float(edge) for edge in edges], [float(number) for number in counts]
    except (TypeError, ValueError):
        return None
    return numbers if all(map(math.isfinite, (*numbers[0], *numbers[1]))) else None


def _distance(first: Sequence[float], second: Sequence[float]) -> float:
    return min(1.0, math.fsum(abs(a - b) for a, b in zip(first, second, strict=True)) / 2)
