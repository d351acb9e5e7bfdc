"""Literals bound to names at a cell's top level: the values a person would change."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from .cell import Literal

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LITERAL_NODES = 200


def literals_of(body: list[ast.stmt]) -> dict[str, Literal]:
    """The literals that the statements `body` bind, the last one where there are several."""
    found: dict[str, Literal] = {}
    for statement in body:
        if type(statement) is ast.Assign:
            for target in statement.targets:
                _bind_literal(target, statement.value, found)
        elif type(statement) is ast.AnnAssign and statement.value is not None:
            _bind_literal(statement.target, statement.value, found)
    return found


def _bind_literal(target: ast.AST, value: ast.expr, found: dict[str, Literal]) -> None:
    if type(target) is ast.Name:
        known = _literal(value)
        if known is not None:
            end = (value.end_lineno or value.lineno, value.end_col_offset or 0)
            found[target.id] = Literal(known[0], value.lineno, value.col_offset, *end)
        else:
            found.pop(target.id, None)
    elif isinstance(target, ast.Tuple | ast.List):
        pairs = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        for position, name in enumerate(target.elts):
            if pairs and type(name) is ast.Name:
                _bind_literal(name, value.elts[position], found)  # type: ignore[attr-defined]
            elif type(name) is ast.Name:
                found.pop(name.id, None)


def _literal(node: ast.expr) -> tuple[Any] | None:
    """The value of a literal expression in a 1-tuple, None if it is none or too large."""
    budget = [MAX_LITERAL_NODES]
    try:
        return (_value(node, budget),)
    except (ValueError, ArithmeticError, TypeError, RecursionError):
        return None


def _value(node: ast.AST | None, budget: list[int]) -> Any:
    budget[0] -= 1
    if budget[0] < 0:
        raise ValueError
    if isinstance(node, ast.Constant):
        if type(node.value) in (int, float, str, bool, type(None)):
            return node.value
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = _number(node.operand, budget)
        return -number if isinstance(node.op, ast.USub) else number
    elif isinstance(node, ast.BinOp):
        return _arithmetic(type(node.op), _number(node.left, budget), _number(node.right, budget))
    elif isinstance(node, ast.List):
        return [_value(item, budget) for item in node.elts]
    elif isinstance(node, ast.Tuple):
        return tuple(_value(item, budget) for item in node.elts)
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_value(key, budget): _value(value, budget) for key, value in pairs}
    raise ValueError


def _number(node: ast.AST, budget: list[int]) -> Any:
    value = _value(node, budget)
    if type(value) not in (int, float):
        raise ValueError
    return value


def _arithmetic(operator: type, left: Any, right: Any) -> Any:
    if operator is ast.Pow:
        if abs(right) > 100 or abs(left) > 1e6:
            raise ValueError
        value = left**right
        if type(value) is complex:
            raise ValueError
        return value
    table: dict[type, Callable[[Any, Any], Any]] = {
        ast.Add: lambda a, b: a + b,
        ast.Sub: lambda a, b: a - b,
        ast.Mult: lambda a, b: a * b,
        ast.Div: lambda a, b: a / b,
        ast.FloorDiv: lambda a, b: a // b,
    }
    if operator not in table:
        raise ValueError
    return table[operator](left, right)
