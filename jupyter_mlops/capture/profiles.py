"""Bounded profiles of columns: what is missing, how many values differ, their spread and the most frequent.

Of object columns only values of plain types are counted: nothing of the user's own is compared, hashed or
printed.
"""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import math
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_TEXTS = frozenset({"str", "string", "string[pyarrow]", "large_string[pyarrow]"})
BINS = 10
TOP = 10
TEXT = 100

_MODULE: Any = type.__dict__["__module__"]
_PLAIN = frozenset(
    map(
        id,
        (
            str,
            int,
            float,
            bool,
            type(None),
            bytes,
            decimal.Decimal,
            dt.date,
            dt.datetime,
            dt.time,
            dt.timedelta,
        ),
    )
)


def profile_of(values: Any) -> dict[str, Any]:
    """The profile of one column: a NumPy array or a pandas extension array."""
    import numpy as np

    if not issubclass(type(values), np.ndarray):
        return _extension_profile(values)
    kind = values.dtype.kind
    if kind == "b":
        return _boolean_profile(values, 0)
    if kind in "iu":
        return _number_profile(values, 0, whole=True)
    if kind == "f":
        missing = np.isnan(values)
        valid = values[~missing] if missing.any() else values
        return _number_profile(valid, values.size - valid.size, whole=False)
    if kind in "Mm":
        valid = values[~np.isnat(values)]
        return _time_profile(valid, values.size - valid.size)
    if kind in "OUST":
        return _object_profile(values.tolist())
    return {}


def _extension_profile(values: Any) -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    if _MODULE.__get__(type(values)).startswith("pandas.") and str(values.dtype) in _TEXTS:
        texts = getattr(values, "_pa_array", None)
        if texts is not None:
            return _text_profile(texts)
    missing_at = np.asarray(pd.isna(values))
    missing = int(missing_at.sum())
    dtype = values.dtype
    if issubclass(type(dtype), pd.CategoricalDtype):
        counts = np.bincount(values.codes[values.codes >= 0], minlength=len(dtype.categories))
        order = np.argsort(-counts, kind="stable")
        labels = dtype.categories
        top = [[plain_of(labels[int(at)]), int(counts[at])] for at in order[:TOP] if counts[at]]
        return {
            "missing": missing,
            "distinct": int((counts > 0).sum()),
            "top": top,
            "categories": len(labels),
        }
    valid = values[~missing_at] if missing else values
    kind = getattr(dtype, "kind", "O")
    if kind == "b":
        return _boolean_profile(valid.to_numpy(dtype=bool), missing)
    if kind in "iuf" and hasattr(valid, "to_numpy"):
        return _number_profile(valid.to_numpy(), missing, whole=kind != "f")
    if kind in "Mm":
        return _time_profile(np.asarray(valid, dtype=f"{kind}8[ns]"), missing)
    if str(dtype).startswith("Sparse"):
        return profile_of(np.asarray(values))
    if str(dtype).startswith(("period", "interval")):
        return _object_profile([*map(str, valid), *[None] * missing])
    return _object_profile([*valid.tolist(), *[None] * missing])


def _text_profile(texts: Any) -> dict[str, Any]:
    """As `_object_profile`, of Arrow's texts, which Arrow counts far faster."""
    import numpy as np
    import pyarrow.compute as pc

    counted = pc.value_counts(texts)  # in the order in which they first occur, as a counter has them
    names, counts = counted.field("values"), counted.field("counts").to_numpy()
    most = np.argsort(-counts, kind="stable")[: TOP + 1].tolist()
    top = [[plain_of(names[at].as_py()), int(counts[at])] for at in most if names[at].is_valid]
    missing = int(texts.null_count)
    return {"missing": missing, "distinct": len(counts) - bool(missing), "top": top[:TOP]}


def _number_profile(valid: Any, missing: int, *, whole: bool) -> dict[str, Any]:
    import numpy as np

    profile: dict[str, Any] = {"missing": int(missing)}
    if valid.dtype.kind == "f":
        usable = np.isfinite(valid)
        finite = valid if usable.all() else valid[usable]
        if finite.size != valid.size:
            profile["infinite"] = int(valid.size - finite.size)
    else:
        finite = valid
    if finite.size == 0:
        return profile | {"distinct": 0}
    ordered = np.sort(finite)
    number: Callable[[Any], int | float] = int if whole else float
    profile["distinct"] = int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1
    profile["minimum"], profile["maximum"] = number(ordered[0]), number(ordered[-1])
    exact = ordered.astype(np.float64)
    with np.errstate(all="ignore"):
        profile["mean"] = _finite(exact.mean())
        profile["std"] = _finite(exact.std(ddof=1)) if exact.size > 1 else 0.0
        profile["quantiles"] = [_finite(_quantile(exact, share)) for share in (0, 0.25, 0.5, 0.75, 1)]
        low, high = float(exact[0]), float(exact[-1])
        edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low, high])
        if np.isfinite(edges).all():
            places = np.searchsorted(exact, edges[1:-1], side="left")
            counts = np.diff(np.concatenate(([0], places, [exact.size])))
            profile["histogram"] = {"edges": edges.tolist(), "counts": counts.tolist()}
    return profile


def _quantile(ordered: Any, share: float) -> float:
    """Linear interpolation between order statistics, as NumPy does by default."""
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    low, high = float(ordered[below]), float(ordered[math.ceil(place)])
    return low + (high - low) * (place - below)


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _boolean_profile(valid: Any, missing: int) -> dict[str, Any]:
    true = int(valid.sum())
    counts = [(True, true), (False, int(valid.size) - true)]
    counts.sort(key=lambda item: -item[1])
    present = [[value, count] for value, count in counts if count]
    mean = true / valid.size if valid.size else None
    return {"missing": int(missing), "distinct": len(present), "mean": mean, "top": present}


def _time_profile(valid: Any, missing: int) -> dict[str, Any]:
    import numpy as np

    profile: dict[str, Any] = {"missing": int(missing), "distinct": int(np.unique(valid).size)}
    if valid.size:
        profile["minimum"], profile["maximum"] = str(valid.min()), str(valid.max())
    return profile


def _object_profile(values: list[Any]) -> dict[str, Any]:
    """Counts of plain values; of anything else only how many are missing."""
    kinds = set(map(id, map(type, values)))
    missing = sum(1 for item in values if item is None or (type(item) is float and item != item))  # noqa: PLR0124
    pandas: Any = sys.modules.get("pandas")
    if pandas is not None:
        unknown = (pandas.NA, pandas.NaT)
        missing += sum(1 for item in values if item is unknown[0] or item is unknown[1])
        kinds -= {id(type(item)) for item in unknown}
    if not kinds <= _PLAIN:
        return {"missing": missing, "types": len(kinds)}
    counts = collections.Counter((type(item), item) for item in values if not _is_missing(item, pandas))
    top = [[plain_of(item), count] for (_, item), count in counts.most_common(TOP)]
    return {"missing": missing, "distinct": len(counts), "top": top}


def _is_missing(item: Any, pandas: Any) -> bool:
    if item is None or (type(item) is float and item != item):  # noqa: PLR0124
        return True
    return pandas is not None and (item is pandas.NA or item is pandas.NaT)


def plain_of(value: Any) -> Any:
    """A value of a plain or NumPy type as JSON has it; texts are cut."""
    kind = type(value)
    if kind is str:
        return value if len(value) <= TEXT else f"{value[:TEXT]}…"
    if kind is bool or kind is int or value is None:
        return value
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if kind is bytes:
        return repr(value[:TEXT])
    module = _MODULE.__get__(kind)
    if module == "numpy":
        return plain_of(value.item()) if kind.__name__ != "longdouble" else str(value)
    if module in _PRINTABLE or (module == "pandas" and kind.__name__ in _PANDAS_VALUES):
        return str(value)
    return f"<{type.__dict__['__name__'].__get__(kind)}>"


_PANDAS = "pandas._libs.tslibs"
_PANDAS_VALUES = ("Timestamp", "Timedelta", "Period", "Interval")
_PRINTABLE = frozenset(
    {
        "datetime", "decimal", f"{_PANDAS}.timestamps", f"{_PANDAS}.timedeltas", f"{_PANDAS}.period",
        "pandas._libs.interval",
    }
)  # fmt: skip


def label_of(label: Any) -> str:
    """A column's name as text; labels of unknown types by their type's name."""
    if type(label) is tuple:
        return ", ".join(map(label_of, label))
    return str(plain_of(label))
