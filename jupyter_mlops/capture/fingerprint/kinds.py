"""What a type is, read past anything its class or metaclass may override."""

from __future__ import annotations

import sys
from types import GetSetDescriptorType, ModuleType
from typing import Any

DICT: Any = type.__dict__["__dict__"]
MRO: Any = type.__dict__["__mro__"]
MODULE: Any = type.__dict__["__module__"]
QUALNAME: Any = type.__dict__["__qualname__"]
SIZE: Any = type.__dict__["__basicsize__"]
ITEM: Any = type.__dict__["__itemsize__"]
WEAK: Any = type.__dict__["__weakrefoffset__"]
OFFSET: Any = type.__dict__["__dictoffset__"]
FLAGS: Any = type.__dict__["__flags__"]
MODULE_DICT: Any = vars(ModuleType)["__dict__"]
HEAP = 1 << 9


def module_of(kind: type) -> str:
    """A class's module, empty if it is no text."""
    module = MODULE.__get__(kind)
    return module if type(module) is str else ""


def importable(value: Any, module: Any, qualname: Any) -> str:
    """``module.qualname`` if that is where `value` is found in an imported library, else empty."""
    if type(module) is not str or type(qualname) is not str or module in ("__main__", ""):
        return ""
    home = sys.modules.get(module)
    if home is None or not issubclass(type(home), ModuleType):
        return ""
    first, _, rest = qualname.partition(".")
    found = MODULE_DICT.__get__(home).get(first)
    for name in rest.split(".") if rest else ():
        if type(found) is not type:
            return ""
        found = DICT.__get__(found).get(name)
        if type(found) is staticmethod or type(found) is classmethod:
            found = found.__func__
    return f"{module}.{qualname}" if found is value else ""


def instance_dict(value: Any) -> dict[str, Any]:
    """An instance's own ``__dict__``, empty if it has no ordinary one."""
    for base in MRO.__get__(type(value)):
        holder = DICT.__get__(base).get("__dict__")
        if holder is not None:
            found = holder.__get__(value) if type(holder) is GetSetDescriptorType else None
            return found if type(found) is dict else {}
    return {}
