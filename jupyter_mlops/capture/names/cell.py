"""What is known of one cell's names."""

from __future__ import annotations

from typing import Any

import msgspec

from jupyter_mlops.records import Span


class Literal(msgspec.Struct, frozen=True):
    """A literal value bound to a top-level name and where its expression stands, as `ast` counts."""

    value: Any
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def span(self) -> Span:
        """The place of the value's expression."""
        return Span(line=self.line, column=self.column, end_line=self.end_line, end_column=self.end_column)


class Import(msgspec.Struct, frozen=True):
    """One imported name: ``from module import name as alias``; `name` is empty for a plain import."""

    module: str
    name: str
    alias: str


class CellNames(msgspec.Struct, frozen=True, kw_only=True):
    """The names of one cell's top level.

    `reads` may be used before the cell surely binds them; of these, `maybe_reads` come after a
    binding that only may have happened (in an ``if`` or a loop), and can be dropped when the name
    did not exist before the cell. `bound` are all bindings, `unconditional` those sure to have
    happened when the cell ends; `deleted` are gone by then. `touched` may have been changed inside.
    `global_stores` are bound by functions that say ``global``, when they are called.
    `modules` are all imported anywhere, `imports` those bound at the top level.
    `calls` and `strings` are in source order; a call on an expression begins with a dot.
    `attributes` are the chains of attributes that occur (``os.environ``).
    """

    reads: frozenset[str] = frozenset()
    maybe_reads: frozenset[str] = frozenset()
    loads: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    unconditional: frozenset[str] = frozenset()
    reassigned: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    global_stores: frozenset[str] = frozenset()
    imports: tuple[Import, ...] = ()
    star_imports: tuple[str, ...] = ()
    modules: frozenset[str] = frozenset()
    functions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    literals: dict[str, Literal] = msgspec.field(default_factory=dict)
    calls: tuple[str, ...] = ()
    attributes: frozenset[str] = frozenset()
    strings: tuple[str, ...] = ()
    dynamic: bool = False
    syntax_error: bool = False
