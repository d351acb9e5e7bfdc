"""Places in executed code that are observed, as `instrument` finds and `probes` hears of them."""

from __future__ import annotations

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
