"""What a dataset says of itself, and that nothing of a stranger's is asked."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_mlops.capture import dataset
from jupyter_mlops.capture.dataset import MAX_CELLS, Profiled, describe_dataset
from jupyter_mlops.capture.fingerprint import fingerprint, fingerprint_columns
from jupyter_mlops.capture.profiles import profile_of
from jupyter_mlops.records import Column, Dataset, as_json

RANDOM = np.random.default_rng(0)


def describe(value: Any, **how: Any) -> Dataset:
    found = describe_dataset("data", value, **how)
    assert found is not None
    json.dumps(as_json(found))
    return found


def column(values: Any) -> Column:
    (found,) = describe(pd.DataFrame({"c": values})).columns
    return found


def test_a_frame_has_its_schema_in_order() -> None:
    frame = pd.DataFrame({"b": [1, 2], "a": ["x", None], 3: [0.5, 1.0], ("p", "q"): [True, False]})
    found = describe(frame, role="train", order=4, fingerprint=lambda value: str(len(value)))
    assert (found.name, found.kind, found.rows, found.shape) == ("data", "pandas.DataFrame", 2, (2, 4))
    assert (found.role, found.order, found.fingerprint, found.sampled) == ("train", 4, "2", False)
    assert [(c.name, c.dtype, c.nullable) for c in found.columns] == [
        ("b", "int64", False),
        ("a", "str", True),
        ("3", "float64", False),
        ("p, q", "bool", False),
    ]


def test_only_columns_with_other_contents_are_profiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(
        {
            "number": [1.5, math.nan, 3.0] * 40_000,
            "whole": range(120_000),
            "text": ["a", "b", None] * 40_000,
            "kind": pd.Categorical(["x", "y", "x"] * 40_000),
            "flag": [True, False, True] * 40_000,
        }
    )
    profiled: Profiled = {}
    asked: list[Any] = []
    monkeypatch.setattr(dataset, "profile_of", lambda values: asked.append(values) or profile_of(values))

    def described(value: pd.DataFrame) -> tuple[Dataset, int]:
        asked.clear()
        found = describe(value, columns=fingerprint_columns(value)[1], profiled=profiled)
        count = len(asked)
        assert found == describe(value)
        return found, count

    assert described(frame)[1] == 5
    assert described(frame.copy())[1] == 0
    frame.loc[7, "whole"] = -9
    changed, count = described(frame)
    assert count == 1
    assert changed.columns[1].profile["minimum"] == -9
    # Another name, another order, other rows, other type.
    assert described(frame[["flag", "number"]].rename(columns={"flag": "f"}))[1] == 0
    assert described(frame.iloc[1:])[1] == 5
    assert described(frame.astype({"whole": "float64"}))[1] == 1


def test_columns_are_known_of_tables_that_were_read_whole() -> None:
    frame = pd.DataFrame({"a": range(5_000), "b": 0.5})
    assert len(fingerprint_columns(frame)[1]) == 2
    assert fingerprint_columns(frame, byte_budget=8_000) == (fingerprint(frame, byte_budget=8_000), ())
    assert fingerprint_columns({"held": frame})[1] == ()
    assert fingerprint_columns(7) == (fingerprint(7), ())


def test_the_profile_of_numbers_agrees_with_pandas() -> None:
    values = pd.Series(np.random.RandomState(0).normal(size=1001)).round(2)
    values[5] = None
    profile = column(values).profile
    valid = values.dropna()
    assert profile["missing"] == 1
    assert profile["distinct"] == valid.nunique()
    assert (profile["minimum"], profile["maximum"]) == (valid.min(), valid.max())
    assert math.isclose(profile["mean"], valid.mean())
    assert math.isclose(profile["std"], valid.std())
    assert profile["quantiles"] == pytest.approx(valid.quantile([0, 0.25, 0.5, 0.75, 1]).tolist())
    counts, edges = np.histogram(valid, bins=10)
    assert profile["histogram"] == {"edges": pytest.approx(edges.tolist()), "counts": counts.tolist()}


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ([1, 2, 2**62], {"missing": 0, "minimum": 1, "maximum": 2**62, "distinct": 3}),
        (
            [1.0, math.inf, math.nan],
            {"missing": 1, "infinite": 1, "minimum": 1.0, "maximum": 1.0, "std": 0.0},
        ),
        ([math.nan, math.nan], {"missing": 2, "distinct": 0}),
        ([True, True, False], {"missing": 0, "distinct": 2, "top": [[True, 2], [False, 1]]}),
        (["x", "y", "x", None], {"missing": 1, "distinct": 2, "top": [["x", 2], ["y", 1]]}),
        ([1, "x", None, 1], {"missing": 1, "distinct": 2, "top": [[1, 2], ["x", 1]]}),
        (pd.array([1, None], dtype="Int64"), {"missing": 1, "minimum": 1, "maximum": 1}),
        (pd.array([True, None], dtype="boolean"), {"missing": 1, "top": [[True, 1]]}),
        (pd.array(["x", None], dtype="string"), {"missing": 1, "top": [["x", 1]]}),
        (
            pd.Categorical(["x", "x", None], ["x", "z"]),
            {"missing": 1, "distinct": 1, "top": [["x", 2]], "categories": 2},
        ),
        (pd.to_datetime(["2020-01-01", None]), {"missing": 1, "distinct": 1}),
        (pd.to_datetime(["2020-01-01", None], utc=True), {"missing": 1, "distinct": 1}),
        (pd.arrays.SparseArray([0.0, 1.0]), {"missing": 0, "maximum": 1.0}),
        (pd.period_range("2020-01", periods=2, freq="M"), {"missing": 0, "distinct": 2}),
        ([[1], [2]], {"missing": 0, "types": 1}),
        ([], {"missing": 0, "distinct": 0}),
    ],
)
def test_every_kind_of_column_has_a_profile(values: Any, part: dict[str, Any]) -> None:
    profile = column(values).profile
    assert {key: profile.get(key) for key in part} == part


def test_long_texts_are_cut_in_the_profile() -> None:
    ((value, count),) = column(["x" * 5000] * 3).profile["top"]
    assert (len(value), count) == (101, 3)


def test_arrays_series_and_matrices_are_datasets() -> None:
    from scipy import sparse

    assert describe(np.arange(6).reshape(3, 2)).columns[1].name == "1"
    assert describe(np.zeros((4, 2, 2))).shape == (4, 2, 2)
    assert [c.name for c in describe(np.zeros(2, [("u", "i4"), ("v", "f8")])).columns] == ["u", "v"]
    assert describe(pd.Series([1, 2], name="s")).columns[0].name == "s"
    assert describe(pd.Series([1, 2])).columns[0].name == "data"
    assert describe(sparse.eye(3, format="csr")).kind == "scipy.sparse.csr_matrix"
    assert describe(np.ma.masked_array([1, 2])).rows == 2


@pytest.mark.parametrize(
    "value",
    [1, "text", [1, 2], {"a": 1}, None, np.float64(1), np.array(1), pd.Timestamp("2020"), pd, object()],
)
def test_what_is_no_dataset_is_none(value: Any) -> None:
    assert describe_dataset("data", value) is None


def test_large_data_is_sampled_but_missing_values_are_all_counted() -> None:
    values = np.arange(2.0 * MAX_CELLS)
    values[1] = math.nan
    found = describe(pd.DataFrame({"v": values}))
    assert (found.sampled, found.rows) == (True, 2 * MAX_CELLS)
    assert (found.columns[0].nullable, found.columns[0].profile["missing"]) == (True, 1)
    texts = np.full(200_001, "x", dtype=object)
    texts[1] = None
    found = describe(pd.DataFrame({"v": texts}))
    assert (found.sampled, found.columns[0].nullable) == (True, True)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8"])
def test_columns_that_lie_between_one_another_are_described_as_if_they_did_not(dtype: str) -> None:
    rows = RANDOM.integers(0, 200, (400_000, 4)).astype(dtype)
    if rows.dtype.kind == "f":
        rows[5:25, 1] = math.nan
        rows[7, 3] = math.inf
    apart = pd.DataFrame({str(place): rows[:, place].copy() for place in range(4)})
    between = pd.DataFrame(rows, columns=["0", "1", "2", "3"], copy=False)
    assert between._mgr.blocks[0].values.flags.f_contiguous
    expected = describe(apart)
    assert expected.sampled
    assert expected.columns[1].profile["missing"] == (20 if rows.dtype.kind == "f" else 0)
    assert describe(between) == expected
    assert describe(rows).columns == expected.columns
    assert describe(between[["2", "0"]]).columns == describe(apart[["2", "0"]]).columns
    between["text"] = "x"
    assert describe(between[:300_000]).columns[:4] == describe(apart.assign(text="x")[:300_000]).columns[:4]


@pytest.mark.parametrize("dtype", ["str", "string[pyarrow]", pd.ArrowDtype(pa.string())])
@pytest.mark.parametrize(
    "values",
    [
        ["b", "a", None, "a", "b", "c", "x" * 200, "ä"],
        [str(number % 17) for number in range(100)],
        [None, None],
        [],
        ["only"] * 3,
    ],
)
def test_texts_have_the_profile_of_objects_however_they_are_kept(
    dtype: Any, values: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = pd.Series(values, dtype=dtype)
    with monkeypatch.context() as patch:
        patch.delattr("jupyter_mlops.capture.profiles._object_profile")  # which is slow
        found = column(kept).profile
    assert found == column(pd.Series(values, dtype=object)).profile
    chunks = pd.concat([kept, kept], ignore_index=True)
    assert column(chunks).profile == column(pd.Series(values * 2, dtype=object)).profile


def test_missing_values_of_arrow_columns_are_all_counted() -> None:
    texts = pd.Series(["a", None, "b"] * 400_000, dtype="str")
    numbers = pd.Series([1.5, None, 2.5] * 400_000, dtype="float64[pyarrow]")
    found = describe(pd.DataFrame({"text": texts, "number": numbers}))
    assert [c.profile["missing"] for c in found.columns] == [400_000, 400_000]
    assert [c.nullable for c in found.columns] == [True, True]


def test_a_wide_frame_is_bounded() -> None:
    found = describe(pd.DataFrame(np.zeros((2, 5000))))
    assert found.shape == (2, 5000)
    assert len(found.columns) == 2000
    assert found.sampled


def test_strangers_in_a_column_are_left_alone(hostile: Any) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    frame["b"] = np.array([None, 1], object)
    frame._mgr.blocks[1].values[0, 0] = hostile
    found = describe(frame)
    assert found.columns[1].profile == {"missing": 0, "types": 2}
    assert describe_dataset("hostile", hostile) is None
    assert describe_dataset("hostile", type(hostile)) is None


def test_a_subclass_of_the_notebook_is_read_past_its_own_methods() -> None:
    class Frame(pd.DataFrame):
        def __getitem__(self, key: Any) -> Any:
            raise RuntimeError

        __len__ = __iter__ = __getitem__

    Frame.__module__ = "__main__"
    assert describe(Frame({"a": [1, 2, 3]})).rows == 3
