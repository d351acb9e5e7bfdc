"""Rates of the arms of an experiment: ``df.groupby("version")["converted"].mean()``, or of one arm."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from .numbers import module_of
from .syntax import expression_of, last_name
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
        told = _as_rate(told) if binary else told
        path = (name,) if kind == "DataFrame" else ()
        found += [
            ((*path, position), (told, str(label)), number)
            for position, (label, number) in enumerate(zip(labels, column.tolist(), strict=True))
        ]
    return found


def rate_of(node: ast.expr, namespace: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The arm, if one is chosen, and the rate that an expression is in the table of an experiment, by name.

    ``df.query("group == 'control'").converted.mean()``, or a share of its rows,
    ``df[df.converted == 1].shape[0] / len(df)``; None for anything else. Only columns that hold no more
    than yes and no have rates, and only tables with a column that tells arms apart are experiments.
    """
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        counted, whole = _counted(node.left), _counted(node.right)
        if counted is None or whole is None or _kept_rows(whole) or not (kept := _kept_rows(counted)):
            return None
        chain, frame = _chain(counted), _frame_of(whole, namespace)
        if _frame_of(counted, namespace) is not frame:
            return None
    elif isinstance(node, ast.Call) and last_name(node.func) == "mean" and not node.args:
        chain, frame, kept = _chain(node), _frame_of(node, namespace), _kept_rows(node)
    else:
        return None
    if frame is None or not any(type(name) is str and _ARMS & set(words(name)) for name in frame.columns):
        return None
    arms = [
        arm if isinstance(arm, str) else f"{column}_{arm}"
        for column, arm in kept
        if _ARMS & set(words(column))
    ]
    if isinstance(node, ast.Call) and len(arms) < len(kept):
        return None  # among those of one town, say: that looks at the data
    read = [part.attr if isinstance(part, ast.Attribute) else _key(part) for part in chain]
    read += [column for column, value in kept if value == 1 and isinstance(node, ast.BinOp)]
    column = next((name for name in read if name in frame.columns and _is_binary(frame[name])), None)
    return (*arms[:1], _as_rate(column)) if column else None


def _frame_of(node: ast.expr, namespace: Mapping[str, Any]) -> Any:
    """The table of pandas that a chain begins with, or None."""
    root = next((part.id for part in _chain(node) if isinstance(part, ast.Name)), "")
    frame = namespace.get(root)
    pandas = type(frame).__name__ == "DataFrame" and module_of(type(frame)).partition(".")[0] == "pandas"
    return frame if pandas else None


def _counted(node: ast.expr) -> ast.expr | None:
    """What ``len(df)``, ``df.shape[0]``, ``df.user_id.nunique()`` and the like count, or None."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        return (
            _counted(node.args[0])
            if node.func.id in ("float", "int")
            else (node.args[0] if node.func.id == "len" else None)
        )
    if isinstance(node, ast.Subscript) and last_name(node.value) == "shape":
        return node.value
    return node if isinstance(node, ast.Call) and last_name(node.func) in ("nunique", "count") else None


def _kept_rows(node: ast.expr) -> list[tuple[str, str | int]]:
    """(column, value) of the tests by which a chain keeps rows."""
    return list(filter(None, map(_test_of, _chain(node))))


def _as_rate(column: str) -> str:
    return column if "rate" in words(column) else f"{column}_rate"


def _test_of(part: ast.expr) -> tuple[str, str | int] | None:
    """The test by which one part of a chain keeps rows: ``[df.group == "control"]``, ``.query(…)``."""
    test: ast.expr | None = None
    if isinstance(part, ast.Subscript):
        test = part.slice.elts[0] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
    elif isinstance(part, ast.Call) and last_name(part.func) == "query" and part.args:
        asked = part.args[0]
        test = expression_of(asked.value) if isinstance(asked, ast.Constant) else None
    if not (isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq)):
        return None
    value = test.comparators[0]
    if not (isinstance(value, ast.Constant) and type(value.value) in (str, int)):
        return None
    return _key(test.left) or last_name(test.left), value.value  # type: ignore[return-value]


def _key(node: ast.expr) -> str | None:
    """The column a subscript asks for, as ``["bought"]`` and ``.loc[rows, "bought"]`` do, or None."""
    index = node.slice if isinstance(node, ast.Subscript) else None
    if isinstance(index, ast.Tuple) and index.elts:
        index = index.elts[-1]
    return index.value if isinstance(index, ast.Constant) and isinstance(index.value, str) else None


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
