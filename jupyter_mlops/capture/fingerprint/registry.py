"""The reader of any type: a known one, a library's, or by what the type's memory holds."""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import functools
import operator
import os
import pathlib
import random
import re
import sys
import types
import zoneinfo
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any

from . import arrays, columns, frames, learners, objects
from .kinds import DICT, FLAGS, HEAP, ITEM, MRO, OFFSET, QUALNAME, SIZE, WEAK, importable, module_of
from .objects import CONTENT
from .reader import Reader, UnreadableError
from .table import READERS, SUBCLASSED, register, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reader import Read

# Objects that are wired into a running process: hashing one would walk half of it.
FOREIGN = frozenset(
    {
        "IPython", "asyncio", "concurrent", "dask", "distributed", "ipykernel", "ipywidgets", "jupyter_mlops",
        "logging", "matplotlib", "multiprocessing", "pyspark", "ray", "socket", "sqlalchemy", "ssl",
        "subprocess", "threading", "tqdm", "traitlets", "weakref", "zmq",
    }
)  # fmt: skip
# Extension types of these are read through their own `__reduce_ex__`, which only copies.
_REDUCIBLE = frozenset({"sklearn", "scipy"})


def reader_of(kind: type) -> Read:
    """The reader for values of exactly this type."""
    found = READERS.get(id(kind))
    if found is not None:
        return found
    if _register_libraries():
        found = READERS.get(id(kind))
        if found is not None:
            return found
    if issubclass(kind, type):
        return objects.read_class
    found, lasting = _derive(kind)
    if lasting:
        register((kind,), found)
    return found


def _derive(kind: type) -> tuple[Read, bool]:
    """The reader for an unknown type, and whether the type will live as long as the process."""
    module = module_of(kind)
    root = module.partition(".")[0]
    if root in FOREIGN:
        return _unreadable, True
    lasting = bool(importable(kind, module, QUALNAME.__get__(kind)))
    for base in MRO.__get__(kind):
        inherited = SUBCLASSED.get(id(base))
        if inherited is not None:
            return inherited, lasting
    if _is_ordinary(kind):
        return objects.read_instance, lasting
    if root in _REDUCIBLE and lasting:
        return objects.read_trusted, True
    return _unreadable, lasting


def _is_ordinary(kind: type) -> bool:
    """Whether an instance's memory is its builtin content, ``__dict__`` and slots, with nothing hidden."""
    slots = 0
    for base in MRO.__get__(kind):
        if FLAGS.__get__(base) & HEAP:
            slots += sum(type(part) is MemberDescriptorType for part in DICT.__get__(base).values())
            continue
        if id(base) not in CONTENT:
            return False
        extra = SIZE.__get__(kind) - SIZE.__get__(base) - 8 * slots
        allowed = 8 * (WEAK.__get__(kind) != 0 and WEAK.__get__(base) == 0)
        allowed += 8 * (OFFSET.__get__(kind) != 0 and OFFSET.__get__(base) == 0)
        same_items: bool = ITEM.__get__(kind) == ITEM.__get__(base)
        return same_items and extra <= allowed
    return False


def _unreadable(_reader: Reader, value: Any) -> bytes:
    raise UnreadableError(module_of(type(value)))


register((list,), Reader.list_)
register((tuple,), Reader.tuple_)
register((set, frozenset), Reader.set_)
register((dict,), Reader.dict_)
register((collections.deque,), Reader.deque_)
register((collections.defaultdict,), Reader.defaultdict_)
register((array.array,), Reader.array_)
register((bytearray,), Reader.bytearray_)
register((types.CodeType,), objects.read_code)
register((FunctionType,), objects.read_function)
register((types.BuiltinFunctionType,), objects.read_builtin)
register((types.MethodType,), objects.read_method)
register((functools.partial,), objects.read_partial)
register((staticmethod, classmethod), objects.read_wrapper)
register((property,), objects.read_property)
register((type(functools.lru_cache(len)),), objects.read_cached)
register((ModuleType,), objects.read_module)
register((range, slice), objects.read_reduced)
register((operator.itemgetter, operator.attrgetter, operator.methodcaller), objects.read_reduced)
register((dt.datetime, dt.date, dt.time, dt.timedelta, dt.timezone), objects.read_reduced)
register((zoneinfo.ZoneInfo,), text_of(b"Z", lambda value: str(value.key)))
register((decimal.Decimal,), text_of(b"E", str))
register(
    (pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath),
    text_of(b"P", os.fspath),
)
register((random.Random,), lambda reader, value: b"G" + reader.read(value.getstate()))
register((re.Pattern,), lambda reader, value: b"X" + reader.read(value.pattern) + reader.read(value.flags))
register((types.SimpleNamespace,), lambda reader, value: b"J" + reader.attributes(dict(vars(value))))
register((object,), lambda _reader, _value: b"O")
register(
    (
        types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType,
        GetSetDescriptorType, MemberDescriptorType,
    ),
    objects.read_named,
)  # fmt: skip

_LIBRARIES: dict[str, Callable[[Any], None]] = {
    "numpy": arrays.teach_numpy,
    "pandas": frames.teach_pandas,
    "pyarrow": columns.teach_pyarrow,
    "polars": columns.teach_polars,
    "torch": learners.teach_torch,
    "xgboost": learners.teach_xgboost,
    "lightgbm": learners.teach_lightgbm,
}

_registered: set[str] = set()


def _register_libraries() -> bool:
    """Teach the readers of libraries that have been imported since; whether there were new ones."""
    news = False
    for name, teach in _LIBRARIES.items():
        if name not in _registered and name in sys.modules:
            try:
                teach(sys.modules[name])
            except (AttributeError, ImportError):
                continue  # only half imported yet
            _registered.add(name)
            news = True
    return news
