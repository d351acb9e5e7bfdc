"""Places in executed code that are observed, as `instrument` finds and `probes` hears of them."""

from __future__ import annotations

from typing import Any

import msgspec

#: Everything observed so far in this process, by key. A function defined in one cell may run in
#: another, so a site outlives its cell; running the same text again replaces its site.
SITES: dict[str, Site] = {}


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One observed expression.

    `kind` is ``call`` (a scoring call), ``fit``, ``predict``, ``printed`` or ``displayed``. Lines
    and columns are those of the expression in the executed code of execution `order`.
    `function` is the called dotted name, `arguments` the plain names it was given (``""`` for
    anything else; keywords as ``key=name``), `target` the name its value is bound to by the very
    statement. Of a printed value `text` is what stands before it in the same string, `first`
    marks the first value of a print call and `counter` that it is the target of a loop around it.
    `scope` is the dotted name of the function around, ``""`` at the cell's top level.
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
    text: str = ""
    first: bool = False
    counter: bool = False
    in_loop: bool = False


class Event(msgspec.Struct):
    """One evaluation of an observed expression.

    `occurrence` counts the evaluations of this site during the cell from 0. `label` is, for a
    printed number, the text that stood before it; `step` the loop counter printed with it.
    `values` holds the live objects behind the call's plain arguments, `function` the called object
    and `receiver` what a method was called on.
    """

    site: Site
    occurrence: int
    value: Any
    label: str = ""
    step: int | None = None
    function: Any = None
    receiver: Any = None
    values: dict[str, Any] = msgspec.field(default_factory=dict)


class LoopSeries(msgspec.Struct, frozen=True):
    """What one name of a loop took over its steps; `appended` tells a list that grew."""

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
