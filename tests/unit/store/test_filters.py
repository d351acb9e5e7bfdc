"""The filter language, asked of both databases."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
import pytest

from jupyter_mlops.errors import FilterError, UsageError
from jupyter_mlops.records import Dataset, Status


@pytest.fixture(scope="module")
def names(shared_store, make_shared_run):
    """Runs a to g, and a function from a filter to the letters of the runs it keeps."""
    runs = {
        "a": {"params": {"model": "forest", "lr": 0.1, "depth": 3, "flag": True}, "metrics": {"acc": 0.9}},
        "b": {"params": {"model": "Forest", "lr": 0.01, "depth": "10"}, "metrics": {"acc": 0.8, "loss": 1}},
        "c": {"params": {"model": "linear", "lr": "0.1", "flag": False}, "metrics": {"acc": math.nan}},
        "d": {"params": {"lr": math.nan}, "metrics": {"acc": math.inf, "loss": -math.inf}},
        "e": {"params": {"odd name": "x", "lr": None}, "tags": {"team": "blue", "mlflow.user": "ann"}},
        "f": {"metrics": {"acc": 2**70, "val/acc@1": 0.5}, "tags": {"team": "Blue sky", "note": "50% off_"}},
        "g": {"status": Status.FAILED, "experiment": "other", "duration": 100, "tags": {"team": "ÉCLAIR"}},
    }
    for name, fields in runs.items():
        shared_store.save_run(make_shared_run(name=name, **fields))
    return lambda text, **more: "".join(sorted(run.name for run in shared_store.search(text, **more)))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("name != ''", "abcdefg"),
        ("   ", "abcdefg"),
        ("metrics.acc > 0.85", "adf"),
        ("metrics.acc>=0.9", "adf"),
        ("metric.acc < 0.9", "b"),
        ("metrics.acc = 0.9", "a"),
        ("metrics.acc == 0.9", "a"),
        ("metrics.acc != 0.9", "bdf"),
        ("metrics.acc <> 0.9", "bdf"),
        ("metrics.acc = inf", "d"),
        ("metrics.acc < inf", "abf"),
        ("metrics.loss = -inf", "d"),
        ("metrics.loss <= 1", "bd"),
        ("metrics.acc = 1180591620717411303424", "f"),
        ("metrics.acc > 1e300", "d"),
        ("metrics.acc < 1e999", "abf"),
        ("metrics.acc IN (0.9, .8)", "ab"),
        ("metrics.acc NOT IN (0.9)", "bdf"),
        ("NOT metrics.acc > 0.85", "b"),
        ("NOT (metrics.acc > 0.85 OR metrics.acc <= 0.85)", ""),
        ("metrics.acc IS NOT NULL", "abcdf"),
        ("metrics.acc IS NULL", "eg"),
        ("metrics.val/acc@1 = 0.5", "f"),
        ("metrics.`val/acc@1` = 0.5", "f"),
        ('metrics."val/acc@1" = 0.5', "f"),
        ("params.model = 'forest'", "a"),
        ('params.model = "forest"', "a"),
        ("param.model != 'forest'", "bc"),
        ("parameters.model IN ('forest', 'linear')", "ac"),
        ("params.model NOT IN ('forest', 'linear')", "b"),
        ("params.model LIKE 'f%'", "a"),
        ("params.model ILIKE 'f%'", "ab"),
        ("params.model NOT LIKE 'f%'", "bc"),
        ("params.model NOT ILIKE '%ST'", "c"),
        ("params.model LIKE '_inea_'", "c"),
        ("params.lr > 0.05", "ac"),
        ("params.lr = 0.1", "ac"),
        ("params.lr = '0.1'", "ac"),
        ("params.lr != 0.1", "be"),
        ("NOT params.lr = 0.1", "be"),
        ("params.lr IN (0.1, 0.01)", "abc"),
        ("params.lr IN (0.1, 'None')", "ace"),
        ("params.depth > 5", "b"),
        ("params.depth <= 3", "a"),
        ("params.model = 3", ""),
        ("params.flag = true", "a"),
        ("params.flag = 'False'", "c"),
        ("params.flag = 1", ""),
        ("params.`odd name` = 'x'", "e"),
        ("params.\"odd name\" = 'x'", "e"),
        ("params.nothing = 'x'", ""),
        ("params.model IS NULL AND metrics.acc IS NULL", "eg"),
        ("tags.team = 'blue'", "e"),
        ("tag.team LIKE '%lue%'", "ef"),
        ("tags.team ILIKE 'BLUE%'", "ef"),
        ("tags.mlflow.user = 'ann'", "e"),
        ("tags.note LIKE '50% off_'", "f"),
        ("tags.note = '50% off_'", "f"),
        ("tags.team LIKE '\\%'", ""),
        ("tags.team IS NULL", "abcd"),
        ("status = 'FAILED'", "g"),
        ("status = 'failed'", "g"),
        ("attributes.status != 'FAILED'", "abcdef"),
        ("attribute.status IN ('FAILED', 'KILLED')", "g"),
        ("STATUS = 'FAILED'", "g"),
        ("name = 'a'", "a"),
        ("run_name = 'a' or attributes.run_name = 'b'", "ab"),
        ("name IN ('a', 'b', 'zz')", "ab"),
        ("experiment = 'other'", "g"),
        ("experiment LIKE 'peng%'", "abcdef"),
        ("duration > 60", "g"),
        ("duration <= 1.5", "abcdef"),
        ("number = 1", "ag"),
        ("note = '' AND name != ''", "abcdefg"),
        ("start_time > '2026-11-01T12:00:04.5'", "fg"),
        ("start_time >= '2026-11-01T13:00:05.123456+01:00'", "fg"),
        ("start_time < '2026-11-02'", "abcdefg"),
        ("start_time < 1793534402000", "ab"),
        ("end_time > '2026-11-01T12:01:00Z'", "g"),
        ("metrics.acc > 0.85 AND params.model = 'forest'", "a"),
        ("metrics.acc > 0.85 and params.model = 'forest' or name = 'g'", "ag"),
        ("name = 'g' OR metrics.acc > 0.85 AND params.model = 'forest'", "ag"),
        ("(name = 'g' OR metrics.acc > 0.85) AND params.model = 'forest'", "a"),
        ("NOT name = 'a' AND NOT (name = 'b' OR name = 'c')", "defg"),
        ("NOT NOT name = 'a'", "a"),
        ("name = 'it''s'", ""),
        ("((((name = 'a'))))", "a"),
    ],
)
def test_a_filter_keeps(names, text, kept):
    assert names(text) == kept


def test_count_and_experiment_agree_with_search(shared_store, names):
    assert shared_store.count("metrics.acc > 0.85") == 3
    assert shared_store.count(experiment="other") == 1
    assert names("", experiment="other") == "g"
    assert names("metrics.acc > 0", experiment="other") == ""


@pytest.mark.parametrize("pattern", ["éclair", "É%", "_cl%r", "%AIR", "%c%l%a%i%r%", "%", "______"])
def test_ilike_knows_all_letters(names, pattern):
    # PostgreSQL in the C locale folds ASCII only; the accent here is spelled as stored.
    assert "g" in names(f"tags.team ILIKE '{pattern.replace('é', 'É')}'")


@pytest.fixture(scope="module")
def literal(shared_store, names, make_shared_run):
    """The shared store with one more run, whose tag is made of letters that mean something elsewhere."""
    shared_store.save_run(make_shared_run(name="", tags={"odd": "abc^][d-f\\]\n*"}))
    return shared_store


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("a.c", False),
        ("%", True),
        ("%%", True),
        ("abc%", True),
        ("%abc", False),
        ("a%c^]%", True),
        ("%[d-f\\]\n%", True),
        ("_bc%", True),
        ("abc^][d-f\\]\n*", True),
        ("abc^][d-f\\]\n", False),
        ("%*", True),
        ("%**", False),
        ("abc?%", False),
        ("%[d]%", False),
        ("abc^]_d%", True),
        ("%a%a%", False),
        ("", False),
    ],
)
def test_like_takes_every_other_letter_for_itself(literal, pattern, matches):
    assert bool(literal.search(f"tags.odd LIKE '{pattern}'")) is matches


def test_like_does_not_backtrack(store, make_run):
    store.save_run(make_run(tags={"t": "a" * 20_000}))
    assert store.count("tags.t LIKE '" + "%a" * 40 + "%b'") == 0


def test_values_never_become_sql(store, make_run):
    store.save_run(make_run(name="x'; DROP TABLE runs; --"))
    assert store.count("name = 'x''; DROP TABLE runs; --'") == 1
    assert store.count("metrics.`a') OR 1=1 --` > 0") == 0
    assert store.count() == 1


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("metrics.acc >", 14, "it ends where a number or a text in quotes was expected"),
        ("metrics.acc", 12, "it ends where a comparison"),
        ("metrics.acc > 0.9 AND", 22, "it ends where a field"),
        ("metrics.acc > 0.9 metrics.b > 1", 19, "found 'metrics.b' where AND, OR or the end"),
        ("metrics.acc >> 0.9", 14, "found '>'"),
        ("metrics.acc > 0.9 && name = 'a'", 19, "'&' means nothing here"),
        ("name = 'open", 8, "the ' is never closed"),
        ("metrics.`open > 1", 9, "the ` is never closed"),
        ("(name = 'a'", 12, "a closing parenthesis"),
        ("name = 'a')", 11, "found ')'"),
        ("metrics. > 1", 10, "a name after 'metrics.'"),
        ("metrics.acc > 'high'", 15, "compared with a number"),
        ("metrics.acc LIKE '0.9'", 1, "is a number and has no LIKE"),
        ("params.model > 'forest'", 16, "compared with a number"),
        ("tags.team > 'a'", 1, "is a text and has no >"),
        ("tags.team = 3", 13, "a text in quotes"),
        ("status = FINISHED", 10, "a number or a text in quotes"),
        ("status = 1", 10, "a text in quotes"),
        ("accuracy > 0.9", 1, "unknown field 'accuracy'"),
        ("mertics.acc > 0.9", 1, "'mertics' is not metrics, params"),
        ("attributes.wrong = 'x'", 1, "unknown field 'wrong'"),
        ("metrics.acc = nan", 15, "NaN, which equals nothing"),
        ("params.a LIKE 3", 15, "a text in quotes"),
        ("params.a IN 3", 13, "a list of values in parentheses"),
        ("params.a IN ()", 14, "a number or a text in quotes"),
        ("params.a IN (1 2)", 16, "a comma or a closing parenthesis"),
        ("params.a NOT = 3", 14, "LIKE, ILIKE or IN"),
        ("params.a IS 3", 13, "NULL or NOT NULL"),
        ("start_time > 'yesterday'", 14, "no time"),
        ("start_time LIKE '2026%'", 1, "has no LIKE"),
        ("duration > 'long'", 12, "compared with a number"),
        ("AND", 1, "a field"),
        ("3 < metrics.acc", 1, "a field"),
        ("name = 'a' -- comment", 12, "'-' means nothing here"),
        ("metrics.a > 1.2.3", 13, ""),
        ("metrics.a > 1e", 13, ""),
        ("(" * 5000 + "name = 'a'" + ")" * 5000, 62, "at most 60 levels"),
        ("NOT " * 4000 + "name = 'a'", 245, "at most 60 levels"),
        (" OR ".join(["name = 'a'"] * 501), 7001, "at most 500 conditions"),
        ("x" * 20_001, None, "more than 20000"),
    ],
)
def test_a_filter_that_does_not_parse_says_where(shared_store, text, position, words):
    with pytest.raises(FilterError) as caught:
        shared_store.search(text)
    message = caught.value.message
    assert words in message
    assert position is None or f"character {position}" in message
    assert len(message) < 600
    assert "\n" not in message
    assert "^" not in message
    assert caught.value.hint
    with pytest.raises(FilterError):
        shared_store.count(text)


def test_a_filter_that_is_no_text_is_refused(store):
    with pytest.raises(FilterError, match="not a int"):
        store.search(3)
    with pytest.raises(FilterError, match="not a int"):
        store.search(order_by=[3])


def test_large_filters_run(store, make_run):
    store.save_run(make_run(name="a"))
    assert store.count(" OR ".join(["name = 'a'"] * 500)) == 1
    assert store.count(" AND ".join(["metrics.m > 0"] * 500)) == 0
    assert store.count("(" * 60 + "name = 'a'" + ")" * 60) == 1
    values = ", ".join(["'a'"] * 2000)
    assert store.count(f"name IN ({values})") == 1


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, "dcba"),
        ([], "dcba"),
        (["start_time"], "abcd"),
        (["start_time DESC"], "dcba"),
        (["metrics.acc DESC"], "cadb"),
        (["metrics.acc ASC"], "acdb"),
        (["metrics.acc"], "acdb"),
        ("metrics.acc desc", "cadb"),
        (["params.lr"], "badc"),
        (["params.lr DESC"], "abdc"),
        (["tags.`my team`"], "cbda"),
        (["status", "name DESC"], "cdba"),
        (["attributes.name DESC"], "dcba"),
        (["duration", "name"], "abdc"),
        (["run_id"], "abcd"),
    ],
)
def test_order(store, make_run, order, expected):
    failed = {"status": Status.FAILED, "duration": None}
    for fields in (
        {"name": "a", "metrics": {"acc": 0.1}, "params": {"lr": 10}},
        {"name": "b", "metrics": {"acc": math.nan}, "params": {"lr": 9}, "tags": {"my team": "a"}},
        {"name": "c", "metrics": {"acc": math.inf}, "tags": {"my team": "B"}, **failed},
        {"name": "d", "params": {"lr": "high"}, "duration": 2.5},
    ):
        store.save_run(make_run(**fields))
    found = "".join(run.name for run in store.search(order_by=order))
    assert found == expected  # NaN and missing are both last, newest first


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("metrics.acc DOWN", "found 'DOWN' where ASC, DESC"),
        ("metrics.acc > 3", "found '>'"),
        ("accuracy", "unknown field 'accuracy'"),
        ("", "it ends where a field"),
        ("metrics.a, metrics.b", "found ','"),
    ],
)
def test_an_order_that_does_not_parse_says_where(shared_store, order, words):
    with pytest.raises(FilterError) as caught:
        shared_store.search(order_by=[order])
    assert words in str(caught.value)
    assert "character" in str(caught.value)


def test_pages_are_cut_from_the_whole(store, make_run):
    for name in "abcde":
        store.save_run(make_run(name=name))
    assert [run.name for run in store.search(max_results=2)] == ["e", "d"]
    assert [run.name for run in store.search(max_results=2, offset=3)] == ["b", "a"]
    assert [run.name for run in store.search(offset=4)] == ["a"]
    assert store.search(max_results=0) == []
    for wrong in ({"max_results": -1}, {"offset": -1}, {"max_results": "3"}, {"offset": 2**70}):
        with pytest.raises(UsageError):
            store.search(**wrong)


def test_frame_has_the_promised_columns(store, make_run):
    import pandas as pd

    store.save_run(
        make_run(
            name="a", params={"lr": 0.1, "n": 3, "mixed": 1}, metrics={"acc": 0.5, "k": 1}, tags={"t": "x"}
        )
    )
    store.save_run(make_run(params={"lr": 1, "n": 4, "mixed": "s"}, metrics={"k": 2}, duration=None))
    frame = store.frame(order_by=["start_time"])
    assert list(frame.columns) == [
        *("run_id", "number", "name", "experiment", "status", "status_reason", "start_time", "duration"),
        *("params.lr", "params.n", "params.mixed", "metrics.acc", "metrics.k", "tags.t"),
    ]
    assert str(frame["start_time"].dtype) == "datetime64[us, UTC]"
    assert frame["start_time"][0] == pd.Timestamp(datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC))
    assert frame["duration"].tolist()[0] == 1.5
    assert math.isnan(frame["duration"][1])
    assert frame["params.n"].dtype == frame["metrics.k"].dtype == frame["number"].dtype == "int64"
    assert frame["params.mixed"].tolist() == [1, "s"]
    assert frame["metrics.acc"].isna().tolist() == [False, True]
    assert frame["tags.t"].isna().tolist() == [False, True]
    assert frame["status"].tolist() == ["FINISHED"] * 2
    assert store.frame("metrics.acc > 0.4")["name"].tolist() == ["a"]
    assert len(store.frame(max_results=1)) == 1


def test_an_empty_frame_has_its_columns_and_types(store):
    frame = store.frame()
    assert len(frame) == 0
    assert list(frame.columns)[:3] == ["run_id", "number", "name"]
    assert str(frame["start_time"].dtype) == "datetime64[us, UTC]"


def test_a_frame_takes_odd_values(store, make_run):
    store.save_run(
        make_run(params={"a": "\ud800", "b": 2**70, "c": [1]}, metrics={"m": 2**70, "n": math.nan})
    )
    row = store.frame().iloc[0]
    assert (row["params.a"], row["params.b"], row["params.c"], row["metrics.m"]) == (
        "\ud800",
        2**70,
        [1],
        2**70,
    )
    assert math.isnan(row["metrics.n"])


@pytest.fixture(scope="module")
def readers(shared_store, names, make_shared_run):
    """Three runs of one experiment by the data they read, the last with a child."""

    def data(name, fingerprint, location="", role="input"):
        return Dataset(name=name, fingerprint=fingerprint, kind="frame", rows=3, location=location, role=role)

    old = data("train", "xxh3:old", "data/old.csv")
    new = data("train", "xxh3:new", "data/new.csv")
    test = data("holdout", "xxh3:test", role="test")
    read = {"one": (old, test), "two": (new,), "none": (), "both": (old, new)}
    for name, datasets in read.items():
        saved = shared_store.save_run(
            make_shared_run(name=name, experiment="readers", datasets=datasets),
            children=[make_shared_run(name="turn")] if name == "both" else (),
        )
    # What a run reads may change while it runs.
    shared_store.save_run(msgspec.structs.replace(saved, datasets=(new,)))
    return lambda text, **options: {
        run.name for run in shared_store.search(text, experiment="readers", **options)
    }


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("dataset.name = 'train'", {"one", "two", "both"}),
        ("dataset.hash = 'xxh3:old'", {"one"}),
        ("datasets.fingerprint = 'xxh3:new'", {"two", "both"}),
        ("dataset.location ILIKE '%OLD.csv'", {"one"}),
        ("dataset.role = 'test' AND dataset.name = 'train'", {"one"}),
        ("dataset.hash != 'xxh3:old'", {"two", "none", "both"}),
        ("NOT dataset.name IN ('train', 'holdout')", {"none"}),
        ("dataset.name IS NULL", {"none"}),
        ("dataset.location IS NOT NULL", {"one", "two", "both"}),
    ],
)
def test_runs_are_found_by_the_data_they_read(readers, text, kept):
    assert readers(text) == kept


def test_a_child_reads_its_parents_data(readers):
    assert readers("dataset.hash = 'xxh3:new'", include_children=True) == {"two", "both", "turn"}


def test_values_of_data_are_offered_and_unknown_fields_named(shared_store, readers):
    assert shared_store.field_values("dataset.hash")[0] == "xxh3:new"
    assert set(shared_store.field_values("dataset.name")) >= {"train", "holdout"}
    for wrong in ("dataset.rows = 'x'", "dataset.name > 'x'", "dataset.name = 3"):
        with pytest.raises(FilterError, match="at character"):
            shared_store.search(wrong)
    with pytest.raises(FilterError, match="several datasets"):
        shared_store.search(order_by=["dataset.name"])
