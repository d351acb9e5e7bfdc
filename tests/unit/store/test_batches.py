"""Many runs in one transaction, numbered and readable as those saved one by one."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import UsageError
from jupyter_mlops.records import Curve, Environment, Execution, Status


def curve(points):
    return Curve(steps=list(range(points)), values=[0.5] * points, times=[0.0] * points, count=points)


def test_a_batch_is_read_back_as_single_runs_are(store, make_run):
    cell = Execution(execution_id="c", session_id="s", order=3, source="x = 1", code="x = 1")
    environment = Environment(
        python="3.11", executable="/python", platform="Linux", directory="/", packages={}
    )
    fields = {"params": {"a": [1, "\ud800"]}, "metrics": {"m": 2**70}, "tags": {"t": "é"}, "cells": (cell,)}
    runs = [
        make_run(orders=(3,), session_id="s", environment=environment, curves=("l",), **fields)
        for _ in range(3)
    ]
    saved = store.save_runs([(run, {"l": curve(10)}) for run in runs])
    assert [run.number for run in saved] == [1, 2, 3]
    for run in saved:
        assert store.get_run(run.run_id) == run
        assert store.get_curve(run.run_id, "l") == curve(10)
    assert store.count("params.a IS NOT NULL AND metrics.m > 1 AND tags.t = 'é'") == 3
    assert store.save_run(make_run()).number == 4


def test_numbers_asked_for_are_kept_where_free(store, make_run):
    store.save_run(make_run())
    numbers = [0, 7, 7, 1, 0, 3]
    saved = store.save_runs([(make_run(number=number), {}) for number in numbers])
    assert [run.number for run in saved] == [2, 7, 8, 9, 10, 3]
    other = store.save_runs([(make_run(experiment="other"), {}) for _ in range(2)])
    assert [run.number for run in other] == [1, 2]
    assert store.save_run(make_run()).number == 11


def test_a_run_that_is_there_is_replaced_and_keeps_what_people_edited(store, make_run):
    first = store.save_run(make_run(name="before", metrics={"m": 1}))
    store.edit_run(first.run_id, note="mine")
    again = make_run(run_id=first.run_id, name="after", metrics={"m": 2})
    saved = store.save_runs([(make_run(), {}), (again, {}), (make_run(), {})])
    assert [run.number for run in saved] == [2, 1, 3]
    found = store.get_run(first.run_id)
    assert (found.name, found.note, found.metrics) == ("after", "mine", {"m": 2})
    assert saved[1].note == "mine"


def test_one_run_twice_in_a_batch_is_one_run(store, make_run):
    run = make_run(metrics={"m": 1})
    later = make_run(run_id=run.run_id, metrics={"m": 2})
    store.save_runs([(run, {}), (later, {})])
    assert [(found.number, found.metrics) for found in store.search()] == [(1, {"m": 2})]


def test_a_batch_with_a_run_that_cannot_be_stored_is_refused_whole(store, make_run):
    with pytest.raises(UsageError):
        store.save_runs([(make_run(), {}), (make_run(params={"a": object()}), {})])
    assert store.count() == 0


def test_a_running_run_of_a_batch_has_a_lease(store, make_run):
    (saved,) = store.save_runs([(make_run(status=Status.RUNNING, duration=None), {})])
    assert store.get_summary(saved.run_id).status is Status.RUNNING
