"""What a notebook says in words above its cells, read from its file.

The front end sends a kernel code alone, so headings and prose are looked up where the notebook lies,
by the ids of cells, else by their text. A notebook that is gone or was rewritten costs the words only.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from jupyter_mlops.records import Execution, Run

_MOST_NOTEBOOKS = 50
_MOST_BYTES = 30_000_000
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_UNDERLINE = re.compile(r"^\s{0,3}(=+|-{3,})\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")


class Passage(Record, frozen=True, kw_only=True):
    """The words above one cell.

    `above` are the markdown cells right above it, as they stand; `headings` all headings it stands
    under, outermost first, with their marks (``## Data``). `notebook` is the whole notebook's title where
    that stands right above the cell: it says nothing of the cell itself.
    """

    above: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    notebook: str = ""

    @property
    def title(self) -> str:
        """The last heading right above the cell, without marks; ``""`` if there is none."""
        found = [heading for text in self.above for heading in headings_of(text)]
        found = found[1:] if self.notebook else found
        return plain(_HEADING.sub(r"\2", found[-1])) if found else ""

    @property
    def prose(self) -> str:
        """The first paragraph of plain words above the cell, on one line; ``""`` if there is none."""
        if self.notebook and not self.title:
            return ""
        return next(filter(None, map(_first_paragraph, reversed(self.above))), "")


def read_outline(run: Run) -> dict[int, Passage]:
    """The words above the run's executions, by their order; those without any are left out."""
    best: dict[int, Passage] = {}
    most = 0
    for place in _candidates(run):
        cells = _cells_of(place)
        found = _passages(cells, run.cells)
        matched = len(found)
        if matched > most:
            best, most = found, matched
        if matched and place.name == Path(run.notebook).name:
            break
    return {order: passage for order, passage in best.items() if passage.above or passage.headings}


def _candidates(run: Run) -> Iterator[Path]:
    """Where the run's notebook may lie: where the front end said, then beside it."""
    base = Path(run.environment.directory if run.environment else ".")
    if run.notebook:
        yield base / run.notebook
        yield base / Path(run.notebook).name
    try:
        names = sorted(entry.name for entry in os.scandir(base) if entry.name.endswith(".ipynb"))
    except OSError:
        return
    for name in names[:_MOST_NOTEBOOKS]:
        yield base / name


def _cells_of(place: Path) -> list[dict[str, Any]]:
    try:
        if place.stat().st_size > _MOST_BYTES:
            return []
        document = json.loads(place.read_text(encoding="utf-8"))
        return [cell for cell in document["cells"] if isinstance(cell, dict)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _passages(cells: list[dict[str, Any]], executions: Collection[Execution]) -> dict[int, Passage]:
    by_id: dict[str, Passage] = {}
    by_text: dict[str, Passage] = {}
    above: list[str] = []
    stack: list[tuple[int, str]] = []
    own = _title_of(cells)
    for cell in cells:
        text = _text(cell.get("source"))
        if cell.get("cell_type") == "markdown":
            above.append(text)
            for heading in headings_of(text):
                level = len(heading) - len(heading.lstrip("#"))
                stack = [*((depth, line) for depth, line in stack if depth < level), (level, heading)]
        elif cell.get("cell_type") == "code" and text.strip():
            passage = Passage(
                above=tuple(above),
                headings=tuple(line for _, line in stack),
                notebook=own if not by_text else "",
            )
            by_id.setdefault(str(cell.get("id", "")), passage)
            by_text.setdefault(_bare(text), passage)
            above = []
    by_id.pop("", None)
    return _matched(executions, by_id, by_text)


def _title_of(cells: list[dict[str, Any]]) -> str:
    """The title of a whole notebook: its first heading, if that stands over all code and all others."""
    found: list[tuple[int, str, bool]] = []
    code = False
    for cell in cells:
        code = code or cell.get("cell_type") == "code"
        if cell.get("cell_type") == "markdown":
            headings = headings_of(_text(cell.get("source")))
            found += [(len(line) - len(line.lstrip("#")), line, code) for line in headings]
    if not found or found[0][2] or any(level <= found[0][0] for level, _, _ in found[1:]):
        return ""
    return plain(_HEADING.sub(r"\2", found[0][1])) if len(found) > 1 or found[0][0] == 1 else ""


def _matched(
    executions: Collection[Execution], by_id: Mapping[str, Passage], by_text: Mapping[str, Passage]
) -> dict[int, Passage]:
    found = {}
    for execution in executions:
        passage = by_id.get(execution.cell_id) or by_text.get(_bare(execution.source))
        if passage is not None:
            found[execution.order] = passage
    return found


def _text(source: object) -> str:
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _bare(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def headings_of(text: str) -> list[str]:
    """The heading lines of a markdown text with their marks, underlined ones too; none of fenced code."""
    found, fenced, before = [], False, ""
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and _HEADING.match(line):
            found.append(line.strip())
        elif not fenced and _UNDERLINE.match(line) and plain(before):
            found.append(f"{'#' if '=' in line else '##'} {before.strip()}")
        before = line
    return found


def plain(text: str) -> str:
    """A line of markdown as its words alone."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^<>]*>", "", text)
    text = re.sub(r":[\w:]+:`~[\w.]*?(\w+)`", r"\1", text)
    text = re.sub(r":[\w:]+:`([^`<]+?)(?: <[^`]*>)?`", r"\1", text)
    text = re.sub(r"(\*\*|__|\*|~~)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    return " ".join(text.replace("`", "").split())


def _first_paragraph(text: str) -> str:
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        if _UNDERLINE.match(line):  # what stands above it is a heading
            lines = []
            continue
        if _FENCE.match(line):
            fenced = not fenced
            line = ""  # noqa: PLW2901
        words = (
            plain(line)
            if not fenced and not re.match(r"\s*(#|[-*+>|]\s?|\d+[.)]\s|\$\$|!\[|<)", line)
            else ""
        )
        if words:
            lines.append(words)
        elif lines:
            break
    found = " ".join(lines)
    return found if len(Counter(found.split())) > 2 else ""
