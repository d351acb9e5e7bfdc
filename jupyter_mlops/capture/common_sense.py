"""Leaks and other things that make a score too good, or too bad, to be true.

Each check looks at the very values that were fitted and scored, within a bound on their size, and
speaks only when it is sure: a false alarm teaches people to ignore the true ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import RunWarning, Severity

from .numbers import module_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_CELLS = 1_000_000
_COLUMNS = 500
_FEWEST = 5


class Fitting(msgspec.Struct, frozen=True):
    """What a model was fitted on: the variables' names and their values; `target` may be None."""

    features_name: str
    features: Any
    target_name: str = ""
    target: Any = None


class Scoring(msgspec.Struct, frozen=True):
    """What a score was made of: its metric, function and value, and the data it compared with."""

    metric: str
    function: str
    value: float
    features_name: str = ""
    features: Any = None
    target_name: str = ""
    target: Any = None


def find_nonsense(fittings: Sequence[Fitting], scorings: Sequence[Scoring]) -> list[RunWarning]:
    """Warnings about what was fitted and scored in one run, each once, with its cure."""
    found: dict[tuple[str, ...], RunWarning] = {}
    for fitting in fittings[-3:]:
        for warning in (
            _copies_target(fitting),
            *(_shares_rows(fitting, scoring) for scoring in scorings[:6]),
        ):
            if warning is not None:
                found.setdefault((warning.code, *warning.names), warning)
    for scoring in scorings[:12]:
        warning = _below_baseline(scoring)
        if warning is not None:
            found.setdefault((warning.code, *warning.names), warning)
    return list(found.values())


def _shares_rows(fitting: Fitting, scoring: Scoring) -> RunWarning | None:
    if scoring.features is None or scoring.features is fitting.features:
        return None  # scored on what it was fitted on: done on purpose, and said by its name
    train, test = _row_hashes(fitting.features), _row_hashes(scoring.features)
    if train is None or test is None or len(test) < _FEWEST:
        return None
    import numpy as np

    shared = int(np.isin(test, train).sum())
    natural = 1 - len(np.unique(train)) / len(train)
    # Equal rows are common in small tables of integers: only many more of them than the training
    # rows have among themselves come from a wrong split.
    if shared < max(_FEWEST, 0.02 * len(test)) or shared / len(test) < 3 * natural + 0.02:
        return None
    if shared == len(test) and len(train) == len(test):
        return None  # the same rows under another name, as after a copy
    return RunWarning(
        code="rows_shared",
        message=f"{shared} of {len(test)} rows of `{scoring.features_name}` "
        f"are also in `{fitting.features_name}`.",
        hint="Split before anything duplicates rows, and drop duplicates first.",
        severity=Severity.ERROR,
        names=(fitting.features_name, scoring.features_name),
    )


def _copies_target(fitting: Fitting) -> RunWarning | None:
    if fitting.target is None or module_of(type(fitting.features)).partition(".")[0] != "pandas":
        return None
    table, target = _table(fitting.features), _column(fitting.target)
    if table is None or target is None or len(table) != len(target) or len(target) < 4 * _FEWEST:
        return None
    import numpy as np

    if len(table.columns) > _COLUMNS or len(np.unique(target)) < 2:
        return None
    for name in table.columns:
        values = _column(table[name])
        if values is not None and values.dtype.kind == target.dtype.kind and bool((values == target).all()):
            return RunWarning(
                code="target_among_features",
                message=f"The column `{name}` of `{fitting.features_name}` "
                f"is a copy of `{fitting.target_name}`.",
                hint="Drop it from the features.",
                severity=Severity.ERROR,
                names=(fitting.features_name, str(name)),
            )
    return None


def _below_baseline(scoring: Scoring) -> RunWarning | None:
    last = scoring.function.rpartition(".")[2]
    baseline, what = None, ""
    if last in ("accuracy_score", "ClassifierMixin.score") or scoring.function.endswith(
        "ClassifierMixin.score"
    ):
        target = _column(scoring.target)
        if target is not None and len(target) >= 4 * _FEWEST:
            import numpy as np

            values, counts = np.unique(target, return_counts=True)
            most = int(counts.argmax())
            baseline = float(counts[most] / len(target))
            what = f"always predicting {values[most].item()!r}"
    elif last == "r2_score" or scoring.function.endswith("RegressorMixin.score"):
        baseline, what = 0.0, "always predicting the mean"
    if baseline is None or not 0 <= baseline < 1 or not scoring.value < baseline - 1e-12:
        return None
    return RunWarning(
        code="below_baseline",
        message=f"`{scoring.metric}` {scoring.value:.4g} is below {what} ({baseline:.4g}).",
        hint="Check that features, labels and their order belong together.",
        names=(scoring.metric,),
    )


# -- values ----------------------------------------------------------------------------------------


def _row_hashes(value: Any) -> Any:
    table = _table(value)
    if table is None or len(table) == 0 or len(table.columns) < 2:
        return None
    import pandas as pd

    try:
        return pd.util.hash_pandas_object(table, index=False).to_numpy()
    except TypeError:  # a column of lists or dicts
        return None


def _table(value: Any) -> Any:
    """`value` as a DataFrame, if it is one or a two-dimensional array, and not too large."""
    kind = type(value)
    module = module_of(kind).partition(".")[0]
    if module == "pandas" and kind.__name__ == "DataFrame":
        return value if value.size <= _CELLS and value.columns.is_unique else None
    if module == "numpy" and kind.__name__ == "ndarray" and value.ndim == 2 and value.size <= _CELLS:
        import pandas as pd

        return pd.DataFrame(value) if value.dtype.kind in "iufb" else None
    return None


def _column(value: Any) -> Any:
    """`value` as a one-dimensional array of numbers or texts without missing values, or None."""
    kind = type(value)
    module = module_of(kind).partition(".")[0]
    if module == "pandas" and kind.__name__ == "Series" and len(value) <= _CELLS:
        if bool(value.isna().any()):
            return None
        value = value.to_numpy()
        kind, module = type(value), "numpy"
    if module != "numpy" or kind.__name__ != "ndarray" or value.ndim != 1 or value.size > _CELLS:
        return None
    if value.dtype.kind == "O":
        if not all(type(item) is str for item in value):
            return None
        value = value.astype(str)
    return value if value.dtype.kind in "iubUf" else None
