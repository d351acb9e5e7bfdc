"""How sure a difference is: against scikit-learn's scores, scipy's bootstrap and known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from jupyter_mlops.compare.paired import Predictions, shared_rows
from jupyter_mlops.compare.resampling import area, area_effect, effect, interval_of_change
from jupyter_mlops.compare.scoring import find_measure, measures

RNG = np.random.default_rng(7)
ROWS = 240
WORDS = np.array(["Adelie", "Chinstrap", "Gentoo"])


def classes(error: float, seed: int = 1, count: int = 3) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(0).integers(0, count, ROWS)
    noise = rng.random(ROWS) < error
    said = np.where(noise, (truth + 1 + rng.integers(0, count - 1, ROWS)) % count, truth)
    raw = rng.random((ROWS, count)) + 2 * np.eye(count)[said]
    return Predictions(np.arange(ROWS), WORDS[truth], WORDS[said], raw / raw.sum(axis=1, keepdims=True))


def numbers(error: float, seed: int = 1) -> Predictions:
    truth = np.random.default_rng(0).normal(50, 10, ROWS)
    said = truth + np.random.default_rng(seed).normal(0, error, ROWS)
    return Predictions(np.arange(ROWS), truth, np.abs(said))


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("accuracy_score", {}),
        ("zero_one_loss", {}),
        ("balanced_accuracy_score", {}),
        ("matthews_corrcoef", {}),
        ("cohen_kappa_score", {}),
        *[
            (name, {"average": how})
            for name in ("f1_score", "precision_score", "recall_score", "jaccard_score")
            for how in ("macro", "weighted", "micro")
        ],
    ],
)
def test_a_measure_is_found_by_the_number_it_gives(function: str, arguments: dict[str, Any]) -> None:
    predictions = classes(0.2)
    recorded = getattr(sk, function)(predictions.truth, predictions.predicted, **arguments)
    measure = find_measure(f"sklearn.metrics.{function}", recorded, predictions)
    assert measure is not None
    assert measure.score(predictions) == pytest.approx(recorded, abs=1e-12)
    assert find_measure(f"sklearn.metrics.{function}", recorded + 1e-4, predictions) is None


@pytest.mark.parametrize(
    "function",
    [
        "mean_squared_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_log_error",
        "root_mean_squared_error",
        "r2_score",
        "explained_variance_score",
    ],
)
def test_measures_of_numbers_are_scikit_learns(function: str) -> None:
    predictions = numbers(3)
    recorded = getattr(sk, function)(predictions.truth, predictions.predicted)
    measure = find_measure(function, recorded, predictions)
    assert measure is not None
    assert measure.score(predictions) == pytest.approx(recorded, rel=1e-9)


def test_measures_of_probabilities_are_scikit_learns() -> None:
    three, two = classes(0.2), classes(0.2, count=2)
    assert two.scores is not None
    recorded = sk.log_loss(three.truth, three.scores)
    assert find_measure("log_loss", recorded, three) is not None
    recorded = sk.brier_score_loss(two.truth, two.scores[:, 1], pos_label="Chinstrap")
    assert find_measure("brier_score_loss", recorded, two) is not None
    assert list(measures("log_loss", numbers(1))) == []


def test_binary_scores_know_their_positive_class() -> None:
    two = classes(0.3, count=2)
    for label in ("Adelie", "Chinstrap"):
        recorded = sk.f1_score(two.truth, two.predicted, pos_label=label)
        measure = find_measure("f1_score", recorded, two)
        assert measure is not None
        assert label in measure.name


def test_the_bootstrap_is_scipys() -> None:
    one, two = numbers(4, 1), numbers(3, 2)
    measure = find_measure("r2_score", sk.r2_score(one.truth, one.predicted), one)
    assert measure is not None
    found = effect(measure, one, two, higher_is_better=True)
    expected = stats.bootstrap(
        (np.arange(ROWS),),
        lambda i: sk.r2_score(two.truth[i], two.predicted[i]) - sk.r2_score(one.truth[i], one.predicted[i]),
        vectorized=False,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(3),
    ).confidence_interval
    width = expected.high - expected.low
    assert found.method == "paired bootstrap"
    assert abs(found.low - expected.low) < 0.1 * width
    assert abs(found.high - expected.high) < 0.1 * width
    assert effect(measure, one, two, higher_is_better=True) == found  # seeded


def test_many_rows_go_by_the_normal_limit_which_the_bootstrap_agrees_with() -> None:
    rng = np.random.default_rng(5)
    first, second = rng.gamma(2, 1, (60_000, 1)), rng.gamma(2, 1.02, (60_000, 1))
    low, high, method = interval_of_change(lambda m: np.sqrt(m[..., 0]), first, second)
    assert method == "paired normal limit"
    small = interval_of_change(lambda m: np.sqrt(m[..., 0]), first[:1900], second[:1900])
    assert small[2] == "paired bootstrap"
    # the width goes with the root of the number of rows
    assert (small[1] - small[0]) / (high - low) == pytest.approx((60_000 / 1900) ** 0.5, rel=0.12)


def test_an_area_and_its_difference_are_delongs() -> None:
    rng = np.random.default_rng(2)
    truth = rng.random(300) < 0.4
    one, two = truth + rng.normal(0, 1.2, 300), truth + rng.normal(0, 0.9, 300)
    assert area(truth, one) == pytest.approx(sk.roc_auc_score(truth, one))
    found = area_effect(truth, one, two)
    draws = []
    for _ in range(1500):
        i = rng.integers(0, 300, 300)
        draws.append(sk.roc_auc_score(truth[i], two[i]) - sk.roc_auc_score(truth[i], one[i]))
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(np.std(draws), rel=0.1)
    assert found.change == pytest.approx(sk.roc_auc_score(truth, two) - sk.roc_auc_score(truth, one))


def test_noise_is_called_noise_and_a_gain_a_gain() -> None:
    one = classes(0.2)
    measure = find_measure("accuracy_score", sk.accuracy_score(one.truth, one.predicted), one)
    assert measure is not None
    same = effect(measure, one, classes(0.2, seed=2), higher_is_better=True)
    assert (same.verdict, same.method) == ("noise", "McNemar")
    assert "noise, as far as 240 rows can tell" in same.sentence
    better = effect(measure, one, classes(0.02, seed=2), higher_is_better=True)
    assert better.verdict == "better"
    assert better.low > 0
    assert better.p_value is not None
    assert better.p_value < 0.001
    assert effect(measure, classes(0.02, seed=2), one, higher_is_better=True).verdict == "worse"
    assert effect(measure, one, one, higher_is_better=True).sentence == "the two predict every row alike"


def test_many_comparisons_widen_the_interval() -> None:
    one, two = classes(0.2), classes(0.1, seed=2)
    measure = next(measures("accuracy_score", one))
    alone = effect(measure, one, two, higher_is_better=True)
    among = effect(measure, one, two, higher_is_better=True, comparisons=40)
    assert among.high - among.low > 1.4 * (alone.high - alone.low)


def test_few_rows_are_too_few_to_tell() -> None:
    few = np.arange(12)
    one, two = classes(0.5).take(few), classes(0.0).take(few)
    found = effect(next(measures("accuracy_score", one)), one, two, higher_is_better=True)
    assert found.verdict == "too few"
    assert "12 rows: too few to tell" in found.sentence


def test_rows_are_brought_together_by_their_labels() -> None:
    one = classes(0.1)
    two = classes(0.2).take(np.arange(ROWS)[::-1][:200])
    shared = shared_rows(one, two)
    assert shared is not None
    assert len(shared[0]) == 200
    assert (shared[0].labels == shared[1].labels).all()
    assert (shared[0].truth == shared[1].truth).all()
    other_truth = Predictions(one.labels, WORDS[RNG.integers(0, 3, ROWS)], one.predicted)
    assert shared_rows(one, other_truth) is None
    twice = Predictions(np.zeros(ROWS, dtype=int), one.truth, one.predicted)
    assert shared_rows(one, twice) is None
