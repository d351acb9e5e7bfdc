"""RUN references, and the runs a card compares with."""

from __future__ import annotations

import math

import pytest

from jupyter_mlops.errors import (
    AmbiguousRunError,
    FilterError,
    MetricNotFoundError,
    RunNotFoundError,
    UsageError,
)
from jupyter_mlops.records import Evaluation, MetricDetail
from jupyter_mlops.store import Best


@pytest.fixture(scope="module")
def ids(shared_store, make_shared_run):
    """Runs by a letter: two experiments, one name twice, a parent with children."""
    plan = {
        "a": {"name": "first", "metrics": {"acc": 0.5, "loss": 3.0}},
        "b": {"name": "twice", "metrics": {"acc": 0.9, "loss": 2.0}},
        "c": {"name": "twice", "metrics": {"acc": math.nan, "loss": 2.0}},
        "d": {"name": "other", "experiment": "other", "metrics": {"acc": 0.99, "neg_loss": -1.0}},
        "p": {"name": "loop", "metrics": {"acc": 0.1, "strange": 1.0}},
        "q": {"name": "child", "parent_id": "p", "metrics": {"acc": 0.7, "strange": 2.0, "rare": 1.0}},
    }
    found = {}
    for index, (letter, fields) in enumerate(plan.items()):
        run_id = f"01{'abcdef'[index]}{letter}{'0' * 22}"
        if "parent_id" in fields:
            fields = {**fields, "parent_id": found["p"]}
        found[letter] = shared_store.save_run(make_shared_run(run_id=run_id, **fields)).run_id
    return found


@pytest.mark.parametrize(
    ("ref", "experiment", "expected"),
    [
        ("#1", "penguins", "a"),
        ("# 2", "penguins", "b"),
        ("#4", None, "p"),
        ("#4.1", "penguins", "q"),
        ("child", None, "q"),
        ("#1", "other", "d"),
        ("first", None, "a"),
        ("first", "other", "a"),
        ("other", "penguins", "d"),
        (" last ", None, "p"),
        ("LAST", "other", "d"),
        ("01a", None, "a"),
        ("01AA000", None, "a"),
        ("01dd", "penguins", "d"),
        ("best:acc", None, "d"),
        ("best:acc", "penguins", "b"),
        ("worst:acc", None, "p"),
        ("best:loss", None, "b"),
        ("worst:loss", None, "a"),
        ("Best: neg_loss", None, "d"),
        ("best:strange", None, "p"),
        ("best:rare", None, "q"),
    ],
)
def test_a_reference_finds_its_run(shared_store, ids, ref, experiment, expected):
    assert shared_store.resolve(ref, experiment=experiment) == ids[expected]


def test_every_id_finds_itself(shared_store, ids):
    for run_id in ids.values():
        assert shared_store.resolve(run_id) == run_id


@pytest.mark.parametrize(
    ("ref", "experiment", "error", "words"),
    [
        ("#1", None, AmbiguousRunError, "#1 in other"),
        ("twice", None, AmbiguousRunError, "More than one run answers to 'twice': #3"),
        ("01", None, AmbiguousRunError, "prefix '01'"),
        ("#99", "penguins", RunNotFoundError, "no run #99 in experiment 'penguins'"),
        ("nothing", None, RunNotFoundError, "no run 'nothing'"),
        ("last", "empty", RunNotFoundError, "no run in experiment 'empty' yet"),
        ("best:nothing", None, MetricNotFoundError, "There are: acc, loss, neg_loss, rare, strange"),
        ("best:acc", "empty", MetricNotFoundError, "No run in experiment 'empty'"),
        ("best:", None, UsageError, "name of a metric"),
        ("", None, UsageError, "names no run"),
        (14, None, UsageError, "names no run"),
        ("#" + "9" * 5000, None, RunNotFoundError, "no run"),
        ("#999999999999999999", None, RunNotFoundError, "no run"),
        ("'; --", None, RunNotFoundError, "no run"),
    ],
)
def test_a_reference_that_finds_none_or_several_says_so(shared_store, ids, ref, experiment, error, words):
    with pytest.raises(error) as caught:
        shared_store.resolve(ref, experiment=experiment)
    assert words in str(caught.value)
    assert caught.value.hint


def test_direction_comes_from_the_run_then_from_the_caller(store, make_run):
    low = store.save_run(make_run(metrics={"m": 1.0}))
    high = store.save_run(make_run(metrics={"m": 2.0}))
    assert store.resolve("best:m") == high.run_id
    assert store.resolve("best:m", direction=lambda name: None) == high.run_id
    assert store.resolve("best:m", direction=lambda name: False) == low.run_id
    detail = MetricDetail(origin="call", higher_is_better=True)
    store.save_run(make_run(metrics={"m": 1.5}, metric_details={"m": detail}))
    assert store.resolve("best:m", direction=lambda name: False) == high.run_id
    store.set_direction("m", False)  # what people say is believed before the code
    assert store.resolve("best:m", direction=lambda name: True) == low.run_id


def test_what_is_not_finite_is_best_only_where_nothing_else_is(store, make_run):
    broken = store.save_run(make_run(metrics={"m": math.inf, "only": math.inf}))
    real = store.save_run(make_run(metrics={"m": 1.0}))
    last = store.save_run(make_run(metrics={"m": 0.5}))
    assert store.resolve("best:m") == real.run_id
    assert store.resolve("best:only") == broken.run_id
    assert store.best_values("penguins", {"m": True}, before=last.run_id) == {"m": 1.0}


def test_the_previous_run_is_of_the_same_cell_if_there_is_one(store, make_run):
    runs = [
        store.save_run(make_run(cell_id=cell, experiment=experiment))
        for cell, experiment in (("x", "e"), ("y", "e"), ("x", "other"), ("x", "e"), ("z", "e"), ("", "e"))
    ]
    assert store.previous_run(runs[3]) == runs[0]
    assert store.previous_run(runs[4]) == runs[3]
    assert store.previous_run(runs[5]) == runs[4]
    assert store.previous_run(runs[0]) is None
    assert store.previous_run(runs[2]) is None


def test_the_previous_run_of_one_not_saved_yet_is_the_newest_before_it(store, make_run):
    first, second = store.save_run(make_run()), make_run()
    store.save_run(make_run())
    assert store.previous_run(second) == first


def test_children_are_compared_with_children(store, make_run):
    parent = store.save_run(make_run())
    child = store.save_run(make_run(parent_id=parent.run_id))
    other = store.save_run(make_run(parent_id=parent.run_id))
    after = store.save_run(make_run())
    assert store.previous_run(after) == store.get_run(parent.run_id)
    assert store.previous_run(other) == store.get_run(child.run_id)


def test_best_value_looks_at_earlier_runs_of_the_experiment(store, make_run):
    values = [0.5, math.nan, 0.9, 0.7]
    runs = [store.save_run(make_run(metrics={"acc": value})) for value in values]
    store.save_run(make_run(experiment="other", metrics={"acc": 2.0}))

    def best(run, higher=True):
        return store.best_values("penguins", {"acc": higher}, before=run.run_id).get("acc")

    assert best(runs[3]) == 0.9
    assert best(runs[3], higher=False) == 0.5
    assert best(runs[2]) == 0.5
    assert best(runs[0]) is None
    assert store.best_values("penguins", {"nothing": True, "acc": True}, before=runs[3].run_id) == {
        "acc": 0.9
    }
    assert best(make_run()) == 0.9
    store.delete_run(runs[2].run_id)
    assert best(runs[3]) == 0.5


def test_the_best_was_scored_on_the_rows_most_runs_were_scored_on(store, make_run):
    def scored(value, target, rows=200):
        evaluation = Evaluation(function="accuracy_score", target=target, rows=rows)
        details = {"acc": MetricDetail(origin="call", evaluation=evaluation)}
        return store.save_run(make_run(metrics={"acc": value}, metric_details=details))

    _, best, second = [scored(value, "a") for value in (0.7, 0.74, 0.72)]
    easy = scored(0.99, "b", 33)
    assert store.resolve("best:acc") == best.run_id
    assert store.find_best("acc") == Best(best.run_id, (easy.run_id,))
    # Whoever asks for these rows alone is told of the best on them.
    assert store.find_best("acc", f"run_id = '{easy.run_id}'") == Best(easy.run_id)
    assert store.find_best("acc", "metrics.acc < 0.73") == Best(second.run_id)
    with pytest.raises(FilterError):
        store.find_best("acc", "metrics.acc <")
    with pytest.raises(MetricNotFoundError):
        store.find_best("acc", experiment="nowhere")
    assert store.resolve("worst:acc") != best.run_id
    unknown = store.save_run(make_run(metrics={"acc": 0.8}))
    assert store.resolve("best:acc") == unknown.run_id
    # Where every run has a split of its own, none stands for the others.
    new = [scored(0.9 + number / 100, f"split {number}") for number in range(6)][-1]
    assert store.resolve("best:acc") != new.run_id
    newest = scored(1.0, "split 8")
    assert store.resolve("best:acc") == newest.run_id
