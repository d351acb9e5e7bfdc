"""Scores as functions of averages over rows, so that thousands of resampled rows are one matrix product.

A `Measure` turns the truth and what a run predicted into a few numbers a row (its moments), and the
averages of those over any rows into the score. Which measure a metric is, is not guessed from its name
alone: it must give the very number the run recorded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .paired import Predictions

_CLASSES = 60
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Measure:
    """A score that is a function of averages.

    Attributes:
        name: What it is called among people.
        moments: From predictions to an array, rows × moments.
        value: From averaged moments (… × moments) to scores (…).
        binary: Whether a row is simply right (1) or wrong (0), and the score their average.
        additive: Whether the score is the average of its first moment, and a row has a loss of its own.
    """

    name: str
    moments: Callable[[Predictions], Any]
    value: Callable[[Any], Any]
    binary: bool = False
    additive: bool = False

    def score(self, predictions: Predictions) -> float:
        """The score over all rows."""
        return float(self.value(self.moments(predictions).mean(axis=0)))


def find_measure(function: str, recorded: float, predictions: Predictions) -> Measure | None:
    """The measure that `function` (a qualified name) is, if it reproduces the `recorded` number."""
    if len(predictions) == 0:
        return None
    for measure in measures(function.rpartition(".")[2], predictions):
        try:
            found = measure.score(predictions)
        except (TypeError, ValueError, IndexError, FloatingPointError, ZeroDivisionError):
            continue
        if math.isfinite(found) and abs(found - recorded) <= TOLERANCE * max(1.0, abs(recorded)):
            return measure
    return None


def general_measure(predictions: Predictions) -> Measure:
    """What can always be told of a row: right or wrong for classes, the absolute error for numbers."""
    return _accuracy() if predictions.discrete else _mean_error("mean absolute error", "absolute")


def measures(function: str, predictions: Predictions) -> Iterator[Measure]:
    """Every measure a scoring function of that name can mean, by its usual arguments."""
    if function in ("accuracy_score", "accuracy", "score"):
        yield _accuracy()
    if function == "zero_one_loss":
        yield _accuracy(wrong=True)
    if function in ("score", "r2_score"):
        yield _r_squared()
    if function in _ERRORS:
        yield _mean_error(function, _ERRORS[function])
    if function in ("mean_squared_error", "root_mean_squared_error"):
        yield _mean_error("root mean squared error", "squared", root=True)
    if function in ("mean_squared_log_error", "root_mean_squared_log_error"):
        yield _mean_error("root mean squared log error", "log", root=True)
    if function == "explained_variance_score":
        yield _explained_variance()
    if function in ("log_loss", "brier_score_loss") and predictions.scores is not None:
        yield from _probability_losses(function, predictions)
    classes = predictions.classes()
    if not 2 <= len(classes) <= _CLASSES:
        return
    if function in ("balanced_accuracy_score", "matthews_corrcoef", "cohen_kappa_score"):
        yield _agreement(function, classes)
    if function in _RATIOS:
        yield from _ratios(function, classes)


_ERRORS = {
    "mean_squared_error": "squared",
    "mean_absolute_error": "absolute",
    "mean_absolute_percentage_error": "percentage",
    "mean_squared_log_error": "log",
}
_RATIOS = ("precision_score", "recall_score", "f1_score", "jaccard_score")


def _accuracy(*, wrong: bool = False) -> Measure:
    def moments(p: Predictions) -> Any:
        right = p.truth == p.predicted
        return ((~right) if wrong else right).astype(float)[:, None]

    name = "share of wrong rows" if wrong else "accuracy"
    return Measure(name, moments, lambda m: m[..., 0], binary=True, additive=True)


def _mean_error(name: str, kind: str, *, root: bool = False) -> Measure:
    import numpy as np

    def moments(p: Predictions) -> Any:
        truth, predicted = p.truth.astype(float), p.predicted.astype(float)
        error = truth - predicted
        if kind == "squared":
            return (error**2)[:, None]
        if kind == "percentage":
            return (np.abs(error) / np.maximum(np.abs(truth), np.finfo(float).eps))[:, None]
        if kind == "log":
            return ((np.log1p(truth) - np.log1p(predicted)) ** 2)[:, None]
        return np.abs(error)[:, None]

    def value(m: Any) -> Any:
        return np.sqrt(m[..., 0]) if root else m[..., 0]

    return Measure(name.replace("_", " "), moments, value, additive=not root)


def _r_squared() -> Measure:
    import numpy as np

    def moments(p: Predictions) -> Any:
        truth, predicted = p.truth.astype(float), p.predicted.astype(float)
        centred = truth - truth.mean()  # for the sake of large numbers far from zero
        return np.stack([(truth - predicted) ** 2, centred, centred**2], axis=1)

    def value(m: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return 1 - m[..., 0] / (m[..., 2] - m[..., 1] ** 2)

    return Measure("R²", moments, value)


def _explained_variance() -> Measure:
    import numpy as np

    def moments(p: Predictions) -> Any:
        truth = p.truth.astype(float)
        error = truth - p.predicted.astype(float)
        centred = truth - truth.mean()
        return np.stack([error**2, error, centred, centred**2], axis=1)

    def value(m: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return 1 - (m[..., 0] - m[..., 1] ** 2) / (m[..., 3] - m[..., 2] ** 2)

    return Measure("explained variance", moments, value)


def _probability_losses(function: str, predictions: Predictions) -> Iterator[Measure]:
    import numpy as np

    classes = predictions.classes()
    scores = predictions.scores
    if scores is None or len(classes) < 2:
        return
    wide = scores.ndim == 2 and scores.shape[1] > 1
    if wide and scores.shape[1] != len(classes):
        return

    def likelihood(p: Predictions) -> Any:
        found = p.scores
        assert found is not None  # noqa: S101
        place = np.searchsorted(classes, p.truth)
        if wide:
            rows = np.asarray(found, dtype=float)
            rows = rows / rows.sum(axis=1, keepdims=True)
            return np.asarray(rows[np.arange(len(p)), place])
        positive = np.asarray(found, dtype=float).reshape(len(p))
        return np.where(place == 1, positive, 1 - positive)

    def log_moments(p: Predictions) -> Any:
        tiny = np.finfo(np.asarray(p.scores).dtype if np.asarray(p.scores).dtype.kind == "f" else float).eps
        return -np.log(np.clip(likelihood(p), tiny, 1 - tiny))[:, None]

    def brier_moments(p: Predictions) -> Any:
        return ((1 - likelihood(p)) ** 2)[:, None]

    if function == "log_loss":
        yield Measure("log loss", log_moments, lambda m: m[..., 0], additive=True)
    elif len(classes) == 2:
        yield Measure("Brier score", brier_moments, lambda m: m[..., 0], additive=True)


def _agreement(function: str, classes: Any) -> Measure:
    import numpy as np

    count = len(classes)

    def moments(p: Predictions) -> Any:
        truth, predicted = _one_hot(p.truth, classes), _one_hot(p.predicted, classes)
        return np.concatenate([truth * predicted, truth, predicted], axis=1)

    def value(m: Any) -> Any:
        hit, truth, predicted = m[..., :count], m[..., count : 2 * count], m[..., 2 * count :]
        with np.errstate(divide="ignore", invalid="ignore"):
            if function == "balanced_accuracy_score":
                return np.nanmean(np.where(truth > 0, hit / truth, np.nan), axis=-1)
            right = hit.sum(axis=-1)
            chance = (truth * predicted).sum(axis=-1)
            if function == "cohen_kappa_score":
                return (right - chance) / (1 - chance)
            below = np.sqrt((1 - (predicted**2).sum(axis=-1)) * (1 - (truth**2).sum(axis=-1)))
            return np.where(below > 0, (right - chance) / below, 0.0)

    return Measure(function.removesuffix("_score").replace("_", " "), moments, value)


def _ratios(function: str, classes: Any) -> Iterator[Measure]:
    import numpy as np

    count = len(classes)
    name = function.removesuffix("_score")

    def moments(p: Predictions) -> Any:
        truth, predicted = _one_hot(p.truth, classes), _one_hot(p.predicted, classes)
        return np.concatenate([truth * predicted, truth, predicted], axis=1)

    def ratio(hit: Any, truth: Any, predicted: Any) -> Any:
        below = {
            "precision": predicted,
            "recall": truth,
            "f1": (truth + predicted) / 2,
            "jaccard": truth + predicted - hit,
        }[name]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(below > 0, hit / below, 0.0)

    def averaged(how: str) -> Callable[[Any], Any]:
        def value(m: Any) -> Any:
            hit, truth, predicted = m[..., :count], m[..., count : 2 * count], m[..., 2 * count :]
            if how == "micro":
                return ratio(hit.sum(axis=-1), truth.sum(axis=-1), predicted.sum(axis=-1))
            each = ratio(hit, truth, predicted)
            if how.startswith("class"):
                return each[..., int(how[5:])]
            if how == "weighted":
                with np.errstate(divide="ignore", invalid="ignore"):
                    return (each * truth).sum(axis=-1) / truth.sum(axis=-1)
            # A class that is neither there nor predicted in these rows has no score to average.
            seen = (truth > 0) | (predicted > 0)
            return np.where(seen, each, 0).sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1)

        return value

    if count == 2:
        for place in (1, 0):
            yield Measure(f"{name} of {classes[place]}", moments, averaged(f"class{place}"))
    for how in ("macro", "weighted", "micro"):
        yield Measure(f"{how} {name}", moments, averaged(how))


def _one_hot(values: Any, classes: Any) -> Any:
    return (values[:, None] == classes[None, :]).astype(float)
