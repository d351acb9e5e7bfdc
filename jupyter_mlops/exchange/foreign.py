"""A run as another tracker tells it, before it becomes one of ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Dataset, Status

if TYPE_CHECKING:
    from collections.abc import Callable

#: Statuses as trackers spell them, in any case; what is not listed has ended well.
_STATUSES = {
    "running": Status.RUNNING,
    "scheduled": Status.RUNNING,
    "failed": Status.FAILED,
    "crashed": Status.FAILED,
    "killed": Status.KILLED,
    "stopped": Status.KILLED,
    "interrupted": Status.KILLED,
}


class Point(msgspec.Struct, frozen=True):
    """A value of a metric: its step, and when it was logged, in milliseconds since 1970."""

    step: int
    value: float
    milliseconds: int


class ForeignFile(msgspec.Struct, frozen=True):
    """A file that a run kept: its path within the run, and how to get its bytes.

    `read` raises OSError where the file cannot be had; `size` in bytes is None where it is not known.
    """

    path: str
    read: Callable[[], bytes]
    size: int | None = None
    kind: str = "file"


class ForeignRun(msgspec.Struct, kw_only=True):
    """One run of another tracker.

    `tracker` is ``mlflow``, ``exptrack`` or ``wandb`` and `run_id` the id it has there. `params` are as the
    tracker holds them, which may be texts throughout. `points` are in the order of steps.
    """

    tracker: str
    run_id: str
    experiment: str
    status: Status
    start_time: datetime
    end_time: datetime | None = None
    name: str = ""
    note: str = ""
    source: str = ""
    notebook: str = ""
    parent_id: str = ""
    params: dict[str, Any] = {}
    points: dict[str, list[Point]] = {}
    tags: dict[str, str] = {}
    datasets: tuple[Dataset, ...] = ()
    files: list[ForeignFile] = []


def status_of(text: object) -> Status:
    """Our status for another tracker's."""
    return _STATUSES.get(str(text).lower(), Status.FINISHED)


def time_of(milliseconds: float | None) -> datetime | None:
    """The UTC time of milliseconds since 1970; None stays None."""
    if milliseconds is None:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def milliseconds_of(moment: datetime) -> int:
    """Milliseconds since 1970, the nearest."""
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def in_order(points: list[Point]) -> list[Point]:
    """Points by step, then by time, each once."""
    return sorted(
        {(point.step, point.milliseconds, repr(point.value)): point for point in points}.values(),
        key=lambda point: (point.step, point.milliseconds),
    )
