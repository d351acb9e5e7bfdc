"""What people change of a run, and what its own later saves leave of that."""

from __future__ import annotations

import msgspec
import pytest

from jupyter_mlops.errors import UsageError
from jupyter_mlops.records import Status


def test_edits_are_seen_everywhere(store, make_run):
    run = store.save_run(make_run(name="old", note="", tags={"a": "1", "b": "2"}))
    summary = store.edit_run(
        run.run_id, name="new", note="why", tags={"a": "3", "b": None, "c": "4", "d": None}
    )
    assert (summary.name, summary.note, summary.tags) == ("new", "why", {"a": "3", "c": "4"})
    assert store.get_summary(run.run_id) == summary
    back = store.get_run(run.run_id)
    assert (back.name, back.note, back.tags) == ("new", "why", {"a": "3", "c": "4"})
    assert store.count("name = 'new' AND tags.a = '3' AND tags.b IS NULL AND note = 'why'") == 1
    assert store.edit_run(run.run_id) == summary
    assert store.edit_run(run.run_id, note="").note == ""


def test_edits_of_a_running_run_outlive_its_end(store, make_run):
    run = make_run(name="mine", tags={"a": "1", "b": "2", "c": "3"}, status=Status.RUNNING, duration=None)
    store.begin_run(run, lease_seconds=60)
    store.edit_run(run.run_id, name="yours", tags={"a": "edited", "b": None, "new": "n"})
    ended = msgspec.structs.replace(
        run, status=Status.FINISHED, note="from the run", tags={"a": "1", "b": "2", "c": "changed", "d": "4"}
    )
    for _ in range(2):
        saved = store.save_run(ended)
        assert saved.name == "yours"
        assert saved.note == "from the run"
        assert saved.tags == {"a": "edited", "c": "changed", "new": "n", "d": "4"}
        assert store.get_run(run.run_id) == saved
        assert store.count("tags.a = 'edited' AND tags.d = '4' AND tags.b IS NULL") == 1


def test_a_run_that_changes_a_field_itself_wins(store, make_run):
    run = store.save_run(make_run(name="one", note="", tags={"a": "1"}))
    store.edit_run(run.run_id, note="edited", tags={"a": "edited"})
    current = store.get_run(run.run_id)
    store.save_run(msgspec.structs.replace(current, note="later", tags={"a": "later"}, metrics={"m": 1.0}))
    back = store.get_run(run.run_id)
    assert (back.note, back.tags, back.metrics) == ("later", {"a": "later"}, {"m": 1.0})


def test_an_edit_outlives_saves_by_two_holders_of_the_run(store, make_run):
    mine = make_run(name="n", tags={"a": "1"})
    store.save_run(mine)
    store.edit_run(mine.run_id, note="edited", tags={"a": "edited", "b": "new"})
    store.save_run(msgspec.structs.replace(store.get_run(mine.run_id), params={"p": 1}))
    store.save_run(msgspec.structs.replace(mine, metrics={"m": 1.0}))
    back = store.get_run(mine.run_id)
    assert (back.note, back.tags) == ("edited", {"a": "edited", "b": "new"})
    store.edit_run(mine.run_id, tags={"a": "1"})
    assert store.save_run(mine).tags == {"a": "1", "b": "new"}


@pytest.mark.parametrize("wrong", [{"name": 3}, {"note": b"x"}, {"tags": {"a": 1}}, {"name": "n" * 401}])
def test_a_wrong_edit_is_refused_whole(store, make_run, wrong):
    run = store.save_run(make_run(name="n", tags={"a": "1"}))
    with pytest.raises(UsageError):
        store.edit_run(run.run_id, **wrong)
    assert store.get_run(run.run_id) == run


def test_deleted_runs_are_out_of_lists_and_come_back(store, make_run):
    parent = store.save_run(make_run(name="parent", metrics={"m": 9.0}))
    child = store.save_run(make_run(name="child", parent_id=parent.run_id))
    other = store.save_run(make_run(name="other", metrics={"m": 1.0}))
    store.delete_run(parent.run_id)
    assert [run.name for run in store.search()] == ["other"]
    deleted = store.search(deleted=True, include_children=True)
    assert [run.name for run in deleted] == ["child", "parent"]
    assert (store.count(), store.count(deleted=True, include_children=True)) == (1, 2)
    assert store.resolve("best:m") == other.run_id
    assert store.previous_run(other) is None
    assert store.get_run(parent.run_id) == parent
    assert store.resolve(parent.run_id) == parent.run_id
    assert store.save_run(msgspec.structs.replace(parent, note="later")).note == "later"
    assert store.count() == 1
    assert store.save_run(make_run()).number == 3  # children count within their parent
    store.restore_run(parent.run_id)
    assert {run.run_id for run in store.search(include_children=True)} >= {parent.run_id, child.run_id}


def test_revision_follows_what_lists_show(store, make_run):
    seen = [store.revision()]

    def changed():
        seen.append(store.revision())
        return seen[-1] != seen[-2]

    assert not changed()
    run = make_run(status=Status.RUNNING, duration=None)
    store.begin_run(run, lease_seconds=60)
    assert changed()
    store.heartbeat(run.run_id, lease_seconds=60)
    assert not changed()
    store.search()
    store.get_run(run.run_id)
    assert not changed()
    for act in (
        lambda: store.save_run(msgspec.structs.replace(run, status=Status.FINISHED)),
        lambda: store.edit_run(run.run_id, note="n"),
        lambda: store.delete_run(run.run_id),
        lambda: store.restore_run(run.run_id),
    ):
        act()
        assert changed()
    with pytest.raises(UsageError):
        store.edit_run(run.run_id, note=3)
    assert not changed()
    assert len(set(seen)) == 6


def test_what_people_say_of_a_metrics_direction_is_kept_and_forgotten(store):
    assert store.directions() == {}
    before = store.revision()
    store.set_direction("margin", True)
    assert store.revision() != before
    assert store.set_direction("acc/uracy`", False) == {"margin": True, "acc/uracy`": False}
    store.set_direction("margin", False)
    assert store.set_direction("acc/uracy`", None) == {"margin": False}
    with pytest.raises(UsageError):
        store.set_direction("", True)
