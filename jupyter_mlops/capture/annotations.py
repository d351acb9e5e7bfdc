"""The type of a value as an annotation that another file could write: ``pandas.DataFrame``, ``list[float]``.

A class is named by the shortest imported path that leads to it, so ``sklearn.linear_model.Ridge`` and
not the module it happens to be defined in. What nobody could import has no annotation.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_DICT: Any = vars(ModuleType)["__dict__"]
# Types are compared by identity: hashing or comparing a foreign one may run its metaclass.
_NAMES = {id(kind): kind.__name__ for kind in (bool, int, float, str, bytes, complex)}
_CONTAINERS = {id(kind): kind.__name__ for kind in (list, set, tuple, dict)}
#: The most items of a container that are looked at; larger ones are named without their content.
_ITEMS = 50
_known: dict[int, tuple[type, str]] = {}


def annotation_of(value: object) -> str:
    """The annotation of a value, ``""`` for what has none; reads exact types only, never the value itself."""
    if value is None:
        return "None"
    name = _CONTAINERS.get(id(type(value)))
    return _container(value, name) if name else _named(type(value))


def _container(value: Any, name: str) -> str:
    if not 0 < len(value) <= _ITEMS:
        return name
    content = _shared_type(value.values() if name == "dict" else value)
    if not content:
        return name
    if name == "dict":
        key = _shared_type(value)
        return f"dict[{key}, {content}]" if key in _NAMES.values() else name
    return f"tuple[{content}, ...]" if name == "tuple" else f"{name}[{content}]"


def _shared_type(items: Iterable[object]) -> str:
    """The name of the one type that all items have, ``""`` if there are several."""
    kinds = {id(type(item)): type(item) for item in items}
    return _named(next(iter(kinds.values()))) if len(kinds) == 1 else ""


def _named(kind: type) -> str:
    plain = _NAMES.get(id(kind)) or _CONTAINERS.get(id(kind))
    if plain:
        return plain
    if id(kind) not in _known:
        _known[id(kind)] = (kind, _path_of(kind))
    return _known[id(kind)][1]


def _path_of(kind: type) -> str:
    """The shortest dotted path by which imported modules give this very class (``__main__.Net``, too)."""
    module, name = type.__dict__["__module__"].__get__(kind), type.__dict__["__name__"].__get__(kind)
    if type(module) is not str or type(name) is not str or not name.isidentifier():
        return ""
    if module == "builtins":
        return name if _DICT.__get__(sys.modules["builtins"]).get(name) is kind else ""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        path = ".".join(parts[:count])
        home = sys.modules.get(path)
        private = module != "__main__" and any(part.startswith("_") for part in parts[:count])
        if not private and issubclass(type(home), ModuleType) and _DICT.__get__(home).get(name) is kind:
            return f"{path}.{name}"
    return ""
