"""What changed in the data, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sample_runs import environment, penguins, sample_run

from jupyter_mlops.compare.differences import describe_data, differences_between
from jupyter_mlops.records import Column, Dataset

if TYPE_CHECKING:
    from jupyter_mlops.compare.findings import DataDifference


def differ(first: Dataset, second: Dataset) -> DataDifference:
    one, two = sample_run(1, datasets=(first,)), sample_run(2, datasets=(second,))
    (found,) = differences_between(one, two).data
    return found


def test_the_same_fingerprint_is_the_same_data() -> None:
    found = differ(penguins(), penguins())
    assert (found.change, found.name, found.sentences) == ("same", "penguins (penguins.csv)", ())


def test_rows_missing_values_and_shifts_are_told_largest_first() -> None:
    found = differ(penguins(), penguins("other", rows=330, missing=3, mass=4500.0))
    assert found.change == "changed"
    assert found.sentences == (
        "rows 344 → 330 (−14)",
        "`sex` missing 3.2 % → 0.9 %",
        "`body_mass_g` mean 4,202 → 4,500 (+0.4 sd)",
        "the file itself changed",
    )


def frame(columns: list[Column], fingerprint: str = "", **fields: object) -> Dataset:
    return Dataset(
        name="df",
        fingerprint=fingerprint,
        kind="pandas.DataFrame",
        rows=100,
        columns=tuple(columns),
        **fields,
    )


def test_columns_and_types() -> None:
    old = frame([Column(name=n, dtype="int64", nullable=False) for n in "abc"], "1")
    new = frame(
        [Column(name=n, dtype="float64" if n == "b" else "int64", nullable=False) for n in "bcd"], "2"
    )
    assert differ(old, new).sentences == ("without column `a`", "new column `d`", "`b` is float64, was int64")


def test_categories() -> None:
    def column(**counts: int) -> Column:
        profile = {"distinct": len(counts), "top": [[k, v] for k, v in counts.items()]}
        return Column(name="kind", dtype="str", nullable=False, profile=profile)

    found = differ(frame([column(a=50, b=50)], "1"), frame([column(a=70, c=30)], "2"))
    assert found.sentences == (
        "`kind` has new values 'c'",
        "`kind` lost values 'b'",
        "`kind` 'a' 50.0 % → 70.0 % of rows",
    )


def test_a_cut_list_of_values_does_not_claim_new_ones() -> None:
    def column(value: str) -> Column:
        profile = {"distinct": 900, "top": [[value, 2]]}
        return Column(name="kind", dtype="str", nullable=False, profile=profile)

    assert differ(frame([column("a")], "1"), frame([column("b")], "2")).sentences == (
        "other contents, with the same size, columns and statistics",
    )


def test_data_that_could_not_be_fingerprinted_is_not_called_the_same() -> None:
    found = differ(frame([], ""), frame([], "x"))
    assert found.change == "unknown"


def test_added_and_removed_and_renamed() -> None:
    one = sample_run(1, datasets=(penguins(),))
    two = sample_run(2, datasets=())
    assert [d.change for d in differences_between(one, two).data] == ["removed"]
    assert [d.change for d in differences_between(two, one).data] == ["added"]
    renamed = Dataset(name="birds", fingerprint="xxh3:penguins", kind="pandas.DataFrame", rows=344)
    assert differ(penguins(), renamed).change == "same"


def test_a_table_made_on_the_way_tells_nothing_of_the_data() -> None:
    made = frame([Column(name="a", dtype="int64", nullable=False)], "made")
    one = sample_run(1, datasets=(penguins(), made))
    two = sample_run(2, datasets=(penguins(),))
    found = differences_between(one, two)
    assert [d.change for d in found.data] == ["removed", "same"]
    assert [d.change for d in found.telling_data] == ["same"]
    read = Dataset(name="wine", fingerprint="w", kind="x", rows=3, location="wine.csv")
    told = differences_between(two, sample_run(3, datasets=(penguins(), read))).telling_data
    assert [d.change for d in told] == ["added", "same"]


def test_a_broken_profile_breaks_nothing() -> None:
    odd = {"missing": "many", "mean": None, "std": float("nan"), "top": 7, "distinct": "x"}
    old = frame([Column(name="a", dtype="object", nullable=True, profile=odd)], "1")
    assert (
        differ(old, frame([Column(name="a", dtype="object", nullable=True, profile={})], "2")).change
        == "changed"
    )


def test_one_phrase_a_dataset() -> None:
    found = differ(penguins(), penguins("other", rows=330))
    assert describe_data([found]) == [("penguins (penguins.csv)", "changed: rows 344 → 330 (−14)")]


def test_environment() -> None:
    two = sample_run(2, environment=environment(pandas="3.2.0", numpy="2.4"))
    found = differences_between(sample_run(1), two).environment
    assert [(d.name, d.reference, d.value) for d in found] == [
        ("pandas", "3.1.0", "3.2.0"),
        ("numpy", "", "2.4"),
    ]
    assert differences_between(sample_run(1, environment=None), two).environment == ()
