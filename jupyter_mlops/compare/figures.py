"""The figures and small tables of several runs, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .findings import FigureRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import Artifact, Run

SHOWN = 24


def figure_rows(runs: Sequence[Run]) -> tuple[FigureRow, ...]:
    """Figures by their path without its ending: the first of one run beside the first of another."""
    rows: dict[str, dict[str, Artifact]] = {}
    for run in runs:
        for artifact in run.artifacts:
            if artifact.kind in ("figure", "table"):
                rows.setdefault(_name(artifact.path), {}).setdefault(run.run_id, artifact)
    return tuple(
        FigureRow(
            name=name,
            figures=figures,
            same=len(figures) == len(runs) and len({a.digest for a in figures.values()}) == 1,
        )
        for name, figures in list(rows.items())[:SHOWN]
    )


def _name(path: str) -> str:
    stem = path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
    return (stem or path).replace("-", " ").replace("_", " ")
