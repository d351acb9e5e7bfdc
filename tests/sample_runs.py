"""Runs made by hand, as realistic as records get without a kernel."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_mlops.records import (
    Column,
    Curve,
    Dataset,
    Environment,
    Evaluation,
    Execution,
    Failure,
    MetricDetail,
    Model,
    Run,
    RunWarning,
    Severity,
    Status,
)

BEGINNING = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

LOAD = 'import pandas as pd\n\npenguins = pd.read_csv("penguins.csv")\npenguins = penguins.dropna()'
SPLIT = (
    "from sklearn.model_selection import train_test_split\n\n"
    'X = penguins.drop(columns="species")\n'
    'y = penguins["species"]\n'
    "X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.33, random_state=7)"
)
TRAIN = (
    "%%track forest\n"
    "max_depth = 3\n"
    "n_estimators = 200\n"
    "model = make_pipeline(prepare, RandomForestClassifier(n_estimators, max_depth=max_depth))\n"
    "model.fit(X_train, y_train)\n"
    "accuracy = accuracy_score(y_test, model.predict(X_test))\n"
    'f1 = f1_score(y_test, model.predict(X_test), average="macro")\n'
    "accuracy, f1"
)


def execution(order: int, source: str, *, cell_id: str = "", **fields: Any) -> Execution:
    return Execution(
        execution_id=f"execution-{order}-{abs(hash(source)) % 10_000}",
        session_id="session",
        order=order,
        source=source,
        code=source,
        cell_id=cell_id,
        **fields,
    )


def story_cells(load: str = LOAD, split: str = SPLIT, train: str = TRAIN) -> tuple[Execution, ...]:
    """Load, split, an unrelated plot, train: as `%%track` under the last cell would keep them."""
    return (
        execution(1, load, cell_id="load", bound=("pd", "penguins"), heading="Load the penguins"),
        execution(2, "penguins.plot()", cell_id="plot", reads=("penguins",)),
        execution(
            3,
            split,
            cell_id="split",
            reads=("penguins",),
            bound=("train_test_split", "X", "y", "X_train", "X_test", "y_train", "y_test"),
        ),
        execution(
            4,
            train,
            cell_id="train",
            tracked=True,
            reads=("X_train", "y_train", "X_test", "y_test"),
            bound=("max_depth", "n_estimators", "model", "accuracy", "f1"),
        ),
    )


def evaluation(rows: int = 114, target: str = "xxh3:y-test", function: str = "accuracy_score") -> Evaluation:
    return Evaluation(function=function, target=target, target_name="y_test", rows=rows)


def penguins(
    fingerprint: str = "xxh3:penguins", rows: int = 344, missing: int = 11, mass: float = 4201.75
) -> Dataset:
    sizes = {"missing": 2, "mean": mass, "std": 801.9, "minimum": 2700, "maximum": 6300}
    species = {"missing": 0, "distinct": 3, "top": [["Adelie", 152], ["Gentoo", 124], ["Chinstrap", 68]]}
    return Dataset(
        name="penguins",
        fingerprint=fingerprint,
        kind="pandas.DataFrame",
        rows=rows,
        columns=(
            Column(name="species", dtype="str", nullable=False, profile=species),
            Column(name="body_mass_g", dtype="float64", nullable=True, profile=sizes),
            Column(name="sex", dtype="str", nullable=True, profile={"missing": missing, "distinct": 2}),
        ),
        location="penguins.csv",
        loader="pandas.read_csv",
        file_hash=f"file of {fingerprint}",
    )


def environment(**packages: str) -> Environment:
    return Environment(
        python="3.11.2",
        executable="/usr/bin/python3",
        platform="Linux-6.1",
        directory="/home/ada/penguins",
        packages={"pandas": "3.1.0", "scikit-learn": "1.9.0", **packages},
        git={"commit": "8f3c2a9d1b7e", "branch": "main", "dirty": False},
        seeds={"sklearn": 7},
    )


def loss_curve(start: float = 1.1, rate: float = 0.04, points: int = 120, floor: float = 0.12) -> Curve:
    values = [
        floor + start * math.exp(-rate * i) + 0.03 * math.sin(i * 1.7) * math.exp(-rate * i / 2)
        for i in range(points)
    ]
    return Curve(
        steps=list(range(points)), values=values, times=[0.02 * i for i in range(points)], count=points
    )


def sample_run(number: int = 14, **fields: Any) -> Run:
    """A finished run of the story; any field can be replaced."""
    metrics = {"accuracy": 0.9473684210526315, "f1": 0.9391205937110276}
    defaults: dict[str, Any] = {
        "run_id": f"01jn{number:022d}",
        "experiment": "penguins",
        "status": Status.FINISHED,
        "start_time": BEGINNING + timedelta(minutes=number),
        "number": number,
        "name": "forest",
        "duration": 1.2374,
        "params": {"max_depth": 3, "n_estimators": 200, "test_size": 0.33, "random_state": 7},
        "metrics": metrics,
        "metric_details": {
            "accuracy": MetricDetail(origin="call", evaluation=evaluation()),
            "f1": MetricDetail(origin="call", evaluation=evaluation(function="f1_score")),
        },
        "cell_id": "train",
        "source": TRAIN,
        "session_id": "session",
        "orders": (4,),
        "cells": story_cells(),
        "datasets": (penguins(),),
        "models": (Model(name="model", kind="sklearn.pipeline.Pipeline"),),
        "environment": environment(),
    }
    return Run(**{**defaults, **fields})


def deeper_run(number: int = 15, **fields: Any) -> Run:
    """`sample_run` with another depth and better numbers; data and code as before."""
    defaults: dict[str, Any] = {
        "name": "deeper",
        "params": {"max_depth": 8, "n_estimators": 200, "test_size": 0.33, "random_state": 7},
        "metrics": {"accuracy": 0.968421052631579, "f1": 0.9612403100775194},
        "cells": story_cells(train=TRAIN.replace("max_depth = 3", "max_depth = 8")),
        "source": TRAIN.replace("max_depth = 3", "max_depth = 8"),
    }
    return sample_run(number, **{**defaults, **fields})


def same_code(run: Run) -> dict[str, Any]:
    """The cells and source of `run`, for a run that changed a parameter on the magic line."""
    return {"cells": run.cells, "source": run.source}


def failed_run(number: int = 16, **fields: Any) -> Run:
    defaults: dict[str, Any] = {
        "status": Status.FAILED,
        "name": "typo",
        "duration": 0.038,
        "metrics": {},
        "metric_details": {},
        "models": (),
        "failure": Failure(
            kind="ValueError",
            message="Found input variables with inconsistent numbers of samples: [230, 229]",
            line=5,
        ),
    }
    return sample_run(number, **{**defaults, **fields})


def killed_run(number: int = 17, **fields: Any) -> Run:
    defaults: dict[str, Any] = {
        "status": Status.KILLED,
        "status_reason": "interrupted",
        "name": "net",
        "duration": 12.4,
        "metrics": {"loss": 0.4127},
        "metric_details": {"loss": MetricDetail(origin="curve", step=57, points=58)},
        "curves": ("loss",),
    }
    return sample_run(number, **{**defaults, **fields})


def warnings() -> tuple[RunWarning, ...]:
    return (
        RunWarning(
            code="unseeded_randomness",
            message="`RandomForestClassifier` was fitted without a seed.",
            hint="Set random_state, or the result cannot be reproduced.",
        ),
        RunWarning(
            code="row_overlap",
            message="12 rows of X_test are also in X_train.",
            hint="Drop duplicates before the split.",
            severity=Severity.ERROR,
        ),
        RunWarning(
            code="sampled", message="penguins was fingerprinted from a sample.", severity=Severity.INFO
        ),
    )
