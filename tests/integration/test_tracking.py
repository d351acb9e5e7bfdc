"""Logging from scripts: real processes that end well, fail, are interrupted, killed or fork."""

from __future__ import annotations

import linecache
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import api, script_run, tracking
from jupyter_mlops.config import ARTIFACTS_VARIABLE, EXPERIMENT_VARIABLE, STORE_VARIABLE, load_config
from jupyter_mlops.errors import AmbiguousRunError, MlopsError, RunNotFoundError, StoreError, UsageError
from jupyter_mlops.records import Run, Status
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_mlops.store import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv(STORE_VARIABLE, f"sqlite:///{tmp_path / 'runs.db'}")
    monkeypatch.delenv(ARTIFACTS_VARIABLE, raising=False)
    monkeypatch.delenv(EXPERIMENT_VARIABLE, raising=False)
    url = load_config().resolved_store_url()
    opened = open_store(url, load_config().resolved_artifacts_url(url))
    yield opened
    opened.close()


def script(tmp_path: Path, source: str) -> Path:
    file = tmp_path / "train.py"
    file.write_text("import jupyter_mlops as mlops\n" + source)
    return file


def only(store: Store) -> Run:
    (found,) = store.search()
    return store.get_run(found.run_id)


def test_a_script_that_only_logs_leaves_a_finished_run(tmp_path: Path, store: Store) -> None:
    file = script(
        tmp_path,
        "mlops.log_params({'depth': 3, 'layers': (1, 2), 'path': __import__('pathlib').Path('a')})\n"
        "for step in range(5):\n    mlops.log_metric('loss', 1 / (step + 1), step=step)\n"
        "mlops.log_metric('rows', 344)\nmlops.set_tag('team', 7)\n",
    )
    subprocess.run([sys.executable, file], check=True, cwd=tmp_path)
    run = only(store)
    assert (run.status, run.experiment, run.number) == (Status.FINISHED, "train", 1)
    assert run.params == {"depth": 3, "layers": [1, 2], "path": "a"}
    assert run.metrics == {"loss": 0.2, "rows": 344}
    assert type(run.metrics["rows"]) is int
    assert run.tags == {"team": "7"}
    assert run.curves == ("loss",)
    assert run.metric_details["loss"].origin == "logged"
    assert (run.metric_details["loss"].step, run.metric_details["loss"].points) == (4, 5)
    assert store.get_curve(run.run_id, "loss").steps == [0, 1, 2, 3, 4]
    assert run.duration is not None
    assert run.duration > 0
    assert run.source == file.read_text()
    assert run.environment is not None
    assert run.environment.executable == sys.executable


def test_an_exception_fails_the_run_and_stays_the_scripts_own(tmp_path: Path, store: Store) -> None:
    file = script(tmp_path, "with mlops.start_run('bad'):\n    mlops.log_metric('a', 1)\n    1 / 0\n")
    done = subprocess.run([sys.executable, file], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("ZeroDivisionError: division by zero")
    run = only(store)
    assert (run.name, run.status, run.metrics) == ("bad", Status.FAILED, {"a": 1})
    assert run.failure is not None
    assert (run.failure.kind, run.failure.line) == ("ZeroDivisionError", 4)


def test_an_exception_outside_a_with_block_fails_the_run_too(tmp_path: Path, store: Store) -> None:
    file = script(tmp_path, "mlops.log_metric('a', 1)\nraise ValueError('late')\n")
    done = subprocess.run([sys.executable, file], check=False, cwd=tmp_path, capture_output=True)
    assert done.returncode == 1
    run = only(store)
    assert run.status is Status.FAILED
    assert run.failure is not None
    assert run.failure.message == "late"


def test_an_interrupt_keeps_what_was_logged(tmp_path: Path, store: Store) -> None:
    source = (
        # Tests that run in the background of a shell are started with interrupts ignored.
        "import signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "mlops.log_metric('a', 1)\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, script(tmp_path, source)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.wait(30)
    run = only(store)
    assert (run.status, run.status_reason, run.metrics) == (Status.KILLED, "interrupted", {"a": 1})


def test_an_interrupt_at_any_line_of_ours_leaves_the_run_whole(store: Store) -> None:
    lines, ours = 0, (tracking.__file__, script_run.__file__)

    def interrupt_at(line: int) -> Callable[[Any, str, Any], Any]:
        def trace(frame: Any, event: str, _: Any) -> Any:
            nonlocal lines
            if frame.f_code.co_filename not in ours:
                return None
            # Leaving a block is a line event too, but no moment in which Python looks for interrupts.
            if linecache.getline(frame.f_code.co_filename, frame.f_lineno).lstrip().startswith("with "):
                return trace
            lines += event == "line"
            if lines == line and event == "line":
                raise KeyboardInterrupt
            return trace

        return trace

    line, before = 0, sys.gettrace()
    with mlops.start_run():
        mlops.log_metric("m", 0, step=0)
        while True:
            line, lines = line + 1, 0
            try:
                sys.settrace(interrupt_at(line))
                mlops.log_metric("m", line, step=line)
                mlops.log_param("p", line)
                mlops.set_tag("t", line)
            except KeyboardInterrupt:
                continue
            finally:
                sys.settrace(before)
            break
    assert line > 20
    run = only(store)
    assert (run.status, run.metrics["m"], run.params, run.tags) == (
        Status.FINISHED, line, {"p": line}, {"t": str(line)}
    )  # fmt: skip
    curve = store.get_curve(run.run_id, "m")
    assert all(step == value for step, value in zip(curve.steps, curve.values, strict=True))
    assert curve.count == len(curve.steps)


def test_a_running_script_is_seen_growing_and_its_end_by_force_is_told(tmp_path: Path, store: Store) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_mlops_config.py").write_text("c.Mlops.lease_seconds = 1.0\n")
    source = "import time\nmlops.log_metric('a', 1)\nprint('ready', flush=True)\ntime.sleep(60)\n"
    process = subprocess.Popen(
        [sys.executable, script(tmp_path, source)],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "config")},
    )
    assert process.stdout is not None
    process.stdout.readline()
    wait_for(lambda: only(store).metrics == {"a": 1})
    assert only(store).status is Status.RUNNING
    process.kill()
    process.wait(30)
    wait_for(lambda: only(store).status is Status.KILLED)
    assert (only(store).status_reason, only(store).metrics) == ("kernel_died", {"a": 1})


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_run_inside_a_run_is_its_child(store: Store) -> None:
    with mlops.start_run("sweep", experiment="sweeps") as parent:
        for depth in (1, 2):
            with mlops.start_run(f"depth {depth}", experiment="sweeps"):
                mlops.log_param("depth", depth)
        mlops.log_metric("best", 2)
    runs = {run.name: run for run in store.search(experiment="sweeps", include_children=True)}
    assert runs["sweep"].metrics == {"best": 2}
    assert runs["depth 1"].params == {"depth": 1}
    assert {runs["depth 1"].parent_id, runs["depth 2"].parent_id} == {parent.run_id}


def test_files_and_folders_are_kept(tmp_path: Path, store: Store) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_bytes(b"alpha")
    (tmp_path / "model.bin").write_bytes(b"\0\1")
    with mlops.start_run() as active:
        mlops.log_artifact(tmp_path / "out")
        mlops.log_artifact(str(tmp_path / "model.bin"))
        with pytest.raises(UsageError, match="no file"):
            mlops.log_artifact(tmp_path / "missing")
    kept = {artifact.path: artifact for artifact in store.get_run(active.run_id).artifacts}
    assert set(kept) == {"out/a.txt", "model.bin"}
    assert store.get_artifact(kept["out/a.txt"].digest) == b"alpha"
    assert kept["out/a.txt"].media_type == "text/plain"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (3, 3),
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.array(0.25), 0.25),
        (True, 1),
        (float("inf"), float("inf")),
    ],
)
def test_one_number_of_any_kind_is_a_metric(store: Store, value: Any, kept: float) -> None:
    with mlops.start_run() as active:
        mlops.log_metric("m", value)
    found = store.get_run(active.run_id).metrics["m"]
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize("value", ["high", None, [1, 2], np.array([1.0, 2.0])])
def test_what_is_no_number_is_refused_with_its_name(store: Store, value: Any) -> None:
    with mlops.start_run(), pytest.raises(UsageError, match="'m'"):
        mlops.log_metric("m", value)


def test_odd_values_come_back_from_a_script(store: Store) -> None:
    odd = {
        "big": 2**63,
        "huge": 10**5000,
        "half": "a\ud800",
        "nul": "a\0b",
        "rtl": "\u202eabc",
        "tuple": (1, [2]),
    }
    with mlops.start_run("odd \ud800"):
        mlops.log_params(odd)
        mlops.log_params({"np": np.float32(0.5), "none": None})
        mlops.log_metrics({"nan": float("nan"), "inf": -float("inf"), "zero": -0.0, "huge": 10**5000})
        mlops.log_metric("half \ud800", 1, step=2**63 - 1)
        mlops.set_tags({"half \ud800": "\ud800", "nul": "\0"})
    run = only(store)
    assert run.params == {**odd, "tuple": [1, [2]], "np": 0.5, "none": None}
    assert type(run.params["np"]) is float
    assert repr([run.metrics[name] for name in ("nan", "inf", "zero")]) == "[nan, -inf, -0.0]"
    assert run.metrics["huge"] == 10**5000
    assert (run.name, run.tags) == ("odd \ud800", {"half \ud800": "\ud800", "nul": "\0"})
    assert store.get_curve(run.run_id, "half \ud800").steps == [2**63 - 1]


def test_what_cannot_be_kept_is_refused_at_once_and_costs_nothing_else(store: Store) -> None:
    deep: Any = []
    for _ in range(150):
        deep = [deep]
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    with mlops.start_run():
        mlops.log_metric("kept", 1)
        for refused, why in (
            (lambda: mlops.log_metric("a", 1, step=2**63), "64 bits"),
            (lambda: mlops.log_metric("a", 10**5000, step=1), "too large"),
            (lambda: mlops.log_metric("a", 1, timestamp=1e30), "milliseconds"),
            (lambda: mlops.log_metric("a", 1, run_id="nobody"), "not open"),
            (lambda: mlops.log_param("a", deep), "nested too deeply"),
            (lambda: mlops.log_param("a", cyclic), "nested too deeply"),
            (lambda: mlops.set_tag("a", 10**5000), "no text"),
            (lambda: mlops.log_text("\ud800", "a.txt"), "half a letter"),
            (lambda: mlops.log_text("a", "a\0.txt"), "cannot be written"),
            (lambda: mlops.log_text("a", "a" * 300), "cannot be written"),
        ):
            with pytest.raises(UsageError, match=why):
                refused()
    run = only(store)
    assert (run.status, run.metrics, run.params, run.artifacts) == (Status.FINISHED, {"kept": 1}, {}, ())


def test_a_run_that_ended_is_opened_again_and_added_to(store: Store) -> None:
    with mlops.start_run("first", tags={"team": "a"}) as run:
        mlops.log_metric("loss", 1.0, step=0)
        mlops.log_text("a", "a.txt")
    again = mlops.start_run(run_id=run.run_id)
    assert (again.run_id, again.data.tags) == (run.run_id, {"team": "a"})
    with pytest.raises(UsageError, match="still runs"):
        mlops.start_run(run_id=run.run_id)
    mlops.log_metric("loss", 0.5, step=1, timestamp=(again.info.start_time.timestamp() + 3) * 1000)
    mlops.log_param("late", 1)
    mlops.log_text("b", "b.txt")
    mlops.end_run("FAILED")
    found = only(store)
    assert (found.name, found.number, found.status) == ("first", 1, Status.FAILED)
    assert (found.params, found.metrics, found.tags) == ({"late": 1}, {"loss": 0.5}, {"team": "a"})
    assert {artifact.path for artifact in found.artifacts} == {"a.txt", "b.txt"}
    curve = store.get_curve(found.run_id, "loss")
    assert (curve.steps, curve.values) == ([0, 1], [1.0, 0.5])
    assert curve.times[1] == pytest.approx(3, abs=1e-3)
    with pytest.raises(RunNotFoundError):
        mlops.start_run(run_id="0nobody")


def test_a_file_waits_with_its_run_while_no_store_takes_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Store:
        raise StoreError("It is away.")

    with mlops.start_run():
        with monkeypatch.context() as patched:
            patched.setattr(script_run, "open_default_store", away)
            mlops.log_text("kept", "a.txt")
        assert store.search()[0].run_id
    run = only(store)
    assert [store.get_artifact(artifact.digest) for artifact in run.artifacts] == [b"kept"]


def test_a_long_curve_is_thinned_but_keeps_its_ends_and_its_count(store: Store) -> None:
    bound = load_config().curve_points
    with mlops.start_run() as active:
        for step in range(5 * bound):
            mlops.log_metric("loss", float(step != 1234), step=step)
    curve = store.get_curve(active.run_id, "loss")
    assert curve.count == 5 * bound
    assert len(curve.values) <= 2 * bound + 2
    assert (curve.steps[0], curve.steps[-1]) == (0, 5 * bound - 1)
    assert min(curve.values) == 0.0


def test_each_thread_has_its_own_run_and_else_the_main_threads(store: Store) -> None:
    begun = threading.Barrier(4)

    def train(index: int) -> None:
        with mlops.start_run(f"own {index}"):
            begun.wait()
            mlops.log_metric("index", index)
            mlops.end_run()
            begun.wait()

    def in_threads(function: Callable[[int], None]) -> None:
        threads = [threading.Thread(target=function, args=(index,)) for index in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    in_threads(train)
    found = {run.name: (run.metrics, run.status, run.parent_id) for run in store.search()}
    assert found == {f"own {index}": ({"index": index}, Status.FINISHED, "") for index in range(4)}
    with mlops.start_run("main", experiment="main") as run:
        in_threads(lambda index: mlops.log_metric(f"m{index}", index, step=1))
        in_threads(train)
        assert mlops.active_run() is run
    (main,) = store.search(experiment="main")
    assert main.metrics == {f"m{index}": index for index in range(4)}
    assert {(child.name, *child.metrics.values()) for child in store.search(parent_id=main.run_id)} == {
        (f"own {index}", index) for index in range(4)
    }


def test_a_fork_may_not_write_into_its_parents_run(tmp_path: Path, store: Store) -> None:
    source = (
        "import os\n"
        "with mlops.start_run('parent'):\n"
        "    if os.fork() == 0:\n"
        "        try:\n            mlops.log_metric('a', 1)\n"
        "        except mlops.errors.UsageError:\n            os._exit(7)\n"
        "        os._exit(0)\n"
        "    mlops.log_metric('code', os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )
    subprocess.run([sys.executable, script(tmp_path, "import jupyter_mlops.errors\n" + source)], check=True)
    assert only(store).metrics == {"code": 7}


def test_inside_a_tracked_cell_everything_goes_to_the_cells_run(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cell:
        def __init__(self) -> None:
            self.seen: list[tuple[Any, ...]] = []

        def log_metric(self, key: str, value: float, step: int | None, at: float | None) -> None:
            self.seen.append((key, value, step))

        def log_param(self, key: str, value: Any) -> None:
            self.seen.append((key, value))

        def set_tag(self, key: str, value: str) -> None:
            self.seen.append((key, value))

        def log_artifact(self, path: Path, folder: str) -> None:
            self.seen.append((path.name,))

    cell = Cell()
    monkeypatch.setattr(tracking, "current", cell)
    (tmp_path / "a.txt").touch()
    mlops.log_metrics({"a": 1, "b": 0.5}, step=3)
    mlops.log_params({"p": "x"})
    mlops.set_tags({"t": 1})
    mlops.log_artifact(tmp_path / "a.txt")
    assert cell.seen == [("a", 1, 3), ("b", 0.5, 3), ("p", "x"), ("t", "1"), ("a.txt",)]
    assert store.search() == []


def test_in_a_notebook_outside_a_tracked_cell_logging_says_what_to_do(tmp_path: Path, store: Store) -> None:
    program = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "result = shell.run_cell('import jupyter_mlops as mlops\\nmlops.log_metric(\"a\", 1)')\n"
        "print(result.error_in_exec)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "Begin the cell with %%track" in done.stdout
    assert store.search() == []


def test_what_was_logged_is_found_from_python(store: Store, tmp_path: Path) -> None:
    for depth, score in ((2, 0.5), (8, 0.75)):
        with mlops.start_run(f"tree{depth}", experiment="trees"):
            mlops.log_param("depth", depth)
            mlops.log_metric("accuracy", score, step=1)
    found = mlops.search_runs("metrics.accuracy > 0.6", experiment="trees")
    assert list(found["name"]) == ["tree8"]
    assert list(found["params.depth"]) == [8]
    assert mlops.get_run("tree2").params == {"depth": 2}
    assert mlops.get_run(mlops.get_run("last")).name == "tree8"
    assert mlops.get_run("best:accuracy").name == "tree8"
    assert mlops.get_run(2).name == "tree8"
    curve = mlops.get_curve("tree8", "accuracy")
    assert (list(curve.columns), list(curve["value"])) == (["step", "value", "time"], [0.75])
    comparison = mlops.compare("tree2", "tree8")
    assert list(comparison.params().loc["depth"]) == [2, 8]
    assert mlops.compare().record.reference == mlops.get_run("tree2").run_id
    with pytest.raises(UsageError, match="two different runs"):
        mlops.compare("tree2", "tree2")
    with pytest.raises(MlopsError, match="no_such"):
        mlops.get_run("no_such")
    with pytest.raises(UsageError, match="no reference"):
        mlops.get_run(1.5)  # type: ignore[arg-type]


def test_in_a_notebook_a_name_means_its_newest_run_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for experiment in ("mine", "mine", "other"):
        with mlops.start_run("forest", experiment=experiment) as newest:
            mlops.log_param("experiment", experiment)
    with pytest.raises(AmbiguousRunError):
        mlops.get_run("forest")
    monkeypatch.setattr(api, "current_experiment", lambda: "mine")
    assert (mlops.get_run("forest").experiment, mlops.get_run("forest").number) == ("mine", 2)
    assert mlops.get_run("#1").experiment == "mine"
    assert mlops.get_run("last").experiment == "mine"
    assert mlops.get_run(newest.run_id).experiment == "other"
