"""Drops what a script does without: statements that leave nothing behind which anything later needs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .draws import SEEDING, generators_of
from .harmless import changed_name, escaping_names, fresh_names
from .references import reads_before_bound, references

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from .plan import Cell
    from .purity import Quietness


def trim(
    cells: Sequence[Cell],
    forced: Collection[ast.stmt],
    live: Collection[str],
    quietness: Quietness,
    seeded: Collection[str] | None = None,
    shown: Mapping[ast.stmt, Sequence[ast.AST]] | None = None,
) -> None:
    """Drop statements that leave nothing behind which anything later needs, in place.

    Args:
        cells: The cells, oldest first.
        forced: Statements that stay in any case.
        live: Names whose last values are needed.
        quietness: What changes nothing.
        seeded: The random generators that some cell seeds; None: all may be. What others give hangs on
            chance, so that no draw from them is kept for the sake of another.
        shown: Those of `forced` in whose place nothing but these parts of them will stand.
    """
    before = -1
    # What only dropped statements and functions read is needed no more.
    while (left := sum(len(cell.statements) for cell in cells)) != before:
        before = left
        _trim_once(cells, forced, live, quietness, seeded, shown or {})


def _trim_once(
    cells: Sequence[Cell],
    forced: Collection[ast.stmt],
    live: Collection[str],
    quietness: Quietness,
    seeded: Collection[str] | None,
    shown: Mapping[ast.stmt, Sequence[ast.AST]],
) -> None:
    for cell in cells:
        quietness.learn(cell.statements)
    statements = [statement for cell in cells for statement in cell.statements]
    # A name that nobody reads holds nothing for anybody.
    read = {found.name for found in references(statements) if found.context != "store"} | set(live)
    telling = [node for node in statements if not _binds_for_nobody(node, read)]
    owned = fresh_names(statements) - escaping_names(telling, quietness.keeps_nothing)
    needed = set(live)
    classes = {node.name for node in statements if isinstance(node, ast.ClassDef)}
    instances = {name for node in statements if _makes_one_of(node, classes) for name in _stored(node)}
    # What is made in a way that may do more may do more later, too; the notebook's own classes were watched.
    owned -= {
        name
        for node in statements
        if not changed_name(node) and not quietness.quiet(node)
        for name in _stored(node) - instances
    }
    # What functions read is read whenever they are called: never dropped here.
    always = {
        found.name
        for cell in cells
        for found in references(cell.statements)
        if found.deferred and found.context == "load"
    }
    needed |= always
    drawn: set[str] = set()
    figures = False
    for cell in reversed(cells):
        kept: list[ast.stmt] = []
        opaque = set(cell.execution.opaque)
        generators = generators_of(cell, seeded)
        for statement in reversed(cell.statements):
            stored = _stored(statement)
            changed = "" if quietness.sets_option(statement) else changed_name(statement)
            # An instance's method may have changed its class or a global, as the cell was seen to do.
            seen = needed & set(cell.execution.mutated) - {changed}
            changes_class = bool(changed) and bool(seen if changed in instances else seen & classes)
            quiet = (
                changed in owned - needed and quietness.quiet(ast.Expr(_value(statement)), opaque)
                if changed
                else quietness.quiet(statement, opaque)
            )
            draws = bool(generators & drawn) and quietness.may_draw(statement)
            if (
                statement not in forced
                and not stored & needed
                and not isinstance(statement, ast.Import | ast.ImportFrom)
                and quiet
                and not draws
                and not changes_class
                and not (figures and quietness.figures.drawn_in(statement))
            ):
                continue
            kept.append(statement)
            left: list[ast.stmt] = [
                ast.Expr(node) for node in shown.get(statement, ()) if isinstance(node, ast.expr)
            ]
            figures = figures or any(map(quietness.figures.read_in, left or [statement]))
            reads, _, sure = reads_before_bound(left or [statement])
            needed = (needed - (sure - reads)) | reads | always
            # Who draws needs every draw before it, as far back as a seed was set.
            sets = _seeded(statement, quietness)
            drawn -= {sets}
            if generators and not sets and quietness.may_draw(statement):
                drawn |= generators
        cell.statements = list(reversed(kept))
    last: list[ast.AST] = [
        part for cell in cells for node in cell.statements for part in shown.get(node, [node])
    ]
    used = {found.name for found in references(last) if found.context != "store"}
    for cell in cells:
        cell.statements = [
            statement
            for statement in cell.statements
            if statement in forced or _import_used(statement, used | set(live))
        ]


def _makes_one_of(statement: ast.stmt, classes: Collection[str]) -> bool:
    """Whether a statement binds an instance of one of the notebook's classes."""
    value = statement.value if isinstance(statement, ast.Assign) else None
    return isinstance(value, ast.Call) and getattr(value.func, "id", "") in classes


def _binds_for_nobody(statement: ast.stmt, read: Collection[str]) -> bool:
    return (
        isinstance(statement, ast.Assign)
        and all(isinstance(target, ast.Name) for target in statement.targets)
        and not _stored(statement) & set(read)
    )


def _stored(statement: ast.stmt) -> set[str]:
    return {found.name for found in references(statement) if found.context == "store"}


def _value(statement: ast.stmt) -> ast.expr:
    """What a statement that changes one name does it with, as one expression."""
    call = statement.value  # type: ignore[attr-defined]
    if isinstance(statement, ast.Assign) and not isinstance(statement.targets[0], ast.Name):
        return ast.Tuple([call, *_indices(statement.targets[0])], ast.Load())
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
    return SEEDING.get(whole, "") if call.args or call.keywords else ""


def _import_used(statement: ast.stmt, used: Collection[str]) -> bool:
    if isinstance(statement, ast.Try):
        imports = [part for part in statement.body if isinstance(part, ast.Import | ast.ImportFrom)]
        rest = [part for handler in statement.handlers for part in handler.body]
        rest += [*statement.orelse, *statement.finalbody]
        plain = len(imports) == len(statement.body) and all(isinstance(part, ast.Pass) for part in rest)
        return not plain or any(_import_used(part, used) for part in imports)
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
