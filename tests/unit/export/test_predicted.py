"""What a script's scores compare, held against what the notebook's run kept of it."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.capture.predictions import pack_table
from jupyter_mlops.errors import ArtifactError
from jupyter_mlops.export.plan import Compared
from jupyter_mlops.export.predicted import Predicted
from jupyter_mlops.export.script import proof_predictions
from jupyter_mlops.records import Evaluation, MetricDetail, Run, RunWarning, Status, new_id, now

if TYPE_CHECKING:
    from pathlib import Path

TRUE, SCORE = np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.4, 0.2])
TABLE = [("y_true", TRUE), ("y_pred", np.array([0, 1, 0, 0])), ("y_score", SCORE)]


def heard(folder: Path, code: str, columns: Any = None, **values: Any) -> dict[str, Any]:
    """What is told of one kept table after `code`, which knows the functions `score` and `other`."""
    (folder / "wanted.json").write_text(json.dumps([["table", "score"]]))
    (folder / "table.npz").write_bytes(pack_table(columns or TABLE, None) or b"")
    predictions = proof_predictions.Predictions(folder)
    tree = ast.parse(code)
    proof_predictions.listened(tree, predictions.functions, "predictions.listen")
    space = {
        "predictions": predictions,
        "score": lambda *_, **__: 0.75,
        "other": lambda *_, **__: 0.75,
        "y": TRUE,
        "np": np,
        "pd": pd,
        **values,
    }
    exec(compile(tree, "<script>", "exec"), space)
    return predictions.told()["table score"]


@pytest.mark.parametrize(
    ("code", "state", "differ"),
    [
        ("score(y, [0, 1, 0, 0])", "equal", 0),
        ("score([0, 1, 0, 0], y)", "equal", 0),
        ("score(y_true=pd.Series(y, index=[9, 8, 7, 6]), y_pred=np.array([0., 1., 0., 0.]))", "equal", 0),
        ("score(y, [0.1 + 1e-9, 0.9, 0.4, 0.2])", "equal", 0),
        ("score(y, [0.1, 0.9, 0.4, 0.21])", "differ", 1),
        ("score(y, [0, 1, 1, 1])", "differ", 2),
        ("score(y, [1, 1, 0, 1]); score(y, [0, 0, 0, 0]); score(y, [0, 1, 0, 0])", "equal", 0),
        ("score(y[::-1].copy() + 1, [0, 1, 0, 0])", "rows", 0),
        ("score(y[:3], [0, 1, 0])", "unheard", 0),
        ("other(y, [0, 1, 1, 1])", "unheard", 0),
        ("def evaluate(p):\n    return score(y, p)\nevaluate([1, 1, 0, 0])", "differ", 1),
        ("list(map(score, [y], [[0, 1, 1, 1]])); score(y, [1, 1, 1, 1])", "unheard", 0),
        ("p = [0, 1, 1, 1]\nscore(y, p)\np[:] = [0, 1, 0, 0]", "equal", 0),
    ],
)
def test_the_nearest_call_counts(code: str, state: str, differ: int, tmp_path: Path) -> None:
    found = heard(tmp_path, code)
    assert (found["state"], found.get("differ", 0)) == (state, differ)


def test_classes_texts_and_missing_values(tmp_path: Path) -> None:
    proba = np.array([[0.2, 0.8], [0.6, 0.4]])
    columns = [
        ("y_true", np.array(["a", "b"])),
        ("y_pred", np.array(["b", None], dtype=object)),
        ("y_score_a", proba[:, 0]),
        ("y_score_b", proba[:, 1]),
    ]
    texts = pd.Series(["a", "b"], dtype="category")
    assert heard(tmp_path, "score(t, p)", columns, t=texts, p=["b", "?"])["state"] == "equal"
    assert heard(tmp_path, "score(t, p)", columns, t=texts, p=["a", "?"])["state"] == "differ"
    assert heard(tmp_path, "score(t, p)", columns, t=texts, p=proba)["state"] == "equal"
    assert heard(tmp_path, "score(t, p)", columns, t=texts, p=proba[::-1])["state"] == "differ"


def run_with(**evaluations: Evaluation) -> Run:
    return Run(
        run_id=new_id(),
        experiment="tests",
        status=Status.FINISHED,
        start_time=now(),
        metrics=dict.fromkeys(evaluations, 0.75),
        metric_details={
            name: MetricDetail(origin="call", evaluation=found) for name, found in evaluations.items()
        },
        warnings=(
            RunWarning(
                code="predictions_not_kept",
                message="The predictions behind log_loss were not kept: they have 34 MB.",
            ),
        ),
    )


def test_what_two_processes_say_becomes_a_verdict() -> None:
    run = run_with(
        acc=Evaluation(function="sklearn.metrics.accuracy_score", predictions="d1"),
        f1=Evaluation(function="sklearn.metrics.f1_score", predictions="d1"),
        loss=Evaluation(function="sklearn.metrics.log_loss", target_name="y_test"),
    )
    predicted = Predicted(run, run.metrics, lambda _: b"")
    equal = Compared(state="equal", rows=100)
    differ = Compared(state="differ", rows=100, differ=3, by=1e-4)
    both = {"d1 accuracy_score": equal, "d1 f1_score": equal}
    found = predicted.judge(both, both)
    assert not found.cause
    assert found.said == (
        "The predictions behind `acc` and `f1` are those of the notebook, row by row (100 rows).",
        "The predictions behind `loss` were not compared with the notebook's: they have 34 MB.",
    )
    wrong = {**both, "d1 f1_score": differ}
    found = predicted.judge(wrong, wrong)
    assert found.metric == "f1"
    assert "3 of 100 rows differ" in found.cause
    assert not found.by_chance
    assert predicted.judge(both, wrong).by_chance
    assert not predicted.judge(wrong, wrong, near=True).cause
    other = {**both, "d1 f1_score": Compared(state="rows", rows=100)}
    assert "other rows" in predicted.judge(other, other).cause
    unheard = predicted.judge({}, {})
    assert not unheard.cause
    assert "not compared" in unheard.said[0]


def test_tables_that_the_store_lost_are_not_compared(tmp_path: Path) -> None:
    run = run_with(acc=Evaluation(function="accuracy_score", predictions="d1"))

    def lost(digest: str) -> bytes:
        raise ArtifactError(f"{digest} is missing.")

    predicted = Predicted(run, run.metrics, lost)
    assert not predicted.lay_out(tmp_path)
    assert "no longer has them" in predicted.judge({}, {}).said[0]
