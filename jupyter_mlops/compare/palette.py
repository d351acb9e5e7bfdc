"""One colour a run, the same in every table, legend and chart, and mostly in every comparison.

The hues are Okabe and Ito's, made for the colour-blind, darkened or lightened where needed so that
each stands at least 3 : 1 against a white and against a near-black page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import RunSummary

    from .findings import RunComparison

COLORS = ("#0a78b8", "#d55e00", "#0a9a72", "#b8669a", "#c18300", "#3a9bd4", "#7f7f7f")
#: Beyond seven runs colours repeat: dashes tell lines apart then, shapes dots, and marks names in a text.
DASHES: tuple[tuple[int, ...], ...] = (
    (1, 0),
    (6, 3),
    (2, 2),
    (8, 3, 2, 3),
    (14, 4),
    (8, 2, 2, 2, 2, 2),
    (3, 6),
    (14, 3, 3, 3),
)
SHAPES = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "triangle-down",
    "cross",
    "triangle-left",
    "triangle-right",
)
MARKS = "●■◆▲▼✚◄►"
NEUTRAL = "#7f7f7f"


class Look(NamedTuple):
    """How a run is drawn: each pair of a colour and a shape, or a dash, is one run's in a comparison."""

    color: str
    dash: tuple[int, ...]
    shape: str
    mark: str


def run_styles(runs: Sequence[RunSummary]) -> dict[str, int]:
    """A number for each run that means its colour and, beyond seven runs, its shape and dash pattern.

    A run takes the colour of its own number, so that it keeps it from one comparison to the next; only
    where that is taken already, the next free one.
    """
    count = len(COLORS)
    taken: set[int] = set()
    styles: dict[str, int] = {}
    for run in sorted(runs, key=lambda run: (run.number, run.run_id)):
        first = len(taken) // count * count
        wanted = (max(run.number, 1) - 1) % count
        style = next(
            first + (wanted + step) % count
            for step in range(count)
            if first + (wanted + step) % count not in taken
        )
        taken.add(style)
        styles[run.run_id] = style
    return styles


def run_looks(record: RunComparison) -> dict[str, Look]:
    """How each run is drawn, by ``run_id``."""
    return {run_id: _look(style) for run_id, style in record.styles.items()}


def _look(style: int) -> Look:
    turn = style // len(COLORS) % len(DASHES)
    return Look(COLORS[style % len(COLORS)], DASHES[turn], SHAPES[turn], MARKS[turn])
