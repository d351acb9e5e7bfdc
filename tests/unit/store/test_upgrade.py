"""Every released schema brought up to date: `released` holds a dump of a store that each one made."""

from __future__ import annotations

import math
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from postgresql import new_database

from jupyter_mlops.records import Status, now
from jupyter_mlops.store import open_store
from jupyter_mlops.store.revisions import current_revision
from jupyter_mlops.store.schema import REVISIONS

RELEASED = sorted((Path(__file__).parent / "released").glob("schema_*.sql"))


def restore(dump: Path, path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(dump.read_text())
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def look_through(store) -> None:
    """What the dump's store held, with each value as it was."""
    assert [run.number for run in store.search()] == [5, 4, 2, 1]
    first = store.get_run(store.resolve("#1", experiment="penguins"))
    assert first.params["odd"] == "\ud800\0é"
    assert first.params["big"] == 10**30
    assert math.isnan(first.params["nan"])
    assert math.copysign(1, first.params["zero"]) == -1
    assert len(first.cells) == 5  # four, and the edited one of the same session
    curve = store.get_curve(first.run_id, "loss")
    assert curve.steps == list(range(5000))
    assert curve.values == [i % 7 / 8 for i in range(5000)]
    assert curve.times == [i // 100 * 0.25 for i in range(5000)]
    second = store.get_run(store.resolve("deeper"))
    assert (second.note, second.tags) == ("edited", {"team": "a"})
    assert store.search("metrics.accuracy > 0.95", order_by=["metrics.f1 DESC"], max_results=3)[0].number == 2
    assert [run.number for run in store.search(deleted=True)] == [3]
    assert {run.number for run in store.search("dataset.hash = 'xxh3:penguins'")} == {1, 2, 4, 5}
    dead = store.get_summary(store.resolve("#5", experiment="penguins"))
    assert (dead.status, dead.status_reason) == (Status.KILLED, "kernel_died")
    assert [version.aliases for version in store.versions("churn")] == [("champion",), ()]
    assert [move.to_version for move in store.alias_log("churn")] == [1, 2]


@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_a_released_store_is_brought_up_to_date_and_goes_on(dump, tmp_path, make_run):
    path = tmp_path / "runs.db"
    restore(dump, path)
    store = open_store(f"sqlite:///{path}", str(tmp_path))
    look_through(store)
    saved = store.save_run(make_run(metrics={"accuracy": 0.99}, start_time=now()))
    assert saved.number == 6
    assert store.describe()["schema"] == REVISIONS[-1]
    with store._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        upgraded = connection.exec_driver_sql(indexes).all()
    store.close()
    fresh = open_store(f"sqlite:///{tmp_path / 'fresh.db'}", str(tmp_path))
    with fresh._database.read() as connection:
        assert connection.exec_driver_sql(indexes).all() == upgraded
    fresh.close()


@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_processes_that_upgrade_together_upgrade_once(dump, tmp_path):
    path = tmp_path / "runs.db"
    restore(dump, path)
    code = "import sys; from jupyter_mlops.store import open_store; print(len(open_store(*sys.argv[1:]).search()))"
    arguments = [sys.executable, "-c", code, f"sqlite:///{path}", str(tmp_path)]
    opened = [subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    for process in opened:
        out, err = process.communicate(timeout=120)
        assert (process.returncode, out.strip()) == (0, b"4"), err
    with open_store(f"sqlite:///{path}", str(tmp_path))._database.read() as connection:
        assert current_revision(connection, "it") == REVISIONS[-1]


@pytest.mark.postgresql
@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_a_released_postgresql_store_is_brought_up_to_date(dump, postgresql_socket, tmp_path):
    import psycopg

    url = new_database(postgresql_socket, f"released_{dump.stem}")
    old = sqlite3.connect(":memory:")
    old.executescript(dump.read_text())
    name = url.partition("@/")[2].partition("?")[0]
    booleans = {"higher_is_better", "rollback"}
    with psycopg.connect(f"host={postgresql_socket} user=postgres dbname={name}") as new:
        tables = old.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        # A table after those that it refers to.
        tables.sort(key=lambda found: "REFERENCES" in found[1])
        tables.sort(key=lambda found: "REFERENCES runs" in found[1])
        for table, sql in tables:
            new.execute(
                re.sub(r"\bBLOB\b", "BYTEA", re.sub(r"\bDOUBLE\b", "DOUBLE PRECISION", sql)).replace(
                    " WITHOUT ROWID", ""
                )
            )
            cursor = old.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            places = ", ".join(["%s"] * len(columns))
            for row in cursor:
                values = [
                    bool(v) if c in booleans and v is not None else v
                    for c, v in zip(columns, row, strict=True)
                ]
                new.execute(f'INSERT INTO "{table}" VALUES ({places})', values)
        for (sql,) in old.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"):
            new.execute(sql)
    store = open_store(url, str(tmp_path))
    look_through(store)
    store.close()


def test_there_is_a_dump_of_what_was_released():
    assert {dump.stem.removeprefix("schema_") for dump in RELEASED} <= set(REVISIONS[:-1])
    assert RELEASED
