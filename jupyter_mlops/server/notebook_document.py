"""A run as a clean notebook: the cells it stands on, in the order they ran, without outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlops.records import Execution, Run


def notebook_document(run: Run) -> dict[str, Any]:
    """The notebook, nbformat 4.5; the same run gives the same document each time.

    Kept are the executions that ended well and the run's own ones; cells marked ``%%scratch`` and
    those tried and mended later are left out.
    """
    cells = [_markdown("about", f"# {run.name or 'Run'} #{run.number}\n\n{_origin(run)}")]
    heading = ""
    for execution in run.cells:
        if not _kept(execution, run):
            continue
        if execution.heading and execution.heading != heading:
            heading = execution.heading
            text = heading if heading.startswith("#") else f"## {heading}"
            cells.append(_markdown(f"heading-{execution.order}", text))
        cells.append(_code(f"cell-{execution.order}", execution.source))
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            "jupyter_mlops": {"run_id": run.run_id},
        },
        "cells": cells,
    }


def _kept(execution: Execution, run: Run) -> bool:
    if execution.order in run.orders:
        return True
    # the run's own tracked cells stay; other tracked cells are other runs, and their results may be used
    return execution.status == "ok" and not execution.scratch


def _origin(run: Run) -> str:
    when = run.start_time.strftime("%Y-%m-%d %H:%M UTC")
    where = f" of `{run.notebook}`" if run.notebook else ""
    return f"The cells behind run #{run.number} ({run.experiment}){where}, executed {when}."


def _markdown(identity: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": text}


def _code(identity: str, text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": identity,
        "metadata": {},
        "source": text,
        "execution_count": None,
        "outputs": [],
    }
