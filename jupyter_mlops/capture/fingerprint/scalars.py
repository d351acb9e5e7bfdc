"""How plain values are written down before they are hashed: a tag, a length, the content."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from xxhash import xxh3_128_digest

if TYPE_CHECKING:
    from collections.abc import Callable


def encode_text(text: str) -> bytes:
    """Text with its length in front."""
    data = text.encode("utf-8", "surrogatepass")
    return b"%d:" % len(data) + data


def encode_float(value: float) -> bytes:
    """Eight bytes; every NaN is the same."""
    return b"dnan" if value != value else b"d" + struct.pack("<d", value)  # noqa: PLR0124


def encode_complex(value: complex) -> bytes:
    """Two floats."""
    return b"c" + encode_float(value.real) + encode_float(value.imag)


def encode_str(value: str) -> bytes:
    """A text, or the digest of a long one."""
    data = value.encode("utf-8", "surrogatepass")
    if len(data) > 100_000:
        return b"u%d:" % len(data) + xxh3_128_digest(data)
    return b"s%d:" % len(data) + data


def encode_bytes(value: bytes) -> bytes:
    """Bytes, or the digest of many."""
    if len(value) > 100_000:
        return b"B%d:" % len(value) + xxh3_128_digest(value)
    return b"b%d:" % len(value) + value


# Keyed by the type's identity: hashing a type may run a metaclass's own code.
SCALARS: dict[int, Callable[[Any], bytes]] = {
    id(type(None)): lambda _: b"n",
    id(bool): lambda value: b"T" if value else b"f",
    id(int): lambda value: b"i%x;" % value if value >= 0 else b"i-%x;" % -value,
    id(float): encode_float,
    id(complex): encode_complex,
    id(str): encode_str,
    id(bytes): encode_bytes,
    id(type(...)): lambda _: b"e",
    id(type(NotImplemented)): lambda _: b"I",
}
