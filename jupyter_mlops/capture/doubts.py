"""What makes a run's result doubtful, each with its cause and its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import Execution, RunWarning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def find_doubts(
    lineage: Sequence[Execution], executions: Sequence[Execution], seeds: Mapping[str, Any]
) -> list[RunWarning]:
    """Doubts about a run that stands on `lineage`, in a session of `executions` that set `seeds`."""
    return [*_unseeded(lineage, executions, seeds), *_scratch(lineage)]


def _unseeded(
    lineage: Sequence[Execution], executions: Sequence[Execution], seeds: Mapping[str, Any]
) -> list[RunWarning]:
    drawn = {
        name
        for made in lineage
        for name in made.ambient_reads
        if name.startswith("rng:") and name in made.ambient_writes
    }
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
