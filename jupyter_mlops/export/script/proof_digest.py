"""Hashes of what values hold, equal in processes that computed the same; the standard library alone."""

from __future__ import annotations

import hashlib
import re
import struct
import types
from typing import Any

_TIME = re.compile(r"(?:^|[^a-z])(time|elapsed|seconds|duration|latency|runtime|timestamp)s?_?$")
_MOST_ITEMS = 20_000
_MOST_NUMBERS = 2_000_000
_DEEPEST = 12
_SKIPPED = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)


def names_time(name: str) -> bool:
    """Whether a name is that of a duration or a moment, which no two processes share."""
    return _TIME.search(name.lower()) is not None


class Digest:
    """A hash of what a value holds, the same in every process that computed the same.

    `place` is the name of the folder that this process has for itself, which is part of no value.
    """

    place = "…"

    def __init__(self) -> None:
        self.hash = hashlib.blake2b(digest_size=16)
        self.seen: set[int] = set()
        self.items = 0
        self.alive: list[Any] = []

    def of(self, value: Any) -> str:
        """The hash of one value."""
        self.add(value, 0)
        return self.hash.hexdigest()

    def say(self, text: str) -> None:
        """Take a text in."""
        self.hash.update(text.encode("utf-8", "replace"))

    def fraction(self, value: Any) -> None:
        """Take a number in."""
        self.say(_digits(value))

    def fractions(self, numbers: Any) -> None:
        """Take an array of numbers in, of one dimension and as large as they come."""
        import numpy as np

        with np.errstate(all="ignore"):
            size = np.where(np.abs(numbers) > 0, np.floor(np.log10(np.abs(numbers))), 0.0)
            scale = 10.0 ** (5 - np.clip(np.nan_to_num(size), -300, 300))
            rounded = np.rint(numbers * scale) / scale
            rounded[np.abs(numbers) < 1e-9] = 0
        self.hash.update((rounded + 0.0).tobytes())

    def add(self, value: Any, depth: int) -> None:
        """Take a value in: numbers to six digits, containers item by item, objects by their state."""
        self.items += 1
        if self.items > _MOST_ITEMS or depth > _DEEPEST or isinstance(value, _SKIPPED):
            return
        kind = type(value)
        if kind is str:
            self.say(f"str{'' if ' at 0x' in value else value.replace(self.place, '…')!r}")
        elif kind in (int, bool, bytes, type(None)):
            self.say(f"{kind.__name__}{value!r}")
        elif kind in (float, complex):
            self.fraction(value)
        elif id(value) in self.seen:
            self.say("again")
        else:
            self.seen.add(id(value))
            self.alive.append(value)
            self.say(kind.__name__)
            self._held(value, kind, depth)

    def _held(self, value: Any, kind: type, depth: int) -> None:
        if kind is dict or isinstance(value, dict):
            for key, item in value.items():
                if isinstance(key, str) and names_time(key):
                    continue
                self.add(key, depth + 1)
                self.add(item, depth + 1)
        elif kind in (list, tuple):
            for item in value:
                self.add(item, depth + 1)
        elif kind in (set, frozenset):
            for text in sorted(Digest().of(item) for item in value):
                self.say(text)
        elif kind.__module__.partition(".")[0] == "numpy" and hasattr(value, "dtype"):
            self._array(value, depth)
        elif hasattr(value, "detach") and hasattr(value, "numpy"):
            self._array(value.detach().cpu().numpy(), depth)
        elif kind.__module__.startswith("pandas") and hasattr(value, "items") and hasattr(value, "shape"):
            columns = [value] if len(value.shape) == 1 else [value.iloc[:, i] for i in range(value.shape[1])]
            for column in columns[:1000]:
                if not names_time(str(column.name)):
                    self.add(column.to_numpy(), depth + 1)
        else:
            self._state(value, depth)

    def _state(self, value: Any, depth: int) -> None:
        if type(value).__module__.startswith(("matplotlib", "IPython", "_io", "io", "logging", "threading")):
            return
        try:
            state = value.__reduce_ex__(2)
        except Exception:  # noqa: BLE001 - generators, files and locks hold nothing to compare
            return
        if isinstance(state, tuple):
            for part in state[1:3]:
                self.add(self.told(part), depth + 1)
            for items in state[3:5]:
                self.add(list(items or ()), depth + 1)

    def told(self, state: Any) -> Any:
        """What counts of an object's state: not where another part of it lies in memory."""
        if not isinstance(state, dict):
            return state
        places = set(map(id, state.values()))
        return {key: value for key, value in state.items() if type(value) is not int or value not in places}

    def _array(self, value: Any, depth: int) -> None:
        import numpy as np

        array = np.asarray(value)
        self.say(f"{array.dtype.kind}{array.shape}")
        if array.dtype.names:
            for name in array.dtype.names:
                self._array(array[name], depth + 1)
            return
        flat = array.reshape(-1)
        if flat.size > _MOST_NUMBERS:
            flat = flat[:: flat.size // _MOST_NUMBERS + 1]
        if array.dtype.kind in "fc":
            self.fractions(flat.astype(np.complex128 if array.dtype.kind == "c" else np.float64))
        elif array.dtype.kind in "iubmM":
            self.hash.update(np.ascontiguousarray(flat).tobytes())
        else:
            for item in flat[:_MOST_ITEMS].tolist():
                self.add(item, depth + 1)


class Fractions(Digest):
    """A hash of what a value holds besides its fractions, and these as they are.

    `parts` are the bytes of 64-bit floats, an array or a lone number each; `tolerance` is the largest that an
    object in it names as its own: what scikit-learn's solvers and others stop at.
    """

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[bytes] = []
        self.tolerance = 0.0

    def fraction(self, value: Any) -> None:
        """Keep a number."""
        self.say(type(value).__name__)
        whole = (value.real, value.imag) if isinstance(value, complex) else (value,)
        self.parts.append(struct.pack(f"{len(whole)}d", *whole))

    def fractions(self, numbers: Any) -> None:
        """Keep an array of numbers."""
        self.parts.append(numbers.tobytes())

    def told(self, state: Any) -> Any:
        """What counts of an object's state: where a solver stopped, and not after how many turns."""
        state = super().told(state)
        tolerance = state.get("tol") if isinstance(state, dict) else None
        if type(tolerance) is not float:
            return state
        self.tolerance = max(self.tolerance, tolerance)
        return {key: value for key, value in state.items() if not str(key).startswith("n_iter")}


def _digits(value: Any) -> str:
    if isinstance(value, complex):
        return _digits(value.real) + _digits(value.imag)
    return f"{0.0 if abs(value) < 1e-9 else value:.5e}"
