"""Indexes of the runs that lists show, so that counting and paging never read a run itself.

Curves written from here on have chunks of another kind (see `points`); the old ones are still read.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Leave deleted runs out of the two indexes that lists go by."""
    listed = sa.text("deleted_at IS NULL")
    for name, columns in (
        ("runs_start_time", ["start_time", "run_id", "parent_id"]),
        ("runs_experiment", ["experiment", "start_time", "run_id", "parent_id"]),
    ):
        op.drop_index(name, "runs")
        op.create_index(name, "runs", columns, sqlite_where=listed, postgresql_where=listed)
