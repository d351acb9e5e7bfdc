"""Quantiles, intervals and tests, held against scipy and against published numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from jupyter_mlops.compare.chance import (
    difference_interval,
    mcnemar,
    mean_interval,
    paired_share_interval,
    t_quantile,
    t_share,
)


@pytest.mark.parametrize("freedom", [1, 2, 3.7, 9, 30, 500])
@pytest.mark.parametrize("share", [0.0005, 0.025, 0.3, 0.5, 0.9, 0.975, 0.9999])
def test_t_is_scipys(share: float, freedom: float) -> None:
    expected = stats.t.ppf(share, freedom)
    assert t_quantile(share, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert t_share(expected, freedom) == pytest.approx(share, rel=1e-9)


def test_the_interval_of_a_mean_is_scipys() -> None:
    values = [0.91, 0.93, 0.9, 0.94, 0.925]
    mean, deviation, low, high = mean_interval(values)
    expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert (mean, deviation) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert (low, high) == pytest.approx(expected)


def test_the_interval_of_a_difference_is_welchs() -> None:
    one, two = [0.91, 0.93, 0.9, 0.94], [0.95, 0.951, 0.949, 0.96, 0.97]
    change, low, high = difference_interval(one, two)
    expected = stats.ttest_ind(two, one, equal_var=False).confidence_interval(0.95)
    assert change == pytest.approx(np.mean(two) - np.mean(one))
    assert (low, high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("lost", "won"), [(0, 5), (3, 9), (12, 30), (80, 55), (0, 1)])
def test_mcnemars_mid_p_from_the_binomial(lost: int, won: int) -> None:
    few, total = min(lost, won), lost + won
    exact = stats.binomtest(few, total, 0.5).pvalue
    assert mcnemar(lost, won) == pytest.approx(exact - stats.binom.pmf(few, total, 0.5))


def test_mcnemar_of_nothing_and_of_very_many() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(7, 7) == pytest.approx(1 - stats.binom.pmf(7, 14, 0.5) / 2)
    assert mcnemar(2600, 2800) == pytest.approx(stats.binomtest(2600, 5400, 0.5).pvalue, abs=2e-3)


@pytest.mark.parametrize(("lost", "won"), [(0.02, 0.02), (0.05, 0.1), (0.0, 0.08), (0.25, 0.3)])
def test_the_interval_of_a_paired_share_holds_its_level(lost: float, won: float) -> None:
    # Not simulated: the probability of every possible outcome of 40 rows, summed where it covers.
    rows, covered = 40, 0.0
    for a in range(rows + 1):
        for b in range(rows + 1 - a):
            chance = stats.multinomial.pmf([a, b, rows - a - b], rows, [lost, won, 1 - lost - won])
            low, high = paired_share_interval(a, b, rows)
            covered += chance * (low <= won - lost <= high)
    assert covered >= 0.94


def test_both_say_the_same_of_few_differing_rows() -> None:
    # Four rows won and none lost looks sure to a bootstrap, and is not.
    assert mcnemar(0, 4) > 0.05
    low, high = paired_share_interval(0, 4, 114)
    assert low < 0 < high


def test_what_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        t_quantile(1.0, 3)
    assert math.isinf(stats.t.ppf(1.0, 3))
