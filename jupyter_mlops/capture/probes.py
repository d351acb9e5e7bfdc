"""Hears what instrumented code says while it runs.

`see` is entered from the user's own frames, so it obeys three rules: it always gives back the very
value it was given, it never raises anything of its own, and it never touches a foreign object (no
``repr``, comparison or conversion: exact types only).
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import msgspec

from .sites import SITES, Site

#: A site inside a long loop is heard this often; after that only its last value is kept.
_HEARD = 10_000
_TEXT = 80
_NUMBERS = frozenset({int, float})


class Event(msgspec.Struct):
    """One evaluation of an observed expression.

    `occurrence` counts the evaluations of this site during the cell from 0. `label` is, for a
    printed number, the text that stood before it. `values` holds the live objects behind the
    call's plain arguments, `function` the called object and `receiver` what a method was called on.
    """

    site: Site
    occurrence: int
    value: Any
    label: str = ""
    function: Any = None
    receiver: Any = None
    values: dict[str, Any] = msgspec.field(default_factory=dict)


class Probe:
    """What was heard during one tracked cell."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.faults: list[BaseException] = []
        self._counts: dict[str, int] = {}
        self._text = ""

    def hear(self, value: Any, site: Site, frame: FrameType) -> None:
        """Remember one evaluation of `site`, made in `frame`."""
        if site.kind == "printed":
            self._hear_printed(value, site)
            return
        count = self._count(site)
        if count >= _HEARD:
            return
        event = Event(site=site, occurrence=count, value=value)
        if site.function:
            event.receiver, event.function = _resolve(site.function, frame)
            if count < 100:
                for argument in site.arguments:
                    name = argument.rpartition("=")[2]
                    if name and "." not in name:
                        found, ok = _look_up(name, frame)
                        if ok:
                            event.values[argument] = found
        self.events.append(event)

    def _hear_printed(self, value: Any, site: Site) -> None:
        if site.first:
            self._text = ""
        self._text += site.text
        kind = type(value)
        if kind is str:
            self._text += value if len(value) <= _TEXT else ""
            return
        if site.counter and kind in _NUMBERS:
            self._text += str(value)
            return
        if is_number(value):
            count = self._count(site)
            if count < _HEARD:
                self.events.append(Event(site=site, occurrence=count, value=value, label=self._text))
            self._text = ""
        elif kind in _STRUCTURES or kind.__name__ in _FRAMES:
            count = self._count(site)
            if count < 10:
                self.events.append(Event(site=site, occurrence=count, value=value, label=self._text))

    def _count(self, site: Site) -> int:
        count = self._counts.get(site.key, 0)
        self._counts[site.key] = count + 1
        return count


_STRUCTURES = frozenset({dict, tuple, list})
_FRAMES = frozenset({"DataFrame", "Series", "ndarray"})

_active: Probe | None = None


def activate(probe: Probe | None) -> None:
    """Make `probe` the one that hears, or nobody."""
    global _active  # noqa: PLW0603
    _active = probe


def see(value: Any, key: str) -> Any:
    """Give back `value`, and let the active probe know of it."""
    probe = _active
    if probe is not None:
        try:
            site = SITES.get(key)
            if site is not None:
                probe.hear(value, site, sys._getframe(1))
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            if len(probe.faults) < 5:
                probe.faults.append(fault)
    return value


def is_number(value: Any) -> bool:
    """Whether `value` is a plain number: int, float, a NumPy scalar or 0-d array, a 0-d CPU tensor."""
    kind = type(value)
    if kind is float or kind is int:
        return True
    module = kind.__module__
    if module == "numpy":
        numpy = sys.modules["numpy"]
        if isinstance(value, numpy.number):
            return not isinstance(value, numpy.complexfloating)
        return kind is numpy.ndarray and value.ndim == 0 and value.dtype.kind in "iuf"
    if module == "torch" and kind.__name__ in ("Tensor", "Parameter"):
        return bool(value.ndim == 0 and value.device.type == "cpu" and not value.is_complex())
    return False


def to_number(value: Any) -> int | float:
    """The Python number behind what `is_number` accepts, at full precision."""
    kind = type(value)
    if kind is float or kind is int:
        return value  # type: ignore[no-any-return]
    if kind.__module__ == "torch":
        value = value.detach()
    number = value.item()
    return int(number) if isinstance(number, int) else float(number)


def _look_up(name: str, frame: FrameType) -> tuple[Any, bool]:
    for space in (frame.f_locals, frame.f_globals):
        if name in space:
            return space[name], True
    return None, False


def _resolve(path: str, frame: FrameType) -> tuple[Any, Any]:
    """The object a dotted name was called on and the called object, without running user code."""
    first, *rest = path.split(".")
    found, ok = _look_up(first, frame)
    if not ok:
        return None, None
    receiver = None
    for attribute in rest:
        receiver = found
        found = _static_attribute(found, attribute)
        if found is None:
            return (receiver, None) if attribute == rest[-1] else (None, None)
    return receiver, found


def _static_attribute(owner: Any, name: str) -> Any:
    for space in (_instance_dict(owner), *(vars(kind) for kind in type(owner).__mro__)):
        if name in space:
            return space[name]
    return None


def _instance_dict(owner: Any) -> Any:
    try:
        return object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return {}
