"""What makes a run's result doubtful, each with its cause and its cure."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import Execution, RunWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .notebook_file import SavedNotebook


def find_doubts(
    lineage: Sequence[Execution],
    executions: Sequence[Execution],
    seeds: Mapping[str, Any],
    *,
    idle: Callable[[Execution], bool] = lambda _made: False,
    notebook: SavedNotebook | None = None,
) -> list[RunWarning]:
    """Doubts about a run that stands on `lineage`, in a session of `executions` that set `seeds`.

    `idle` tells of an execution whether the random numbers it drew reached nothing; `notebook` is
    the notebook as it was saved last.
    """
    return [
        *_unseeded(lineage, executions, seeds, idle),
        *_scratch(lineage),
        *_edited(lineage, executions),
        *(_moved_on(lineage, executions, notebook) if notebook is not None else ()),
        *_broken_off(lineage),
    ]


def _edited(lineage: Sequence[Execution], executions: Sequence[Execution]) -> list[RunWarning]:
    """Values of a cell that was changed and run again since, and now makes something else."""
    newest = {made.cell_id: made for made in executions if made.cell_id and not made.scratch}
    doubts = []
    for made in lineage[:-1]:
        later = newest.get(made.cell_id)
        if later is None or later.order <= made.order or later.code == made.code or later in lineage:
            continue
        names = _handed_on(made, lineage)
        if names:
            doubts.append(
                RunWarning(
                    code="edited_cell",
                    message=f"This run uses {names} as cell [{made.execution_count}] made it; "
                    f"the cell was edited and run again as [{later.execution_count}].",
                    hint="Restart and run all cells, so that the notebook shows what the run used.",
                )
            )
    return doubts


def _moved_on(
    lineage: Sequence[Execution], executions: Sequence[Execution], notebook: SavedNotebook
) -> list[RunWarning]:
    """Values of cells that the notebook, saved since, has no more, has otherwise or has further down."""
    places = {cell_id: place for place, cell_id in enumerate(notebook.sources)}
    here = places.get(lineage[-1].cell_id) if lineage else None
    newest = {made.cell_id: made.order for made in executions if made.cell_id}
    if here is None and not any(made.cell_id in places for made in lineage):
        return []  # another notebook's file, or one whose cells have other ids
    doubts = []
    for made in lineage[:-1]:
        names = _handed_on(made, lineage)
        if not (names and made.cell_id) or made.scratch or newest[made.cell_id] > made.order:
            continue
        place = places.get(made.cell_id)
        was = f"This run uses {names} of cell [{made.execution_count}]"
        # Where the file is older than what ran, only the order of its cells counts.
        ended = made.start_time.timestamp() + made.duration if made.start_time is not None else None
        fresh = ended is None or ended > notebook.saved
        if place is None and not fresh:
            doubts.append(
                RunWarning(
                    code="deleted_cell",
                    message=f"{was}, which the notebook has no more.",
                    hint="Put the cell back, or restart and run all cells without it.",
                )
            )
        elif place is None:
            continue
        elif not fresh and notebook.sources[made.cell_id].strip() != made.source.strip():
            doubts.append(
                RunWarning(
                    code="edited_cell",
                    message=f"{was}, which was edited since and not run again.",
                    hint="Run that cell, then this one again.",
                )
            )
        elif here is not None and place > here:
            doubts.append(
                RunWarning(
                    code="out_of_order",
                    message=f"{was}, which stands further down in the notebook.",
                    hint="Move it above this cell: from top to bottom the notebook gives something else.",
                )
            )
    return doubts


def _broken_off(lineage: Sequence[Execution]) -> list[RunWarning]:
    """Values of a cell that failed or was interrupted half way."""
    doubts = []
    for made in lineage[:-1]:
        names = "" if made.status == "ok" else _handed_on(made, lineage)
        if names:
            how = "failed" if made.status == "failed" else "was interrupted"
            doubts.append(
                RunWarning(
                    code="broken_off_cell",
                    message=f"This run uses {names} of cell [{made.execution_count}], which {how}.",
                    hint="Run that cell to its end, then run this one again.",
                )
            )
    return doubts


def _handed_on(made: Execution, lineage: Sequence[Execution]) -> str:
    """The names an execution made that a later one of the lineage reads, for people."""
    read = {name for later in lineage if later.order > made.order for name in later.reads}
    names = ({*made.bound, *made.mutated} & read) - _imported(made.code)
    return ", ".join(f"`{name}`" for name in sorted(names)[:5])


def _imported(code: str) -> set[str]:
    """The names a cell imports: these are whole, whatever became of the rest."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return set()
    return {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def _unseeded(
    lineage: Sequence[Execution],
    executions: Sequence[Execution],
    seeds: Mapping[str, Any],
    idle: Callable[[Execution], bool],
) -> list[RunWarning]:
    drew = [
        (name, made)
        for made in lineage
        for name in made.ambient_reads
        if name.startswith("rng:") and name in made.ambient_writes
    ]
    drawn = {name for name, made in drew if name != "rng:numpy" or not idle(made)}
    seeded = {name for made in executions for name in made.ambient_writes if name not in made.ambient_reads}
    unseeded = [name for name in sorted(drawn - seeded) if name.removeprefix("rng:") not in seeds]
    if not unseeded:
        return []
    libraries = ", ".join(name.removeprefix("rng:") for name in unseeded)
    return [
        RunWarning(
            code="unseeded_randomness",
            message=f"Random numbers of {libraries} reach this run and no cell set their seed.",
            hint="Set a seed (random_state=0, np.random.seed(0)) so that the run can be repeated.",
            names=tuple(unseeded),
        )
    ]


def _scratch(lineage: Sequence[Execution]) -> list[RunWarning]:
    scratch = [made for made in lineage if made.scratch]
    if not scratch:
        return []
    read = {name for made in lineage for name in made.reads}
    names = sorted({name for made in scratch for name in made.bound} & read)
    return [
        RunWarning(
            code="scratch_dependency",
            message=f"This run uses {', '.join(names) or 'state'} of a %%scratch cell, which is not kept.",
            hint="Run that cell without %%scratch, then run this one again.",
            names=tuple(names),
        )
    ]
