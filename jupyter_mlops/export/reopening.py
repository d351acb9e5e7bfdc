"""Any run as a clean notebook: the cells it needs, as executed, in order, under their own words."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ExportError, UsageError

from . import outline, slicing
from .references import references
from .session import own_orders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_mlops.records import Execution, Run
    from jupyter_mlops.store import Store

    from .plan import KeptCell

_ATTACH = "%load_ext jupyter_mlops"
_OUR_MAGIC = re.compile(r"^\s*(%%(track|scratch)|%(track|runs|compare|export))\b", re.MULTILINE)


def open_as_notebook(store: Store, run_id: str) -> dict[str, Any]:
    """The cells a run stands on as a clean notebook (nbformat 4), as executed, in order.

    Headings and prose come from the notebook's file while it still holds these cells. Of a cell that
    failed only what it completed is there, so that the notebook runs from top to bottom.

    Raises:
        RunNotFoundError: There is no such run.
        ExportError: It holds no cells.
    """
    from nbformat import v4

    make: Any = v4
    run = store.get_run(run_id)
    if not run.cells:
        raise ExportError(
            f"The run {run_id} holds no cells.", "Its code was not kept: run its notebook again."
        )
    executions = [slicing.with_static_names(cell) for cell in run.cells]
    kept = slicing.slice_cells(executions, wanted=own_orders(run))
    wanted = {cell.order: cell for cell in kept.kept}
    words = outline.read_outline(run)
    cells: list[Any] = []
    said: set[str] = set()
    for execution in sorted(run.cells, key=lambda cell: cell.order):
        source = _source(execution, wanted[execution.order]) if execution.order in wanted else ""
        if source.strip():
            cells.extend(make.new_markdown_cell(text) for text in _words(execution, words, said))
            cells.append(make.new_code_cell(source))
    sources = [str(cell.source) for cell in cells if cell.cell_type == "code"]
    # The cell that attached us defines nothing, so no slice keeps it.
    if any(map(_OUR_MAGIC.search, sources)) and not any(_ATTACH in source for source in sources):
        cells.insert(0, make.new_code_cell(_ATTACH))
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number + 1}"  # the same run is the same file, whenever it is opened
    notebook = make.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["language_info"] = {"name": "python"}
    return dict(notebook)


def write_notebook(store: Store, run_id: str, place: Path) -> Path:
    """Write the notebook of a run to a new file; give its absolute path.

    Raises:
        RunNotFoundError: There is no such run.
        ExportError: It holds no cells, or the file cannot be written.
        UsageError: There is such a file already.
    """
    text = json.dumps(open_as_notebook(store, run_id), indent=1, ensure_ascii=False) + "\n"
    place = place.expanduser().absolute()
    try:
        with place.open("x", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError(
            f"{place} exists already.", "Nothing was overwritten: choose another name."
        ) from error
    except OSError as error:
        raise ExportError(f"{place} cannot be written: {error.strerror}.", "Choose another place.") from error
    return place


def default_name(run: Run) -> str:
    """A file's name for the notebook of a run: ``churn-run-14.ipynb``."""
    stem = re.sub(r"[^\w.-]+", "-", Path(run.experiment).stem).strip("-.") or "notebook"
    return f"{stem}-run-{run.number}.ipynb"


def _words(execution: Execution, words: Mapping[int, outline.Passage], said: set[str]) -> list[str]:
    """The markdown to put above a cell, each text once."""
    passage = words.get(execution.order)
    if passage is None:
        heading = execution.heading
        return _once([heading if heading.startswith("#") else f"## {heading}"] if heading else [], said)
    here = {heading for text in passage.above for heading in outline.headings_of(text)}
    return _once([*(line for line in passage.headings if line not in here), *passage.above], said)


def _once(texts: list[str], said: set[str]) -> list[str]:
    new = [text for text in texts if text.strip() and text not in said]
    for text in new:
        said.update((text, *outline.headings_of(text)))
    return new


def _source(execution: Execution, kept: KeptCell) -> str:
    """A cell as its author wrote it, cut to what it completed and to what the run needs of it."""
    failed = execution.status != "ok" and execution.completed is not None
    if not failed and not kept.only:
        return execution.source
    for code in (execution.source, execution.code):
        try:
            body = ast.parse(code).body
        except (SyntaxError, ValueError, RecursionError):
            continue
        statements = body[: execution.completed] if failed else body
        if kept.only:
            names = set(kept.only)
            statements = [found for found in statements if names & _bound(found)]
        rest = "\n# The rest of this cell did not end well and is left out." if failed else ""
        return _lines_of(code, statements, body) + (rest if statements else "")
    return execution.source


def _bound(statement: ast.stmt) -> set[str]:
    return {found.name for found in references(statement) if found.context == "store" and not found.deferred}


def _lines_of(code: str, statements: list[ast.stmt], body: list[ast.stmt]) -> str:
    """The source lines of some statements with the comments above them."""
    lines = code.splitlines()
    pieces = []
    end = 0
    for statement in body:
        first = end
        end = max(end, statement.end_lineno or statement.lineno)
        if statement in statements:
            pieces.extend(lines[first:end])
    return "\n".join(pieces).strip("\n")
