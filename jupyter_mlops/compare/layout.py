"""Columns of text, one under the other."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Align cells in columns: the first `left` to the left, the others to the right.

    Every row must be as long as `header`. Wide (CJK) characters take two columns.
    """
    lines = [list(header), *(list(row) for row in rows)]
    widths = [max(display_width(line[i]) for line in lines) for i in range(len(header))]
    written = []
    for number, line in enumerate(lines):
        cells = [
            cell + " " * (width - display_width(cell))
            if i < left
            else " " * (width - display_width(cell)) + cell
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        written.append("  ".join(cells).rstrip())
        if number == 0:
            written.append("  ".join("─" * width for width in widths))
    return "\n".join(written)


def display_width(text: str) -> int:
    """How many columns `text` takes in a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
