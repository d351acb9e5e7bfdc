"""Cuts long cells into the sections their authors made in them: a script pasted whole is many steps."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec.structs import replace as replace_record

from .phases import is_said
from .source import comments, segments

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Sequence

    from .plan import Cell

#: Comments that begin a section wherever they stand: rules, numbers, marks of cells, headings.
_RULE = re.compile(r"#+\s*(\W)\1{3,}|#.*\w.*([-=*#~])\2{3,}\s*$")
_NUMBER = re.compile(r"#+\s*(?:(?i:step|part|section|task|question)\s*)?\(?(?:\d+|[IVX]+)\s*[.):-]+\s+\w")
_MARK = re.compile(r"#\s*(%%|In\[[\d ]*\]|<codecell>)|#{2,}\s*\w")


def divide(cell: Cell, size: Callable[[Sequence[ast.stmt]], int], most: int) -> list[Cell]:
    """A cell as it is, or, where more than `most` statements are left in it, its sections in order.

    Sections begin at comments that are rules, numbers or headings, where there are two or more; what is
    still too long is cut at every paragraph. All share the source; what belongs to the cell as a whole,
    as its heading, is the first's.

    Args:
        cell: A cell whose `statements` are those that stay.
        size: How many statements some statements are.
        most: How many make one section.
    """
    if size(cell.statements) <= most:
        return [cell]
    titles = {statement: _section(text) for statement, text in _above(cell).items()}
    strong = [statement for statement, title in titles.items() if title is not None]
    parts = _cut(cell.statements, cell, strong) if len(strong) > 1 else [list(cell.statements)]
    pieces = [
        piece
        for part in parts
        for piece in (_cut(part, cell, _paragraphs(cell)) if size(part) > most else [part])
    ]
    last = len(pieces) - 1
    return [
        replace(
            cell,
            statements=piece,
            execution=cell.execution if not place else replace_record(cell.execution, heading=""),
            title=_title_before(piece[0], cell, titles) if place else "",
            begins=not place,
            ends=place == last,
        )
        for place, piece in enumerate(pieces)
    ]


def _above(cell: Cell) -> dict[ast.stmt, str]:
    """The lines above every statement at the top, as far up as the statement before."""
    source = cell.source
    return {
        statement: source.data[start : source.extent(statement)[0]].decode("utf-8")
        for statement, (start, _) in segments(source).items()
    }


def _section(text: str) -> str | None:
    """What a section is called that begins under these lines; None where none begins."""
    rows = [row.strip() for row in text.split("\n")]
    for place, row in enumerate(rows):
        if _RULE.match(row) or _NUMBER.match(row) or _MARK.match(row):
            said = next((word for found in rows[place:] for word in comments(found) if is_said(word)), "")
            return re.sub(r"\s*[-=*#~]{3,}$", "", said)
    return None


def _paragraphs(cell: Cell) -> list[ast.stmt]:
    """Statements with an empty line or a comment above them."""
    return [statement for statement, text in _above(cell).items() if text.strip(" \t") and "\n" in text]


def _cut(statements: Sequence[ast.stmt], cell: Cell, places: Sequence[ast.stmt]) -> list[list[ast.stmt]]:
    """Statements in groups: a new one begins at every place, or what is left behind it."""
    found: list[list[ast.stmt]] = []
    fresh = True
    for statement in cell.source.tree.body:
        fresh = fresh or statement in places
        if statement not in statements:
            continue
        if fresh or not found:
            found.append([])
        found[-1].append(statement)
        fresh = False
    return found


def _title_before(first: ast.stmt, cell: Cell, titles: dict[ast.stmt, str | None]) -> str:
    """What the section is called whose first statement of those that are left this is; else ``""``."""
    body = cell.source.tree.body
    for statement in reversed(body[: body.index(first) + 1]):
        if titles[statement] is not None:
            return titles[statement] or ""
        if statement in cell.statements and statement is not first:
            break
    return ""
