"""Children are numbered within their parent, so that numbers of an experiment count tries alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COLUMNS = (
    "run_id, experiment, number, name, status, status_reason, start_time, duration, note, notebook, cell_id, "
    "parent_id, session_id, last_order, environment, heartbeat_at, lease_until, deleted_at, summary, base"
)


def upgrade() -> None:
    """Let a number be taken once a parent, instead of once an experiment."""
    if op.get_bind().dialect.name == "sqlite":
        _rebuild()
    else:
        op.drop_constraint("runs_number", "runs")
        op.create_unique_constraint("runs_number", "runs", ["experiment", "parent_id", "number"])
    _number_children()


def _number_children() -> None:
    """Children that scripts made so far have numbers of the experiment: count them in their parents."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text(
            "SELECT run_id, parent_id FROM runs WHERE parent_id <> '' ORDER BY parent_id, start_time, run_id"
        )
    ).all()
    # Below zero first: a number may still be taken by a sibling that is yet to be counted.
    counted: dict[str, int] = {}
    for row in rows:
        counted[row.parent_id] = counted.get(row.parent_id, 0) + 1
        connection.execute(
            sa.text("UPDATE runs SET number = :number WHERE run_id = :run_id"),
            {"number": -counted[row.parent_id], "run_id": row.run_id},
        )
    connection.execute(sa.text("UPDATE runs SET number = -number WHERE number < 0"))


def _rebuild() -> None:
    """SQLite cannot drop a constraint: its own procedure is a new table that takes the old one's name."""
    op.create_table(
        "runs_anew",
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
        sa.UniqueConstraint("experiment", "parent_id", "number", name="runs_number"),
    )
    op.execute(f"INSERT INTO runs_anew ({_COLUMNS}) SELECT {_COLUMNS} FROM runs")  # noqa: S608
    op.drop_table("runs")
    op.rename_table("runs_anew", "runs")
    op.create_index("runs_start_time", "runs", ["start_time", "run_id"])
    op.create_index("runs_experiment", "runs", ["experiment", "start_time", "run_id"])
    op.create_index("runs_name", "runs", ["name"])
    op.create_index("runs_cell", "runs", ["experiment", "cell_id", "number"])
    op.create_index("runs_parent", "runs", ["parent_id"])
    op.create_index("runs_running", "runs", ["lease_until"], sqlite_where=sa.text("status = 'RUNNING'"))
