"""Hears what instrumented code says while it runs.

`see` is entered from the user's own frames, so it obeys three rules: it always gives back the very
value it was given, it never raises anything of its own, and it never touches a foreign object (no
``repr``, comparison or conversion: exact types only).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .numbers import is_number
from .sites import SITES, Event, Site

if TYPE_CHECKING:
    from types import FrameType

#: A site inside a long loop is heard this often; after that only its last value is kept.
_HEARD = 10_000
_LOOKED_UP = 100
_TEXT = 80
_BETWEEN = "\x1f"
_STRUCTURES = frozenset({"DataFrame", "Series", "ndarray"})


class Probe:
    """What was heard during one tracked cell."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.faults: list[BaseException] = []
        self._counts: dict[str, int] = {}
        self._text = ""
        self._context = ""
        self._step: int | None = None

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
        if count < _LOOKED_UP:
            for argument in site.arguments:
                name = argument.rpartition("=")[2]
                if name and "." not in name:
                    found, ok = _look_up(name, frame)
                    if ok:
                        event.values[argument] = found
        self.events.append(event)

    def _hear_printed(self, value: Any, site: Site) -> None:
        if site.first:
            self._text, self._context, self._step = "", "", None
        self._text += site.text
        kind = type(value)
        if kind is str:
            # A name printed before its number (f"{model}: {score}") tells this one from its neighbours.
            if len(value) <= _TEXT:
                self._context = f"{self._context} {value}".strip()
                self._text = ""
        elif site.counter and kind is int:
            self._step, self._text = value, ""
        elif is_number(value) or kind is dict or kind.__name__ in _STRUCTURES:
            count = self._count(site)
            if count < _HEARD:
                event = Event(site=site, occurrence=count, value=value, step=self._step)
                event.label = f"{self._context}{_BETWEEN}{self._text}" if self._context else self._text
                self.events.append(event)
            self._text = ""

    def _count(self, site: Site) -> int:
        count = self._counts.get(site.key, 0)
        self._counts[site.key] = count + 1
        return count


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
