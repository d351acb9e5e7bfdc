"""The data of runs in a table of its own, so that a filter finds the runs which read it."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

from jupyter_mlops.errors import StoreError
from jupyter_mlops.store.documents import decode
from jupyter_mlops.store.schema import escape

revision = "0006"
down_revision = "0005"

AT_ONCE = 500


# Not classes with annotations: Alembic loads this file without a module by which they could be resolved.
_DATASET = msgspec.defstruct(
    "_Dataset", [("name", str), ("fingerprint", str), ("location", str, ""), ("role", str, "input")]
)
_READ: Any = msgspec.defstruct("_Read", [("datasets", tuple[_DATASET, ...], ())])  # type: ignore[valid-type]


def upgrade() -> None:
    """Add the table and fill it from the records of the runs there are."""
    table = op.create_table(
        "datasets",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.run_id"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    details = sa.table("run_details", sa.column("run_id", sa.Text), sa.column("document", sa.LargeBinary))
    last = ""
    while True:
        page = sa.select(details).where(details.c.run_id > last).order_by(details.c.run_id).limit(AT_ONCE)
        rows = connection.execute(page).all()
        if not rows:
            return
        found = [found for row in rows for found in _rows(row.run_id, row.document)]
        if found:
            connection.execute(sa.insert(table), found)
        last = rows[-1].run_id


def _rows(run_id: str, document: bytes) -> list[dict[str, Any]]:
    try:
        read = decode(document, _READ, f"run {run_id}").datasets
    except StoreError:
        return []  # damaged: whoever reads the run is told
    return [
        {
            "run_id": run_id,
            "place": place,
            "name": escape(data.name),
            "fingerprint": data.fingerprint,
            "location": escape(data.location),
            "role": data.role,
        }
        for place, data in enumerate(read)
    ]
