"""Records as bytes, and back exactly.

A document is one byte of flags and MessagePack: numbers keep their kind and every bit, NaN and -0.0
included. What MessagePack cannot hold (integers beyond 64 bits, lone surrogates) is spelled in what
it can, and the flag ``ESCAPED`` says so; a long document is deflated.
"""

from __future__ import annotations

import math
import numbers
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from jupyter_mlops.errors import StoreDamagedError, StoreError, UsageError

from .schema import ESCAPE, escape, unescape

ESCAPED = 1
DEFLATED = 2
DEFLATE_FROM = 4096
DEEPEST = 100
"""Levels of lists and dictionaries in a parameter's value."""
_INTEGER = ESCAPE + "integer"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_R = TypeVar("_R")


class Summary(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The part of a run that a list shows and that has no column of its own."""

    params: dict[str, Any]
    metrics: dict[str, int | float]
    tags: dict[str, str]
    curves: tuple[str, ...] = ()
    warning_count: int = 0


class Base(msgspec.Struct, array_like=True, frozen=True):
    """What the run itself last said of the fields that people may edit meanwhile."""

    name: str
    note: str
    tags: dict[str, str]


_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


def encode(record: Any, what: str) -> bytes:
    """Turn a record into bytes; `what` names it in the UsageError of a value that cannot be kept."""
    flags = 0
    try:
        try:
            data = _encoder.encode(record)
        except (UnicodeEncodeError, OverflowError):
            flags = ESCAPED
            data = _encoder.encode(
                _spell(msgspec.to_builtins(record, builtin_types=(datetime, bytes), enc_hook=_plain_number))
            )
    except RecursionError:
        raise UsageError(f"{what} is nested too deeply to be stored.", "Keep a flatter value.") from None
    except (TypeError, ValueError, NotImplementedError) as error:
        raise UsageError(f"{what} holds a value that cannot be stored: {error}.", _PLAIN) from None
    if len(data) >= DEFLATE_FROM:
        data = zlib.compress(data, 1)
        flags |= DEFLATED
    return bytes((flags,)) + data


def decode(document: bytes, kind: type[_R], what: str) -> _R:
    """Build the record of `kind` that `encode` took apart; StoreError, naming `what`, when damaged."""
    try:
        flags, data = document[0], document[1:]
        if flags & DEFLATED:
            data = zlib.decompress(data)
        if flags & ESCAPED:
            return msgspec.convert(_unspell(msgspec.msgpack.decode(data)), kind)
        decoder = _decoders.get(kind)
        if decoder is None:
            decoder = _decoders[kind] = msgspec.msgpack.Decoder(kind)
        return decoder.decode(data)  # type: ignore[no-any-return]
    except (msgspec.MsgspecError, zlib.error, IndexError, ValueError, RecursionError) as error:
        raise StoreDamagedError(f"The stored record of {what} cannot be read: {error}.") from error


def content(document: bytes) -> bytes:
    """A document's MessagePack; StoreError when it is damaged."""
    try:
        return zlib.decompress(document[1:]) if document[0] & DEFLATED else document[1:]
    except (zlib.error, IndexError) as error:
        raise StoreDamagedError(f"A stored record cannot be read: {error}.") from None


def encode_checked(record: Any, what: str) -> bytes:
    """As `encode`, having made sure that `decode` will read it: what cannot be read back is refused now."""
    document = encode(record, what)
    try:
        decode(document, type(record), what)
    except StoreError as error:
        raise UsageError(f"{what} holds a value of the wrong type: {error.__cause__}.", _PLAIN) from None
    return document


_PLAIN = "Use plain numbers, strings, lists and dictionaries."


def _plain_number(value: Any) -> Any:
    """A plain number or string for one of a subclass (NumPy's scalars); TypeError for anything else."""
    if isinstance(value, str):
        return str.__str__(value)
    if type(value).__module__ == "numpy" and hasattr(value, "item") and not getattr(value, "ndim", 1):
        return value.item()
    if isinstance(value, float):
        return float(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    raise TypeError(f"a {type(value).__qualname__}")


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain_number)


def plain(value: Any, what: str, levels: int = DEEPEST) -> Any:
    """A parameter's value in plain types (tuples become lists); UsageError when it has none."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if levels == 0:
        raise UsageError(f"{what} is nested too deeply to be stored.", "Keep a flatter value.")
    if kind is list or kind is tuple:
        return [plain(item, what, levels - 1) for item in value]
    if kind is dict:
        return {_key(key, what): plain(item, what, levels - 1) for key, item in value.items()}
    try:
        return _plain_number(value)
    except TypeError:
        raise UsageError(f"{what} is a {kind.__qualname__}, which cannot be stored.", _PLAIN) from None


_SCALARS = frozenset({bool, int, float, str, type(None)})


def _key(key: Any, what: str) -> Any:
    if type(key) in _SCALARS:
        return key
    if isinstance(key, (str, int, float)):
        return _plain_number(key)
    raise UsageError(f"{what} has a {type(key).__qualname__} for a key, which cannot be stored.", _PLAIN)


def _spell(value: Any) -> Any:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return {_INTEGER: hex(value)}
    if isinstance(value, dict):
        return {_spell(key): _spell(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_spell(item) for item in value]
    return value


def _unspell(value: Any) -> Any:
    if isinstance(value, str):
        return unescape(value)
    if isinstance(value, dict):
        if len(value) == 1 and _INTEGER in value:
            return int(value[_INTEGER], 16)
        return {_unspell(key): _unspell(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unspell(item) for item in value]
    return value


def number_of(value: Any) -> float | None:
    """The number that filters compare a value by; None for NaN, Booleans and what is no number.

    A string that spells a number counts, as parameters logged through MLflow are all strings. An
    integer beyond a float's range is infinite.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value) if len(value) < 40 else math.nan
        except ValueError:
            return None
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if isinstance(value, float):
        return None if math.isnan(value) else value
    return None


def text_of(value: Any) -> str:
    """The text that filters compare a parameter by: a string itself, else Python's spelling of it."""
    if isinstance(value, str):
        return value
    try:
        return repr(value)
    except ValueError:  # an integer of more digits than Python spells in decimal
        return hex(value) if isinstance(value, int) else "…"


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of `moment`, which is in UTC when it names no zone."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """The inverse of `microseconds`, in UTC; StoreDamagedError when it is no time at all."""
    try:
        return _EPOCH + value * _MICROSECOND
    except (OverflowError, TypeError) as error:
        raise StoreDamagedError(f"A stored time cannot be read: {error}.") from None
