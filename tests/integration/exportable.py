"""A run that can be exported without a kernel having made it."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING

from jupyter_mlops import records

if TYPE_CHECKING:
    from pathlib import Path

SOURCES = ("scores = [1, 1, 0, 1]\n", "accuracy = sum(scores) / len(scores)\n")


def exportable_run(folder: Path, accuracy: float) -> records.Run:
    """A run of two cells whose second binds `accuracy`, which really is 0.75: any other cannot be proved."""
    session_id = records.new_id()
    cells = tuple(
        records.Execution(
            execution_id=records.new_id(),
            session_id=session_id,
            order=order,
            source=source,
            code=source,
            tracked=order == 2,
            reads=("scores",) if order == 2 else (),
            bound=("accuracy",) if order == 2 else ("scores",),
        )
        for order, source in enumerate(SOURCES, start=1)
    )
    span = records.Span(line=1, column=0, end_line=1, end_column=8)
    return records.Run(
        run_id=records.new_id(),
        experiment="scores",
        status=records.Status.FINISHED,
        start_time=records.now(),
        duration=0.5,
        name="exportable",
        metrics={"accuracy": accuracy},
        metric_details={
            "accuracy": records.MetricDetail(origin="bound", expression="accuracy", order=2, span=span)
        },
        cells=cells,
        session_id=session_id,
        orders=(2,),
        source=SOURCES[1],
        notebook=str(folder / "scores.ipynb"),
        environment=records.Environment(
            python=platform.python_version(), executable=sys.executable, platform="", directory=str(folder)
        ),
    )
