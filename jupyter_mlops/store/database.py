"""The engine: connections, transactions, migrations, forks.

A `Database` is opened once and shared by all threads. A write begins with ``BEGIN IMMEDIATE`` (a
transaction that turns from reading to writing midway fails as busy, however long it would wait) and
first of all counts up `state.revision`. That row is therefore a lock: writers go one by one on
PostgreSQL too, which keeps run numbers gapless and alias moves in order.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from jupyter_mlops.errors import StoreError, StoreReadOnlyError, StoreVersionError

from . import locations, sqlite
from .failures import explained
from .schema import REVISIONS, VERSION_TABLE, metadata, state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BUMP = sa.update(state).where(state.c.id == 1).values(revision=state.c.revision + 1)
_WRITE = "mlops_write"
_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_abandoned: list[sa.Engine] = []
FORK_SECONDS = 5.0


class Database:
    """One SQLite file or PostgreSQL database, opened and at the newest schema.

    Args:
        url: An SQLAlchemy URL.
        create: Whether a missing SQLite file is made; otherwise it is a StoreError.

    Raises:
        StoreError: It cannot be reached or is not ours; StoreReadOnlyError, it would have to be
            written to be used; StoreVersionError, a newer version made it.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.shown = locations.redacted(url)
        self._url = locations.parse(url)
        self.dialect = self._url.get_backend_name()
        self.path = locations.database_path(self._url) if self.dialect == "sqlite" else None
        if self.path is not None:
            self.shown = str(self.path)
        self.journal = ""
        self.generation = 0
        self._create = create
        self._gate = threading.Condition()
        self._active = 0
        self._forking = False
        self._closed = False
        self._pid = os.getpid()
        self._identity: tuple[int, int] | None = None
        self._engine: sa.Engine | None = None
        self._writer: sa.Engine
        self._reader: sa.Engine
        _databases.add(self)
        self._ready()

    def __repr__(self) -> str:
        return f"Database({self.shown!r})"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection whose statements all see one state of the database."""
        with self._turn(), self._explaining():
            self._ready()
            with self._reader.connect() as connection, connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A connection in a transaction that is committed, durably, when the block ends without an error."""
        with self._turn(), self._explaining():
            self._ready()
            with self._writer.connect() as connection, connection.begin():
                connection.execute(_BUMP)
                yield connection

    @contextmanager
    def touch(self) -> Iterator[sa.Connection]:
        """As `write`, for what no list shows: the revision stays as it is."""
        with self._turn(), self._explaining():
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
        with self._gate:
            self._closed = True
        self._drop_engine()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if os.getpid() != self._pid:
            _forget_parent(self)
        with self._gate:
            while self._forking:
                self._gate.wait()
            self._active += 1
        try:
            yield
        finally:
            with self._gate:
                self._active -= 1
                self._gate.notify_all()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise explained(error, self.shown, self._url) from None

    def _ready(self) -> None:
        """Open the engine if there is none, or if the file is no longer the one that was opened."""
        if self._closed:
            raise StoreError(f"The store {self.shown} is closed.", "Open it again with open_store.")
        if self._engine is not None and (self.path is None or _identity(self.path) == self._identity):
            return
        with self._gate:
            if self._engine is None or (self.path is not None and _identity(self.path) != self._identity):
                self._drop_engine()
                with self._explaining():
                    self._open()

    def _drop_engine(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _open(self) -> None:
        engine = self._sqlite_engine(self.path) if self.path is not None else self._postgresql_engine()
        try:
            self._migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        reading: dict[str, Any] = {} if self.path is not None else {"isolation_level": "REPEATABLE READ"}
        self._reader = engine.execution_options(**reading)
        self._writer = engine.execution_options(**{_WRITE: True})
        self._identity = _identity(self.path) if self.path is not None else None
        self.generation += 1
        self._engine = engine

    def _sqlite_engine(self, path: Path) -> sa.Engine:
        if not path.exists():
            if not self._create:
                raise StoreError(f"There is no store at {path}.", "Run a cell with %%track to begin one.")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except PermissionError:
                raise _unwritable(path) from None
            except OSError as error:
                raise StoreError(
                    f"The folder of the store {path} cannot be made: {error.strerror or error}."
                ) from None
            if not os.access(path.parent, os.W_OK | os.X_OK):
                raise _unwritable(path)
        elif path.is_dir():
            raise StoreError(f"The store {path} is a folder.", "Name a file in it, such as runs.db.")
        module = sqlite.sqlite_module()
        engine = sa.create_engine(
            "sqlite://",
            module=module,
            creator=lambda: sqlite.connect(module, path),
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=-1,
            pool_use_lifo=True,
            hide_parameters=True,
            query_cache_size=1000,
        )

        @sa.event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            writes = connection.get_execution_options().get(_WRITE)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

        return engine

    def _postgresql_engine(self) -> sa.Engine:
        try:
            return sa.create_engine(
                self._url,
                connect_args={} if "connect_timeout" in self._url.query else {"connect_timeout": 5},
                pool_size=8,
                max_overflow=-1,
                pool_use_lifo=True,
                pool_pre_ping=True,
                hide_parameters=True,
                query_cache_size=1000,
            )
        except ImportError:
            raise StoreError(
                f"The store {self.shown} needs psycopg.",
                "Install it: pip install 'jupyter_mlops[postgresql]'.",
            ) from None

    def _migrate(self, engine: sa.Engine) -> None:
        """Bring the schema to the newest revision; nothing is written when it is there already."""
        with engine.connect() as connection:
            revision = self._revision(connection)
            if revision != "" and self.path is not None:
                self._settle(connection, engine)
        if revision == REVISIONS[-1]:
            return
        if self.path is not None:
            with engine.connect() as connection:
                self._settle(connection, engine)
        with engine.execution_options(**{_WRITE: True}).connect() as connection, connection.begin():
            if self.path is None:
                # Two servers may begin at once; the number is arbitrary, and ours.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7203114906)"))
            if self._revision(connection) == REVISIONS[-1]:
                return
            # A user who turned logging on did not ask for Alembic's notes in a cell's output.
            if not (notes := logging.getLogger("alembic")).level:
                notes.setLevel(logging.WARNING)
            from .migrations import upgrade

            upgrade(connection)
            if connection.execute(sa.select(state.c.id)).first() is None:
                connection.execute(sa.insert(state).values(id=1, store_id=uuid.uuid4().hex, revision=0))

    def _settle(self, connection: sa.Connection, engine: sa.Engine) -> None:
        raw: Any = connection.connection.dbapi_connection
        if connection.in_transaction():
            connection.rollback()
        module: Any = engine.dialect.dbapi
        if self.path is not None:
            try:
                self.journal = sqlite.settle_journal(raw, self.path, module.sqlite_version_info)
            except module.Error as error:
                raise explained(error, self.shown, self._url) from None

    def _revision(self, connection: sa.Connection) -> str:
        """The schema revision there is, empty for a new database; StoreError when it is not ours."""
        names = self._tables(connection)
        if VERSION_TABLE not in names:
            taken = names & set(metadata.tables) if self.path is None else names
            if taken:
                raise StoreError(
                    f"The database {self.shown} belongs to something else: it has a table {min(taken)!r}.",
                    "Give jupyter_mlops a file or database of its own with JUPYTER_MLOPS_STORE.",
                )
            return ""
        found = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()  # noqa: S608
        if found is None:
            return ""
        if found not in REVISIONS:
            raise StoreVersionError(
                f"The store {self.shown} was made by a newer version of jupyter_mlops (schema {found}, "
                f"this one knows {REVISIONS[-1]})."
            )
        return str(found)

    def _tables(self, connection: sa.Connection) -> set[str]:
        """The names of the tables there are, SQLite's own left out."""
        if self.path is not None:
            names = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).scalars()
            return {name for name in names if not name.startswith("sqlite_")}
        visible = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v') AND pg_table_is_visible(oid)"
        return set(connection.exec_driver_sql(visible).scalars())


def _unwritable(path: Path) -> StoreReadOnlyError:
    return StoreReadOnlyError(
        f"The store {path} cannot be made, because its folder is read-only.",
        "Give yourself write access to the folder, or set JUPYTER_MLOPS_STORE.",
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _forget_parent(database: Database) -> None:
    """In a forked child: leave the parent's connections alone and begin anew.

    They are kept referenced, because closing them here would disturb the parent's locks.
    """
    engine, database._engine = database._engine, None
    if engine is not None:
        _abandoned.append(engine)
    database._gate = threading.Condition()
    database._active = 0
    database._forking = False
    database._pid = os.getpid()


def _before_fork() -> None:
    # SQLite's bookkeeping of locks must not be copied while a connection is open: the child would take
    # the parent's locks for its own.
    until = time.monotonic() + FORK_SECONDS
    for database in list(_databases):
        with database._gate:
            database._forking = True
            while database._active and time.monotonic() < until:
                database._gate.wait(0.1)
        database._drop_engine()


def _after_fork_in_parent() -> None:
    for database in list(_databases):
        with database._gate:
            database._forking = False
            database._gate.notify_all()


def _after_fork_in_child() -> None:
    for database in list(_databases):
        _forget_parent(database)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
