"""What is saved comes back the same, or is refused in a sentence."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from jupyter_mlops.errors import MetricNotFoundError, RunNotFoundError, UsageError
from jupyter_mlops.records import (
    Artifact,
    Column,
    Curve,
    Dataset,
    Environment,
    Evaluation,
    Execution,
    Failure,
    FileUse,
    MetricDetail,
    Model,
    ParamDetail,
    Run,
    RunWarning,
    Severity,
    Span,
    Status,
    now,
)


def execution(order, session="session", **fields):
    return Execution(
        execution_id=f"{session}-{order}",
        session_id=session,
        order=order,
        **{"source": f"x = {order}", "code": f"x = {order}\n", **fields},
    )


def same(left, right):
    """Equal in kind and in every bit, NaN and the sign of zero included."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return struct.pack("d", left) == struct.pack("d", right)
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def full_run(make_run):
    cells = tuple(execution(order) for order in (1, 2, 3))
    cells = (
        *cells,
        execution(
            4,
            source="%%track\nmodel.fit(X, y)",
            code="\nmodel.fit(X, y)",
            execution_count=7,
            cell_id="abc",
            start_time=now(),
            duration=0.25,
            status="failed",
            completed=3,
            tracked=True,
            reads=("X", "y"),
            bound=("model",),
            mutated=("df",),
            opaque=("gen",),
            deleted=("tmp",),
            ambient_reads=("rng:numpy",),
            ambient_writes=("cwd",),
            files=(FileUse(path="/data/p.csv", mode="r", hash="ab", size=2**40),),
            fingerprints={"X": "xxh3:1"},
            heading="Fit",
        ),
    )
    return make_run(
        name="forest",
        status=Status.FAILED,
        status_reason="ValueError",
        duration=12.25,
        cpu_time=3.5,
        peak_memory=2**41,
        params={
            "depth": 3,
            "lr": 1e-3,
            "model": "forest",
            "flag": True,
            "none": None,
            "grid": [1, "a", None],
        },
        param_details={
            "depth": ParamDetail(
                origin="override",
                order=4,
                span=Span(line=1, column=0, end_line=1, end_column=5),
                default=[1, 2],
            )
        },
        metrics={"acc": 0.9, "n": 3},
        metric_details={
            "acc": MetricDetail(
                origin="call",
                expression="accuracy_score(y, p)",
                order=4,
                span=Span(line=2, column=0, end_line=2, end_column=20),
                path=("a", 0),
                step=4,
                points=5,
                time=now(),
                evaluation=Evaluation(function="sklearn.metrics.accuracy_score", target="t", rows=10),
                higher_is_better=True,
            )
        },
        tags={"team": "a", "": "empty name"},
        note="a\nnote",
        hypothesis="deeper is better",
        baseline_id="base",
        parent_id="parent",
        notebook="/work/p.ipynb",
        cell_id="abc",
        source="%%track\nmodel.fit(X, y)",
        code_hash="cafe",
        session_id="session",
        orders=(2, 4),
        cells=cells,
        curves=(),
        datasets=(
            Dataset(
                name="df",
                fingerprint="f",
                kind="pandas.DataFrame",
                rows=344,
                columns=(
                    Column(
                        name="mass",
                        dtype="float64",
                        nullable=True,
                        profile={"mean": 4201.75, "missing": 2, "top": [["a", 1]], "quantiles": [1.0, 2.0]},
                    ),
                ),
                shape=(344, 1),
                sampled=True,
            ),
        ),
        models=(
            Model(name="m", kind="sklearn.RandomForest", settings={"n": 10, "deep": {"a": [1]}}, size=3),
        ),
        artifacts=(
            Artifact(path="figure.png", digest="0" * 64, size=10, media_type="image/png", kind="figure"),
        ),
        warnings=(RunWarning(code="unseeded", message="m", hint="h", severity=Severity.ERROR, names=("a",)),),
        environment=Environment(
            python="3.11.7",
            executable="/usr/bin/python",
            platform="linux",
            directory="/work",
            packages={"numpy": "2.4"},
            git={"commit": "c", "dirty": True},
            seeds={"numpy": 3},
            hardware={"cores": 2},
            path_additions=("/x",),
        ),
        failure=Failure(kind="ValueError", message="m", line=3, traceback="…"),
    )


def test_a_complete_run_comes_back(store, make_run):
    run = full_run(make_run)
    saved = store.save_run(run)
    assert saved.number == 1
    assert store.get_run(run.run_id) == saved == msgspec.structs.replace(run, number=1)
    summary = store.get_summary(run.run_id)
    for field in set(summary.__struct_fields__) - {"warning_count"}:
        assert getattr(summary, field) == getattr(saved, field), field
    assert summary.warning_count == 1


def test_run_survives_msgspec_itself(store, make_run):
    saved = store.save_run(full_run(make_run))
    back = store.get_run(saved.run_id)
    assert msgspec.json.decode(msgspec.json.encode(back), type=Run) == saved


def test_cells_are_those_of_the_session_up_to_the_last_own_one(store, make_run):
    first = make_run(session_id="s", orders=(2,), cells=(execution(1, "s"), execution(2, "s")))
    later = make_run(
        session_id="s", orders=(4,), cells=tuple(execution(order, "s") for order in (1, 2, 3, 4))
    )
    other = make_run(session_id="t", orders=(1,), cells=(execution(1, "t"),))
    for run in (first, later, other):
        store.save_run(run)
    assert [cell.order for cell in store.get_run(first.run_id).cells] == [1, 2]
    assert [cell.order for cell in store.get_run(later.run_id).cells] == [1, 2, 3, 4]
    assert store.get_run(other.run_id).cells == (execution(1, "t"),)
    assert [cell.order for cell in store.executions("s", until=3)] == [1, 2, 3]
    assert store.executions("s") == later.cells
    assert store.executions("unknown") == ()


def test_an_execution_stored_while_it_ran_is_completed(store, make_run):
    begun = execution(1, status="ok", duration=0.0)
    run = make_run(status=Status.RUNNING, session_id="session", orders=(1,), cells=(begun,), duration=None)
    store.begin_run(run, lease_seconds=60)
    assert store.get_run(run.run_id).cells == (begun,)
    ended = execution(1, status="failed", duration=3.5)
    store.save_run(msgspec.structs.replace(run, status=Status.FAILED, cells=(ended,)))
    assert store.get_run(run.run_id).cells == (ended,)


def test_an_earlier_execution_is_stored_once_and_stays(store, make_run):
    store.save_run(make_run(session_id="session", orders=(2,), cells=(execution(1), execution(2))))
    changed = execution(1, source="something else")
    store.save_run(make_run(session_id="session", orders=(3,), cells=(changed, execution(3))))
    assert store.executions("session") == (execution(1), execution(2), execution(3))


ODD_VALUES = {
    "nan": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "minus zero": -0.0,
    "zero": 0,
    "smallest": 5e-324,
    "past 63 bits": 2**63,
    "past 64 bits": 2**64 + 1,
    "negative": -(2**63) - 1,
    "huge": 10**5000,
    "minus huge": -(10**5000),
    "surrogate": "a\ud800b",
    "surrogate pair in halves": "\ud83d\ude00",
    "emoji": "😀",
    "nul": "a\0b",
    "our own escape": "\uf8f0d800",
    "our own mark": {"\uf8f0integer": "0x10"},
    "long": "x" * 1_000_000,
    "empty": "",
    "true": True,
    "nothing": None,
    "nested": {"a": [math.nan, {"b": [2**70, "\udfff"]}]},
    "integer keys": {0: 1.0, 1: 5.0},
    "list": [[], {}, [None]],
}


def test_odd_values_come_back_bit_by_bit(store, make_run):
    metrics = {name: value for name, value in ODD_VALUES.items() if type(value) in (int, float)}
    run = make_run(params=ODD_VALUES, metrics=metrics)
    store.save_run(run)
    back = store.get_run(run.run_id)
    for name, value in ODD_VALUES.items():
        assert same(back.params[name], value), name
    assert same(back.metrics, metrics)
    summary = store.get_summary(run.run_id)
    assert same(summary.params, back.params)
    assert same(summary.metrics, metrics)


@pytest.mark.parametrize("odd", ["a\ud800b", "a\0b", "\uf8f00000", "'\"`;--", "ÄÖ😀"])
def test_odd_text_comes_back_wherever_it_stands(store, make_run, odd):
    run = make_run(
        name=odd,
        experiment=odd,
        note=odd,
        notebook=odd,
        cell_id=odd,
        session_id=odd,
        status_reason=odd,
        source=odd,
        params={odd: odd},
        metrics={odd: 1.0},
        tags={odd: odd},
        orders=(1,),
        cells=(execution(1, odd, source=odd, code=odd),),
        environment=Environment(python=odd, executable=odd, platform=odd, directory=odd, packages={odd: odd}),
    )
    curve = Curve(steps=[0], values=[1.0], times=[0.0], count=1)
    saved = store.save_run(run, curves={odd: curve})
    assert store.get_run(run.run_id) == saved
    assert store.get_curve(run.run_id, odd) == curve
    assert store.resolve(odd) == run.run_id
    assert store.experiments() == [odd]
    assert [found.name for found in store.search(experiment=odd)] == [odd]
    assert store.edit_run(run.run_id, tags={odd: None}).tags == {}


def test_a_hundred_thousand_params(store, make_run):
    params = {f"param {index}": index for index in range(100_000)}
    run = make_run(params=params)
    store.save_run(run)
    assert store.get_run(run.run_id).params == params
    assert store.count("params.`param 99999` = 99999") == 1


def test_very_long_names_are_kept(store, make_run):
    name = "n" * 10_000
    saved = store.save_run(make_run(params={name: 1}, metrics={name: 2.0}, tags={name: "t"}))
    back = store.get_run(saved.run_id)
    assert (back.params, back.metrics, back.tags) == ({name: 1}, {name: 2.0}, {name: "t"})


def test_numpy_scalars_become_plain_numbers(store, make_run):
    saved = store.save_run(
        make_run(
            params={"a": np.float64(0.1), "b": np.int64(3), "c": np.bool_(True), "d": [np.float32(0.5)]},
            metrics={"m": np.float64(0.25), "n": np.int32(4), "yes": True},
        )
    )
    back = store.get_run(saved.run_id)
    assert same(back.params, {"a": 0.1, "b": 3, "c": True, "d": [0.5]})
    assert same(back.metrics, {"m": 0.25, "n": 4, "yes": 1})


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"params": {"p": object()}}, "parameter 'p' is a object"),
        ({"params": {"p": {1, 2}}}, "parameter 'p' is a set"),
        ({"params": {"p": 1j}}, "parameter 'p' is a complex"),
        ({"params": {"p": np.zeros(3)}}, "parameter 'p' is a ndarray"),
        ({"params": {"p": {(1, 2): 3}}}, "tuple for a key"),
        ({"params": {"p": deep(100_000)}}, "nested too deeply"),
        ({"params": {3: 1}}, "3 for a name"),
        ({"metrics": {"m": "0.9"}}, "metric 'm' is a str"),
        ({"metrics": {"m": None}}, "metric 'm' is a NoneType"),
        ({"tags": {"t": 1}}, "tag 't' is a int"),
        ({"experiment": "e" * 401}, "experiment"),
        ({"name": "n" * 401}, "name"),
        ({"duration": math.nan}, "no finite duration"),
        ({"source": 3}, "wrong type"),
        ({"orders": ("one",)}, "wrong type"),
        ({"models": (Model(name="m", kind="k", settings={"s": object()}),)}, "a object"),
    ],
)
def test_what_cannot_be_stored_is_refused_whole(store, make_run, fields, words):
    run = make_run(**fields)
    with pytest.raises(UsageError) as caught:
        store.save_run(run)
    assert words in str(caught.value)
    assert caught.value.hint
    assert store.search() == []
    assert store.save_run(make_run()).number == 1


def test_curves_come_back_bit_by_bit(store, make_run):
    count = 10_000
    values = [math.nan, math.inf, -math.inf, -0.0, *(index / 7 for index in range(count - 4))]
    curve = Curve(
        steps=[*range(count - 1), 2**62], values=values, times=[i * 0.5 for i in range(count)], count=10**9
    )
    empty = Curve(steps=[], values=[], times=[], count=0)
    run = make_run()
    saved = store.save_run(run, curves={"loss": curve, "empty": empty})
    assert saved.curves == ("loss", "empty")
    assert store.get_summary(run.run_id).curves == ("loss", "empty")
    back = store.get_curve(run.run_id, "loss")
    assert same(back.values, values)
    assert (back.steps, back.times, back.count) == (curve.steps, curve.times, 10**9)
    assert store.get_curve(run.run_id, "empty") == empty


def test_curves_are_replaced_kept_and_dropped(store, make_run):
    def line(value):
        return Curve(steps=[0], values=[value], times=[0.0], count=1)

    run = make_run(curves=("a", "b", "c"))
    store.save_run(run, curves={"a": line(1.0), "b": line(2.0), "c": line(3.0)})
    store.save_run(msgspec.structs.replace(run, curves=("a", "b")), curves={"b": line(4.0)})
    assert store.get_curve(run.run_id, "a") == line(1.0)
    assert store.get_curve(run.run_id, "b") == line(4.0)
    with pytest.raises(MetricNotFoundError, match=r"#1 has no curve of 'c'.*a, b"):
        store.get_curve(run.run_id, "c")
    with pytest.raises(RunNotFoundError):
        store.get_curve("nothing", "a")


@pytest.mark.parametrize(
    "curve",
    [
        Curve(steps=[1, 2], values=[1.0], times=[0.0], count=2),
        Curve(steps=[2**63], values=[1.0], times=[0.0], count=1),
        Curve(steps=[1], values=["x"], times=[0.0], count=1),
        Curve(steps=[1], values=[10**400], times=[0.0], count=1),
    ],
)
def test_a_curve_that_cannot_be_kept_is_refused(store, make_run, curve):
    with pytest.raises(UsageError, match="curve of 'loss'"):
        store.save_run(make_run(), curves={"loss": curve})
    assert store.count() == 0


def test_saving_again_replaces_everything(store, make_run):
    run = make_run(params={"a": 1, "b": 2}, metrics={"m": 1.0}, tags={"t": "1"}, note="n", name="one")
    first = store.save_run(run)
    again = msgspec.structs.replace(run, params={"b": 3}, metrics={"k": 2.0}, tags={}, note="", name="two")
    second = store.save_run(again)
    assert second.number == first.number == 1
    assert store.get_run(run.run_id) == second
    assert store.count("params.a = 1") == store.count("metrics.m = 1") == store.count("tags.t = '1'") == 0
    assert store.count("params.b = 3 AND metrics.k = 2") == store.count() == 1


def test_numbers_count_within_the_experiment(store, make_run):
    numbers = [store.save_run(make_run(experiment=name)).number for name in ("a", "a", "b", "a", "b")]
    assert numbers == [1, 2, 1, 3, 2]


def test_a_given_number_is_kept_when_free_and_replaced_when_taken(store, make_run):
    assert store.save_run(make_run(number=7)).number == 7
    assert store.save_run(make_run(number=7)).number == 8
    assert store.save_run(make_run(number=3)).number == 3
    assert store.save_run(make_run()).number == 9


def test_a_refused_run_takes_no_number(store, make_run):
    store.save_run(make_run())
    with pytest.raises(UsageError):
        store.save_run(make_run(params={"p": object()}))
    assert store.save_run(make_run()).number == 2


def test_moving_a_run_to_another_experiment_gives_it_a_number_there(store, make_run):
    run = store.save_run(make_run(experiment="a"))
    store.save_run(make_run(experiment="b"))
    moved = store.save_run(msgspec.structs.replace(run, experiment="b", number=0))
    assert (moved.experiment, moved.number) == ("b", 2)
    assert store.get_run(run.run_id) == moved


def test_times_keep_their_microsecond_and_become_utc(store, make_run):
    from datetime import timezone

    east = datetime(2026, 3, 1, 1, 2, 3, 999999, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    old = datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    for start in (east, old):
        saved = store.save_run(make_run(start_time=start))
        back = store.get_run(saved.run_id).start_time
        assert back == start
        assert back.utcoffset() == timedelta(0)


def test_an_environment_is_stored_once(store, make_run):
    from sqlalchemy import func, select

    from jupyter_mlops.store.schema import environments

    environment = Environment(python="3", executable="e", platform="p", directory="d")
    for _ in range(3):
        store.save_run(make_run(environment=environment))
    store.save_run(make_run(environment=msgspec.structs.replace(environment, python="4")))
    with store._database.read() as connection:
        assert connection.execute(select(func.count()).select_from(environments)).scalar() == 2


def test_an_unknown_run_is_not_found(store):
    for ask in (store.get_run, store.get_summary, store.delete_run, store.restore_run, store.edit_run):
        with pytest.raises(RunNotFoundError, match="no run 'nothing'"):
            ask("nothing")
    with pytest.raises(RunNotFoundError):
        store.heartbeat("nothing", lease_seconds=1)


def test_what_is_prepared_leaves_no_trace_and_saves_as_before(store, make_run):
    before = store.revision()
    store.prepare()
    store.prepare()
    assert store.revision() == before
    assert store.search() == []
    saved = store.save_run(make_run(metrics={"m": 1.0}))
    assert store.get_run(saved.run_id).metrics == {"m": 1.0}
