"""Which reader is for which type. Keyed by the type's identity: hashing one may run a metaclass's code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .scalars import encode_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .reader import Read

READERS: dict[int, Read] = {}
#: Subclasses of these are read as they are, under the subclass's name.
SUBCLASSED: dict[int, Read] = {}
#: Types whose identity is a key must not be freed.
KEPT: list[type] = []


def register(kinds: Iterable[type], read: Read) -> None:
    """Have values of exactly these types read by `read`."""
    for kind in kinds:
        READERS[id(kind)] = read
        KEPT.append(kind)


def text_of(tag: bytes, convert: Callable[[Any], str]) -> Read:
    """A reader that writes down what `convert` makes of a value."""
    return lambda _reader, value: tag + encode_text(convert(value))
