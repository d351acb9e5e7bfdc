"""A proof in a new environment made from the version's own lock, and what is said when there can be none."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from exportable import exportable_run

from jupyter_mlops.export import export_run, surroundings
from jupyter_mlops.export.lockfile import pin
from jupyter_mlops.store import Store, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'runs.db'}", str(tmp_path / "artifacts"))
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only wheels that lie in a folder can be installed."""
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("JUPYTER_MLOPS_ENVIRONMENTS", str(tmp_path / "environments"))


def add_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """A wheel that holds just these modules."""
    plain = name.replace("-", "_")
    facts = f"{plain}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{plain}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{facts}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{facts}/RECORD", "")


def test_without_an_index_the_verdict_says_what_could_not_be_installed(store: Store, tmp_path: Path) -> None:
    run = store.save_run(exportable_run(tmp_path, 0.75))
    said: list[str] = []
    version = export_run(store, run.run_id, "alone", tmp_path / "p", environment=True, progress=said.append)
    report = version.report
    assert (version.status, report.code) == ("rejected", "environment_failed")
    assert "could not be made from requirements.lock: " in report.cause
    assert "No matching distribution" in report.cause or "not found" in report.log
    assert report.log
    assert not report.metrics
    assert len(report.attempts) == 1  # more cells would not help
    assert any(text.startswith("Making a new environment") for text in said)
    assert not [folder for folder in (tmp_path / "environments").iterdir() if folder.is_dir()]


def test_the_proof_runs_in_what_the_lock_pins_and_keeps_it(store: Store, tmp_path: Path) -> None:
    run = store.save_run(exportable_run(tmp_path, 0.75))
    assert run.environment is not None
    lock, _ = pin(frozenset(), run.environment.executable)
    for line in lock.splitlines()[1:]:
        name, _, number = line.partition("==")
        # Of all that is pinned the pipeline itself takes YAML alone; a module tells what was installed.
        found = importlib.metadata.files("pyyaml") or [] if name == "pyyaml" else []
        files = {
            str(file): file.read_text() for file in found if file.suffix == ".py" and ".." not in file.parts
        }
        add_wheel(tmp_path / "wheels", name, number, files)
    said: list[str] = []
    for number in (1, 2):
        version = export_run(
            store, run.run_id, "whole", tmp_path / "p", environment=True, progress=said.append
        )
        assert version.status == "validated", (version.report.cause, version.report.log)
        assert version.version == number
        assert version.report.environment.startswith("a new environment made from requirements.lock")
    assert sum(text.startswith("Making a new environment") for text in said) == 1
    assert "The environment made from requirements.lock is there already." in said
    (folder,) = [folder for folder in (tmp_path / "environments").iterdir() if folder.is_dir()]
    asked = (
        "import importlib.metadata as m, json; print(json.dumps(sorted(d.name for d in m.distributions())))"
    )
    listed = subprocess.run(
        [folder / "bin/python", "-I", "-c", asked], capture_output=True, check=True
    ).stdout
    pinned = {line.partition("==")[0] for line in lock.splitlines()[1:]}
    assert set(json.loads(listed)) - {"pip", "setuptools"} == pinned


def test_only_the_last_few_environments_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "KEPT", 2)
    made = []
    for number in range(3):
        add_wheel(tmp_path / "wheels", "tiny", f"{number}.0", {"tiny.py": f"number = {number}"})
        lock = f"# pinned\ntiny=={number}.0\n"
        made.append(surroundings.make_surroundings(lock, sys.executable, print))
        assert not made[-1].kept
        told = subprocess.run(
            [made[-1].executable, "-I", "-c", "import tiny; print(tiny.number)"],
            capture_output=True,
            check=True,
        )
        assert told.stdout.split() == [str(number).encode()]
    assert len([folder for folder in (tmp_path / "environments").iterdir() if folder.is_dir()]) == 2
    again = surroundings.make_surroundings("tiny==2.0", sys.executable, print)
    assert (again.kept, again.executable) == (True, made[-1].executable)


def test_a_package_installed_from_a_folder_is_made_anew_when_its_files_change(tmp_path: Path) -> None:
    add_wheel(tmp_path / "wheels", "tiny", "1.0", {"tiny.py": "number = 1"})
    wheel = next((tmp_path / "wheels").iterdir())
    from_file = surroundings.make_surroundings(f"tiny @ {wheel.as_uri()}\n", sys.executable, print)
    command = [from_file.executable, "-I", "-c", "import tiny; print(tiny.number)"]
    assert subprocess.run(command, capture_output=True, check=True).stdout.split() == [b"1"]
    project = tmp_path / "project"
    project.mkdir()
    (project / "module.py").write_text("number = 1")
    pins = [f"project @ {project.as_uri()}", "plain==1.0"]
    before = list(surroundings.folder_states(pins))
    assert before == list(surroundings.folder_states(pins))
    (project / "module.py").write_text("number = 10")
    assert before != list(surroundings.folder_states(pins))
    assert not list(surroundings.folder_states(["plain==1.0", "x @ file:///no/such/folder"]))
