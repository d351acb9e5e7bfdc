"""exptrack's database (``.exptrack/experiments.db``), read as it lies there."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .foreign import ForeignFile, ForeignRun, Point, in_order, milliseconds_of, status_of
from .places import opened_database, tables_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

_NEEDED = {"experiments", "params", "metrics", "artifacts"}
_COLUMNS = "id, project, name, status, created_at, script, git_commit, duration_s, notes, tags"


def is_exptrack_database(path: Path) -> bool:
    """Whether a SQLite file is exptrack's."""
    with opened_database(path) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(experiments)")}
        return tables_of(connection) >= _NEEDED and "created_at" in columns


def read_exptrack(path: Path) -> Iterator[ForeignRun]:
    """Its runs, oldest first."""
    with opened_database(path) as connection:
        rows = connection.execute(f"SELECT {_COLUMNS} FROM experiments ORDER BY created_at").fetchall()  # noqa: S608
        for run_id, project, name, status, created, script, commit, duration, notes, tags in rows:
            began = _time(created)
            yield ForeignRun(
                tracker="exptrack",
                run_id=run_id,
                experiment=project or "exptrack",
                name=name or "",
                status=status_of({"done": "finished"}.get(status, status)),
                start_time=began,
                end_time=began + timedelta(seconds=duration) if duration is not None else None,
                note=notes or "",
                notebook=script or "",
                params={
                    key: _value(text)
                    for key, text in _pairs(connection, run_id)
                    if not key.startswith("_")  # what it keeps for itself
                },
                points=_points(connection, run_id, began),
                tags={**_tags(tags), **({"git.commit": commit} if commit else {})},
                files=_files(connection, path.parent.parent, run_id),
            )


def _pairs(connection: sqlite3.Connection, run_id: str) -> list[tuple[str, str]]:
    return connection.execute("SELECT key, value FROM params WHERE exp_id = ?", [run_id]).fetchall()


def _points(connection: sqlite3.Connection, run_id: str, began: datetime) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = defaultdict(list)
    query = "SELECT key, value, step, ts FROM metrics WHERE exp_id = ? ORDER BY id"
    for key, value, step, moment in connection.execute(query, [run_id]):
        logged = milliseconds_of(_time(moment) if moment else began)
        found[key].append(
            Point(step if step is not None else 0, float("nan") if value is None else value, logged)
        )
    return {key: in_order(points) for key, points in found.items()}


def _files(connection: sqlite3.Connection, root: Path, run_id: str) -> list[ForeignFile]:
    found = []
    query = "SELECT label, path FROM artifacts WHERE exp_id = ? ORDER BY id"
    for label, place in connection.execute(query, [run_id]):
        file = root / str(place or "")
        if place and file.is_file():
            found.append(ForeignFile(str(label or file.name), file.read_bytes, file.stat().st_size))
    return found


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _value(text: str | None) -> Any:
    try:
        return json.loads(text) if text is not None else None
    except ValueError:
        return text


def _tags(text: str | None) -> dict[str, str]:
    found = _value(text)
    if isinstance(found, dict):
        return {str(key): str(value) for key, value in found.items()}
    return {str(tag): "" for tag in found} if isinstance(found, list) else {}
