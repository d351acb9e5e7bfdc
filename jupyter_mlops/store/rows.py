"""Rows read as records, with a run whose lease is over read as what it is: killed with its kernel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from jupyter_mlops.errors import StoreDamagedError
from jupyter_mlops.records import RunSummary, Status

from .documents import Summary, decode, moment
from .schema import runs, unescape
from .statements import Prepared

if TYPE_CHECKING:
    from .database import Database

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


_TEXTS = (
    runs.c.run_id,
    runs.c.name,
    runs.c.experiment,
    runs.c.status,
    runs.c.status_reason,
    runs.c.note,
    runs.c.notebook,
    runs.c.cell_id,
    runs.c.parent_id,
)
# As they are stored: a type's own processing costs more than the rest of reading a long list.
_COLUMNS: tuple[sa.ColumnElement[Any], ...] = (
    *(sa.type_coerce(column, sa.Text).label(column.name) for column in _TEXTS),
    runs.c.number,
    runs.c.start_time,
    runs.c.duration,
    runs.c.heartbeat_at,
    runs.c.summary,
)
_STATUS = {status.value: status for status in Status}


def summary_columns(now: sa.ColumnElement[int]) -> list[sa.ColumnElement[Any]]:
    """What `summary_of` needs of a row."""
    return [
        *_COLUMNS,
        stale(now).label("stale"),
        parent_number().label("parent_number"),
        children().label("children"),
    ]


def status_of(row: Any) -> tuple[Status, str, float | None]:
    """Status, reason and duration of a row, its lease considered."""
    if not row.stale:
        return _status(row.status), row.status_reason, row.duration
    return Status.KILLED, KERNEL_DIED, lived_seconds(row.heartbeat_at, row.start_time)


def _status(name: str) -> Status:
    try:
        return _STATUS[name]
    except KeyError:
        raise StoreDamagedError(f"A stored status cannot be read: {name!r}.") from None


def lived_seconds(heartbeat_at: int, start_time: int) -> float:
    """As `lived`, of a row that has been read."""
    return max(0.0, (heartbeat_at - start_time) / 1e6)


def summary_of(row: Any) -> RunSummary:
    """The record of a row with `summary_columns`."""
    run_id, name, experiment, status, reason, note, notebook, cell_id, parent_id, *others = row
    number, start_time, duration, heartbeat_at, summary, is_stale, its_parent, its_children = others
    run_id = unescape(run_id)
    rest = decode(summary, Summary, f"run {run_id}")
    if is_stale:
        status, reason, duration = "KILLED", KERNEL_DIED, lived_seconds(heartbeat_at, start_time)
    return RunSummary(
        run_id=run_id,
        number=number,
        name=unescape(name),
        experiment=unescape(experiment),
        status=_status(status),
        status_reason=unescape(reason),
        start_time=moment(start_time),
        duration=duration,
        params=rest.params,
        metrics=rest.metrics,
        tags=rest.tags,
        note=unescape(note),
        notebook=unescape(notebook),
        cell_id=unescape(cell_id),
        parent_id=unescape(parent_id),
        curves=rest.curves,
        warning_count=rest.warning_count,
        parent_number=its_parent or 0,
        children=its_children,
    )


def _burial(now: sa.ColumnElement[int]) -> sa.Update:
    killed = {"status": Status.KILLED.value, "status_reason": KERNEL_DIED, "duration": lived()}
    return sa.update(runs).where(stale(now)).values(**killed)


#: Made once: to put it together costs every save more than to run it.
_BURIAL = Prepared(_burial(sa.bindparam("the_time", type_=sa.BigInteger)), ("the_time",))


def bury_the_dead(connection: sa.Connection, database: Database) -> None:
    """Write down the end of every run whose lease is over, as every writer of runs does first."""
    if database.dialect == "sqlite":
        _BURIAL.execute(connection, {"the_time": time.time_ns() // 1000})
    else:
        connection.execute(_burial(database.now()))
