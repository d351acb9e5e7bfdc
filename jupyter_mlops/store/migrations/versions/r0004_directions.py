"""Which way a metric is good is remembered, where somebody said so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "metric_directions",
        sa.Column("metric", sa.Text, primary_key=True),
        sa.Column("higher_is_better", sa.Boolean, nullable=False),
    )
