"""Imports whose names people bind to something else: ``xgb = xgb.XGBRegressor()``.

At the top of the script such an import could not have its name; under another one it can stand there.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .references import BUILTINS, Reference, references

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .plan import Cell

_Import = ast.Import | ast.ImportFrom


def set_apart(cells: Sequence[Cell]) -> None:
    """Give such imports, and what reads them up to where their name is bound anew, a name of their own.

    Both the trees and the texts of the cells are changed. A name of which it cannot be told when it stands
    for what is left alone.

    Args:
        cells: Trimmed cells, oldest first.
    """
    statements = [(cell, statement) for cell in cells for statement in cell.statements]
    uses: dict[str, list[tuple[int, Reference]]] = {}
    for place, (_, statement) in enumerate(statements):
        for found in references(statement):
            uses.setdefault(found.name, []).append((place, found))
    used = _names(cells) | BUILTINS
    changed: dict[int, None] = {}
    for name, places in uses.items():
        reads = _reads_of_import(statements, places)
        if not reads:
            continue
        imports = [place for place, use in places if isinstance(use.node, _Import)]
        alias = _alias_of(statements[imports[0]][1], name)
        new = alias.name.rpartition(".")[2] if alias.asname else f"imported_{name}"
        while new in used:
            new = f"imported_{new}"
        used.add(new)
        for place in imports:
            _alias_of(statements[place][1], name).asname = new
            changed[place] = None
        for place, use in reads:
            assert isinstance(use.node, ast.Name)  # noqa: S101 - see `_reads_of_import`
            statements[place][0].source.replace(use.node, new)
            use.node.id = new
    for changed_place in changed:
        cell, statement = statements[changed_place]
        for alias in statement.names:  # type: ignore[attr-defined]
            alias.asname = None if alias.asname == alias.name else alias.asname
        cell.source.replace(statement, ast.unparse(statement))


def _names(cells: Sequence[Cell]) -> set[str]:
    """What the code has a name for; what a module is called where it comes from is none."""
    found: set[str] = set()
    for node in (part for cell in cells for part in ast.walk(cell.source.tree)):
        if isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
        else:
            words = (getattr(node, word, None) for word in ("id", "arg", "name"))
            found.update(word for word in words if isinstance(word, str))
    return found


def _reads_of_import(
    statements: Sequence[tuple[Cell, ast.stmt]], uses: Sequence[tuple[int, Reference]]
) -> list[tuple[int, Reference]]:
    """Where a name stands for what was imported, if it is imported, then read, then bound anew for good."""
    imports = [place for place, use in uses if isinstance(use.node, _Import)]
    bound = [place for place, use in uses if use.context != "load" and not isinstance(use.node, _Import)]
    if not imports or not bound or max(imports) >= min(bound):
        return []
    name = uses[0][1].name
    aliases = [_alias_of(statements[place][1], name) for place in imports]
    if (
        len(
            {
                (alias.name, getattr(statements[place][1], "module", ""))
                for alias, place in zip(aliases, imports, strict=True)
            }
        )
        > 1
    ):
        return []
    plain = isinstance(statements[min(bound)][1], ast.Assign | ast.AnnAssign)
    told = all(not use.deferred and not use.mentioned and use.context in ("load", "store") for _, use in uses)
    if not plain or not told or any("." in alias.name and not alias.asname for alias in aliases):
        return []
    return [
        (place, use)
        for place, use in uses
        if use.context == "load" and place <= min(bound) and isinstance(use.node, ast.Name)
    ]


def _alias_of(statement: ast.stmt, name: str) -> ast.alias:
    assert isinstance(statement, _Import)  # noqa: S101 - only imports are asked
    return next(alias for alias in statement.names if (alias.asname or alias.name.partition(".")[0]) == name)
