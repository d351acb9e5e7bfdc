"""pandas: tables column by column, whatever blocks they lie in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128

from . import objects
from .arrays import CHUNK, read_array
from .kinds import module_of
from .reader import OBJECT_COST, UnreadableError
from .scalars import encode_text
from .table import SUBCLASSED, register, text_of

if TYPE_CHECKING:
    from .reader import Reader


def teach_pandas(pandas: Any) -> None:
    """Readers for pandas."""
    register((pandas.DataFrame,), _read_frame)
    register((pandas.Series,), _read_series)
    SUBCLASSED[id(pandas.DataFrame)] = _read_frame
    SUBCLASSED[id(pandas.Series)] = _read_series
    SUBCLASSED[id(pandas.Index)] = _read_index
    SUBCLASSED[id(pandas.api.extensions.ExtensionArray)] = _read_extension
    SUBCLASSED[id(pandas.api.extensions.ExtensionDtype)] = text_of(b"Y", repr)
    register((pandas.Timestamp, pandas.Timedelta, pandas.Period), text_of(b"1", repr))
    register((pandas.Interval, pandas.DateOffset), text_of(b"2", repr))
    register((type(pandas.NA),), lambda _reader, _value: b"NA")
    register((type(pandas.NaT),), lambda _reader, _value: b"NaT")


def _read_frame(reader: Reader, frame: Any) -> bytes:
    manager = frame._mgr
    columns: list[bytes] = [b""] * len(manager.items)
    for block in manager.blocks:
        _read_block(reader, block.values, block.mgr_locs.as_array.tolist(), columns)
    if len(reader.active) == 1:  # the table itself, and none inside of something
        reader.columns = tuple(columns)
    parts = [
        objects.reference_of(type(frame)),
        reader.read(manager.axes[0]),
        reader.read(manager.axes[1]),
        *columns,
    ]
    if frame._attrs:
        parts.append(reader.read(frame._attrs))
    return reader.digest(b"pd", parts)


def _read_block(reader: Reader, values: Any, places: list[int], columns: list[bytes]) -> None:
    import numpy as np

    if type(values) is not np.ndarray:
        rows = [values] if values.ndim == 1 else [values[position] for position in range(len(places))]
    elif (
        values.ndim == 2 and not values.flags.c_contiguous and not values.dtype.hasobject and len(places) > 1
    ):
        for place, part in zip(places, _strided(reader, values), strict=True):
            columns[place] = part
        return
    else:
        rows = list(values) if values.ndim == 2 else [values]
    for place, row in zip(places, rows, strict=True):
        reader.left -= OBJECT_COST
        columns[place] = read_array(reader, row) if type(row) is np.ndarray else reader.read(row)
        if not place & 1023 and time.monotonic() > reader.deadline:
            raise UnreadableError("out of time")


def _strided(reader: Reader, values: Any) -> list[bytes]:
    """The rows of a block whose rows are not contiguous, all hashed in one walk through its memory."""
    import numpy as np

    size = values.size * values.dtype.itemsize
    if size > max(reader.left, 4096) or values.dtype.char in "gG":
        return [read_array(reader, row) for row in values]
    reader.left -= size
    hashers = [xxh3_128() for _ in range(len(values))]
    step = max(64, CHUNK // max(1, len(values) * values.dtype.itemsize))
    for start in range(0, values.shape[1], step):
        chunk = np.ascontiguousarray(values[:, start : start + step]).view(np.uint8)
        for hasher, row in zip(hashers, chunk, strict=True):
            hasher.update(memoryview(row))
    head = b"z" + encode_text(str(values.shape[1:])) + encode_text(values.dtype.str)
    if values.shape[1] == 0:
        return [reader.digest(head, (b"0",)) for _ in hashers]
    return [reader.digest(head, (hasher.digest(),)) for hasher in hashers]


def _read_series(reader: Reader, series: Any) -> bytes:
    parts = [objects.reference_of(type(series)), reader.read(series._mgr.blocks[0].values)]
    parts.extend((reader.read(series._mgr.axes[0]), reader.read(series._name)))
    if series._attrs:
        parts.append(reader.read(series._attrs))
    return reader.digest(b"ps", parts)


def _read_index(reader: Reader, index: Any) -> bytes:
    kind = type(index).__name__
    parts = [encode_text(kind)]
    if kind == "RangeIndex":
        parts.extend((reader.read(index._range), reader.read(index._name)))
    elif kind == "MultiIndex":
        parts.extend(reader.read(part) for part in (*index._levels, *index._codes, tuple(index._names)))
    else:
        parts.extend((reader.read(index._data), reader.read(index._name)))
    return reader.digest(b"px", parts)


_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "Categorical": ("_ndarray", "_dtype"),
    "DatetimeArray": ("_ndarray", "_dtype"),
    "TimedeltaArray": ("_ndarray", "_dtype"),
    "PeriodArray": ("_ndarray", "_dtype"),
    "StringArray": ("_ndarray", "_dtype"),
    "StringArrayNumpySemantics": ("_ndarray", "_dtype"),
    "NumpyExtensionArray": ("_ndarray",),
    "IntervalArray": ("_left", "_right", "_dtype"),
    "ArrowExtensionArray": ("_pa_array", "_dtype"),
    "ArrowStringArray": ("_pa_array", "_dtype"),
    "ArrowStringArrayNumpySemantics": ("_pa_array", "_dtype"),
}


def _read_extension(reader: Reader, value: Any) -> bytes:
    kind = type(value)
    if module_of(kind).partition(".")[0] != "pandas":
        raise UnreadableError("a foreign extension array")
    name = kind.__name__
    if name in ("IntegerArray", "FloatingArray", "BooleanArray"):
        data, mask = value._data, value._mask
        if mask.any():
            data = data.copy()
            data[mask] = 0
        parts = [read_array(reader, data), read_array(reader, mask)]
    elif name == "SparseArray":
        points = value._sparse_index.to_int_index()
        parts = [reader.read(part) for part in (value._sparse_values, points.indices, points.length)]
        parts.append(reader.read(value._dtype.fill_value))
    elif name in _EXTENSIONS:
        parts = []
        for attribute in _EXTENSIONS[name]:
            part = getattr(value, attribute)
            if attribute == "_dtype":
                parts.append(encode_text(str(part)))
                if name == "Categorical":
                    parts.extend((reader.read(part.categories), reader.read(part.ordered)))
            else:
                parts.append(reader.read(part))
    else:
        raise UnreadableError(name)
    return reader.digest(b"pe" + encode_text(name), parts)
