"""Which objects share memory, so that a change of one may be a change of the other."""

from __future__ import annotations

import collections
import functools
import gc
import itertools
import sys
import types
import weakref
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from .kinds import MRO, instance_dict, module_of
from .registry import FOREIGN
from .scalars import SCALARS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def reachable_ids(value: Any, *, limit: int = 2000) -> frozenset[int]:
    """Identities of the mutable objects `value` is or holds, at most `limit` objects looked at.

    Two names whose values share an identity may change together. Arrays and frames give the
    identity and the address of the memory they are views of, so that a column, a view and a
    tensor over one buffer are found to share it.
    """
    found: set[int] = set()
    queue: collections.deque[Any] = collections.deque((value,))
    seen: set[int] = set()
    kept: list[Any] = []
    while queue and len(seen) < limit:
        item = queue.popleft()
        kind = type(item)
        if id(kind) in SCALARS or id(item) in seen:
            continue
        seen.add(id(item))
        kept.append(item)
        try:
            parts = _shared_parts(item, kind, found)
        except Exception:  # noqa: BLE001, S112 - a half-built or concurrently changed object holds nothing for us
            continue
        queue.extend(itertools.islice(parts, limit))
    return frozenset(found)


def _shared_parts(item: Any, kind: type, found: set[int]) -> Iterable[Any]:
    identity = id(kind)
    if identity in (id(tuple), id(frozenset)):
        return list(item)
    if kind is ModuleType or kind is range or kind is slice or issubclass(kind, type):
        return ()
    if kind is types.BuiltinFunctionType:
        owner = item.__self__
        return () if owner is None or type(owner) is ModuleType or issubclass(type(owner), type) else (owner,)
    found.add(id(item))
    if kind is dict:
        return list(item.values())
    if identity in (id(list), id(set), id(collections.deque)):
        return list(item)
    callable_parts = _CALLABLES.get(identity)
    if callable_parts is not None:
        return callable_parts(item)
    root = module_of(kind).partition(".")[0]
    numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
    if root == "numpy" and numpy is not None and issubclass(kind, numpy.ndarray):
        _add_memory(item, found)
        return item.ravel()[:1000].tolist() if item.dtype.hasobject and item.size < 1000 else ()
    if root == "pandas" and pandas is not None:
        return _pandas_parts(item, kind, pandas)
    if root == "torch" and hasattr(kind, "untyped_storage"):
        if item.device.type == "cpu":
            found.add(item.untyped_storage().data_ptr())
        return ()
    if root in FOREIGN:
        return ()
    parts = list(instance_dict(item).values())
    if not parts and root in sys.stdlib_module_names:
        # What an iterator goes over, a cursor's connection, a view's memory.
        parts = [part for part in gc.get_referents(item) if not _is_namespace(part)]
    for base in MRO.__get__(kind):
        if base is dict:
            parts.extend(dict.values(item))
        elif base is list:
            parts.extend(list.__iter__(item))
    return parts


def is_foreign(value: Any) -> bool:
    """Whether a value is wired into a running process, so that it shares memory with half of it."""
    kind = type(value)
    return kind is not weakref.ReferenceType and module_of(kind).partition(".")[0] in FOREIGN


def _is_namespace(part: Any) -> bool:
    """Whether this is a module's own dictionary, which a frame or a class leads to."""
    return type(part) is dict and "__builtins__" in part


def _function_parts(function: FunctionType) -> list[Any]:
    parts: list[Any] = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        try:
            parts.append(cell.cell_contents)
        except ValueError:
            continue
    parts.extend(function.__dict__.values())
    return parts


def _add_memory(item: Any, found: set[int]) -> None:
    """The chain of arrays and buffers an array is a view of."""
    import numpy as np

    owner = item
    while type(owner) is np.ndarray or issubclass(type(owner), np.ndarray):
        found.add(id(owner))
        last = owner
        owner = np.ndarray.__dict__["base"].__get__(owner)
    if owner is not None:
        found.add(id(owner))
    found.add(int(last.__array_interface__["data"][0]))


def _pandas_parts(item: Any, kind: type, pandas: Any) -> Iterable[Any]:
    if issubclass(kind, pandas.DataFrame | pandas.Series):
        return [block.values for block in item._mgr.blocks]
    if issubclass(kind, pandas.Index):
        return () if kind in (pandas.RangeIndex, pandas.MultiIndex) else (item._data,)
    return [
        part
        for name in ("_ndarray", "_data", "_mask", "_sparse_values", "_pa_array", "obj", "_obj")
        if (part := instance_dict(item).get(name)) is not None
    ]


#: What functions and references lead to, by the identity of their types.
_CALLABLES: dict[int, Callable[[Any], Iterable[Any]]] = {
    id(FunctionType): _function_parts,
    id(types.MethodType): lambda item: (item.__self__, item.__func__),
    id(functools.partial): lambda item: (item.func, *item.args, *item.keywords.values()),
    id(weakref.ReferenceType): lambda item: (item(),),
}
