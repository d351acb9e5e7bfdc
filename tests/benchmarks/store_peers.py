"""What the same runs cost in plain SQLite, MLflow and Sacred; `bench_store.py` asks this, by their interpreters.

    PYTHON tests/benchmarks/store_peers.py raw|mlflow|sacred FOLDER RUNS

Prints one JSON document of medians: milliseconds as [wall, CPU].
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARAMS = {f"param_{index}": str(index * 0.1) if index % 2 else f"value {index}" for index in range(20)}
POINTS = 100_000


def metrics_of(order: int) -> dict[str, float]:
    """The ten metrics of run `order`."""
    return {f"metric_{index}": order / (index + 1) for index in range(10)}


def tags_of(order: int) -> dict[str, str]:
    """Its five tags."""
    return {f"tag_{index}": f"value {order % 3}" for index in range(5)}


def cost(act: Callable[[], object], times: int = 10, *, warm: int = 1) -> list[float]:
    """Median milliseconds of `act`, by the wall clock and of CPU."""
    for _ in range(warm):
        act()
    taken = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    return middle(taken)


def middle(taken: Sequence[tuple[float, float]]) -> list[float]:
    """The medians of pairs of seconds, in milliseconds."""
    return [statistics.median(column) * 1000 for column in zip(*taken, strict=True)]


def counted(count: int, save: Callable[[int], object]) -> list[float]:
    """The cost of one of `count` saves."""
    taken = []
    for order in range(1, count + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        save(order)
        taken.append((time.perf_counter() - wall, time.process_time() - cpu))
    return middle(taken[count // 2 :])


def raw(folder: Path, count: int) -> dict[str, Any]:
    """The least that SQLite takes, with the same durability and no library between."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    run = connection.execute
    run("PRAGMA journal_mode=WAL")
    run("PRAGMA synchronous=FULL")
    run("CREATE TABLE runs (id INTEGER PRIMARY KEY, start REAL, name TEXT)")
    run("CREATE INDEX runs_start ON runs (start)")
    for table in ("params", "metrics", "tags"):
        run(f"CREATE TABLE {table} (run INTEGER, name TEXT, value, PRIMARY KEY (run, name)) WITHOUT ROWID")
    run("CREATE INDEX metrics_name ON metrics (name, value)")
    run("CREATE TABLE points (run INTEGER, metric TEXT, step INTEGER, value REAL, time REAL)")

    def save(order: int) -> None:
        run("BEGIN IMMEDIATE")
        run("INSERT INTO runs VALUES (?, ?, ?)", (order, time.time(), f"run {order % 7}"))
        parts = (("params", PARAMS), ("metrics", metrics_of(order)), ("tags", tags_of(order)))
        for table, values in parts:
            rows = [(order, *item) for item in values.items()]
            connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", rows)
        run("COMMIT")

    def read(where: str) -> list[Any]:
        rows = run(where).fetchall()
        ids = f"IN ({','.join(str(row[0]) for row in rows)})" if len(rows) < 1000 else "IS NOT NULL"
        for table in ("params", "metrics", "tags"):
            rows += run(f"SELECT run, name, value FROM {table} WHERE run {ids}").fetchall()
        return rows

    found: dict[str, Any] = {"a durable typical run": counted(count, save)}
    points = [(1, "loss", step, 1 / (step + 1), step * 0.01) for step in range(POINTS)]

    def write_curve() -> None:
        run("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO points VALUES (?, ?, ?, ?, ?)", points)
        run("COMMIT")

    found["a curve of 100,000 points, written"] = cost(write_curve, 1, warm=0)
    curve = "SELECT step, value, time FROM points WHERE run = 1 ORDER BY step"
    found["a curve of 100,000 points, read"] = cost(lambda: run(curve).fetchall(), 3)
    latest = "SELECT id FROM runs ORDER BY start DESC LIMIT 100"
    found["latest 100"] = cost(lambda: read(latest))
    top = (
        "SELECT m.run FROM metrics m WHERE m.name = 'metric_3' "
        "AND (SELECT value FROM metrics n WHERE n.run = m.run AND n.name = 'metric_0') > 10 "
        "AND (SELECT value FROM params p WHERE p.run = m.run AND p.name = 'param_2') = 'value 2' "
        "ORDER BY m.value DESC LIMIT 100"
    )
    found["top 100 with a filter"] = cost(lambda: read(top))
    found["all values, without a frame"] = cost(lambda: read("SELECT id FROM runs"), 3)
    return found


def mlflow(folder: Path, count: int) -> dict[str, Any]:
    """MLflow on an SQLite store of its own, through its client in this process."""
    import mlflow as library
    from mlflow.entities import Metric, Param, RunTag

    library.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    client = library.MlflowClient()
    experiment = client.create_experiment("benchmark")
    params = [Param(*item) for item in PARAMS.items()]

    def save(order: int) -> str:
        now = int(time.time() * 1000)
        run: str = client.create_run(experiment).info.run_id
        numbers = [Metric(name, value, now, 0) for name, value in metrics_of(order).items()]
        tags = [RunTag(*item) for item in tags_of(order).items()]
        client.log_batch(run, metrics=numbers, params=params, tags=tags)
        client.set_terminated(run)
        return run

    save(0)
    found: dict[str, Any] = {"a durable typical run": counted(count, save)}
    run = save(0)

    def write_curve() -> None:
        for start in range(0, POINTS, 1000):
            batch = [Metric("loss", 1 / (step + 1), step, step) for step in range(start, start + 1000)]
            client.log_batch(run, metrics=batch)

    found["a curve of 100,000 points, written"] = cost(write_curve, 1, warm=0)
    found["a curve of 100,000 points, read"] = cost(lambda: client.get_metric_history(run, "loss"), 1, warm=0)
    found["latest 100"] = cost(lambda: client.search_runs([experiment], max_results=100), 5)
    where = "metrics.metric_0 > 10 AND params.param_2 = 'value 2'"
    order = ["metrics.metric_3 DESC"]
    found["top 100 with a filter"] = cost(
        lambda: client.search_runs([experiment], where, max_results=100, order_by=order), 5
    )
    frame = lambda: library.search_runs([experiment], max_results=50_000)  # noqa: E731
    found["frame of all runs"] = cost(frame, 1)
    return found


def sacred(folder: Path, count: int) -> dict[str, Any]:
    """Sacred's observer that writes a folder of JSON files a run, synced to no disk and without queries."""
    from sacred.observers import FileStorageObserver

    now = datetime.now(UTC)
    about = {"name": "benchmark", "sources": [], "dependencies": [], "base_dir": str(folder)}
    meta = {"options": {}, "tags": tags_of(0)}

    def save(order: int) -> None:
        observer = FileStorageObserver(folder / "sacred")
        observer.started_event(about, "main", {}, now, {**PARAMS, **tags_of(order)}, meta, None)
        numbers = {
            name: {"steps": [0], "values": [value], "timestamps": [now], "units": None}
            for name, value in metrics_of(order).items()
        }
        observer.log_metrics(numbers, {})
        observer.completed_event(now, None)

    return {"a typical run, not durable": counted(count, save)}


if __name__ == "__main__":
    name, place, runs = sys.argv[1:]
    print(json.dumps({"raw": raw, "mlflow": mlflow, "sacred": sacred}[name](Path(place), int(runs))))
