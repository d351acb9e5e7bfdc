"""Small changes in the user's own statements: what was hoisted is called by its new name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .references import references

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .plan import Cell, Definition, Hoisted, Words
    from .source import Source


def edit_names(cells: Sequence[Cell], hoisted: Hoisted, words: Words, *, shared: bool = False) -> None:
    """Make uses of what was hoisted say so: ``config.lr``, and ``train(model, lr=config.lr)``.

    Must come before the edits that quote these expressions (`measuring`).
    """
    settings = hoisted.settings
    for cell, constant, field in hoisted.paths:
        cell.source.replace(constant, f"{words.config}.{field.name}")
    for cell in cells:
        for statement in cell.statements:
            owner = next((d for d in hoisted.definitions.values() if d.node is statement), None)
            if shared:
                _look_up_in_globals(cell.source, statement)
            else:
                _globals_to_nonlocals(cell.source, statement)
            for found in references(statement):
                plain = found.context == "load" and isinstance(found.node, ast.Name)
                if found.name in settings and plain and owner is None:
                    cell.source.replace(found.node, f"{words.config}.{found.name}")
                if found.name in hoisted.definitions and found.context == "load":
                    _pass_extras(
                        cell.source, found.node, hoisted.definitions[found.name], owner, settings, words
                    )


def _look_up_in_globals(source: Source, statement: ast.stmt) -> None:
    """``eval`` and its kin see the names of a step that declares them global."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not source.inside_string(node):
            if node.func.id in ("eval", "exec") and len(node.args) == 1 and not node.keywords:
                _, end = source.extent(node.args[0])
                source.insert(end, ", globals()")
            elif node.func.id in ("locals", "vars") and not node.args:
                source.replace(node.func, "globals")


def _globals_to_nonlocals(source: Source, statement: ast.stmt) -> None:
    """What was a notebook's global is a local of the step that the function stands in."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Global):
            inside = any(
                isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef)
                for parent in source.ancestors(node)
            )
            source.replace(node, f"nonlocal {', '.join(node.names)}" if inside else "pass")


def _pass_extras(
    source: Source,
    node: ast.AST,
    called: Definition,
    owner: Definition | None,
    settings: Mapping[str, object],
    words: Words,
) -> None:
    if not called.extra:
        return
    call = source.parents[node]
    assert isinstance(call, ast.Call)  # noqa: S101 - hoisting lifts only what is called plainly
    passed = ", ".join(
        f"{name}={words.config}.{name}" if owner is None and name in settings else f"{name}={name}"
        for name in called.extra
    )
    _, end = source.extent(call)
    last = [*call.args, *(keyword.value for keyword in call.keywords)]
    begin = max((source.extent(part)[1] for part in last), default=0)
    comma = "" if not last or _has_comma(source.data[begin : end - 1].decode()) else ", "
    source.insert(end - 1, comma + passed)


def _has_comma(text: str) -> bool:
    return any("," in line.partition("#")[0] for line in text.split("\n"))
