"""Drops what is left over inside functions, loops and conditions: prints, plots, values that nobody reads."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .draws import generators_of
from .references import DYNAMIC, references
from .unread import filled_for_nobody, given_to

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .plan import Cell
    from .purity import Quietness
    from .source import Source

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def drop_inside(
    cells: Sequence[Cell],
    forced: Collection[ast.AST],
    quietness: Quietness,
    live: Collection[str] = (),
    seeded: Collection[str] | None = None,
) -> None:
    """Drop what leaves nothing behind inside loops, conditions and functions, in place.

    Args:
        cells: The cells, oldest first.
        forced: The nodes metrics are made at; a statement holding one stays.
        quietness: What changes nothing.
        live: Names that are needed, wherever they are bound: results, and what metrics are computed from.
        seeded: The random generators that some cell seeds; None: all may be.
    """
    chance = any(generators_of(cell, seeded) for cell in cells)
    kept = {id(node) for node in forced}
    changed = True
    while changed:
        uses = [found for cell in cells for found in references(cell.statements)]
        read = {found.name for found in uses if found.context != "store"} | set(live)
        unread = {found.name for found in uses} - read
        changed = False

        def droppable(cell: Cell, statement: ast.stmt) -> bool:
            if any(id(found) in kept for found in ast.walk(statement)) or _is_tried(cell.source, statement):
                return False
            given = ast.Expr(ast.Tuple([*given_to(statement)], ast.Load()))
            draws = chance and quietness.may_draw(given)
            return quietness.quiet(given, cell.execution.opaque) and not draws

        # What a metric is read from is filled for it.
        told = {part.id for node in forced for part in ast.walk(node) if isinstance(part, ast.Name)}
        fills = filled_for_nobody(cells, {*live, *told}, droppable)
        for cell in cells:
            work = _Dropping(cell.source, quietness, kept, live, fills, chance=chance)
            for statement in cell.statements:
                work.inside(statement, unread)
            whole = [statement for statement in cell.statements if statement not in fills]
            changed = changed or work.changed or len(whole) < len(cell.statements)
            cell.statements = whole


@dataclass
class _Dropping:
    """One walk over a cell."""

    source: Source
    quietness: Quietness
    forced: set[int]
    live: Collection[str]
    fills: Collection[ast.stmt]
    chance: bool
    changed: bool = False

    def inside(self, node: ast.AST, unread: Collection[str]) -> None:
        """Drop in the blocks of a statement; `unread` are names of its scope that nothing reads."""
        if isinstance(node, _Function):
            unread = _unread_locals(node) - set(self.live)
        elif isinstance(node, ast.ClassDef):
            unread = ()
        for name in ("body", "orelse", "finalbody", "handlers"):
            block = getattr(node, name, None)
            if not isinstance(block, list):
                continue
            tried = name == "body" and isinstance(node, ast.Try | ast.TryStar) and bool(node.handlers)
            kept: list[ast.AST] = []
            for index, inner in enumerate(block):
                docstring = (
                    index == 0 and isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
                )
                if inner in self.fills or (
                    not docstring
                    and self._is_left_over(inner, unread, tried=tried)
                    and not (name == "orelse" and len(block) == 1)
                ):
                    self.changed = True
                    last = index == len(block) - 1 and not kept
                    self.source.drop(inner, "pass" if last else "")
                    if last:
                        kept.append(ast.copy_location(ast.Pass(), inner))
                else:
                    kept.append(inner)
                    self.inside(inner, unread)
            block[:] = kept

    def _is_left_over(self, node: ast.AST, unread: Collection[str], *, tried: bool) -> bool:
        if not isinstance(node, ast.stmt) or any(id(found) in self.forced for found in ast.walk(node)):
            return False
        if isinstance(node, ast.Expr):
            fits = self.quietness.quiet(node)
        elif tried:  # it may be there for the error it raises
            return False
        elif isinstance(node, ast.If | ast.For | ast.With):
            fits = self.quietness.quiet(node) and not self._leaves(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {
                found.id for target in targets for found in ast.walk(target) if isinstance(found, ast.Name)
            }
            fits = _binds_only(targets) and names <= set(unread) and self.quietness.quiet(node)
        elif isinstance(node, ast.Delete):
            fits = self.quietness.quiet(node) and not _declared(node, self.source)
        else:
            return False
        return fits and not (self.chance and self.quietness.may_draw(node))

    def _leaves(self, node: ast.AST) -> bool:
        """Whether a block leads out of itself, or binds names that something around it may read."""
        bound = {
            found.id
            for found in ast.walk(node)
            if isinstance(found, ast.Name) and not isinstance(found.ctx, ast.Load)
        }
        if bound:
            functions = [found for found in self.source.ancestors(node) if isinstance(found, _Function)]
            if not functions:
                return True
            inside = {id(found) for found in ast.walk(node)}
            if any(
                isinstance(found, ast.Name) and found.id in bound and id(found) not in inside
                for found in ast.walk(functions[-1])
            ):
                return True
        return any(
            isinstance(found, ast.Break | ast.Continue | ast.Return | ast.Raise) for found in ast.walk(node)
        )


def _is_tried(source: Source, node: ast.AST) -> bool:
    """Whether a statement may be there for the error it raises."""
    return any(
        isinstance(parent, ast.Try | ast.TryStar) and parent.handlers for parent in source.ancestors(node)
    )


def _binds_only(targets: Iterable[ast.AST]) -> bool:
    plain = ast.Name | ast.Tuple | ast.List | ast.expr_context
    return all(isinstance(found, plain) for target in targets for found in ast.walk(target))


def _declared(node: ast.Delete, source: Source) -> bool:
    """Whether a name that is deleted belongs to another scope."""
    names = {target.id for target in node.targets if isinstance(target, ast.Name)}
    return any(
        names & set(found.names)
        for parent in source.ancestors(node)
        if isinstance(parent, _Function)
        for found in ast.walk(parent)
        if isinstance(found, ast.Global | ast.Nonlocal)
    )


def _unread_locals(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names that a function binds for itself and nothing in it reads."""
    stored: set[str] = set()
    read: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            (stored if isinstance(node.ctx, ast.Store) else read).add(node.id)
            if node.id in DYNAMIC or node.id == "dir":
                return set()
        elif isinstance(node, ast.Global | ast.Nonlocal):
            read.update(node.names)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            read.add(node.target.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            read.update(re.findall(r"@([A-Za-z_]\w*)", node.value))  # a pandas query
    return stored - read
