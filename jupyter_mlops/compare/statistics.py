"""Small statistics of a comparison: how far a column's distribution moved, smoothed and thinned curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import Column

# Below these a shift is within what resampling the same data would give.
MEAN_SHIFT = 0.1
SPREAD_RATIO = 1.25
SHARE_SHIFT = 0.05


def missing_rate(column: Column, rows: int) -> float | None:
    """The share of missing values in a column of `rows` rows, 0 to 1; None when not profiled."""
    missing = column.profile.get("missing")
    if not _number(missing):
        return None
    return float(missing) / rows if rows > 0 else 0.0


def mean_shift(before: Column, after: Column) -> float | None:
    """How far the mean moved, in standard deviations of the reference; None when not known."""
    first, second = before.profile.get("mean"), after.profile.get("mean")
    spread = before.profile.get("std")
    if not (_number(first) and _number(second) and _number(spread)):
        return None
    difference = float(second) - float(first)
    if spread == 0:
        return 0.0 if difference == 0 else math.copysign(math.inf, difference)
    return difference / float(spread)


def spread_ratio(before: Column, after: Column) -> float | None:
    """The new standard deviation over the old one; None when not known."""
    first, second = before.profile.get("std"), after.profile.get("std")
    if not (_number(first) and _number(second)) or first == 0:
        return None
    return float(second) / float(first)


def shares(column: Column, rows: int) -> dict[str, float]:
    """The most frequent values of a column with their share of its rows, 0 to 1."""
    top = column.profile.get("top")
    if not isinstance(top, (list, tuple)) or rows <= 0:
        return {}
    pairs = [pair for pair in top if isinstance(pair, (list, tuple)) and len(pair) == 2 and _number(pair[1])]
    return {str(value): float(number) / rows for value, number in pairs}


def smooth(values: Sequence[float], weight: float) -> list[float]:
    """Exponentially smooth a curve; `weight` 0 leaves it, towards 1 it flattens. NaN stays NaN.

    The average is corrected for its start, so that the first values are not pulled to zero.
    """
    if not 0 < weight < 1:
        return list(values)
    smoothed, average, norm = [], 0.0, 0.0
    for value in values:
        if not math.isfinite(value):
            smoothed.append(value)
            continue
        average = average * weight + value * (1 - weight)
        norm = norm * weight + (1 - weight)
        smoothed.append(average / norm)
    return smoothed


def thin(values: Sequence[float], points: int) -> list[int]:
    """Which of `values` to keep so that about `points` show the shape of all: ascending indices.

    Each stretch keeps its lowest and its highest value, so a spike survives the thinning.
    """
    total = len(values)
    if total <= points or points < 4:
        return list(range(total))
    stretches = (points - 2) // 2
    kept = {0, total - 1}
    for stretch in range(stretches):
        begin = 1 + stretch * (total - 2) // stretches
        end = 1 + (stretch + 1) * (total - 2) // stretches
        indices = range(begin, max(begin + 1, end))
        finite = [i for i in indices if math.isfinite(values[i])] or [begin]
        kept.add(min(finite, key=lambda i: values[i]))
        kept.add(max(finite, key=lambda i: values[i]))
    return sorted(kept)


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
