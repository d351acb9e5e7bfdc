"""Faults at random moments, in real kernels and processes. Nothing acknowledged is lost, nothing half done stays.

    JUPYTER_MLOPS_LONG_TESTS=20 python -m pytest tests/integration/test_faults.py tests/unit/store/test_salvage.py

repeats them so many times as often, each time at other moments.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from exportable import exportable_run
from kernels import Kernel

from jupyter_mlops.records import Status
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = int(os.environ.get("JUPYTER_MLOPS_LONG_TESTS", "1"))
LEASE = 2.0

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills and stops as POSIX does")


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel whose runs have their row at once, and are believed dead soon."""
    (tmp_path / "config").mkdir()
    settings = {"Mlops": {"early_row_seconds": 0.05, "lease_seconds": LEASE}}
    (tmp_path / "config" / "jupyter_mlops_config.json").write_text(json.dumps(settings))
    started = Kernel(
        tmp_path, JUPYTER_CONFIG_DIR=str(tmp_path / "config"), JUPYTER_DATA_DIR=str(tmp_path / "data")
    )
    started.load()
    yield started
    started.close()


def check_integrity(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def wait_for(condition, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


WORK = """%%track work
import time
depth = {number}
losses = []
for step in range(40):
    loss = 1 / (step + 1)
    losses.append(loss)
    time.sleep(0.01)
accuracy = depth / 1000
accuracy"""


def test_a_kernel_killed_anywhere_leaves_an_honest_store(kernel: Kernel) -> None:
    chance = random.Random()
    for number in range(2 * LONG):
        if number:
            kernel.restart()
            kernel.load()
        assert kernel.run(WORK.format(number=number)).status == "ok"
        kernel.start(WORK.format(number=number))
        time.sleep(chance.random() * 0.8)
        kernel.manager.signal_kernel(signal.SIGKILL)
        path = kernel.folder / "store" / "runs.db"
        with kernel.store() as store:
            wait_for(lambda store=store: store.count("status = 'RUNNING'") == 0, LEASE + 20)
            runs = store.search(order_by=["number"])
            assert [run.number for run in runs] == list(range(1, len(runs) + 1))
            finished = [run for run in runs if run.status is Status.FINISHED]
            assert number + 1 <= len(finished) <= 2 * (number + 1)
            for run in runs:
                if run.status is Status.FINISHED:
                    assert {"depth", "accuracy"} <= run.params.keys() | run.metrics.keys()
                else:
                    assert (run.status, run.status_reason) == (Status.KILLED, "kernel_died")
                assert run.duration is not None
        check_integrity(path)


def test_a_cell_of_which_ipython_lost_the_result_was_interrupted(kernel: Kernel) -> None:
    kernel.run(
        "shell = get_ipython()\nran = shell._run_cell\n"
        "def _lose(*given, **named):\n    shell._run_cell = ran\n    ran(*given, **named)\n"
        "    raise UnboundLocalError('result')\n"
        "shell._run_cell = _lose"
    )
    with pytest.raises(queue.Empty):  # ipykernel gives no reply either
        kernel.finish(kernel.start(WORK.format(number=3)), 3)
    assert kernel.run(WORK.format(number=4)).status == "ok"
    lost, after = kernel.runs()[-2:]
    assert (lost.status, lost.status_reason, lost.metrics["accuracy"]) == (
        Status.KILLED,
        "interrupted",
        0.003,
    )
    assert (after.status, after.metrics["accuracy"]) == (Status.FINISHED, 0.004)


def test_interrupts_at_any_moment_leave_the_kernel_tracking(kernel: Kernel) -> None:
    chance = random.Random()
    ended_well = unanswered = at_the_door = 0
    kernel.run(WORK.format(number=0))
    for number in range(6 * LONG):
        cell = WORK.format(number=number).replace("range(40)", "range(8)")
        message = kernel.start(cell)
        time.sleep(chance.random() * 0.25)
        for _ in range(chance.choice((1, 2, 2, 3))):
            kernel.manager.interrupt_kernel()
            time.sleep(chance.choice((0, 0, 0.01)))
        try:
            outcome = kernel.finish(message, 15)
        except queue.Empty:
            unanswered += 1  # ipykernel itself was met between two lines, and gives no reply
            continue
        if "Error in callback" in outcome.stdout or "jupyter_mlops" in outcome.traceback:
            # Met between a call of ours and its first line, which no code of ours can prevent.
            at_the_door += 1
            unanswered += 1
            continue
        if outcome.status == "ok":
            ended_well += 1
            assert outcome.result == str(number / 1000)
        else:
            # Met before IPython ran the cell, ipykernel tells of it in the reply alone.
            assert outcome.error.get("ename", "KeyboardInterrupt") == "KeyboardInterrupt"
    assert at_the_door <= LONG
    after = kernel.run(WORK.format(number=7))
    assert (after.status, after.result) == ("ok", "0.007")
    runs = kernel.runs()
    assert runs[-1].status is Status.FINISHED
    assert runs[-1].metrics["accuracy"] == 0.007
    finished = len([run for run in runs if run.status is Status.FINISHED])
    assert ended_well + 2 <= finished <= ended_well + unanswered + 2
    for run in runs:
        assert run.status is Status.FINISHED or (run.status, run.status_reason) == (
            Status.KILLED,
            "interrupted",
        )


def test_a_suspended_kernel_is_taken_for_dead_and_lives_again(kernel: Kernel) -> None:
    message = kernel.start(WORK.format(number=3).replace("range(40)", "range(200)"))
    with kernel.store() as store:
        wait_for(lambda: store.count("status = 'RUNNING'") == 1)
        kernel.manager.signal_kernel(signal.SIGSTOP)
        try:
            wait_for(lambda: store.count("status_reason = 'kernel_died'") == 1, LEASE + 30)
        finally:
            kernel.manager.signal_kernel(signal.SIGCONT)
        assert kernel.finish(message).result == "0.003"
        (run,) = store.search()
        assert (run.status, run.status_reason) == (Status.FINISHED, "")


def test_children_of_a_cell_neither_write_nor_disturb(kernel: Kernel) -> None:
    cell = """%%track parallel
import multiprocessing, os
def square(x):
    return x * x
with multiprocessing.get_context("fork").Pool(3) as pool:
    squares = pool.map(square, range(20))
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
accuracy = sum(squares) / 2470
accuracy"""
    for _ in range(2):
        outcome = kernel.run(cell)
        assert (outcome.status, outcome.result) == ("ok", "1.0"), outcome.traceback
    assert [(run.number, run.metrics["accuracy"]) for run in kernel.runs()] == [(1, 1.0), (2, 1.0)]
    check_integrity(kernel.folder / "store" / "runs.db")


WRITE = """
import sys
from jupyter_mlops.records import *
from jupyter_mlops.store import open_store
store = open_store(sys.argv[1], sys.argv[2])
for index in range(int(sys.argv[3])):
    store.save_run(Run(run_id=new_id(), experiment="e", status=Status.FINISHED, start_time=now(),
                       params={f"p{i}": i for i in range(20)}, metrics={"m": index}))
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def test_writers_beside_a_long_reader_and_forced_checkpoints(tmp_path: Path) -> None:
    """Short: 4 processes of 25 runs. Long: 24 of 200, which make the store at once."""
    processes, each = (4, 25) if LONG == 1 else (24, 200)
    path = tmp_path / "runs.db"
    writers = [start(WRITE, f"sqlite:///{path}", tmp_path, each) for _ in range(processes)]
    store = open_store(f"sqlite:///{path}", str(tmp_path))
    with store._database.read() as connection:  # all the while
        seen = connection.exec_driver_sql("SELECT count(*) FROM runs").scalar()
        checkpoints = sqlite3.connect(path, timeout=0.1, isolation_level=None)
        while any(writer.poll() is None for writer in writers):
            for mode in ("PASSIVE", "FULL", "TRUNCATE"):
                checkpoints.execute(f"PRAGMA wal_checkpoint({mode})")
            assert connection.exec_driver_sql("SELECT count(*) FROM runs").scalar() == seen
        checkpoints.close()
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert (writer.returncode, errors) == (0, "")
    runs = store.search()
    assert sorted(run.number for run in runs) == list(range(1, processes * each + 1))
    assert len({run.run_id for run in runs}) == processes * each
    store.close()
    check_integrity(path)


EXPORT = """
import os, sys
from pathlib import Path
# Dies at the moment it would write, rename or make something for the n-th time.
folder, last = sys.argv[2], int(sys.argv[4])
count = 0
def audit(event, arguments):
    global count
    writes = event in ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.copyfile", "sqlite3.connect") or (
        event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    )
    if writes and (event == "sqlite3.connect" or folder in str(arguments[0])):
        count += 1
        if count == last:
            os.kill(os.getpid(), 9)
sys.addaudithook(audit)
from jupyter_mlops.export import export_run
from jupyter_mlops.store import open_store
store = open_store(sys.argv[1], folder + "/artifacts")
export_run(store, sys.argv[3], "scores", Path(folder) / "pipelines")
print("done", count)
"""


def test_an_export_killed_at_a_write_is_whole_or_not_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    store = open_store(url, str(tmp_path / "artifacts"))
    run = store.save_run(exportable_run(tmp_path, 0.75))
    chance = random.Random()
    for moment in [chance.randrange(1, 60) for _ in range(LONG + 1)]:
        exporter = start(EXPORT, url, tmp_path, run.run_id, moment)
        out, errors = exporter.communicate(timeout=300)
        assert exporter.returncode in (0, -9), errors
        versions = {version.version: version for version in store.versions("scores")}
        folder = tmp_path / "pipelines" / "scores"
        there = {path.name for path in folder.glob("v*")} if folder.exists() else set()
        for number in versions:
            files = {path.name for path in (folder / f"v{number}").iterdir()}
            assert {"pipeline.py", "config.yaml", "manifest.json", "validation.json"} <= files
        # Whole, but its registration died: never a part under a version's name.
        for name in there - {f"v{number}" for number in versions}:
            assert {"pipeline.py", "manifest.json", "validation.json"} <= {
                path.name for path in (folder / name).iterdir()
            }
    exporter = start(EXPORT, url, tmp_path, run.run_id, 10**9)
    out, errors = exporter.communicate(timeout=300)
    assert out.startswith("done"), errors
    assert store.versions("scores")[0].status == "validated"
    store.close()
    check_integrity(tmp_path / "runs.db")
