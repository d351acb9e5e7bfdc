"""Scores on a slice of the rows a run was scored on, from the predictions and features it kept.

A slice is a condition on columns, such as ``species = 'Gentoo' AND weight >= 4``; `row_query` reads it.
Classes are scored by accuracy, numbers by root mean squared error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.errors import FilterError, UsageError
from jupyter_mlops.records import Record

from .predictions import evaluation_of, read_table
from .row_query import rows_where

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from jupyter_mlops.records import Run


_EXAMPLE = "Write it like: \"species = 'Gentoo' AND weight >= 4\"."


class SliceScore(Record, frozen=True, kw_only=True):
    """A score over the `rows` rows of a slice: ``accuracy`` (more is better) or ``rmse`` (less is better)."""

    measure: str
    value: float
    rows: int
    higher_is_better: bool


def slice_score(run: Run, condition: str, read: Callable[[str], bytes]) -> SliceScore:
    """The score of a run on the rows where `condition` holds.

    Args:
        run: A run that kept predictions.
        condition: See `row_query`; columns are those of the features, ``y_true`` and the target's name.
        read: Gives an artifact's bytes by its digest.

    Raises:
        UsageError: The run kept no predictions, a column is unknown, or no row is in the slice.
    """
    if not condition.strip():
        raise UsageError("An empty condition protects nothing.", _EXAMPLE)
    evaluation = evaluation_of(run)
    table = read_table(read(evaluation.predictions))
    columns = table[["y_true"]]
    if evaluation.features:
        features = read_table(read(evaluation.features))
        if len(features) == len(table):
            columns = features.reset_index(drop=True)
    for name in filter(None, ("y_true", evaluation.target_name)):
        if name not in columns.columns:
            columns = columns.assign(**{name: table["y_true"].to_numpy()})
    try:
        chosen = rows_where(columns, condition)
    except FilterError as error:
        raise FilterError(f"{error.message.rstrip('.')} (run {run.reference}).", error.hint) from None
    rows = table[chosen]
    if not len(rows):
        raise UsageError(f"No row of run {run.reference} lies in the slice {condition!r}.", _EXAMPLE)
    true = table["y_true"]
    numbers = true.dtype.kind == "f" and bool((true.dropna() % 1 != 0).any())
    return _scored(rows, numbers=numbers)


def _scored(rows: pd.DataFrame, *, numbers: bool) -> SliceScore:
    true, predicted = rows["y_true"], rows.get("y_pred")
    if predicted is None:
        raise UsageError("Only scores of classes were kept, and no predictions.", "Score predict(…), too.")
    if numbers:
        value = float(((true - predicted) ** 2).mean() ** 0.5)
        return SliceScore(measure="rmse", value=value, rows=len(rows), higher_is_better=False)
    value = float((true.astype(object) == predicted.astype(object)).mean())
    return SliceScore(measure="accuracy", value=value, rows=len(rows), higher_is_better=True)
