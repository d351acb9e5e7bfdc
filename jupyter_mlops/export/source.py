"""Changing executed source in place, so that what is not touched stays as its author wrote it.

Positions are those of `ast`: 1-based lines, 0-based columns in UTF-8 bytes. Text is kept as bytes
until it is whole, because that is what the columns count.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Source:
    """One cell's code with the edits to be made in it."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.tree = ast.parse(code)
        self.data = code.encode("utf-8")
        self._starts = [0]
        for line in self.data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._edits: dict[tuple[int, int], str] = {}
        self._moved: dict[ast.AST, ast.AST] = {}
        self.parents: dict[ast.AST, ast.AST] = {
            child: parent for parent in ast.walk(self.tree) for child in ast.iter_child_nodes(parent)
        }

    def offset(self, line: int, column: int) -> int:
        """The byte at which a position stands."""
        return self._starts[min(line, len(self._starts)) - 1] + column

    def extent(self, node: ast.AST) -> tuple[int, int]:
        """First byte and the byte after the last of a node; decorators belong to what they decorate."""
        line, column = getattr(node, "lineno"), getattr(node, "col_offset")  # noqa: B009
        for decorator in getattr(node, "decorator_list", []):
            line = min(line, decorator.lineno)
        if getattr(node, "decorator_list", None):
            column = len(self.line(line)) - len(self.line(line).lstrip())
        end = self.offset(getattr(node, "end_lineno"), getattr(node, "end_col_offset"))  # noqa: B009
        return self.offset(line, column), end

    def line(self, number: int) -> bytes:
        """The bytes of one line, without its end."""
        return self.data[self._starts[number - 1] : self._starts[number]].rstrip(b"\r\n")

    def text(self, node: ast.AST) -> str:
        """A node as its author wrote it, edits made; inside an f-string, as `ast` writes it."""
        if self.inside_string(node):
            while node in self._moved:
                node = self._moved[node]
            return ast.unparse(node)
        return self.render(*self.extent(node), around=isinstance(node, ast.stmt))

    def inside_string(self, node: ast.AST) -> ast.JoinedStr | None:
        """The outermost f-string a node stands in; positions within it are not to be relied on."""
        found = None
        parent = self.parents.get(node)
        while parent is not None:
            if isinstance(parent, ast.JoinedStr):
                found = parent
            parent = self.parents.get(parent)
        return found

    def statement_of(self, node: ast.AST) -> ast.stmt | None:
        """The innermost statement a node belongs to (itself, if it is one)."""
        found: ast.AST | None = node
        while found is not None and not isinstance(found, ast.stmt):
            found = self.parents.get(found)
        return found

    def top_statement(self, node: ast.AST) -> ast.stmt | None:
        """The statement of the cell's top level that a node belongs to."""
        found: ast.AST | None = node
        while found is not None and self.parents.get(found) is not self.tree:
            found = self.parents.get(found)
        return found if isinstance(found, ast.stmt) else None

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """What encloses a node, from the inside out."""
        parent = self.parents.get(node)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    # ---- edits

    def replace(self, node: ast.AST, text: str) -> None:
        """Put the expression or statement `text` where `node` stands."""
        string = self.inside_string(node)
        if string is None:
            self._edits[self.extent(node)] = text
            return
        while node in self._moved:
            node = self._moved[node]
        parent = self.parents[node]
        new = ast.parse(text, mode="eval").body
        for name, value in ast.iter_fields(parent):
            if value is node:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is node for item in value):
                setattr(parent, name, [new if item is node else item for item in value])
        self.parents[new] = parent
        self._moved[node] = new
        self._edits[self.extent(string)] = ast.unparse(string)

    def replace_range(self, start: int, end: int, text: str) -> None:
        """Put `text` in place of the bytes from `start` up to `end`."""
        self._edits[(start, end)] = text

    def insert(self, offset: int, text: str) -> None:
        """Put `text` before the byte at `offset`, after what was put there before."""
        self._edits[(offset, offset)] = self._edits.get((offset, offset), "") + text

    def drop(self, statement: ast.stmt, instead: str = "") -> None:
        """Take out a statement and the comments right above it, or put `instead` in its place."""
        start, end = self.extent(statement)
        if instead:
            self._edits[(start, end)] = instead
            return
        if not self.stands_alone(statement):
            follows = re.match(rb"[ \t]*;[ \t]*", self.data[end:])
            self._edits[(start, end + (follows.end() if follows else 0))] = ""
            return
        begin = self.data.rfind(b"\n", 0, start)
        while begin > 0:
            above = self.data.rfind(b"\n", 0, begin)
            if not self.data[above + 1 : begin].lstrip().startswith(b"#"):
                break
            begin = above
        stop = self.data.find(b"\n", end)
        self._edits[(max(begin, 0), len(self.data) if stop < 0 else stop)] = ""

    def add_after(self, statement: ast.stmt, lines: list[str]) -> None:
        """Put whole statements after `statement`, at its own depth."""
        _, end = self.extent(statement)
        indent = self.indent(statement)
        stop = self.data.find(b"\n", end)
        stop = len(self.data) if stop < 0 else stop
        if self.data[end:stop].lstrip().startswith(b";"):
            self.insert(end, "".join("; " + line for line in lines))
        else:
            self.insert(stop, "".join("\n" + indent + line for line in lines))

    def indent(self, statement: ast.stmt) -> str:
        """The white space a statement's own line begins with."""
        line = self.line(statement.lineno)
        return line[: len(line) - len(line.lstrip())].decode()

    def stands_alone(self, statement: ast.stmt) -> bool:
        """Whether a statement begins its line and nothing but a comment follows it there."""
        start, end = self.extent(statement)
        begin = self.data.rfind(b"\n", 0, start) + 1
        stop = self.data.find(b"\n", end)
        rest = self.data[end : len(self.data) if stop < 0 else stop].strip()
        return not self.data[begin:start].strip() and (not rest or rest.startswith(b"#"))

    def render(self, start: int, end: int, *, around: bool = True) -> str:
        """The text between two bytes with all edits in it made, outer ones before those inside.

        With `around`, what was put right before the first and right after the last byte is part of it.
        """
        pieces: list[bytes] = []
        position = start
        inside = [
            item
            for item in self._edits.items()
            if start <= item[0][0]
            and item[0][1] <= end
            and (around or item[0] not in ((start, start), (end, end)))
        ]
        for (first, last), text in sorted(
            inside, key=lambda item: (item[0][0], item[0][0] != item[0][1], -item[0][1])
        ):
            if first < position:
                continue
            pieces.extend((self.data[position:first], text.encode("utf-8")))
            position = last
        pieces.append(self.data[position:end])
        return b"".join(pieces).decode("utf-8")


def segments(source: Source) -> dict[ast.stmt, tuple[int, int]]:
    """Where each top-level statement stands, with the comments above it and on its last line.

    A comment block separated by an empty line from what follows still belongs to what follows.
    """
    found: dict[ast.stmt, tuple[int, int]] = {}
    previous = 0
    for statement in source.tree.body:
        start, end = source.extent(statement)
        if not source.stands_alone(statement):
            begin = source.data.rfind(b"\n", 0, start) + 1
            found[statement] = (start if source.data[begin:start].strip() else previous, end)
            # A semicolon behind it begins nothing of the next one.
            rest = source.data[end:]
            blank = len(rest) - len(rest.lstrip(b" \t"))
            previous = end + blank + 1 if rest[blank : blank + 1] == b";" else end
            continue
        stop = source.data.find(b"\n", end)
        stop = len(source.data) if stop < 0 else stop
        found[statement] = (previous, stop)
        previous = min(stop + 1, len(source.data))
    return found


def indented(code: str, prefix: str = "    ") -> str:
    """`code` moved to the right, except for the lines inside its texts."""
    inside = inside_texts(ast.parse(code))
    lines = code.split("\n")
    return "\n".join(
        prefix + line if line.strip() and number not in inside else line
        for number, line in enumerate(lines, start=1)
    )


def without_settled(code: str) -> str:
    """`code` without ``if True:`` around what it holds: a switch, or a test that was answered long ago."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if not isinstance(node, ast.If) or not isinstance(node.test, ast.Constant) or node.orelse:
            continue
        lines = code.split("\n")
        heads = range(node.lineno, node.body[0].lineno)
        head = next((row for row in heads if lines[row - 1].partition("#")[0].rstrip().endswith(":")), 0)
        if node.test.value is not True or not head or not lines[node.lineno - 1].lstrip().startswith("if"):
            continue
        inside = inside_texts(tree)
        shift = node.body[0].col_offset - node.col_offset
        last = node.end_lineno or head
        lines[node.lineno - 1 : last] = [
            line if number in inside else line[min(shift, len(line) - len(line.lstrip())) :]
            for number, line in enumerate(lines[head:last], start=head + 1)
        ]
        return without_settled("\n".join(lines))
    return code


def inside_texts(tree: ast.AST) -> set[int]:
    """The lines that begin inside a text."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        texts = isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
        if (texts or isinstance(node, ast.JoinedStr)) and node.end_lineno != node.lineno:  # type: ignore[attr-defined]
            inside.update(range(node.lineno + 1, node.end_lineno + 1))  # type: ignore[attr-defined]
    return inside


def comments(text: str) -> list[str]:
    """The comments of `text` without their marks, in order."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    found = [token.string for token in tokens if token.type == tokenize.COMMENT]
    return [text for text in (comment.strip("#!%-= \t") for comment in found) if text]
