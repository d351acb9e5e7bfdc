"""Housekeeping as typed: exit codes, one JSON document, a sentence for what cannot be done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sample_runs import deeper_run, sample_run

from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(open_store(f"sqlite:///{tmp_path}/runs.db", str(tmp_path / "artifacts"))) as store:
        store.save_run(sample_run(1))
        store.save_run(deeper_run(2))
        store.delete_run(deeper_run(2).run_id)
    return tmp_path


def mlops(folder: Path, *arguments: object, store: str = "runs.db") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.cli", *map(str, arguments)],
        env={
            **os.environ,
            "JUPYTER_MLOPS_STORE": f"sqlite:///{folder / store}",
            "JUPYTER_DATA_DIR": str(folder),
        },
        cwd=folder,
        capture_output=True,
        text=True,
    )


def result(done: subprocess.CompletedProcess[str]) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_house_is_kept_from_a_terminal(folder: Path) -> None:
    assert result(mlops(folder, "backup", "saved", "--json"))["runs"] == 2
    refused = mlops(folder, "backup", "saved", "--json")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "there already" in refused.stderr
    assert result(mlops(folder, "restore", "saved", "--json", store="restored/runs.db"))["runs"] == 2
    again = mlops(folder, "merge", "runs.db", store="restored/runs.db")
    assert "2 runs were there already" in again.stdout
    assert "2 runs" in mlops(folder, "move", "moved/runs.db").stdout
    (room,) = result(mlops(folder, "size", "--json"))
    assert (room["experiment"], room["runs"], room["deleted_runs"]) == ("penguins", 2, 1)
    assert "1 runs" in mlops(folder, "gc", "--dry-run", "--days", "0").stdout
    assert result(mlops(folder, "gc", "--days", "0", "--json"))["runs"] == 1
    assert result(mlops(folder, "gc", "--days", "0", "--json"))["runs"] == 0
    data = (folder / "runs.db").read_bytes()
    (folder / "broken.db").write_bytes(data[: len(data) - 5000])
    damaged = mlops(folder, "runs", store="broken.db")
    assert damaged.returncode == 1
    assert "jupyter mlops salvage" in damaged.stderr
    assert "runs" in result(mlops(folder, "salvage", "broken.db", "new.db", "--json"))
    assert (folder / "broken.db").read_bytes() == data[: len(data) - 5000]
    assert mlops(folder, "salvage", "broken.db", "new.db").returncode == 2
    assert mlops(folder, "salvage", "nothing.db", "none/new.db").returncode == 2
    assert not (folder / "none" / "new.db").exists()
    (folder / "artifacts").mkdir(exist_ok=True)
    elsewhere = mlops(folder, "salvage", "broken.db", "elsewhere/new.db")
    assert f"Their files are still in {folder / 'artifacts'}" in elsewhere.stdout
    assert "x is no number of days" in mlops(folder, "gc", "--days", "x").stderr
    assert mlops(folder, "restore", "nowhere").returncode == 2
