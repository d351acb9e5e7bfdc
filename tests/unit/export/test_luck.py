"""What two processes of a proof note of themselves, and what follows from the difference."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from jupyter_mlops.export import chance
from jupyter_mlops.export.confirmation import other_values, what_settings_do
from jupyter_mlops.export.plan import ConfigField, Tried
from jupyter_mlops.export.trial import Wishes, run_twice

if TYPE_CHECKING:
    from pathlib import Path

#: A script as far as the runner looks at it: a step, and an end that starts it.
SCRIPT = """
import json, pathlib, random, sys, time, types
import numpy as np
sys.modules["pipeline_runner"] = pipeline_runner = types.SimpleNamespace(predictions_of=lambda state: [1, 2, 3])
pipeline_runner.Settings = type("Settings", (), {{}})
from pipeline_runner import Settings as PipelineSettings
class Config:
    own = "the notebook's"
class PipelineConfig(PipelineSettings):
    __dataclass_fields__ = {{"rate": None, "unused": None}}
    rate = 2.0
    unused = 1.0
def train(config, metrics):
    model = None
    {body}
    return model
def run_pipeline(step):
    metrics = {{}}
    config = PipelineConfig()
    if "--set" in sys.argv:
        name, _, text = sys.argv[sys.argv.index("--set") + 1].partition("=")
        setattr(config, name, float(text))
    step(config, metrics)
    out = pathlib.Path(sys.argv[-1])
    out.mkdir(exist_ok=True)
    (out / "metrics.json").write_text(json.dumps(metrics))
    sys.stderr.write(json.dumps({{"event": "predictions_written", "rows": 3, "columns": {{}}}}) + "\\n")
    pipeline_runner.predictions_of({{}})
    sys.exit(0)
if __name__ == "__main__":
    run_pipeline(train)
"""


def script(folder: Path, *lines: str) -> str:
    code = SCRIPT.format(body="\n    ".join(lines))
    (folder / "pipeline.py").write_text(code)
    return code


@pytest.mark.parametrize(
    ("lines", "drawn", "reached"),
    [
        (["x = np.random.rand(3)", "metrics['acc'] = float((x < 2).mean())"], {"numpy"}, {"train.x"}),
        (["np.random.seed(1)", "x = np.random.rand(3)", "metrics['acc'] = float((x < 2).mean())"], set(), set()),
        (["x = np.random.rand(3)", "y = 1.0", "metrics['acc'] = y"], {"numpy"}, set()),
        (["random.random()", "metrics['acc'] = 1.0"], {"random"}, set()),
        (["random.seed(3)", "x = random.random()", "metrics['acc'] = x < 2"], set(), set()),
        (["x = np.random.RandomState(1).rand(3)", "metrics['acc'] = float(x.max() < 2)"], set(), set()),
        (
            ["x = np.random.default_rng().random(3)", "metrics['acc'] = float(x.max() < 2)"],
            {"a generator of numpy without a seed"},
            {"train.x"},
        ),
        (
            ["begun = time.time()", "took = time.time() - begun", "np.random.rand()", "metrics['acc'] = took > -1"],
            {"numpy"},
            set(),
        ),
    ],
)  # fmt: skip
def test_chance_shows_though_the_metric_is_equal(
    lines: list[str], drawn: set[str], reached: set[str], tmp_path: Path
) -> None:
    code = script(tmp_path, *lines).partition("def run_pipeline")[0]
    first, second = run_twice(tmp_path, sys.executable, timeout=60)
    assert second is not None, first.cause
    assert first.metrics == second.metrics
    assert set(chance.unseeded(first.observed, second.observed)) == drawn
    assert set(chance.differing(code, "metrics", first.observed, second.observed)) == reached


#: TfidfVectorizer remembers so for which stop words it has warned.
PLACED = "x = types.SimpleNamespace(words=[1.0], words_id=0); x.words_id = id(x.words)"
NEAR = "x = types.SimpleNamespace(tol=1e-4, coef_=2 + 1e-5 * np.random.rand(99), n_iter_=id(config))"


@pytest.mark.parametrize(
    ("lines", "reached", "near"),
    [
        ([NEAR, "y = x.coef_ * 3", "metrics['acc'] = float(y.mean() > 2)"], set(), {"train.x", "train.y"}),
        (["x = sys.argv[-1]", "y = pathlib.Path(x) / 'model.joblib'", "np.random.rand()", "metrics['acc'] = len([x, y])"],
         set(), set()),
        ([PLACED, "np.random.rand()", "metrics['acc'] = x.words[0]"], set(), set()),
        ([NEAR.replace("1e-5", "1e-3"), "metrics['acc'] = x.tol"], set(), {"train.x"}),
        ([NEAR.replace("1e-5", "1e-2"), "metrics['acc'] = x.tol"], {"train.x"}, set()),
        ([NEAR, "z = [id(x), 1.5]", "metrics['acc'] = float(len(z))"], {"train.z"}, {"train.x"}),
        (["x = 3 + 1e-5 * np.random.rand(99)", "metrics['acc'] = float(x.mean() > 2)"], {"train.x"}, set()),
        (["x = 3.000005 + 1e-9 * (np.random.rand(99) - 0.5)", "metrics['acc'] = float(x.mean() > 2)"], set(), {"train.x"}),
    ],
)  # fmt: skip
def test_what_differs_in_its_last_places_only_is_no_luck(
    lines: list[str], reached: set[str], near: set[str], tmp_path: Path
) -> None:
    code = script(tmp_path, *lines).partition("def run_pipeline")[0]
    first, second = run_twice(tmp_path, sys.executable, timeout=60)
    assert second is not None, first.cause
    notes = (first.observed, second.observed)
    assert chance.unseeded(*notes) == ("numpy",)
    assert set(chance.differing(code, "metrics", *notes)) == reached
    assert set(chance.nearly_equal(code, "metrics", *notes)) == near


def test_settings_that_are_read_are_known_with_their_step(tmp_path: Path) -> None:
    script(tmp_path, "metrics['acc'] = config.rate")
    first, _ = run_twice(tmp_path, sys.executable, timeout=60)
    assert first.observed.settings == {"rate": ["train"]}


def test_other_values_of_settings_are_tried_without_a_trace_in_the_proof(tmp_path: Path) -> None:
    script(
        tmp_path,
        "print('out loud', file=sys.stderr)",
        "scratch, model = config.unused, [min(config.rate, 3.0)]",
        "metrics['acc'] = 1.0 if config.rate < 5 else 1 / (9.0 - config.rate)",
    )
    wishes = Wishes(
        deadline=time.time() + 60,
        values={"rate": ["1.0", "6.0"], "unused": ["8.0", "-1.0"], "rate ": ["9.0"]},
    )
    first, second = run_twice(tmp_path, sys.executable, timeout=60, wishes=wishes)
    assert second is not None, first.cause
    assert (first.metrics, second.tried) == ({"acc": 1.0}, {})
    assert first.log.count("out loud") == 1
    told = {
        name: [(one.value, one.exit, one.metrics) for one in tried] for name, tried in first.tried.items()
    }
    assert told["rate"] == [("1.0", 0, {"acc": 1.0})]  # another model is enough
    assert told["unused"] == [("8.0", 0, {"acc": 1.0}), ("-1.0", 0, {"acc": 1.0})]
    fields = [
        ConfigField("rate", 2.0, "float"),
        ConfigField("unused", 1.0, "float"),
        ConfigField("x", 1, "int"),
    ]
    found = what_settings_do(
        fields,
        {name: ["train"] for name in ("rate", "unused", "x")},
        first.tried,
        first.observed.content,
        {"acc": 1.0},
    )
    assert [one.said for one in found] == [
        "rate is read by train; with 1.0 model is another.",
        "unused is read by train; 8.0 or -1.0 in place of 1.0 changes nothing.",
        "x is read by train; what another value changes was not checked.",
    ]
    assert [one.idle for one in found] == [False, True, False]


def test_there_is_no_time_for_other_values_after_the_deadline(tmp_path: Path) -> None:
    script(tmp_path, "model = config.rate", "metrics['acc'] = 1.0")
    wishes = Wishes(deadline=time.time() - 1, values={"rate": ["1.0"]})
    first, _ = run_twice(tmp_path, sys.executable, timeout=60, wishes=wishes)
    assert (first.exit_code, first.tried) == (0, {})


@pytest.mark.parametrize(("limit", "said"), [(3, ""), (2, "3 rows")])
def test_predictions_are_held_against_what_was_made_of_them(limit: int, said: str, tmp_path: Path) -> None:
    script(tmp_path, "metrics['acc'] = 1.0")
    made: list[int] = []

    def promise(described: dict[str, object]) -> str:
        made.append(1)
        assert described["rows"] == 3
        return (
            "import types\n"
            "def check(name, table):\n"
            "    found = types.SimpleNamespace(severity='error', message=f'{len(table)} rows')\n"
            f"    return [found] if len(table) > {limit} else []\n"
        )

    first, second = run_twice(tmp_path, sys.executable, timeout=60, promise=promise)
    assert second is not None
    assert (first.promise, second.promise) == (said, said)
    assert made == [1]


def test_a_second_process_is_not_waited_for_when_the_first_has_failed(tmp_path: Path) -> None:
    mark = tmp_path / "second"
    script(
        tmp_path,
        "import os",
        f"first = not os.path.exists({str(mark)!r}) and not open({str(mark)!r}, 'x').close()",
        "time.sleep(0.5 if first else 30)",
        "raise ValueError('no')",
    )
    first, second = run_twice(tmp_path, sys.executable, timeout=20)
    assert second is None
    assert first.exit_code != 0


@pytest.mark.parametrize(
    ("code", "names", "others"),
    [
        ("a = 1\nb = a\nc = 2\nmetrics['m'] = b", {"a", "b"}, {"c"}),
        ("model.fit(X, y)\nz = 1\nmetrics['m'] = model.score(T)", {"X", "y", "model", "T"}, {"z"}),
        ("for x in data:\n    found.append(x)\nmetrics['m'] = max(found)", {"data", "x", "found"}, set()),
        ("def f(q):\n    return q * k\nmetrics['m'] = f(1)", {"k", "f"}, set()),
        ("fill(table, source)\nmetrics['m'] = table[0]", {"source", "table", "fill"}, set()),
    ],
)
def test_what_a_metric_is_made_of(code: str, names: set[str], others: set[str]) -> None:
    found = chance.behind_metrics(code, "metrics")
    assert names <= found
    assert not others & found


def test_a_script_is_run_as_python_itself_would(tmp_path: Path) -> None:
    code = script(tmp_path, "metrics['acc'] = 1.0").replace(
        "train(config, metrics):", "train(config, metrics: 1[0]):"
    )
    (tmp_path / "pipeline.py").write_text(code)
    first, _ = run_twice(tmp_path, sys.executable, timeout=60)
    assert first.exit_code != 0
    assert "not subscriptable" in first.cause + first.failed + first.log


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (4, ["5", "2"]), (0, ["1", "2"]), (-1, ["1", "-2"]), (0.1, ["0.09000000000000001", "0.05"]), (0.0, ["0.1", "1.0"]),
        (1e-5, ["9.0e-06", "5.0e-06"]), (True, ["false"]), ("rbf", ["rbf_"]), ([1, 2], ["[1]"]), (("a",), ['["a", "a"]']),
        (None, None), ({"a": 1}, None), ([], None), (float("nan"), None),
    ],
)  # fmt: skip
def test_values_that_are_tried_are_near_and_then_far(value: object, texts: list[str] | None) -> None:
    found = other_values([ConfigField("a", value, ""), ConfigField("place", "x.csv", "str", "input")])
    assert found == ({} if texts is None else {"a": texts})


def test_a_value_that_stops_the_pipeline_matters_and_one_that_is_refused_says_nothing() -> None:
    fields = [ConfigField("kind", "rbf", "str"), ConfigField("depth", 3, "int")]
    tried = {
        "kind": [Tried(value="rbf_", exit=5, content={}, metrics={})],
        "depth": [
            Tried(value="4", exit=2, content={}, metrics={}),
            Tried(value="1", exit=0, content={}, metrics={"a": 2.0}),
        ],
    }
    found = what_settings_do(fields, {"kind": ["fit"], "depth": ["fit", "score"]}, tried, {}, {"a": 1.0})
    assert [one.said for one in found] == [
        "kind is read by fit; with rbf_ the pipeline stops.",
        "depth is read by fit, score; with 1 a is 2, not 1.",
    ]
