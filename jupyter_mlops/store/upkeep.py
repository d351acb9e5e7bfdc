"""Keeping house: backup, restore, merge, move, what takes how much room, and what can go for good."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from jupyter_mlops.errors import ArtifactError, StoreError, UsageError
from jupyter_mlops.records import Run

from .batches import AT_ONCE
from .copying import Copied, copy_rows
from .documents import content, decode
from .schema import (
    curves,
    datasets,
    details,
    environments,
    executions,
    metrics,
    params,
    pipeline_versions,
    runs,
    tags,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from . import Store

GRACE_SECONDS = 86_400
"""A file this young may belong to a run that is just being written."""

_MANIFEST = "backup.json"
_DIGEST = re.compile(rb"[0-9a-f]{64}")


class Backup(msgspec.Struct):
    """What a backup says of itself."""

    made: str
    schema: str
    runs: int
    artifacts: int
    missing_artifacts: int
    sha256: str
    path: str = ""


class Freed(msgspec.Struct):
    """What `collect_garbage` took away, or would take away."""

    dry_run: bool
    runs: int = 0
    executions: int = 0
    environments: int = 0
    artifacts: int = 0
    artifact_bytes: int = 0
    notes: list[str] = []


class Room(msgspec.Struct):
    """What an experiment takes: bytes of its runs' records, curves and files (shared ones counted once)."""

    experiment: str
    runs: int
    deleted_runs: int
    record_bytes: int
    curve_bytes: int
    artifacts: int
    artifact_bytes: int


def back_up(store: Store, folder: Path) -> Backup:
    """Copy the whole store into a new folder, as it stands at one moment, while others go on writing.

    Raises:
        UsageError: The folder is there and not empty.
        StoreError: It cannot be written; nothing is left behind.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already.", "Name a new folder for the backup.")
    partial = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        partial.mkdir(parents=True)
        _copy_database(store, partial / "runs.db")
        from . import open_store

        with closing(open_store(f"sqlite:///{partial / 'runs.db'}", str(partial / "artifacts"))) as copy:
            with copy._database.read() as connection:
                ids = list(connection.execute(sa.select(runs.c.run_id)).scalars())
            kept, missing = copy_artifacts(store, copy, ids)
        _fold(partial / "runs.db")
        backup = Backup(
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            schema=store.describe()["schema"],
            runs=len(ids),
            artifacts=kept,
            missing_artifacts=missing,
            sha256=_sha256(partial / "runs.db"),
        )
        (partial / _MANIFEST).write_text(json.dumps(msgspec.to_builtins(backup), indent=1))
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        raise StoreError(f"The backup {folder} cannot be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    backup.path = str(folder)
    return backup


def restore(store: Store, folder: Path) -> Copied:
    """Bring a backup back into a store that holds nothing.

    Raises:
        UsageError: The store holds runs or versions, or the folder is no backup.
        StoreError: The backup is damaged.
    """
    try:
        backup = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Backup)
    except (OSError, msgspec.DecodeError):
        raise UsageError(f"{folder} is no backup.", f"A backup is a folder with a {_MANIFEST}.") from None
    if _sha256(folder / "runs.db") != backup.sha256:
        raise StoreError(
            f"The backup {folder} is damaged: runs.db is not what was written.",
            "Try `jupyter mlops salvage` on its runs.db, or an older backup.",
        )
    _check_empty(store)
    with tempfile.TemporaryDirectory() as place:
        # Opening it may bring it to the newest schema: a copy, so that the backup stays what it is.
        shutil.copyfile(folder / "runs.db", Path(place) / "runs.db")
        from . import open_store

        with closing(open_store(f"sqlite:///{Path(place) / 'runs.db'}", str(folder / "artifacts"))) as source:
            return merge(store, source)


def move(store: Store, target: Store) -> Copied:
    """Copy the whole store into an empty one and compare; the old one is left as it is."""
    _check_empty(target)
    copied = merge(target, store)
    with store._database.read() as old, target._database.read() as new:
        for table in (runs, details, params, metrics, tags, curves, executions, pipeline_versions):
            count = sa.select(sa.func.count()).select_from(table)
            if old.execute(count).scalar_one() > new.execute(count).scalar_one():
                raise StoreError(
                    f"Not all {table.name} have arrived: the old store was written meanwhile.",
                    "Stop the kernels and servers that use it, then `jupyter mlops merge` what is missing.",
                )
    return copied


def merge(store: Store, source: Store) -> Copied:
    """Copy into `store` what it lacks of `source`; doing it again changes nothing."""
    identity = sa.text("SELECT store_id FROM state")
    with store._database.read() as here, source._database.read() as there:
        if here.execute(identity).scalar() == there.execute(identity).scalar():
            raise UsageError("The two are one store.", "Name another store to take runs from.")
    copied, new = copy_rows(source._database, store._database)
    copied.artifacts, copied.missing_artifacts = copy_artifacts(source, store, new)
    return copied


def copy_artifacts(source: Store, target: Store, run_ids: Iterable[str]) -> tuple[int, int]:
    """Copy the files of runs; how many there are and how many the source itself has not."""
    kept = missing = 0
    for digest in sorted(_digests_of(source, run_ids)):
        try:
            target.put_artifact(source.get_artifact(digest))
            kept += 1
        except ArtifactError:
            missing += 1
    return kept, missing


def sizes(store: Store) -> list[Room]:
    """What each experiment takes, the largest first."""
    with store._database.read() as connection:
        counted = sa.select(
            runs.c.experiment,
            sa.func.count().label("runs"),
            sa.func.count(runs.c.deleted_at).label("deleted"),
            sa.func.sum(sa.func.length(runs.c.summary)).label("bytes"),
        ).group_by(runs.c.experiment)
        rooms = {
            row.experiment: Room(row.experiment, row.runs, row.deleted, int(row.bytes or 0), 0, 0, 0)
            for row in connection.execute(counted)
        }
        for table, column, field in (
            (details, details.c.document, "record_bytes"),
            (curves, curves.c.data, "curve_bytes"),
        ):
            summed = (
                sa.select(runs.c.experiment, sa.func.sum(sa.func.length(column)))
                .join_from(table, runs, table.c.run_id == runs.c.run_id)
                .group_by(runs.c.experiment)
            )
            for experiment, size in connection.execute(summed):
                setattr(rooms[experiment], field, getattr(rooms[experiment], field) + int(size or 0))
        files: dict[str, dict[str, int]] = {}
        documents = sa.select(runs.c.experiment, details.c.document).join_from(
            details, runs, details.c.run_id == runs.c.run_id
        )
        for experiment, document in connection.execute(documents):
            run = decode(document, Run, f"a run of {experiment}")
            files.setdefault(experiment, {}).update({file.digest: file.size for file in run.artifacts})
    for experiment, found in files.items():
        rooms[experiment].artifacts = len(found)
        rooms[experiment].artifact_bytes = sum(found.values())
    return sorted(
        rooms.values(), key=lambda room: -(room.record_bytes + room.curve_bytes + room.artifact_bytes)
    )


class _Undo(Exception):  # noqa: N818 — it is no error
    """Ends the transaction of a dry run."""


def collect_garbage(store: Store, *, older_than: float, dry_run: bool) -> Freed:
    """Take away for good what nothing leads to any more.

    That is: runs deleted more than `older_than` seconds ago, unless a version was made from them;
    executed cells and environments of no run; and, in the folder beside an SQLite store, which is
    nobody else's, the files of no run. `dry_run` only counts them.
    """
    freed = Freed(dry_run)
    unused: list[Path] = []
    limit = time.time_ns() // 1000 - int(older_than * 1_000_000)
    try:
        with store._database.write() as connection:
            _delete_runs(connection, limit, freed)
            orphans = executions.c.session_id.not_in(sa.select(runs.c.session_id))
            freed.executions = connection.execute(sa.delete(executions).where(orphans)).rowcount
            used = sa.select(runs.c.environment).where(runs.c.environment.is_not(None))
            unneeded = environments.c.digest.not_in(used)
            freed.environments = connection.execute(sa.delete(environments).where(unneeded)).rowcount
            unused = _unused_files(store, connection, freed)
            if dry_run:
                raise _Undo
    except _Undo:
        return freed
    for path in unused:
        path.unlink(missing_ok=True)
    return freed


def _delete_runs(connection: sa.Connection, limit: int, freed: Freed) -> None:
    exported = sa.select(pipeline_versions.c.run_id)
    old = sa.select(runs.c.run_id).where(runs.c.deleted_at < limit, runs.c.run_id.not_in(exported))
    ids = list(connection.execute(old).scalars())
    freed.runs = len(ids)
    for start in range(0, len(ids), AT_ONCE):
        piece = ids[start : start + AT_ONCE]
        for table in (details, params, metrics, tags, datasets, curves, runs):
            connection.execute(sa.delete(table).where(table.c.run_id.in_(piece)))


def _unused_files(store: Store, connection: sa.Connection, freed: Freed) -> list[Path]:
    folder, path = store._artifacts.folder, store._database.path
    if folder is None or path is None or folder != path.parent / "artifacts":
        freed.notes.append("The artifacts lie where other stores may use them too, and were left alone.")
        return []
    mentioned: set[str] = set()
    for table in (details, pipeline_versions):
        for document in connection.execute(sa.select(table.c.document)).scalars():
            # Whatever looks like a digest, wherever a record may have one.
            mentioned.update(found.decode() for found in _DIGEST.findall(content(document)))
    unused = []
    young = time.time() - GRACE_SECONDS
    for file in folder.glob("??/*"):
        if file.name.partition(".")[0] in mentioned and "." not in file.name:
            continue
        found = file.stat()
        if found.st_mtime < young:
            unused.append(file)
            freed.artifact_bytes += found.st_size
    freed.artifacts = len(unused)
    return unused


def _check_empty(store: Store) -> None:
    with store._database.read() as connection:
        for table in (runs, pipeline_versions):
            if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
                raise UsageError(
                    f"The store {store._database.shown} is not empty.",
                    "Name a new one, or bring two stores together with `jupyter mlops merge`.",
                )


def _digests_of(store: Store, run_ids: Iterable[str]) -> set[str]:
    ids = list(run_ids)
    found: set[str] = set()
    with store._database.read() as connection:
        for start in range(0, len(ids), AT_ONCE):
            query = sa.select(details.c.run_id, details.c.document)
            for row in connection.execute(query.where(details.c.run_id.in_(ids[start : start + AT_ONCE]))):
                run = decode(row.document, Run, f"run {row.run_id}")
                found.update(file.digest for file in run.artifacts)
                found.update(model.digest for model in run.models if model.digest)
    return found - {""}


def _copy_database(store: Store, path: Path) -> None:
    """The database as one SQLite file, consistent, without stopping anybody."""
    if store._database.path is None:
        from . import open_store

        with closing(open_store(f"sqlite:///{path}", str(path.parent / "artifacts"))) as copy:
            copy_rows(store._database, copy._database)
        return
    from . import sqlite

    target = sqlite.sqlite_module().connect(str(path))
    try:
        with store._database.read() as connection:
            raw: Any = connection.connection.dbapi_connection
            connection.exec_driver_sql("SELECT 1 FROM state")
            raw.backup(target)
    finally:
        target.close()


def _fold(path: Path) -> None:
    """Bring a database's log into its file, which is then all there is of it."""
    from . import sqlite

    connection = sqlite.sqlite_module().connect(str(path), isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.") from None
    return digest.hexdigest()
