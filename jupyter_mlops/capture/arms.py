"""Rates of the arms of an experiment: ``df.groupby("version")["converted"].mean()``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from .numbers import module_of
from .vocabulary import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .members import Member

#: Words of a column that says which arm of an experiment a row belongs to.
_ARMS = frozenset(
    "group variant variants version treatment treated arm arms bucket experiment condition".split()
)
_MOST_ARMS = 10
_LARGEST = 5_000_000


def rate_members(value: Any, node: ast.expr, namespace: Mapping[str, Any]) -> list[Member]:
    """The rates in a table by arm: of each column that holds only yes and no, the mean of every arm.

    `node` is the expression that gave `value`, a chain on a table of `namespace`. Tables that are no
    comparison of arms give nothing: what is counted by age or city describes the data.
    """
    kind = type(value).__name__
    if kind not in ("Series", "DataFrame") or module_of(type(value)).partition(".")[0] != "pandas":
        return []
    if not 2 <= len(value) <= _MOST_ARMS or _key_of(node) is None:
        return []
    root = next((found.id for found in _chain(node) if isinstance(found, ast.Name)), "")
    frame: Any = namespace.get(root)
    if type(frame).__name__ != "DataFrame" or module_of(type(frame)).partition(".")[0] != "pandas":
        return []
    series = {value.name: value} if kind == "Series" else {name: value[name] for name in value.columns}
    labels = value.index.tolist()
    if not all(type(label) in (str, int, bool) for label in labels):
        return []
    asked = [found.value for found in ast.walk(node) if isinstance(found, ast.Constant)]
    found: list[Member] = []
    for name, column in series.items():
        if type(name) is not str or column.dtype.kind != "f":
            continue
        held: Any = name if name in frame.columns else _averaged_as(node, name)
        if held is None and name == "mean":
            held = next((one for one in asked if one in frame.columns), None)
        if held is None or held not in frame.columns or not (held != name or _averages(node)):
            continue
        binary = _is_binary(frame[held])
        if not binary and name in (held, "mean"):
            continue
        told = held if name == "mean" else name
        told += "_rate" if binary and "rate" not in words(told) else ""
        path = (name,) if kind == "DataFrame" else ()
        found += [
            ((*path, position), (told, str(label)), number)
            for position, (label, number) in enumerate(zip(labels, column.tolist(), strict=True))
        ]
    return found


def _chain(node: ast.expr) -> list[ast.expr]:
    """The parts of ``a.b("c")["d"].mean()``, outermost first."""
    found = [node]
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
        found.append(node)
    return found


def _key_of(node: ast.expr) -> str | None:
    """The column a chain groups by, if it tells the arms of an experiment apart."""
    for part in _chain(node):
        if (
            isinstance(part, ast.Call)
            and isinstance(part.func, ast.Attribute)
            and part.func.attr == "groupby"
        ):
            given = part.args[0] if part.args else None
            key = given.value if isinstance(given, ast.Constant) else None
            return key if isinstance(key, str) and _ARMS & set(words(key)) else None
    return None


def _averages(node: ast.expr) -> bool:
    """Whether a chain averages what it groups."""
    methods = {part.attr for part in _chain(node) if isinstance(part, ast.Attribute)}
    given = {found.value for found in ast.walk(node) if isinstance(found, ast.Constant)}
    return "mean" in methods or (bool(methods & {"agg", "aggregate"}) and "mean" in given)


def _averaged_as(node: ast.expr, name: str) -> str | None:
    """The column whose average a chain calls `name`: ``.agg(arpu=("revenue", "mean"))``."""
    for part in _chain(node):
        for keyword in part.keywords if isinstance(part, ast.Call) else ():
            given = keyword.value.elts if isinstance(keyword.value, ast.Tuple) else []
            told = [item.value for item in given if isinstance(item, ast.Constant)]
            if keyword.arg == name and len(told) == 2 and told[1] == "mean" and isinstance(told[0], str):
                return told[0]
    return None


def _is_binary(column: Any) -> bool:
    """Whether a column holds only yes and no."""
    if column.dtype.kind == "b":
        return True
    if column.dtype.kind not in "iu" or not 0 < len(column) <= _LARGEST:
        return False
    return bool(column.min() >= 0 and column.max() <= 1)
