"""What a cell's code says about its identity and about the data it loads."""

from __future__ import annotations

import ast
import hashlib
import re
from pathlib import PosixPath, WindowsPath
from typing import TYPE_CHECKING, Any, NamedTuple

from .vocabulary import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_READERS = re.compile(r"(?:^|\.)(read_\w+|load\w*|genfromtxt|open_dataset|fetch_\w+|make_\w+|scan_\w+)$")
#: Words of the keywords that say where from.
_LOCATING = frozenset("path file filepath filename fname sql query url uri name io source src id".split())
#: Calls that only put a text together, or wrap it.
_SAYING = frozenset({"join", "joinpath", "Path", "text", "str", "expanduser", "abspath", "fspath"})
_DEEPEST = 8
_LONGEST = 2_000


def code_hash(tree: ast.Module | None, code: str, overridden: frozenset[str] = frozenset()) -> str:
    """A hash of what the code does: without comments, layout and the values of top-level literals.

    Two runs that differ only in configuration (``depth = 3`` against ``depth = 8``, or an override
    on the magic line) have the same code.
    """
    if tree is None:
        return hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()
    body = []
    for statement in tree.body:
        name = _bound_literal(statement)
        body.append(f"{name} = …" if name and name not in overridden else "" if name else ast.dump(statement))
    return hashlib.sha256("\n".join(part for part in body if part).encode(errors="surrogatepass")).hexdigest()


def _bound_literal(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Name) and not any(
            isinstance(node, (ast.Name, ast.Call, ast.Attribute)) for node in ast.walk(value)
        ):
            return target.id
    return ""


class Loading(NamedTuple):
    """``name = loader("location")…``; `location` is a path, a URL, a query or a data set's name."""

    name: str
    loader: str
    location: str


def loadings(tree: ast.Module, namespace: Mapping[str, Any]) -> Iterator[Loading]:
    """What the cell's top level loads, inside its ``with``, ``try`` and ``if`` too.

    A location that is made of names is what plain texts and paths in `namespace` say it was; a part
    that nothing tells is ``…``.
    """
    statements: list[ast.stmt] = [*tree.body]
    while statements:
        statement = statements.pop(0)
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for field in ("body", "orelse", "finalbody"):
            statements = [*getattr(statement, field, ()), *statements]
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        found = next(filter(None, map(_loader_in, ast.walk(value))), None)
        if found is None:
            continue
        loader, call = found
        told = _location(call, namespace)
        for target in targets:
            for part in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                if isinstance(part, ast.Name):
                    yield Loading(part.id, loader, told)


def _loader_in(node: ast.AST) -> tuple[str, ast.Call] | None:
    if not isinstance(node, ast.Call):
        return None
    loader = ast.unparse(node.func)
    return (loader, node) if _READERS.search(loader) else None


def _location(call: ast.Call, namespace: Mapping[str, Any]) -> str:
    if call.args:
        return _text_of(call.args[0], namespace, 0)
    for keyword in call.keywords:
        if keyword.arg and _LOCATING & set(words(keyword.arg)):
            return _text_of(keyword.value, namespace, 0)
    return ""


def _text_of(node: ast.expr, namespace: Mapping[str, Any], depth: int) -> str:
    """What an expression says, as far as plain texts do: a name, an f-string, joined paths."""
    if depth > _DEEPEST:
        return ""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.Name):
        value = namespace.get(node.id)
        kind = type(value)
        if kind is str or kind is int:
            return str(value)[:_LONGEST]
        return str(value)[:_LONGEST] if kind in (PosixPath, WindowsPath) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text_of(part, namespace, depth + 1) or "…" for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text_of(node.value, namespace, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
        between = "/" if isinstance(node.op, ast.Div) else ""
        parts = [_text_of(part, namespace, depth + 1) for part in (node.left, node.right)]
        return between.join(part.rstrip("/") if between else part for part in parts) if all(parts) else ""
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _SAYING:
        # os.path.join("data", name), Path("data"), text("select …")
        parts = [_text_of(part, namespace, depth + 1) for part in node.args]
        return "/".join(part.rstrip("/") for part in parts) if parts and all(parts) else ""
    return ""


def role_of(name: str) -> str:
    """The role a variable's name gives its data: ``train``, ``test``, ``validation`` or ``features``."""
    found = {"train": "train", "test": "test", "valid": "validation", "val": "validation"}
    return next((found[word] for word in words(name) if word in found), "features")
