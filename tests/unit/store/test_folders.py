"""Where a store begins, and what it leaves there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.config import FOLDER, sqlite_url
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from pathlib import Path


def test_our_own_folder_in_a_project_is_left_out_of_its_commits(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    open_store(sqlite_url(folder / "runs.db"), str(folder / "artifacts")).close()
    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_folder_of_the_users_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    open_store(sqlite_url(folder / "runs.db"), str(folder / "artifacts")).close()
    assert not (folder / ".gitignore").exists()
