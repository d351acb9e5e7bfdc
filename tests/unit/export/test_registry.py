"""Version folders: whole, numbered without gaps, also when several exports end at once."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import pytest

from jupyter_mlops.errors import ExportError
from jupyter_mlops.export.registry import publish, staging
from jupyter_mlops.records import PipelineVersion, ValidationReport, now
from jupyter_mlops.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path / 'runs.db'}", str(tmp_path / "artifacts"))


def export(store: Store, directory: Path, name: str = "case", text: str = "x") -> PipelineVersion:
    with staging(directory, name) as folder:
        (folder / "pipeline.py").write_text(text)

        def finish(number: int, target: Path) -> PipelineVersion:
            (folder / "number").write_text(str(number))
            report = ValidationReport(verdict="validated")
            return PipelineVersion(
                name=name,
                version=number,
                path=str(target),
                status="validated",
                run_id="r",
                created_at=now(),
                report=report,
            )

        return publish(store, folder, directory, name, finish)


def test_numbers_have_no_gaps_under_concurrent_exports(store: Store, tmp_path: Path) -> None:
    versions: list[PipelineVersion] = []
    threads = [
        threading.Thread(target=lambda n=n: versions.append(export(store, tmp_path / "p", text=str(n))))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(version.version for version in versions) == [1, 2, 3, 4, 5, 6]
    for version in versions:
        assert (Path(version.path) / "number").read_text() == str(version.version)
    assert sorted(place.name for place in (tmp_path / "p" / "case").iterdir()) == [
        f"v{n}" for n in range(1, 7)
    ]


def export_in_a_process(url: str, folder: str, number: int) -> None:
    store = open_store(url, f"{folder}/artifacts")
    export(store, Path(folder) / "p", text=str(number))
    store.close()


def test_numbers_have_no_gaps_when_processes_export_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    store = open_store(url, str(tmp_path / "artifacts"))
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=export_in_a_process, args=(url, str(tmp_path), number)) for number in range(4)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    found = store.versions("case")
    store.close()
    assert sorted(version.version for version in found) == [1, 2, 3, 4]
    assert sorted(place.name for place in (tmp_path / "p" / "case").iterdir()) == ["v1", "v2", "v3", "v4"]


def test_one_name_in_two_directories_shares_its_numbers(store: Store, tmp_path: Path) -> None:
    assert export(store, tmp_path / "one").version == 1
    assert export(store, tmp_path / "two").version == 2
    assert export(store, tmp_path / "one").version == 3


def test_a_folder_nobody_registered_is_left_alone(store: Store, tmp_path: Path) -> None:
    stray = tmp_path / "p" / "case" / "v1"
    stray.mkdir(parents=True)
    (stray / "pipeline.py").write_text("somebody's")
    assert export(store, tmp_path / "p").version == 2
    assert (stray / "pipeline.py").read_text() == "somebody's"


def test_a_failed_export_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), staging(tmp_path / "p", "case") as folder:
        publish(store, folder, tmp_path / "p", "case", lambda number, target: 1 / 0)  # type: ignore[arg-type, return-value]
    assert list((tmp_path / "p" / "case").iterdir()) == []
    assert store.versions("case") == []


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"), staging(tmp_path / "file", "case"):
        pass
