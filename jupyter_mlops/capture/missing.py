"""How many values of large columns are missing, found as fast as memory is read."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import Any

MAX_ROWS = 5_000_000
#: Rows that are looked at at once, so that what is found of them stays in the processor's cache.
_ROWS = 1 << 14


def count_missing(values: Any) -> int | None:
    """How many of a column's values are missing: a NumPy array, or an extension array of pandas.

    None where there are too many to count, or nobody knows what is missing.
    """
    if len(values) > MAX_ROWS:
        return None
    numpy, pandas = sys.modules["numpy"], sys.modules.get("pandas")
    if type(values) is numpy.ndarray and values.dtype.kind in "biuf":
        if values.dtype.kind != "f" or not len(values):
            return 0
        with numpy.errstate(invalid="ignore"):
            # The minimum is missing where any value is.
            none = not numpy.isnan(values.min())
        return 0 if none else int(numpy.count_nonzero(numpy.isnan(values)))
    if pandas is None:
        return None
    if type(values).__module__.startswith("pandas.") and hasattr(values, "_pa_array"):
        return int(values._pa_array.null_count)
    return int(numpy.count_nonzero(pandas.isna(values)))


def lies_interleaved(array: Any) -> bool:
    """Whether an array's columns are numbers that lie between one another in memory."""
    return bool(
        array.ndim == 2 and array.shape[1] > 1 and array.dtype.kind in "iuf" and array.flags.c_contiguous
    )


class Interleaved:
    """A table of numbers whose columns lie between one another: all are gone through at once, when asked."""

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self.dtype = rows.dtype
        self._few: dict[int, Any] = {}

    def every(self, step: int, place: int) -> Any:
        """Every `step`-th value of the column at `place`."""
        if step not in self._few:
            numpy = sys.modules["numpy"]
            self._few[step] = numpy.ascontiguousarray(self._rows[::step].T)
        return self._few[step][place]

    def count_missing(self, place: int) -> int | None:
        """As `count_missing`, of the column at `place`."""
        return None if len(self._rows) > MAX_ROWS else int(self._missing[place])

    @cached_property
    def _missing(self) -> Any:
        numpy = sys.modules["numpy"]
        total = numpy.zeros(self._rows.shape[1], dtype=numpy.int64)
        if self._rows.dtype.kind != "f" or not len(self._rows):
            return total
        with numpy.errstate(invalid="ignore"):
            if not numpy.isnan(self._rows.min()):
                return total
        for start in range(0, len(self._rows), _ROWS):
            total += numpy.count_nonzero(numpy.isnan(self._rows[start : start + _ROWS]), axis=0)
        return total
