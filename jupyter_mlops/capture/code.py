"""What a cell's code says about its identity and about the data it loads."""

from __future__ import annotations

import ast
import hashlib
import re

from .vocabulary import words

_READERS = re.compile(r"(?:^|\.)(read_\w+|load\w*|loadtxt|genfromtxt|open_dataset|fetch_\w+)$")


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


def loading(statement: ast.stmt) -> tuple[str, str, str] | None:
    """(name, loader, location) of ``name = pd.read_csv("location")…``."""
    if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
        return None
    for node in ast.walk(statement.value):
        if isinstance(node, ast.Call):
            loader = ast.unparse(node.func)
            if _READERS.search(loader):
                texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
                return (
                    statement.targets[0].id,
                    loader,
                    next((text for text in texts if isinstance(text, str)), ""),
                )
    return None


def role_of(name: str) -> str:
    """The role a variable's name gives its data: ``train``, ``test``, ``validation`` or ``features``."""
    found = {"train": "train", "test": "test", "valid": "validation", "val": "validation"}
    return next((found[word] for word in words(name) if word in found), "features")
