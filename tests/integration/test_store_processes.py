"""Several processes and one store: made once, counted exactly, whatever dies meanwhile.

With JUPYTER_MLOPS_LONG_TESTS set, four times as many writers write eight times as many runs each.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from postgresql import new_database, running_server

from jupyter_mlops.records import Status
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG = "JUPYTER_MLOPS_LONG_TESTS" in os.environ
WRITERS = 24 if LONG else 6
RUNS = 200 if LONG else 25

WRITE = """
import sys, time
from pathlib import Path
from jupyter_mlops.records import *
from jupyter_mlops.store import open_store

url, folder, name, count = sys.argv[1:]
print("ready", flush=True)
while not (Path(folder) / "go").exists():
    time.sleep(0.005)
store = open_store(url, folder + "/artifacts")
for order in range(1, int(count) + 1):
    cell = Execution(execution_id=f"{name}-{order}", session_id=name, order=order, source="x", code="x")
    run = Run(
        run_id=new_id(), experiment="shared", status=Status.RUNNING, start_time=now(), name=name,
        params={"order": order}, session_id=name, orders=(order,), cells=(cell,),
    )
    if order % 2:
        run = store.begin_run(run, lease_seconds=60)
        store.heartbeat(run.run_id, lease_seconds=60)
    saved = store.save_run(msgspec.structs.replace(run, status=Status.FINISHED, metrics={"m": order}))
    digest = store.put_artifact(b"same" * order)
    print(saved.number, saved.run_id, flush=True)
"""

HOLD = """
import sys, time
from jupyter_mlops.records import *
from jupyter_mlops.store import open_store

store = open_store(sys.argv[1], sys.argv[2])
cell = Execution(execution_id="held", session_id="s", order=1, source="while True: ...", code="while True: ...")
run = Run(run_id=new_id(), experiment="e", status=Status.RUNNING, start_time=now(), session_id="s",
          orders=(1,), cells=(cell,), params={"a": 1})
run = store.begin_run(run, lease_seconds=0.5)
print(run.run_id, flush=True)
while True:
    store.heartbeat(run.run_id, lease_seconds=0.5)
    time.sleep(0.1)
"""

HAMMER = """
import itertools, sys
from jupyter_mlops.records import *
from jupyter_mlops.store import open_store

store = open_store(sys.argv[1], sys.argv[2])
for index in itertools.count():
    params = {f"p{i}": i for i in range(500)}
    store.save_run(Run(run_id=new_id(), experiment="e", status=Status.FINISHED, start_time=now(), params=params,
                       metrics={"m": index}, tags={"t": "x" * 5000}))
    print(index, flush=True)
"""


@pytest.fixture(scope="module")
def socket(postgresql_programs: Path) -> Iterator[Path]:
    with running_server(postgresql_programs) as folder:
        yield folder


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'runs.db'}"
    return new_database(request.getfixturevalue("socket"), f"processes_{abs(hash(request.node.name))}")


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def test_processes_that_begin_together_make_one_store_and_lose_nothing(url, tmp_path):
    writers = [start(WRITE, url, tmp_path, f"writer{index}", RUNS) for index in range(WRITERS)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n", writer.communicate()[1]
    (tmp_path / "go").touch()
    numbers, ids = [], []
    for writer in writers:
        out, err = writer.communicate(timeout=250)
        assert writer.returncode == 0, err
        for line in out.split("\n")[:-1]:
            number, run_id = line.split()
            numbers.append(int(number))
            ids.append(run_id)
    total = WRITERS * RUNS
    assert sorted(numbers) == list(range(1, total + 1))
    store = open_store(url, str(tmp_path / "artifacts"))
    try:
        runs = store.search()
        assert len(runs) == store.count("status = 'FINISHED' AND metrics.m > 0") == total
        assert {run.run_id for run in runs} == set(ids)
        assert {run.number for run in runs} == set(range(1, total + 1))
        for index in range(WRITERS):
            assert [cell.order for cell in store.executions(f"writer{index}")] == list(range(1, RUNS + 1))
            assert store.count(f"name = 'writer{index}'") == RUNS
        kept = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()]
        assert len(kept) == RUNS
    finally:
        store.close()


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_a_killed_writer_leaves_a_killed_run(url, tmp_path):
    writer = start(HOLD, url, tmp_path)
    assert writer.stdout is not None
    run_id = writer.stdout.readline().strip()
    store = open_store(url, str(tmp_path))
    try:
        time.sleep(1.0)  # two leases long: heartbeats keep it alive
        assert store.get_run(run_id).status is Status.RUNNING
        writer.send_signal(signal.SIGKILL)
        writer.communicate(timeout=30)
        until = time.monotonic() + 30
        while store.get_run(run_id).status is Status.RUNNING and time.monotonic() < until:
            time.sleep(0.05)
        run = store.get_run(run_id)
        assert (run.status, run.status_reason) == (Status.KILLED, "kernel_died")
        assert run.duration is not None
        assert 0.5 < run.duration < 30
        assert (run.params, run.number) == ({"a": 1}, 1)
        assert [cell.source for cell in run.cells] == ["while True: ..."]
        assert [found.run_id for found in store.search("status = 'KILLED'")] == [run_id]
    finally:
        store.close()


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_what_was_saved_before_a_kill_is_whole(url, tmp_path):
    saved = 0
    for _ in range(3):
        writer = start(HAMMER, url, tmp_path)
        assert writer.stdout is not None
        for _ in range(10):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        out, _ = writer.communicate(timeout=30)
        saved += 10 + out.count("\n")
    store = open_store(url, str(tmp_path))
    try:
        runs = store.search()
        # A commit can have been made and not yet have been printed.
        assert saved <= len(runs) <= saved + 3
        assert [run.number for run in reversed(runs)] == list(range(1, len(runs) + 1))
        assert all(len(run.params) == 500 and run.tags["t"] == "x" * 5000 for run in runs)
        assert store.count("params.p499 = 499 AND tags.t LIKE 'x%'") == len(runs)
        if url.startswith("sqlite"):
            with store._database.read() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    finally:
        store.close()


def test_a_change_is_seen_by_other_processes(url, tmp_path):
    store = open_store(url, str(tmp_path / "artifacts"))
    before = store.revision()
    (tmp_path / "go").touch()
    out, err = start(WRITE, url, tmp_path, "other", 1).communicate(timeout=60)
    assert store.revision() != before, err
    assert store.search()[0].run_id == out.split()[-1]
    store.close()
