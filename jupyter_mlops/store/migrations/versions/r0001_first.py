"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _run_id() -> sa.Column[str]:
    return sa.Column("run_id", sa.Text, sa.ForeignKey("runs.run_id"), primary_key=True)


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "state",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("store_id", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "experiments",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("last_number", sa.Integer, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", sa.Text, primary_key=True),
        sa.Column("experiment", sa.Text, sa.ForeignKey("experiments.name"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("status_reason", sa.Text, nullable=False),
        sa.Column("start_time", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.Double),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("notebook", sa.Text, nullable=False),
        sa.Column("cell_id", sa.Text, nullable=False),
        sa.Column("parent_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("last_order", sa.BigInteger),
        sa.Column("environment", sa.Text),
        sa.Column("heartbeat_at", sa.BigInteger),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("summary", sa.LargeBinary, nullable=False),
        sa.Column("base", sa.LargeBinary),
        sa.UniqueConstraint("experiment", "number", name="runs_number"),
    )
    op.create_index("runs_start_time", "runs", ["start_time", "run_id"])
    op.create_index("runs_experiment", "runs", ["experiment", "start_time", "run_id"])
    op.create_index("runs_name", "runs", ["name"])
    op.create_index("runs_cell", "runs", ["experiment", "cell_id", "number"])
    op.create_index("runs_parent", "runs", ["parent_id"])
    running = sa.text("status = 'RUNNING'")
    op.create_index("runs_running", "runs", ["lease_until"], sqlite_where=running, postgresql_where=running)
    op.create_table("run_details", _run_id(), sa.Column("document", sa.LargeBinary, nullable=False))
    op.create_table(
        "params",
        _run_id(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("number", sa.Double),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metrics",
        _run_id(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("number", sa.Double),
        sa.Column("higher_is_better", sa.Boolean),
        sqlite_with_rowid=False,
    )
    op.create_index("metrics_name", "metrics", ["name", "number"])
    op.create_table(
        "tags",
        _run_id(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "curves",
        _run_id(),
        sa.Column("metric", sa.Text, primary_key=True),
        sa.Column("chunk", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("points", sa.Integer, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "executions",
        sa.Column("execution_id", sa.Text, primary_key=True),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("order", sa.BigInteger, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_index("executions_order", "executions", ["session_id", "order"])
    op.create_table(
        "environments",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "pipeline_versions",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "aliases",
        sa.Column("pipeline", sa.Text, primary_key=True),
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["pipeline", "version"],
            ["pipeline_versions.name", "pipeline_versions.version"],
            name="aliases_version",
        ),
    )
    op.create_table(
        "alias_moves",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("alias", sa.Text, nullable=False),
        sa.Column("from_version", sa.Integer),
        sa.Column("to_version", sa.Integer),
        sa.Column("moved_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rollback", sa.Boolean, nullable=False),
    )
    op.create_index("alias_moves_alias", "alias_moves", ["pipeline", "alias", "id"])
