"""One fingerprint in the making: its budget, what it has seen, and the plain containers."""

from __future__ import annotations

import array
import time
from typing import TYPE_CHECKING, Any, TypeAlias

from xxhash import xxh3_128, xxh3_128_digest

from .scalars import SCALARS

if TYPE_CHECKING:
    import collections
    from collections.abc import Callable, Iterable

Read: TypeAlias = "Callable[[Reader, Any], bytes]"
OBJECT_COST = 1000
SAMPLE_BLOCKS = 256


#: So many objects of one container are read.
_OBJECTS = 50_000


class UnreadableError(Exception):
    """The value, or something inside it, cannot be fingerprinted."""


class Reader:
    """One fingerprint in the making. `read` gives a value's encoding: a tag and bytes or a digest."""

    def __init__(self, find: Callable[[type], Read], byte_budget: int, seconds: float) -> None:
        self.find = find
        self.left = byte_budget
        self.deadline = time.monotonic() + seconds
        self.sampled = False
        self.count = 0
        #: The encodings of the columns, if what is read is a table.
        self.columns: tuple[bytes, ...] = ()
        self.active: dict[int, int] = {}
        self.known: dict[int, bytes] = {}
        self.kept: list[Any] = []

    def read(self, value: Any) -> bytes:
        """A value's encoding."""
        kind = type(value)
        scalar = SCALARS.get(id(kind))
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
            raise UnreadableError("out of time")
        self.active[identity] = len(self.active)
        try:
            encoded = self.find(kind)(self, value)
        finally:
            del self.active[identity]
        self.known[identity] = encoded
        self.kept.append(value)  # an identity stays taken while the object lives
        return encoded

    def digest(self, tag: bytes, parts: Iterable[bytes]) -> bytes:
        """`tag` and the digest of `parts`."""
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
        if kinds <= SCALARS.keys():
            self.left -= 50 * count
            encoders = SCALARS
            return b"".join([encoders[id(type(item))](item) for item in self.affordable(values, 200)])
        # Of objects that must be read one by one no more than can be in time.
        cost = max(OBJECT_COST, self.left // _OBJECTS)
        return b"".join([self.read(item) for item in self.affordable(values, cost)])

    def packed(self, values: list[Any] | tuple[Any, ...], kind: int) -> bytes | None:
        """Items of one plain type as one piece of memory, if there is such a form."""
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
        """A list."""
        return self.digest(b"l%d:" % len(value), (self.items(value[:]),))

    def tuple_(self, value: tuple[Any, ...]) -> bytes:
        """A tuple."""
        return self.digest(b"t%d:" % len(value), (self.items(value),))

    def set_(self, value: set[Any] | frozenset[Any]) -> bytes:
        """A set, which has no order."""
        tag = b"S" if type(value) is set else b"F"
        if len(value) * OBJECT_COST > max(self.left, 0):
            raise UnreadableError("a set too large to sort")
        return self.digest(tag + b"%d:" % len(value), sorted(map(self.read, list(value))))

    def dict_(self, value: dict[Any, Any]) -> bytes:
        """A dictionary, which has an order."""
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
        """A deque and its bound."""
        return b"Q" + self.read(value.maxlen) + self.list_(list(value))

    def defaultdict_(self, value: collections.defaultdict[Any, Any]) -> bytes:
        """A dictionary and what makes its defaults."""
        return b"V" + self.read(value.default_factory) + self.dict_(value)

    def array_(self, value: array.array[Any]) -> bytes:
        """A standard library's array."""
        return b"a" + value.typecode.encode() + self.buffer(memoryview(value).cast("B"))

    def bytearray_(self, value: bytearray) -> bytes:
        """A bytearray."""
        return b"b" + self.buffer(memoryview(bytes(value)))
