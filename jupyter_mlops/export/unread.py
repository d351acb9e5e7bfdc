"""Lists, dicts and counters that code fills and nobody reads: histories for plots that are gone.

Names are taken over all scopes at once: one that means two things is told to be read if either is.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .references import DYNAMIC, last_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from .plan import Cell

_FILLING = frozenset("append appendleft extend insert add update setdefault clear".split())
#: What gives an array or a table of its own, whose items are numbers.
_ARRAYS = frozenset("zeros ones empty full zeros_like ones_like empty_like full_like".split())
_PLACES = ("loc", "iloc", "at", "iat")
_MAKERS = frozenset("list dict set defaultdict deque Counter OrderedDict".split())
_PLAIN = (
    ast.List, ast.Dict, ast.Set, ast.Tuple, ast.Constant, ast.UnaryOp, ast.unaryop, ast.expr_context,
)  # fmt: skip
_Binding = ast.Assign | ast.AnnAssign


def filled_for_nobody(
    cells: Sequence[Cell], live: Collection[str], droppable: Callable[[Cell, ast.stmt], bool]
) -> set[ast.stmt]:
    """Statements that do nothing but fill such a container; all of one go, or none.

    Args:
        cells: The cells.
        live: Names that are needed, wherever they are bound.
        droppable: Whether a statement may go, as far as what it is given goes.
    """
    fills: dict[str, list[tuple[Cell, ast.stmt]]] = {}
    roots: set[ast.AST] = set()
    made: set[ast.AST] = set()
    holding: set[str] = set()
    for cell in cells:
        for node in (found for statement in cell.statements for found in ast.walk(statement)):
            root = _filled(node) if isinstance(node, ast.stmt) else None
            if root is not None:
                assert isinstance(node, ast.stmt)  # noqa: S101 - see above
                fills.setdefault(root.id, []).append((cell, node))
                roots.add(root)
                roots.update(_fed_back(node, root.id))
            if isinstance(node, _Binding) and node.value is not None and _is_own(node.value):
                made.update(_targets(node))
                if not _is_empty(node.value):
                    holding.update(part.id for part in _targets(node) if isinstance(part, ast.Name))
    others = _named_otherwise(cells, roots | made) | set(live)
    bound = {node.id for node in made if isinstance(node, ast.Name)}
    found: set[ast.stmt] = set()
    for name, statements in fills.items():
        if (
            name in bound - others
            and not _may_alias([statement for _, statement in statements], holds=name in holding)
            and all(droppable(cell, statement) for cell, statement in statements)
        ):
            found.update(statement for _, statement in statements)
    return found


def _fed_back(node: ast.stmt, name: str) -> Iterator[ast.Name]:
    """Where a filling statement reads what it fills: ``table[c] = table[c].astype(str)``."""
    if isinstance(node, ast.Assign):
        for part in ast.walk(node.value):
            if isinstance(part, ast.Name) and part.id == name:
                yield part


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _named_otherwise(cells: Sequence[Cell], known: Collection[ast.AST]) -> set[str]:
    """Names that occur in any other way than as one of the nodes `known`."""
    found: set[str] = set()
    for cell in cells:
        for node in (part for statement in cell.statements for part in ast.walk(statement)):
            if isinstance(node, ast.Name):
                if node not in known:
                    found.add(node.id)
                if node.id in DYNAMIC or node.id == "dir":
                    found.update(part.id for part in known if isinstance(part, ast.Name))
            elif isinstance(node, ast.arg):
                found.add(node.arg)
            elif isinstance(node, ast.Global | ast.Nonlocal):
                found.update(node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "@" in node.value:
                found.update(
                    part.id for part in known if isinstance(part, ast.Name) and part.id in node.value
                )
    return found


def _is_own(value: ast.expr) -> bool:
    """Whether an expression makes a container, a table or an array that nothing else holds."""
    if _is_empty(value) or not isinstance(value, ast.Call):
        return _is_empty(value)
    if isinstance(value.func, ast.Attribute) and value.func.attr == "copy" and not value.args:
        return True
    table = last_name(value.func) == "DataFrame" and not value.args
    return last_name(value.func) in _ARRAYS or (table and all(part.arg != "data" for part in value.keywords))


def _is_empty(value: ast.expr) -> bool:
    """Whether an expression makes a container, or a number, that holds nothing of anything else."""
    if isinstance(value, ast.Call):
        given = [*value.args, *(keyword.value for keyword in value.keywords)]
        return last_name(value.func) in _MAKERS and all(
            isinstance(part, ast.Name) and part.id in (*_MAKERS, "int", "float") for part in given
        )
    return all(isinstance(part, _PLAIN) for part in ast.walk(value))


def _filled(node: ast.stmt) -> ast.Name | None:
    """The name whose container a statement fills and does nothing else."""
    target: ast.expr | None = None
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if isinstance(function, ast.Attribute) and function.attr in _FILLING:
            target = function.value
    elif isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0] if isinstance(node.targets[0], ast.Subscript) else None
    elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name | ast.Subscript):
        target = node.target
    while isinstance(target, ast.Subscript) or (isinstance(target, ast.Attribute) and target.attr in _PLACES):
        target = target.value
    return target if isinstance(target, ast.Name) else None


def _may_alias(statements: Sequence[ast.stmt], *, holds: bool) -> bool:
    """Whether what is put into a container, or what it `holds` at first, may be changed through it."""
    puts, deep = holds, False
    for node in statements:
        if isinstance(node, ast.AugAssign):
            # An array's numbers are nobody's; what a list holds may be somebody else's, and change in place.
            deep = deep or (isinstance(node.target, ast.Subscript) and not holds)
            continue
        inner = node.targets[0] if isinstance(node, ast.Assign) else node.value.func  # type: ignore[attr-defined]
        nested = isinstance(inner.value, ast.Subscript)  # type: ignore[union-attr]
        deep = deep or nested
        puts = puts or (not nested and any(not _is_empty(value) for value in given_to(node)))
    return puts and deep


def given_to(node: ast.stmt) -> Iterator[ast.expr]:
    """What such a statement puts in, and the keys it puts it under."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield from node.value.args
        yield from (keyword.value for keyword in node.value.keywords)
        target: ast.expr = node.value.func
    elif isinstance(node, ast.Assign):
        yield node.value
        target = node.targets[0]
    else:
        assert isinstance(node, ast.AugAssign)  # noqa: S101 - nothing else fills
        yield node.value
        target = node.target
    yield from (part.slice for part in ast.walk(target) if isinstance(part, ast.Subscript))
