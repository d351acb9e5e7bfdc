"""Drops what a script does without: statements that leave nothing behind which anything later needs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .harmless import changed_name, escaping_names, fresh_names
from .references import BUILTINS, reads_before_bound, references

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .plan import Cell
    from .purity import Quietness


_SEEDING = {
    "numpy.random.seed": "rng:numpy",
    "random.seed": "rng:random",
    "torch.manual_seed": "rng:torch",
    "torch.random.manual_seed": "rng:torch",
}


def trim(
    cells: Sequence[Cell], forced: Collection[ast.stmt], live: Collection[str], quietness: Quietness
) -> None:
    """Drop statements that leave nothing behind which anything later needs, in place."""
    for cell in cells:
        quietness.learn(cell.statements)
    statements = [statement for cell in cells for statement in cell.statements]
    owned = fresh_names(statements) - escaping_names(statements, quietness.keeps_nothing)
    needed = set(live)
    # What functions read is read whenever they are called: never dropped here.
    for cell in cells:
        needed.update(
            found.name for found in references(cell.statements) if found.deferred and found.context == "load"
        )
    always = set(needed)
    drawn: set[str] = set()
    for cell in reversed(cells):
        kept: list[ast.stmt] = []
        opaque = set(cell.execution.opaque)
        generators = _generators(cell)
        for statement in reversed(cell.statements):
            stored = {found.name for found in references(statement) if found.context == "store"}
            changed = changed_name(statement)
            quiet = (
                changed in owned - needed and quietness.quiet(ast.Expr(_value(statement)), opaque)
                if changed
                else quietness.quiet(statement, opaque)
            )
            draws = bool(generators & drawn) and _may_draw(statement, quietness)
            if (
                statement not in forced
                and not stored & needed
                and not isinstance(statement, ast.Import | ast.ImportFrom)
                and quiet
                and not draws
            ):
                continue
            kept.append(statement)
            reads, _, sure = reads_before_bound([statement])
            needed = (needed - (sure - reads)) | reads | always
            # Who draws needs every draw before it, as far back as a seed was set.
            seeded = _seeded(statement, quietness)
            drawn -= {seeded}
            if generators and not seeded and _may_draw(statement, quietness):
                drawn |= generators
        cell.statements = list(reversed(kept))
    used = {found.name for cell in cells for found in references(cell.statements) if found.context != "store"}
    for cell in cells:
        cell.statements = [
            statement
            for statement in cell.statements
            if statement in forced or _import_used(statement, used | set(live))
        ]


def _generators(cell: Cell) -> set[str]:
    """The random generators that a cell drew from or set; all, if nobody saw it run."""
    if cell.execution.from_history:
        return set(_SEEDING.values())
    states = {*cell.execution.ambient_reads, *cell.execution.ambient_writes}
    return {state for state in states if state.startswith("rng:")}


def _value(statement: ast.stmt) -> ast.expr:
    """What a statement that changes one name does it with, as one expression."""
    if isinstance(statement, ast.Assign):
        return ast.Tuple([statement.value, *_indices(statement.targets[0])], ast.Load())
    assert isinstance(statement, ast.Expr)  # noqa: S101 - see `changed_name`
    call = statement.value
    assert isinstance(call, ast.Call)  # noqa: S101 - see `changed_name`
    return ast.Tuple([*call.args, *(given.value for given in call.keywords)], ast.Load())


def _indices(target: ast.expr) -> list[ast.expr]:
    return [target.slice] if isinstance(target, ast.Subscript) else []


def _seeded(statement: ast.stmt, quietness: Quietness) -> str:
    """The generator that a statement sets anew by a number, as in ``np.random.seed(0)``; else ``""``."""
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return ""
    call = statement.value
    path = ast.unparse(call.func)
    begin, _, rest = path.partition(".")
    whole = f"{quietness.modules.get(begin, begin)}.{rest}".rstrip(".")
    return _SEEDING.get(whole, "") if call.args or call.keywords else ""


def drop_inside(cells: Sequence[Cell], forced: Collection[ast.AST], quietness: Quietness) -> None:
    """Drop prints and plots inside loops, conditions and functions, in place.

    `forced` are the nodes metrics are made at; a statement holding one stays.
    """
    for cell in cells:
        for statement in cell.statements:
            _drop_in_blocks(cell, statement, set(map(id, forced)), quietness)


def _drop_in_blocks(cell: Cell, node: ast.AST, forced: set[int], quietness: Quietness) -> None:
    for name in ("body", "orelse", "finalbody", "handlers"):
        block = getattr(node, name, None)
        if not isinstance(block, list):
            continue
        kept: list[ast.AST] = []
        for index, inner in enumerate(block):
            plain = isinstance(inner, ast.Expr | ast.If | ast.For | ast.With) and not (
                index == 0 and isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
            )
            bare = plain and quietness.quiet(inner) and not _holds(inner, forced) and not _leaves(cell, inner)
            if bare and not (name == "orelse" and len(block) == 1) and cell.source.stands_alone(inner):
                last = index == len(block) - 1 and not kept
                cell.source.drop(inner, "pass" if last else "")
                if last:
                    kept.append(ast.copy_location(ast.Pass(), inner))
            else:
                kept.append(inner)
                _drop_in_blocks(cell, inner, forced, quietness)
        block[:] = kept


def _leaves(cell: Cell, node: ast.AST) -> bool:
    """Whether a block leads out of itself, or binds names that something around it may read."""
    bound = {
        found.id
        for found in ast.walk(node)
        if isinstance(found, ast.Name) and not isinstance(found.ctx, ast.Load)
    }
    if bound:
        functions = [
            parent
            for parent in cell.source.ancestors(node)
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
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


def _holds(node: ast.AST, forced: set[int]) -> bool:
    return any(id(found) in forced for found in ast.walk(node))


def _import_used(statement: ast.stmt, used: Collection[str]) -> bool:
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return True
    module = statement.module or "" if isinstance(statement, ast.ImportFrom) else ""
    if module == "__future__":
        return False
    if "experimental" in module or any(
        alias.name == "*" or alias.name.startswith("enable_") for alias in statement.names
    ):
        return True
    return any((alias.asname or alias.name.partition(".")[0]) in used for alias in statement.names)


def _may_draw(statement: ast.stmt, quietness: Quietness) -> bool:
    """Whether a quiet statement may still draw random numbers: anything but printing and drawing does."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            root = ast.unparse(node.func).partition(".")[0]
            package = quietness.modules.get(root, "").partition(".")[0]
            if package != "matplotlib" and root not in BUILTINS and root not in quietness.drawn:
                return True
    return False
