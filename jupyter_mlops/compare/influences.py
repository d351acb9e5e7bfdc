"""Which parameters went together with a metric over many runs, with how sure that is, or not at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .findings import Influence
from .seeds import is_seed
from .wording import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .findings import MetricRow, ParamRow

#: With fewer runs than this every interval would be as wide as the scale.
FEWEST = 10
SHOWN = 12
_DRAWS = 1000
_SEED = 20_260_302


def influences_of(
    metric: MetricRow | None, params: Sequence[ParamRow], run_ids: Sequence[str]
) -> tuple[Influence, ...]:
    """How each differing parameter and `metric` went together, the surest first; empty below ten runs."""
    if metric is None:
        return ()
    scored = [
        run_id
        for run_id in run_ids
        if run_id in metric.values and run_id not in metric.apart and math.isfinite(metric.values[run_id])
    ]
    found = []
    for row in params:
        both = [run_id for run_id in scored if run_id in row.values]
        if not row.differs or is_seed(row.name) or len(both) < FEWEST:
            continue
        if len({metric.values[run_id] for run_id in both}) < 2:
            continue
        influence = _influence(metric, row, both)
        if influence is not None:
            found.append(influence)
    return tuple(sorted(found, key=lambda i: -_sureness(i))[:SHOWN])


def _sureness(influence: Influence) -> float:
    if influence.low <= 0 <= influence.high:
        return abs(influence.strength) / 1e6
    return min(abs(influence.low), abs(influence.high)) + 1


def _influence(metric: MetricRow, row: ParamRow, run_ids: Sequence[str]) -> Influence | None:
    import numpy as np

    values = [row.values[run_id] for run_id in run_ids]
    scores = np.array([float(metric.values[run_id]) for run_id in run_ids])
    generator = np.random.default_rng(_SEED)
    drawn = generator.integers(0, len(scores), size=(_DRAWS, len(scores)))
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    if numbers and len(set(values)) > 2:
        across = np.array([float(v) for v in values if isinstance(v, (int, float))])
        if not np.isfinite(across).all():
            return None
        strength = _rank_correlation(across[None], scores[None])[0]
        spread = _rank_correlation(across[drawn], scores[drawn])
        kind = "rank correlation"
    else:
        kinds = {repr(v): place for place, v in enumerate(dict.fromkeys(map(_hashable, values)))}
        if len(kinds) < 2 or len(kinds) > len(values) // 3:
            return None  # nearly every run has a value of its own: nothing can be told from that
        places = np.array([kinds[repr(_hashable(v))] for v in values])
        strength = _explained(places[None], scores[None], len(kinds))[0]
        spread = _explained(places[drawn], scores[drawn], len(kinds))
        kind = "share explained"
    spread = spread[np.isfinite(spread)]
    if not math.isfinite(strength) or len(spread) < _DRAWS // 2:
        return None
    low, high = (float(bound) for bound in np.quantile(spread, [0.025, 0.975]))
    return Influence(
        metric=metric.name,
        param=row.name,
        kind=kind,
        strength=float(strength),
        low=low,
        high=high,
        runs=len(scores),
        sentence=_sentence(metric, row.name, kind, float(strength), low, high, len(scores)),
    )


def _sentence(
    metric: MetricRow, param: str, kind: str, strength: float, low: float, high: float, runs: int
) -> str:
    interval = f"95 % interval {low:.2f} to {high:.2f}, {count(runs, 'run')}".replace("-", "−")
    value = f"{strength:.2f}".replace("-", "−")
    if low <= 0 <= high:
        return f"`{param}`: no clear link with {metric.name} ({kind} {value}, {interval})"
    if kind == "rank correlation":
        words = f"more of it went with {'higher' if strength > 0 else 'lower'} {metric.name}"
        return f"`{param}`: {words} ({kind} {value}, {interval})"
    return f"`{param}`: {metric.name} differs between its values ({kind} {value}, {interval})"


def _rank_correlation(first: Any, second: Any) -> Any:
    """Spearman's correlation of each row of one with the same row of the other."""
    import numpy as np

    one, two = _ranks(first), _ranks(second)
    one, two = one - one.mean(axis=1, keepdims=True), two - two.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one * two).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))


def _ranks(values: Any) -> Any:
    """Ranks along each row, ties in the middle of their places."""
    below = (values[:, :, None] > values[:, None, :]).sum(axis=2)
    equal = (values[:, :, None] == values[:, None, :]).sum(axis=2)
    return below + (equal - 1) / 2


def _explained(places: Any, scores: Any, kinds: int) -> Any:
    """The share of the scores' spread that lies between the kinds, corrected for their number (ε²)."""
    import numpy as np

    count = scores.shape[1]
    total = ((scores - scores.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    within = np.zeros(len(scores))
    present = np.zeros(len(scores))
    for kind in range(kinds):
        mask = places == kind
        size = mask.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(size > 0, (scores * mask).sum(axis=1) / size, 0.0)
        within += (((scores - mean[:, None]) ** 2) * mask).sum(axis=1)
        present += size > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 1 - (within / (count - present)) / (total / (count - 1))
    return np.where(total > 0, share, np.nan)


def _hashable(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)
