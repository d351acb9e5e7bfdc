"""Which schema a database has, and bringing it to the newest.

The version row is read here, by hand: importing Alembic takes longer than opening a store, and most
stores are up to date.
"""

from __future__ import annotations

import logging
import uuid

import sqlalchemy as sa

from jupyter_mlops.errors import StoreError, StoreVersionError

from .schema import REVISIONS, VERSION_TABLE, metadata, state

_LOCK = "SELECT pg_advisory_xact_lock(7203114906)"  # an arbitrary number, and ours
_VISIBLE = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v') AND pg_table_is_visible(oid)"


def current_revision(connection: sa.Connection, shown: str) -> str:
    """The schema revision of the database, empty for a new one.

    Raises:
        StoreVersionError: A newer version of jupyter_mlops made it.
        StoreError: It holds something else.
    """
    names = _tables(connection)
    if VERSION_TABLE not in names:
        taken = names if connection.dialect.name == "sqlite" else names & set(metadata.tables)
        if taken:
            raise StoreError(
                f"The database {shown} belongs to something else: it has a table {min(taken)!r}.",
                "Give jupyter_mlops a file or database of its own with JUPYTER_MLOPS_STORE.",
            )
        return ""
    found = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()  # noqa: S608
    if found is None:
        return ""
    if found not in REVISIONS:
        raise StoreVersionError(
            f"The store {shown} was made by a newer version of jupyter_mlops (schema {found}, this one "
            f"knows {REVISIONS[-1]})."
        )
    return str(found)


def bring_up_to_date(connection: sa.Connection, shown: str) -> None:
    """Run the migrations that are missing, within the writing transaction that `connection` is in."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_LOCK)
    if current_revision(connection, shown) == REVISIONS[-1]:
        return  # another process was first
    # A user who turned logging on did not ask for Alembic's notes in a cell's output.
    if not (notes := logging.getLogger("alembic")).level:
        notes.setLevel(logging.WARNING)
    from .migrations import upgrade

    upgrade(connection)
    if connection.execute(sa.select(state.c.id)).first() is None:
        connection.execute(sa.insert(state).values(id=1, store_id=uuid.uuid4().hex, revision=0))


def _tables(connection: sa.Connection) -> set[str]:
    """The names of the tables there are, SQLite's own left out."""
    if connection.dialect.name == "sqlite":
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars()
        return {name for name in names if not name.startswith("sqlite_")}
    return set(connection.exec_driver_sql(_VISIBLE).scalars())
