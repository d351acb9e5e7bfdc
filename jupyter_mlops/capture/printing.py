"""What the arguments of a print call show a reader, piece by piece, in the syntax tree."""

from __future__ import annotations

import ast
import string
from typing import TYPE_CHECKING

from .syntax import dotted
from .vocabulary import PRINTING_CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator

_Part = tuple[str, ast.AST, str, int | None]
_Piece = tuple[str, ast.AST | None, str, int | None]


def prints(name: str) -> bool:
    """Whether a call of `name` shows text to a reader: ``print``, ``logger.info``, ``tqdm.write``."""
    owner, _, last = name.rpartition(".")
    if name in ("print", "display", "pprint"):
        return True
    return (
        bool(owner)
        and last in PRINTING_CALLS
        and not (last == "write" and "tqdm" not in owner and "bar" not in owner)
    )


def unrounded(node: ast.expr) -> tuple[ast.expr, list[ast.expr] | None]:
    """(what is rounded or turned to text for a reader, the list that holds it as its first item)."""
    held: list[ast.expr] | None = None
    while (
        isinstance(node, ast.Call)
        and dotted(node.func) in ("round", "np.round", "np.around", "numpy.round", "str", "format", "repr")
        and node.args
        and not isinstance(node.args[0], (ast.Starred, ast.Constant))
    ):
        held = node.args
        node = held[0]
    return node, held


def printed_parts(call: ast.Call) -> Iterator[_Part]:
    """The values of a print call in order: (text before it, node that holds it, field, index)."""
    text = ""
    arguments: list[tuple[ast.expr, ast.AST, str, int | None]] = [
        (argument, call, "args", index) for index, argument in enumerate(call.args)
    ]
    if call.args and is_text(call.args[0]) and len(call.args) > 1 and dotted(call.func) != "print":
        # logger.info("loss %.3f", loss)
        pieces = _percent_pieces(call.args[0].value)  # type: ignore[attr-defined]
        if len(pieces) == len(call.args):
            for index, piece in enumerate(pieces[:-1], start=1):
                if not isinstance(call.args[index], ast.Starred):
                    yield piece, call, "args", index
            return
    for index, (argument, owner, field, position) in enumerate(arguments):
        if index:
            text += " "
        for before, holder, name, place in _strings(argument, owner, field, position):
            if holder is None:
                text += before
            else:
                yield text + before, holder, name, place
                text = ""
    if dotted(call.func).endswith("set_postfix"):
        for keyword in call.keywords:
            if keyword.arg:
                yield f"{keyword.arg}: ", keyword, "value", None


def _strings(
    node: ast.expr, owner: ast.AST, field: str, index: int | None
) -> Iterator[tuple[str, ast.AST | None, str, int | None]]:
    if isinstance(node, ast.Constant):
        yield (node.value if isinstance(node.value, str) else ""), None, "", None
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                yield str(part.value), None, "", None
            elif isinstance(part, ast.FormattedValue):
                if isinstance(part.value, ast.Constant):
                    yield str(part.value.value), None, "", None
                else:
                    yield "", part, "value", None
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and is_text(node.left):
        values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        pieces = _percent_pieces(node.left.value)  # type: ignore[attr-defined]
        if len(pieces) == len(values) + 1:
            for position, piece in enumerate(pieces[:-1]):
                if isinstance(node.right, ast.Tuple):
                    yield piece, node.right, "elts", position
                else:
                    yield piece, node, "right", None
            yield pieces[-1], None, "", None
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _joins_text(node):
        yield from _strings(node.left, node, "left", None)
        yield from _strings(node.right, node, "right", None)
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and is_text(node.func.value)
    ):
        yield from _format_pieces(node)
    elif not isinstance(node, ast.Starred):
        yield "", owner, field, index


def _joins_text(node: ast.expr) -> bool:
    """Whether a sum is one of texts: ``"auc " + str(auc)``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joins_text(node.left) or _joins_text(node.right)
    return (
        isinstance(node, ast.JoinedStr)
        or is_text(node)
        or (isinstance(node, ast.Call) and dotted(node.func) == "str")
    )


def is_text(node: ast.expr) -> bool:
    """Whether a node is a literal text."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _percent_pieces(text: str) -> list[str]:
    pieces, piece, position = [], "", 0
    while position < len(text):
        if text[position] == "%" and position + 1 < len(text):
            if text[position + 1] == "%":
                piece, position = piece + "%", position + 2
                continue
            position += 1
            while position < len(text) and text[position] in "0123456789.+- #*lhL":
                position += 1
            pieces.append(piece)
            piece = ""
        else:
            piece += text[position]
        position += 1
    return [*pieces, piece]


def _format_pieces(node: ast.Call) -> Iterator[_Piece]:
    text = node.func.value.value  # type: ignore[attr-defined]
    keywords = {keyword.arg: keyword for keyword in node.keywords if keyword.arg}
    automatic = 0
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError:
        return
    seen: set[str] = set()
    for before, field, _, _ in pieces:
        yield before, None, "", None
        if field is None:
            continue
        name = field or str(automatic)
        automatic += not field
        if name in seen:
            continue
        seen.add(name)
        if name in keywords:
            yield "", keywords[name], "value", None
        elif (
            name.isdigit()
            and int(name) < len(node.args)
            and not isinstance(node.args[int(name)], ast.Starred)
        ):
            yield "", node, "args", int(name)
