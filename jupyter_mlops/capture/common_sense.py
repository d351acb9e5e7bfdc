"""Leaks and other things that make a score too good, or too bad, to be true.

Each check looks at the very values that were fitted and scored, within a bound on their size, and
speaks only when it is sure: a false alarm teaches people to ignore the true ones.
"""

from __future__ import annotations

import math
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import RunWarning, Severity

from .numbers import module_of
from .scorings import Verdicts
from .vocabulary import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .scorings import Fitting, Scoring

_CELLS = 1_000_000
#: A table of more columns is not compared row by row.
_WIDEST = 2_000
_COLUMNS = 500
_FEWEST = 5
_TABLES = 10
_MOST_BELOW = 3
_MOST_CLASSES = 50
#: Rows in which a copy of the target is looked for first.
_LOOKED_AT = 1_000
#: Classes whose shares differ by less are no jump.
_JUMP = 0.15
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_STAMPED = frozenset({"date", "time", "timestamp", "datetime", "day", "month", "ts"})
_ERRORS = frozenset({"error", "rmse", "mse", "mae", "mape", "r2", "rsquared", "variance"})
#: Scores of a constant prediction are nothing to compare these with.
_UNSURE = frozenset({"precision", "recall", "f1", "jaccard", "loss", "kappa", "corrcoef", "balanced", "max"})


def find_nonsense(
    fittings: Sequence[Fitting],
    scorings: Sequence[Scoring],
    *,
    resampled: bool = False,
    verdicts: Verdicts | None = None,
) -> list[RunWarning]:
    """Warnings about what was fitted and scored in one run, each once, with its cure.

    `resampled` tells that classes were balanced on purpose; `verdicts` are those on data seen before.
    """
    verdicts = verdicts or Verdicts()
    found: dict[tuple[str, ...], RunWarning] = {}
    looked_at: set[tuple[int, ...]] = set()
    for fitting in fittings[-4:]:
        checks = [verdicts.of(_copies_target, fitting)]
        for scoring in scorings[:20]:
            pair = (id(fitting.features), id(scoring.features), id(scoring.target))
            if pair in looked_at or _fitted_for(scoring, fittings) is not fitting:
                continue
            looked_at.add(pair)
            checks.append(verdicts.of(_shares_rows, fitting, scoring))
            checks.append(verdicts.of(_is_newer, fitting, scoring))
            if not resampled:
                checks.append(verdicts.of(_balance_jumps, fitting, scoring))
        for warning in checks:
            if warning is not None:
                found.setdefault((warning.code, *warning.names), warning)
    below = [warning for scoring in scorings if (warning := _below_baseline(scoring)) is not None]
    for warning in below[:_MOST_BELOW]:
        found.setdefault((warning.code, *warning.names), warning)
    return list(found.values())


def _fitted_for(scoring: Scoring, fittings: Sequence[Fitting]) -> Fitting | None:
    """The last fit, before the score, of the very model that was scored."""
    known = [made for made in fittings if scoring.model in made.models and made.at < scoring.at]
    return max(known, key=lambda made: made.at) if known else None


def _shares_rows(fitting: Fitting, scoring: Scoring) -> RunWarning | None:
    if scoring.features is None or scoring.features is fitting.features:
        return None  # scored on what it was fitted on: done on purpose, and said by its name
    train, test = row_hashes(fitting.features), row_hashes(scoring.features)
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
    """A column that is the target, also shifted, scaled, encoded or with other names for its classes."""
    columns, target = columns_of(fitting.features), _column(fitting.target)
    if columns is None or target is None or len(columns) < 2 or len(target) < 4 * _FEWEST:
        return None
    step = max(1, len(target) // _LOOKED_AT)
    few, all_rows = _Target(target[::step]), _Target(target)
    for name, whole in columns:
        if len(whole) != len(target):
            return None
        part = _column(whole[::step])
        how = _copy_of(part, few) if part is not None else ""
        if how and step > 1:
            values = _column(whole)
            how = _copy_of(values, all_rows) if values is not None else ""
        if how:
            return RunWarning(
                code="target_among_features",
                message=f"The column `{name}` of `{fitting.features_name}` "
                f"is {how} of `{fitting.target_name}`.",
                hint="Drop it from the features.",
                severity=Severity.ERROR,
                names=(fitting.features_name, str(name)),
            )
    return None


class _Target:
    """A target's values, with what every column is held against computed once, when it is first needed."""

    def __init__(self, values: Any) -> None:
        self.values = values

    @cached_property
    def around_mean(self) -> tuple[Any, float]:
        """The values less their mean, and the sum of the squares of these."""
        values = self.values.astype(float)
        values = values - values.mean()
        return values, float((values * values).sum())

    @cached_property
    def classes(self) -> dict[Any, int] | None:
        """See `_classes`."""
        return _classes(self.values)


def _copy_of(values: Any, target: _Target) -> str:
    """How `values` copies `target`: ``a copy``, scaled, or with other names; ``""`` if it does not."""
    kind = target.values.dtype.kind
    if values.dtype.kind in "iufb" and kind in "iufb":
        x = values.astype(float)
        x = x - x.mean()
        y, squares = target.around_mean
        spread = math.sqrt(float((x * x).sum()) * squares)
        if spread > 0 and abs(abs(float((x * y).sum())) / spread - 1) < 1e-12:
            return "a copy" if bool((values == target.values).all()) else "a scaled copy"
    elif values.dtype.kind == kind and bool((values == target.values).all()):
        return "a copy" if bool((values != values[0]).any()) else ""
    names = target.classes
    others = _classes(values) if names else None
    if not names or not others or len(names) != len(others):
        return ""
    pairs = set(zip(values.tolist(), target.values.tolist(), strict=True))
    return "an encoded copy" if len(pairs) == len(names) else ""


def _classes(values: Any) -> dict[Any, int] | None:
    """How often each class occurs, None if these are no classes: too many, or too few of each."""
    import numpy as np

    if values.dtype.kind == "f" and not bool((values == np.round(values)).all()):
        return None
    names, counts = np.unique(values, return_counts=True)
    if not 2 <= len(names) <= min(_MOST_CLASSES, len(values) // 5):
        return None
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _balance_jumps(fitting: Fitting, scoring: Scoring) -> RunWarning | None:
    """Classes far more, or less, frequent in the test rows than in the training rows."""
    train, test = _column(fitting.target), _column(scoring.target)
    if train is None or test is None or min(len(train), len(test)) < 4 * _FEWEST:
        return None
    if scoring.target is fitting.target or train.dtype.kind not in "iubU":
        return None
    known, asked = _classes(train), _classes(test)
    if known is None or asked is None:
        known, asked = _counts(train), _counts(test)
        if len(known) > _MOST_CLASSES or not asked or len(asked) > _MOST_CLASSES:
            return None
        if max(len(known), len(asked)) < 2 or len(known) > len(train) // 5:
            return None
    if len(known) > 1 and len(set(known.values())) == 1 and len(set(asked.values())) > 1:
        return None  # balanced on purpose
    worst, was, now = "", 0.0, 0.0
    for name in {*known, *asked}:
        before, after = known.get(name, 0) / len(train), asked.get(name, 0) / len(test)
        middle = (known.get(name, 0) + asked.get(name, 0)) / (len(train) + len(test))
        error = math.sqrt(middle * (1 - middle) * (1 / len(train) + 1 / len(test)))
        far = abs(after - before) > max(_JUMP, 5 * error) or (not known.get(name) and after >= _JUMP / 2)
        if far and abs(after - before) > abs(now - was):
            worst, was, now = repr(name), before, after
    if not worst:
        return None
    return RunWarning(
        code="class_balance",
        message=f"Class {worst} is {was:.0%} of `{fitting.target_name or 'the training rows'}` "
        f"but {now:.0%} of `{scoring.target_name or 'the test rows'}`.",
        hint="Shuffle or stratify the split (train_test_split(…, stratify=y)), or say why the two differ.",
        names=(fitting.target_name, scoring.target_name),
    )


def _counts(values: Any) -> dict[Any, int]:
    import numpy as np

    names, counts = np.unique(values, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _is_newer(fitting: Fitting, scoring: Scoring) -> RunWarning | None:
    """Training rows from after the first test row, where the index is time."""
    if scoring.features is None or scoring.features is fitting.features:
        return None
    train, test = _times(fitting.features), _times(scoring.features)
    if train is None or test is None or not len(train) or not len(test):
        return None
    if train.dtype != test.dtype or train.max() <= test.min() or train.min() >= test.max():
        return None
    newer = int((train > test.min()).sum())
    return RunWarning(
        code="split_over_time",
        message=f"{newer} of {len(train)} rows of `{fitting.features_name}` are from after the first row "
        f"of `{scoring.features_name}`: the model has seen the future of what it is scored on.",
        hint="Split by time: train on what came before, test on what came after.",
        names=(fitting.features_name, scoring.features_name),
    )


def find_time_leaks(
    splits: Sequence[tuple[str, tuple[str, ...]]], namespace: Mapping[str, Any], tables: Sequence[str]
) -> list[RunWarning]:
    """Random splits of time-stamped rows, and time stamps of `tables` that have not come yet.

    `splits` names what was split at random, each with the tables it was made of.
    """
    found = []
    for name, ancestors in splits[:6]:
        for source in (name, *ancestors):
            column = _time_column(namespace.get(source), sorted_only=source != name)
            if column:
                found.append(
                    RunWarning(
                        code="split_over_time",
                        message=f"`{name}` was split at random, but its rows are time-stamped ({column}): "
                        "the model is trained on the future of its test rows.",
                        hint="Split by time (shuffle=False on sorted rows, or TimeSeriesSplit).",
                        names=(name,),
                    )
                )
                break
        if found:
            break
    for name in list(tables)[:_TABLES]:
        future = _future(namespace.get(name))
        if future:
            column, count, newest = future
            found.append(
                RunWarning(
                    code="future_timestamps",
                    message=f"{count} rows of `{name}` have a `{column}` that has not come yet ({newest}).",
                    hint="Look for swapped days and months, wrong units or placeholders such as 9999-12-31.",
                    names=(name, column),
                )
            )
    return found


def _time_column(value: Any, *, sorted_only: bool) -> str:
    """The name of what stamps a table's rows with time: its index, or a column; ``""`` if nothing does."""
    if not _is_frame(value) or len(value) < 4 * _FEWEST:
        return ""
    if type(value.index).__name__ in ("DatetimeIndex", "PeriodIndex"):
        return "its index"
    for label, values in _stamps(value):
        ordered = bool((values[1:] >= values[:-1]).all())
        if (ordered or not sorted_only) and len(set(values[:1000].tolist())) > 1:
            return f"`{label}`"
    return ""


def _stamps(frame: Any) -> Iterator[tuple[str, Any]]:
    """The columns of a table that hold points in time, those written as ISO texts under such a name too."""
    for position, dtype in enumerate(frame.dtypes.tolist()[:_COLUMNS]):
        kind = str(dtype)
        label = frame.columns[position]
        if type(label) is not str:
            continue
        if kind.startswith("datetime64"):
            values = frame.iloc[:, position]
            yield label, values[values.notna()].dt.tz_localize(None).to_numpy()
        elif kind in ("object", "str", "string") and _STAMPED & set(words(label)):
            values = frame.iloc[:, position].to_numpy(dtype=object)
            few = values[:: max(1, len(values) // 20)]
            if all(type(item) is str and _ISO.match(item) for item in few) and all(
                type(item) is str for item in values
            ):
                yield label, values.astype(str)


def _future(value: Any) -> tuple[str, int, str] | None:
    if not _is_frame(value) or not len(value):
        return None
    import numpy as np

    tomorrow = np.datetime64("now") + np.timedelta64(1, "D")
    for label, values in _stamps(value):
        if values.dtype.kind != "M":
            continue
        later = values > tomorrow
        if bool(later.any()):
            return label, int(later.sum()), str(values.max())[:10]
    return None


def _is_frame(value: Any) -> bool:
    kind = type(value)
    return (
        module_of(kind).partition(".")[0] == "pandas"
        and kind.__name__ == "DataFrame"
        and value.size <= 20 * _CELLS
        and value.columns.is_unique
    )


def _times(value: Any) -> Any:
    kind = type(value)
    if module_of(kind).partition(".")[0] != "pandas" or kind.__name__ not in ("DataFrame", "Series"):
        return None
    return value.index.values if type(value.index).__name__ == "DatetimeIndex" else None


def _below_baseline(scoring: Scoring) -> RunWarning | None:
    trivial, higher = scoring.trivial, scoring.higher_is_better
    last = scoring.function.rpartition(".")[2]
    if trivial is None or _UNSURE & set(words(last)):
        return None
    if higher is None:
        higher = last == "score" or trivial < 1
    # The mean of the training rows misses that of the test rows by a little: no news.
    margin = 0.02 * abs(trivial) + 1e-12
    worse = scoring.value < trivial - margin if higher else scoring.value > trivial + margin
    if not worse:
        return None
    if last == "roc_auc_score":
        what = "chance"
    else:
        what = "always predicting the " + ("mean" if _is_regression(last, trivial) else "most frequent class")
    return RunWarning(
        code="below_baseline",
        message=f"`{scoring.metric}` {scoring.value:.4g} is worse than {what} ({trivial:.4g}).",
        hint="Check that features, labels and their order belong together.",
        names=(scoring.metric,),
    )


def _is_regression(last: str, trivial: float) -> bool:
    return bool(_ERRORS & set(words(last))) or (last == "score" and trivial == 0)


# -- values ----------------------------------------------------------------------------------------


def row_hashes(value: Any) -> Any:
    """A number for each row of a table or two-dimensional array, equal for equal rows; None for others."""
    kind = type(value)
    module = module_of(kind).partition(".")[0]
    if module == "pandas" and kind.__name__ == "DataFrame":
        if value.size > _CELLS or not len(value) or not 2 <= value.shape[1] <= _WIDEST:
            return None  # Every column is hashed by itself.
        if not value.columns.is_unique:
            return None
        import pandas as pd

        try:
            return pd.util.hash_pandas_object(value, index=False).to_numpy()
        except TypeError:  # a column of lists or dicts
            return None
    if module == "polars" and kind.__name__ == "DataFrame":
        return value.hash_rows().to_numpy() if value.width > 1 and value.height else None
    if module != "numpy" or kind.__name__ != "ndarray" or value.ndim != 2:
        return None
    if value.dtype.kind not in "iufb" or value.size > _CELLS or not len(value) or value.shape[1] < 2:
        return None
    import numpy as np

    weights = np.random.Generator(np.random.PCG64(7)).integers(1, 2**63, value.shape[1], dtype=np.uint64)
    bits = (np.ascontiguousarray(value, dtype=np.float64) + 0.0).view(np.uint64)
    with np.errstate(over="ignore"):
        return ((bits ^ (bits >> np.uint64(29))) * (weights * np.uint64(2) + np.uint64(1))).sum(axis=1)


def columns_of(value: Any) -> list[tuple[Any, Any]] | None:
    """(name, values) of each column of a table or two-dimensional array that is not too wide."""
    kind = type(value)
    module = module_of(kind).partition(".")[0]
    if module == "pandas" and kind.__name__ == "DataFrame":
        if value.shape[1] > _COLUMNS or not value.columns.is_unique:
            return None
        return [(name, value.iloc[:, place]) for place, name in enumerate(value.columns)]
    if module == "numpy" and kind.__name__ == "ndarray" and value.ndim == 2 and value.shape[1] <= _COLUMNS:
        return [(place, value[:, place]) for place in range(value.shape[1])]
    return None


def _column(value: Any) -> Any:
    """`value` as a one-dimensional array of numbers or texts without missing values, or None."""
    kind = type(value)
    module = module_of(kind).partition(".")[0]
    if module == "pandas" and kind.__name__ == "Series" and len(value) <= _CELLS:
        if bool(value.isna().any()):
            return None
        if str(value.dtype) == "category":
            value = value.astype(value.cat.categories.dtype)
        value = value.to_numpy()
        kind, module = type(value), "numpy"
    if module != "numpy" or kind.__name__ != "ndarray" or value.ndim != 1 or value.size > _CELLS:
        return None
    if value.dtype.kind == "O":
        if not all(type(item) is str for item in value):
            return None
        value = value.astype(str)
    return value if value.dtype.kind in "iubUf" else None
