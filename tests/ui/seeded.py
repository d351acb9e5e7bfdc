"""A project whose store holds runs before any notebook is opened."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import TYPE_CHECKING

from sample_runs import loss_curve, sample_run

from jupyter_mlops.records import Curve, Run, Status
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ("forest", "logistic", "boosting")
NOTEBOOK = "study.ipynb"


def a_run(number: int) -> tuple[Run, dict[str, Curve]]:
    """Run `number` of the study: every third of a kind of model, every tenth with a curve."""
    run = sample_run(
        number,
        run_id=f"01study{number:019d}",
        experiment="study",
        name=f"{MODELS[number % 3]} {number}",
        start_time=sample_run(0).start_time + timedelta(minutes=number),
        params={"model": MODELS[number % 3], "max_depth": number % 12, "seed": 0},
        metrics={"accuracy": 0.9 - 0.3 * math.cos(number) / 2, "f1": 0.5 + number / 1000},
        tags={"team": "blue" if number % 2 else "red"},
        status=Status.FAILED if number % 41 == 0 else Status.FINISHED,
        notebook=NOTEBOOK,
        cell_id="train" if number % 2 else "gone",
        source="model.fit(X, y)" if number % 2 else "what was here before",
        curves=("loss",) if number % 10 == 0 else (),
    )
    return run, {"loss": loss_curve(points=40)} if run.curves else {}


def fill(root: Path, count: int) -> None:
    """Save the runs of a study of `count`, the last with three children, and its notebook."""
    folder = root / ".jupyter_mlops"
    folder.mkdir(exist_ok=True)
    store = open_store(f"sqlite:///{folder / 'runs.db'}", str(folder / "artifacts"))
    store.save_runs([a_run(number) for number in range(1, count + 1)])
    for turn in range(3):
        child, _ = a_run(count + 1 + turn)
        store.save_run(
            sample_run(
                0,
                run_id=child.run_id,
                experiment="study",
                name=f"turn {turn}",
                parent_id=a_run(count)[0].run_id,
                metrics={"accuracy": 0.5 + turn / 10},
            )
        )
    store.close()
    cells = [
        {
            "cell_type": "code",
            "id": name,
            "source": source,
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "1\n" * 30}]
            if name != "train"
            else [],
            "execution_count": None,
        }
        for name, source in (
            *((f"before{line}", "\n".join(["1"] * 8)) for line in range(24)),
            ("train", "model.fit(X, y)"),
        )
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": cells}
    (root / NOTEBOOK).write_text(json.dumps(document))
