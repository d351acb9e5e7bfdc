"""The best by a metric come from the index: the same as sorting all of them, page by page."""

from __future__ import annotations

import math
import random

import pytest


@pytest.fixture(scope="module")
def ranked(shared_store, make_shared_run):
    chance = random.Random(5)
    values = [None, math.nan, math.inf, -math.inf, 0, -0.0, 0.5, 0.5, 1, 2**60]
    for index in range(60):
        value = chance.choice(values)
        metrics = {"other": index % 3} if value is None else {"acc": value, "other": index % 3}
        run = make_shared_run(
            metrics=metrics, params={"k": index % 5}, experiment=f"e{index % 2}", name=f"{index % 4}"
        )
        shared_store.save_run(run)
        if index % 17 == 3:
            shared_store.delete_run(run.run_id)
    return shared_store


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
@pytest.mark.parametrize("rest", [[], ["params.k DESC"], ["metrics.other"]])
@pytest.mark.parametrize(
    "condition", ["", "params.k > 1", "metrics.acc > 0.2 OR name = '1'", "name = 'none'"]
)
def test_pages_together_are_the_whole_sorted_list(ranked, direction, rest, condition):
    order = [f"metrics.acc {direction}", *rest]
    for experiment in (None, "e1"):
        whole = [run.run_id for run in ranked.search(condition, order_by=order, experiment=experiment)]
        for size in (1, 7, 100):
            pages = []
            for offset in range(0, len(whole) + size, size):
                pages += ranked.search(
                    condition, order_by=order, max_results=size, offset=offset, experiment=experiment
                )
            assert [run.run_id for run in pages] == whole
    assert ranked.search(condition, order_by=order, max_results=0) == []


def test_missing_numbers_come_last_either_way(ranked):
    for direction in ("ASC", "DESC"):
        found = ranked.search(order_by=[f"metrics.acc {direction}"], max_results=1000)
        has = ["acc" in run.metrics and not math.isnan(run.metrics["acc"]) for run in found]
        assert has == sorted(has, reverse=True)


def test_deleted_runs_are_ranked_among_themselves(ranked):
    found = ranked.search(order_by=["metrics.acc DESC"], max_results=1000, deleted=True)
    assert len(found) == ranked.count(deleted=True) > 0
    assert not {run.run_id for run in found} & {run.run_id for run in ranked.search()}


@pytest.mark.parametrize(
    "condition",
    [
        "metrics.acc > 0.2",
        "metrics.acc = 0.5 AND params.k > 1",
        "params.k > 1 AND (metrics.other = 1 AND metrics.acc <= 1)",
        "metrics.acc IN (0, 1) AND metrics.other < 2",
        "metrics.acc > 0.2 OR metrics.other = 1",
        "NOT metrics.acc > 0.2",
        "metrics.acc != 0.5",
        "metrics.acc NOT IN (0.5)",
        "metrics.acc IS NULL AND metrics.other = 1",
        "metrics.none > 0",
    ],
)
def test_few_runs_are_found_from_their_metric_as_many_are(ranked, monkeypatch, condition):
    def asked():
        orders = ([], ["metrics.acc DESC"], ["metrics.other", "name"])
        lists = [ranked.search(condition, order_by=order, max_results=9) for order in orders]
        lists.append(ranked.search(condition, experiment="e1"))
        return [[run.run_id for run in runs] for runs in lists], ranked.count(condition)

    few = asked()
    monkeypatch.setattr("jupyter_mlops.store.runs._FEW", -1)
    assert asked() == few


def test_the_index_answers(tmp_path, make_run):
    """As many rows of the index as are asked for, not a look at every run."""
    import sqlalchemy as sa

    from jupyter_mlops.store import open_store

    store = open_store(f"sqlite:///{tmp_path / 'runs.db'}", str(tmp_path))
    store.save_run(make_run(metrics={"acc": 0.5}))
    plans = []

    def explain(connection, cursor, statement, parameters, *_):
        if "LIMIT" in statement:
            plans.append([row[-1] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)])

    sa.event.listen(store._database._engine, "before_cursor_execute", explain)
    store.search("params.k > 1", order_by=["metrics.acc DESC"], max_results=5)
    store.search(max_results=5)
    store.search(max_results=5, experiment="penguins")
    assert "SEARCH metrics USING COVERING INDEX metrics_name (name=?" in plans[0][0]
    assert "USING INDEX runs_start_time" in plans[-2][0]
    assert "USING INDEX runs_experiment (experiment=?" in plans[-1][0]
    store.search("metrics.acc > 0.4", order_by=["metrics.acc DESC"], max_results=5)
    assert "SEARCH runs USING INDEX sqlite_autoindex_runs_1 (run_id=?)" in plans[-1][0]
    # The readers of a dataset are gathered once, not looked up run by run.
    store.search("dataset.hash = 'xxh3:data'", max_results=5)
    assert "SCAN datasets" in plans[-1]
    assert not any(step.startswith("SEARCH datasets") for step in plans[-1])
    store.close()
