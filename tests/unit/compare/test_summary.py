"""The one sentence, and the whole comparison as text."""

from __future__ import annotations

import math

import pytest
from sample_runs import (
    TRAIN,
    deeper_run,
    environment,
    evaluation,
    failed_run,
    killed_run,
    penguins,
    same_code,
    sample_run,
    story_cells,
)

from jupyter_mlops.compare import compare_runs
from jupyter_mlops.compare.findings import RunComparison
from jupyter_mlops.compare.tables import comparison_text, render_table
from jupyter_mlops.records import Column, Dataset, Evaluation, MetricDetail, Run, as_json, from_json


def say(*runs: Run) -> str:
    return compare_runs(runs).summary


def test_one_parameter_on_the_magic_line() -> None:
    assert say(sample_run(14), deeper_run(15, **same_code(sample_run()))) == (
        "`max_depth` 3 → 8, data and code the same: accuracy +0.021 on the same 114 test rows."
    )


def test_one_parameter_edited_in_the_cell() -> None:
    assert say(sample_run(14), deeper_run(15)) == (
        "`max_depth` 3 → 8, data and the other code the same: accuracy +0.021 on the same 114 test rows."
    )


def test_nothing_changed() -> None:
    assert say(sample_run(14), sample_run(15)) == (
        "Parameters, data and code the same: accuracy unchanged on the same 114 test rows."
    )


def test_chance_shows_where_nothing_changed() -> None:
    other = sample_run(15, metrics={"accuracy": 0.9386, "f1": 0.93})
    assert say(sample_run(14), other) == (
        "Parameters, data and code the same: accuracy −0.0088 on the same 114 test rows."
    )


def test_other_rows_are_not_called_an_improvement() -> None:
    details = {"accuracy": MetricDetail(origin="call", evaluation=evaluation(86, "other"))}
    one = sample_run(14, metrics={"accuracy": 0.9})
    other = sample_run(15, metrics={"accuracy": 0.95}, metric_details=details)
    assert say(one, other) == (
        "Parameters, data and code the same: accuracy 0.9000 and 0.9500 not comparable, "
        "scored on other rows: 114 vs 86."
    )


def test_what_is_not_known_is_not_called_the_same() -> None:
    by_hand = sample_run(15, metrics={"accuracy": 0.95}, metric_details={})
    assert say(sample_run(14), by_hand) == (
        "Parameters, data and code the same: accuracy +0.0026 (scored rows of #15 unknown)."
    )
    bare = sample_run(15, metrics={"accuracy": 0.95}, metric_details={}, datasets=())
    assert say(sample_run(14), bare) == (
        "Data of #15 unknown, parameters and code the same: accuracy +0.0026."
    )
    assert say(bare, sample_run(14)).startswith("Data of #15 unknown, ")
    other = sample_run(16, datasets=(penguins("other", rows=330),))
    assert say(sample_run(14), bare, other).startswith("Data of #15 unknown, other data in #16, ")


def test_a_comparable_metric_is_preferred() -> None:
    details = {"accuracy": MetricDetail(origin="call", evaluation=evaluation(86, "other"))}
    other = sample_run(15, metrics={"accuracy": 0.95, "f1": 0.95}, metric_details=details)
    assert say(sample_run(14), other).endswith(": f1 +0.011 (scored rows of #15 unknown).")


def test_data_code_and_packages_changed() -> None:
    other = sample_run(
        15,
        datasets=(penguins("other", rows=330),),
        cells=story_cells(train=TRAIN + "\nprint(model)"),
        environment=environment(pandas="3.2.0"),
    )
    assert say(sample_run(14), other).startswith(
        "Data penguins (penguins.csv) rows 344 → 330 (−14), code 1 line changed, pandas 3.1.0 → 3.2.0, "
        "parameters the same: accuracy unchanged"
    )


def test_data_of_which_nothing_is_known_is_not_called_the_same() -> None:
    blind = {"datasets": (), "cells": (), "source": "", "orders": ()}
    assert say(sample_run(14, **blind), sample_run(15, **blind)) == (
        "Parameters the same: accuracy unchanged on the same 114 test rows."
    )


def test_many_parameters_are_counted() -> None:
    one = sample_run(14, params=dict.fromkeys("abcdef", 1))
    two = sample_run(15, params=dict.fromkeys("abcdef", 2))
    assert say(one, two).startswith("`a` 1 → 2, `b` 1 → 2, `c` 1 → 2 and 3 more parameters, data")


def test_a_new_and_a_dropped_parameter() -> None:
    assert say(sample_run(14, params={"C": 1.0}), sample_run(15, params={"lr": 0.1})).startswith(
        "`lr` 0.1 is new and `C` 1.0 dropped, data and code the same"
    )


def test_three_runs() -> None:
    runs = [
        sample_run(n, params={"max_depth": depth}, metrics={"accuracy": value})
        for n, depth, value in ((1, 3, 0.91), (2, 5, 0.93), (3, 8, 0.92))
    ]
    assert say(*runs) == (
        "`max_depth` 3 → 5 or 8, data and code the same: best accuracy 0.9300 in #2, +0.020 "
        "on the same 114 test rows."
    )


@pytest.mark.parametrize(
    ("values", "ending"),
    [
        ((2.0, 2.0, 2.0), "odd 2.000 in every run."),
        ((2.0, math.nan, math.nan), "odd 2.000 in #1 alone."),
        ((2.0, math.nan, 3.0), "odd from 2.000 (#1) to 3.000 (#3)."),
        ((math.nan, math.nan, math.nan), "odd NaN in every run."),
        ((-math.inf, math.inf, math.inf), "odd from −∞ (#1) to ∞ (#2)."),
    ],
)
@pytest.mark.parametrize("name", ["odd", "accuracy"])
def test_numbers_of_which_none_is_best(name: str, values: tuple[float, ...], ending: str) -> None:
    runs = [sample_run(n, metrics={name: v}, metric_details={}) for n, v in enumerate(values, 1)]
    said = say(*runs)
    if name == "odd" or len({v for v in values if math.isfinite(v)}) < 2:
        assert said.endswith(ending.replace("odd", name))
    else:
        assert said.endswith("best accuracy 3.000 in #3, +1.0.")


def test_the_reference_stays_best() -> None:
    runs = [
        sample_run(n, metrics={"accuracy": v}, metric_details={})
        for n, v in ((1, 0.95), (2, 0.93), (3, 0.92))
    ]
    assert say(*runs).endswith("accuracy stays best in #1 (0.9500).")


def test_each_run_that_stands_apart_has_its_own_reason() -> None:
    def run(number: int, accuracy: float, how: Evaluation) -> Run:
        return sample_run(
            number,
            metrics={"accuracy": accuracy},
            metric_details={"accuracy": MetricDetail(origin="call", evaluation=how)},
        )

    first = run(1, 0.91, evaluation())
    others = run(3, 0.93, evaluation(86, "other")), run(4, 0.94, evaluation(function="f1_score"))
    why = (
        " on the same 114 test rows; #3 apart, scored on other rows: 114 vs 86; "
        "#4 apart, scored by another function: accuracy_score vs f1_score."
    )
    better, equal = run(2, 0.92, evaluation()), run(2, 0.91, evaluation())
    assert say(first, better, *others).endswith(f"best accuracy 0.9200 in #2, +0.010{why}")
    assert say(first, equal, *others).endswith(f"accuracy 0.9100 in #1 and #2{why}")
    assert say(first, *others).endswith(f"accuracy not comparable: {why.partition('; ')[2]}")


def test_which_of_many_runs_differ() -> None:
    runs = [sample_run(1), sample_run(2), sample_run(3, cells=story_cells(train=TRAIN + "\nprint(1)"))]
    assert say(*runs).startswith(
        "Other code in #3, parameters and data the same: accuracy 0.9474 in every run"
    )


def test_runs_that_did_not_end_well() -> None:
    assert say(sample_run(14), failed_run(16)).endswith(": #16 failed (ValueError).")
    assert say(sample_run(14), killed_run(17)).endswith(": #17 was interrupted.")
    assert "#16 failed (ValueError)" in say(sample_run(14), deeper_run(15), failed_run(16))


def test_no_metric_in_common() -> None:
    other = sample_run(15, metrics={"loss": 1.0}, metric_details={})
    assert say(sample_run(14), other).endswith("no metric in common.")


def test_a_metric_of_unknown_direction_has_a_range() -> None:
    runs = [sample_run(n, metrics={"answer": float(n)}, metric_details={}) for n in (1, 2, 3)]
    assert say(*runs).endswith("answer from 1.000 (#1) to 3.000 (#3).")


def test_one_run_alone() -> None:
    assert say(sample_run(14)) == "#14 alone: add another run to compare it with."


def test_the_record_survives_json() -> None:
    record = compare_runs([sample_run(14), deeper_run(15), killed_run(17)])
    assert from_json(as_json(record), RunComparison) == record


def test_text_holds_everything() -> None:
    text = comparison_text(
        compare_runs([sample_run(14), deeper_run(15, environment=environment(pandas="4"))])
    )
    for expected in (
        "#14 (reference)",
        "accuracy ↑  0.9474  0.9684  +0.021 ★",
        "max_depth    3    8",
        "n_estimators, test_size and random_state",
        "#15: the same (penguins (penguins.csv))",
        "    -max_depth = 3\n    +max_depth = 8",
        "#15: pandas 3.1.0 → 4",
    ):
        assert expected in text


def test_many_runs_become_rows() -> None:
    text = comparison_text(compare_runs([sample_run(n) for n in range(1, 12)]))
    assert max(len(line) for line in text.splitlines() if line.startswith("#")) < 100


def test_tables_are_aligned_even_with_wide_characters() -> None:
    table = render_table(["run", "value"], [["数据", "1"], ["ab", "22"]])
    assert table == "run   value\n────  ─────\n数据      1\nab       22"


def test_tables_made_otherwise_of_the_same_files_are_not_called_other_data() -> None:
    def table(name: str, fingerprint: str, *columns: str, **fields: str) -> Dataset:
        listed = tuple(Column(name=column, dtype="float64", nullable=False) for column in columns)
        return Dataset(
            name=name, fingerprint=fingerprint, kind="DataFrame", rows=344, columns=listed, **fields
        )

    def read(file_hash: str, fingerprint: str, *columns: str) -> Dataset:
        return table("penguins", fingerprint, "mass", *columns, location="penguins.csv", file_hash=file_hash)

    before = sample_run(14, datasets=(read("f", "a"),))
    after = sample_run(15, datasets=(read("f", "b", "ratio"),))
    assert say(before, after).startswith(
        "Table penguins (penguins.csv) derived anew (new column `ratio`), parameters, files and code the same"
    )
    other = sample_run(16, datasets=(read("f", "a"), table("ratios", "r", "ratio")))
    assert say(before, other).startswith("Table ratios new, parameters, files and code the same")
    assert say(before, after, other).startswith(
        "Tables derived anew in each, parameters, files and code the same"
    )
    file = sample_run(17, datasets=(read("g", "b", "ratio"),))
    assert say(before, file).startswith(
        "Data penguins (penguins.csv) new column `ratio`, parameters and code"
    )
