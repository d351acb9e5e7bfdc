"""Objects that people have in their namespaces, at their worst."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SPECIAL = (
    "__repr__ __str__ __eq__ __ne__ __lt__ __hash__ __bool__ __len__ __iter__ __next__ __contains__ "
    "__getitem__ __getattr__ __getattribute__ __array__ __array_interface__ __reduce__ __reduce_ex__ "
    "__getstate__ __format__ __int__ __float__ __index__ __call__ __copy__ __deepcopy__ __sizeof__ __dir__"
).split()


def hostile_class(log: list[str]) -> type:
    """A class that logs whenever one of its methods, its ``__class__`` or its metaclass is asked."""

    def refuse(*_args: Any, **_kwargs: Any) -> NoReturn:
        log.append("asked")
        log.append("".join(traceback.format_stack(limit=6)))
        raise RuntimeError("an observed object's own code was run")

    def tell(kind: type, name: str) -> Any:
        log.append("".join(traceback.format_stack(limit=6)))
        return type.__getattribute__(kind, name)

    asked: dict[str, Any] = {
        "__hash__": refuse,
        "__eq__": refuse,
        "__repr__": refuse,
        "__getattribute__": tell,
    }
    body: dict[str, Any] = dict.fromkeys(SPECIAL, refuse)
    body["__class__"] = property(refuse)
    body["__module__"] = "__main__"
    return type("HostileMeta", (type,), asked)("Hostile", (), body)


@pytest.fixture
def hostile() -> Iterator[Any]:
    """An instance whose own code must not run during the test."""
    log: list[str] = []
    kind = hostile_class(log)
    value = object.__new__(kind)
    log.clear()
    yield value
    assert not log, log[:2]
