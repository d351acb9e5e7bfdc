"""A run whose kernel died is read as killed at once, and written down as such by the next writer."""

from __future__ import annotations

import time
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select

from jupyter_mlops.records import Status, now
from jupyter_mlops.store.schema import runs


@pytest.fixture
def begin(store, make_run):
    """Begins a run 90 seconds ago that was last heard of just now, with a lease over at once, or longer."""

    def make(lease_seconds=0.0, **fields):
        run = make_run(
            status=Status.RUNNING, duration=None, start_time=now() - timedelta(seconds=90), **fields
        )
        started = store.begin_run(run, lease_seconds=lease_seconds)
        time.sleep(0.002)
        return started

    return make


def stored_status(store, run_id):
    with store._database.read() as connection:
        return connection.execute(select(runs.c.status).where(runs.c.run_id == run_id)).scalar()


def test_a_run_begins_with_a_number_and_runs(store, begin):
    run = begin(60)
    assert run.number == 1
    for read in (store.get_run(run.run_id), store.get_summary(run.run_id), *store.search()):
        assert (read.status, read.status_reason, read.duration) == (Status.RUNNING, "", None)
    assert store.count("status = 'RUNNING'") == 1


def test_a_lease_that_is_over_reads_as_killed_without_a_write(store, begin):
    run = begin()
    revision = store.revision()
    for read in (store.get_run(run.run_id), store.get_summary(run.run_id), *store.search()):
        assert (read.status, read.status_reason) == (Status.KILLED, "kernel_died")
        assert read.duration == pytest.approx(90, abs=10)
    assert store.count("status = 'KILLED' AND status_reason = 'kernel_died' AND duration > 80") == 1
    assert store.count("status = 'RUNNING'") == 0
    assert store.frame()["status"].tolist() == ["KILLED"]
    assert stored_status(store, run.run_id) == "RUNNING"
    assert store.revision() == revision


def test_time_alone_changes_the_revision(store, begin):
    run = begin(0.3)
    before = store.revision()
    while store.get_summary(run.run_id).status is Status.RUNNING:
        time.sleep(0.05)
    assert store.revision() != before


@pytest.mark.parametrize("writer", ["save", "begin", "edit", "delete"])
def test_the_next_writer_writes_the_end_down(store, begin, make_run, writer):
    other = store.save_run(make_run())
    run = begin()
    {
        "save": lambda: store.save_run(make_run()),
        "begin": lambda: store.begin_run(make_run(status=Status.RUNNING), lease_seconds=60),
        "edit": lambda: store.edit_run(other.run_id, note="n"),
        "delete": lambda: store.delete_run(other.run_id),
    }[writer]()
    assert stored_status(store, run.run_id) == "KILLED"
    back = store.get_run(run.run_id)
    assert (back.status, back.status_reason) == (Status.KILLED, "kernel_died")
    assert back.duration == pytest.approx(90, abs=10)


def test_a_heartbeat_keeps_a_run_alive(store, begin, make_run):
    run = begin(0.5)
    store.heartbeat(run.run_id, lease_seconds=60)
    time.sleep(0.6)
    store.save_run(make_run())
    assert store.get_run(run.run_id).status is Status.RUNNING


@pytest.mark.parametrize("buried", [False, True])
def test_a_heartbeat_revives_a_run_whose_machine_slept(store, begin, make_run, buried):
    run = begin()
    if buried:
        store.save_run(make_run())
    store.heartbeat(run.run_id, lease_seconds=60)
    back = store.get_run(run.run_id)
    assert (back.status, back.status_reason, back.duration) == (Status.RUNNING, "", None)


def test_a_heartbeat_revives_nothing_that_ended(store, begin):
    run = begin(60)
    ended = msgspec.structs.replace(
        run, status=Status.KILLED, status_reason="interrupted", duration=3.0, number=run.number
    )
    store.save_run(ended)
    store.heartbeat(run.run_id, lease_seconds=60)
    assert store.get_run(run.run_id) == ended


def test_a_run_taken_for_dead_can_still_end_well(store, begin, make_run):
    run = begin()
    store.save_run(make_run())
    ended = msgspec.structs.replace(run, status=Status.FINISHED, duration=91.0, metrics={"m": 1.0})
    store.save_run(ended)
    assert store.get_run(run.run_id) == ended


def test_a_running_run_saved_without_a_lease_has_one(store, make_run):
    run = store.save_run(make_run(status=Status.RUNNING, duration=None))
    with store._database.read() as connection:
        lease = connection.execute(select(runs.c.lease_until).where(runs.c.run_id == run.run_id)).scalar()
    assert lease > time.time() * 1_000_000
    assert store.get_run(run.run_id).status is Status.RUNNING


def test_a_clock_that_went_back_gives_no_negative_duration(store, make_run):
    future = now() + timedelta(hours=2)
    run = store.begin_run(
        make_run(status=Status.RUNNING, duration=None, start_time=future), lease_seconds=-1.0
    )
    assert store.get_run(run.run_id).duration == 0.0
    assert store.count("duration >= 0") == 1
    store.save_run(make_run())
    assert store.get_run(run.run_id).duration == 0.0
