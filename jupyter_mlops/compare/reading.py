"""From a store to a comparison: the one way in for the notebook, the server and the terminal.

The store is known here by what is asked of it only, so that this room needs no database.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol

from jupyter_mlops.errors import UsageError
from jupyter_mlops.records import within_floats

from .comparability import evaluation_of, fitting_reference
from .comparison import compare_runs
from .curves import curves_of
from .directions import known_direction
from .evidence import Evidence
from .rows import metric_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from jupyter_mlops.records import Curve, Run

    from .findings import Examples, RunComparison
    from .paired import Predictions

#: Of a run that is named alone so many of its children are compared.
MOST_CHILDREN = 20


class RunStore(Protocol):
    """What a comparison asks of a store."""

    def get_run(self, run_id: str, /) -> Run:
        """A run, complete."""

    def get_curve(self, run_id: str, metric: str, /) -> Curve:
        """One of its curves."""

    def get_artifact(self, digest: str, /) -> bytes:
        """The bytes of an artifact."""

    def directions(self) -> dict[str, bool]:
        """What people said of metrics."""


def compare_stored(
    store: RunStore, run_ids: Sequence[str], reference: str | None = None, *, in_any_order: bool = False
) -> RunComparison:
    """Read runs and all that belongs to them, and put them side by side.

    Args:
        store: Where they are.
        run_ids: Which they are.
        reference: What the others are held against; the first run, if none is named.
        in_any_order: Nobody has put them in an order. If they are more than two, and none is named,
            they are held against the one that most of them compare with.
    """
    runs = [store.get_run(run_id) for run_id in run_ids]
    if reference is None and in_any_order and len(runs) > 2:
        reference = fitting_reference(runs).run_id
    return compare_runs(
        runs,
        curves_of(runs, store.get_curve),
        reference,
        directions=store.directions(),
        evidence=evidence_of(store),
    )


def examples_stored(
    store: RunStore,
    reference: str,
    run_id: str,
    metric: str,
    where: str = "",
    *,
    limit: int = 20,
    offset: int = 0,
) -> Examples:
    """Rows that two runs predicted for `metric` and that meet a condition, the most telling first.

    Raises:
        UsageError: The two kept no predictions of rows they share.
        FilterError: The condition is not understood.
    """
    from .losses import examples_of

    base, run = (within_floats(store.get_run(each)) for each in (reference, run_id))
    rows = {row.name: row for row in metric_rows([base, run], base, store.directions())}
    pair = evidence_of(store).pair(rows[metric], run, base) if metric in rows else None
    if pair is None:
        raise UsageError(
            f"These runs kept no predictions of the same rows for {metric}.",
            "Predictions are kept when a cell scores what a model predicted.",
        )
    return examples_of(pair, where, limit=limit, offset=offset)


def evidence_of(store: RunStore) -> Evidence:
    """The predictions that the runs of `store` kept."""
    from .predictions import read_table

    # The metrics of a run share a table, and runs of one split their features.
    read = cache(lambda digest: read_table(store.get_artifact(digest)))
    return Evidence(lambda run, metric: kept_predictions(run, metric, read))


def direction_in(store: RunStore) -> Callable[[str], bool | None]:
    """Which way a metric is good by its name alone, what people said first."""
    said: dict[str, bool] | None = None

    def direction(name: str) -> bool | None:
        nonlocal said
        if said is None:  # most references name no metric, and ask nothing
            said = store.directions()
        return known_direction(name, (), said)[0]

    return direction


def kept_predictions(run: Run, metric: str, read: Callable[[str], pd.DataFrame]) -> Predictions | None:
    """What `metric` of `run` was scored on, or None where that was not kept.

    Args:
        run: The run.
        metric: The metric's name.
        read: From a digest to the table that is kept under it.
    """
    import numpy as np

    from .paired import Predictions

    evaluation = evaluation_of(run, metric)
    digest = evaluation.predictions if evaluation is not None else ""
    if evaluation is None or not digest:
        return None
    table = read(digest)
    if "y_true" not in table or ("y_pred" not in table and "y_score" not in table):
        return None
    truth = np.asarray(table["y_true"])
    wide = [str(column) for column in table.columns if str(column).startswith("y_score_")]
    scores = None
    if "y_score" in table:
        scores = np.asarray(table["y_score"])
    elif wide:
        scores = np.stack([np.asarray(table[column], dtype=float) for column in wide], axis=1)
    predicted = np.asarray(table["y_pred"]) if "y_pred" in table else scores
    if predicted is None or predicted.ndim != 1:
        return None
    features = evaluation.features
    kept = read(features) if features else None
    if kept is not None and len(kept) != len(table):
        kept = None
    return Predictions(
        labels=np.asarray(table.index), truth=truth, predicted=predicted, scores=scores, features=kept
    )
