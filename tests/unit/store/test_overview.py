"""A long list surveyed: its groups stand where the list ordered by the same field has their runs."""

from __future__ import annotations

import itertools

import pytest

from jupyter_mlops.errors import FilterError
from jupyter_mlops.records import Dataset, Status


@pytest.fixture(scope="module")
def surveyed(shared_store, make_shared_run):
    runs = [
        {"experiment": "a", "params": {"depth": 10, "model": "tree"}, "tags": {"team": "blue"}},
        {"experiment": "b", "params": {"depth": 9, "model": "tree"}, "tags": {"team": "blue"}},
        {"experiment": "a", "params": {"depth": "deep", "model": "Net"}, "metrics": {"acc": 0.5}},
        {"experiment": "a", "params": {"depth": 9}, "tags": {"team": "Blue", "note": "x"}},
        {"experiment": "b", "status": Status.FAILED, "metrics": {"acc": float("nan"), "loss": 1.0}},
        {"experiment": "gone", "tags": {"team": "gone"}},
    ]
    for number, fields in enumerate(runs):
        saved = shared_store.save_run(make_shared_run(name=f"run {number}", **fields))
    shared_store.delete_run(saved.run_id)
    return shared_store


VALUES = {
    "experiment": lambda run: run.experiment,
    "status": lambda run: run.status.value,
    "tags.team": lambda run: run.tags.get("team"),
    "params.depth": lambda run: None if (found := run.params.get("depth")) is None else str(found),
    "params.model": lambda run: run.params.get("model"),
}


@pytest.mark.parametrize("field", VALUES)
@pytest.mark.parametrize("text", ["", "params.model = 'tree' OR metrics.loss > 0"])
def test_groups_are_the_ordered_list_cut_where_the_value_changes(surveyed, field, text):
    listed = surveyed.search(text, order_by=[field])
    cut = [(value, len(list(runs))) for value, runs in itertools.groupby(listed, key=VALUES[field])]
    assert surveyed.groups(field, text) == cut
    assert len(cut) > 1


def test_groups_follow_the_experiment_and_leave_children_out(surveyed, store, make_run):
    assert surveyed.groups("tags.team", experiment="b") == [("blue", 1), (None, 1)]
    parent = store.save_run(make_run(experiment="a"))
    store.save_run(make_run(experiment="a", parent_id=parent.run_id))
    assert store.groups("experiment") == [("a", 1)]
    assert store.groups("experiment", include_children=True) == [("a", 2)]


def test_runs_are_grouped_by_the_file_they_read_first_and_by_its_state(store, make_run):
    def read(location, fingerprint, **fields):
        data = Dataset(
            name="d", fingerprint=fingerprint, kind="frame", rows=3, location=location, role="input"
        )
        return store.save_run(make_run(datasets=(data,), **fields))

    read("data/cars.csv", "xxh3:00001111")
    read("data/cars.csv", "xxh3:00001111")
    newer = read("data/cars.csv", "xxh3:00002222")
    read("", "xxh3:00003333")
    assert store.groups("data") == [("data/cars.csv · 1111", 2), ("data/cars.csv · 2222", 1), (None, 1)]
    store.save_run(make_run(parent_id=newer.run_id))
    found = store.search("data = 'data/cars.csv · 2222'", include_children=True)
    assert {run.run_id for run in found} > {newer.run_id}


@pytest.mark.parametrize("field", ["colour", "metrics.", "experiment sideways"])
def test_an_unknown_field_is_refused(surveyed, field):
    with pytest.raises(FilterError):
        surveyed.groups(field)
    with pytest.raises(FilterError):
        surveyed.field_values(field)


def test_too_many_groups_are_refused(store, make_run, monkeypatch):
    monkeypatch.setattr("jupyter_mlops.store.overview.MOST_GROUPS", 2)
    for name in "abc":
        store.save_run(make_run(name=name))
    with pytest.raises(FilterError, match="more than 2 values"):
        store.groups("name")


def test_names_are_those_a_filter_can_ask_for(surveyed):
    names = surveyed.field_names()
    assert names.metrics == ["acc", "loss"]
    assert names.params == ["depth", "model"]
    assert {"note", "team"} <= set(names.tags)
    for kind in ("metrics", "params", "tags"):
        for name in getattr(names, kind):
            surveyed.search(f"{kind}.`{name}` IS NULL")


def test_values_are_texts_the_most_frequent_first(surveyed):
    assert surveyed.field_values("params.model") == ["tree", "Net"]
    assert surveyed.field_values("params.depth") == ["deep"]
    assert surveyed.field_values("tags.team")[0] == "blue"
    assert surveyed.field_values("experiment") == ["a", "b"]
    assert surveyed.field_values("status") == ["FINISHED", "FAILED"]
    assert surveyed.field_values("metrics.acc") == []
    assert surveyed.field_values("duration") == []
    assert surveyed.field_values("start_time") == []


def test_surveying_is_reading(surveyed):
    before = surveyed.revision()
    surveyed.groups("experiment")
    surveyed.field_names()
    surveyed.field_values("name")
    assert surveyed.revision() == before
