"""Fills lines where a formatter would give every argument, item and operand one of its own.

People write a table of twelve short columns in three lines, and their notebooks show it. Only what becomes
shorter by some lines is filled, and ``# fmt: skip`` says so to the formatter.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: So many lines must be won.
_WORTH = 3
_MARK = "  # fmt: skip"
_CLOSING = {"(": ")", "[": "]", "{": "}"}
#: Lines that go on with an expression of the line before.
_GOING_ON = re.compile(r"([-+*/%@&|^<>]|//|\*\*|==|!=|<=|>=|and|or|in|not in|is|if|else|for) ")


@dataclass
class _Line:
    """A line of a statement: its indentation, its text, and whether every bracket of it closes in it."""

    indent: int
    text: str
    whole: bool


def filled(code: str, width: int) -> str:
    """`code`, as ruff formats it, with the statements filled that are much shorter so.

    Args:
        code: A module.
        width: The longest line there may be.
    """
    rows = code.split("\n")
    for first, last in sorted(_extents(ast.parse(code)), reverse=True):
        if last - first >= _WORTH:
            new = _filled(rows[first : last + 1], width)
            if len(new) + _WORTH <= last - first + 1:
                rows[first : last + 1] = [*new[:-1], new[-1] + _MARK]
    text = "\n".join(rows)
    return text if ast.dump(ast.parse(text)) == ast.dump(ast.parse(code)) else code


def _extents(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """First and last row of every simple statement, and of the heads of functions, from 0."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            begins = min(found.lineno for found in (first, *getattr(first, "decorator_list", ())))
            yield node.lineno - 1, begins - 2
        elif isinstance(node, ast.stmt) and not hasattr(node, "body") and not isinstance(node, ast.Match):
            yield node.lineno - 1, (node.end_lineno or node.lineno) - 1


def _filled(rows: list[str], width: int) -> list[str]:
    lines = _lines(rows)
    if not lines:
        return rows
    base = lines[0].indent
    lines = _hugged(lines)
    done: list[_Line] = []
    for line in lines:
        before = done[-1] if done else line
        joined = f"{before.text} {line.text}"
        if (
            done
            and line.indent == before.indent > base
            and line.whole
            and before.whole
            and (before.text.endswith(",") or _GOING_ON.match(line.text))
            and line.indent + len(joined) <= width
        ):
            done[-1] = _Line(line.indent, joined, whole=True)
        else:
            done.append(line)
    return [" " * line.indent + line.text for line in done]


def _hugged(lines: list[_Line]) -> list[_Line]:
    """``f(`` and ``{`` in one line, where the brackets inside are all that the call is given."""
    index = 0
    while index + 1 < len(lines):
        outer, inner = lines[index], lines[index + 1]
        end = next(
            (place for place in range(index + 2, len(lines) - 1) if lines[place].indent == inner.indent),
            0,
        )
        if (
            inner.text in _CLOSING
            and outer.text[-1:] in _CLOSING
            and end
            and lines[end].text.rstrip(",") == _CLOSING[inner.text]
            and lines[end + 1].indent == outer.indent
            and lines[end + 1].text.startswith(_CLOSING[outer.text[-1]])
        ):
            lines = [
                *lines[:index],
                _Line(outer.indent, outer.text + inner.text, whole=False),
                *(_Line(line.indent - 4, line.text, line.whole) for line in lines[index + 2 : end]),
                _Line(outer.indent, _CLOSING[inner.text] + lines[end + 1].text, whole=False),
                *lines[end + 2 :],
            ]
        else:
            index += 1
    return lines


def _lines(rows: list[str]) -> list[_Line]:
    """The lines of a statement, none if there are comments in it or texts of several lines."""
    depths: dict[int, list[int]] = {}
    depth = 0
    text = "\n".join(row.strip() for row in rows)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT or (
                token.start[0] != token.end[0] and token.type not in (tokenize.NEWLINE, tokenize.NL)
            ):
                return []
            depths.setdefault(token.start[0], [depth])
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
            depths[token.start[0]].append(depth)
    except (tokenize.TokenError, IndentationError):
        return []
    return [
        _Line(
            len(row) - len(row.lstrip()),
            row.strip(),
            whole=found[0] == found[-1] == min(found),
        )
        for row, found in ((row, depths.get(number, [0, 1])) for number, row in enumerate(rows, start=1))
    ]
