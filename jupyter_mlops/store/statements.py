"""The upserts, which each dialect spells with its own `insert`."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from .schema import environments, executions, experiments


class Statements:
    """What inserts or leaves, or inserts or replaces, in one dialect."""

    def __init__(self, dialect: str) -> None:
        insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        number = insert(experiments)
        self.number = number.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "last_number": sa.case(
                    (number.excluded.last_number > experiments.c.last_number, number.excluded.last_number),
                    else_=experiments.c.last_number + sa.bindparam("step"),
                )
            },
        ).returning(experiments.c.last_number)
        self.new_execution = insert(executions).on_conflict_do_nothing(index_elements=["execution_id"])
        final = insert(executions)
        self.final_execution = final.on_conflict_do_update(
            index_elements=["execution_id"],
            set_={"document": final.excluded.document, "order": final.excluded.order},
        )
        self.environment = insert(environments).on_conflict_do_nothing(index_elements=["digest"])
