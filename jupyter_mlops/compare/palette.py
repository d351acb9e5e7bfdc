"""One colour a run, the same in every table, legend and chart of a comparison.

The hues are Okabe and Ito's, made for the colour-blind, darkened or lightened where needed so that
each stands at least 3 : 1 against a white and against a near-black page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import RunComparison

COLORS = ("#0a78b8", "#d55e00", "#0a9a72", "#b8669a", "#c18300", "#3a9bd4", "#7f7f7f")
DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3))
NEUTRAL = "#7f7f7f"


def run_colors(record: RunComparison) -> dict[str, str]:
    """The colour of each run by ``run_id``, by its place in the comparison."""
    return {run.run_id: COLORS[i % len(COLORS)] for i, run in enumerate(record.runs)}


def run_dashes(record: RunComparison) -> dict[str, Sequence[int]]:
    """The dash pattern of each run: beyond seven runs colours repeat, patterns tell them apart."""
    return {run.run_id: DASHES[i // len(COLORS) % len(DASHES)] for i, run in enumerate(record.runs)}
