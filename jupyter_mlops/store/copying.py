"""Rows of one store copied into another, whichever databases they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from .batches import AT_ONCE, Numbers, stored
from .schema import (
    alias_moves,
    aliases,
    curves,
    datasets,
    details,
    environments,
    executions,
    experiments,
    metrics,
    params,
    pipeline_versions,
    runs,
    tags,
)
from .statements import Statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .database import Database

_OF_A_RUN = (details, params, metrics, tags, datasets, curves)


class Copied(msgspec.Struct):
    """What was copied, what was there already, and the versions that differ from those of their number."""

    runs: int = 0
    known_runs: int = 0
    versions: int = 0
    known_versions: int = 0
    refused_versions: list[str] = []
    artifacts: int = 0
    missing_artifacts: int = 0


def copy_rows(source: Database, target: Database) -> tuple[Copied, list[str]]:
    """Copy all of `source` that `target` lacks, in one transaction; also gives the new runs' ids.

    A run keeps its number where that is free in the target, and else gets the next one. Of versions
    the target's own are kept, as are its aliases of pipelines that it knows.
    """
    copied = Copied()
    new_ids: list[str] = []
    with source.read() as old, target.write() as new:
        statements = Statements(target.dialect)
        for row in old.execute(sa.select(experiments)):
            # Whoever finds his number taken gets one behind all of both, so that the others keep theirs.
            last = {"name": row.name, "last_number": row.last_number, "step": 0}
            statements.number.execute(new, last).fetchone()
        numbers = Numbers(new)
        # Children come behind all parents, and in the order of their own numbers.
        for rows in _chunks(old, sa.select(runs).order_by(runs.c.parent_id, runs.c.number)):
            known = stored(new, [row["run_id"] for row in rows])
            copied.known_runs += len(known)
            fresh = [row for row in rows if row["run_id"] not in known]
            for values in fresh:
                values["number"] = numbers.next(values["experiment"], values["number"], values["parent_id"])
            _insert(new, runs, fresh)
            ids = [row["run_id"] for row in fresh]
            for table in _OF_A_RUN:
                for more in _chunks(old, sa.select(table).where(table.c.run_id.in_(ids))):
                    _insert(new, table, more)
            new_ids += ids
        numbers.write(statements)
        for table, statement in (
            (executions, statements.new_execution),
            (environments, statements.environment),
        ):
            for rows in _chunks(old, sa.select(table)):
                statement.execute_many(new, rows)
        _copy_versions(old, new, copied)
    copied.runs = len(new_ids)
    return copied, new_ids


def _copy_versions(old: sa.Connection, new: sa.Connection, copied: Copied) -> None:
    there = {(row.name, row.version): row for row in new.execute(sa.select(pipeline_versions))}
    pipelines = {name for name, _ in there}
    for row in old.execute(sa.select(pipeline_versions)):
        known = there.get((row.name, row.version))
        if known is None:
            _insert(new, pipeline_versions, [dict(row._mapping)])
            copied.versions += 1
        elif known.document == row.document:
            copied.known_versions += 1
        else:
            copied.refused_versions.append(f"{row.name} v{row.version}")
    for table in (aliases, alias_moves):
        rows = [dict(row._mapping) for row in old.execute(sa.select(table))]
        for values in rows:
            values.pop("id", None)
        _insert(new, table, [row for row in rows if row["pipeline"] not in pipelines])


def _insert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)


def _chunks(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[list[dict[str, Any]]]:
    for rows in connection.execute(query).mappings().partitions(AT_ONCE):
        yield [dict(row) for row in rows]
