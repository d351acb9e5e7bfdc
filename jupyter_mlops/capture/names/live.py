"""What living functions and classes of a notebook reach, found without running their code."""

from __future__ import annotations

import dis
import functools
import re
from types import BuiltinMethodType, CodeType, FunctionType, GetSetDescriptorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_AT_NAME = re.compile(r"@([A-Za-z_]\w*)")
_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_GLOBAL_STORES = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})
_CLASS_DICT = type.__dict__["__dict__"]
_CLASS_MODULE: Any = type.__dict__["__module__"]
_CLASS_MRO = type.__dict__["__mro__"]
_CLASS_NAME: Any = type.__dict__["__name__"]
_CACHED = type(functools.lru_cache(len))
_OPAQUE_ROOTS = frozenset(
    {"numpy", "pandas", "polars", "pyarrow", "matplotlib", "builtins", "IPython", "ipykernel"}
)


@functools.lru_cache(maxsize=4096)
def code_names(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """The global names a function's code reads and those it binds, nested functions included."""
    loads: set[str] = set()
    stores: set[str] = set()
    looked_up = "query" in code.co_names or "eval" in code.co_names
    for instruction in dis.get_instructions(code):
        if instruction.opname in _GLOBAL_LOADS:
            loads.add(instruction.argval)
        elif instruction.opname in _GLOBAL_STORES:
            stores.add(instruction.argval)
    for constant in code.co_consts:
        if type(constant) is CodeType:
            inner_loads, inner_stores = code_names(constant)
            loads |= inner_loads
            stores |= inner_stores
        elif looked_up and type(constant) is str:
            loads.update(_AT_NAME.findall(constant))
    return frozenset(loads), frozenset(stores)


def live_reads(names: Iterable[str], namespace: Mapping[str, Any], *, limit: int = 5000) -> frozenset[str]:
    """Further names of `namespace` that the objects under `names` read when they are used.

    Follows functions whose globals are `namespace`, their closures, defaults and wrapped originals,
    classes of the notebook with their bases, instances, bound methods, partials and what containers
    and plain objects hold of those: transitively, at most `limit` objects, without running any of
    their code. The answer holds only names that exist in `namespace`, without those in `names`
    that nothing else reaches.
    """
    return _reach(names, namespace, limit)[0]


def live_stores(names: Iterable[str], namespace: Mapping[str, Any], *, limit: int = 5000) -> frozenset[str]:
    """The names of `namespace` that functions reachable from `names` rebind by ``global``."""
    return _reach(names, namespace, limit)[1]


def live_use(
    names: Iterable[str], namespace: Mapping[str, Any], *, limit: int = 5000
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """`live_reads`, `live_stores` and the names of the notebook's classes that are reached, in one walk."""
    return _reach(names, namespace, limit)


def _reach(
    names: Iterable[str], namespace: Mapping[str, Any], limit: int
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    home = namespace.get("__name__", "__main__")
    found: set[str] = set()
    stores: set[str] = set()
    classes: set[str] = set()
    seen: set[int] = set()
    queue: list[tuple[Any, int]] = [(namespace[name], 0) for name in names if name in namespace]
    while queue and len(seen) < limit:
        value, depth = queue.pop()
        kind = type(value)
        if id(kind) in _PLAIN or id(value) in seen:
            continue
        seen.add(id(value))
        if issubclass(kind, type) and _module(value) == home:
            # What an instance does may change its class.
            name = _CLASS_NAME.__get__(value)
            if namespace.get(name) is value:
                classes.add(name)
        if kind is FunctionType:
            if value.__globals__ is namespace:
                loads, bound = code_names(value.__code__)
                stores |= bound
                for name in loads:
                    if name not in found and name in namespace:
                        found.add(name)
                        queue.append((namespace[name], 0))
            elif depth > 3:
                continue
        if depth <= 6:
            queue.extend((part, depth + 1) for part in _parts(value, kind, home))
    return frozenset(found), frozenset(stores), frozenset(classes)


# By identity: hashing a type may run a metaclass's own code.
_PLAIN = frozenset(
    map(
        id,
        (int, float, complex, bool, str, bytes, type(None), range, ModuleType, BuiltinMethodType, slice),
    )
)
_MAX_ITEMS = 200


def _parts(value: Any, kind: type, home: str) -> list[Any]:
    """What an object holds that may be a function of the notebook."""
    parts: list[Any] = []
    if kind is FunctionType:
        for cell in value.__closure__ or ():
            try:
                parts.append(cell.cell_contents)
            except ValueError:
                continue
        parts.extend(value.__defaults__ or ())
        parts.extend((value.__kwdefaults__ or {}).values())
        parts.extend(list(value.__dict__.values())[:_MAX_ITEMS])
    elif kind is dict:
        parts.extend(list(value.values())[:_MAX_ITEMS])
    elif kind is list or kind is tuple:
        parts.extend(value[:_MAX_ITEMS])
    elif kind is set or kind is frozenset:
        parts.extend(list(value)[:_MAX_ITEMS] if len(value) <= _MAX_ITEMS else ())
    elif kind is MethodType:
        parts.extend((value.__func__, value.__self__))
    elif kind is functools.partial:
        parts.extend((value.func, *value.args, *value.keywords.values()))
    elif kind is staticmethod or kind is classmethod:
        parts.append(value.__func__)
    elif kind is property:
        parts.extend(part for part in (value.fget, value.fset, value.fdel) if part is not None)
    elif kind is _CACHED:
        parts.extend(value.__dict__.values())
    elif kind is type or issubclass(kind, type):
        if _module(value) == home:
            parts.extend(_CLASS_DICT.__get__(value).values())
            parts.extend(base for base in _CLASS_MRO.__get__(value)[1:] if _module(base) == home)
    else:
        module = _module(kind)
        if module == home:
            parts.append(kind)
        if module.partition(".")[0] not in _OPAQUE_ROOTS:
            parts.extend(_instance_values(value, kind))
    return parts


def _module(kind: type) -> str:
    module = _CLASS_MODULE.__get__(kind)
    return module if type(module) is str else ""


def _instance_values(value: Any, kind: type) -> list[Any]:
    """The values of an instance's own ``__dict__``, if it is an ordinary one."""
    for base in _CLASS_MRO.__get__(kind):
        own = _CLASS_DICT.__get__(base).get("__dict__")
        if own is not None:
            if type(own) is not GetSetDescriptorType:
                return []
            attributes = own.__get__(value)
            return list(attributes.values())[:_MAX_ITEMS] if type(attributes) is dict else []
    return []
