"""A store that cannot be written: the cell ends in time, its run waits on disk and is written once.

With JUPYTER_MLOPS_LONG_TESTS set, the lock is held for a minute.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from kernels import Kernel

from jupyter_mlops.records import Status
from jupyter_mlops.store import Spool, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CELL = "%%track {name}\ndepth = {value}\naccuracy = depth / 10\naccuracy"


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    started = Kernel(tmp_path, JUPYTER_DATA_DIR=str(tmp_path / "data"))
    started.load()
    yield started
    started.close()


def spool_of(kernel: Kernel) -> Spool:
    return Spool(kernel.store_url, kernel.folder / "data" / "jupyter_mlops")


def track(kernel: Kernel, name: str, value: int) -> str:
    """Run a tracked cell; gives what was printed under it. Its value is the user's own in any case."""
    outcome = kernel.run(CELL.format(name=name, value=value))
    assert outcome.status == "ok", outcome.traceback
    assert outcome.result == str(value / 10)
    return outcome.stdout


def wait_for(condition, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def names(kernel: Kernel) -> list[str]:
    return [run.name for run in kernel.runs()]


def test_runs_that_wait_for_a_lock_are_written_once_each(kernel: Kernel) -> None:
    track(kernel, "before", 1)
    lock = sqlite3.connect(kernel.folder / "store" / "runs.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    held = time.monotonic()
    said = track(kernel, "first", 2)
    assert said.count("jupyter_mlops:") == 1
    assert "busy" in said
    assert "waits in" in said
    assert track(kernel, "second", 3) == ""  # told once
    assert len(spool_of(kernel).waiting()) == 2
    assert names(kernel) == ["before"]
    if "JUPYTER_MLOPS_LONG_TESTS" in os.environ:
        time.sleep(max(0, held + 60 - time.monotonic()))
    lock.execute("ROLLBACK")
    lock.close()
    wait_for(lambda: not spool_of(kernel).waiting())  # with no further cell
    assert names(kernel) == ["before", "first", "second"]
    assert track(kernel, "after", 4) == ""
    runs = kernel.runs()
    assert [(run.name, run.number, run.params["depth"]) for run in runs] == [
        ("before", 1, 1),
        ("first", 2, 2),
        ("second", 3, 3),
        ("after", 4, 4),
    ]
    assert all(run.status is Status.FINISHED for run in runs)
    assert [len(run.cells) for run in runs] == sorted(len(run.cells) for run in runs)


def test_what_waits_outlives_a_killed_kernel(kernel: Kernel) -> None:
    track(kernel, "before", 1)
    lock = sqlite3.connect(kernel.folder / "store" / "runs.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    track(kernel, "waiting", 2)
    kernel.manager.signal_kernel(signal.SIGKILL)
    lock.execute("ROLLBACK")
    lock.close()
    command = [sys.executable, "-m", "jupyter_mlops.cli", "runs"]
    for _ in range(2):  # the second finds nothing more to write
        done = subprocess.run(
            command, env=kernel.environment, cwd=kernel.folder, capture_output=True, text=True, check=True
        )
        assert done.stdout.count("waiting") == 1
    assert names(kernel) == ["before", "waiting"]
    assert not spool_of(kernel).waiting()


def test_a_folder_that_is_a_file_for_a_while(kernel: Kernel) -> None:
    """Neither the store nor a spool beside it can be made: the spool in the data folder takes the run."""
    track(kernel, "before", 3)
    folder = kernel.folder / "store"
    moved = folder.rename(kernel.folder / "elsewhere")
    folder.write_text("not a folder")
    said = track(kernel, "first", 1)
    assert said.count("jupyter_mlops:") == 1
    assert str(kernel.folder / "data") in said
    folder.unlink()
    moved.rename(folder)
    track(kernel, "second", 2)
    assert names(kernel) == ["before", "first", "second"]


def test_a_folder_that_vanishes_is_made_anew(kernel: Kernel) -> None:
    track(kernel, "lost", 1)
    shutil.rmtree(kernel.folder / "store")
    track(kernel, "kept", 2)
    assert names(kernel) == ["kept"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(kernel: Kernel) -> None:
    folder = kernel.folder / "store"
    track(kernel, "before", 1)
    for path in (*folder.iterdir(), folder):
        path.chmod(path.stat().st_mode & ~stat.S_IWUSR)
    try:
        assert "waits in" in track(kernel, "waiting", 2)
    finally:
        folder.chmod(0o700)
        for path in folder.iterdir():
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
    track(kernel, "after", 3)
    assert names(kernel) == ["before", "waiting", "after"]


def test_a_full_disk(kernel: Kernel) -> None:
    """No file may grow: neither the store nor a spool takes the run, which waits in memory."""
    kernel.run("import resource\nbefore = resource.getrlimit(resource.RLIMIT_FSIZE)")
    track(kernel, "before", 1)
    kernel.run(
        "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))"
    )
    said = track(kernel, "waiting", 2)
    assert said.count("jupyter_mlops:") == 1
    assert "memory" in said
    kernel.run("resource.setrlimit(resource.RLIMIT_FSIZE, before)")
    track(kernel, "after", 3)
    assert names(kernel) == ["before", "waiting", "after"]
    with kernel.store() as store, store._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


SCRIPT = """
import jupyter_mlops as mlops

with mlops.start_run("script"):
    mlops.log_param("a", 1)
    mlops.log_metric("m", 0.5, step=3)
print("the script goes on")
"""


def test_a_script_goes_on_and_its_run_waits(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "JUPYTER_MLOPS_STORE": f"sqlite:///{tmp_path / 'runs.db'}",
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
    }
    (tmp_path / "script.py").write_text(SCRIPT)
    open_store(environment["JUPYTER_MLOPS_STORE"], str(tmp_path / "artifacts")).close()
    lock = sqlite3.connect(tmp_path / "runs.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    done = subprocess.run(
        [sys.executable, "script.py"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "the script goes on\n"), done.stderr
    assert "is not saved yet" in done.stderr
    assert len(list((tmp_path / "spool").glob("*.run"))) == 1
    lock.execute("ROLLBACK")
    lock.close()
    code = (
        "import jupyter_mlops as m; r = m.get_run('script'); print(r.params, r.metrics, r.status, r.number)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == "{'a': 1} {'m': 0.5} FINISHED 1\n", done.stderr


def test_a_server_that_is_away_costs_no_cell_and_no_secret(tmp_path: Path) -> None:
    url = "postgresql+psycopg://ann:hunter2@127.0.0.1:1/runs"
    kernel = Kernel(tmp_path, JUPYTER_MLOPS_STORE=url, JUPYTER_DATA_DIR=str(tmp_path / "data"))
    try:
        said = kernel.load().stdout + track(kernel, "waiting", 2)
        assert said.count("The run waits in") == 1
        assert "hunter2" not in said
    finally:
        kernel.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".run" for path in files)
    assert not [path for path in files if b"hunter2" in path.read_bytes()]
