"""Hears what instrumented code says while it runs.

`see` is entered from the user's own frames, so it obeys three rules: it always gives back the very
value it was given, it never raises anything of its own, and it never touches a foreign object (no
``repr``, comparison or conversion: exact types only).
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from .members import is_dataclass
from .numbers import is_number, module_of, to_number
from .sites import SITES, UNPACKED, Event, Site, Subject, Turn, arguments_of
from .vocabulary import sounds_like_holder, sounds_like_metric

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

#: A site inside a long loop is heard this often; after that only its last value is kept.
_HEARD = 10_000
_LOOKED_UP = 100
#: So many estimators of a loop are described as they were in their turn.
_DESCRIBED = 400
_TEXT = 80
_UNPACKED = 20
_DECIMAL = re.compile(r"\d\.\d+$")
_BETWEEN = "\x1f"
_STRUCTURES = frozenset(
    {"DataFrame", "Series", "ndarray", "defaultdict", "OrderedDict", "TukeyHSDResults", "ContrastResults"}
)
_LISTED = (dict, list, tuple)
#: A dict or tuple of at most so many plain values tells what a loop tries.
_TRIED = 8
_SETTING = frozenset({str, int, float, bool, type(None)})


class _Line:
    """What one print call has said so far."""

    __slots__ = ("context", "number", "numbers", "outer", "step", "text", "tried", "turn", "values")

    def __init__(self, number: int) -> None:
        self.number = number
        self.text = ""
        self.context = ""
        self.numbers = 0
        self.turn = ""
        self.values = 0
        #: What stood before the texts that a generator makes, one after the other.
        self.outer: str | None = None
        #: Whether the context tells settings that are tried, not what was scored.
        self.tried = False
        self.step: int | None = None


class Probe:
    """What was heard during one tracked cell.

    `where` tells in which turn of which loops the cell is, `describe` what estimator a value is, if any.
    """

    def __init__(
        self,
        where: Callable[[], Turn] = tuple,
        describe: Callable[[Any], Subject | None] | None = None,
    ) -> None:
        self._where, self._describe = where, describe
        self.events: list[Event] = []
        self.faults: list[BaseException] = []
        #: What functions of the notebook's own in which something was fitted were given, by function.
        self.arguments: dict[str, dict[str, Any]] = {}
        self._counts: dict[str, int] = {}
        self._latest: dict[str, Event] = {}
        self._given: dict[str, dict[str, Any]] = {}
        self._line = _Line(0)
        #: What a print call has said so far, by call: one may print in the middle of another.
        self._lines: dict[str, _Line] = {}
        self._heading = ""
        self._parts: dict[str, Site] = {}

    def hear(self, value: Any, site: Site, frame: FrameType) -> None:
        """Remember one evaluation of `site`, made in `frame`."""
        kind = site.kind
        if kind == "printed":
            self._hear_printed(value, site)
            return
        if kind == "heading":
            self._begin_line(site).text = site.text
            return
        if kind == "argument":
            self._given.setdefault(site.call, {})[site.text] = value
            return
        count = self._count(site)
        if count >= _HEARD:
            return
        event = Event(site=site, occurrence=count, value=_light(value))
        if kind == "fit" and site.scope and count < _LOOKED_UP:
            self.arguments[site.scope.rpartition(".")[2]] = arguments_of(frame)
        known = self._latest.get(site.key)
        if known is not None and known.occurrence >= _LOOKED_UP:
            # Of a long loop only the first turns and the last are kept alive until the cell's end.
            known.values, known.given = {}, {}
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
        event.loops = self._where()
        if event.loops and count < _DESCRIBED and self._describe is not None:
            event.subject = self._subject_of(event)
        self.events.append(event)

    def _subject_of(self, event: Event) -> Subject | None:
        """What was fitted or scored, described now: the next turn may set the same object anew."""
        assert self._describe is not None  # noqa: S101
        for value in (event.receiver, *event.values.values(), *event.given.values()):
            if value is not None and (found := self._describe(value)) is not None:
                return found
        return self._describe(event.value) if event.site.kind == "fit" else None

    def _begin_line(self, site: Site) -> _Line:
        """A print call begins: what the one before said without a number is a heading now."""
        before = self._line
        line = _Line(before.number + 1)
        if not site.aside:
            told = f"{before.context} {before.text}".strip()
            if told and not before.numbers:
                self._heading = told[-2 * _TEXT :]
            self._line = line
        else:
            before.number += 1
        self._lines[site.call] = line
        return line

    def _hear_unpacked(self, value: Any, site: Site) -> None:
        """The values of a tuple that a print call unpacks, each with the text before it."""
        kind = type(value)
        if kind.__name__ == "ndarray" and module_of(kind) == "numpy" and value.ndim == 1:
            value, kind = list(value[: _UNPACKED + 1]), list
        if not ((kind is tuple or kind is list) and len(value) <= _UNPACKED):
            return
        texts = site.text.split(UNPACKED)
        for index, item in enumerate(value):
            key = f"{site.key}[{index}]"
            part = self._parts.get(key)
            if part is None:
                text = texts[min(index, len(texts) - 1)]
                part = self._parts[key] = msgspec.structs.replace(
                    site, key=key, text=text, path=(index,), first=site.first and not index, after=""
                )
            self._hear_printed(item, part)

    def _hear_printed(self, value: Any, site: Site) -> None:
        if UNPACKED in site.text:
            self._hear_unpacked(value, site)
            return
        line = self._begin_line(site) if site.first else self._lines.get(site.call, self._line)
        if site.nested:
            line.outer = line.context if line.outer is None else line.outer
            line.context, line.text = line.outer, ""
        line.text += site.text
        line.values += 1
        kind = type(value)
        if kind.__name__ == "str_" and issubclass(kind, str):
            value, kind = str.__str__(value), str  # NumPy's own: `for name in np.unique(species)`
        if kind is str:
            # A name printed before its number (f"{model}: {score}") tells this one from its neighbours.
            if value[-1:].isdigit() and _DECIMAL.search(value) and sounds_like_metric(value):
                line.text = ""  # A score that was made a text elsewhere, and is heard there.
            elif len(value) <= _TEXT:
                line.context = f"{line.context} {line.text if line.context else ''}{value}".strip()
                line.text = ""
        elif site.loop and kind in _LISTED and (told := _tried(value, site)):
            # What a loop tries, told as a whole: `print("ARIMA%s MSE=%.3f" % (order, mse))`.
            if line.numbers:
                self._name_before(line, told)
            else:
                line.context = f"{line.context} {line.text} {told}".strip()
                line.tried = True
            line.text = ""
        elif site.counter and kind is int:
            lead = line.text.rstrip(" =:([#,_-").rpartition(" ")[2].rpartition("\n")[2]
            line.turn = f"{line.turn} {lead or site.expression} {value}".strip()
            line.step, line.text = value, ""
            line.numbers += 1
        elif site.varies and is_number(value):
            # What a loop runs over, printed before its score, tells this score from its neighbours.
            before = line.text.rstrip(" =:([").rpartition(" ")[2] if not line.context else ""
            line.context = f"{line.context} {before} {to_number(value):g}".strip()
            line.text = ""
        elif is_number(value) or any(kind is listed for listed in _LISTED) or _is_structure(kind):
            line.numbers += 1
            count = self._count(site)
            if count < _HEARD:
                event = Event(
                    site=site,
                    occurrence=count,
                    value=_light(value),
                    step=line.step,
                    line=line.number,
                    place=line.values - 1,
                    turn=line.turn,
                )
                text = line.text
                if line.tried and not any(map(str.isalpha, text)):
                    text = _own(site) or text  # What is tried says nothing of what was scored.
                event.label = f"{line.context}{_BETWEEN}{text}" if line.context else text
                event.heading = self._heading
                event.loops = self._where()
                self.events.append(event)
            line.text = ""

    def _name_before(self, line: _Line, told: str) -> None:
        """Numbers under no label of their own are named by what stands behind them."""
        for event in reversed(self.events):
            if event.line != line.number or event.site.kind != "printed":
                return
            if not line.context and not any(map(str.isalpha, event.label)):
                event.label = f"{told}{_BETWEEN}{_own(event.site) or event.label}"

    def _count(self, site: Site) -> int:
        count = self._counts.get(site.key, 0)
        self._counts[site.key] = count + 1
        return count


def _is_structure(kind: type) -> bool:
    """Whether values of a type may hold numbers that a reader sees printed."""
    return kind.__name__ in _STRUCTURES or issubclass(kind, tuple) or is_dataclass(kind)


def _tried(value: Any, site: Site) -> str:
    """What a loop tries, as words: the settings in a dict or tuple that a plain name holds."""
    if not site.expression.isidentifier() or not 0 < len(value) <= _TRIED:
        return ""
    if type(value) is dict:
        if not (site.expression in site.turning or sounds_like_holder(site.expression)):
            return ""  # A dict of results is no name of them.
        items = list(value.items())
    else:
        items = [("", item) for item in value]
        if type(value) is list or all(type(item) is float for item in value):
            return ""
    if not all(type(key) is str and (type(item) in _SETTING or is_number(item)) for key, item in items):
        return ""
    told = " ".join(f"{key}={_short(item)}" if key else _short(item) for key, item in items)
    if len(told) > _TEXT // 2:
        told = " ".join(_short(item) for _, item in items)
    return told if len(told) <= _TEXT // 2 else ""


def _own(site: Site) -> str:
    return site.expression if site.expression.isidentifier() else ""


def _short(item: Any) -> str:
    if type(item) in _SETTING and type(item) is not float:
        return str(item)
    return f"{to_number(item):g}"


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
