"""``%run script.py`` becomes what the script says: its text stands where the line stood.

The text is that of today, so it is held against the hash of what the cell read. Places that are
known of the cell's code (of metrics and parameters) move down with what stands below the line.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .references import reads_before_bound

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mlops.records import Execution, MetricDetail, ParamDetail, Run, Span

_LINE = re.compile(r"^get_ipython\(\)\.run_line_magic\('run', (?P<text>'.*')\)[ \t]*;?[ \t]*$", re.MULTILINE)


def inline_scripts(run: Run, directory: Path, hashes: Callable[[Path], set[str]]) -> Run:
    """The run with the scripts its cells ran by ``%run`` in their code, where that can be told.

    Args:
        run: The run; returned as it is if no cell ran a script.
        directory: Where its relative paths begin.
        hashes: The hashes a file may be recorded under.
    """
    cells, metrics, params = list(run.cells), dict(run.metric_details), dict(run.param_details)
    for index, cell in enumerate(cells):
        while (found := _LINE.search(cell.code)) is not None:
            text = _script(cell, found["text"], directory, hashes)
            if text is None:
                break
            line = cell.code.count("\n", 0, found.start()) + 1
            more = text.count("\n")
            code = cell.code[: found.start()] + text + cell.code[found.end() :]
            cell = _with_code(cell, code)  # noqa: PLW2901
            for details in (metrics, params):
                for name, detail in details.items():
                    if detail.order == cell.order and detail.span is not None:
                        details[name] = _moved(detail, detail.span, line, more)  # type: ignore[assignment]
        cells[index] = cell
    if all(new is old for new, old in zip(cells, run.cells, strict=True)):
        return run
    return msgspec.structs.replace(run, cells=tuple(cells), metric_details=metrics, param_details=params)


def _script(cell: Execution, quoted: str, directory: Path, hashes: Callable[[Path], set[str]]) -> str | None:
    """The text of the script, None if it is not there any more or not what the cell ran."""
    try:
        words = shlex.split(ast.literal_eval(quoted))
    except (ValueError, SyntaxError):
        return None
    while words and words[0] in ("-i", "-t"):
        words.pop(0)
    if not words or words[0].startswith("-") or not words[0].endswith(".py"):
        return None
    place = Path(os.path.normpath(directory / Path(words[0]).expanduser()))
    use = next((use for use in cell.files if Path(use.path).name == place.name), None)
    place = Path(use.path) if use is not None else place
    try:
        if use is not None and use.hash and use.hash not in hashes(place):
            return None
        text = place.read_text(encoding="utf-8")
        ast.parse(text)
    except (OSError, ValueError, SyntaxError):
        return None
    lines = [line for line in text.split("\n") if not line.startswith("from __future__ ")]
    if words[1:]:
        lines.insert(0, f"import sys; sys.argv = {words!r}")
    return "\n".join(lines).rstrip("\n")


def _with_code(cell: Execution, code: str) -> Execution:
    reads, bound, _ = reads_before_bound(ast.parse(code).body)
    return msgspec.structs.replace(
        cell,
        code=code,
        reads=tuple(sorted({*cell.reads, *reads})),
        bound=tuple(sorted({*cell.bound, *bound})),
    )


def _moved(
    detail: MetricDetail | ParamDetail, span: Span, line: int, more: int
) -> MetricDetail | ParamDetail:
    if span.line <= line:
        return detail
    lower = msgspec.structs.replace(span, line=span.line + more, end_line=span.end_line + more)
    return msgspec.structs.replace(detail, span=lower)
