"""Runs, versions and artifacts kept for good: the only room that knows a database.

`open_store` opens SQLite or PostgreSQL, at the newest schema; everything else is a method of `Store`.
"""

from __future__ import annotations

from typing import Any

from .artifacts import Artifacts
from .batches import BatchWriter
from .best import Best
from .database import PATIENCE, Database
from .directions import Directions
from .edits import RunEditor
from .keeper import Keeper
from .locations import redacted
from .overview import FieldNames, Overview
from .references import References
from .runs import RunReader
from .spool import Bytes, Spool, Waiting, collect
from .versions import UNSET, Unset, Versions

__all__ = [
    "UNSET",
    "Best",
    "Bytes",
    "FieldNames",
    "Keeper",
    "Spool",
    "Store",
    "Unset",
    "Waiting",
    "collect",
    "open_store",
    "redacted",
]


class Store(BatchWriter, RunEditor, RunReader, Overview, References, Directions, Versions):
    """A store of runs, pipeline versions and artifacts, shared by threads, processes and forks.

    Attributes:
        url: Where the runs are, an SQLAlchemy URL; it may hold a password, so show ``redacted(url)``.
        artifacts_url: Where the artifacts are, a folder or an fsspec URL.
    """

    def __init__(
        self, url: str, artifacts_url: str, *, create: bool = True, patience: float = PATIENCE
    ) -> None:
        super().__init__(Database(url, create=create, patience=patience))
        self.url = url
        self.artifacts_url = artifacts_url
        self._artifacts = Artifacts(artifacts_url)

    def __repr__(self) -> str:
        return f"Store({redacted(self.url)!r}, {redacted(self.artifacts_url)!r})"

    def put_artifact(self, data: bytes, *, later: bool = False) -> str:
        """Keep `data`, whole or not at all, and return its sha-256; ArtifactError when that fails.

        With `later` a large file is written in the background; see `Artifacts.put_later`.
        """
        return self._artifacts.put_later(data) if later else self._artifacts.put(data)

    def get_artifact(self, digest: str) -> bytes:
        """The bytes of a sha-256; ArtifactError when they are missing or damaged."""
        return self._artifacts.get(digest)

    def describe(self) -> dict[str, Any]:
        """What `jupyter mlops doctor` shows: where the store is, which database, journal and schema."""
        return {**self._database.describe(), "artifacts": redacted(self.artifacts_url)}

    def close(self) -> None:
        """Let go of every connection."""
        self._database.close()


def open_store(url: str, artifacts_url: str, *, create: bool = True, patience: float = PATIENCE) -> Store:
    """Open the store at `url`, making it or bringing it to the newest schema where needed.

    Args:
        url: ``sqlite:///…/runs.db`` or ``postgresql+psycopg://user@host/database``.
        artifacts_url: A folder or an fsspec URL.
        create: Whether a missing SQLite file is made; otherwise it is a StoreError.
        patience: Seconds that a call waits for others that write, before it is a StoreError.

    Raises:
        StoreError: It cannot be reached, is damaged or belongs to something else.
        StoreReadOnlyError: It would have to be written before it can be used, and cannot be.
        StoreVersionError: A newer version made it; it is left untouched.
    """
    return Store(url, artifacts_url, create=create, patience=patience)
