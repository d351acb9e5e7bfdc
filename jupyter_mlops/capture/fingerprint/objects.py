"""Code, classes and instances: what their behaviour and their state come from."""

from __future__ import annotations

import collections
import functools
import types
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any

from .kinds import DICT, FLAGS, HEAP, MODULE_DICT, MRO, QUALNAME, importable, instance_dict, module_of
from .reader import UnreadableError
from .scalars import SCALARS, encode_bytes, encode_float, encode_str, encode_text

if TYPE_CHECKING:
    from .reader import Read, Reader

_IGNORED_ATTRIBUTES = frozenset(
    {
        "__dict__", "__weakref__", "__module__", "__doc__", "__abstractmethods__", "_abc_impl",
        "__firstlineno__", "__static_attributes__", "__annotate__", "__annotate_func__",
        "__annotations_cache__",
    }
)  # fmt: skip


# ---- code


def read_code(reader: Reader, code: types.CodeType) -> bytes:
    """What a code object does, without where it stands."""
    head = (
        code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_code,
        code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_name,
        getattr(code, "co_exceptiontable", b""),
    )  # fmt: skip
    return reader.digest(b"C", (reader.read(head), *(reader.read(constant) for constant in code.co_consts)))


def _library_code(reader: Reader, code: types.CodeType) -> bytes:
    """As `read_code`, of code that outlives the session: read once, at the same price each time."""
    known = _LIBRARY_CODE.get(id(code))
    if known is None:
        alone = type(reader)(reader.find, _CODE_BUDGET, _CODE_SECONDS)
        digest = read_code(alone, code)
        if len(_LIBRARY_CODE) >= _CODES:
            _LIBRARY_CODE.clear()
        known = _LIBRARY_CODE[id(code)] = (code, digest, _CODE_BUDGET - alone.left)
    reader.left -= known[2]
    return known[1]


#: By identity, with the code itself, so that the identity stays taken; comparing code compares all of it.
_LIBRARY_CODE: dict[int, tuple[types.CodeType, bytes, int]] = {}
_CODES = 2000
_CODE_BUDGET = 100_000_000
_CODE_SECONDS = 1.0


def read_function(reader: Reader, value: FunctionType) -> bytes:
    """A library's function by its name and code, any other by all it holds."""
    reference = importable(value, value.__module__, value.__qualname__)
    if reference:
        return reader.digest(b"R", (encode_text(reference), _library_code(reader, value.__code__)))
    parts = [read_code(reader, value.__code__)]
    parts.extend(reader.read(part) for part in (value.__defaults__, value.__kwdefaults__))
    for cell in value.__closure__ or ():
        try:
            parts.append(reader.read(cell.cell_contents))
        except ValueError:
            parts.append(b"empty")
    if value.__dict__:
        parts.append(reader.attributes(value.__dict__))
    return reader.digest(b"f", parts)


def read_named(reader: Reader, value: Any) -> bytes:
    """What exists once in a process and is found by its name: builtins, slots, ufuncs."""
    kind = type(value)
    owner = getattr(value, "__objclass__", None)
    names = (kind.__name__, getattr(value, "__module__", "") or "", getattr(value, "__qualname__", ""))
    parts = [encode_text(str(name)) for name in (*names, getattr(value, "__name__", ""))]
    if type(owner) is type:
        parts.append(encode_text(owner.__module__ + owner.__qualname__))
    return reader.digest(b"N", parts)


def read_builtin(reader: Reader, value: types.BuiltinFunctionType) -> bytes:
    """A builtin function, or a builtin method with what it is bound to."""
    bound = value.__self__
    if bound is None or type(bound) is ModuleType:
        return read_named(reader, value)
    return reader.digest(b"M", (encode_text(value.__name__), reader.read(bound)))


def read_method(reader: Reader, value: types.MethodType) -> bytes:
    """A bound method."""
    return reader.digest(b"m", (reader.read(value.__func__), reader.read(value.__self__)))


def read_partial(reader: Reader, value: functools.partial[Any]) -> bytes:
    """A partial with its arguments."""
    return reader.digest(
        b"p", (reader.read(value.func), reader.read(value.args), reader.read(value.keywords))
    )


def read_reduced(reader: Reader, value: Any) -> bytes:
    """Through the type's own, known, copying protocol."""
    return reader.digest(b"r", (reference_of(type(value)), reader.read(value.__reduce_ex__(4)[1:])))


def read_wrapper(reader: Reader, value: Any) -> bytes:
    """A static or class method."""
    return reader.digest(b"w", (encode_text(type(value).__name__), reader.read(value.__func__)))


def read_property(reader: Reader, value: property) -> bytes:
    """A property."""
    return reader.digest(b"y", map(reader.read, (value.fget, value.fset, value.fdel)))


def read_cached(reader: Reader, value: Any) -> bytes:
    """What a cache wraps, and how much it has taken in: what it remembers, it does not compute again."""
    taken = b"%d" % value.cache_info().misses
    return reader.digest(b"h", (reader.read(value.__wrapped__), taken))


def read_module(reader: Reader, value: ModuleType) -> bytes:
    """A module by name and version."""
    attributes = MODULE_DICT.__get__(value)
    version = attributes.get("__version__", "")
    return reader.digest(
        b"i",
        (encode_text(str(attributes.get("__name__"))), encode_text(version if type(version) is str else "")),
    )


def reference_of(kind: type) -> bytes:
    """A class by its path."""
    return encode_text(f"{module_of(kind)}.{type.__dict__['__qualname__'].__get__(kind)}")


def read_class(reader: Reader, value: type) -> bytes:
    """A library's class by its path, any other by its bases and attributes."""
    if importable(value, module_of(value), QUALNAME.__get__(value)):
        return reader.digest(b"K", (reference_of(value),))
    own = DICT.__get__(value)
    attributes = {
        name: part
        for name, part in own.items()
        if name not in _IGNORED_ATTRIBUTES and type(part) not in (GetSetDescriptorType, MemberDescriptorType)
    }
    bases = [reader.read(base) for base in type.__dict__["__bases__"].__get__(value)]
    return reader.digest(b"k", (reference_of(value), *bases, reader.attributes(attributes)))


# ---- instances


def read_instance(reader: Reader, value: Any) -> bytes:
    """An instance of an ordinary class: what it has of a builtin, its slots, its ``__dict__``."""
    kind = type(value)
    parts = [reference_of(kind)]
    for base in MRO.__get__(kind):
        own = DICT.__get__(base)
        if not FLAGS.__get__(base) & HEAP:
            content = CONTENT.get(id(base))
            if content is not None:
                parts.append(content(reader, value))
            break
        for name, part in own.items():
            if type(part) is MemberDescriptorType:
                try:
                    parts.append(encode_text(name) + reader.read(part.__get__(value)))
                except AttributeError:
                    continue
    attributes = instance_dict(value)
    if attributes:
        parts.append(reader.attributes(_lasting(attributes)))
    return reader.digest(b"o", parts)


def read_trusted(reader: Reader, value: Any) -> bytes:
    """An extension type of a library whose ``__reduce_ex__`` is known to copy and no more."""
    reduced = value.__reduce_ex__(4)
    if type(reduced) is not tuple:
        raise UnreadableError(type(value).__name__)
    return reader.digest(b"x", (reference_of(type(value)), *(reader.read(part) for part in reduced[1:])))


def _lasting(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes without the flags scipy's sparse matrices fill in when they are looked at."""
    if "_has_canonical_format" in attributes or "_has_sorted_indices" in attributes:
        return {name: part for name, part in attributes.items() if not name.startswith("_has_")}
    return attributes


#: How the builtin part of a subclass is read, past the subclass's own methods.
CONTENT: dict[int, Read] = {
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
    id(int): lambda _, value: SCALARS[id(int)](int.__index__(value)),
    id(float): lambda _, value: encode_float(float.__float__(value)),
    id(str): lambda _, value: encode_str(str.__str__(value)),
    id(bytes): lambda _, value: encode_bytes(bytes.__getitem__(value, slice(None))),
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
