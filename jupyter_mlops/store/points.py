"""Curves as rows: chunks of little-endian arrays, deflated.

Steps are 64-bit integers, values and times 64-bit floats, so that every bit of a value (NaN, -0.0)
comes back.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import StoreError, UsageError
from jupyter_mlops.records import Curve

if TYPE_CHECKING:
    from collections.abc import Iterable

POINTS = 4096
"""Points in a chunk: about 100 KB before deflating."""


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
        rows.append(
            {
                "metric": metric,
                "chunk": chunk,
                "points": len(columns[0]),
                "count": curve.count,
                "data": zlib.compress(b"".join(_little(column) for column in columns), 1),
            }
        )
    return rows


def unpack_curve(rows: Iterable[Any], what: str) -> Curve:
    """The curve in `rows` (`points`, `count`, `data`, in order); StoreError, naming `what`, when damaged."""
    steps, values, times = array("q"), array("d"), array("d")
    count = 0
    for row in rows:
        count = row.count
        try:
            data = zlib.decompress(row.data)
        except zlib.error as error:
            raise _damaged(what) from error
        size = row.points * 8
        if len(data) != 3 * size:
            raise _damaged(what)
        for column, start in ((steps, 0), (values, size), (times, 2 * size)):
            piece = array(column.typecode)
            piece.frombytes(data[start : start + size])
            if sys.byteorder == "big":
                piece.byteswap()
            column.extend(piece)
    return Curve(steps=steps.tolist(), values=values.tolist(), times=times.tolist(), count=count)


def _little(column: array[Any]) -> bytes:
    if sys.byteorder == "big":
        column.byteswap()
    return column.tobytes()


def _damaged(what: str) -> StoreError:
    return StoreError(f"The curve {what} is damaged.", "The rest of the store is intact.")
