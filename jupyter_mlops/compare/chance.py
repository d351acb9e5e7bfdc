"""What chance alone would do: quantiles, intervals of a mean, McNemar's test, a paired share.

Standard library only. Levels are two-sided, 0.95 unless said otherwise.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.95


def normal_quantile(share: float) -> float:
    """The value below which `share` of the standard normal distribution lies."""
    return NormalDist().inv_cdf(share)


def t_quantile(share: float, freedom: float) -> float:
    """The value below which `share` of Student's t distribution with `freedom` degrees lies.

    Raises:
        ValueError: `share` is not between 0 and 1 or `freedom` is not positive.
    """
    if not 0 < share < 1 or not freedom > 0:
        raise ValueError("A share lies between 0 and 1, degrees of freedom are positive.")
    if share == 0.5:
        return 0.0
    if share < 0.5:
        return -t_quantile(1 - share, freedom)
    low, high = 0.0, 1.0
    while t_share(high, freedom) < share and high < 1e300:
        low, high = high, high * 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if t_share(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def t_share(value: float, freedom: float) -> float:
    """The share of Student's t distribution with `freedom` degrees that lies below `value`."""
    tail = 0.5 * _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + value * value))
    return 1 - tail if value > 0 else tail


def mean_interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float, float, float]:
    """The mean of at least two numbers, their standard deviation, and t's interval of the mean."""
    count = len(values)
    mean = math.fsum(values) / count
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    reach = t_quantile((1 + level) / 2, count - 1) * deviation / math.sqrt(count)
    return mean, deviation, mean - reach, mean + reach


def difference_interval(
    first: Sequence[float], second: Sequence[float], level: float = LEVEL
) -> tuple[float, float, float]:
    """How much larger the mean of `second` is than that of `first`, with Welch's interval.

    Both hold at least two numbers.
    """
    one, one_deviation, *_ = mean_interval(first)
    two, two_deviation, *_ = mean_interval(second)
    parts = one_deviation**2 / len(first), two_deviation**2 / len(second)
    variance = math.fsum(parts)
    change = two - one
    if variance == 0:
        return change, change, change
    freedom = variance**2 / (parts[0] ** 2 / (len(first) - 1) + parts[1] ** 2 / (len(second) - 1))
    reach = t_quantile((1 + level) / 2, freedom) * math.sqrt(variance)
    return change, change - reach, change + reach


def mcnemar(lost: int, won: int) -> float:
    """McNemar's mid-p, two-sided: of rows only one run has right, `won` are the second's.

    The mid-p keeps its level where the exact test is far too careful and the asymptotic too bold
    (Fagerland, Lydersen and Laake 2013).
    """
    total = lost + won
    if total == 0:
        return 1.0
    few = min(lost, won)
    if total > 5000:  # the sum of probabilities is the normal one by then
        return min(1.0, 2 * NormalDist().cdf((few - total / 2) / math.sqrt(total / 4)))
    scale = total * math.log(2)
    logs = [_log_choose(total, k) - scale for k in range(few + 1)]
    below = math.fsum(math.exp(x) for x in logs)
    at = math.exp(logs[-1])
    if lost == won:
        return 1 - at / 2 if total else 1.0
    return min(1.0, 2 * below - at)


def paired_share_interval(lost: int, won: int, rows: int, level: float = LEVEL) -> tuple[float, float]:
    """The interval of the difference of two shares over the same `rows`, after Bonett and Price (2012).

    `lost` rows were right in the first run only, `won` in the second only. It holds its level from
    small numbers of rows on, where the textbook's interval is too short.
    """
    first, second = (lost + 1) / (rows + 2), (won + 1) / (rows + 2)
    middle = second - first
    spread = math.sqrt(max(0.0, first + second - middle**2) / (rows + 2))
    reach = normal_quantile((1 + level) / 2) * spread
    return max(-1.0, middle - reach), min(1.0, middle + reach)


def _log_choose(total: int, taken: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(taken + 1) - math.lgamma(total - taken + 1)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function, by Lentz's continued fraction."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x > (a + 1) / (a + b + 2):
        return 1 - front * _fraction(b, a, 1 - x) / b
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    result = d
    for m in range(1, 500):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            step = c * d
            result *= step
        if abs(step - 1) < 1e-15:
            break
    return result
