"""A hash of a value's content: equal in every process, changed by any change inside.

A value is read by its exact type and its memory, never through its own methods: no ``repr``,
``==``, ``len``, iteration or ``__getattr__`` of an object whose class is not known here. Instances
of ordinary Python classes are their ``__dict__`` and slots; a class whose memory holds more than
those shows (an extension type), and is hashed only if it is named here. What cannot be read gives
the empty fingerprint, which callers take as "may have changed".

The budget is one of bytes, in which a Python object weighs `OBJECT_COST`; what goes beyond it is
sampled the same way every time, and the fingerprint begins with ``sampled:``.
"""

from __future__ import annotations

import array
import collections
import datetime as dt
import decimal
import functools
import itertools
import operator
import os
import pathlib
import random
import re
import struct
import sys
import time
import types
import zoneinfo
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128, xxh3_128_digest, xxh3_128_hexdigest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

BYTE_BUDGET = 2_000_000_000
SECONDS = 1.0
OBJECT_COST = 1000
SAMPLE_BLOCKS = 256
CHUNK = 1 << 20

_DICT = type.__dict__["__dict__"]
_MODULE: Any = type.__dict__["__module__"]
_QUALNAME: Any = type.__dict__["__qualname__"]
_MRO = type.__dict__["__mro__"]
_SIZE = type.__dict__["__basicsize__"]
_ITEM = type.__dict__["__itemsize__"]
_WEAK = type.__dict__["__weakrefoffset__"]
_OFFSET = type.__dict__["__dictoffset__"]
_FLAGS = type.__dict__["__flags__"]
_MODULE_DICT: Any = vars(ModuleType)["__dict__"]
_HEAP = 1 << 9

# Objects that are wired into a running process: hashing one would walk half of it.
_FOREIGN = frozenset(
    {
        "IPython", "asyncio", "concurrent", "dask", "distributed", "ipykernel", "ipywidgets", "jupyter_mlops",
        "logging", "matplotlib", "multiprocessing", "pyspark", "ray", "socket", "sqlalchemy", "ssl",
        "subprocess", "threading", "tqdm", "traitlets", "weakref", "zmq",
    }
)  # fmt: skip
# Extension types of these are read through their own `__reduce_ex__`, which only copies.
_REDUCIBLE = frozenset({"sklearn", "scipy"})
_IGNORED_ATTRIBUTES = frozenset(
    {
        "__dict__", "__weakref__", "__module__", "__doc__", "__abstractmethods__", "_abc_impl",
        "__firstlineno__", "__static_attributes__", "__annotate__", "__annotate_func__",
        "__annotations_cache__",
    }
)  # fmt: skip


class _UnreadableError(Exception):
    """The value, or something inside it, cannot be fingerprinted."""


def fingerprint(value: Any, *, byte_budget: int = BYTE_BUDGET, seconds: float = SECONDS) -> str:
    """The content hash of `value` as 32 hexadecimal digits, ``""`` if it has none.

    Beyond `byte_budget` (bytes) the value is sampled and the result begins with ``sampled:``. Work
    that takes longer than `seconds` gives ``""``. Never raises, never runs the value's own code.
    """
    scalar = _SCALARS.get(id(type(value)))
    if scalar is not None:
        return xxh3_128_hexdigest(scalar(value))
    reader = _Reader(byte_budget, seconds)
    try:
        digest = reader.read(value)
    except Exception:  # noqa: BLE001 - whatever a strange object does, it only has no fingerprint
        return ""
    text: str = xxh3_128_hexdigest(digest)
    return f"sampled:{text}" if reader.sampled else text


class _Reader:
    """One fingerprint in the making. `read` gives a value's encoding: a tag and bytes or a digest."""

    def __init__(self, byte_budget: int, seconds: float) -> None:
        self.left = byte_budget
        self.deadline = time.monotonic() + seconds
        self.sampled = False
        self.count = 0
        self.active: dict[int, int] = {}
        self.known: dict[int, bytes] = {}
        self.kept: list[Any] = []

    def read(self, value: Any) -> bytes:
        kind = type(value)
        scalar = _SCALARS.get(id(kind))
        if scalar is not None:
            return scalar(value)
        identity = id(value)
        if identity in self.known:
            return self.known[identity]
        if identity in self.active:
            return b"@%d" % (len(self.active) - self.active[identity])
        self.count += 1
        self.left -= OBJECT_COST
        if not self.count & 63 and time.monotonic() > self.deadline:
            raise _UnreadableError("out of time")
        self.active[identity] = len(self.active)
        try:
            encoded = _reader_of(kind)(self, value)
        finally:
            del self.active[identity]
        self.known[identity] = encoded
        self.kept.append(value)  # an identity stays taken while the object lives
        return encoded

    def digest(self, tag: bytes, parts: Iterable[bytes]) -> bytes:
        return tag + xxh3_128_digest(b"".join(parts))

    # ---- containers

    def items(self, values: list[Any] | tuple[Any, ...]) -> bytes:
        """The encoding of a sequence's items, at memory speed where all are of one plain type."""
        count = len(values)
        kinds = set(map(id, map(type, values)))
        if len(kinds) == 1:
            packed = self.packed(values, next(iter(kinds)))
            if packed is not None:
                return packed
        if kinds <= _SCALARS.keys():
            self.left -= 50 * count
            encoders = _SCALARS
            return b"".join([encoders[id(type(item))](item) for item in self.affordable(values, 200)])
        return b"".join([self.read(item) for item in self.affordable(values, OBJECT_COST)])

    def packed(self, values: list[Any] | tuple[Any, ...], kind: int) -> bytes | None:
        count = len(values)
        if kind == id(float):
            packed = array.array("d", values)
            return b"d" + self.buffer(memoryview(packed).cast("B"))
        if kind == id(int):
            try:
                packed = array.array("q", values)
            except OverflowError:
                return None
            return b"q" + self.buffer(memoryview(packed).cast("B"))
        if kind == id(str):
            lengths = array.array("q", map(len, values))
            text = "".join(self.affordable(values, 200))
            data = text.encode("utf-8", "surrogatepass")
            return (
                b"s%d:" % count + self.buffer(memoryview(lengths).cast("B")) + self.buffer(memoryview(data))
            )
        return None

    def affordable(self, values: list[Any] | tuple[Any, ...], cost: int) -> list[Any] | tuple[Any, ...]:
        """`values`, or evenly spaced ones of them if the budget does not reach for all."""
        if len(values) * cost <= max(self.left, 0):
            return values
        self.sampled = True
        wanted = max(SAMPLE_BLOCKS, self.left // cost)
        return values[:: max(1, len(values) // wanted)]

    def buffer(self, data: memoryview) -> bytes:
        """The digest of bytes in memory: all, or evenly spaced blocks of them beyond the budget."""
        size = data.nbytes
        if size <= max(self.left, 4096):
            self.left -= size
            return xxh3_128_digest(data)
        self.sampled = True
        block = max(4096, max(self.left, 0) // SAMPLE_BLOCKS)
        hasher = xxh3_128(b"%d" % size)
        for position in range(SAMPLE_BLOCKS):
            start = (size - block) * position // (SAMPLE_BLOCKS - 1)
            hasher.update(data[max(start, 0) : start + block])
        self.left -= block * SAMPLE_BLOCKS
        return hasher.digest()

    def list_(self, value: list[Any]) -> bytes:
        return self.digest(b"l%d:" % len(value), (self.items(value[:]),))

    def tuple_(self, value: tuple[Any, ...]) -> bytes:
        return self.digest(b"t%d:" % len(value), (self.items(value),))

    def set_(self, value: set[Any] | frozenset[Any]) -> bytes:
        tag = b"S" if type(value) is set else b"F"
        if len(value) * OBJECT_COST > max(self.left, 0):
            raise _UnreadableError("a set too large to sort")
        return self.digest(tag + b"%d:" % len(value), sorted(map(self.read, list(value))))

    def dict_(self, value: dict[Any, Any]) -> bytes:
        count = len(value)
        keys, values = list(value), list(value.values())
        return self.digest(b"D%d:" % count, (self.items(keys), b"|", self.items(values)))

    def attributes(self, value: dict[str, Any]) -> bytes:
        """Like `dict_`, but in the keys' order: attributes have none."""
        try:
            names = sorted(value)
        except TypeError:
            return self.dict_(value)
        return self.digest(
            b"A%d:" % len(names), (self.items(names), b"|", self.items([value[n] for n in names]))
        )

    def deque_(self, value: collections.deque[Any]) -> bytes:
        return b"Q" + self.read(value.maxlen) + self.list_(list(value))

    def defaultdict_(self, value: collections.defaultdict[Any, Any]) -> bytes:
        return b"V" + self.read(value.default_factory) + self.dict_(value)

    def array_(self, value: array.array[Any]) -> bytes:
        return b"a" + value.typecode.encode() + self.buffer(memoryview(value).cast("B"))

    def bytearray_(self, value: bytearray) -> bytes:
        return b"b" + self.buffer(memoryview(bytes(value)))

    # ---- code

    def code(self, code: types.CodeType) -> bytes:
        head = (
            code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_code,
            code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_name,
            getattr(code, "co_exceptiontable", b""),
        )  # fmt: skip
        return self.digest(b"C", (self.read(head), *(self.read(constant) for constant in code.co_consts)))

    def function(self, value: FunctionType) -> bytes:
        reference = _importable(value, value.__module__, value.__qualname__)
        if reference:
            return self.digest(b"R", (_text(reference), self.code(value.__code__)))
        parts = [self.code(value.__code__)]
        parts.extend(self.read(part) for part in (value.__defaults__, value.__kwdefaults__))
        for cell in value.__closure__ or ():
            try:
                parts.append(self.read(cell.cell_contents))
            except ValueError:
                parts.append(b"empty")
        if value.__dict__:
            parts.append(self.attributes(value.__dict__))
        return self.digest(b"f", parts)

    def named(self, value: Any) -> bytes:
        """What exists once in a process and is found by its name: builtins, slots, ufuncs."""
        kind = type(value)
        owner = getattr(value, "__objclass__", None)
        names = (kind.__name__, getattr(value, "__module__", "") or "", getattr(value, "__qualname__", ""))
        parts = [_text(str(name)) for name in (*names, getattr(value, "__name__", ""))]
        if type(owner) is type:
            parts.append(_text(owner.__module__ + owner.__qualname__))
        return self.digest(b"N", parts)

    def builtin(self, value: types.BuiltinFunctionType) -> bytes:
        bound = value.__self__
        if bound is None or type(bound) is ModuleType:
            return self.named(value)
        return self.digest(b"M", (_text(value.__name__), self.read(bound)))

    def method(self, value: types.MethodType) -> bytes:
        return self.digest(b"m", (self.read(value.__func__), self.read(value.__self__)))

    def partial(self, value: functools.partial[Any]) -> bytes:
        return self.digest(b"p", (self.read(value.func), self.read(value.args), self.read(value.keywords)))

    def reduced(self, value: Any) -> bytes:
        """Through the type's own, known, copying protocol."""
        return self.digest(b"r", (self.by_reference(type(value)), self.read(value.__reduce_ex__(4)[1:])))

    def wrapper(self, value: Any) -> bytes:
        return self.digest(b"w", (_text(type(value).__name__), self.read(value.__func__)))

    def property_(self, value: property) -> bytes:
        return self.digest(b"y", map(self.read, (value.fget, value.fset, value.fdel)))

    def cached(self, value: Any) -> bytes:
        return self.digest(b"h", (self.read(value.__wrapped__),))

    def module(self, value: ModuleType) -> bytes:
        attributes = _MODULE_DICT.__get__(value)
        version = attributes.get("__version__", "")
        return self.digest(
            b"i", (_text(str(attributes.get("__name__"))), _text(version if type(version) is str else ""))
        )

    def by_reference(self, kind: type) -> bytes:
        return _text(f"{_module_of(kind)}.{type.__dict__['__qualname__'].__get__(kind)}")

    def class_(self, value: type) -> bytes:
        if _importable(value, _module_of(value), _QUALNAME.__get__(value)):
            return self.digest(b"K", (self.by_reference(value),))
        own = _DICT.__get__(value)
        attributes = {
            name: part
            for name, part in own.items()
            if name not in _IGNORED_ATTRIBUTES
            and type(part) not in (GetSetDescriptorType, MemberDescriptorType)
        }
        bases = [self.read(base) for base in type.__dict__["__bases__"].__get__(value)]
        return self.digest(b"k", (self.by_reference(value), *bases, self.attributes(attributes)))

    # ---- instances

    def instance(self, value: Any) -> bytes:
        """An instance of an ordinary class: what it has of a builtin, its slots, its ``__dict__``."""
        kind = type(value)
        parts = [self.by_reference(kind)]
        for base in _MRO.__get__(kind):
            own = _DICT.__get__(base)
            if not _FLAGS.__get__(base) & _HEAP:
                content = _CONTENT.get(id(base))
                if content is not None:
                    parts.append(content(self, value))
                break
            for name, part in own.items():
                if type(part) is MemberDescriptorType:
                    try:
                        parts.append(_text(name) + self.read(part.__get__(value)))
                    except AttributeError:
                        continue
        attributes = _instance_dict(value)
        if attributes:
            parts.append(self.attributes(_lasting(attributes)))
        return self.digest(b"o", parts)

    def trusted(self, value: Any) -> bytes:
        """An extension type of a library whose ``__reduce_ex__`` is known to copy and no more."""
        reduced = value.__reduce_ex__(4)
        if type(reduced) is not tuple:
            raise _UnreadableError(type(value).__name__)
        return self.digest(b"x", (self.by_reference(type(value)), *(self.read(part) for part in reduced[1:])))


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return b"%d:" % len(data) + data


def _lasting(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes without the flags scipy's sparse matrices fill in when they are looked at."""
    if "_has_canonical_format" in attributes or "_has_sorted_indices" in attributes:
        return {name: part for name, part in attributes.items() if not name.startswith("_has_")}
    return attributes


def _module_of(kind: type) -> str:
    module = _MODULE.__get__(kind)
    return module if type(module) is str else ""


def _importable(value: Any, module: Any, qualname: Any) -> str:
    """``module.qualname`` if that is where `value` is found in an imported library, else empty."""
    if type(module) is not str or type(qualname) is not str or module in ("__main__", ""):
        return ""
    home = sys.modules.get(module)
    if home is None or not issubclass(type(home), ModuleType):
        return ""
    first, _, rest = qualname.partition(".")
    found = _MODULE_DICT.__get__(home).get(first)
    for name in rest.split(".") if rest else ():
        if type(found) is not type:
            return ""
        found = _DICT.__get__(found).get(name)
        if type(found) is staticmethod or type(found) is classmethod:
            found = found.__func__
    return f"{module}.{qualname}" if found is value else ""


# ---- which reader for which type


def _nan_or_float(value: float) -> bytes:
    return b"dnan" if value != value else b"d" + struct.pack("<d", value)  # noqa: PLR0124


def _complex(value: complex) -> bytes:
    return b"c" + _nan_or_float(value.real) + _nan_or_float(value.imag)


def _str(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    if len(data) > 100_000:
        return b"u%d:" % len(data) + xxh3_128_digest(data)
    return b"s%d:" % len(data) + data


def _bytes(value: bytes) -> bytes:
    if len(value) > 100_000:
        return b"B%d:" % len(value) + xxh3_128_digest(value)
    return b"b%d:" % len(value) + value


# Keyed by the type's identity: hashing a type may run a metaclass's own code.
_SCALARS: dict[int, Callable[[Any], bytes]] = {
    id(type(None)): lambda _: b"n",
    id(bool): lambda value: b"T" if value else b"f",
    id(int): lambda value: b"i%x;" % value if value >= 0 else b"i-%x;" % -value,
    id(float): _nan_or_float,
    id(complex): _complex,
    id(str): _str,
    id(bytes): _bytes,
    id(type(...)): lambda _: b"e",
    id(type(NotImplemented)): lambda _: b"I",
}

_READERS: dict[int, Callable[[_Reader, Any], bytes]] = {}
_KEPT: list[type] = []
_CONTENT: dict[int, Callable[[_Reader, Any], bytes]] = {
    id(dict): lambda reader, value: reader.digest(
        b"D", (reader.items(list(dict.keys(value))), b"|", reader.items(list(dict.values(value))))
    ),
    id(list): lambda reader, value: reader.digest(
        b"l", (reader.items(list.__getitem__(value, slice(None))),)
    ),
    id(tuple): lambda reader, value: reader.digest(
        b"t", (reader.items(tuple.__getitem__(value, slice(None))),)
    ),
    id(set): lambda reader, value: reader.digest(b"S", sorted(map(reader.read, list(set.__iter__(value))))),
    id(frozenset): lambda reader, value: reader.digest(
        b"F", sorted(map(reader.read, list(frozenset.__iter__(value))))
    ),
    id(int): lambda _, value: _SCALARS[id(int)](int.__index__(value)),
    id(float): lambda _, value: _nan_or_float(float.__float__(value)),
    id(str): lambda _, value: _str(str.__str__(value)),
    id(bytes): lambda _, value: _bytes(bytes.__getitem__(value, slice(None))),
    id(BaseException): lambda reader, value: reader.read(BaseException.__dict__["args"].__get__(value)),
    id(Exception): lambda reader, value: reader.read(BaseException.__dict__["args"].__get__(value)),
    id(collections.OrderedDict): lambda reader, value: reader.digest(
        b"D",
        (
            reader.items(list(collections.OrderedDict.keys(value))),
            b"|",
            reader.items(
                list(map(functools.partial(dict.__getitem__, value), collections.OrderedDict.keys(value)))
            ),
        ),
    ),
    id(object): lambda _reader, _value: b"",
}
_KEPT.extend((dict, list, tuple, BaseException))


def _register(kinds: Iterable[type], read: Callable[[_Reader, Any], bytes]) -> None:
    for kind in kinds:
        _READERS[id(kind)] = read
        _KEPT.append(kind)


def _reader_of(kind: type) -> Callable[[_Reader, Any], bytes]:
    found = _READERS.get(id(kind))
    if found is not None:
        return found
    if _register_libraries():
        found = _READERS.get(id(kind))
        if found is not None:
            return found
    if issubclass(kind, type):
        return _Reader.class_
    found, lasting = _derive(kind)
    if lasting:
        _register((kind,), found)
    return found


def _derive(kind: type) -> tuple[Callable[[_Reader, Any], bytes], bool]:
    """The reader for an unknown type, and whether the type will live as long as the process."""
    module = _module_of(kind)
    root = module.partition(".")[0]
    if root in _FOREIGN:
        return _unreadable, True
    lasting = bool(_importable(kind, module, _QUALNAME.__get__(kind)))
    for base in _MRO.__get__(kind):
        inherited = _SUBCLASSED.get(id(base))
        if inherited is not None:
            return inherited, lasting
    if _is_ordinary(kind):
        return _Reader.instance, lasting
    if root in _REDUCIBLE and lasting:
        return _Reader.trusted, True
    return _unreadable, lasting


def _is_ordinary(kind: type) -> bool:
    """Whether an instance's memory is its builtin content, ``__dict__`` and slots, with nothing hidden."""
    slots = 0
    for base in _MRO.__get__(kind):
        if _FLAGS.__get__(base) & _HEAP:
            slots += sum(type(part) is MemberDescriptorType for part in _DICT.__get__(base).values())
            continue
        if id(base) not in _CONTENT:
            return False
        extra = _SIZE.__get__(kind) - _SIZE.__get__(base) - 8 * slots
        allowed = 8 * (_WEAK.__get__(kind) != 0 and _WEAK.__get__(base) == 0)
        allowed += 8 * (_OFFSET.__get__(kind) != 0 and _OFFSET.__get__(base) == 0)
        same_items: bool = _ITEM.__get__(kind) == _ITEM.__get__(base)
        return same_items and extra <= allowed
    return False


def _unreadable(_reader: _Reader, value: Any) -> bytes:
    raise _UnreadableError(_module_of(type(value)))


# Subclasses of these are read as they are, under the subclass's name.
_SUBCLASSED: dict[int, Callable[[_Reader, Any], bytes]] = {}


def _text_of(tag: bytes, convert: Callable[[Any], str]) -> Callable[[_Reader, Any], bytes]:
    return lambda _reader, value: tag + _text(convert(value))


_register((list,), _Reader.list_)
_register((tuple,), _Reader.tuple_)
_register((set, frozenset), _Reader.set_)
_register((dict,), _Reader.dict_)
_register((collections.deque,), _Reader.deque_)
_register((collections.defaultdict,), _Reader.defaultdict_)
_register((array.array,), _Reader.array_)
_register((bytearray,), _Reader.bytearray_)
_register((types.CodeType,), _Reader.code)
_register((FunctionType,), _Reader.function)
_register((types.BuiltinFunctionType,), _Reader.builtin)
_register((types.MethodType,), _Reader.method)
_register((functools.partial,), _Reader.partial)
_register((staticmethod, classmethod), _Reader.wrapper)
_register((property,), _Reader.property_)
_register((type(functools.lru_cache(len)),), _Reader.cached)
_register((ModuleType,), _Reader.module)
_register((range, slice), _Reader.reduced)
_register((operator.itemgetter, operator.attrgetter, operator.methodcaller), _Reader.reduced)
_register((dt.datetime, dt.date, dt.time, dt.timedelta, dt.timezone), _Reader.reduced)
_register((zoneinfo.ZoneInfo,), _text_of(b"Z", lambda value: str(value.key)))
_register((decimal.Decimal,), _text_of(b"E", str))
_register(
    (pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath, pathlib.PureWindowsPath),
    _text_of(b"P", os.fspath),
)
_register((random.Random,), lambda reader, value: b"G" + reader.read(value.getstate()))
_register((re.Pattern,), lambda reader, value: b"X" + reader.read(value.pattern) + reader.read(value.flags))
_register((types.SimpleNamespace,), lambda reader, value: b"J" + reader.attributes(vars(value)))
_register((object,), lambda _reader, _value: b"O")
_register(
    (
        types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType,
        GetSetDescriptorType, MemberDescriptorType,
    ),
    _Reader.named,
)  # fmt: skip

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


# ---- NumPy


def _teach_numpy(numpy: Any) -> None:
    _register((numpy.ndarray,), _read_array)
    _SUBCLASSED[id(numpy.ndarray)] = _read_array_subclass
    _SUBCLASSED[id(numpy.dtype)] = _text_of(b"Y", str)
    _SUBCLASSED[id(numpy.generic)] = _read_numpy_scalar
    _register((numpy.ufunc, type(numpy.mean)), _Reader.named)
    _register((numpy.random.Generator,), lambda reader, value: b"g" + reader.read(value.bit_generator))
    _register(
        (numpy.random.RandomState,), lambda reader, value: b"g" + reader.read(value.get_state(legacy=False))
    )
    for name in ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"):
        _register((getattr(numpy.random, name),), lambda reader, value: b"g" + reader.read(value.state))


def _read_numpy_scalar(reader: _Reader, value: Any) -> bytes:
    dtype = value.dtype
    if dtype.kind == "V":
        return b"v" + _text(str(dtype)) + reader.read(value.item())
    if dtype.kind in "fc" and value != value:  # noqa: PLR0124
        return b"v" + _text(dtype.str) + b"nan"
    data = (
        repr(value).encode()
        if dtype.kind in "fc" and dtype.itemsize > 8 and dtype.char in "gG"
        else value.tobytes()
    )
    return b"v" + _text(dtype.str) + data


def _read_array_subclass(reader: _Reader, value: Any) -> bytes:
    import numpy as np

    parts = [reader.by_reference(type(value)), _read_array(reader, np.ndarray.view(value, np.ndarray))]
    holder = _instance_dict(value)
    if holder:
        parts.append(reader.attributes(holder))
    return reader.digest(b"z", parts)


def _read_array(reader: _Reader, value: Any) -> bytes:
    dtype = value.dtype
    head = b"z" + _text(str(value.shape)) + _text(dtype.str)
    if dtype.hasobject or dtype.kind == "T":
        return reader.digest(head, (reader.items(value.ravel().tolist()),))
    if dtype.names is not None:
        fields = (_text(name) + _read_array(reader, value[name]) for name in dtype.names)
        return reader.digest(head, fields)
    return reader.digest(head, (_memory(reader, value),))


def _memory(reader: _Reader, value: Any) -> bytes:
    """The digest of an array's elements in C order, whatever their order in memory."""
    import numpy as np

    if value.size == 0 or value.dtype.itemsize == 0:
        return b"0"
    if value.dtype.char in "gG":
        # An extended float has padding bytes that hold anything.
        return reader.items([repr(item) for item in value.ravel().tolist()])
    if value.ndim == 0:
        return bytes(value.tobytes())
    size = value.size * value.dtype.itemsize
    if size > max(reader.left, 4096):
        return _sampled(reader, value)
    reader.left -= size
    if value.flags.c_contiguous:
        return xxh3_128_digest(_raw(value.reshape(-1).view(np.uint8)))
    hasher = xxh3_128()
    for chunk in _rows(value):
        hasher.update(_raw(np.ascontiguousarray(chunk).reshape(-1).view(np.uint8)))
    return hasher.digest()


def _sampled(reader: _Reader, value: Any) -> bytes:
    """The digest of evenly spaced runs of an array's elements, counted in C order."""
    import numpy as np

    reader.sampled = True
    flat = value.reshape(-1) if value.flags.c_contiguous else value.flat
    block = max(1, max(4096, max(reader.left, 0) // SAMPLE_BLOCKS) // value.dtype.itemsize)
    reader.left -= block * SAMPLE_BLOCKS * value.dtype.itemsize
    hasher = xxh3_128(b"%d" % value.size)
    for position in range(SAMPLE_BLOCKS):
        start = max(0, (value.size - block) * position // (SAMPLE_BLOCKS - 1))
        hasher.update(_raw(np.ascontiguousarray(flat[start : start + block]).view(np.uint8)))
    return hasher.digest()


def _raw(data: Any) -> memoryview:
    return memoryview(data)


def _rows(value: Any) -> Iterator[Any]:
    """Slices along the first axis of about `CHUNK` bytes each."""
    row = max(1, value.size // value.shape[0] * value.dtype.itemsize)
    if row > 4 * CHUNK and value.ndim > 1:
        for part in value:
            yield from _rows(part)
        return
    step = max(1, CHUNK // row)
    for start in range(0, value.shape[0], step):
        yield value[start : start + step]


def _instance_dict(value: Any) -> dict[str, Any]:
    for base in _MRO.__get__(type(value)):
        holder = _DICT.__get__(base).get("__dict__")
        if holder is not None:
            found = holder.__get__(value) if type(holder) is GetSetDescriptorType else None
            return found if type(found) is dict else {}
    return {}


# ---- pandas


def _teach_pandas(pandas: Any) -> None:
    _register((pandas.DataFrame,), _read_frame)
    _register((pandas.Series,), _read_series)
    _SUBCLASSED[id(pandas.DataFrame)] = _read_frame
    _SUBCLASSED[id(pandas.Series)] = _read_series
    _SUBCLASSED[id(pandas.Index)] = _read_index
    _SUBCLASSED[id(pandas.api.extensions.ExtensionArray)] = _read_extension
    _SUBCLASSED[id(pandas.api.extensions.ExtensionDtype)] = _text_of(b"Y", repr)
    _register((pandas.Timestamp, pandas.Timedelta, pandas.Period), _text_of(b"1", repr))
    _register((pandas.Interval, pandas.DateOffset), _text_of(b"2", repr))
    _register((type(pandas.NA),), lambda _reader, _value: b"NA")
    _register((type(pandas.NaT),), lambda _reader, _value: b"NaT")


def _read_frame(reader: _Reader, frame: Any) -> bytes:
    manager = frame._mgr
    columns: list[bytes] = [b""] * len(manager.items)
    for block in manager.blocks:
        _read_block(reader, block.values, block.mgr_locs.as_array.tolist(), columns)
    parts = [
        reader.by_reference(type(frame)),
        reader.read(manager.axes[0]),
        reader.read(manager.axes[1]),
        *columns,
    ]
    if frame._attrs:
        parts.append(reader.read(frame._attrs))
    return reader.digest(b"pd", parts)


def _read_block(reader: _Reader, values: Any, places: list[int], columns: list[bytes]) -> None:
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
        columns[place] = _read_array(reader, row) if type(row) is np.ndarray else reader.read(row)
        if not place & 1023 and time.monotonic() > reader.deadline:
            raise _UnreadableError("out of time")


def _strided(reader: _Reader, values: Any) -> list[bytes]:
    """The rows of a block whose rows are not contiguous, all hashed in one walk through its memory."""
    import numpy as np

    size = values.size * values.dtype.itemsize
    if size > max(reader.left, 4096) or values.dtype.char in "gG":
        return [_read_array(reader, row) for row in values]
    reader.left -= size
    hashers = [xxh3_128() for _ in range(len(values))]
    step = max(64, CHUNK // max(1, len(values) * values.dtype.itemsize))
    for start in range(0, values.shape[1], step):
        chunk = np.ascontiguousarray(values[:, start : start + step]).view(np.uint8)
        for hasher, row in zip(hashers, chunk, strict=True):
            hasher.update(memoryview(row))
    head = b"z" + _text(str(values.shape[1:])) + _text(values.dtype.str)
    if values.shape[1] == 0:
        return [reader.digest(head, (b"0",)) for _ in hashers]
    return [reader.digest(head, (hasher.digest(),)) for hasher in hashers]


def _read_series(reader: _Reader, series: Any) -> bytes:
    parts = [reader.by_reference(type(series)), reader.read(series._mgr.blocks[0].values)]
    parts.extend((reader.read(series._mgr.axes[0]), reader.read(series._name)))
    if series._attrs:
        parts.append(reader.read(series._attrs))
    return reader.digest(b"ps", parts)


def _read_index(reader: _Reader, index: Any) -> bytes:
    kind = type(index).__name__
    parts = [_text(kind)]
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


def _read_extension(reader: _Reader, value: Any) -> bytes:
    kind = type(value)
    if _module_of(kind).partition(".")[0] != "pandas":
        raise _UnreadableError("a foreign extension array")
    name = kind.__name__
    if name in ("IntegerArray", "FloatingArray", "BooleanArray"):
        data, mask = value._data, value._mask
        if mask.any():
            data = data.copy()
            data[mask] = 0
        parts = [_read_array(reader, data), _read_array(reader, mask)]
    elif name == "SparseArray":
        points = value._sparse_index.to_int_index()
        parts = [reader.read(part) for part in (value._sparse_values, points.indices, points.length)]
        parts.append(reader.read(value._dtype.fill_value))
    elif name in _EXTENSIONS:
        parts = []
        for attribute in _EXTENSIONS[name]:
            part = getattr(value, attribute)
            if attribute == "_dtype":
                parts.append(_text(str(part)))
                if name == "Categorical":
                    parts.extend((reader.read(part.categories), reader.read(part.ordered)))
            else:
                parts.append(reader.read(part))
    else:
        raise _UnreadableError(name)
    return reader.digest(b"pe" + _text(name), parts)


# ---- Arrow


def _teach_pyarrow(pyarrow: Any) -> None:
    _register((pyarrow.ChunkedArray,), lambda reader, value: _read_chunks(reader, value.chunks, value.type))
    _register((pyarrow.Table,), _read_table)
    _SUBCLASSED[id(pyarrow.Array)] = lambda reader, value: _read_chunks(reader, [value], value.type)
    _SUBCLASSED[id(pyarrow.DataType)] = _text_of(b"W", str)


def _read_table(reader: _Reader, table: Any) -> bytes:
    columns = (_read_chunks(reader, column.chunks, column.type) for column in table.columns)
    return reader.digest(b"Wt", (reader.read(list(table.column_names)), *columns))


def _read_chunks(reader: _Reader, chunks: list[Any], kind: Any) -> bytes:
    """The same digest however the values are cut into chunks, and whatever lies under a null."""
    import numpy as np
    import pyarrow as pa

    stream = _ArrowStream()
    read: Callable[[_Reader, _ArrowStream, Any, Any, Any], None] = _add_objects
    if any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string)):
        read = _add_texts
    elif any(test(kind) for test in (pa.types.is_binary, pa.types.is_large_binary)):
        read = _add_texts
    elif pa.types.is_primitive(kind) and not pa.types.is_boolean(kind):
        read = _add_numbers
    for chunk in chunks:
        if chunk.nbytes > max(reader.left, 4096):
            reader.sampled = True
            step = max(1, int(chunk.nbytes // max(reader.left, 4096)))
            chunk = chunk.take(pa.array(np.arange(0, len(chunk), step)))  # noqa: PLW2901
        reader.left -= chunk.nbytes
        missing = None
        if chunk.null_count:
            missing = np.flatnonzero(chunk.is_null().to_numpy(zero_copy_only=False))
            stream.nulls.update(_raw(missing + stream.count))
        if len(chunk):
            read(reader, stream, chunk, kind, missing)
        stream.count += len(chunk)
    return reader.digest(b"W", (_text(str(kind)), b"%d" % stream.count, *stream.digests()))


class _ArrowStream:
    """The digests of an Arrow column while its chunks pass: values, where texts end, what is missing."""

    def __init__(self) -> None:
        self.data, self.ends, self.nulls = xxh3_128(), xxh3_128(), xxh3_128()
        self.count = 0
        self.end = 0

    def digests(self) -> tuple[bytes, bytes, bytes]:
        return self.data.digest(), self.ends.digest(), self.nulls.digest()


def _add_texts(_reader: _Reader, stream: _ArrowStream, chunk: Any, kind: Any, missing: Any) -> None:
    import numpy as np
    import pyarrow as pa

    wide = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)

    def offsets_of(part: Any) -> Any:
        offsets = np.frombuffer(part.buffers()[1], dtype=np.int64 if wide else np.int32)
        return offsets[part.offset : part.offset + len(part) + 1]

    offsets = offsets_of(chunk)
    if missing is not None and (offsets[missing] != offsets[missing + 1]).any():
        chunk = chunk.fill_null("" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else b"")
        offsets = offsets_of(chunk)
    first, last = int(offsets[0]), int(offsets[-1])
    ends = offsets[1:].astype(np.int64, copy=False)
    shift = stream.end - first
    stream.ends.update(_raw(ends + shift if shift else ends))
    stream.end += last - first
    if last > first:
        stream.data.update(memoryview(chunk.buffers()[2])[first:last])


def _add_numbers(_reader: _Reader, stream: _ArrowStream, chunk: Any, kind: Any, missing: Any) -> None:
    import pyarrow as pa

    if missing is not None:
        chunk = chunk.fill_null(pa.scalar(0).cast(kind, safe=False))
    width = kind.bit_width // 8
    memory = memoryview(chunk.buffers()[1])
    stream.data.update(memory[chunk.offset * width : (chunk.offset + len(chunk)) * width])


def _add_objects(reader: _Reader, stream: _ArrowStream, chunk: Any, _kind: Any, _missing: Any) -> None:
    reader.left -= OBJECT_COST * len(chunk)
    stream.data.update(b"".join([reader.read(value) for value in chunk.to_pylist()]))


# ---- polars


def _teach_polars(polars: Any) -> None:
    _register((polars.DataFrame,), _read_polars)
    _register((polars.Series,), _read_polars_column)
    _SUBCLASSED[id(polars.DataType)] = _text_of(b"6t", str)


def _read_polars(reader: _Reader, frame: Any) -> bytes:
    return reader.digest(b"6", [_read_polars_column(reader, column) for column in frame.get_columns()])


def _read_polars_column(reader: _Reader, column: Any) -> bytes:
    parts = [_text(column.name), _text(str(column.dtype)), _text(str(len(column)))]
    if column.dtype.is_numeric() or column.dtype.is_temporal():
        physical = column.to_physical()
        if column.null_count():
            parts.append(_read_array(reader, column.is_null().to_numpy()))
            physical = physical.fill_null(0)
        parts.append(_read_array(reader, physical.to_numpy()))
    else:
        reader.left -= 200 * len(column)
        if reader.left < 0:
            reader.sampled = True
            column = column.gather_every(max(1, len(column) // (1 << 20)))
        parts.append(reader.items(column.to_list()))
    return reader.digest(b"6c", parts)


# ---- PyTorch, gradient boosting


def _teach_torch(torch: Any) -> None:
    _register((torch.Tensor, torch.nn.Parameter), _read_tensor)
    _register((torch.device, torch.dtype, torch.Size), _text_of(b"3", str))
    _register((torch.Generator,), lambda reader, value: b"3g" + _read_tensor(reader, value.get_state()))


def _read_tensor(reader: _Reader, tensor: Any) -> bytes:
    import torch

    if tensor.device.type != "cpu" or tensor.layout is not torch.strided:
        raise _UnreadableError("a tensor that is not in this process's memory")
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    data = plain.reshape(-1).view(torch.uint8).numpy() if plain.numel() else None
    parts = [_text(f"{tensor.dtype} {tuple(tensor.shape)} {tensor.requires_grad}")]
    parts.append(reader.buffer(memoryview(data)) if data is not None else b"0")
    if tensor.is_leaf and tensor.grad is not None:
        parts.append(_read_tensor(reader, tensor.grad))
    return reader.digest(b"3t", parts)


def _teach_xgboost(xgboost: Any) -> None:
    _register((xgboost.Booster,), lambda reader, value: b"4" + reader.read(bytes(value.save_raw("ubj"))))


def _teach_lightgbm(lightgbm: Any) -> None:
    _register((lightgbm.Booster,), lambda reader, value: b"5" + reader.read(value.model_to_string()))


_LIBRARIES: dict[str, Callable[[Any], None]] = {
    "numpy": _teach_numpy,
    "pandas": _teach_pandas,
    "pyarrow": _teach_pyarrow,
    "polars": _teach_polars,
    "torch": _teach_torch,
    "xgboost": _teach_xgboost,
    "lightgbm": _teach_lightgbm,
}


# ---- aliases


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
        if id(kind) in _SCALARS or id(item) in seen:
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
    if kind is ModuleType or kind is types.BuiltinFunctionType or kind is range or kind is slice:
        return ()
    found.add(id(item))
    if kind is dict:
        return list(item.values())
    if identity in (id(list), id(set), id(collections.deque)):
        return list(item)
    if kind is FunctionType:
        return _function_parts(item)
    if kind is types.MethodType:
        return (item.__self__, item.__func__)
    if kind is functools.partial:
        return (item.func, *item.args, *item.keywords.values())
    if issubclass(kind, type):
        return ()
    root = _module_of(kind).partition(".")[0]
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
    if root in _FOREIGN:
        return ()
    parts = list(_instance_dict(item).values())
    for base in _MRO.__get__(kind):
        if base is dict:
            parts.extend(dict.values(item))
        elif base is list:
            parts.extend(list.__iter__(item))
    return parts


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
        if (part := _instance_dict(item).get(name)) is not None
    ]
