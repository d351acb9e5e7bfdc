"""What the arguments of a print call show a reader, piece by piece, in the syntax tree."""

from __future__ import annotations

import ast
import string
from typing import TYPE_CHECKING

from .sites import UNPACKED
from .syntax import dotted
from .vocabulary import PRINTING_CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator

Part = tuple[str, ast.AST | None, str, int | None]
_Piece = tuple[str, ast.AST | None, str, int | None]

_ROUNDING = frozenset({"round", "np.round", "np.around", "numpy.round", "str", "format", "repr", "float"})
#: Methods that only change how a value looks.
_LOOKS = frozenset({"round", "to_string", "to_markdown", "to_html", "item", "tolist"})
#: Methods that draw text into a figure.
_DRAWING = frozenset("title suptitle set_title set_xlabel text annotate".split())


def prints(name: str) -> bool:
    """Whether a call of `name` shows text to a reader: ``print``, ``logger.info``, ``tqdm.write``."""
    owner, _, last = name.rpartition(".")
    if name in ("print", "display", "pprint", "Markdown", "HTML", "cprint", "rprint"):
        return True
    if last in _DRAWING:
        return True
    return (
        bool(owner)
        and last in PRINTING_CALLS
        and not (last == "write" and not any(word in owner for word in ("tqdm", "bar", "stdout", "stderr")))
    )


def draws(name: str) -> bool:
    """Whether a call of `name` puts text into a figure."""
    return name.rpartition(".")[2] in _DRAWING


class Slot:
    """A place in the tree that holds an expression, and what a reader's form of it stands around."""

    def __init__(self, owner: ast.AST, field: str, index: int | None) -> None:
        self.owner, self.field, self.index = owner, field, index

    @property
    def node(self) -> ast.expr:
        """The expression in it."""
        held = getattr(self.owner, self.field)
        found: ast.expr = held if self.index is None else held[self.index]
        return found

    def put(self, node: ast.expr) -> None:
        """Put another expression there."""
        if self.index is None:
            setattr(self.owner, self.field, node)
        else:
            getattr(self.owner, self.field)[self.index] = node

    def inner(self) -> Slot:
        """The slot of what is rounded or turned to text for a reader: of `x` in ``str(round(x, 2))``."""
        slot = self
        while True:
            node = slot.node
            if not isinstance(node, ast.Call):
                return slot
            first = node.args[0] if node.args else None
            if (
                dotted(node.func) in _ROUNDING
                and first is not None
                and not isinstance(first, (ast.Starred, ast.Constant))
            ):
                slot = Slot(node, "args", 0)
            elif (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in _LOOKS
                and not any(isinstance(argument, ast.Name) for argument in node.args)
                and not _is_module(node.func.value)
            ):
                slot = Slot(node.func, "value", None)
            else:
                return slot


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "pd", "math", "torch", "tf")


def printed_parts(call: ast.Call) -> Iterator[Part]:
    """The values of a print call in order: (text before it, node that holds it, field, index).

    What stands after the last one comes at the end, with no node.
    """
    text = ""
    name = dotted(call.func)
    arguments: list[tuple[ast.expr, ast.AST, str, int | None]] = [
        (argument, call, "args", place) for place, argument in enumerate(call.args)
    ]
    if call.args and is_text(call.args[0]) and len(call.args) > 1 and name != "print":
        # logger.info("loss %.3f", loss)
        pieces = _percent_pieces(call.args[0].value)  # type: ignore[attr-defined]
        if len(pieces) == len(call.args):
            for index, piece in enumerate(pieces[:-1], start=1):
                if not isinstance(call.args[index], ast.Starred):
                    yield piece, call, "args", index
            yield pieces[-1], None, "", None
            return
    if draws(name):
        arguments = [part for part in arguments if not _is_plain(part[0])]
    for position, (argument, owner, field, place) in enumerate(arguments):
        if position:
            text += " "
        for before, holder, inner, item in _strings(argument, owner, field, place):
            if holder is None:
                text += before
            else:
                yield text + before, holder, inner, item
                text = ""
    if name.endswith("set_postfix"):
        for keyword in call.keywords:
            if keyword.arg:
                yield f"{keyword.arg}: ", keyword, "value", None
    yield text, None, "", None


def _is_plain(node: ast.expr) -> bool:
    """Whether an argument is a place or a value, no text made for a reader."""
    return not isinstance(node, (ast.JoinedStr, ast.BinOp, ast.Call))


def is_formatted(node: ast.expr) -> bool:
    """Whether an expression makes a text with values in it: an f-string, ``%``, ``.format``."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod) and is_text(node.left)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and is_text(node.func.value)
    )


def text_parts(owner: ast.AST, field: str, index: int | None) -> Iterator[Part]:
    """The values of a text that is made somewhere else than in a print call, as `printed_parts` has them."""
    text = ""
    for before, holder, place, item in _strings(Slot(owner, field, index).node, owner, field, index):
        if holder is None:
            text += before
        else:
            yield text + before, holder, place, item
            text = ""
    yield text, None, "", None


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
        if len(values) == 1 and len(pieces) > 2 and not isinstance(node.right, ast.Tuple):
            yield UNPACKED.join(pieces[:-1]), node, "right", None
            yield pieces[-1], None, "", None
        elif len(pieces) == len(values) + 1:
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
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and node.args
        and not node.keywords
    ):
        yield from _template_pieces(node)
    elif isinstance(node, ast.Starred):
        yield f"{UNPACKED} ", node, "value", None
    else:
        yield "", owner, field, index


def _template_pieces(node: ast.Call) -> Iterator[_Piece]:
    """The values of a template that stands elsewhere: ``row.format(*values)``."""
    for position, argument in enumerate(node.args):
        if isinstance(argument, ast.Starred):
            yield f" {UNPACKED} ", argument, "value", None
        elif not isinstance(argument, ast.Constant):
            yield " ", node, "args", position


def _joins_text(node: ast.expr) -> bool:
    """Whether a sum is one of texts: ``"auc " + str(auc)``, ``name + ": {}".format(auc)``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joins_text(node.left) or _joins_text(node.right)
    return (
        isinstance(node, ast.JoinedStr)
        or is_text(node)
        or is_formatted(node)
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
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        if len(node.args) == 1 and not keywords and not any(field for _, field, _, _ in pieces):
            texts = [before for before, field, _, _ in pieces if field is not None]
            yield UNPACKED.join(texts), node.args[0], "value", None
            return
        # `"{} [{}, {}]".format(mean, *interval)`: what stands before the star has its own place.
        if any(isinstance(argument, ast.Starred) for argument in node.args[:-1]) or keywords:
            return
        texts = [before for before, field, _, _ in pieces if field is not None]
        if any(field for _, field, _, _ in pieces) or len(texts) < len(node.args):
            return
        for position, before in enumerate(texts[: len(node.args) - 1]):
            yield before, node, "args", position
        yield UNPACKED.join(texts[len(node.args) - 1 :]), node.args[-1], "value", None
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
        elif name.isdigit() and int(name) < len(node.args):
            yield "", node, "args", int(name)
