"""Slices of rows on which an alias must never move to something worse."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table of protected slices."""
    op.create_table(
        "protected_slices",
        sa.Column("pipeline", sa.Text, primary_key=True),
        sa.Column("alias", sa.Text, primary_key=True),
        sa.Column("condition", sa.Text, primary_key=True),
    )
