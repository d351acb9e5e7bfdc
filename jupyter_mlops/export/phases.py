"""What a cell is about: what its author says above it, and what it does of load, split, train, evaluate."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .source import comments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .plan import Cell

_FITTING = frozenset({"fit", "fit_transform", "partial_fit", "backward", "train", "fit_predict"})
_SCORING = ("_score", "_error", "_loss", "_report", "_matrix")


def title_of(cell: Cell) -> str:
    """The heading above a cell, else the comment it begins with, else ``""``."""
    heading = cell.execution.heading.strip().splitlines()
    if heading and _has_words(heading[0]):
        return heading[0].strip("# ").strip()
    text = cell.source.code.lstrip()
    if text.startswith("#"):
        first = comments(text.split("\n", 1)[0])
        if first and _has_words(first[0]) and not _is_code(first[0]):
            return first[0]
    return ""


def called_names(statements: Iterable[ast.stmt]) -> list[str]:
    """The last names of everything that statements call, functions they define left out."""
    return [
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for statement in statements
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    ]


def phase_of(statements: Sequence[ast.stmt]) -> str:
    """``load``, ``train``, ``split``, ``evaluate``, or ``""`` for all else."""
    calls = called_names(statements)
    if any(map(loads_data, calls)):
        return "load"
    if "train_test_split" in calls:
        return "train" if _fits_a_model(statements) else "split"
    if any(call in _FITTING or call.startswith(("train_", "fit_")) for call in calls):
        return "train"
    if any(call.endswith(_SCORING) or call in ("score", "evaluate", "predict") for call in calls):
        return "evaluate"
    return ""


def _fits_a_model(statements: Iterable[ast.stmt]) -> bool:
    """Whether something is fitted that does not only prepare the data."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("fit", "backward", "fit_predict")
        and not prepares(ast.unparse(node.func.value).partition("(")[0])
        for statement in statements
        for node in ast.walk(statement)
    )


def prepares(name: str) -> bool:
    """Whether what is called so prepares data for a model."""
    return name.lower().endswith(("scaler", "encoder", "imputer", "vectorizer", "selector", "transformer"))


def loads_data(call: str) -> bool:
    """Whether a function of this name reads a data set."""
    return call.startswith(("read_", "load_", "fetch_")) or call in ("load", "loadtxt", "genfromtxt")


def _has_words(text: str) -> bool:
    return sum(letter.isalpha() for letter in text) > 1


def _is_code(text: str) -> bool:
    """Whether a comment is code that somebody switched off."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in tree.body)
