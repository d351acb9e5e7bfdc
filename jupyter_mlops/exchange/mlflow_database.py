"""MLflow's SQLite database, read as it lies there: MLflow need not be installed or running."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import UsageError

from .foreign import ForeignFile, ForeignRun, Point, in_order, status_of, time_of
from .mlflow_terms import NOTE, PARENT, RUN_NAME, SOURCE, dataset_of, number_of
from .places import files_below, first_folder, opened_database, tables_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

_NEEDED = {"experiments", "runs", "metrics", "params", "tags"}


def is_mlflow_database(path: Path) -> bool:
    """Whether a SQLite file is MLflow's."""
    with opened_database(path) as connection:
        return tables_of(connection) >= _NEEDED


def read_database(path: Path) -> Iterator[ForeignRun]:
    """The runs that are not deleted, oldest first.

    Raises:
        UsageError: The file is no database of MLflow's.
    """
    with opened_database(path) as connection:
        tables = tables_of(connection)
        if missing := _NEEDED - tables:
            raise UsageError(
                f"{path} is no database of MLflow's: it has no table {min(missing)!r}.",
                "Give the file behind `mlflow server --backend-store-uri sqlite:///…`.",
            )
        names = dict(connection.execute("SELECT experiment_id, name FROM experiments"))
        rows = connection.execute(
            "SELECT run_uuid, name, status, start_time, end_time, artifact_uri, experiment_id FROM runs "
            "WHERE lifecycle_stage = 'active' ORDER BY start_time, run_uuid"
        ).fetchall()
        for run_id, name, status, start, end, artifacts, experiment in rows:
            tags = dict(connection.execute("SELECT key, value FROM tags WHERE run_uuid = ?", [run_id]))
            yield ForeignRun(
                tracker="mlflow",
                run_id=run_id,
                experiment=names.get(experiment) or "default",
                name=name or tags.get(RUN_NAME, ""),
                status=status_of(status),
                start_time=time_of(start or 0) or time_of(0),  # type: ignore[arg-type]
                end_time=time_of(end),
                note=tags.get(NOTE, ""),
                notebook=tags.get(SOURCE, ""),
                parent_id=tags.get(PARENT, ""),
                params=dict(connection.execute("SELECT key, value FROM params WHERE run_uuid = ?", [run_id])),
                points=_points(connection, run_id),
                tags=tags,
                datasets=tuple(_datasets(connection, run_id)) if "inputs" in tables else (),
                files=[
                    *_files(path.parent, artifacts or ""),
                    *(_models(path.parent, connection, run_id) if "logged_models" in tables else ()),
                ],
            )


def _points(connection: sqlite3.Connection, run_id: str) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = defaultdict(list)
    query = "SELECT key, step, value, timestamp, is_nan FROM metrics WHERE run_uuid = ?"
    for key, step, value, milliseconds, missing in connection.execute(query, [run_id]):
        found[key].append(Point(step, math.nan if missing else number_of(value), milliseconds))
    return {key: in_order(points) for key, points in found.items()}


def _datasets(connection: sqlite3.Connection, run_id: str) -> Iterator[Any]:
    query = (
        "SELECT inputs.input_uuid, datasets.name, digest, dataset_source_type, dataset_source, "
        "dataset_schema, dataset_profile "
        "FROM inputs JOIN datasets ON datasets.dataset_uuid = inputs.source_id "
        "WHERE inputs.destination_id = ? AND inputs.destination_type = 'RUN'"
    )
    for input_id, *told in connection.execute(query, [run_id]).fetchall():
        tags = dict(connection.execute("SELECT name, value FROM input_tags WHERE input_uuid = ?", [input_id]))
        parts = ("name", "digest", "source_type", "source", "schema", "profile")
        yield dataset_of(dict(zip(parts, told, strict=True)), tags)


def _models(folder: Path, connection: sqlite3.Connection, run_id: str) -> Iterator[ForeignFile]:
    query = "SELECT name, artifact_location FROM logged_models WHERE source_run_id = ?"
    for name, location in connection.execute(query, [run_id]).fetchall():
        yield from _files(folder, location or "", prefix=f"models/{name}/", kind="model")


def _files(folder: Path, place: str, *, prefix: str = "", kind: str = "file") -> list[ForeignFile]:
    """Artifacts of a run; those a server stands before are looked for where it keeps them by default."""
    if place.startswith("mlflow-artifacts:"):
        inner = place.removeprefix("mlflow-artifacts:").lstrip("/")
        found = first_folder([folder / "mlartifacts" / inner, folder / "mlruns" / inner])
        return files_below(str(found), prefix=prefix, kind=kind) if found else []
    return files_below(place, prefix=prefix, kind=kind) if place else []
