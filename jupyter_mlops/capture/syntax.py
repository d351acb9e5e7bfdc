"""Reading and writing syntax trees."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.While


@lru_cache(maxsize=1_000)
def expression_of(text: str) -> ast.expr | None:
    """The syntax tree of an expression, None for what is none; the tree is nobody's to change."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def dotted(node: ast.expr) -> str:
    """``a.b.c`` for a chain of names and attributes, else ``""``."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(node.id)
    return ".".join(reversed(parts))


def root_of(node: ast.expr) -> str:
    """The name that ``a.b[c].d`` begins with, else ``""``."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def last_name(node: ast.expr) -> str:
    """The name that an expression like ``a.b`` or ``b`` ends with, else ``""``."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def own_nodes(node: Loop | ast.stmt, *, inner_loops: bool) -> Iterator[ast.AST]:
    """Walk a statement without entering nested functions and classes, nor (if asked) inner loops."""
    stack: list[ast.AST] = list(node.body) if isinstance(node, Loop) else [node]
    while stack:
        found = stack.pop()
        if isinstance(found, (Function, ast.ClassDef, ast.Lambda)):
            continue
        yield found
        if inner_loops or not isinstance(found, Loop):
            stack.extend(ast.iter_child_nodes(found))


def name_of(name: str) -> ast.Name:
    """A node that reads `name`."""
    return ast.Name(name, ast.Load())


def call_of(function: ast.expr, *arguments: ast.expr) -> ast.Call:
    """A node that calls `function`."""
    return ast.Call(func=function, args=list(arguments), keywords=[])


def identity(argument: str) -> ast.Lambda:
    """``lambda argument, site: argument``: what an observer is where we are not installed."""
    parameters = ast.arguments(
        posonlyargs=[], args=[ast.arg(argument), ast.arg("site")], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    return ast.Lambda(args=parameters, body=name_of(argument))


def hook_of(module: str, function: str, fallback: ast.expr) -> ast.Call:
    """A node that finds an observer at run time, or `fallback`."""
    modules = ast.Attribute(call_of(name_of("__import__"), ast.Constant("sys")), "modules", ast.Load())
    found = call_of(ast.Attribute(modules, "get", ast.Load()), ast.Constant(module))
    return call_of(name_of("getattr"), found, ast.Constant(function), fallback)
