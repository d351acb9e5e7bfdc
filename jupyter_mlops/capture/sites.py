"""Places in executed code that are observed, as `instrument` finds and `probes` hears of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from types import FrameType

#: Everything observed so far in this process, by key. A function defined in one cell may run in
#: another, so a site outlives its cell; running the same text again replaces its site.
SITES: dict[str, Site] = {}


#: In place of a dict's key: the array itself is filled, item by item.
FILLED = "[]"
#: Between the texts that stand before the values of an unpacked tuple: ``"{} {}".format(*row)``.
UNPACKED = "\x1e"


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One observed expression.

    `kind` is ``call`` (a scoring call), ``argument`` (of one), ``fit``, ``predict``, ``summary``,
    ``printed``, ``heading`` (a printed line of text alone) or ``displayed``. Lines and columns
    are those of the expression in the executed code of execution `order`. `function` is the
    called dotted name, `arguments` the plain names it was given (``""`` for anything else;
    keywords as ``key=name``), `target` the name its value is bound to by the very statement,
    `within` the name that the value it is a part of is bound, appended or set as an item to. Of
    a printed value `text` is what stands before it in the same string, `first` marks the first
    value of a print call and `counter` that it is the target of a loop around it, `varies` that it stands
    before what is told of it, `after` is the text behind the last value, `aside` marks a text that no print
    call was given as it stands, or that was drawn into a figure, `nested` the first
    value of a text inside a print call, such as one a generator makes. `path` leads to a value that was
    unpacked from the expression's. `loop` is the line of the innermost
    loop around, `turning` the names it counts with. `call` is the
    same for all values of one print, and of an argument the key of its call; an argument's
    `text` is its position or keyword. `scope` is the dotted name of the function around, ``""``
    at the cell's top level.
    """

    key: str
    kind: str
    order: int
    expression: str
    line: int
    column: int
    end_line: int
    end_column: int
    scope: str = ""
    function: str = ""
    arguments: tuple[str, ...] = ()
    target: str = ""
    within: str = ""
    call: str = ""
    text: str = ""
    first: bool = False
    counter: bool = False
    varies: bool = False
    after: str = ""
    aside: bool = False
    nested: bool = False
    path: tuple[int, ...] = ()
    loop: int = 0
    turning: tuple[str, ...] = ()
    in_loop: bool = False


class Event(msgspec.Struct):
    """One evaluation of an observed expression.

    `occurrence` counts the evaluations of this site during the cell from 0. `label` is, for a
    printed number, the text that stood before it; `step` the loop counter printed with it.
    `values` holds the live objects behind the call's plain arguments, `given` those behind arguments
    that were heard themselves, by position or keyword; `function` is the called object and
    `receiver` what a method was called on. `heading` is the line of text printed last before it,
    `line` the same for all that one print call showed, `turn` what it showed of the loop's counters,
    `place` the how manieth value of the line it was.
    `loops` says in which turn of which loops it was, and there `subject` what was fitted or scored.
    """

    site: Site
    occurrence: int
    value: Any
    label: str = ""
    heading: str = ""
    step: int | None = None
    line: int = 0
    place: int = 0
    turn: str = ""
    function: Any = None
    receiver: Any = None
    values: dict[str, Any] = msgspec.field(default_factory=dict)
    given: dict[str, Any] = msgspec.field(default_factory=dict)
    loops: Turn = ()
    subject: Subject | None = None


class Subject(msgspec.Struct, frozen=True):
    """The estimator an event was about, as it was set just then: class name, non-default settings."""

    kind: str
    settings: dict[str, Any]
    predicts: bool = True


#: Where in the loops around it something happened: (loop, step) of each that ran, outermost first.
Turn = tuple[tuple[str, int], ...]


class LoopSeries(msgspec.Struct, frozen=True):
    """What one name of a loop took over its steps; `appended` tells a list that grew, by `value_name`.

    `loop` is the key of the loop it belongs to; `repeats` tells that its turns are alike (``for _ in …``).
    """

    name: str
    scope: str
    order: int
    line: int
    expression: str
    steps: list[int]
    values: list[float]
    times: list[float]
    count: int
    appended: bool = False
    value_name: str = ""
    loop: str = ""
    repeats: bool = False


def arguments_of(frame: FrameType) -> dict[str, Any]:
    """The plain values the function that runs in `frame` was given."""
    code, space = frame.f_code, frame.f_locals
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {name: space[name] for name in names if name in space and id(type(space[name])) in _PLAIN}


_PLAIN = frozenset(map(id, (bool, int, float, str)))
