"""The nouns of an export: what `slicing` decides, `steps` shapes and `codegen` writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Execution, Record

if TYPE_CHECKING:
    import ast

    from .source import Source

    #: Right before a statement of the cell of an order, or, without one, after that cell.
    Moment = tuple[int, ast.stmt | None]


class KeptCell(Record, frozen=True, kw_only=True):
    """One execution that an export needs, and why in words for people.

    `only` are the names whose imports and definitions are all that is needed of it; empty is all.
    """

    order: int
    reason: str
    only: tuple[str, ...] = ()


class Slice(Record, frozen=True, kw_only=True):
    """What an export keeps of a session: cells oldest first.

    `missing` are names that no recorded execution binds, `scratch` maps names to the order of the
    ``%%scratch`` cell that made them.
    """

    kept: tuple[KeptCell, ...]
    missing: tuple[str, ...] = ()
    scratch: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def orders(self) -> tuple[int, ...]:
        """The kept executions, oldest first."""
        return tuple(cell.order for cell in self.kept)


class Tried(Record, frozen=True, kw_only=True):
    """One other value of a setting, as text, and what a run with it told; see script/proof_changes.py."""

    value: str
    exit: int
    content: dict[str, str]
    metrics: dict[str, Any]


class Compared(Record, frozen=True, kw_only=True):
    """What a process said of one table of predictions; see script/proof_predictions.py.

    `state` is ``equal``, ``differ``, ``rows`` or ``unheard``. Of `rows` rows `differ` do, fractions by
    `by` of the largest of their column.
    """

    state: str
    rows: int = 0
    differ: int = 0
    by: float = 0.0


@dataclass
class Cell:
    """One kept execution on its way into the script.

    `statements` are those of its top level that stay; `refused` are those that no script can do,
    each with the reason. A section of a long cell has a `title`, and tells whether it `begins` and `ends`
    its cell; all share one source.
    """

    execution: Execution
    source: Source
    statements: list[ast.stmt] = field(default_factory=list)
    refused: dict[ast.stmt, str] = field(default_factory=dict)
    awaits: bool = False
    title: str = ""
    begins: bool = True
    ends: bool = True

    @property
    def order(self) -> int:
        """When the cell was executed."""
        return self.execution.order


@dataclass
class Step:
    """One function of the script: the cells it holds, what it is given and what it gives.

    `prose` is what the author wrote above the first of its cells, on one line.
    """

    name: str
    title: str
    cells: list[Cell]
    prose: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ConfigField:
    """One value of the configuration.

    `kind` is ``value``, ``input`` (a path that is read) or ``output`` (a path the script writes).
    """

    name: str
    value: object
    type: str
    kind: str = "value"
    comment: str = ""


@dataclass(frozen=True)
class Script:
    """The finished script and what the files beside it need to know.

    `promised` are the data sets that a contract speaks of.
    """

    code: str
    config: tuple[ConfigField, ...]
    steps: tuple[Step, ...]
    metrics: tuple[str, ...]
    imports: tuple[str, ...]
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    promised: tuple[str, ...] = ()


@dataclass
class Site:
    """Where a metric's number comes to be: `node` in `cell`, then `path` inside its value.

    `occurrence` is the evaluation that counts, from 0; None is the last.
    """

    metric: str
    cell: Cell
    node: ast.AST
    origin: str
    path: tuple[str | int | float, ...] = ()
    occurrence: int | None = None
    scope: str = ""


@dataclass
class Definition:
    """A function or class that moves to the top of the script.

    `extra` are top-level names it used as globals and is now given as keyword arguments.
    """

    name: str
    cell: Cell
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    extra: list[str] = field(default_factory=list)


@dataclass
class Hoisted:
    """What leaves the steps: imports, definitions, configuration.

    `settings` maps a top-level name to its field; `paths` the text constants that become fields.
    """

    imports: list[tuple[Cell, ast.stmt]] = field(default_factory=list)
    definitions: dict[str, Definition] = field(default_factory=dict)
    duplicates: list[tuple[Cell, ast.stmt]] = field(default_factory=list)
    constants: list[tuple[Cell, ast.stmt]] = field(default_factory=list)
    settings: dict[str, tuple[Cell, ast.stmt, ConfigField]] = field(default_factory=dict)
    paths: list[tuple[Cell, ast.Constant, ConfigField]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def fields(self) -> list[ConfigField]:
        """All configuration fields, each once."""
        found = {item[2].name: item[2] for item in self.settings.values()}
        found.update({item[2].name: item[2] for item in self.paths})
        return list(found.values())

    def gone(self) -> set[ast.stmt]:
        """The statements that no step holds any more."""
        return {
            *(statement for _, statement in self.imports),
            *(statement for _, statement in self.constants),
            *(statement for _, statement in self.duplicates),
            *(definition.node for definition in self.definitions.values()),
            *(statement for _, statement, _ in self.settings.values()),
        }


@dataclass(frozen=True)
class Words:
    """Names the script needs for itself, chosen so that the user's code has none of them."""

    config: str
    metrics: str
    result: str
