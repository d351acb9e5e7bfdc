"""Artifacts are found by what is in them, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_mlops.errors import ArtifactError
from jupyter_mlops.store.artifacts import LARGE, Artifacts, _waiting, _writers


@pytest.fixture(params=["folder", "file url", "memory"])
def artifacts(request, tmp_path):
    if request.param == "memory":
        return Artifacts(f"memory://{tmp_path.as_posix()}")
    return Artifacts(str(tmp_path / "kept") if request.param == "folder" else f"file://{tmp_path}/kept")


@pytest.mark.parametrize("data", [b"", b"figure", bytes(range(256)) * 10_000])
def test_bytes_come_back(artifacts, data):
    digest = artifacts.put(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert artifacts.get(digest) == data
    assert artifacts.put(data) == digest


def test_large_files_are_written_later_and_read_at_once(artifacts, monkeypatch):
    go = threading.Event()
    written = Artifacts.put

    def slow(self, data):
        assert go.wait(10)
        return written(self, data)

    monkeypatch.setattr(Artifacts, "put", slow)
    data = bytes(range(256)) * 10_000
    digest = artifacts.put_later(data)
    assert artifacts.get(digest) == data
    with pytest.raises(ArtifactError):
        Artifacts(artifacts._url + "/elsewhere").get(digest)
    go.set()
    settle()
    assert digest not in {key for _, key in _waiting}
    assert artifacts.get(digest) == data


def test_what_could_not_be_written_later_is_tried_again(tmp_path):
    (tmp_path / "kept").write_text("in the way")
    artifacts = Artifacts(str(tmp_path / "kept"))
    data = os.urandom(LARGE)
    digest = artifacts.put_later(data)
    settle()
    assert artifacts.get(digest) == data
    (tmp_path / "kept").unlink()
    artifacts.put_later(b"small")
    settle()
    assert (tmp_path / "kept" / digest[:2] / digest).read_bytes() == data


def settle():
    """Wait until the writer has done what it was given."""
    _writers[os.getpid()].submit(int).result(10)


def test_missing_artifacts_say_so(artifacts):
    with pytest.raises(ArtifactError, match="is not in"):
        artifacts.get("0" * 64)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64 + "\n", None])
def test_only_digests_are_looked_for(artifacts, digest):
    with pytest.raises(ArtifactError, match="no digest"):
        artifacts.get(digest)


def test_damage_is_noticed_and_mended_by_the_next_put(tmp_path):
    artifacts = Artifacts(str(tmp_path))
    digest = artifacts.put(b"whole")
    (tmp_path / digest[:2] / digest).write_bytes(b"wholf")
    with pytest.raises(ArtifactError, match="damaged"):
        artifacts.get(digest)
    (tmp_path / digest[:2] / digest).write_bytes(b"who")
    artifacts.put(b"whole")
    assert artifacts.get(digest) == b"whole"


def test_no_partial_file_stays_behind(tmp_path):
    artifacts = Artifacts(str(tmp_path))
    data = os.urandom(200_000)
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(lambda _: artifacts.put(data), range(16)))
    assert len(digests) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == list(digests)


def test_the_folder_stays_where_it_was_when_the_directory_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    artifacts = Artifacts("kept")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    digest = artifacts.put(b"x")
    assert (tmp_path / "kept" / digest[:2] / digest).read_bytes() == b"x"


def test_what_cannot_be_written_says_where_and_why(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError) as caught:
        Artifacts(str(tmp_path / "file" / "kept")).put(b"x")
    assert str(tmp_path / "file") in str(caught.value)
    with pytest.raises(ArtifactError, match="nonsense"):
        Artifacts("nonsense://user:secret@host/x").put(b"x")


def test_a_password_in_the_url_is_not_shown():
    with pytest.raises(ArtifactError) as caught:
        Artifacts("nonsense://user:secret@host/x").get("0" * 64)
    assert "secret" not in str(caught.value)


def test_a_system_without_atomic_writes_gets_a_rename(tmp_path):
    from fsspec.implementations.dirfs import DirFileSystem
    from fsspec.implementations.local import LocalFileSystem

    artifacts = Artifacts("dir://")
    artifacts._remote = DirFileSystem(path=str(tmp_path), fs=LocalFileSystem()), "kept"
    digest = artifacts.put(b"remote")
    assert artifacts.get(digest) == b"remote"
    assert [path.name for path in Path(tmp_path).rglob("*") if path.is_file()] == [digest]
