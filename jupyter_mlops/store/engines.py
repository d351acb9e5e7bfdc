"""SQLAlchemy engines: how connections are made, kept and begin their transactions."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from jupyter_mlops.config import FOLDER
from jupyter_mlops.errors import StoreError, StoreReadOnlyError

from . import sqlite

if TYPE_CHECKING:
    from pathlib import Path

WRITES: dict[str, Any] = {"mlops_writes": True}
"""Execution options of a connection that will write."""

_TURN_MILLISECONDS = 20

IDLE_SECONDS = 60.0
"""Seconds after which a PostgreSQL server ends a transaction in which nothing comes any more."""

# How libpq finds out that a server is gone without a word: after about half a minute, not after hours.
_DEAD_LINES = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}

# Connections are kept open, as many as threads have used at once; the one used last is used next, because
# its statements are prepared. Values are not shown in errors, where they could be anybody's.
_POOL: dict[str, Any] = {
    "poolclass": QueuePool,
    "pool_size": 8,
    "max_overflow": -1,
    "pool_use_lifo": True,
    "hide_parameters": True,
    "query_cache_size": 1000,
}


def sqlite_engine(path: Path, *, create: bool, patience: float) -> sa.Engine:
    """The engine of the file at `path`, whose folder is made if `create`; StoreError when it cannot be."""
    if not path.exists():
        if not create:
            raise StoreError(f"There is no store at {path}.", "Run a cell with %%track to begin one.")
        _refuse_orphans(path)
        _make_folder(path)
    elif path.is_dir():
        raise StoreError(f"The store {path} is a folder.", "Name a file in it, such as runs.db.")
    module = sqlite.sqlite_module()
    engine = sa.create_engine(
        "sqlite://", module=module, creator=lambda: sqlite.connect(module, path, patience), **_POOL
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("mlops_writes"):
            _begin_write(connection, patience)
        else:
            _begin(connection, "BEGIN")

    return engine


def _begin(connection: sa.Connection, statement: str) -> None:
    """Tell the driver itself: every save and every card begins a transaction, and this is all of it."""
    raw: Any = connection.connection.dbapi_connection
    try:
        raw.execute(statement)
    except connection.dialect.loaded_dbapi.OperationalError as error:
        raise sa.exc.OperationalError(statement, None, error, hide_parameters=True) from error
    except connection.dialect.loaded_dbapi.Error as error:
        raise sa.exc.DBAPIError(statement, None, error, hide_parameters=True) from error


def _begin_write(connection: sa.Connection, patience: float) -> None:
    """Begin a transaction that writes, when it is its turn.

    One that turned from reading to writing would fail as busy, however long it waited. SQLite itself asks
    more and more rarely the longer it has waited, so that among many writers some would wait for ever:
    here all ask equally often.
    """
    raw: Any = connection.connection.dbapi_connection
    raw.execute(f"PRAGMA busy_timeout={_TURN_MILLISECONDS}")
    until = time.monotonic() + patience
    try:
        while True:
            try:
                _begin(connection, "BEGIN IMMEDIATE")
            except sa.exc.OperationalError as error:
                if time.monotonic() > until or "locked" not in str(error.orig):
                    raise
            else:
                return
    finally:
        raw.execute(f"PRAGMA busy_timeout={round(patience * 1000)}")


def postgresql_engine(url: sa.URL, shown: str, *, patience: float) -> sa.Engine:
    """The engine of a PostgreSQL database; StoreError when its driver is missing."""
    # libpq counts in whole seconds, and takes less than two for two.
    seconds = max(2, min(5, round(patience)))
    bounds = {"connect_timeout": seconds, **_DEAD_LINES}
    arguments = {name: value for name, value in bounds.items() if name not in url.query}
    try:
        engine = sa.create_engine(url, connect_args=arguments, pool_pre_ping=True, **_POOL)
    except ImportError:
        raise StoreError(
            f"The store {shown} needs psycopg.", "Install it: pip install 'jupyter_mlops[postgresql]'."
        ) from None

    @sa.event.listens_for(engine, "connect")
    def bound_waiting(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {int(patience * 1000)}")
            # A program whose line has gone dead in the middle of a write must not keep all others waiting.
            cursor.execute(f"SET idle_in_transaction_session_timeout = {int(IDLE_SECONDS * 1000)}")
        connection.commit()

    return engine


def _refuse_orphans(path: Path) -> None:
    # A new file beside the log of an old one would make SQLite throw the log away, and runs with it.
    for suffix in ("-wal", "-journal"):
        log = path.with_name(path.name + suffix)
        if log.exists() and log.stat().st_size:
            raise StoreError(
                f"The store {path} is missing, while its log {log.name} is still there.",
                f"Put {path.name} back beside it, or move the log away to begin a new store.",
            )


def _make_folder(path: Path) -> None:
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.parent.name == FOLDER:  # ours alone, in the midst of a project: nothing to commit
                (path.parent / ".gitignore").write_text("*\n")
        writable = os.access(path.parent, os.W_OK | os.X_OK)
    except PermissionError:
        writable = False
    except OSError as error:
        raise StoreError(
            f"The folder of the store {path} cannot be made: {error.strerror or error}."
        ) from None
    if not writable:
        raise StoreReadOnlyError(
            f"The store {path} cannot be made, because its folder is read-only.",
            "Give yourself write access to the folder, or set JUPYTER_MLOPS_STORE.",
        )
