"""Many runs: seeds, ideas, frontier, lineage, influence, hypotheses, data in pictures, runs set apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sample_runs import BEGINNING, TRAIN, evaluation, execution, penguins, sample_run, story_cells
from scipy import stats

from jupyter_mlops.compare import compare_runs
from jupyter_mlops.compare.evidence import Evidence
from jupyter_mlops.compare.findings import RunComparison
from jupyter_mlops.compare.paired import Predictions
from jupyter_mlops.records import Artifact, Column, Dataset, MetricDetail, Run, as_json, from_json


def seeded(number: int, seed: int, accuracy: float, **fields: Any) -> Run:
    split = f"X_train, X_test = train_test_split(X, y, random_state={seed})"
    params = {"max_depth": 3, "random_state": seed, "model__random_state": seed}
    defaults: dict[str, Any] = {
        "params": params,
        "metrics": {"accuracy": accuracy},
        "cells": story_cells(split=split),
    }
    return sample_run(number, **{**defaults, **fields})


def test_runs_that_differ_by_seed_only_are_a_group_with_its_mean() -> None:
    values = (0.91, 0.93, 0.92, 0.94, 0.925)
    runs = [seeded(n, n, v) for n, v in enumerate(values, 1)]
    found = compare_runs(runs)
    (group,) = found.groups
    assert len(group.run_ids) == 5
    assert group.seeds[runs[2].run_id] == "random_state 3"
    (spread,) = group.spreads
    assert (spread.count, spread.mean) == (5, pytest.approx(0.925))
    assert (spread.low, spread.high) == pytest.approx(
        stats.t.interval(0.95, 4, loc=0.925, scale=stats.sem(values))
    )
    assert found.summary == (
        "Only the seed differs, everything else the same: accuracy mean 0.9250 over 5 seeds, "
        "95 % interval 0.911 to 0.939."
    )


def test_two_groups_of_seeds_are_held_against_each_other() -> None:
    def group(begin: int, depth: int, *values: float) -> list[Run]:
        return [
            seeded(
                begin + n,
                begin + n,
                value,
                name=f"depth {depth}",
                params={
                    "max_depth": depth,
                    "random_state": begin + n,
                    "model__random_state": begin + n,
                },
            )
            for n, value in enumerate(values)
        ]

    shallow = group(1, 3, 0.90, 0.91, 0.92)
    first, noisy, better = compare_runs(
        [*shallow, *group(4, 5, 0.905, 0.91, 0.925), *group(7, 8, 0.95, 0.96, 0.955)]
    ).groups
    assert "against" not in first.spreads[0].sentence
    assert "; +0.0033 against depth 3, 95 % interval" in noisy.spreads[0].sentence
    assert noisy.spreads[0].sentence.endswith(": noise")
    told = better.spreads[0].sentence.partition("; ")[2]
    low = stats.ttest_ind([0.95, 0.96, 0.955], [0.90, 0.91, 0.92], equal_var=False).confidence_interval().low
    assert told.startswith(f"+0.045 against depth 3, 95 % interval {low:.3f} to ")
    assert "noise" not in told


def test_two_seeds_are_too_few_to_tell() -> None:
    found = compare_runs([seeded(1, 1, 0.91), seeded(2, 2, 0.93)])
    (spread,) = found.groups[0].spreads
    assert (spread.low, spread.high) == (None, None)
    assert spread.sentence == "mean 0.9200 over 2 seeds, 0.9100 and 0.9300: too few to tell"


@pytest.mark.parametrize(
    "other",
    [
        {"params": {"max_depth": 8, "random_state": 2, "model__random_state": 2}},
        {"datasets": (penguins("xxh3:other"),)},
        {"cells": story_cells(load="penguins = pd.read_csv('new.csv')")},
    ],
)
def test_what_differs_by_more_than_the_seed_is_no_group(other: dict[str, Any]) -> None:
    assert compare_runs([seeded(1, 1, 0.91), seeded(2, 2, 0.93, **other)]).groups == ()


def test_a_seed_that_is_set_by_a_call_counts_as_one() -> None:
    runs = [
        sample_run(n, metrics={"accuracy": 0.9 + n / 100}, cells=(execution(1, f"np.random.seed({n})\nfit()"),), orders=(1,))
        for n in (1, 2, 3)
    ]  # fmt: skip
    assert len(compare_runs(runs).groups) == 1


def tried() -> list[Run]:
    values = (0.80, 0.86, 0.84, 0.90)
    ideas = (
        {"idea": "forest"},
        {"idea": "forest"},
        {"idea": "boosting", "dropped": "too slow"},
        {"idea": "forest"},
    )
    return [
        sample_run(
            n, params={"max_depth": n}, metrics={"accuracy": v, "rmse": 1 - v}, metric_details={}, tags=tags,
            duration=10.0 * n, cells=story_cells(train=TRAIN.replace("max_depth = 3", f"max_depth = {n}")), code_hash=str(n),
        )
        for n, (v, tags) in enumerate(zip(values, ideas, strict=True), 1)
    ]  # fmt: skip


def test_the_frontier_is_the_best_so_far() -> None:
    found = compare_runs(tried()[::-1]).frontiers
    assert [point.best for point in found["accuracy"]] == [True, True, False, True]
    assert [point.value for point in found["rmse"]] == pytest.approx([0.2, 0.14, 0.16, 0.1])
    assert [point.best for point in found["rmse"]] == [True, True, False, True]
    assert found["accuracy"][2].idea == "boosting"


def test_compute_is_summed_by_idea_and_a_dropped_one_says_why() -> None:
    runs = tried()
    forest, boosting = compare_runs(runs).ideas
    assert (forest.name, forest.duration, len(forest.run_ids)) == ("forest", 70.0, 3)
    assert forest.best == {"accuracy": runs[3].run_id, "rmse": runs[3].run_id}
    assert (boosting.duration, boosting.dropped) == (30.0, "too slow")


def test_lineage_tells_what_each_run_stands_on() -> None:
    one, two, three, four = tried()
    child = sample_run(9, parent_id=one.run_id, cell_id="other")
    three = sample_run(3, baseline_id=one.run_id, params={"max_depth": 3})
    found = {d.run_id: d for d in compare_runs([one, two, three, four, child]).descents}
    assert one.run_id not in found
    assert (found[two.run_id].parent_id, found[two.run_id].relation) == (one.run_id, "edited")
    assert found[two.run_id].sentence == "edited from #1: `max_depth` 1 → 2"
    assert (found[three.run_id].relation, found[three.run_id].parent_id) == ("baseline", one.run_id)
    assert found[four.run_id].parent_id == three.run_id
    assert (found[child.run_id].relation, found[child.run_id].sentence) == ("child", "one turn of #1")


def many(count: int, effect: float) -> list[Run]:
    rng = np.random.default_rng(3)
    return [
        sample_run(
            n,
            params={
                "depth": int(rng.integers(1, 9)),
                "noise": float(rng.random()),
                "model": ("a", "b")[n % 2],
            },
            metrics={"accuracy": 0.8},
            metric_details={},
        )
        for n in range(1, count + 1)
    ]


def with_effect(runs: list[Run], effect: float) -> list[Run]:
    rng = np.random.default_rng(8)
    return [
        sample_run(
            run.number,
            params=run.params,
            metrics={"accuracy": 0.7 + effect * float(run.params["depth"]) + 0.01 * float(rng.random())},  # type: ignore[arg-type]
            metric_details={},
        )
        for run in runs
    ]


def test_influence_is_said_with_its_uncertainty_or_not_at_all() -> None:
    assert compare_runs(with_effect(many(9, 0), 0.02)).influences == ()
    found = {i.param: i for i in compare_runs(with_effect(many(30, 0), 0.02)).influences}
    depth = found["depth"]
    assert depth.low > 0.5
    assert depth.sentence.startswith("`depth`: more of it went with higher accuracy (rank correlation 0.9")
    assert found["noise"].low < 0 < found["noise"].high
    assert "no clear link with accuracy" in found["noise"].sentence
    assert "no clear link" in found["model"].sentence


def test_rank_correlation_is_scipys() -> None:
    runs = with_effect(many(30, 0), 0.002)
    found = {i.param: i for i in compare_runs(runs).influences}
    for name in ("depth", "noise"):
        expected = stats.spearmanr([r.params[name] for r in runs], [r.metrics["accuracy"] for r in runs])
        assert found[name].strength == pytest.approx(expected.statistic)


def test_a_hypothesis_counts_as_one_only_when_it_came_first() -> None:
    before = sample_run(1, hypothesis="deeper helps", code_hash="a")
    again = sample_run(2, hypothesis="it stays the same", code_hash="a")
    later = sample_run(3, tags={"hypothesis": "of course it did"}, code_hash="b")
    found = compare_runs([before, again, later]).hypotheses
    assert [(h.text, h.before) for h in found] == [
        ("deeper helps", True),
        ("it stays the same", False),  # the result of the same code and data was known
        ("of course it did", False),
    ]


def masses(counts: list[int], low: float = 2700, **fields: Any) -> Dataset:
    edges = [low + 500 * i for i in range(len(counts) + 1)]
    profile = {"missing": 0, "mean": 4000.0, "std": 800.0, "histogram": {"edges": edges, "counts": counts}}
    top = fields.pop("top", [["Adelie", 60], ["Gentoo", 40]])
    columns = (
        Column(name="mass", dtype="float64", nullable=False, profile=profile),
        Column(
            name="species",
            dtype="str",
            nullable=False,
            profile={"missing": 0, "distinct": len(top), "top": top},
        ),
    )
    return Dataset(name="penguins", kind="pandas.DataFrame", rows=sum(counts), columns=columns, **fields)


def test_a_changed_distribution_is_drawn_in_the_same_bins() -> None:
    one = sample_run(1, datasets=(masses([10, 40, 40, 10], fingerprint="a"),))
    two = sample_run(
        2,
        datasets=(masses([40, 10, 10, 40], low=3200, fingerprint="b", top=[["Gentoo", 90], ["Adelie", 10]]),),
    )
    (difference,) = compare_runs([one, two]).data
    species, mass = sorted(difference.columns, key=lambda column: column.name)[::-1]
    assert (mass.kind, len(mass.edges) - 1) == ("numbers", len(mass.before))
    assert sum(mass.before) == pytest.approx(1)
    assert sum(mass.after) == pytest.approx(1)
    assert mass.distance == pytest.approx(0.4)  # by hand: 10 + 0 + 30 + 0 + 40 of 200
    assert species.kind == "values"
    assert dict(zip(species.labels, species.after, strict=True)) == {"Gentoo": 0.9, "Adelie": 0.1}
    assert species.distance == pytest.approx(0.5)


def test_equal_data_is_not_drawn() -> None:
    runs = [sample_run(n, datasets=(masses([10, 40, 40, 10], fingerprint="a"),)) for n in (1, 2)]
    assert compare_runs(runs).data[0].columns == ()


def figure(number: int, digest: str) -> Artifact:
    return Artifact(
        path=f"figures/figure-{number}.png", digest=digest, size=9, media_type="image/png", kind="figure"
    )


def test_figures_stand_side_by_side() -> None:
    one = sample_run(1, artifacts=(figure(1, "a"), figure(2, "b")))
    two = sample_run(2, artifacts=(figure(1, "a"), figure(2, "c"), figure(3, "d")))
    first, second, third = compare_runs([one, two]).figures
    assert (first.name, first.same) == ("figure 1", True)
    assert ([a.digest for a in second.figures.values()], second.same) == (["b", "c"], False)
    assert list(third.figures) == [two.run_id]


def scored(number: int, accuracy: float, **how: Any) -> Run:
    details = {"accuracy": MetricDetail(origin="call", evaluation=evaluation(**how))}
    return sample_run(number, metrics={"accuracy": accuracy}, metric_details=details)


def test_a_run_scored_on_other_rows_is_set_apart_and_the_others_still_compare() -> None:
    one, two, three = scored(1, 0.90), scored(2, 0.92), scored(3, 0.99, rows=30, target="other")
    found = compare_runs([one, two, three])
    (row,) = found.metrics
    assert row.apart == {three.run_id: "scored on other rows: 114 vs 30"}
    assert row.best == two.run_id
    assert not row.comparable
    assert "best accuracy 0.9200 in #2, +0.020 on the same 114 test rows; #3 apart" in found.summary
    assert [p.run_id for p in found.frontiers["accuracy"]] == [one.run_id, two.run_id]


def predictions_of(errors: int, rows: int = 114, first: int = 0) -> Predictions:
    truth = np.arange(rows) % 3
    said = truth.copy()
    said[first : first + errors] += 1
    return Predictions(np.arange(rows), truth, said)


def evidence(**kept: Predictions) -> Evidence:
    return Evidence(lambda run, _metric: kept.get(f"run{run.number}"))


def test_the_sentence_on_top_has_the_interval() -> None:
    one, two = scored(1, 92 / 114), scored(2, 110 / 114)
    two = sample_run(
        2, metrics=two.metrics, metric_details=two.metric_details, params={**one.params, "max_depth": 8}
    )
    found = compare_runs([one, two], evidence=evidence(run1=predictions_of(22), run2=predictions_of(4)))
    assert found.summary == (
        "`max_depth` 3 → 8, data and code the same: accuracy +0.16 on the same 114 test rows; "
        "95 % interval 0.09 to 0.23."
    )
    (loss,) = found.losses
    assert [bucket.rows for bucket in loss.buckets[:4]] == [92, 0, 18, 4]
    assert from_json(as_json(found), RunComparison) == found


def test_where_the_reference_is_best_the_next_is_told_with_its_interval() -> None:
    runs = [scored(number, right / 114) for number, right in ((1, 110), (2, 92), (3, 108))]
    kept = {f"run{n}": predictions_of(wrong) for n, wrong in ((1, 4), (2, 22), (3, 6))}
    summary = compare_runs(runs, evidence=evidence(**kept)).summary
    assert "accuracy stays best in #1 (0.9649) on the same 114 test rows; next #3, −0.018; " in summary
    assert summary.endswith("2 rows that differ: too few to tell.")


def test_a_number_that_the_kept_predictions_do_not_give_has_no_interval() -> None:
    one, two = scored(1, 92 / 114), scored(2, 0.99)
    found = compare_runs([one, two], evidence=evidence(run1=predictions_of(22), run2=predictions_of(4)))
    assert found.metrics[0].effects == {}


def test_runs_scored_on_other_rows_are_rescored_on_those_they_share() -> None:
    one = scored(1, 92 / 114)
    two = scored(2, 80 / 84, rows=84, target="fewer")
    both = evidence(run1=predictions_of(22), run2=predictions_of(4).take(np.arange(84)))
    found = compare_runs([one, two], evidence=both)
    (row,) = found.metrics
    assert row.rescored == pytest.approx({one.run_id: 62 / 84, two.run_id: 80 / 84})
    assert row.effects[two.run_id].rows == 84
    assert (
        "not comparable, scored on other rows: 114 vs 84; on the 84 rows both predicted +0.21"
        in found.summary
    )


def test_broken_predictions_cost_the_interval_and_nothing_else() -> None:
    def broken(_run: Run, _metric: str) -> Predictions:
        raise OSError("gone")

    one, two = scored(1, 0.9), scored(2, 0.92)
    assert compare_runs([one, two], evidence=Evidence(broken)) == compare_runs([one, two])


def test_what_people_said_of_a_direction_is_believed() -> None:
    runs = [sample_run(n, metrics={"margin": v}, metric_details={}) for n, v in ((1, 0.5), (2, 0.7))]
    assert compare_runs(runs).metrics[0].best == ""
    row = compare_runs(runs, directions={"margin": False}).metrics[0]
    assert (row.best, row.higher_is_better, row.direction_from) == (runs[0].run_id, False, "you")


def test_fifty_runs_are_compared_against_any_of_them() -> None:
    runs = [sample_run(n, start_time=BEGINNING + timedelta(hours=n)) for n in range(1, 51)]
    found = compare_runs(runs, reference=runs[20].run_id)
    assert len(found.runs) == 50
    assert found.reference == runs[20].run_id
    assert len({d.run_id for d in found.code}) == 49


def test_a_cell_that_moved_and_changed_says_both() -> None:
    cells = [
        execution(n, f"step_{n} = make({n})\nmore_{n} = step_{n} + 1", cell_id=f"c{n}", bound=(f"step_{n}",))
        for n in (1, 2, 3)
    ]
    last = execution(9, "fit(step_1, step_2, step_3)", cell_id="fit", reads=("step_1", "step_2", "step_3"))
    one = sample_run(1, cells=(*cells, last), orders=(9,))
    swapped = execution(4, "step_1 = make(100)\nmore_1 = step_1 + 1", cell_id="c1", bound=("step_1",))
    two = sample_run(2, cells=(cells[1], cells[2], swapped, last), orders=(9,))
    found = {d.title: d for d in compare_runs([one, two]).code}
    assert (found["step_1 = make(100)"].change, found["step_1 = make(100)"].moved) == (
        "changed",
        "ran as cell 1, now as cell 3",
    )
