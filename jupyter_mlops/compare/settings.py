"""Telling a changed setting from changed code.

Someone who edits ``max_depth = 3`` to ``8`` changed a parameter; the parameter says so already, and
the code is otherwise the same. A difference is explained by parameters when the two cells' syntax
trees are equal but for literals that went from a parameter's old value to its new one.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import ParamValue

from .rows import params_equal

if TYPE_CHECKING:
    from collections.abc import Sequence

Change = tuple[ParamValue, ParamValue]


def explained_by_params(before: Sequence[str], after: Sequence[str], changes: Sequence[Change]) -> bool:
    """Whether the two cells, as lines, differ in nothing but the literals in `changes` (old, new)."""
    if not changes:
        return False
    try:
        first, second = ast.parse("\n".join(before)), ast.parse("\n".join(after))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    try:
        return _alike(first, second, changes)
    except RecursionError:
        return False


def _alike(first: Any, second: Any, changes: Sequence[Change]) -> bool:
    if isinstance(first, ast.expr) and isinstance(second, ast.expr):
        old, new = _literal(first), _literal(second)
        if old and new:
            if type(old[0]) is type(new[0]) and params_equal(old[0], new[0]):
                return True
            return any(params_equal(old[0], a) and params_equal(new[0], b) for a, b in changes)
    if type(first) is not type(second):
        return False
    if isinstance(first, ast.AST):
        return all(
            _alike(getattr(first, field, None), getattr(second, field, None), changes)
            for field in first._fields
        )
    if isinstance(first, list):
        return len(first) == len(second) and all(
            _alike(a, b, changes) for a, b in zip(first, second, strict=True)
        )
    return bool(first == second)


def _literal(node: ast.expr) -> tuple[Any] | None:
    """The value of a literal, in a tuple so that None is told from no literal."""
    if not isinstance(node, (ast.Constant, ast.UnaryOp, ast.List, ast.Tuple, ast.Dict)):
        return None
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None
    # Parameters are kept as lists, whatever sequence they were written as.
    return (list(value) if isinstance(value, tuple) else value,)
