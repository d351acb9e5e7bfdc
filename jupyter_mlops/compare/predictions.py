"""Kept tables of predictions and features, read back: which a metric was computed from, and what they hold.

The format is described at `records.Artifact`; nothing in a table is ever unpickled.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ArtifactError, MetricNotFoundError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_mlops.records import Evaluation, Run


def evaluations_of(run: Run) -> dict[str, Evaluation]:
    """The evaluations of a run's metrics whose predictions are kept, by metric."""
    found = {}
    for name in run.metrics:
        detail = run.metric_details.get(name)
        if detail is not None and detail.evaluation is not None and detail.evaluation.predictions:
            found[name] = detail.evaluation
    return found


def evaluation_of(run: Run, metric: str | None = None) -> Evaluation:
    """The evaluation of `metric`, or the run's only one.

    Without `metric` the evaluation on test data is meant where there are others on what was trained on.

    Raises:
        MetricNotFoundError: The run has no such metric.
        UsageError: It kept no predictions, or those of several evaluations and `metric` does not say which.
    """
    kept = evaluations_of(run)
    if metric is not None:
        if metric not in run.metrics:
            known = ", ".join(run.metrics) or "none at all"
            raise MetricNotFoundError(f"{_label(run)} has no metric {metric!r}.", f"It has: {known}.")
        if metric not in kept:
            others = f" It kept those of: {', '.join(kept)}." if kept else ""
            raise UsageError(f"{_label(run)} kept no predictions of {metric!r}.{others}", _WHY)
        return kept[metric]
    if not kept:
        raise UsageError(f"{_label(run)} kept no predictions.", _WHY)
    tables = {evaluation.predictions: evaluation for evaluation in kept.values()}
    if len(tables) > 1:
        unseen = {
            digest: evaluation
            for digest, evaluation in tables.items()
            if not {"train", "fit"} & set(evaluation.target_name.lower().replace(".", "_").split("_"))
        }
        tables = unseen or tables
    if len(tables) > 1:
        first = [
            next(name for name, found in kept.items() if found.predictions == digest) for digest in tables
        ]
        children = f", or one of its children, {_label(run)[4:]}.1 …" if run.children else ""
        raise UsageError(
            f"{_label(run)} kept the predictions of several evaluations.",
            f"Name a metric of the one you mean: {', '.join(first)}{children}.",
        )
    return next(iter(tables.values()))


_WHY = (
    "They are kept of calls like accuracy_score(y_test, model.predict(X_test)), not of model.score(…), up to "
    "c.Mlops.predictions_bytes."
)


def _label(run: Run) -> str:
    return f"Run {run.reference if run.number else run.name or run.run_id}"


def read_table(data: bytes) -> pd.DataFrame:
    """The table in an archive: its columns in order, with the row labels it was kept with.

    Raises:
        ArtifactError: It is no such archive.
    """
    import numpy as np
    import pandas as pd

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        names = [str(name) for name in arrays["columns"].tolist()]
        columns = [_column(arrays, str(position)) for position in range(len(names))]
        levels = [key for key in ("index", *(f"index_{level}" for level in range(1, 20))) if key in arrays]
        labels = [_column(arrays, key) for key in levels]
        titles = [str(arrays[f"{key}_name"]) or None for key in levels]
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"A kept table cannot be read: {error}.") from None
    index: Any = None
    if len(labels) == 1:
        index = pd.Index(labels[0], name=titles[0])
    elif labels:
        index = pd.MultiIndex.from_arrays(labels, names=titles)
    frame = pd.DataFrame(dict(enumerate(columns)), index=index)
    frame.columns = pd.Index(names)
    return frame


def _column(arrays: dict[str, Any], key: str) -> Any:
    values, missing = arrays[key], arrays.get(f"{key}?")
    if values.dtype.kind == "U":
        values = values.astype(object)
    if missing is not None:
        values = values.astype(object)
        values[missing] = None
    return values
