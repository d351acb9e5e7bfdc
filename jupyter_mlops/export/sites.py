"""Finds the places in the kept code at which a run's metrics came to be."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .plan import Cell, Site

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jupyter_mlops.records import MetricDetail, Span

    from .source import Source

_OCCURRENCE = re.compile(r"@(\d+)")
_PRINTERS = frozenset({"print", "display"})
_Loop = ast.For | ast.AsyncFor | ast.While
#: Attributes in which fitted objects keep what they scored in each round.
_HISTORIES = ("evals_result_", "history")


def find_sites(details: Mapping[str, MetricDetail], cells: Sequence[Cell]) -> tuple[list[Site], list[str]]:
    """Find every metric's place in `cells`; the second list holds those without one."""
    by_order = {cell.order: cell for cell in cells}
    sites, lost = [], []
    for metric, detail in details.items():
        if detail.origin == "logged":
            continue
        path = detail.path
        occurrence = None
        if path and isinstance(path[0], str) and _OCCURRENCE.fullmatch(path[0]):
            occurrence = int(path[0][1:])
            path = path[1:]
        if _is_last(detail, path):
            path = (*path[:-1], -1)
        cell = by_order.get(detail.order) if detail.order is not None else None
        node = _find_node(cell.source, detail) if cell else None
        if cell is None or node is None:
            lost.append(metric)
        else:
            sites.append(Site(metric, cell, node, detail.origin, path, occurrence, detail.scope))
    return sites, lost


def _is_last(detail: MetricDetail, path: tuple[str | int | float, ...]) -> bool:
    """Whether a path ends at the last number of a history, however long that will be another time."""
    if not path or type(path[-1]) is not int or path[-1] < 1:
        return False
    history = detail.expression.rpartition(".")[2] in _HISTORIES
    return detail.points == path[-1] + 1 or (detail.origin == "fitted" and history)


def names_of(details: Iterable[MetricDetail]) -> set[str]:
    """The names that curves, and scores of what was fitted, are read from when their statement has ended."""
    return {
        word
        for detail in details
        if detail.origin in ("curve", "fitted")
        for word in re.findall(r"[^\W\d]\w*", detail.expression)
    }


def _find_node(source: Source, detail: MetricDetail) -> ast.AST | None:
    matches = [node for node in ast.walk(source.tree) if detail.span and _spans(node, detail.span)]
    if detail.origin == "curve":
        found = _find_loop(source, detail, matches)
        if found is not None:
            return found
    expressions = [node for node in matches if isinstance(node, ast.expr)]
    statements = [node for node in matches if isinstance(node, ast.stmt) and not isinstance(node, ast.Expr)]
    wanted = dumped(detail.expression)
    for node in expressions:
        if wanted and dumped_node(node) == wanted:
            return node
    if detail.origin == "fitted":
        candidates = [*statements, *expressions] or _all_fits(source, detail.expression)
        return source.statement_of(candidates[-1]) if candidates else source.tree.body[-1]
    if expressions and not wanted:
        return expressions[0]
    if statements and detail.origin == "bound":
        return statements[0]
    same = [
        node
        for node in ast.walk(source.tree)
        if wanted and isinstance(node, ast.expr) and dumped_node(node) == wanted
    ]
    if detail.origin == "bound":
        same = [node for node in same if not isinstance(getattr(node, "ctx", None), ast.Load)]
    elif detail.scope == "":
        same = [node for node in same if isinstance(getattr(node, "ctx", ast.Load()), ast.Load)] or same
    if detail.span is not None:
        line = detail.span.line
        same.sort(key=lambda node: -abs(getattr(node, "lineno", 0) - line))
    return same[-1] if same else (expressions[0] if expressions else None)


def _spans(node: ast.AST, span: Span) -> bool:
    return (
        getattr(node, "lineno", None) == span.line
        and getattr(node, "col_offset", None) == span.column
        and getattr(node, "end_lineno", None) == span.end_line
        and getattr(node, "end_col_offset", None) == span.end_column
    )


def dumped(expression: str) -> str:
    """What an expression is, whoever reads or sets its names; ``""`` for a text that is none."""
    try:
        return dumped_node(ast.parse(expression.strip(), mode="eval").body) if expression.strip() else ""
    except SyntaxError:
        return ""


def dumped_node(node: ast.AST) -> str:
    """The same of a node."""
    return re.sub(r"ctx=\w+\(\)", "", ast.dump(node))


def _find_loop(source: Source, detail: MetricDetail, matches: Sequence[ast.AST]) -> ast.AST | None:
    """The outermost loop, in the curve's own scope, that rebinds or appends what the curve is about."""
    root = detail.expression.split(".")[0].split("[")[0].strip()
    for node in matches:
        loop = node if isinstance(node, _Loop) else None
        for parent in source.ancestors(node):
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                break
            loop = parent if isinstance(parent, _Loop) else loop
        if loop is not None:
            return loop
    found = None
    for node in ast.walk(source.tree):
        if isinstance(node, _Loop) and any(
            isinstance(name, ast.Name) and name.id == root for name in ast.walk(node)
        ):
            inside = any(isinstance(parent, _Loop) for parent in source.ancestors(node))
            scopes = [
                parent.name
                for parent in source.ancestors(node)
                if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            ]
            if not inside and ".".join(reversed(scopes)) == detail.scope:
                found = node
    return found


def _all_fits(source: Source, expression: str) -> list[ast.AST]:
    root = expression.split(".", maxsplit=1)[0]
    return [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr.startswith("fit")
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == root
    ]


# ---- keeping the numbers
