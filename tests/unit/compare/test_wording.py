"""Numbers, durations and labels as people read them."""

from __future__ import annotations

import pytest
from sample_runs import sample_run

from jupyter_mlops.compare.wording import (
    exact,
    format_change,
    format_duration,
    format_number,
    format_row,
    format_value,
    join_labels,
    join_words,
    run_labels,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (3, "3"),
        (-3, "−3"),
        (123456, "123,456"),
        (True, "True"),
        (0.0, "0"),
        (0.9473684210526315, "0.9474"),
        (-0.25, "−0.2500"),
        (0.90625, "0.9063"),  # as browsers round what lies between two
        (-0.90635, "−0.9063"),  # a little less than it reads
        (12.3456, "12.35"),
        (1234567.8, "1,234,568"),
        (1.234e-7, "1.23e-7"),
        (6.02e23, "6.02e23"),
        (float("nan"), "NaN"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (10**15, "1.000e+15"),
    ],
)
def test_format_number(value: float, written: str) -> None:
    assert format_number(value) == written


def test_a_row_has_equal_decimals_and_tells_its_numbers_apart() -> None:
    assert format_row([0.93021, 0.93022, None]) == ["0.93021", "0.93022", "–"]
    assert format_row([0.5, 12.25]) == ["0.50", "12.25"]
    assert format_row([1, 20]) == ["1", "20"]
    assert format_row([0.5, float("nan")]) == ["0.5000", "NaN"]


def test_a_row_does_not_chase_the_last_bit() -> None:
    assert format_row([0.9, 0.9000000000000001]) == ["0.9000000", "0.9000000"]


@pytest.mark.parametrize(
    ("change", "written"),
    [(0.0210526, "+0.021"), (-0.0211, "−0.021"), (3, "+3"), (0, "±0"), (0.0, "±0"), (-1234.5, "−1,235")],
)
def test_format_change(change: float, written: str) -> None:
    assert format_change(change) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0384, "38 ms"),
        (1.2374, "1.24 s"),
        (0.9999, "1.00 s"),
        (12.44, "12.4 s"),
        (59.99, "1 min 00 s"),
        (125, "2 min 05 s"),
        (11220, "3 h 07 min"),
        (None, "–"),
        (-1, "0 ms"),
    ],
)
def test_format_duration(seconds: float | None, written: str) -> None:
    assert format_duration(seconds) == written


def test_parameters_are_written_as_typed() -> None:
    assert format_value(0.1) == "0.1"
    assert format_value(1e-05) == "1e-05"
    assert format_value([1, 0.5, "a b"]) == "[1, 0.5, a b]"
    assert format_value({"C": 1.0}) == "{C: 1.0}"
    assert format_value(None) == "None"
    assert len(format_value("x" * 500)) == 60


def test_exact_keeps_every_digit() -> None:
    assert exact(0.1 + 0.2) == "0.30000000000000004"


def test_rounding_up_adds_no_digit() -> None:
    assert format_change(0.00998) == "+0.010"
    assert format_change(-0.0996) == "−0.10"
    assert format_change(0.0123) == "+0.012"


def test_runs_in_a_row_are_told_as_one() -> None:
    assert join_labels(["#4", "#5", "#6", "#9", "#10"]) == "#4 to #6, #9 and #10"
    assert join_labels(["#1"]) == "#1"
    assert join_labels(["tidy #1", "tidy #2", "tidy #3"]) == "tidy #1, tidy #2 and tidy #3"
    assert join_labels(["#2.1", "#2.2", "#2.3"], most=2) == "3 runs"
    assert join_labels(["#4", "#5", "#6"], most=1) == "#4 to #6"


def test_join_words() -> None:
    assert [join_words("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_labels_are_told_apart() -> None:
    runs = [sample_run(14), sample_run(14, run_id="b" * 26, experiment="wine")]
    assert list(run_labels(runs).values()) == ["penguins #14", "wine #14"]
    twins = [sample_run(14), sample_run(14, run_id="b" * 26)]
    assert len(set(run_labels(twins).values())) == 2
