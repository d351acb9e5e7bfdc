"""The tables, the same on SQLite and PostgreSQL.

A run is kept twice over for two ways of reading. `runs.summary` and `run_details.document` hold the
records themselves (see `documents`), so that a list or a run is read back exactly and without joins.
`params`, `metrics` and `tags` hold the same values as rows, for filters, for orders and for people
with an SQL prompt; a row's `number` is NULL where there is no number to compare with, NaN included,
and so SQL's own three-valued logic makes NaN match nothing.

Times are microseconds since 1970 in UTC, durations are seconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every schema revision, oldest first; a test holds it equal to the migrations folder."""

VERSION_TABLE = "store_version"

ESCAPE = "\uf8f0"
_ODD = re.compile("[\x00\ud800-\udfff\uf8f0]")
_ESCAPED = re.compile("\uf8f0([0-9a-f]{4})")


def escape(text: str) -> str:
    """Spell what databases refuse (NUL, lone surrogates) in characters they take; else `text` itself."""
    return _ODD.sub(lambda match: f"{ESCAPE}{ord(match[0]):04x}", text) if _ODD.search(text) else text


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if ESCAPE in text else text


class Text(sa.TypeDecorator[str]):
    """Any Python string, exactly: see `escape`."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Escape on the way in."""
        return escape(value) if isinstance(value, str) else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Unescape on the way out."""
        return unescape(value) if isinstance(value, str) else value


metadata = sa.MetaData()

version = sa.Table(VERSION_TABLE, metadata, sa.Column("version_num", sa.String(32), primary_key=True))

state = sa.Table(
    "state",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("store_id", sa.Text, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
)

experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("last_number", sa.Integer, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", Text, primary_key=True),
    sa.Column("experiment", Text, sa.ForeignKey("experiments.name"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("status_reason", Text, nullable=False),
    sa.Column("start_time", sa.BigInteger, nullable=False),
    sa.Column("duration", sa.Double),
    sa.Column("note", Text, nullable=False),
    sa.Column("notebook", Text, nullable=False),
    sa.Column("cell_id", Text, nullable=False),
    sa.Column("parent_id", Text, nullable=False),
    sa.Column("session_id", Text, nullable=False),
    sa.Column("last_order", sa.BigInteger),
    sa.Column("environment", sa.Text),
    sa.Column("heartbeat_at", sa.BigInteger),
    sa.Column("lease_until", sa.BigInteger),
    sa.Column("deleted_at", sa.BigInteger),
    sa.Column("summary", sa.LargeBinary, nullable=False),
    sa.Column("base", sa.LargeBinary),
    sa.UniqueConstraint("experiment", "parent_id", "number", name="runs_number"),
)
_LISTED: Any = {"sqlite_where": runs.c.deleted_at.is_(None), "postgresql_where": runs.c.deleted_at.is_(None)}
_NEWEST = (runs.c.start_time, runs.c.run_id, runs.c.parent_id)
sa.Index("runs_start_time", *_NEWEST, **_LISTED)
sa.Index("runs_experiment", runs.c.experiment, *_NEWEST, **_LISTED)
sa.Index("runs_name", runs.c.name)
sa.Index("runs_cell", runs.c.experiment, runs.c.cell_id, runs.c.number)
sa.Index("runs_parent", runs.c.parent_id)
sa.Index(
    "runs_running",
    runs.c.lease_until,
    sqlite_where=runs.c.status == "RUNNING",
    postgresql_where=runs.c.status == "RUNNING",
)


def _run_id() -> sa.Column[str]:
    return sa.Column("run_id", Text, sa.ForeignKey("runs.run_id"), primary_key=True)


details = sa.Table("run_details", metadata, _run_id(), sa.Column("document", sa.LargeBinary, nullable=False))

params = sa.Table(
    "params",
    metadata,
    _run_id(),
    sa.Column("name", Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", Text, nullable=False),
    sa.Column("number", sa.Double),
    sqlite_with_rowid=False,
)

metrics = sa.Table(
    "metrics",
    metadata,
    _run_id(),
    sa.Column("name", Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", sa.Double),
    sa.Column("higher_is_better", sa.Boolean),
    sqlite_with_rowid=False,
)
sa.Index("metrics_name", metrics.c.name, metrics.c.number)

tags = sa.Table(
    "tags",
    metadata,
    _run_id(),
    sa.Column("name", Text, primary_key=True),
    sa.Column("text", Text, nullable=False),
    sqlite_with_rowid=False,
)

datasets = sa.Table(
    "datasets",
    metadata,
    _run_id(),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("location", Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

curves = sa.Table(
    "curves",
    metadata,
    _run_id(),
    sa.Column("metric", Text, primary_key=True),
    sa.Column("chunk", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("points", sa.Integer, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

executions = sa.Table(
    "executions",
    metadata,
    sa.Column("execution_id", Text, primary_key=True),
    sa.Column("session_id", Text, nullable=False),
    sa.Column("order", sa.BigInteger, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
)
sa.Index("executions_order", executions.c.session_id, executions.c.order)

environments = sa.Table(
    "environments",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("document", sa.LargeBinary, nullable=False),
)

pipeline_versions = sa.Table(
    "pipeline_versions",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("run_id", Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("document", sa.LargeBinary, nullable=False),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("pipeline", Text, primary_key=True),
    sa.Column("alias", Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(
        ["pipeline", "version"],
        ["pipeline_versions.name", "pipeline_versions.version"],
        name="aliases_version",
    ),
)

alias_moves = sa.Table(
    "alias_moves",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("pipeline", Text, nullable=False),
    sa.Column("alias", Text, nullable=False),
    sa.Column("from_version", sa.Integer),
    sa.Column("to_version", sa.Integer),
    sa.Column("moved_at", sa.BigInteger, nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("rollback", sa.Boolean, nullable=False),
)
metric_directions = sa.Table(
    "metric_directions",
    metadata,
    sa.Column("metric", Text, primary_key=True),
    sa.Column("higher_is_better", sa.Boolean, nullable=False),
)

protected_slices = sa.Table(
    "protected_slices",
    metadata,
    sa.Column("pipeline", Text, primary_key=True),
    sa.Column("alias", Text, primary_key=True),
    sa.Column("condition", Text, primary_key=True),
)

sa.Index("alias_moves_alias", alias_moves.c.pipeline, alias_moves.c.alias, alias_moves.c.id)
