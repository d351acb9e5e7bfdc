"""Runs out to a real MLflow server and in again, and in from what other trackers leave on disk."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from ports import free_port
from sample_runs import BEGINNING, story_cells

from jupyter_mlops.errors import ExchangeError, UsageError
from jupyter_mlops.exchange import import_runs, push_runs
from jupyter_mlops.records import Artifact, Column, Curve, Dataset, MetricDetail, Run, Status, new_id
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = Path(__file__).parents[1] / "data"
START_SECONDS = 240


@dataclass(frozen=True)
class Server:
    """A running MLflow server and the database behind it."""

    url: str
    database: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if shutil.which("mlflow", path=Path(sys.executable).parent.as_posix()) is None:
        reason = "MLflow is not installed: pip install 'jupyter_mlops[test]'"
        pytest.fail(reason, pytrace=False) if os.environ.get("CI") else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("mlflow")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *[sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)],
                *["--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"],
                *["--artifacts-destination", str(folder / "mlartifacts")],
            ],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(url, process, folder / "log")
            yield Server(url, folder / "mlflow.db")
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # asked politely, it takes its time
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"The MLflow server did not start:\n{log.read_text()}", pytrace=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = _opened(tmp_path / "here")
    yield opened
    opened.close()


def _opened(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder / 'runs.db'}", str(folder / "artifacts"))


CURVE = Curve(
    steps=[0, 1, 2, 5],
    values=[1.0, 0.5, math.nan, 0.25],
    times=[0.5, 1.0, 1.5, 2.125],
    count=4,
)


def _pushed_run(store: Store, experiment: str) -> Run:
    """A run with all that MLflow has a word for, and much that it has none for."""
    data = b"bill,mass\n1,2\n"
    run = Run(
        run_id=new_id(),
        experiment=experiment,
        status=Status.FINISHED,
        start_time=BEGINNING,
        duration=12.5,
        name="deeper",
        note="two questions a tree are too few",
        hypothesis="deeper is better",
        notebook="penguins.ipynb",
        source="%%track\nmax_depth = 8",
        session_id="session",
        orders=(4,),
        cells=story_cells(),
        params={
            "max_depth": 8,
            "lr": 0.1,
            "layers": [1, 2],
            "model@a[0]": "forest",
            "version": "007",
            "on": True,
        },
        metrics={"accuracy": 0.9805825242718447, "loss": 0.25, "f1 (macro)": math.inf, "n": 114},
        metric_details={
            "accuracy": MetricDetail(origin="bound", expression="accuracy", order=4),
            "loss": MetricDetail(origin="curve", step=5, points=4),
        },
        curves=("loss",),
        tags={"team": "a", "größe": "10 cm"},
        datasets=(
            Dataset(
                name="penguins",
                fingerprint="xxh3:" + "a" * 64,
                kind="pandas.DataFrame",
                rows=344,
                columns=(Column(name="bill", dtype="float64", nullable=True),),
                role="train",
                location="penguins.csv",
            ),
        ),
        artifacts=(
            Artifact(
                path="figures/plot.csv",
                digest=store.put_artifact(data),
                size=len(data),
                media_type="text/csv",
            ),
        ),
    )
    return store.save_run(run, curves={"loss": CURVE})


def test_a_run_goes_to_mlflow_in_its_own_words(server: Server, store: Store) -> None:
    from mlflow.tracking import MlflowClient

    run = _pushed_run(store, "words")
    (pushed,) = push_runs(store, [run.run_id], server.url)
    assert pushed.outcome == "new"
    assert any("model@a[0]" in problem for problem in pushed.problems)

    client = MlflowClient(server.url)
    told = client.get_run(pushed.mlflow_run_id)
    assert (told.info.run_name, told.info.status) == ("deeper", "FINISHED")
    assert told.info.end_time - told.info.start_time == 12_500
    assert told.data.params == {
        "max_depth": "8", "lr": "0.1", "layers": "[1, 2]", "model_a_0_": "forest", "version": "007", "on": "True",
    }  # fmt: skip
    assert told.data.metrics["accuracy"] == 0.9805825242718447
    history = client.get_metric_history(pushed.mlflow_run_id, "loss")
    assert [(point.step, point.timestamp - told.info.start_time) for point in history] == [
        (0, 500),
        (1, 1000),
        (2, 1500),
        (5, 2125),
    ]
    assert math.isnan(history[2].value)
    tags = told.data.tags
    assert (tags["mlflow.note.content"], tags["mlflow.source.name"]) == (run.note, "penguins.ipynb")
    assert (tags["team"], tags["jupyter_mlops.hypothesis"]) == ("a", "deeper is better")
    (input_,) = told.inputs.dataset_inputs
    assert (input_.dataset.name, input_.tags[0].value) == ("penguins", "training")
    assert json.loads(input_.dataset.schema)["mlflow_colspec"][0]["type"] == "double"
    folder = Path(client.download_artifacts(pushed.mlflow_run_id, ""))
    assert (folder / "figures" / "plot.csv").read_bytes() == b"bill,mass\n1,2\n"
    assert (folder / "code" / "cell.py").read_text() == run.source


def test_pushing_again_changes_nothing_and_adds_what_is_new(server: Server, store: Store) -> None:
    from mlflow.tracking import MlflowClient

    run = _pushed_run(store, "again")
    (first,) = push_runs(store, [run.run_id], server.url)
    (second,) = push_runs(store, [run.run_id], server.url)
    assert (second.outcome, second.mlflow_run_id) == ("unchanged", first.mlflow_run_id)

    grown = msgspec.structs.replace(run, metrics={**run.metrics, "auc": 0.99})
    store.save_run(grown, curves={"loss": CURVE})
    (third,) = push_runs(store, [run.run_id], server.url)
    assert (third.outcome, third.mlflow_run_id) == ("changed", first.mlflow_run_id)
    client = MlflowClient(server.url)
    assert client.get_run(first.mlflow_run_id).data.metrics["auc"] == 0.99
    assert len(client.get_metric_history(first.mlflow_run_id, "loss")) == 4
    experiment = client.get_experiment_by_name("again")
    assert experiment is not None
    assert len(client.search_runs([experiment.experiment_id])) == 1


@pytest.mark.parametrize("by_server", [True, False], ids=["from the server", "from its database"])
def test_what_went_to_mlflow_comes_back_as_itself(
    server: Server, store: Store, tmp_path: Path, by_server: bool
) -> None:
    experiment = f"back-{by_server}"
    run = _pushed_run(store, experiment)
    child = msgspec.structs.replace(
        run, run_id=new_id(), parent_id=run.run_id, name="turn", curves=(), number=0, cells=(), artifacts=()
    )
    store.save_run(child)
    list(push_runs(store, [run.run_id], server.url))

    other = _opened(tmp_path / "there")
    source = server.url if by_server else str(server.database)
    outcomes = {found.run_id: found.outcome for found in import_runs(other, source)}
    assert (outcomes[run.run_id], outcomes[child.run_id]) == ("new", "new")
    back = other.get_run(run.run_id)
    here = store.get_run(run.run_id)
    for field in ("name", "note", "hypothesis", "status", "start_time", "duration", "params", "metrics",
                  "metric_details", "datasets", "cells", "source", "orders", "notebook"):  # fmt: skip
        assert getattr(back, field) == getattr(here, field), field
    assert back.tags.items() >= run.tags.items()
    curve = other.get_curve(run.run_id, "loss")
    assert (curve.steps, curve.times, str(curve.values)) == (CURVE.steps, CURVE.times, str(CURVE.values))
    assert other.get_artifact(run.artifacts[0].digest) == b"bill,mass\n1,2\n"
    assert other.get_run(child.run_id).parent_id == run.run_id
    again = {found.run_id: found.outcome for found in import_runs(other, source)}
    assert again[run.run_id] == "unchanged"
    other.close()


def test_what_mlflow_made_comes_in_and_goes_out_as_it_was(
    server: Server, store: Store, tmp_path: Path
) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(server.url)
    experiment = client.create_experiment("made there")
    parent = client.create_run(experiment, run_name="parent", start_time=1_700_000_000_000)
    client.log_param(parent.info.run_id, "lr", "0.10")
    for step in range(3):
        client.log_metric(parent.info.run_id, "loss", 1 / (step + 1), 1_700_000_000_000 + 10 * step, step)
    client.log_metric(parent.info.run_id, "auc", -math.inf, 1_700_000_000_500)
    client.set_tag(parent.info.run_id, "mlflow.note.content", "a note")
    (tmp_path / "x.txt").write_text("hello")
    client.log_artifact(parent.info.run_id, tmp_path / "x.txt", "sub")
    child = client.create_run(experiment, tags={"mlflow.parentRunId": parent.info.run_id}, run_name="child")
    client.set_terminated(parent.info.run_id, "FAILED", 1_700_000_004_000)

    found = {imported.source_run_id: imported for imported in import_runs(store, server.url)}
    run = store.get_run(found[parent.info.run_id].run_id)
    assert (run.name, run.status, run.note, run.duration) == ("parent", Status.FAILED, "a note", 4.0)
    # A text that is not exactly a number stays a text.
    assert run.params == {"lr": "0.10"}
    assert run.metrics == {"loss": 1 / 3, "auc": -math.inf}
    assert store.get_curve(run.run_id, "loss").times == [0.0, 0.01, 0.02]
    (artifact,) = run.artifacts
    assert (artifact.path, store.get_artifact(artifact.digest)) == ("sub/x.txt", b"hello")
    running = store.get_run(found[child.info.run_id].run_id)
    assert (running.parent_id, running.status) == (run.run_id, Status.RUNNING)

    client.log_metric(child.info.run_id, "acc", 0.5)
    client.set_terminated(child.info.run_id)
    again = {imported.source_run_id: imported for imported in import_runs(store, server.url)}
    assert again[parent.info.run_id].outcome == "unchanged"
    assert again[child.info.run_id].outcome == "changed"
    assert store.get_run(running.run_id).metrics == {"acc": 0.5}

    # Back to where it came from: it is the run it came from.
    pushed = list(push_runs(store, [run.run_id], server.url))
    assert {each.mlflow_run_id for each in pushed} == {parent.info.run_id, child.info.run_id}
    told = client.get_run(parent.info.run_id)
    assert (told.data.params, told.info.status, told.info.end_time) == (
        {"lr": "0.10"},
        "FAILED",
        1_700_000_004_000,
    )
    assert len(client.get_metric_history(parent.info.run_id, "loss")) == 3


def test_a_folder_of_mlflows_comes_in(store: Store, tmp_path: Path) -> None:
    place = tmp_path / "mlruns" / "7" / ("a" * 32)
    for name, text in {
        "../meta.yaml": "experiment_id: '7'\nlifecycle_stage: active\nname: iris\n",
        "meta.yaml": f"run_id: {'a' * 32}\nrun_name: old\nstart_time: 1700000000000\nend_time: 1700000001000\n"
        "status: 3\nlifecycle_stage: active\n",
        "params/model/depth": "3",
        "metrics/loss": "1700000000100 1.0 0\n1700000000200 nan 1\n",
        "metrics/acc": "1700000000300 0.9 0\n",
        "tags/team": "a",
        "artifacts/plots/x.txt": "hello",
    }.items():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (place / "artifacts" / "away").symlink_to("/etc/hostname")

    (imported,) = import_runs(store, str(tmp_path))
    run = store.get_run(imported.run_id)
    assert (run.experiment, run.name, run.duration) == ("iris", "old", 1.0)
    assert (run.params, run.tags["team"], run.metrics["acc"]) == ({"model/depth": 3}, "a", 0.9)
    assert math.isnan(run.metrics["loss"])
    assert [artifact.path for artifact in run.artifacts] == ["plots/x.txt"]


def test_an_offline_run_of_wandb_comes_in(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "wandb" / "offline-run-20260302_093000-bb6ussw8"
    (folder / "files").mkdir(parents=True)
    (folder / "files" / "notes.txt").write_text("mine")
    (folder / "files" / "requirements.txt").write_text("theirs")
    shutil.copy(DATA / "offline.wandb", folder / "run-bb6ussw8.wandb")

    (imported,) = import_runs(store, str(tmp_path))
    run = store.get_run(imported.run_id)
    assert (run.experiment, run.name, run.note, run.status) == ("proj", "nice", "a note", Status.FINISHED)
    assert run.params == {"lr": 0.1, "layers": [1, 2], "opt": {"name": "adam"}}
    assert store.get_curve(run.run_id, "loss").values == [1 / (step + 1) for step in range(5)]
    assert run.metrics["best"] == 0.77
    assert [artifact.path for artifact in run.artifacts] == ["notes.txt"]
    (again,) = import_runs(store, str(tmp_path / "wandb"))
    assert again.outcome == "unchanged"


def test_a_log_of_wandb_that_was_cut_short_keeps_what_is_whole(store: Store, tmp_path: Path) -> None:
    whole = (DATA / "offline.wandb").read_bytes()
    (tmp_path / "run-cut.wandb").write_bytes(whole[: len(whole) * 2 // 3])
    (imported,) = import_runs(store, str(tmp_path))
    run = store.get_run(imported.run_id)
    assert run.status is Status.KILLED
    assert 0 < len(store.get_curve(run.run_id, "loss").values) < 5


def test_a_database_of_exptrack_comes_in(store: Store, tmp_path: Path) -> None:
    database = tmp_path / ".exptrack" / "experiments.db"
    database.parent.mkdir()
    connection = sqlite3.connect(database)
    connection.executescript((DATA / "exptrack.sql").read_text())
    connection.close()
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "plot.txt").write_text("a plot")

    (imported,) = import_runs(store, str(tmp_path))
    run = store.get_run(imported.run_id)
    assert (run.experiment, run.name, run.status, run.note) == ("churn", "e1", Status.FINISHED, "a note")
    assert (run.start_time, run.duration) == (BEGINNING, 2.5)
    assert run.params == {"lr": 0.1, "name": "x"}
    assert run.metrics == {"loss": 0.5, "acc": 0.75}
    assert store.get_artifact(run.artifacts[0].digest) == b"a plot"


def test_what_cannot_be_read_or_reached_is_said_with_what_to_do(store: Store, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database at all, and longer than a header " * 40)
    for source in (tmp_path / "nothing", tmp_path / "notes.txt", tmp_path):
        with pytest.raises(UsageError) as complaint:
            list(import_runs(store, str(source)))
        assert str(source) in complaint.value.message
        assert complaint.value.hint
    run = _pushed_run(store, "unreachable")
    url = f"http://me:geheim@127.0.0.1:{free_port()}"
    for call in (lambda: list(push_runs(store, [run.run_id], url)), lambda: list(import_runs(store, url))):
        with pytest.raises(ExchangeError) as refused:
            call()
        assert "geheim" not in str(refused.value)


def test_the_command_line_imports_and_pushes(server: Server, tmp_path: Path) -> None:
    environment = {**os.environ, "JUPYTER_MLOPS_STORE": f"sqlite:///{tmp_path / 'runs.db'}"}
    shutil.copy(DATA / "offline.wandb", tmp_path / "run-x.wandb")

    def mlops(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "jupyter_mlops.cli", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    imported = mlops("import", str(tmp_path), "--experiment", "from elsewhere", "--json")
    assert imported.returncode == 0, imported.stderr
    (told,) = json.loads(imported.stdout)
    assert (told["experiment"], told["outcome"], told["number"]) == ("from elsewhere", "new", 1)
    pushed = mlops("push", "--filter", "", "--to", server.url)
    assert pushed.returncode == 0, pushed.stderr
    assert "1 runs pushed: 1 new" in pushed.stdout
    assert mlops("push", "--to", server.url).returncode == UsageError.exit_code


MLFLOW_SCRIPT = """
import jupyter_mlops as mlflow
import matplotlib
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

matplotlib.use("agg")
mlflow.sklearn.autolog()
mlflow.set_tracking_uri("http://localhost:5000")
experiment = mlflow.set_experiment(experiment_name="iris")
frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0], "y": [0, 0, 1, 1]})
with mlflow.start_run(run_name="first", tags={"team": "a"}, description="a note") as run:
    print(run.info.run_id)
    assert mlflow.active_run().info.run_name == "first"
    assert run.info.experiment_id == experiment.experiment_id == "iris"
    mlflow.log_input(mlflow.data.from_pandas(frame, source="iris.csv", name="iris"), context="training")
    mlflow.log_params({"lr": 0.1, "depth": np.int64(3)})
    for epoch in range(3):
        mlflow.log_metric("loss", 1 / (epoch + 1), step=epoch, synchronous=False)
    mlflow.log_metrics({"acc": 0.9}, timestamp=int(run.info.start_time.timestamp() * 1000))
    open("report.txt", "w").write("fine")
    mlflow.log_artifact("report.txt", artifact_path="reports")
    mlflow.log_text("hello", "notes/hello.txt")
    mlflow.log_dict({"a": 1}, "notes/a.json")
    mlflow.log_dict({"a": np.float32(0.5)}, "notes/a.yaml")
    mlflow.log_image(np.zeros((4, 4, 3), dtype="uint8"), "notes/black.png")
    mlflow.log_table({"a": [1, 2]}, "notes/table.json")
    model = LogisticRegression(C=3.0).fit(frame[["x"]], frame["y"])
    signature = mlflow.models.infer_signature(frame[["x"]], model.predict(frame[["x"]]))
    info = mlflow.sklearn.log_model(sk_model=model, artifact_path="classifier", signature=signature)
    with mlflow.start_run(run_name="inner", nested=True):
        mlflow.set_tag("inner", True)
loaded = mlflow.sklearn.load_model(info.model_uri)
assert (loaded.predict(frame[["x"]]) == model.predict(frame[["x"]])).all()
assert mlflow.last_active_run().info.run_name == "inner"
stored = mlflow.get_run(run.info.run_id)
assert (stored.info.status, stored.data.metrics["acc"]) == ("FINISHED", 0.9)
assert list(mlflow.search_runs(experiment_names=["iris"], filter_string="metrics.acc > 0.8 OR name = 'no'").name) == ["first"]
assert mlflow.search_runs(experiment_ids=["it's"]).empty
assert mlflow.get_experiment_by_name("iris").name == "iris"
assert mlflow.get_experiment_by_name("nothing") is None
mlflow.start_run(run_name="second")
mlflow.end_run("FAILED")
assert mlflow.active_run() is None
"""


def test_a_typical_mlflow_script_runs_with_the_import_changed(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(MLFLOW_SCRIPT)
    environment: dict[str, Any] = {**os.environ, "JUPYTER_MLOPS_STORE": f"sqlite:///{tmp_path / 'runs.db'}"}
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "push_runs" in done.stderr
    assert "sklearn.autolog() does nothing here" in done.stderr
    with_store = open_store(environment["JUPYTER_MLOPS_STORE"], str(tmp_path / "artifacts"))
    second, first = with_store.search(experiment="iris")
    assert (first.name, first.tags, first.note) == ("first", {"team": "a"}, "a note")
    assert (first.metrics, second.status) == ({"loss": 1 / 3, "acc": 0.9}, Status.FAILED)
    run = with_store.get_run(first.run_id)
    assert {artifact.path for artifact in run.artifacts} == {
        "reports/report.txt",
        "notes/hello.txt",
        "notes/a.json",
        "notes/a.yaml",
        "notes/black.png",
        "notes/table.json",
        "models/classifier.joblib",
    }
    kept = {artifact.path: with_store.get_artifact(artifact.digest) for artifact in run.artifacts}
    assert (kept["notes/a.yaml"], kept["notes/black.png"][:4]) == (b"a: 0.5\n", b"\x89PNG")
    assert json.loads(kept["notes/table.json"]) == {"columns": ["a"], "data": [[1], [2]]}
    ((dataset,), (model,)) = (run.datasets, run.models)
    assert (dataset.name, dataset.role, dataset.rows, dataset.location) == ("iris", "train", 4, "iris.csv")
    assert (model.kind, model.settings) == ("sklearn.linear_model.LogisticRegression", {"C": 3.0})
    assert model.input is not None
    assert model.input.columns == {"x": "float64"}
    assert run.params == {"lr": 0.1, "depth": 3}
    (inner,) = with_store.search(parent_id=run.run_id)
    assert (inner.name, inner.tags) == ("inner", {"inner": "True"})
    assert run.duration is not None
    assert timedelta(0) < timedelta(seconds=run.duration) < timedelta(minutes=5)
    with_store.close()
