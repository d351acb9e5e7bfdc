"""Backup, restore, merge, move, garbage and room: nothing lost, nothing twice, nothing of others touched."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing

import msgspec
import pytest
from test_versions import make_version

from jupyter_mlops.errors import StoreDamagedError, StoreError, UsageError
from jupyter_mlops.records import Artifact, Curve, Environment, Execution
from jupyter_mlops.store import open_store
from jupyter_mlops.store.upkeep import back_up, collect_garbage, merge, move, restore, sizes

CURVE = Curve(steps=list(range(100)), values=[0.5] * 100, times=[0.0] * 100, count=100)


def fill(store, make_run, count=4):
    """Runs with everything, a child, a deleted one and a version with an alias."""
    made = []
    for index in range(count):
        data = f"file {index % 2}".encode()
        digest = store.put_artifact(data)
        cell = Execution(execution_id=f"c{index}", session_id="s", order=index + 1, source="x", code="x")
        run = make_run(
            name=f"run {index}",
            params={"index": index, "odd": "\ud800\0"},
            metrics={"m": index / 2},
            tags={"t": "x"},
            curves=("loss",),
            cells=(cell,),
            session_id="s",
            orders=(index + 1,),
            environment=Environment(python="3", executable="/p", platform="L", directory="/", packages={}),
            artifacts=(Artifact(path="f", digest=digest, size=len(data), media_type="text/plain"),),
        )
        child = make_run(name="turn", duration=0.1)
        made.append(store.save_run(run, curves={"loss": CURVE}, children=[child]))
    store.delete_run(made[-1].run_id)
    store.add_version(msgspec.structs.replace(make_version(1), run_id=made[0].run_id))
    store.move_alias("churn", "champion", 1)
    return made


def everything(store):
    runs = [
        *store.search(include_children=True, order_by=["run_id"]),
        *store.search(deleted=True, include_children=True, order_by=["run_id"]),
    ]
    return (
        [store.get_run(run.run_id) for run in runs],
        [store.get_curve(run.run_id, name) for run in runs for name in run.curves],
        [store.get_artifact(a.digest) for run in runs for a in store.get_run(run.run_id).artifacts],
        store.versions(),
        store.alias_log("churn"),
    )


@pytest.fixture
def other(tmp_path):
    with closing(
        open_store(f"sqlite:///{tmp_path / 'other' / 'runs.db'}", str(tmp_path / "other/artifacts"))
    ) as it:
        yield it


def test_a_backup_restored_is_the_same_store(store, other, make_run, tmp_path):
    fill(store, make_run)
    made = back_up(store, tmp_path / "backup")
    assert (made.runs, made.artifacts, made.missing_artifacts) == (8, 2, 0)
    assert sorted(path.name for path in (tmp_path / "backup").iterdir()) == [
        "artifacts",
        "backup.json",
        "runs.db",
    ]
    before = (tmp_path / "backup" / "runs.db").read_bytes()
    copied = restore(other, tmp_path / "backup")
    assert (copied.runs, copied.versions, copied.artifacts) == (8, 1, 2)
    assert everything(other) == everything(store)
    assert (tmp_path / "backup" / "runs.db").read_bytes() == before
    assert other.save_run(make_run()).number == store.save_run(make_run()).number == 5
    with pytest.raises(UsageError, match="not empty"):
        restore(other, tmp_path / "backup")
    with pytest.raises(UsageError, match="there already"):
        back_up(store, tmp_path / "backup")
    with pytest.raises(UsageError, match="no backup"):
        restore(other, tmp_path)


def test_a_damaged_backup_is_not_restored(store, other, make_run, tmp_path):
    fill(store, make_run)
    back_up(store, tmp_path / "backup")
    file = tmp_path / "backup" / "runs.db"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        restore(other, tmp_path / "backup")
    assert other.count() == 0


def test_a_backup_while_others_write_is_whole(store, other, make_run, tmp_path):
    end = threading.Event()
    runs = [make_run(metrics={"m": 1}) for _ in range(3000)]
    saved = []

    def write():
        while not end.is_set() and len(saved) < len(runs):
            saved.append(store.save_run(runs[len(saved)]).number)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(saved) < 5:
            time.sleep(0.01)
        least = len(saved)
        back_up(store, tmp_path / "backup")
    finally:
        end.set()
        writer.join()
    restore(other, tmp_path / "backup")
    numbers = [run.number for run in other.search(order_by=["number"])]
    assert numbers == list(range(1, len(numbers) + 1))
    assert least <= len(numbers) <= len(saved)
    assert other.count("metrics.m = 1") == len(numbers)


def test_a_merge_takes_what_is_missing_once(store, other, make_run):
    mine = fill(other, make_run)
    here = store.save_run(make_run(name="here"))
    copied = merge(store, other)
    assert (copied.runs, copied.known_runs) == (8, 0)
    assert sorted(run.number for run in store.search()) == [1, 2, 3, 5]
    assert store.get_run(here.run_id).number == 1
    assert store.get_run(mine[0].run_id).number == 5  # 1 was taken
    assert store.get_run(mine[1].run_id).number == 2
    assert store.get_run(mine[1].run_id).params["odd"] == "\ud800\0"
    assert [run.number for run in store.search(parent_id=mine[0].run_id)] == [1]
    again = merge(store, other)
    assert (again.runs, again.known_runs, again.known_versions) == (0, 8, 1)
    assert [version.aliases for version in store.versions("churn")] == [("champion",)]
    assert store.save_run(make_run()).number == 6


def test_a_merge_keeps_versions_of_the_same_number(store, other, make_run):
    fill(other, make_run)
    store.add_version(make_version(1))
    own = store.get_version("churn", 1)
    assert merge(store, other).refused_versions == ["churn v1"]
    assert store.get_version("churn", 1) == own


def test_a_store_merged_into_itself_is_refused(store):
    with pytest.raises(UsageError, match="one store"):
        merge(store, store)


def test_a_store_moves_whole_and_stays(store, other, make_run):
    fill(store, make_run)
    before = everything(store)
    move(store, other)
    assert everything(other) == everything(store) == before
    with pytest.raises(UsageError, match="not empty"):
        move(store, other)


def test_room_is_told_by_experiment(store, make_run):
    fill(store, make_run)
    store.save_run(make_run(experiment="small"))
    big, small = sizes(store)
    assert (big.experiment, big.runs, big.deleted_runs, big.artifacts) == ("penguins", 8, 2, 2)
    assert big.artifact_bytes == 12
    assert big.curve_bytes > 0
    assert big.record_bytes > small.record_bytes > 0
    assert (small.experiment, small.runs, small.artifacts) == ("small", 1, 0)


def age(folder):
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))


@pytest.fixture
def own(tmp_path):
    """An SQLite store with its artifacts beside it."""
    with closing(
        open_store(f"sqlite:///{tmp_path / 'own' / 'runs.db'}", str(tmp_path / "own/artifacts"))
    ) as it:
        yield it


def test_garbage_is_what_nothing_leads_to(own, make_run, tmp_path):
    made = fill(own, make_run)
    alone = own.put_artifact(b"nobody's")
    cell = Execution(execution_id="z", session_id="gone", order=1, source="x", code="x")
    gone = own.save_run(make_run(cells=(cell,), session_id="gone", orders=(1,)))
    own.delete_run(gone.run_id)
    age(tmp_path / "own" / "artifacts")
    young = own.put_artifact(b"just written")
    before = everything(own)
    would = collect_garbage(own, older_than=0, dry_run=True)
    assert (would.runs, would.executions, would.artifacts, would.artifact_bytes) == (3, 1, 1, 8)
    assert everything(own) == before
    assert own.get_artifact(alone) == b"nobody's"
    assert msgspec.structs.replace(collect_garbage(own, older_than=0, dry_run=False), dry_run=True) == would
    assert own.count(deleted=True, include_children=True) == 0
    assert len(own.search()) == 3
    assert not (tmp_path / "own" / "artifacts" / alone[:2] / alone).exists()
    assert own.get_artifact(young) == b"just written"
    assert own.get_artifact(own.get_run(made[0].run_id).artifacts[0].digest) == b"file 0"
    assert len(own.get_run(made[2].run_id).cells) == 3
    assert own.save_run(make_run()).number == 6  # a number is never given twice
    assert collect_garbage(own, older_than=0, dry_run=True).runs == 0


def test_garbage_spares_the_young_the_exported_and_what_others_may_use(store, make_run, tmp_path):
    made = fill(store, make_run)
    store.delete_run(made[0].run_id)  # a version was made from it
    assert collect_garbage(store, older_than=3600, dry_run=False).runs == 0
    store.put_artifact(b"another store's, perhaps")
    age(tmp_path / "artifacts")
    freed = collect_garbage(store, older_than=0, dry_run=False)
    # The exported one stays; its child and the one deleted before go.
    assert store.get_run(made[0].run_id).params["index"] == 0
    assert freed.runs == 3
    if store.url.startswith("postgresql"):
        assert freed.artifacts == 0
        assert "left alone" in freed.notes[0]


def test_damage_has_an_error_of_its_own():
    assert StoreDamagedError("x").code == "store_damaged"
    assert "salvage" in StoreDamagedError("x").hint
