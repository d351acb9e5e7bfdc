"""Files a cell opens, however it does."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from jupyter_mlops.capture.files import FileWatch, file_hash

if TYPE_CHECKING:
    from jupyter_mlops.records import FileUse


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("a,b\n1,2\n")
    return tmp_path


def modes(uses: tuple[FileUse, ...]) -> dict[str, str]:
    return {Path(use.path).name: use.mode for use in uses}


def test_reads_and_writes_are_told_apart(folder: Path) -> None:
    watch = FileWatch()
    watch.start()
    pd.read_csv("in.csv").to_csv(folder / "out.csv")
    with Path("log.txt").open("a") as log:
        log.write("x")
    os.close(os.open("raw.bin", os.O_CREAT | os.O_WRONLY))
    Path("in.csv").read_bytes()
    uses = watch.stop()
    assert modes(uses) == {"in.csv": "r", "out.csv": "w", "log.txt": "w", "raw.bin": "w"}
    assert {use.path for use in uses} == {str(folder / name) for name in modes(uses)}
    (read,) = (use for use in uses if use.mode == "r")
    assert (read.size, read.hash) == (8, file_hash(str(folder / "in.csv")))
    assert watch.relative


def test_folders_that_are_looked_into_are_told_but_not_those_of_imports(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "found_by_listing.py").write_text("")
    watch = FileWatch()
    watch.start()
    sys.path.insert(0, str(folder / "inner"))
    try:
        importlib.invalidate_caches()
        importlib.import_module("found_by_listing")
        list(importlib.metadata.distributions())
    finally:
        sys.path.remove(str(folder / "inner"))
        del sys.modules["found_by_listing"]
    assert list(Path(os.__file__).parent.iterdir())
    assert sorted(found.name for found in Path().iterdir()) == ["in.csv", "inner"]
    watch.stop()
    assert watch.listed == {str(folder)}


def test_a_file_read_and_written_is_both(folder: Path) -> None:
    watch = FileWatch()
    watch.start()
    (folder / "in.csv").write_text((folder / "in.csv").read_text() + "3,4\n")
    assert modes(watch.stop()) == {"in.csv": "rw"}
    assert not watch.relative


def test_a_string_that_names_a_file_stands_for_readers_that_do_not_tell(folder: Path) -> None:
    watch = FileWatch()
    watch.start()
    subprocess.run(["cp", "in.csv", "copied.csv"], check=True)
    uses = watch.stop(
        ["in.csv", "copied.csv", "a,b", "no such.csv", ".", "", "x" * 5000, "nul\0.csv", str(folder)]
    )
    assert modes(uses) == {"in.csv": "r", "copied.csv": "w"}


def test_a_path_relative_to_the_folder_of_the_moment_is_found_after_a_change_of_folder(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "inner.csv").write_text("a\n1\n")
    watch = FileWatch()
    watch.start()
    os.chdir("data")
    pd.read_csv("inner.csv")
    os.chdir("..")
    assert [use.path for use in watch.stop()] == [str(folder / "data" / "inner.csv")]


def test_files_of_the_system_the_interpreter_and_the_store_are_not_the_users(folder: Path) -> None:
    store = folder / "store"
    store.mkdir()
    (folder / ".git").mkdir()
    watch = FileWatch(ignored=[str(store)])
    watch.start()
    Path(os.__file__).read_bytes()
    Path("/proc/self/stat").read_bytes()
    (store / "runs.db").write_bytes(b"")
    (folder / ".git" / "HEAD").write_text("x")
    with pytest.raises(FileNotFoundError):
        Path("missing.csv").read_bytes()
    assert watch.stop() == ()


def test_other_threads_count_and_nothing_counts_afterwards(folder: Path) -> None:
    watch = FileWatch()
    watch.start()
    thread = threading.Thread(target=(folder / "in.csv").read_bytes)
    thread.start()
    thread.join()
    assert modes(watch.stop()) == {"in.csv": "r"}
    (folder / "later.txt").write_text("x")
    assert modes(watch.stop()) == {"in.csv": "r"}


def test_an_own_module_is_read_even_from_its_compiled_file(folder: Path) -> None:
    (folder / "own_module_of_files.py").write_text("x = 1\n")
    sys.path.insert(0, str(folder))
    try:
        for _ in range(2):
            watch = FileWatch()
            watch.start()
            __import__("own_module_of_files")
            assert modes(watch.stop())["own_module_of_files.py"] == "r"
            del sys.modules["own_module_of_files"]
    finally:
        sys.path.remove(str(folder))


def test_a_hash_follows_the_content(folder: Path) -> None:
    path = str(folder / "in.csv")
    before = file_hash(path)
    assert before == file_hash(path) != ""
    Path(path).write_text("a,b\n1,3\n")
    assert file_hash(path) not in ("", before)
    assert file_hash(str(folder)) == file_hash("missing") == file_hash("nul\0") == ""


def test_strange_paths_do_not_disturb_an_open(folder: Path) -> None:
    class Odd:
        def __fspath__(self) -> str:
            return "in.csv"

    watch = FileWatch()
    watch.start()
    descriptor = os.open("in.csv", os.O_RDONLY)
    with open(descriptor) as file, open(Odd()) as same, open(b"in.csv") as bytes_path:  # noqa: PTH123
        assert file.read() == same.read() == bytes_path.read()
    assert modes(watch.stop()) == {"in.csv": "r"}
