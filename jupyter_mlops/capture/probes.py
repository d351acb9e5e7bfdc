"""Hears what instrumented code says while it runs.

`see` is entered from the user's own frames, so it obeys three rules: it always gives back the very
value it was given, it never raises anything of its own, and it never touches a foreign object (no
``repr``, comparison or conversion: exact types only).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .numbers import is_number, to_number
from .sites import SITES, Event, Site, arguments_of

if TYPE_CHECKING:
    from types import FrameType

#: A site inside a long loop is heard this often; after that only its last value is kept.
_HEARD = 10_000
_LOOKED_UP = 100
_TEXT = 80
_BETWEEN = "\x1f"
_STRUCTURES = frozenset({"DataFrame", "Series", "ndarray", "defaultdict", "OrderedDict"})
_LISTED = (dict, list, tuple)


class Probe:
    """What was heard during one tracked cell."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.faults: list[BaseException] = []
        #: What functions of the notebook's own in which something was fitted were given, by function.
        self.arguments: dict[str, dict[str, Any]] = {}
        self._counts: dict[str, int] = {}
        self._latest: dict[str, Event] = {}
        self._given: dict[str, dict[str, Any]] = {}
        self._text = ""
        self._context = ""
        self._heading = ""
        self._numbers = 0
        self._step: int | None = None

    def hear(self, value: Any, site: Site, frame: FrameType) -> None:
        """Remember one evaluation of `site`, made in `frame`."""
        kind = site.kind
        if kind == "printed":
            self._hear_printed(value, site)
            return
        if kind == "heading":
            self._begin_line()
            self._text = site.text
            return
        if kind == "argument":
            # Of a long loop only the first are kept alive until the cell's end.
            if self._counts.get(site.call, 0) < _LOOKED_UP:
                self._given.setdefault(site.call, {})[site.text] = value
            return
        count = self._count(site)
        if count >= _HEARD:
            return
        event = Event(site=site, occurrence=count, value=_light(value))
        if count < _LOOKED_UP:
            if kind == "fit" and site.scope:
                self.arguments[site.scope.rpartition(".")[2]] = arguments_of(frame)
            if site.function:
                event.receiver, event.function = _resolve(site.function, frame)
            for argument in site.arguments:
                name = argument.rpartition("=")[2]
                if name and "." not in name:
                    found, ok = _look_up(name, frame)
                    if ok:
                        event.values[argument] = found
            event.given = self._given.pop(site.key, event.given)
            self._latest[site.key] = event
        else:
            known = self._latest[site.key]
            event.receiver, event.function = known.receiver, known.function
        self.events.append(event)

    def _begin_line(self) -> None:
        """A print call begins: what the one before said without a number is a heading now."""
        told = f"{self._context} {self._text}".strip()
        if told and not self._numbers:
            self._heading = told[-_TEXT:]
        self._text, self._context, self._step, self._numbers = "", "", None, 0

    def _hear_printed(self, value: Any, site: Site) -> None:
        if site.first:
            self._begin_line()
        self._text += site.text
        kind = type(value)
        if kind is str:
            # A name printed before its number (f"{model}: {score}") tells this one from its neighbours.
            if len(value) <= _TEXT:
                self._context = f"{self._context} {self._text if self._context else ''}{value}".strip()
                self._text = ""
        elif site.counter and kind is int:
            self._step, self._text = value, ""
            self._numbers += 1
        elif site.varies and is_number(value):
            # What a loop runs over, printed before its score, tells this score from its neighbours.
            before = self._text.rstrip(" =:([").rpartition(" ")[2] if not self._context else ""
            self._context = f"{self._context} {before} {to_number(value):g}".strip()
            self._text = ""
        elif is_number(value) or any(kind is listed for listed in _LISTED) or kind.__name__ in _STRUCTURES:
            self._numbers += 1
            count = self._count(site)
            if count < _HEARD:
                event = Event(site=site, occurrence=count, value=_light(value), step=self._step)
                event.label = f"{self._context}{_BETWEEN}{self._text}" if self._context else self._text
                event.heading = self._heading
                self.events.append(event)
            self._text = ""

    def _count(self, site: Site) -> int:
        count = self._counts.get(site.key, 0)
        self._counts[site.key] = count + 1
        return count


def _light(value: Any) -> Any:
    """A loss without the graph that computed it, which would keep every step's memory."""
    kind = type(value)
    if kind is float or kind is int:
        return value
    return to_number(value) if kind.__name__ == "Tensor" and is_number(value) else value


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
