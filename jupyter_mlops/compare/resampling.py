"""How sure a difference between two runs is, told from the rows both predicted.

Rows are drawn anew, the same ones for both runs (paired bootstrap). Shares of right rows have an
interval that is better than the bootstrap's at their ends, areas under a curve DeLong's; with many rows
the bootstrap's normal limit is used, which it has reached by then. All of it is arithmetic on arrays,
seeded, and takes milliseconds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .chance import LEVEL, mcnemar, normal_quantile, paired_share_interval
from .findings import Effect
from .wording import count, format_interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from .paired import Predictions
    from .scoring import Measure

    Array = npt.NDArray[np.float64]

DRAWS = 2000
FEW_ROWS = 20
#: With fewer rows than this that the two predict otherwise, no sign test could be sure at 5 %.
FEW_DIFFERING = 6
_CELLS = 4_000_000
_SEED = 20_260_302


def effect(
    measure: Measure,
    reference: Predictions,
    run: Predictions,
    *,
    higher_is_better: bool | None,
    comparisons: int = 1,
) -> Effect:
    """The change of `measure` from `reference` to `run` over the same rows, with its interval.

    Args:
        measure: What is measured.
        reference: Predictions of the reference.
        run: Predictions of the other run for the same rows in the same order.
        higher_is_better: Of the measure, where known.
        comparisons: How many changes are looked at together; the interval is widened for them.
    """
    import numpy as np

    first, second = measure.moments(reference), measure.moments(run)
    change = float(measure.value(second.mean(axis=0)) - measure.value(first.mean(axis=0)))
    level = 1 - (1 - LEVEL) / max(1, comparisons)
    rows = len(first)
    differing = int((first != second).any(axis=1).sum())
    p_value = None
    if measure.binary:
        lost = int(((first > second)[:, 0]).sum())
        won = int(((second > first)[:, 0]).sum())
        p_value = mcnemar(lost, won)
        low, high = paired_share_interval(lost, won, rows, level)
        method = "McNemar"
    else:
        low, high, method = interval_of_change(measure.value, first, second, level=level)
    few = rows < FEW_ROWS or (np.isfinite(change) and 0 < differing < FEW_DIFFERING and reference.discrete)
    return _judged(change, low, high, method, rows, p_value, higher_is_better, few=few, differing=differing)


def area_effect(
    truth: npt.NDArray[np.bool_],
    first: Array,
    second: Array,
    *,
    higher_is_better: bool | None = True,
    comparisons: int = 1,
) -> Effect:
    """The change of the area under the ROC curve, with DeLong's interval (1988, paired).

    Args:
        truth: Which rows are positive.
        first: Scores of the reference, the higher the surer.
        second: Scores of the other run.
        higher_is_better: Of the area.
        comparisons: As in `effect`.
    """
    one, up_one, down_one = _placements(truth, first)
    two, up_two, down_two = _placements(truth, second)
    up, down = up_two - up_one, down_two - down_one
    spread = 0.0
    for part in (up, down):
        if len(part) > 1:
            spread += float(part.var(ddof=1)) / len(part)
    reach = normal_quantile(1 - (1 - LEVEL) / max(1, comparisons) / 2) * math.sqrt(spread)
    change = two - one
    few = min(len(up), len(down)) < FEW_DIFFERING or len(truth) < FEW_ROWS
    return _judged(
        change,
        change - reach,
        change + reach,
        "DeLong",
        len(truth),
        None,
        higher_is_better,
        few=few,
        differing=len(truth),
    )


def area(truth: npt.NDArray[np.bool_], scores: Array) -> float:
    """The area under the ROC curve: how often a positive row scores above a negative one."""
    return _placements(truth, scores)[0]


def interval_of_change(
    value: Any, first: Array, second: Array, *, level: float = LEVEL, draws: int = DRAWS
) -> tuple[float, float, str]:
    """The interval of ``value(averages of second) - value(averages of first)``, and how it was found."""
    import numpy as np

    rows, width = first.shape
    joint = np.concatenate([first, second], axis=1)

    def change(means: Any) -> Any:
        return value(means[..., width:]) - value(means[..., :width])

    # Where rows are of few kinds, only how many of each are drawn matters.
    kinds, weights = _kinds(joint)
    generator = np.random.default_rng(_SEED)
    if len(kinds) * draws <= _CELLS // 4 and len(kinds) <= rows // 2:
        kinds, weights = _with_mirrors(kinds, weights, width)
        total = weights.sum()
        drawn = generator.multinomial(round(total), weights / total, size=draws) / round(total)
        found = change(drawn @ kinds)
    elif rows * draws <= _CELLS:
        places = generator.integers(0, rows, size=(draws, rows), dtype=np.int32)
        places += (np.arange(draws, dtype=np.int32) * rows)[:, None]
        drawn = np.bincount(places.ravel(), minlength=draws * rows).reshape(draws, rows)
        found = change(drawn.astype(np.float64) @ joint / rows)
    else:
        return (*_normal_interval(change, joint, level), "paired normal limit")
    found = np.sort(found[np.isfinite(found)])
    if len(found) < draws // 2:
        return math.nan, math.nan, "paired bootstrap"
    tail = (1 - level) / 2
    if tail * draws < 10:  # too far out for so many draws: go by their spread
        middle = float(change(joint.mean(axis=0)))
        reach = normal_quantile(1 - tail) * float(found.std(ddof=1))
        return middle - reach, middle + reach, "paired bootstrap"
    low, high = np.quantile(found, [tail, 1 - tail])
    return float(low), float(high), "paired bootstrap"


def _normal_interval(change: Any, joint: Array, level: float) -> tuple[float, float]:
    """The delta method: how much each row moves the change, and the spread of the sum of that."""
    import numpy as np

    means = joint.mean(axis=0)
    steps = 1e-5 * np.maximum(joint.std(axis=0), 1e-12)
    slopes = np.array(
        [
            (change(means + step * unit) - change(means - step * unit)) / (2 * step)
            for step, unit in zip(steps, np.eye(len(means)), strict=True)
        ]
    )
    pull = (joint - means) @ slopes
    reach = normal_quantile((1 + level) / 2) * float(pull.std(ddof=1)) / math.sqrt(len(joint))
    middle = float(change(means))
    return middle - reach, middle + reach


def _kinds(joint: Array) -> tuple[Array, Array]:
    import numpy as np

    if len(joint) > 200_000 or len(np.unique(joint[: min(len(joint), 500)], axis=0)) > 250:
        return joint, np.ones(len(joint))
    kinds, weights = np.unique(joint, axis=0, return_counts=True)
    return kinds, weights.astype(np.float64)


def _with_mirrors(kinds: Array, weights: Array, width: int) -> tuple[Array, Array]:
    """Two rows more, spread over the ways in which the runs differ and the same the other way round.

    What Bonett and Price do for shares: with few rows that differ, those that could have been and were
    not would else count as impossible, and the interval come out too short.
    """
    import numpy as np

    differing = (kinds[:, :width] != kinds[:, width:]).any(axis=1)
    if not differing.any():
        return kinds, weights
    told = kinds[differing]
    mirrors = np.concatenate([told[:, width:], told[:, :width]], axis=1)
    share = 1 / len(told)
    more = weights + share * differing
    return np.concatenate([kinds, mirrors]), np.concatenate([more, np.full(len(mirrors), share)])


def _placements(truth: npt.NDArray[np.bool_], scores: Array) -> tuple[float, Array, Array]:
    """The area, and for each positive and each negative row the share of the others it beats."""
    import numpy as np

    positive, negative = np.sort(scores[truth]), np.sort(scores[~truth])

    def below(sorted_others: Array, values: Array) -> Array:
        left = np.searchsorted(sorted_others, values, side="left")
        right = np.searchsorted(sorted_others, values, side="right")
        return np.asarray((left + right) / 2 / len(sorted_others))

    up = below(negative, scores[truth])
    down = 1 - below(positive, scores[~truth])
    return float(up.mean()), up, down


def _judged(
    change: float,
    low: float,
    high: float,
    method: str,
    rows: int,
    p_value: float | None,
    higher_is_better: bool | None,
    *,
    few: bool,
    differing: int,
) -> Effect:
    if differing == 0:
        verdict = "noise"
    elif few or not (math.isfinite(low) and math.isfinite(high)):
        verdict = "too few"
    elif low <= 0 <= high or (p_value is not None and p_value > 1 - LEVEL):
        verdict = "noise"
    elif higher_is_better is None:
        verdict = "other"
    else:
        verdict = "better" if (change > 0) is higher_is_better else "worse"
    bounds = format_interval(low, high)
    interval = f"95 % interval {bounds}"
    if differing == 0:
        sentence = "the two predict every row alike"
    elif verdict == "too few":
        told = (
            count(rows, "row")
            if rows < FEW_ROWS
            else f"{count(differing, 'row')} that {'differs' if differing == 1 else 'differ'}"
        )
        sentence = f"{interval}, {told}: too few to tell"
    elif verdict == "noise":
        sentence = f"{interval}: noise, as far as {count(rows, 'row')} can tell"
    else:
        sentence = interval
    return Effect(
        change=change,
        low=low,
        high=high,
        verdict=verdict,
        method=method,
        rows=rows,
        p_value=p_value,
        interval=bounds,
        sentence=sentence,
    )
