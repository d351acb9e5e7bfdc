"""The cells a run stands on, found by the names they read and bind.

This is for showing differences, where a cell too many does no harm; export slices with more care.
"""

from __future__ import annotations

from jupyter_mlops.records import Execution, Run

from .first_reads import truly_read

_MARKERS = ("%%track", "%%scratch")
_SWITCHES = ("%track ", "%load_ext jupyter_mlops", "%reload_ext jupyter_mlops")


def cell_lines(source: str) -> list[str]:
    """A cell's source without our own marker, blank edges and trailing spaces.

    How a run is marked is not part of what it does.
    """
    lines = [line.rstrip() for line in source.splitlines()]
    while lines and not lines[0]:
        lines.pop(0)
    if lines and lines[0].startswith(_MARKERS):
        lines.pop(0)
    lines = [line for line in lines if line != "%track" and not line.startswith(_SWITCHES)]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def standing_cells(run: Run) -> tuple[Execution, ...]:
    """The run's own executions and those before it that they depend on, in the order they ran.

    Of a cell that was executed several times only the latest execution is kept. A run without
    executions (a script's) stands on its `source` alone.
    """
    if not run.cells:
        return (_own_source(run),) if run.source else ()
    own = set(run.orders) or {run.cells[-1].order}
    first = min(own)
    needed: set[str] = set()
    kept: list[Execution] = []
    for cell in reversed(run.cells):
        if not needed and cell.order < first:
            break
        if cell.order not in own and (
            cell.scratch or all(map(needed.isdisjoint, (cell.bound, cell.mutated, cell.opaque)))
        ):
            continue
        kept.append(cell)
        # Only a real rebind ends the search for a name; a mutation needs what was there before.
        needed = (needed - set(cell.bound)) | truly_read(cell)
    latest: dict[str, Execution] = {}
    for cell in kept:  # newest first
        latest.setdefault(cell.cell_id or "\n".join(cell_lines(cell.source)), cell)
    return tuple(sorted(latest.values(), key=lambda cell: cell.order))


def cell_title(cell: Execution, limit: int = 60) -> str:
    """What to call a cell: the heading above it, else its first telling line."""
    if cell.heading:
        return cell.heading
    lines = [line.strip() for line in cell_lines(cell.source)]
    for line in lines:
        if line and not line.startswith(("#", "import ", "from ", "%", "@")):
            return line if len(line) <= limit else line[: limit - 1] + "…"
    return (lines[0] if lines else "empty cell")[:limit]


def _own_source(run: Run) -> Execution:
    return Execution(
        execution_id=run.run_id,
        session_id=run.session_id,
        order=run.orders[-1] if run.orders else 1,
        source=run.source,
        code=run.source,
        cell_id=run.cell_id,
        tracked=True,
    )
