"""The Python behind a cell: what IPython makes of it, seen through magics that only wrap it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Cell magics whose body runs once, in the notebook's namespace, as if it stood alone.
_WRAPPERS = frozenset({"time", "capture", "prun"})


def executed_code(transformed: str, transform: Callable[[str], str]) -> str:
    """The code that runs in the namespace: the body of ``%%time`` and ``%%capture``, else all of it.

    Args:
        transformed: The cell after IPython's input transforms.
        transform: IPython's input transforms, for a body that has magics of its own.
    """
    for _ in range(5):
        body = _body_of(transformed)
        if body is None:
            return transformed
        transformed = transform(body)
    return transformed


def _body_of(transformed: str) -> str | None:
    if "run_cell_magic" not in transformed:
        return None
    try:
        statements = ast.parse(transformed).body
    except SyntaxError:
        return None
    if len(statements) != 1 or not isinstance(statements[0], ast.Expr):
        return None
    call = statements[0].value
    if not (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "run_cell_magic"
        and len(call.args) == 3
    ):
        return None
    values = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if len(values) == 3 and values[0] in _WRAPPERS and isinstance(values[2], str):
        return values[2]
    return None


def heading_of(source: str) -> str:
    """The first comment of a cell, for people who name their cells so."""
    for line in source.splitlines():
        text = line.strip()
        if text.startswith("#"):
            return text.lstrip("#").strip()
        if text and not text.startswith("%%"):
            return ""
    return ""
