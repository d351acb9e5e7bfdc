"""Rows read as records, with a run whose lease is over read as what it is: killed with its kernel."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from jupyter_mlops.records import RunSummary, Status

from .documents import Summary, decode, moment
from .schema import runs

KERNEL_DIED = "kernel_died"


def stale(now: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Whether a run claims to be running and has not been heard of for the length of its lease."""
    # Spelled out, not bound: only so does SQLite see that the index of running runs answers it.
    return sa.and_(runs.c.status == sa.literal_column("'RUNNING'"), runs.c.lease_until < now)


def effective_status(now: sa.ColumnElement[int]) -> sa.ColumnElement[str]:
    """A run's status as it is read."""
    return sa.case((stale(now), Status.KILLED.value), else_=runs.c.status)


def effective_reason(now: sa.ColumnElement[int]) -> sa.ColumnElement[str]:
    """A run's `status_reason` as it is read."""
    return sa.case((stale(now), KERNEL_DIED), else_=runs.c.status_reason)


def lived() -> sa.ColumnElement[float]:
    """Seconds from a run's start to its last heartbeat."""
    passed = (runs.c.heartbeat_at - runs.c.start_time) / sa.literal(1e6, sa.Double)
    return sa.case((passed < 0, sa.literal(0.0, sa.Double)), else_=passed)


def effective_duration(now: sa.ColumnElement[int]) -> sa.ColumnElement[float]:
    """A run's duration in seconds as it is read; NULL while it runs."""
    return sa.case((stale(now), lived()), else_=runs.c.duration)


def summary_columns(now: sa.ColumnElement[int]) -> list[sa.ColumnElement[Any]]:
    """What `summary_of` needs of a row."""
    return [
        runs.c.run_id,
        runs.c.number,
        runs.c.name,
        runs.c.experiment,
        runs.c.status,
        runs.c.status_reason,
        runs.c.start_time,
        runs.c.duration,
        runs.c.note,
        runs.c.notebook,
        runs.c.cell_id,
        runs.c.parent_id,
        runs.c.heartbeat_at,
        runs.c.summary,
        stale(now).label("stale"),
        parent_number().label("parent_number"),
        children().label("children"),
    ]


_other = runs.alias("other")


def parent_number() -> sa.ColumnElement[int]:
    """The number of a run's parent; NULL where it has none."""
    found = sa.select(_other.c.number).where(_other.c.run_id == runs.c.parent_id).correlate(runs)
    return found.scalar_subquery()


def children() -> sa.ColumnElement[int]:
    """How many children a run has that are not deleted."""
    count = sa.select(sa.func.count()).select_from(_other)
    mine = sa.and_(_other.c.parent_id == runs.c.run_id, _other.c.deleted_at.is_(None))
    return count.where(mine).correlate(runs).scalar_subquery()


def status_of(row: Any) -> tuple[Status, str, float | None]:
    """Status, reason and duration of a row, its lease considered."""
    if not row.stale:
        return Status(row.status), row.status_reason, row.duration
    return Status.KILLED, KERNEL_DIED, max(0.0, (row.heartbeat_at - row.start_time) / 1e6)


def summary_of(row: Any) -> RunSummary:
    """The record of a row with `summary_columns`."""
    status, reason, duration = status_of(row)
    rest = decode(row.summary, Summary, f"run {row.run_id}")
    return RunSummary(
        run_id=row.run_id,
        number=row.number,
        name=row.name,
        experiment=row.experiment,
        status=status,
        status_reason=reason,
        start_time=moment(row.start_time),
        duration=duration,
        params=rest.params,
        metrics=rest.metrics,
        tags=rest.tags,
        note=row.note,
        notebook=row.notebook,
        cell_id=row.cell_id,
        parent_id=row.parent_id,
        curves=rest.curves,
        warning_count=rest.warning_count,
        parent_number=row.parent_number or 0,
        children=row.children,
    )


def bury_the_dead(connection: sa.Connection, now: sa.ColumnElement[int]) -> None:
    """Write down the end of every run whose lease is over, as every writer of runs does first."""
    killed = {"status": Status.KILLED.value, "status_reason": KERNEL_DIED, "duration": lived()}
    connection.execute(sa.update(runs).where(stale(now)).values(**killed))
