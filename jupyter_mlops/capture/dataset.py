"""Tables and arrays as datasets: schema and a bounded profile of each column.

Only values of known libraries are looked at, and of object columns only values of plain types:
nothing of the user's own is compared, hashed or printed. Beyond `MAX_CELLS` cells, evenly spaced
rows stand for all of them, which `Dataset.sampled` says.
"""

from __future__ import annotations

import math
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from jupyter_mlops.records import Column, Dataset, ModelInput

from .missing import Interleaved, count_missing, lies_interleaved
from .profiles import label_of, plain_of, profile_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_CELLS = 1_000_000
MAX_COLUMNS = 2_000
MAX_PROFILES = 300
MAX_EXAMPLE = 200
SECONDS = 0.5
MAX_TEXTS = 100_000

#: Profiles by a column's fingerprint and by how many rows apart the values are that were looked at, each with
#: whether these were thinned further.
Profiled: TypeAlias = dict[tuple[bytes, int], tuple[dict[str, Any], bool]]

_MODULE: Any = type.__dict__["__module__"]
_MRO: Any = type.__dict__["__mro__"]


def describe_dataset(
    name: str,
    value: Any,
    *,
    role: str = "input",
    order: int | None = None,
    fingerprint: Callable[[Any], str] | None = None,
    columns: Sequence[bytes] = (),
    profiled: Profiled | None = None,
) -> Dataset | None:
    """The dataset `value` is, or None if it is none (a scalar, a list, a lazy frame, an unknown class).

    Args:
        name: The variable's name; also names the column of a one-dimensional value.
        value: A pandas, polars or Arrow table, a Series, an array of one or more dimensions, a SciPy
            sparse matrix or a PyTorch tensor in this process's memory.
        role: ``input``, ``train``, ``test``, ``validation`` or ``features``.
        order: The execution that made it.
        fingerprint: Called with `value` for `Dataset.fingerprint`.
        columns: The fingerprints of the value's columns, as far as they are known.
        profiled: The profiles of columns by their fingerprints: read, and added to.
    """
    try:
        table = _table(name, value)
        if table is None:
            return None
        described, sampled = _columns(table, columns, {} if profiled is None else profiled)
        return Dataset(
            name=name,
            fingerprint=fingerprint(value) if fingerprint is not None else "",
            kind=table.kind,
            rows=table.rows,
            columns=described,
            shape=table.shape,
            role=role,
            order=order,
            sampled=sampled,
        )
    except Exception:  # noqa: BLE001 - an extension type that misbehaves costs its description, no more
        return None


class _Part(NamedTuple):
    """One column: gives its values, maybe not all, and how many of all of them are missing, if counted."""

    name: str
    dtype: str
    values: Callable[[], Any]
    missing: Callable[[], int | None] = lambda: None


def _part(name: str, dtype: str, values: Any, step: int) -> _Part:
    """A column of a table whose every `step`-th row is looked at; a sample would not tell what is missing."""
    if step == 1:
        return _Part(name, dtype, lambda: values)
    return _Part(name, dtype, lambda: values[::step], lambda: count_missing(values))


def _interleaved_part(name: str, dtype: str, table: Interleaved, place: int, step: int) -> _Part:
    """As `_part`, of a table whose columns lie between one another."""
    if step == 1:
        return _Part(name, dtype, lambda: table.every(1, place))
    return _Part(name, dtype, lambda: table.every(step, place), lambda: table.count_missing(place))


class _Table:
    """A dataset as its columns: `parts` gives each with every `step`-th of its values."""

    def __init__(
        self,
        kind: str,
        shape: tuple[int, ...],
        width: int,
        parts: Callable[[int], Iterator[_Part]],
    ) -> None:
        self.kind = kind
        self.shape = shape
        self.rows = shape[0]
        self.width = width
        self.parts = parts


def _table(name: str, value: Any) -> _Table | None:
    kind = type(value)
    module = _MODULE.__get__(kind)
    root = module.partition(".")[0] if type(module) is str else ""
    if root == "__main__":  # a class of the notebook's own may still be a frame or an array
        bases = [str(_MODULE.__get__(base)).partition(".")[0] for base in _MRO.__get__(kind)]
        root = next((base for base in bases if base in ("pandas", "numpy")), "")
    library = sys.modules.get(root)
    if library is None:
        return None
    match root:
        case "pandas" | "geopandas":
            return _pandas_table(name, value, kind, sys.modules["pandas"])
        case "numpy":
            return _array_table(name, value, kind, library)
        case "polars" | "pyarrow":
            return _columnar_table(value, kind, library, root)
        case "scipy":
            return _sparse_table(name, value)
        case "torch":
            return _tensor_table(name, value, kind, library)
        case "sklearn" if kind.__name__ == "Bunch" and issubclass(kind, dict):
            # What a loader of example data gives: the table, or the features and the target apart.
            inner = dict.get(value, "frame")
            inner = dict.get(value, "data") if inner is None else inner
            found = _table(name, inner) if type(inner) is not kind else None
            if found is not None:
                # What the name holds is no table, so that none may be demanded of it.
                found.kind = "sklearn.Bunch"
            return found
    return None


def _pandas_table(name: str, value: Any, kind: type, pandas: Any) -> _Table | None:
    if issubclass(kind, pandas.Series):
        label = label_of(value._name) if value._name is not None else name
        array = value._mgr.blocks[0].values
        return _Table(
            "pandas.Series",
            (len(array),),
            1,
            lambda step: iter([_part(label, str(array.dtype), array, step)]),
        )
    if not issubclass(kind, pandas.DataFrame):
        return None
    manager = value._mgr
    plain = pandas.DataFrame._from_mgr(manager, manager.axes)
    labels = plain.columns.tolist()[:MAX_COLUMNS]
    numpy = sys.modules["numpy"]

    def parts(step: int) -> Iterator[_Part]:
        interleaved: dict[int, Interleaved | None] = {}
        for position, label in enumerate(labels):
            number, place = int(manager.blknos[position]), int(manager.blklocs[position])
            if number not in interleaved:
                block = manager.blocks[number].values
                apart = type(block) is not numpy.ndarray or not lies_interleaved(block.T)
                interleaved[number] = None if apart else Interleaved(block.T[:, :MAX_PROFILES])
            table = interleaved[number]
            if table is not None:
                yield _interleaved_part(label_of(label), str(table.dtype), table, place, step)
            else:
                values = manager.iget_values(position)
                yield _part(label_of(label), str(values.dtype), values, step)

    return _Table("pandas.DataFrame", plain.shape, plain.shape[1], parts)


def _array_table(name: str, value: Any, kind: type, numpy: Any) -> _Table | None:
    if not issubclass(kind, numpy.ndarray):
        return None
    array = numpy.ndarray.view(value, numpy.ndarray)
    if array.ndim == 0:
        return None
    dtype = str(array.dtype)

    def parts(step: int) -> Iterator[_Part]:
        if array.dtype.names is not None:
            for field in array.dtype.names[:MAX_COLUMNS]:
                yield _part(field, str(array.dtype[field]), array[field].reshape(-1), step)
        elif array.ndim == 2:
            table = Interleaved(array[:, :MAX_PROFILES]) if lies_interleaved(array) else None
            for position in range(min(array.shape[1], MAX_COLUMNS)):
                if table is not None:
                    yield _interleaved_part(str(position), dtype, table, position, step)
                else:
                    yield _part(str(position), dtype, array[:, position], step)
        elif array.ndim == 1:
            yield _part(name, dtype, array, step)
        else:
            yield _Part(name, dtype, lambda: array[::step].reshape(-1))

    width = array.size // max(1, len(array))
    return _Table("numpy.ndarray", array.shape, width, parts)


def _columnar_table(value: Any, kind: type, library: Any, root: str) -> _Table | None:
    if root == "polars":
        if kind is not library.DataFrame and kind is not library.Series:
            return None
        series = value.get_columns() if kind is library.DataFrame else [value]
        shape = value.shape

        def parts(step: int) -> Iterator[_Part]:
            for column in series[:MAX_COLUMNS]:
                values = partial(_polars_values, column, step)
                yield _Part(column.name, str(column.dtype), values, column.null_count)

        return _Table(f"polars.{kind.__name__}", shape, len(series), parts)
    if kind is library.RecordBatch:
        value = library.Table.from_batches([value])
    elif kind is not library.Table:
        return None

    def arrow_parts(step: int) -> Iterator[_Part]:
        for field, column in zip(value.schema, value.columns, strict=True):
            values = partial(_arrow_values, column, step)
            yield _Part(field.name, str(field.type), values, partial(getattr, column, "null_count"))

    return _Table(f"pyarrow.{kind.__name__}", value.shape, value.num_columns, arrow_parts)


def _polars_values(column: Any, step: int) -> Any:
    few = column.gather_every(step)
    # Structs have no array of their own.
    return _objects(few.to_list()) if few.dtype.is_nested() else few.to_numpy()


def _arrow_values(column: Any, step: int) -> Any:
    return column.to_numpy()[::step]


def _objects(values: list[Any]) -> Any:
    import numpy as np

    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _sparse_table(name: str, value: Any) -> _Table | None:
    """A sparse matrix by its stored elements; those kept in another way than as one array are counted out."""
    sparse = sys.modules.get("scipy.sparse")
    if sparse is None or not sparse.issparse(value):
        return None
    if value.format in ("lil", "dok", "dia", "bsr"):
        if value.nnz > MAX_CELLS:
            return None
        stored = value.tocoo().data
    else:
        stored = value.data
    return _stored_table(f"scipy.sparse.{type(value).__name__}", name, value, stored)


def _stored_table(kind: str, name: str, value: Any, stored: Any) -> _Table:
    return _Table(
        kind,
        tuple(int(size) for size in value.shape),
        1,
        lambda step: iter([_Part(name, str(value.dtype).removeprefix("torch."), lambda: stored[::step])]),
    )


def _tensor_table(name: str, value: Any, kind: type, torch: Any) -> _Table | None:
    if kind is not torch.Tensor and kind is not torch.nn.Parameter:
        return None
    if value.device.type != "cpu" or value.is_nested or not value.ndim:
        return None
    value = value.detach()
    if value.layout is torch.sparse_coo:
        return _stored_table("torch.Tensor", name, value, value._values().resolve_conj().numpy())
    if value.layout is not torch.strided:
        return _stored_table("torch.Tensor", name, value, value.values().reshape(-1).numpy())
    if value.is_quantized:
        value = value.dequantize()
    value = value.resolve_conj().resolve_neg()
    if value.dtype is torch.bfloat16 or (value.dtype.itemsize == 1 and value.dtype.is_floating_point):
        value = value.float()  # NumPy has no such types
    array = value.numpy()
    table = _array_table(name, array, type(array), sys.modules["numpy"])
    if table is not None:
        table.kind = "torch.Tensor"
    return table


def _columns(table: _Table, prints: Sequence[bytes], profiled: Profiled) -> tuple[tuple[Column, ...], bool]:
    step = max(1, math.ceil(table.rows * max(1, min(table.width, MAX_PROFILES)) / MAX_CELLS))
    sampled = step > 1
    deadline = time.monotonic() + SECONDS
    found = []
    for position, part in enumerate(table.parts(step)):
        if position >= MAX_PROFILES or time.monotonic() > deadline:
            sampled = True
            found.append(Column(name=part.name, dtype=part.dtype, nullable=False))
            continue
        key = (prints[position], step) if position < len(prints) else None
        known = profiled.get(key) if key is not None else None
        if known is None:
            known = _profile(part)
            if key is not None:
                profiled[key] = known
        profile, thinned = known
        sampled = sampled or thinned
        found.append(
            Column(name=part.name, dtype=part.dtype, nullable=bool(profile.get("missing")), profile=profile)
        )
    return tuple(found), sampled


def _profile(part: _Part) -> tuple[dict[str, Any], bool]:
    """The profile of a column, and whether it is of some of its values only."""
    every = values = part.values()
    thinned = len(values) > MAX_TEXTS and not _is_numeric(values)
    if thinned:
        values = values[:: math.ceil(len(values) / MAX_TEXTS)]
    profile = profile_of(values)
    missing = part.missing()
    if missing is None and thinned:
        missing = count_missing(every)
    if missing is not None:
        profile["missing"] = missing
    return profile, thinned


def _is_numeric(values: Any) -> bool:
    return getattr(values.dtype, "kind", "O") in "biufMm"


def describe_input(name: str, value: Any) -> ModelInput | None:
    """What one row of `value` is: columns with their dtypes, or dtype and shape, and the first row.

    At most `MAX_COLUMNS` columns and `MAX_EXAMPLE` values; None for what `describe_dataset` has no name for.
    """
    try:
        table = _table(name, value)
        if table is None:
            return None
        first = _table(name, _first_row(value)) if table.rows else table
        if first is None:
            return None
        columns: dict[str, str] = {}
        example: dict[str, Any] = {}
        for part in first.parts(1):
            columns.setdefault(part.name, part.dtype)
            values = part.values()
            for position, item in enumerate(values[: MAX_EXAMPLE - len(example)].tolist()):
                example.setdefault(part.name if len(values) == 1 else str(position), plain_of(item))
        named = table.kind not in ("numpy.ndarray", "torch.Tensor") and not table.kind.startswith("scipy")
        dtypes = set(columns.values())
        return ModelInput(
            name=name,
            kind=table.kind,
            columns=columns if named or len(dtypes) > 1 else {},
            shape=() if named else table.shape[1:],
            dtype=next(iter(dtypes)) if len(dtypes) == 1 and not named else "",
            example=example,
        )
    except Exception:  # noqa: BLE001 - an extension type that misbehaves costs its description, no more
        return None


def _first_row(value: Any) -> Any:
    """A table or an array of the first row only; known types, as `_table` made sure."""
    kind = type(value)
    pandas: Any = sys.modules.get("pandas")
    if pandas is not None and issubclass(kind, pandas.DataFrame):
        manager = value._mgr
        return pandas.DataFrame._from_mgr(manager, manager.axes).iloc[:1]
    if pandas is not None and issubclass(kind, pandas.Series):
        return pandas.Series(value._mgr.blocks[0].values[:1], name=value._name)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and issubclass(kind, numpy.ndarray):
        return numpy.ndarray.view(value, numpy.ndarray)[:1]
    if hasattr(value, "toarray"):
        return value.tocsr()[:1].toarray() if value.shape[1] <= MAX_COLUMNS else value.tocsr()[:1]
    return value.slice(0, 1) if hasattr(value, "slice") else value[:1]
