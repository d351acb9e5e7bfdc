"""The database as the rest of the room sees it: something to read in and something to write in.

A `Database` is opened once and shared by all threads. A write first of all counts up
`state.revision`. That row is therefore a lock: writers go one by one on PostgreSQL too, which keeps
run numbers gapless and alias moves in order.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from jupyter_mlops.errors import StoreError

from . import locations, sqlite
from .engines import WRITES, postgresql_engine, sqlite_engine
from .failures import damaged, explained
from .gate import Gate
from .revisions import bring_up_to_date, current_revision
from .schema import REVISIONS, state
from .statements import Prepared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 10.0
"""Seconds that a store waits for others unless told otherwise."""

_BUMP = Prepared(sa.update(state).where(state.c.id == 1).values(revision=state.c.revision + 1), ())
_abandoned: list[sa.Engine] = []


class Database:
    """One SQLite file or PostgreSQL database, opened and at the newest schema.

    Args:
        url: An SQLAlchemy URL.
        create: Whether a missing SQLite file is made; otherwise it is a StoreError.
        patience: Seconds to wait for others that write, or for a server that does not answer.

    Raises:
        StoreError: It cannot be reached or is not ours; StoreReadOnlyError, it would have to be
            written to be used; StoreVersionError, a newer version made it.
    """

    def __init__(self, url: str, *, create: bool = True, patience: float = PATIENCE) -> None:
        self.shown = locations.redacted(url)
        self._url = locations.parse(url)
        self.dialect = self._url.get_backend_name()
        self.path = locations.database_path(self._url) if self.dialect == "sqlite" else None
        if self.path is not None:
            self.shown = str(self.path)
        self.journal = ""
        self.generation = 0
        self._create = create
        self._patience = patience
        self._closed = False
        self._identity: tuple[int, int] | None = None
        self._engine: sa.Engine | None = None
        self._writer: sa.Engine
        self._reader: sa.Engine
        self._gate = Gate(self._drop_engine, self._abandon_engine)
        self._ready()

    def __repr__(self) -> str:
        return f"Database({self.shown!r})"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection whose statements all see one state of the database."""
        with self._gate.turn(), self._explaining():
            self._ready()
            with self._reader.connect() as connection, connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that is committed, durably, when the block ends without an error."""
        with self._gate.turn(), self._explaining():
            self._ready()
            with self._writer.connect() as connection, connection.begin():
                _BUMP.execute(connection, {})
                yield connection

    @contextmanager
    def touch(self) -> Iterator[sa.Connection]:
        """As `write`, for what no list shows: the revision stays as it is."""
        with self._gate.turn(), self._explaining():
            self._ready()
            with self._writer.connect() as connection, connection.begin():
                yield connection

    def now(self) -> sa.ColumnElement[int]:
        """The time in microseconds: this machine's for a file, the server's where machines share one."""
        if self.dialect == "sqlite":
            return sa.literal(time.time_ns() // 1000, sa.BigInteger)
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1_000_000, sa.BigInteger)

    def describe(self) -> dict[str, Any]:
        """Where the store is, and which database, version, journal and schema it has."""
        with self.read() as connection:
            dialect = connection.dialect
            server = (
                getattr(dialect.dbapi, "sqlite_version", "")
                if self.path is not None
                else str(connection.exec_driver_sql("SHOW server_version").scalar())
            )
        return {
            "store": self.shown,
            "database": f"{self.dialect} {server}",
            "driver": getattr(dialect.dbapi, "__name__", ""),
            "journal": self.journal,
            "schema": REVISIONS[-1],
        }

    def close(self) -> None:
        """Let go of every connection; any later use is a StoreError."""
        self._closed = True
        self._drop_engine()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise explained(error, self.shown, self._url) from None
        except UnicodeDecodeError as error:  # of a text in the file, or of what SQLite says of it
            raise damaged(self.shown, str(error)) from None

    def _ready(self) -> None:
        """Open the engine if there is none, or if the file is no longer the one that was opened."""
        if self._closed:
            raise StoreError(f"The store {self.shown} is closed.", "Open it again with open_store.")
        if self._engine is not None and (self.path is None or _identity(self.path) == self._identity):
            return
        with self._gate.lock:
            if self._engine is None or (self.path is not None and _identity(self.path) != self._identity):
                self._drop_engine()
                with self._explaining():
                    self._open()

    def _drop_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _abandon_engine(self) -> None:
        # Kept referenced: to close the parent's connections in a child would disturb the parent's locks.
        engine, self._engine = self._engine, None
        if engine is not None:
            _abandoned.append(engine)

    def _open(self) -> None:
        if self.path is not None:
            engine = sqlite_engine(self.path, create=self._create, patience=self._patience)
        else:
            engine = postgresql_engine(self._url, self.shown, patience=self._patience)
        try:
            self._migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        self._reader = engine
        if self.path is None:
            self._reader = engine.execution_options(isolation_level="REPEATABLE READ")
        self._writer = engine.execution_options(**WRITES)
        self._identity = None if self.path is None else _identity(self.path)
        self.generation += 1
        self._engine = engine

    def _migrate(self, engine: sa.Engine) -> None:
        """Bring the schema to the newest revision; nothing is written when it is there already."""
        with engine.connect() as connection:
            # Before anything else, so that a store that is newer or not ours is left untouched.
            revision = current_revision(connection, self.shown)
            connection.rollback()
            if self.path is not None:
                module: Any = engine.dialect.dbapi
                raw: Any = connection.connection.dbapi_connection
                try:
                    self.journal = sqlite.settle_journal(raw, self.path, module.sqlite_version_info)
                except module.Error as error:
                    raise explained(error, self.shown, self._url) from None
        if revision != REVISIONS[-1]:
            self._bring_up_to_date(engine)

    def _bring_up_to_date(self, engine: sa.Engine) -> None:
        with engine.execution_options(**WRITES).connect() as connection:
            raw: Any = connection.connection.dbapi_connection
            # What refers to a table would hinder its being rebuilt. In a transaction it is too late.
            if self.dialect == "sqlite":
                raw.execute("PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    bring_up_to_date(connection, self.shown)
            finally:
                if self.dialect == "sqlite":
                    raw.execute("PRAGMA foreign_keys=ON")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
