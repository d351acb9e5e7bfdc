"""What kept predictions say of a comparison: how sure each change is, and scores where none compared."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import msgspec

from .comparability import evaluation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_mlops.records import Evaluation, Run

    from .findings import Effect, Losses, MetricRow
    from .losses import Pair
    from .paired import Predictions
    from .scoring import Measure

log = logging.getLogger(__name__)

_METRICS = 12
_LOSSES = 12
_AREA = "roc_auc_score"
_FEW = 20
TOLERANCE = 1e-9


class Evidence:
    """Reads each run's predictions once.

    Args:
        read: From a run and a metric to what it was scored on, or None where that was not kept.
    """

    def __init__(self, read: Callable[[Run, str], Predictions | None]) -> None:
        self._read = read
        self._found: dict[tuple[str, str], Predictions | None] = {}

    def of(self, run: Run, metric: str) -> Predictions | None:
        """The predictions behind `metric` of `run`; a fault in reading them is logged, and None."""
        key = run.run_id, metric
        if key not in self._found:
            try:
                self._found[key] = self._read(run, metric)
            except Exception:
                log.warning("the predictions of run %s cannot be used", run.run_id, exc_info=True)
                self._found[key] = None
        return self._found[key]

    def weigh(self, rows: Sequence[MetricRow], runs: Sequence[Run], reference: Run) -> tuple[MetricRow, ...]:
        """The rows, with effects and rescored numbers where predictions allow them."""
        weighed, looked = [], 0
        for row in rows:
            found = None
            if looked < _METRICS and reference.run_id in row.values:
                found = self._weighed(row, runs, reference)
                looked += found is not None
            weighed.append(found or row)
        return tuple(weighed)

    def losses(self, row: MetricRow | None, runs: Sequence[Run], reference: Run) -> tuple[Losses, ...]:
        """Where each run gains and loses against the reference on the metric of `row`."""
        if row is None:
            return ()
        from .losses import losses_of

        found = []
        for run in [run for run in runs if run is not reference][:_LOSSES]:
            pair = self.pair(row, run, reference)
            if pair is not None:
                found.append(losses_of(pair, run.run_id, row.name))
        return tuple(found)

    def pair(self, row: MetricRow, run: Run, reference: Run) -> Pair | None:
        """The reference and `run` over the rows both predicted; None where there are none."""
        from .losses import pair_of
        from .paired import shared_rows

        first, second = self.of(reference, row.name), self.of(run, row.name)
        shared = shared_rows(first, second) if first is not None and second is not None else None
        if first is None or shared is None:
            return None
        measure = _measure(row, reference, first)
        return pair_of(*shared, measure, row.higher_is_better)

    def _weighed(self, row: MetricRow, runs: Sequence[Run], reference: Run) -> MetricRow | None:
        first = self.of(reference, row.name)
        evaluation = evaluation_of(reference, row.name)
        if first is None or evaluation is None:
            return None
        area = evaluation.function.rpartition(".")[2] == _AREA
        measure = None if area else _measure(row, reference, first)
        if measure is None and not area:
            return None
        others = [run for run in runs if run is not reference and run.run_id in row.values]
        effects: dict[str, Effect] = {}
        for run in others:
            second = self.of(run, row.name)
            if second is None:
                continue
            if run.run_id not in row.apart and not self._is_as_recorded(row, run, second, measure):
                continue  # something else made this number than what was kept
            effect = self._effect(row, first, second, measure, evaluation, len(others))
            if effect is not None:
                effects[run.run_id] = effect
        rescored = self._rescored(row, runs, measure) if row.apart and measure is not None else {}
        return msgspec.structs.replace(row, effects=effects, rescored=rescored)

    def _effect(
        self,
        row: MetricRow,
        first: Predictions,
        second: Predictions,
        measure: Measure | None,
        evaluation: Evaluation,
        comparisons: int,
    ) -> Effect | None:
        from .paired import shared_rows
        from .resampling import area_effect, effect

        shared = shared_rows(first, second)
        if shared is None:
            return None
        if measure is not None:
            return effect(measure, *shared, higher_is_better=row.higher_is_better, comparisons=comparisons)
        positives = [_positive(predictions) for predictions in shared]
        if positives[0] is None or positives[1] is None:
            return None
        truth, one = positives[0]
        return area_effect(
            truth, one, positives[1][1], higher_is_better=row.higher_is_better, comparisons=comparisons
        )

    def _is_as_recorded(
        self, row: MetricRow, run: Run, predictions: Predictions, measure: Measure | None
    ) -> bool:
        recorded = float(row.values[run.run_id])
        if measure is not None:
            from .scoring import find_measure

            found = find_measure(_function(run, row.name), recorded, predictions)
            return found is not None and found.name == measure.name
        return _area_is(predictions, recorded)

    def _rescored(self, row: MetricRow, runs: Sequence[Run], measure: Measure) -> dict[str, float]:
        """Every run's score on the rows they all predicted, by the reference's measure."""
        from .paired import shared_rows

        kept = [(run, p) for run in runs if (p := self.of(run, row.name)) is not None]
        if len(kept) < 2:
            return {}
        common = kept[0][1]
        for _, predictions in kept[1:]:
            cut = shared_rows(common, predictions)
            if cut is None:
                return {}
            common = cut[0]
        if len(common) < _FEW:
            return {}
        scores = {}
        for run, predictions in kept:
            cut = shared_rows(common, predictions)
            if cut is not None:
                scores[run.run_id] = measure.score(cut[1])
        return scores if all(map(math.isfinite, scores.values())) else {}


def _measure(row: MetricRow, run: Run, predictions: Predictions) -> Measure | None:
    from .scoring import find_measure

    if run.run_id not in row.values:
        return None
    return find_measure(_function(run, row.name), float(row.values[run.run_id]), predictions)


def _function(run: Run, metric: str) -> str:
    evaluation = evaluation_of(run, metric)
    return evaluation.function if evaluation is not None else ""


def _positive(predictions: Predictions) -> tuple[Any, Any] | None:
    """Which rows are positive, and how sure the run was of it; None unless there are two classes."""
    import numpy as np

    scores = predictions.scores
    classes = np.unique(predictions.truth)
    if len(classes) != 2:
        return None
    if scores is None:
        if predictions.predicted.dtype.kind != "f":
            return None
        scores = predictions.predicted  # the scores themselves were scored
    if scores.ndim == 2:
        scores = scores[:, -1]
    if scores.ndim != 1 or len(scores) != len(predictions):
        return None
    return predictions.truth == classes[1], scores.astype(float)


def _area_is(predictions: Predictions, recorded: float) -> bool:
    from .resampling import area

    positive = _positive(predictions)
    return positive is not None and abs(area(*positive) - recorded) <= TOLERANCE
