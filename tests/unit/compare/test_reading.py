"""From a store to a comparison, with predictions as archives of arrays."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sample_runs import sample_run

from jupyter_mlops.capture.predictions import pack_table
from jupyter_mlops.compare.predictions import read_table
from jupyter_mlops.compare.reading import compare_stored, examples_stored, kept_predictions
from jupyter_mlops.errors import FilterError, UsageError
from jupyter_mlops.records import Evaluation, MetricDetail, Run
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 120


def archive(columns: dict[str, Any], index: Any) -> bytes:
    """A table as a tracked cell keeps it."""
    packed = pack_table(
        [(name, np.asarray(values)) for name, values in columns.items()], [("", np.asarray(index))]
    )
    assert packed is not None
    return packed


def kept(store: Store, number: int, wrong: int, **columns: Any) -> Run:
    truth = np.array(["a", "b", "c"])[np.arange(ROWS) % 3]
    said = truth.copy()
    said[:wrong] = "d"
    index = np.arange(ROWS) * 2
    predictions = store.put_artifact(archive({"y_true": truth, "y_pred": said, **columns}, index))
    features = store.put_artifact(archive({"age": np.arange(ROWS, dtype=float)}, index))
    how = Evaluation(
        function="sklearn.metrics.accuracy_score",
        target="y",
        rows=ROWS,
        predictions=predictions,
        features=features,
    )
    run = sample_run(
        number,
        metrics={"accuracy": (ROWS - wrong) / ROWS},
        metric_details={"accuracy": MetricDetail(origin="call", evaluation=how)},
        curves=(),
        artifacts=(),
    )
    store.save_run(run)
    return run


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path / 'runs.db'}", str(tmp_path / "artifacts"))


def test_kept_predictions_give_the_interval_the_slices_and_the_rows(store: Store) -> None:
    one, two = kept(store, 1, 30), kept(store, 2, 10)
    found = compare_stored(store, [one.run_id, two.run_id])
    effect = found.metrics[0].effects[two.run_id]
    assert (effect.verdict, effect.rows, effect.change) == ("better", ROWS, pytest.approx(20 / ROWS))
    assert found.losses[0].slices[0].name.startswith("age 0 to ")
    examples = examples_stored(store, one.run_id, two.run_id, "accuracy", "age < 15 and run_right")
    assert (examples.count, examples.rows[0]) == (5, ("20", "b", "d", "b", "10.0"))
    with pytest.raises(FilterError):
        examples_stored(store, one.run_id, two.run_id, "accuracy", "height > 3")
    with pytest.raises(UsageError, match="kept no predictions"):
        examples_stored(store, one.run_id, two.run_id, "f1")


def test_scores_of_classes_are_put_in_order(store: Store) -> None:
    run = kept(
        store, 1, 3, y_score_a=np.full(ROWS, 0.2), y_score_b=np.full(ROWS, 0.3), y_score_c=np.full(ROWS, 0.5)
    )
    read = cache(lambda digest: read_table(store.get_artifact(digest)))
    found = kept_predictions(run, "accuracy", read)
    assert found is not None
    assert found.scores is not None
    assert found.scores.shape == (ROWS, 3)
    assert found.features is not None
    assert list(found.features.columns) == ["age"]
    assert found.labels[1] == 2
    assert kept_predictions(run, "f1", read) is None


def scored(number: int, target: str) -> Run:
    how = Evaluation(function="accuracy_score", target=target, rows=ROWS)
    details = {"accuracy": MetricDetail(origin="call", evaluation=how)}
    return sample_run(
        number, metrics={"accuracy": 0.5}, metric_details=details, curves=(), artifacts=(), datasets=()
    )


def test_runs_in_no_order_are_held_against_the_one_most_compare_with(store: Store) -> None:
    runs = [scored(number, target) for number, target in enumerate(["old", "new", "new", "other"])]
    for run in runs:
        store.save_run(run)
    run_ids = [run.run_id for run in runs]
    assert compare_stored(store, run_ids).reference == run_ids[0]
    assert compare_stored(store, run_ids, in_any_order=True).reference == run_ids[1]
    assert compare_stored(store, run_ids, run_ids[3], in_any_order=True).reference == run_ids[3]
    assert compare_stored(store, run_ids[:2], in_any_order=True).reference == run_ids[0]
