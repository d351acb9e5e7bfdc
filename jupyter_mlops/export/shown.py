"""What IPython keeps of displayed values, ``_``, ``__``, ``_3`` and ``Out[3]``, as names of their own.

A cell whose displayed value a later cell uses binds it to ``out_3``, and the later cell reads that
name; from then on these are cells like all others.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import msgspec

from .references import last_name, references
from .source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import Execution

_NUMBERED = re.compile(r"_(\d+)")
_LAST = {"_": 1, "__": 2, "___": 3}
_SHOWS_NOTHING = frozenset({"print", "display", "show", "append", "extend", "update", "sort", "seed", "plot"})


def name_shown_values(executions: Sequence[Execution]) -> list[Execution]:
    """The executions, oldest first, with displayed values that others use bound to names."""
    cells = sorted(executions, key=lambda cell: cell.order)
    if not any("_" in cell.code or "Out[" in cell.code for cell in cells):
        return cells
    own = {name for cell in cells for name in cell.bound}
    shown: list[int] = []
    producers: dict[int, int] = {}
    wanted: set[int] = set()
    changed: list[Execution] = []
    #: Values displayed that are nothing but a name's, as long as that holds them.
    plain: dict[int, str] = {}
    for index, cell in enumerate(cells):
        touched = {*cell.bound, *cell.mutated, *cell.deleted}
        plain = {number: name for number, name in plain.items() if name not in touched}
        # Once a cell binds ``_`` itself, IPython leaves it alone; the namespace's difference leaves it out.
        stored, read = _last_names(cell.code)
        own |= stored
        if stored or read & own:
            bound = dict.fromkeys((*cell.bound, *sorted(stored)))
            reads = dict.fromkeys((*cell.reads, *sorted(read & own)))
            cell = msgspec.structs.replace(cell, bound=tuple(bound), reads=tuple(reads))  # noqa: PLW2901
        code, used = _with_names(cell.code, shown, producers, own, plain)
        wanted |= used - plain.keys()
        names = {plain.get(number, f"out_{number}") for number in used}
        if used:
            others = {*cell.reads, *names} - ({*_LAST, "Out"} - own)
            cell = msgspec.structs.replace(cell, code=code, reads=tuple(sorted(others)))  # noqa: PLW2901
        changed.append(cell)
        if cell.execution_count is not None and _shows(cell):
            shown.append(cell.execution_count)
            producers[cell.execution_count] = index
            name = _plain_name(cell.code)
            if name:
                plain[cell.execution_count] = name
    for number in wanted:
        index = producers[number]
        cell = changed[index]
        changed[index] = msgspec.structs.replace(
            cell, code=_bound(cell.code, f"out_{number}"), bound=(*cell.bound, f"out_{number}")
        )
    return changed


def _last_names(code: str) -> tuple[set[str], set[str]]:
    """Those of ``_``, ``__`` and ``___`` that a cell itself binds, and those that it reads."""
    if "_" not in code:
        return set(), set()
    try:
        found = [use for use in references(ast.parse(code)) if use.name in _LAST]
    except (SyntaxError, ValueError, RecursionError):
        return set(), set()
    stored = {use.name for use in found if use.context == "store" and not use.deferred}
    return stored, {use.name for use in found if use.context == "load"}


def _shows(cell: Execution) -> bool:
    """Whether a cell ends with a value that IPython displays and keeps."""
    try:
        body = ast.parse(cell.code).body
    except (SyntaxError, ValueError, RecursionError):
        return False
    if cell.status != "ok" or not body or not isinstance(body[-1], ast.Expr):
        return False
    if cell.code.rstrip().endswith(";"):
        return False
    value = body[-1].value
    if isinstance(value, ast.Call):
        called = last_name(value.func)
        return called not in _SHOWS_NOTHING
    return not (isinstance(value, ast.Constant) and value.value is None)


def _with_names(
    code: str, shown: Sequence[int], producers: dict[int, int], own: set[str], plain: dict[int, str]
) -> tuple[str, set[int]]:
    try:
        source = Source(code)
    except (SyntaxError, ValueError, RecursionError):
        return code, set()
    used: set[int] = set()
    for found in references(source.tree):
        if found.context != "load" or found.name in own or not isinstance(found.node, ast.Name):
            continue
        node: ast.AST = found.node
        number = None
        numbered = _NUMBERED.fullmatch(found.name)
        if numbered:
            number = int(numbered[1])
        elif found.name in _LAST and len(shown) >= _LAST[found.name]:
            number = shown[-_LAST[found.name]]
        elif found.name == "Out":
            parent = source.parents.get(node)
            index = parent.slice if isinstance(parent, ast.Subscript) else None
            if isinstance(index, ast.Constant) and isinstance(index.value, int):
                number, node = index.value, parent  # type: ignore[assignment]
        if number in producers:
            source.replace(node, plain.get(number, f"out_{number}"))
            used.add(number)
    return source.render(0, len(source.data)), used


def _plain_name(code: str) -> str:
    """The name that a cell displays, ``""`` for any other value."""
    last = ast.parse(code).body[-1]
    return last.value.id if isinstance(last, ast.Expr) and isinstance(last.value, ast.Name) else ""


def _bound(code: str, name: str) -> str:
    """`code` with its last expression bound to `name`."""
    source = Source(code)
    last = source.tree.body[-1]
    start, _ = source.extent(last)
    source.insert(start, f"{name} = ")
    return source.render(0, len(source.data))
