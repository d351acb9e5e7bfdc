"""Where a run gains and loses: buckets, slices, rows, and conditions people type."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.compare.losses import Pair, examples_of, losses_of, pair_of, slice_of
from jupyter_mlops.compare.paired import Predictions
from jupyter_mlops.compare.row_query import rows_where
from jupyter_mlops.compare.scoring import measures
from jupyter_mlops.errors import FilterError

ROWS = 600


def pair() -> Pair:
    """The second run is worse on one island only, and better nowhere."""
    rng = np.random.default_rng(4)
    island = rng.choice(["Biscoe", "Dream", "Torgersen"], ROWS)
    mass = rng.normal(4200, 800, ROWS)
    truth = np.where(mass > 4200, "Gentoo", "Adelie")
    flipped = np.where(truth == "Gentoo", "Adelie", "Gentoo")
    first = np.where(rng.random(ROWS) < 0.1, flipped, truth)
    second = np.where((island == "Dream") & (rng.random(ROWS) < 0.5), flipped, first)
    features = pd.DataFrame({"island": island, "body mass": mass})
    one = Predictions(np.arange(ROWS), truth, first, features=features)
    two = Predictions(np.arange(ROWS), truth, second)
    return pair_of(one, two, next(measures("accuracy_score", one)), True)


def test_the_slice_in_which_it_loses_comes_first() -> None:
    found = losses_of(pair(), "run", "accuracy")
    worst = found.slices[0]
    assert (worst.name, worst.query, worst.sure) == ("island = Dream", "island == 'Dream'", True)
    assert worst.change < -0.3
    assert found.sentence.startswith("It loses most where island = Dream: accuracy −0.")
    assert not any(part.sure and "island" in part.name for part in found.slices[1:])
    assert {"island", "body mass", "truth"} <= set(found.columns)


def test_buckets_count_every_row_once_and_their_queries_find_them() -> None:
    two = pair()
    found = losses_of(two, "run", "accuracy")
    ways = found.buckets[:4]
    assert sum(bucket.rows for bucket in ways) == ROWS
    assert [(b.reference, b.run) for b in ways] == [
        (ways[0].rows, ways[0].rows), (ways[1].rows, 0), (0, ways[2].rows), (ways[3].rows, ways[3].rows)
    ]  # fmt: skip
    assert ways[3].rows > 0
    for bucket in found.buckets:
        assert examples_of(two, bucket.query).count == bucket.rows
    lost = ways[1]
    assert lost.name.startswith("lost")
    assert examples_of(two, lost.query).rows[0][1] != examples_of(two, lost.query).rows[0][3]


def test_every_slice_can_be_asked_for_again() -> None:
    two = pair()
    for part in losses_of(two, "run", "accuracy").slices:
        again = slice_of(two, part.query)
        assert again is not None
        assert (again.rows, again.change) == (part.rows, pytest.approx(part.change))


def test_rows_that_tell_most_come_first_and_pages_follow() -> None:
    two = pair()
    first = examples_of(two, "island == 'Dream'", limit=5)
    assert first.columns[:4] == ("row", "truth", "reference", "run")
    assert all(row[1] == row[2] != row[3] for row in first.rows)  # lost
    more = examples_of(two, "island == 'Dream'", limit=5, offset=5)
    assert not {row[0] for row in first.rows} & {row[0] for row in more.rows}


def test_numbers_are_told_by_the_size_of_their_error() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 10, 300)
    old = rng.random(300) < 0.3
    one = Predictions(
        np.arange(300), truth, truth + rng.normal(0, 1, 300), features=pd.DataFrame({"old": old})
    )
    two = Predictions(np.arange(300), truth, truth + rng.normal(0, 1, 300) * np.where(old, 5, 1))
    found = losses_of(pair_of(one, two, None, None), "run", "mae")
    assert found.measure == "mean absolute error"
    assert found.slices[0].name == "old = True"
    assert found.sentence.startswith("It loses most where old = True")
    assert found.buckets[-1].run > found.buckets[-1].reference


def test_nothing_stands_out_when_nothing_differs() -> None:
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 2, 300)
    one = Predictions(np.arange(300), truth, np.where(rng.random(300) < 0.2, 1 - truth, truth))
    two = Predictions(
        np.arange(300), truth, np.where(rng.random(300) < 0.2, 1 - truth, truth),
        features=pd.DataFrame(rng.normal(size=(300, 8))).add_prefix("x"),
    )  # fmt: skip
    found = losses_of(pair_of(one, two, None, True), "run", "accuracy")
    assert found.sentence.startswith("No slice stands out beyond chance")


TABLE = pd.DataFrame(
    {
        "age": [20, 61, None, 70],
        "sex": ["f", "m", "f", None],
        "body mass": [1.5, 2.5, 3.5, 4.5],
        "late": [True, False, True, False],
    }
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [0, 1, 2, 3]),
        ("age > 60", [1, 3]),
        ("age > 60 and sex == 'm'", [1]),
        ("not age > 60", [0, 2]),
        ("sex in ['f'] or age >= 70", [0, 2, 3]),
        ("sex not in ['f']", [1, 3]),
        ("sex != 'f'", [1]),
        ("2 < `body mass` <= 3.5", [1, 2]),
        ("late", [0, 2]),
        ("age == -1", []),
        ("age > 60 AND sex = 'm'", [1]),
        ("NOT(age > 60) OR `late` = FALSE", [0, 1, 2, 3]),
        ("sex <> 'f'", [1]),
        ("sex IN ('f', 'it''s')", [0, 2]),
        ("sex = 'it''s' or sex == 'it\\'s'", []),
    ],
)
def test_a_condition_picks_rows(query: str, expected: list[int]) -> None:
    assert np.flatnonzero(rows_where(TABLE, query)).tolist() == expected


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("height > 3", "There is no column 'height'."),
        ("age >", "is no condition"),
        ("__import__('os').system('true')", "is no condition"),
        ("age.max() > 3", "is no condition"),
        ("sex > 3", "has no order"),
        ("(lambda: 1)()", "is no condition"),
        ("age + 1 > 3", "is no condition"),
        ("x" * 3000, "too long"),
    ],
)
def test_what_is_no_condition_is_refused_and_nothing_is_run(query: str, told: str) -> None:
    with pytest.raises(FilterError, match=told) as raised:
        rows_where(TABLE, query)
    assert raised.value.hint
