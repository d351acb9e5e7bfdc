"""One content, one fingerprint; any change, another one; no code of the object's own."""

from __future__ import annotations

import collections
import copy
import datetime as dt
import decimal
import functools
import io
import json
import os
import random
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.capture.fingerprint import fingerprint, reachable_ids

PAIRS: list[tuple[Any, Any]] = [
    (1, 1.0),
    (1, True),
    (0, False),
    (0.0, -0.0),
    (None, 0),
    ("1", 1),
    ("a", b"a"),
    (2**70, 2**71),
    (-1, 1),
    ([1, 2], (1, 2)),
    ([1, 2], [2, 1]),
    ([1, 2], [1.0, 2.0]),
    ([1, "a"], ["a", 1]),
    (["ab", "c"], ["a", "bc"]),
    ([[1], [2]], [[1, 2]]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({"a": 1}, {"a": 2}),
    ({1, 2}, frozenset({1, 2})),
    ({1, 2}, {1, 3}),
    (range(3), range(4)),
    (slice(1), slice(2)),
    (dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)),
    (dt.date(2020, 1, 1), dt.date(2020, 1, 2)),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    (Path("a"), Path("b")),
    (len, max),
    (np.mean, np.sum),
    (np.float64(1), 1.0),
    (np.float64(1), np.float32(1)),
    (np.arange(4), np.arange(4).reshape(2, 2)),
    (np.arange(4), np.arange(4.0)),
    (np.arange(4), np.arange(4)[::-1]),
    (np.array([1, None], object), np.array([1, 2], object)),
    (np.array(["2020"], "M8[D]"), np.array(["2020"], "M8[s]")),
    (np.random.default_rng(0), np.random.default_rng(1)),
    (np.random.RandomState(0), np.random.RandomState(1)),
    (random.Random(0), random.Random(1)),
    (lambda x: x, lambda x: x + 1),
    (lambda x=1: x, lambda x=2: x),
    (functools.partial(print, 1), functools.partial(print, 2)),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.Counter("ab"), collections.Counter("abb")),
    (pd.Series([1, 2]), pd.Series([1, 2], name="x")),
    (pd.Series([1, 2]), pd.Series([1, 2], index=[1, 2])),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    (pd.DataFrame({"a": [1], "b": [2]}), pd.DataFrame({"b": [2], "a": [1]})),
    (pd.DataFrame({"a": ["x", None]}), pd.DataFrame({"a": ["x", "y"]})),
    (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]}, dtype="Int64")),
    (pd.Series(["a", "b"], dtype="category"), pd.Series(["a", "b"])),
    (pd.Timestamp("2020"), pd.Timestamp("2021")),
    (pd.NA, None),
    (SimpleNamespace(a=1), SimpleNamespace(a=2)),
    (bytearray(b"a"), bytearray(b"b")),
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda value: type(value).__name__)
def test_different_values_have_different_fingerprints(one: Any, other: Any) -> None:
    assert fingerprint(one)
    assert fingerprint(other)
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    "value", [item for pair in PAIRS for item in pair], ids=lambda value: type(value).__name__
)
def test_a_copy_has_the_same_fingerprint(value: Any) -> None:
    assert fingerprint(copy.deepcopy(value)) == fingerprint(value)


def test_not_a_number_is_itself() -> None:
    assert fingerprint(float("nan")) == fingerprint(float("-nan")) != ""
    assert fingerprint([float("nan")]) == fingerprint([float("nan")])


def test_a_set_has_no_order() -> None:
    assert fingerprint({"a", "b", "c", 8, 0}) == fingerprint({8, "c", 0, "b", "a"})


def test_the_content_counts_not_its_place_in_memory() -> None:
    values = np.arange(60.0).reshape(6, 10)
    assert fingerprint(np.asfortranarray(values)) == fingerprint(values)
    assert fingerprint(np.arange(120.0).reshape(6, 20)[:, ::2] / 2) == fingerprint(values)
    frame = pd.DataFrame(values.copy(), copy=False)
    by_column = pd.DataFrame({name: values[:, name].copy() for name in range(10)})
    by_column.columns = frame.columns
    assert fingerprint(by_column) == fingerprint(frame)
    apart = frame.copy()
    apart[3] = apart[3].copy()
    assert fingerprint(apart) == fingerprint(frame)


@pytest.mark.parametrize("change", ["cell", "dtype", "order", "index", "name", "column"])
def test_any_change_of_a_frame_shows(change: str) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, None, 1.5], "c": ["x", None, "z"]})
    before = fingerprint(frame)
    match change:
        case "cell":
            frame.loc[1, "b"] = 1.0
        case "dtype":
            frame["a"] = frame["a"].astype("int32")
        case "order":
            frame = frame.iloc[::-1]
        case "index":
            frame.index = [0, 1, 3]
        case "name":
            frame.index.name = "id"
        case "column":
            frame = frame.rename(columns={"c": "d"})
    assert fingerprint(frame) not in ("", before)


@pytest.mark.parametrize(
    "column",
    [
        pd.array(["x", None], dtype="string"),
        pd.array(["x", None], dtype="str"),
        pd.array([1, None], dtype="Int64"),
        pd.array([1.5, None], dtype="Float32"),
        pd.array([True, None], dtype="boolean"),
        pd.Categorical(["x", None], ordered=True),
        pd.to_datetime(["2020-01-01", None], utc=True),
        pd.to_timedelta([1, None], unit="s"),
        pd.period_range("2020-01", periods=2, freq="M"),
        pd.interval_range(0, 2),
        pd.arrays.SparseArray([0, 1]),
        [[1, 2], {"a": None}],
        [b"x", 2],
    ],
    ids=lambda column: str(getattr(column, "dtype", "nested")),
)
def test_every_kind_of_column_is_read(column: Any) -> None:
    frame = pd.DataFrame({"c": column})
    assert fingerprint(frame) == fingerprint(pd.DataFrame({"c": column}).copy()) != ""
    assert fingerprint(frame.iloc[::-1].reset_index(drop=True)) != fingerprint(frame)


def test_what_lies_under_a_missing_value_does_not_count() -> None:
    one = pd.arrays.IntegerArray(np.array([1, 7]), np.array([False, True]))
    other = pd.arrays.IntegerArray(np.array([1, 9]), np.array([False, True]))
    assert fingerprint(one) == fingerprint(other) != ""


def test_padding_of_records_does_not_count() -> None:
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    one, other = np.zeros(2, dtype), np.full(2, 255, np.uint8).repeat(dtype.itemsize).view(dtype)
    other["a"], other["b"] = 0, 0
    assert fingerprint(one) == fingerprint(other) != ""


def test_a_multi_index_is_read() -> None:
    frame = pd.DataFrame(
        {"v": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["k", None])
    )
    assert fingerprint(frame) not in ("", fingerprint(frame.rename_axis(["k", "l"])))


# ---- code and instances


def notebook(source: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(source, namespace)
    return namespace


def test_a_function_is_its_code_defaults_closure_and_attributes() -> None:
    def build(source: str) -> str:
        return fingerprint(notebook(source)["f"])

    first = build("def f(x): return x + 1")
    assert first == build("\n\ndef f(x): return x + 1  # moved")
    others = [
        build("def f(x): return x + 2"),
        build("def f(x, y=1): return x + 1"),
        build("def f(x): return x + 1\nf.calls = 3"),
        build("def make(k):\n    def f(x): return x + k\n    return f\nf = make(1)"),
        build("def make(k):\n    def f(x): return x + k\n    return f\nf = make(2)"),
        build("def f(x): return [x + 1 for _ in y]"),
        build("def f(x): return [x + 2 for _ in y]"),
    ]
    assert len({first, *others}) == 8
    assert "" not in others


def test_a_closures_state_counts() -> None:
    counter = notebook(
        "def make():\n    n = 0\n    def f():\n        nonlocal n\n        n += 1\n    return f\nf = make()"
    )["f"]
    before = fingerprint(counter)
    counter()
    assert fingerprint(counter) not in ("", before)


def test_a_class_of_the_notebook_is_its_attributes() -> None:
    made = notebook("class A:\n    rate = 1\n    def m(self): return A")["A"]
    before = fingerprint(made)
    assert before == fingerprint(notebook("class A:\n    rate = 1\n    def m(self): return A")["A"]) != ""
    made.rate = 2
    assert fingerprint(made) != before


@pytest.mark.parametrize(
    "source",
    [
        "class A: pass\na = A(); a.x = [1]",
        "class A:\n    __slots__ = ('x',)\na = A(); a.x = [1]",
        "class B:\n    __slots__ = ('x', '__weakref__')\nclass A(B): pass\na = A(); a.x = [1]; a.y = 2",
        "class A(dict): pass\na = A(k=1); a.x = [1]",
        "class A(list): pass\na = A([1]); a.x = [1]",
        "class A(tuple): pass\na = A([1]); a.x = [1]",
        "class A(int): pass\na = A(3); a.x = [1]",
        "class A(str): pass\na = A('s'); a.x = [1]",
        "class A(Exception): pass\na = A('s'); a.x = [1]",
        "from dataclasses import dataclass\n@dataclass\nclass A: x: list\na = A([1])",
        "import argparse\na = argparse.Namespace(x=[1])",
        "import collections\nclass A(collections.OrderedDict): pass\na = A(k=1); a.x = [1]",
    ],
)
def test_the_content_of_an_instance_counts(source: str) -> None:
    value = notebook(source)["a"]
    before = fingerprint(value)
    assert before == fingerprint(notebook(source)["a"]) != ""
    value.x.append(2)
    assert fingerprint(value) not in ("", before)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dict", "({'k': 1}, {'k': 2})"),
        ("list", "([1], [2])"),
        ("int", "(1, 2)"),
        ("float", "(1, 2)"),
        ("set", "({1}, {2})"),
    ],
)
def test_the_builtin_content_of_a_subclass_counts(one: str, other: str) -> None:
    space = notebook(f"class A({one}): pass\na, b = map(A, {other})")
    assert fingerprint(space["a"]) != fingerprint(space["b"])


def test_members_of_an_enumeration_differ() -> None:
    space = notebook("import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2")
    assert fingerprint(space["E"].A) not in ("", fingerprint(space["E"].B))


def test_a_cycle_ends() -> None:
    def ring(size: int) -> list[Any]:
        first: list[Any] = [0]
        last = first
        for number in range(1, size):
            last = [number, last]
        first.append(last)
        return first

    assert fingerprint(ring(3)) == fingerprint(ring(3)) != ""
    assert fingerprint(ring(3)) != fingerprint(ring(4))


def test_a_shared_part_is_read_once() -> None:
    level: list[Any] = [1]
    for _ in range(100):
        level = [level, level]
    assert fingerprint(level) != ""


def estimators() -> dict[str, Any]:
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import (
        GradientBoostingClassifier,
        HistGradientBoostingClassifier,
        RandomForestClassifier,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, SGDClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from sklearn.svm import SVC

    numbers = np.random.RandomState(0).rand(60, 2)
    table = pd.DataFrame({"a": numbers[:, 0], "b": numbers[:, 1], "c": ["x", "y", None] * 20})
    labels = (table["a"] > 0.5).astype(int)
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b"]), (OneHotEncoder(), ["c"])
    )
    models = (
        LogisticRegression(),
        RandomForestClassifier(5, random_state=0),
        GradientBoostingClassifier(n_estimators=3, random_state=0),
        HistGradientBoostingClassifier(max_iter=3, random_state=0),
        KNeighborsClassifier(),
        SVC(),
        SGDClassifier(random_state=0),
    )
    return {type(model).__name__: make_pipeline(columns, model).fit(table, labels) for model in models}


def test_fitted_estimators_are_read() -> None:
    first, second = estimators(), estimators()
    for name, model in first.items():
        assert fingerprint(model) == fingerprint(second[name]) != "", name
    second["RandomForestClassifier"].steps[-1][1].estimators_[0].tree_.value[0] += 1
    assert fingerprint(second["RandomForestClassifier"]) != fingerprint(first["RandomForestClassifier"])


def test_sparse_matrices_are_read_and_looking_at_one_changes_nothing() -> None:
    from scipy import sparse

    matrix = sparse.csr_matrix(np.eye(3))
    before = fingerprint(matrix)
    assert matrix.has_canonical_format
    assert fingerprint(matrix) == before != ""
    matrix.data[0] = 2
    assert fingerprint(matrix) != before


VALUES = """
import collections, datetime, functools, json, pathlib, random, sys
import numpy as np, pandas as pd
from sklearn.ensemble import RandomForestClassifier
from jupyter_mlops.capture.fingerprint import fingerprint
class Config:
    def __init__(self): self.names = {"a", "b", "c"}; self.me = self
def score(y, p, names=frozenset({"x", "y", "z"})):
    return sum(y == p) if y in {"q", "r", "s"} else names
rng = np.random.default_rng(3)
X = rng.random((50, 3))
values = {
    "set": {"a", "b", "c", (1, "d")}, "dict": {"b": 1, "a": [None, 2.5]}, "function": score, "class": Config,
    "instance": Config(), "array": X, "rng": rng, "random": random.Random(5), "module": np,
    "frame": pd.DataFrame(X, columns=list("abc")).assign(d="x", e=pd.Categorical(["q"] * 50)),
    "model": RandomForestClassifier(3, random_state=0).fit(X, X[:, 0] > 0.5),
    "partial": functools.partial(score, 1),
    "objects": np.array([1, "a", None, {"k": {1, 2}}], object), "path": pathlib.PurePosixPath("/a"),
}
print(json.dumps({name: fingerprint(value) for name, value in values.items()}))
"""


def test_fingerprints_are_the_same_in_every_process() -> None:
    def run(seed: str) -> dict[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", VALUES],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    first = run("1")
    assert "" not in first.values()
    assert run("2") == first


# ---- strangers


def test_no_code_of_a_hostile_object_runs(hostile: Any) -> None:
    objects = np.empty(2, object)
    objects[0] = hostile
    for value in (hostile, [hostile], {"a": hostile}, (hostile,), objects, type(hostile)):
        fingerprint(value)
        reachable_ids(value)
    frame = pd.DataFrame({"a": [1, 2]})
    frame["b"] = np.array([None, 1], object)
    frame._mgr.blocks[1].values[0, 0] = hostile
    fingerprint(frame)
    reachable_ids(frame)


def test_a_generator_is_not_consumed() -> None:
    for value in (
        (n for n in (1, 2)),
        iter([1, 2]),
        map(int, "12"),
        zip("ab", "cd", strict=True),
        io.StringIO("ab"),
    ):
        assert fingerprint(value) == ""
        assert fingerprint([value]) == ""
        assert len(list(value)) in (1, 2)


def test_what_is_wired_to_the_process_has_no_fingerprint() -> None:
    with socket.socket() as one:
        assert fingerprint(one) == ""
    for value in (threading.Lock(), threading.Thread(), open(os.devnull), sys.stdout, memoryview(b"a")):  # noqa: PTH123, SIM115
        assert fingerprint(value) == ""


def test_what_is_too_large_is_sampled_alike_and_says_so() -> None:
    values = np.arange(1_000_000)
    sampled = fingerprint(values, byte_budget=100_000)
    assert sampled.startswith("sampled:")
    assert sampled == fingerprint(values.copy(), byte_budget=100_000)
    assert sampled != fingerprint(values + 1, byte_budget=100_000)
    for value in (
        list(range(100_000)),
        {str(n): n for n in range(50_000)},
        values[::2],
        ["a", 1] * 10_000,
        ["ab"] * 90_000,
    ):
        first = fingerprint(value, byte_budget=100_000)
        assert first.startswith("sampled:")
        assert first == fingerprint(copy.deepcopy(value), byte_budget=100_000)


def test_a_million_keys_end_in_time_or_not_at_all() -> None:
    value = {number: [number] for number in range(300_000)}
    assert fingerprint(value, seconds=0.01) == ""


def test_deep_nesting_has_no_fingerprint() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert fingerprint(value) == ""
    while value:  # unwound by hand: freeing so deep a list at once is slow
        value = value.pop()


# ---- aliases


def test_views_and_columns_share_identities() -> None:
    values = np.arange(12.0)
    assert reachable_ids(values) & reachable_ids(values.reshape(3, 4)[1:])
    assert reachable_ids({"a": [values]}) & reachable_ids(values[::2])
    assert not reachable_ids(values) & reachable_ids(values.copy())
    frame = pd.DataFrame({"a": values, "b": values})
    assert reachable_ids(frame) & reachable_ids(frame["a"])
    assert not reachable_ids(frame) & reachable_ids(frame.copy())


def test_pipelines_that_share_a_scaler_share_an_identity() -> None:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    assert id(scaler) in reachable_ids(make_pipeline(scaler, Ridge())) & reachable_ids(
        [make_pipeline(scaler)]
    )
    assert not reachable_ids(make_pipeline(Ridge())) & reachable_ids(make_pipeline(Ridge()))


def test_a_closure_shares_what_it_holds() -> None:
    kept: list[int] = []
    assert id(kept) in reachable_ids(lambda: kept)
    assert not reachable_ids(1) | reachable_ids("a") | reachable_ids((1, "b"))


# ---- libraries that need not be there


def test_arrow_columns_are_read_however_they_are_cut() -> None:
    pa = pytest.importorskip("pyarrow")
    for values in (
        ["a", "", None, "bcd"],
        [1, 2, None, 3],
        [[1], None, [2, 3], []],
        [True, None, False, True],
    ):
        kind = pa.array(values).type
        whole = pa.chunked_array([values], kind)
        cut = pa.chunked_array([pa.array([values[3], *values[:1]], kind)[1:], values[1:]], kind)
        assert fingerprint(cut) == fingerprint(whole) != ""
        assert fingerprint(pa.chunked_array([values[::-1]], kind)) != fingerprint(whole)
    assert fingerprint(pa.chunked_array([["ab", "c"]])) != fingerprint(pa.chunked_array([["a", "bc"]]))
    assert fingerprint(pa.table({"a": [1]})) != fingerprint(pa.table({"b": [1]}))
    series = pd.Series(["x", None], dtype="string[pyarrow]")
    assert fingerprint(series) == fingerprint(series.copy()) != ""


def test_arrow_nulls_hide_what_lies_under_them_wherever_a_column_is_cut() -> None:
    pa = pytest.importorskip("pyarrow")
    count = 140_003  # more than is copied at once, and no whole number of bytes of bits
    chance = np.random.default_rng(0)
    missing = chance.random(count) < 0.1
    missing[:3] = True, False, True
    values = chance.integers(0, 100, count)
    under = np.where(missing, 7, values)
    columns = (values, values / 3, values.astype("int8"), values.astype("float32"), values > 50)
    others = (under, under / 3, under.astype("int8"), under.astype("float32"), under > 50)
    found = []
    for column, other in zip(columns, others, strict=True):
        array, same = pa.array(column, mask=missing), pa.array(other, mask=missing)
        cut = pa.chunked_array([same[:13], same[13:70_001], same[70_001:]])
        assert fingerprint(array) == fingerprint(same) == fingerprint(pa.chunked_array([array])) != ""
        assert fingerprint(cut) == fingerprint(array)
        one_more, one_changed = missing.copy(), np.array(column)
        one_more[1] = True
        one_changed[1] = not one_changed[1] if column.dtype == bool else one_changed[1] + 1
        found += [array, pa.array(column, mask=one_more), pa.array(one_changed, mask=missing), array[3:]]
    assert len({fingerprint(array) for array in found}) == len(found)


def test_arrow_booleans_read_as_their_values_written_one_by_one() -> None:
    pa = pytest.importorskip("pyarrow")
    # What short columns had for a fingerprint when each value was written by itself.
    assert fingerprint(pa.array([True, None, False])) == "f56491f5b19f93c046e82007952ee6be"


def test_polars_frames_are_read() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1, 2, None], "b": ["x", None, "y"], "c": [[1], [2], [3]]})
    assert fingerprint(frame) == fingerprint(frame.clone()) != ""
    assert fingerprint(frame.with_columns(a=pl.Series([1, 2, 3]))) != fingerprint(frame)
    assert fingerprint(frame.rename({"a": "d"})) != fingerprint(frame)
    assert fingerprint(frame.lazy()) == ""


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_boosters_are_read(library: str) -> None:
    boosting = pytest.importorskip(library)
    kind = boosting.XGBClassifier if library == "xgboost" else boosting.LGBMClassifier
    features = np.random.RandomState(0).rand(100, 2)
    labels = (features[:, 0] > 0.5).astype(int)
    one, same = (kind(n_estimators=3, random_state=0).fit(features, labels) for _ in range(2))
    other = kind(n_estimators=4, random_state=0).fit(features, labels)
    assert fingerprint(one) == fingerprint(same) not in ("", fingerprint(other))


def test_a_library_function_is_known_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    first = fingerprint(json.dumps)
    assert first
    assert fingerprint(json.dumps) == first
    assert fingerprint([json.dumps, json.dumps]) == fingerprint([json.dumps, json.dumps])
    monkeypatch.setattr(json.dumps, "__code__", json.dumps.__code__.replace(co_name="patched"))
    patched = fingerprint(json.dumps)
    assert patched
    assert patched != first


def test_of_very_many_objects_some_are_read() -> None:
    many = [(number,) for number in range(60_000)]
    assert fingerprint(many, seconds=60).startswith("sampled:")
    assert not fingerprint(many[:40_000], seconds=60).startswith("sampled:")
