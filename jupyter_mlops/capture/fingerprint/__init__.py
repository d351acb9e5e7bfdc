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

from typing import Any

from xxhash import xxh3_128_hexdigest

from .aliases import is_foreign, reachable_ids
from .reader import Reader
from .registry import reader_of
from .scalars import SCALARS

__all__ = ["BYTE_BUDGET", "SECONDS", "fingerprint", "fingerprint_columns", "is_foreign", "reachable_ids"]

BYTE_BUDGET = 2_000_000_000
SECONDS = 1.0


def fingerprint(value: Any, *, byte_budget: int = BYTE_BUDGET, seconds: float = SECONDS) -> str:
    """The content hash of `value` as 32 hexadecimal digits, ``""`` if it has none.

    Beyond `byte_budget` (bytes) the value is sampled and the result begins with ``sampled:``. Work
    that takes longer than `seconds` gives ``""``. Never raises, never runs the value's own code.
    """
    return fingerprint_columns(value, byte_budget=byte_budget, seconds=seconds)[0]


def fingerprint_columns(
    value: Any, *, byte_budget: int = BYTE_BUDGET, seconds: float = SECONDS
) -> tuple[str, tuple[bytes, ...]]:
    """The `fingerprint` of `value`, and those of its columns if it is a pandas table that was read whole.

    A column's tells its type and its values, not its name.
    """
    scalar = SCALARS.get(id(type(value)))
    if scalar is not None:
        return xxh3_128_hexdigest(scalar(value)), ()
    reader = Reader(reader_of, byte_budget, seconds)
    try:
        digest = reader.read(value)
    except Exception:  # noqa: BLE001 - whatever a strange object does, it only has no fingerprint
        return "", ()
    text: str = xxh3_128_hexdigest(digest)
    return (f"sampled:{text}", ()) if reader.sampled else (text, reader.columns)
