"""What a cell is about: what its author says above it, and what it does of load, split, train, evaluate."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .references import last_name
from .source import comments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .plan import Cell, Hoisted

_SCORING = ("_score", "_error", "_loss", "_report", "_matrix")
#: Functions of the notebook that train, by their names.
_TRAINING = re.compile(r"(train|fit)(_(?!test_split|transform)|$)")
#: What notebooks leave in comments: ``%load`` does, and so do tools that make scripts of them.
_MAGIC = re.compile(r"\s*#*\s*(%{1,2}[a-z]\w*\b|![a-z]\w+ |%%\s*$|In\s*\[[\d ]*\]:?\s*$)")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
#: Words that say of a comment that it is code somebody switched off, or a note on it.
_ASIDE = re.compile(r"\b(old|todo|fixme|xxx|hack|unused|deprecated)\b|for (later|reference)", re.IGNORECASE)


def heading_of(cell: Cell) -> str:
    """The heading above a cell; ``""`` if there is none."""
    heading = [] if is_magic(cell.execution.heading) else cell.execution.heading.strip().splitlines()
    text = heading[0].strip("# ").strip() if heading and _has_words(heading[0]) else ""
    # A cell's own first comment may have been taken down for its heading.
    first = cell.source.code.strip().split("\n", 1)[0]
    return "" if first.startswith("#") and first.strip("#!%-= \t") == text else text


def title_of(cell: Cell) -> str:
    """The heading above a cell, else its section's, else the comment it begins with, else ``""``."""
    return heading_of(cell) or cell.title or _first_comment(cell)


def _first_comment(cell: Cell) -> str:
    """What a cell begins with in words, if it is about what is left of the cell.

    Where all that stands under its first comment is gone, the next one counts, and so on.
    """
    rows = cell.source.code.split("\n")
    begins = _first_left(cell)
    if begins is None or (isinstance(begins, _Definition) and begins not in cell.statements):
        return ""
    if begins is cell.source.tree.body[0]:
        last = next(place for place, row in enumerate([*rows, ""]) if row.strip() and not row.startswith("#"))
        first = next((place for place, row in enumerate(rows[:last]) if row.strip()), last)
    else:
        first = last = begins.lineno - 1
        while rows[first - 1].startswith("#"):
            first -= 1
    lines: list[str] = []
    for row in rows[first:last]:
        if not row.strip():
            break
        lines.extend([] if is_magic(row) else comments(row))
    return lines[0] if lines and not any(map(_is_code, lines)) and is_said(lines[0]) else ""


def is_said(comment: str) -> bool:
    """Whether a comment says in words what is done, and is no code and no aside."""
    return _has_words(comment) and not _ASIDE.search(comment) and not _is_code(comment)


def _first_left(cell: Cell) -> ast.stmt | None:
    """The first statement of those under one comment of which something is left."""
    rows = cell.source.code.split("\n")
    begins: ast.stmt | None = None
    for statement in cell.source.tree.body:
        if begins is None or (statement.lineno > 1 and rows[statement.lineno - 2].startswith("#")):
            begins = statement
        if statement in cell.statements:
            return begins
    return None


def functions_of(hoisted: Hoisted) -> dict[str, ast.AST]:
    """The functions at the top of the script, which say what is done where they are called."""
    return {
        name: found.node
        for name, found in hoisted.definitions.items()
        if not isinstance(found.node, ast.ClassDef)
    }


def _calls(statements: Iterable[ast.stmt], functions: Mapping[str, ast.AST]) -> list[ast.Call]:
    """All calls in statements and in the functions that they call."""
    found: list[ast.Call] = []
    queue: list[ast.AST] = [node for node in statements if not isinstance(node, _Definition)]
    seen: set[str] = set()
    while queue:
        for node in ast.walk(queue.pop(0)):
            if isinstance(node, ast.Call):
                found.append(node)
                name = getattr(node.func, "id", "")
                if name in functions and name not in seen:
                    seen.add(name)
                    queue.append(functions[name])
    return found


def called_names(statements: Iterable[ast.stmt], functions: Mapping[str, ast.AST] | None = None) -> list[str]:
    """The last names of everything that statements call, functions they define left out."""
    return [last_name(node.func) for node in _calls(statements, functions or {})]


def phase_of(statements: Sequence[ast.stmt], functions: Mapping[str, ast.AST] | None = None) -> str:
    """``load``, ``train``, ``split``, ``evaluate``, or ``""`` for all else.

    What `functions` of the script do is done where they are called.
    """
    calls = called_names(statements, functions)
    if any(map(loads_data, calls)):
        return "load"
    trained = trains(statements, functions)
    if "train_test_split" in calls:
        return "train" if trained else "split"
    if trained:
        return "train"
    if any(call.endswith(_SCORING) or call in ("score", "evaluate", "predict") for call in calls):
        return "evaluate"
    return ""


def trains(statements: Sequence[ast.stmt], functions: Mapping[str, ast.AST] | None = None) -> bool:
    """Whether a model is fitted, whatever else is done."""
    return _fits_a_model(_calls(statements, functions or {}))


def _fits_a_model(calls: Iterable[ast.Call]) -> bool:
    """Whether something is fitted that does not only prepare the data."""
    return any(
        (isinstance(node.func, ast.Name) and _TRAINING.match(node.func.id))
        or (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in ("fit", "partial_fit", "backward", "fit_predict", "train")
            # ``model.train()`` only says how a network is used from here on.
            and (node.func.attr != "train" or node.args or node.keywords)
            and not prepares(ast.unparse(node.func.value).partition("(")[0])
        )
        for node in calls
    )


def fitted_name(statements: Iterable[ast.stmt]) -> str:
    """The last name at the top that a model is fitted by, or bound to as it is fitted; ``""`` without one."""
    found = ""
    for statement in statements:
        value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
        if not isinstance(value, ast.Call) or getattr(value.func, "attr", "") != "fit":
            continue
        holder = statement.targets[0] if isinstance(statement, ast.Assign) else value.func.value  # type: ignore[attr-defined]
        made = ast.unparse(value.func.value).partition("(")[0]  # type: ignore[attr-defined]
        if isinstance(holder, ast.Name) and not prepares(holder.id) and not prepares(made):
            found = holder.id
    return found


def prepares(name: str) -> bool:
    """Whether what is called so prepares data for a model."""
    return name.lower().endswith(("scaler", "encoder", "imputer", "vectorizer", "selector", "transformer"))


def loads_data(call: str) -> bool:
    """Whether a function of this name reads a data set."""
    data = call.startswith(("read_", "load_", "fetch_")) or call in ("loadtxt", "genfromtxt")
    return data and not call.startswith(("load_model", "load_state", "load_weights", "load_ext", "read_text"))


def _has_words(text: str) -> bool:
    return sum(letter.isalpha() for letter in text) > 1


def _is_code(text: str) -> bool:
    """Whether a comment is code that somebody switched off."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in tree.body)


def is_magic(comment: str) -> bool:
    """Whether a comment is a magic or a mark of a cell: ``# %load net.py``, ``# In[3]:``, ``# %%``."""
    return bool(_MAGIC.match(comment))


def is_switched_off(text: str) -> bool:
    """Whether a comment is a call, or binds what one gives, and so was code once."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return bool(tree.body) and all(
        isinstance(getattr(node, "value", None), ast.Call) and isinstance(node, ast.Expr | ast.Assign)
        for node in tree.body
    )
