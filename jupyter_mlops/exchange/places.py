"""The files of a run, wherever its tracker put them, and the databases of trackers."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from jupyter_mlops.errors import UsageError

from .foreign import ForeignFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST = 10_000
"""Files of one run beyond this are left where they are."""


@contextmanager
def opened_database(path: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite file, read-only, for a ``with`` block; UsageError where it is none."""
    connection = None
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise UsageError(f"{path} cannot be read: {error}.", "Give a SQLite file.") from error
    try:
        yield connection
    finally:
        connection.close()


def tables_of(connection: sqlite3.Connection) -> set[str]:
    """The names of a database's tables."""
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def files_below(place: str, *, prefix: str = "", kind: str = "file") -> list[ForeignFile]:
    """The files below a folder or fsspec URL, each under its path with `prefix`; none where it is missing.

    Raises:
        OSError: The place cannot be read, or nothing here can read its kind.
    """
    if (folder := local_folder(place)) is not None:
        found = sorted(file for file in folder.rglob("*") if file.is_file() and _inside(file, folder))
        return [
            ForeignFile(
                prefix + file.relative_to(folder).as_posix(), file.read_bytes, file.stat().st_size, kind
            )
            for file in found[:MOST]
        ]
    import fsspec

    try:
        system, root = fsspec.url_to_fs(place)
        listed: dict[str, dict[str, int]] = system.find(root, detail=True) if system.exists(root) else {}
    except (ImportError, ValueError) as error:
        raise OSError(f"{place}: {error}") from error
    return [
        ForeignFile(
            prefix + name.removeprefix(root).lstrip("/"),
            partial(system.cat_file, name),
            about.get("size"),
            kind,
        )
        for name, about in sorted(listed.items())[:MOST]
    ]


def local_folder(place: str) -> Path | None:
    """The folder that a path or ``file:`` URL names; None for a URL of another kind."""
    parts = urlsplit(place)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    # One letter is a drive of Windows.
    return Path(place) if len(parts.scheme) < 2 else None


def first_folder(places: Sequence[Path]) -> Path | None:
    """The first of `places` that is there."""
    return next((place for place in places if place.is_dir()), None)


def _inside(file: Path, folder: Path) -> bool:
    """Whether a file really lies in its folder: a link may point anywhere."""
    return file.resolve().is_relative_to(folder.resolve())
