"""What a run predicted for each row it was scored on, and bringing two runs' rows together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd


@dataclass(frozen=True)
class Predictions:
    """Arrays of equal length, one entry a row.

    Attributes:
        labels: What a row is called: the index of the frame it came from, or its place.
        truth: The true values.
        predicted: What the run said.
        scores: Its probabilities or decision values, rows or rows × classes; None if not kept.
        features: A table of what the rows are like, to slice by; None if not kept.
    """

    labels: npt.NDArray[Any]
    truth: npt.NDArray[Any]
    predicted: npt.NDArray[Any]
    scores: npt.NDArray[Any] | None = None
    features: pd.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def discrete(self) -> bool:
        """Whether the truth is one of few classes rather than a number."""
        import numpy as np

        if self.truth.dtype.kind == "f":
            if not np.isfinite(self.truth).all() or (self.truth != np.round(self.truth)).any():
                return False
            return len(np.unique(self.truth)) <= 2
        if self.truth.dtype.kind in "iu":
            return len(np.unique(self.truth)) <= max(20, len(self.truth) // 20)
        return True

    def classes(self) -> npt.NDArray[Any]:
        """The distinct values of truth and prediction, sorted; empty where they cannot be sorted."""
        import numpy as np

        try:
            return np.unique(np.concatenate([self.truth, self.predicted]))
        except TypeError:
            return np.array([])

    def take(self, places: npt.NDArray[Any]) -> Predictions:
        """These rows only, in this order."""
        return replace(
            self,
            labels=self.labels[places],
            truth=self.truth[places],
            predicted=self.predicted[places],
            scores=None if self.scores is None else self.scores[places],
            features=None if self.features is None else self.features.iloc[places],
        )


def shared_rows(first: Predictions, second: Predictions) -> tuple[Predictions, Predictions] | None:
    """Both, cut down to the rows they share, in the same order; None where that cannot be told.

    Rows are the same when their labels are, no label stands twice and the truth agrees.
    """
    import numpy as np

    if len(first) == len(second) and np.array_equal(first.labels, second.labels):
        return (first, second) if _agree(first.truth, second.truth) else None
    try:
        labels, one, two = np.intersect1d(first.labels, second.labels, return_indices=True)
    except TypeError:  # labels of mixed kinds have no order
        return None
    if len(labels) == 0:
        return None
    for predictions in (first, second):
        if len(np.unique(predictions.labels)) < len(predictions):
            return None
    cut = first.take(one), second.take(two)
    return cut if _agree(cut[0].truth, cut[1].truth) else None


def _agree(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> bool:
    import numpy as np

    if first.dtype.kind == "f" and second.dtype.kind == "f":
        return bool(np.array_equal(first, second, equal_nan=True))
    return bool(np.array_equal(first, second))
