"""Children: stored with their parent, numbered in it, out of every list until they are asked for."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from jupyter_mlops.errors import RunNotFoundError, UsageError
from jupyter_mlops.records import Environment, MetricDetail, new_id
from jupyter_mlops.store import migrations, open_store
from jupyter_mlops.store.migrations import scripts
from jupyter_mlops.store.schema import VERSION_TABLE


@pytest.fixture
def family(store, make_run):
    """A run, its two children and a run after it."""
    environment = Environment(python="3.11", executable="python", platform="linux", directory="/")
    parent = make_run(
        name="models", source="for m in models: ...", environment=environment, metrics={"forest_acc": 0.9}
    )
    children = [
        make_run(name=name, params={"name": name, "depth": depth}, metrics={"acc": acc})
        for name, depth, acc in (("forest", 3, 0.9), ("logit", 4, 0.8))
    ]
    saved = store.save_run(parent, children=children)
    after = store.save_run(make_run(name="after"))
    return saved, children, after


def test_numbers_of_an_experiment_count_parents_alone(store, family):
    parent, _, after = family
    assert (parent.number, after.number) == (1, 2)
    assert [run.name for run in store.search()] == ["after", "models"]
    assert store.search()[1].children == 2
    assert store.count() == 2
    assert store.count(include_children=True) == 4


def test_children_are_found_by_their_parent(store, family):
    parent, *_ = family
    found = store.search(parent_id=parent.run_id)
    assert [(run.reference, run.name, run.params["depth"]) for run in found] == [
        ("#1.1", "forest", 3),
        ("#1.2", "logit", 4),
    ]
    assert [run.name for run in store.search(f"parent_id = '{parent.run_id}'")] == ["logit", "forest"]
    table = store.frame("metrics.acc > 0.85", include_children=True)
    assert list(table["parent_id"]) == [parent.run_id]
    assert "parent_id" not in store.frame()


def test_a_child_shares_what_is_its_parents(store, family):
    parent, children, _ = family
    child = store.get_run(children[1].run_id)
    assert (child.source, child.environment, child.parent_id) == (
        parent.source,
        parent.environment,
        parent.run_id,
    )
    assert (child.reference, child.params, child.metrics) == ("#1.2", children[1].params, {"acc": 0.8})
    assert store.get_run(parent.run_id).children == 2


def test_a_child_has_a_reference(store, family):
    parent, children, after = family
    assert store.resolve("#1.2") == children[1].run_id
    assert store.resolve("#1") == parent.run_id
    assert store.resolve("logit") == children[1].run_id
    assert store.resolve("last") == after.run_id
    with pytest.raises(RunNotFoundError, match=r"#1\.1 to #1\.2"):
        store.resolve("#1.7")
    with pytest.raises(RunNotFoundError, match="no children"):
        store.resolve("#2.1")


def test_a_turn_of_a_loop_is_best_only_where_no_run_is(store, family, make_run):
    _, children, _ = family
    assert store.resolve("best:acc") == children[0].run_id
    own = store.save_run(make_run(metrics={"acc": 0.5}))
    assert store.resolve("best:acc") == own.run_id


def test_a_run_that_goes_on_gets_more_children_and_keeps_those_it_has(store, family, make_run):
    parent, children, _ = family
    store.save_run(parent, children=[children[0], make_run(name="svm")])
    assert [run.name for run in store.search(parent_id=parent.run_id)] == ["forest", "logit", "svm"]
    store.delete_run(parent.run_id)
    assert store.search(parent_id=parent.run_id) == []


def test_a_metric_is_added_later_and_stays_when_the_run_goes_on(store, family):
    parent, *_ = family
    store.add_metric(parent.run_id, "f1", 0.7, MetricDetail(origin="rescored"))
    assert store.search("metrics.f1 > 0.6")[0].run_id == parent.run_id
    with pytest.raises(UsageError, match="another name"):
        store.add_metric(parent.run_id, "forest_acc", 0.7, MetricDetail(origin="rescored"))
    store.save_run(parent)
    found = store.get_run(parent.run_id)
    assert found.metrics == {"forest_acc": 0.9, "f1": 0.7}
    assert found.metric_details["f1"].origin == "rescored"
    assert store.search("metrics.f1 > 0.6")


def test_a_store_of_the_first_schema_keeps_its_runs(tmp_path: Path, make_run):
    path = tmp_path / "runs.db"
    url = f"sqlite:///{path}"
    with _Opened(url, tmp_path) as store:
        parent = store.save_run(make_run(name="old", metrics={"m": 1.0}, tags={"a": "b"}))
        child = store.save_run(make_run(name="nested", parent_id=parent.run_id))
    _back_to_the_first_schema(path, child.run_id)
    with _Opened(url, tmp_path) as store:
        assert [run.name for run in store.search()] == ["old"]
        assert store.get_run(parent.run_id).metrics == {"m": 1.0}
        assert store.resolve("#1.1") == child.run_id
        assert store.save_run(make_run()).number == 2
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert (
        connection.execute("SELECT version_num FROM store_version").fetchone()[0]
        == scripts().get_current_head()
    )


class _Opened:
    def __init__(self, url: str, folder: Path) -> None:
        self.store = open_store(url, str(folder))

    def __enter__(self):
        return self.store

    def __exit__(self, *_: object) -> None:
        self.store.close()


def _back_to_the_first_schema(path: Path, child_id: str) -> None:
    """Undo by hand what the revisions since the first did to tables."""
    connection = sqlite3.connect(path)
    folder = Path(migrations.__file__).parent / "versions"
    first = set(re.findall(r'create_table\(\s*"(\w+)"', (folder / "r0001_first.py").read_text()))
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if name not in first and name != VERSION_TABLE:
            connection.execute(f"DROP TABLE {name}")
    connection.commit()
    (text,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'runs'").fetchone()
    older = text.replace("(experiment, parent_id, number)", "(experiment, number)")
    assert older != text
    older = older.replace('"runs"', "older").replace("TABLE runs", "TABLE older")
    connection.executescript(
        f"UPDATE runs SET number = 2 WHERE run_id = '{child_id}'; {older};"
        "INSERT INTO older SELECT * FROM runs; DROP TABLE runs; ALTER TABLE older RENAME TO runs;"
        "UPDATE store_version SET version_num = '0001';"
    )
    connection.close()


def test_ids_of_children_are_their_own(store, make_run):
    parent = store.save_run(make_run(), children=[make_run(run_id=new_id()) for _ in range(300)])
    assert len({run.run_id for run in store.search(parent_id=parent.run_id)}) == 300
