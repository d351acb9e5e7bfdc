"""Curves as rows: chunks of numbers, bit by bit.

A chunk is the byte ``FORMAT`` and three columns: steps (64-bit integers), values and times (64-bit
floats). Steps that count up evenly are their first one and the stride. Any other column is taken
apart into eight planes, the first bytes of all numbers, then the second ones and so on: those of
sign, exponent and round digits repeat and are deflated, those of noise are kept as they are, since
to deflate noise takes long and saves nothing. The chunks of schema 0001 are one deflated block.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import StoreDamagedError, UsageError
from jupyter_mlops.records import Curve

if TYPE_CHECKING:
    from collections.abc import Iterable

POINTS = 16_384
"""Points in a chunk: about 400 KB before they are deflated."""

FORMAT = 1
_DEFLATED = 0x78  # how a deflated block begins
_EVEN, _PLANES, _BLOCK = 0, 1, 2
_SAMPLE = 512
_WORTH = 0.9
_FEW = 64  # numbers: below that, planes cost more than they save


def pack_curve(metric: str, curve: Curve) -> list[dict[str, Any]]:
    """The rows (without `run_id`) of `curve`; UsageError when its columns cannot be kept."""
    if not len(curve.steps) == len(curve.values) == len(curve.times):
        raise UsageError(
            f"The curve of {metric!r} has {len(curve.steps)} steps, {len(curve.values)} values and "
            f"{len(curve.times)} times.",
            "Give each point all three.",
        )
    rows = []
    for chunk, start in enumerate(range(0, max(len(curve.steps), 1), POINTS)):
        piece = slice(start, start + POINTS)
        try:
            columns = (
                array("q", curve.steps[piece]),
                array("d", curve.values[piece]),
                array("d", curve.times[piece]),
            )
        except (OverflowError, TypeError) as error:
            raise UsageError(
                f"The curve of {metric!r} holds a point that cannot be stored: {error}.",
                "Steps are integers below 2**63, values and times are numbers.",
            ) from None
        data = b"".join((bytes((FORMAT,)), _steps(columns[0]), *map(_planes, columns[1:])))
        rows.append(
            {"metric": metric, "chunk": chunk, "points": len(columns[0]), "count": curve.count, "data": data}
        )
    return rows


def unpack_curve(rows: Iterable[Any], what: str) -> Curve:
    """The curve in `rows` (`points`, `count`, `data`, in order); `what` names it in a StoreDamagedError."""
    steps: list[int] = []
    values: list[float] = []
    times: list[float] = []
    count = 0
    for row in rows:
        count = row.count
        try:
            found = _unpack(row.data, row.points)
        except (zlib.error, struct.error, ValueError, IndexError, TypeError, OverflowError) as error:
            raise StoreDamagedError(f"The curve {what} is damaged.") from error
        steps += found[0]
        values += found[1]
        times += found[2]
    return Curve(steps=steps, values=values, times=times, count=count)


def _steps(column: array[int]) -> bytes:
    if len(column) > 1:
        first, stride = column[0], column[1] - column[0]
        fits = 0 < abs(stride) < 2**63
        if fits and column.tolist() == list(range(first, first + stride * len(column), stride)):
            return struct.pack("<Bqq", _EVEN, first, stride)
    return _planes(column)


def _planes(column: array[Any]) -> bytes:
    """A column's kind, the lengths of its parts and the parts."""
    data = _little(column)
    if len(column) < _FEW:
        return struct.pack("<BI", _BLOCK, len(data)) + data
    parts = []
    for index in range(8):
        plane = data[index::8]
        sample = plane[:: max(1, len(plane) // _SAMPLE)][:_SAMPLE]
        # In its own order and thinned out: runs of one byte show in one, what repeats late in the other.
        if min(_share(plane[:_SAMPLE]), _share(sample)) < _WORTH:
            deflated = zlib.compress(plane, 1)
            plane = deflated if len(deflated) < len(plane) else plane
        parts.append(plane)
    return struct.pack("<B8I", _PLANES, *map(len, parts)) + b"".join(parts)


def _share(sample: bytes) -> float:
    return len(zlib.compress(sample, 1)) / len(sample)


def _unpack(data: bytes, points: int) -> tuple[list[int], list[float], list[float]]:
    if data[0] == _DEFLATED:
        data = zlib.decompress(data)
        if len(data) != 24 * points:
            raise ValueError("wrong length")
        size = points * 8
        columns = (data[:size], data[size : 2 * size], data[2 * size :])
        return _numbers("q", columns[0]), _numbers("d", columns[1]), _numbers("d", columns[2])
    if data[0] != FORMAT:
        raise ValueError("unknown format")
    at, found = 1, []
    for code in "qdd":
        column, at = _column(data, at, points, code)
        found.append(column)
    if at != len(data):
        raise ValueError("wrong length")
    return found[0], found[1], found[2]


def _column(data: bytes, at: int, points: int, code: str) -> tuple[list[Any], int]:
    """The numbers of the column that begins at `at`, and where the next one does."""
    kind = data[at]
    if kind == _EVEN and code == "q":
        _, first, stride = struct.unpack_from("<Bqq", data, at)
        return list(range(first, first + stride * points, stride)), at + 17
    if kind == _BLOCK:
        _, size = struct.unpack_from("<BI", data, at)
        block, at = data[at + 5 : at + 5 + size], at + 5 + size
    elif kind == _PLANES:
        _, *sizes = struct.unpack_from("<B8I", data, at)
        at += 33
        joined = bytearray(8 * points)
        for index, size in enumerate(sizes):
            plane = data[at : at + size]
            joined[index::8] = plane if size == points else zlib.decompress(plane)
            at += size
        block = bytes(joined)
    else:
        raise ValueError("unknown column")
    if len(block) != 8 * points:
        raise ValueError("wrong length")
    return _numbers(code, block), at


def _numbers(code: str, block: bytes) -> list[Any]:
    column = array(code)
    column.frombytes(block)
    if sys.byteorder == "big":
        column.byteswap()
    return column.tolist()


def _little(column: array[Any]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()
