"""Whole exports of adversarial notebooks, proved in real processes."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from export_harness import Notebook, bound, expression
from msgspec.structs import replace

from jupyter_mlops.capture.predictions import pack_table
from jupyter_mlops.errors import ExportError, PipelineNameError
from jupyter_mlops.export import export_run, open_as_notebook
from jupyter_mlops.records import Evaluation, MetricDetail, PipelineVersion, Status


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path)


def exported(notebook: Notebook, metrics: dict[str, MetricDetail | str], **more: object) -> PipelineVersion:
    run = notebook.save(metrics, **more)  # type: ignore[arg-type]
    return export_run(notebook.store, run.run_id, "case", notebook.directory / "pipelines")


def kept(version: PipelineVersion) -> tuple[int, ...]:
    return version.report.attempts[-1].orders


def script(version: PipelineVersion) -> str:
    text = (Path(version.path) / "pipeline.py").read_text(encoding="utf-8")
    return text.partition("# ---- running")[0]


# Cells, and the orders that have to be kept for the metric `total` of the last one. None as the
# expectation of a cell that may be kept or not. The metric is bound in the last cell.
CASES: dict[str, tuple[list[str], set[int], set[int]]] = {
    "out_of_order_and_edited": (
        ["a = 1", "a = 10", "b = a + 1", "a = 99", "total = b * 2.5"],
        {2, 3, 5},
        {1, 4},
    ),
    "repeated": (
        ["n = [1]", "n.append(len(n))", "n.append(len(n))", "unused = 3", "total = sum(n) / 2"],
        {1, 2, 3, 5},
        {4},
    ),
    "in_place_method": (
        ["d = {'a': 1, 'b': 2}", "d.pop('a')", "other = 1", "total = sum(d.values()) * 1.5"],
        {1, 2, 4},
        {3},
    ),
    "alias": (["a = [1, 2]", "b = a", "b.append(7)", "c = [5]", "total = sum(a) / 2"], {1, 2, 3, 5}, {4}),
    "closure_state": (
        [
            "def counter():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n        return n\n    return step",
            "tick = counter()",
            "tick()",
            "tick()",
            "total = tick() * 1.5",
        ],
        {1, 2, 3, 4, 5},
        set(),
    ),
    "global_statement": (
        [
            "state = 1",
            "def bump():\n    global state\n    state += 10",
            "bump()",
            "other = 2",
            "total = state / 3",
        ],
        {1, 2, 3, 5},
        {4},
    ),
    "function_reads_what_comes_later": (
        ["def scaled(x):\n    return x * factor", "factor = 3", "factor = 4.5", "total = scaled(2)"],
        {1, 3, 4},
        {2},
    ),
    "function_redefined": (
        ["def f():\n    return 1.5", "first = f()", "def f():\n    return 100.5", "total = first + f()"],
        {1, 2, 3, 4},
        set(),
    ),
    "decorator_registry": (
        [
            "REGISTRY = {}",
            "def register(function):\n    REGISTRY[function.__name__] = function\n    return function",
            "@register\ndef double(x):\n    return 2 * x",
            "@register\ndef triple(x):\n    return 3.5 * x",
            "total = sum(function(2) for function in REGISTRY.values())",
        ],
        {1, 2, 3, 4, 5},
        set(),
    ),
    "function_attribute": (
        ["def f():\n    return f.scale * 2", "f.scale = 1.5", "total = f()"],
        {1, 2, 3},
        set(),
    ),
    "class_attribute": (
        [
            "class Model:\n    rate = 1\n    def run(self):\n        return self.rate * 2",
            "Model.rate = 2.5",
            "total = Model().run()",
        ],
        {1, 2, 3},
        set(),
    ),
    "instance_attribute": (
        [
            "class Box:\n    pass",
            "box = Box()",
            "box.value = 1.5",
            "unrelated = Box()",
            "total = box.value * 3",
        ],
        {1, 2, 3, 5},
        {4},
    ),
    "half_consumed_iterator": (
        ["numbers = iter([1, 2, 3, 4.5])", "next(numbers)", "total = sum(numbers)"],
        {1, 2, 3},
        set(),
    ),
    "seeded_random": (
        ["import random", "random.seed(3)", "warm = random.random()", "total = random.random()"],
        {1, 2, 3, 4},
        set(),
    ),
    "reseeded_random": (
        [
            "import random",
            "random.seed(3)",
            "warm = random.random()",
            "random.seed(4)",
            "total = random.random()",
        ],
        {1, 4, 5},
        {2, 3},
    ),
    "file_written_and_read": (
        [
            "from pathlib import Path",
            "text = '1 2 3.5'",
            "Path('numbers.txt').write_text(text)",
            "unused = 1",
            "total = sum(float(part) for part in Path('numbers.txt').read_text().split())",
        ],
        {1, 2, 3, 5},
        {4},
    ),
    "failed_cell_counts_as_far_as_it_got": (
        ["a = 2", "a = a * 3.5\nraise ValueError('stop')\na = 0", "total = a + 1"],
        {1, 2, 3},
        set(),
    ),
    "eval": (["rate = 1.5", "expression = 'rate * 4'", "total = eval(expression)"], {1, 2, 3}, set()),
    "exec": (["exec('hidden = 2.5')", "unused = 1", "total = hidden * 2"], {1, 3}, {2}),
    "delete": (["a = [1, 2, 3]", "del a[0]", "total = sum(a) / 2"], {1, 2, 3}, set()),
    "star_import": (["from math import *", "total = sqrt(2) + pi"], {1, 2}, set()),
    "import_alias_rebound": (
        ["import math as m", "a = m.sqrt(2)", "m = 3", "total = a * m"],
        {1, 2, 3, 4},
        set(),
    ),
    "user_names_like_ours": (
        [
            "from time import time\nimport json as config\nclass Step:\n    size = 2.5",
            "def main():\n    return Step.size + len(config.dumps([1]))",
            "metrics = main() + (0 if time() else 1)",
            "total = metrics * 2",
        ],
        {1, 2, 3, 4},
        set(),
    ),
    "texts_over_lines_and_comments": (
        ['text = """first\n  second\n"""  # two lines', "# how long?\ntotal = len(text) * 1.5  # as float"],
        {1, 2},
        set(),
    ),
    "unicode_names": (["größe = 2.5", "名前 = größe * 2", "total = 名前"], {1, 2, 3}, set()),
    "conditional_binding": (["a = 1.5", "if a > 100:\n    a = 3", "total = a * 2"], {1, 3}, set()),
    "loop_with_state": (
        ["values = []", "for i in range(4):\n    values.append(i * 0.5)", "total = sum(values)"],
        {1, 2, 3},
        set(),
    ),
    "lambda_reads_later_name": (
        ["area = lambda r: pi2 * r", "pi2 = 6.25", "total = area(2)"],
        {1, 2, 3},
        set(),
    ),
    "view_changed_in_place": (
        [
            "import numpy as np\na = np.arange(4.0)",
            "v = a[1:]",
            "v *= 2",
            "other = 1",
            "total = float(a.sum())",
        ],
        {1, 2, 3, 5},
        {4},
    ),
    "patched_before_it_is_imported": (
        ["import math\nmath.tau = 2.5", "x = 1", "from math import tau\ntotal = tau * 2"],
        {1, 3},
        set(),
    ),
    "time_magic": (
        ["data = [1, 2.5]", "get_ipython().run_line_magic('time', 'total = sum(data)')"],
        {1, 2},
        set(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_keeps_what_the_number_stands_on(case: str, notebook: Notebook) -> None:
    cells, needed, not_needed = CASES[case]
    notebook.namespace["get_ipython"] = lambda: _Shell(notebook.namespace)
    for code in cells:
        notebook.run(code)
    last = notebook.executions[-1]
    detail = (
        MetricDetail(origin="bound", expression="total", order=last.order) if "magic" in case else "total"
    )
    version = exported(notebook, {"total": detail})
    assert version.status == "validated", version.report
    proved_at_once = version.report.attempts[0].verdict == "validated"
    assert proved_at_once or case == "patched_before_it_is_imported", version.report.attempts
    assert needed <= set(kept(version))
    assert not not_needed & set(kept(version))
    ast.parse(script(version))
    assert "jupyter_mlops" not in script(version).replace("without jupyter_mlops", "")


class _Shell:
    def __init__(self, namespace: dict[str, object]) -> None:
        self.namespace = namespace

    def run_line_magic(self, name: str, line: str) -> None:
        exec(line, self.namespace)


def test_pandas_in_place_view_and_query(notebook: Notebook) -> None:
    (notebook.directory / "d.csv").write_text("a,b\n1,2\n3,4\n5,6\n")
    notebook.run("import pandas as pd\nimport numpy as np")
    notebook.run("df = pd.read_csv('d.csv')\ndf.head()")
    notebook.run("df.drop(columns='b', inplace=True)")
    notebook.run("arr = np.array([1.0, 2.0, 3.0])\nview = arr[:2]")
    notebook.run("view[:] = 9")
    notebook.run("limit = 2")
    notebook.run("total = float(df.query('a > @limit').a.sum() + arr.sum() + len(df.columns))")
    version = exported(notebook, {"total": "total"}, params=["limit"], datasets=["df"])
    assert version.status == "validated", version.report
    assert kept(version) == (1, 2, 3, 4, 5, 6, 7)
    assert "df.head()" not in script(version)
    assert "config.d_path" in script(version)


def test_metrics_wherever_they_stand(notebook: Notebook) -> None:
    notebook.run("def score(values):\n    return sum(values) / len(values)")
    notebook.run(
        "def evaluate(values):\n    mean = score(values)\n    print('inner', max(values) * 1.5)\n    return mean"
    )
    cell = notebook.run(
        "data = {'one': [1, 2], 'two': [3, 4.5]}\n"
        "losses = []\n"
        "for epoch in range(3):\n"
        "    loss = 1 / (epoch + 1)\n"
        "    losses.append(loss)\n"
        "for name, values in data.items():\n"
        "    print(f'{name}: {score(values):.2f}')\n"
        "evaluate(data['one'])\n"
        "print('first', score([1, 2.5]), 'second', len(data) * 0.5)\n"
        "nested = {'a': {'b': score([7, 8])}}\n"
        "worst = max(score([1]), score([2.5]))\n"
        "score([10, 11])\n"
    )
    where = notebook.executions[1]
    version = exported(
        notebook,
        {
            "one": expression("score(values)", cell, path=("@0",)),
            "two": expression("score(values)", cell),
            "loss": MetricDetail(origin="curve", expression="loss", order=cell.order, points=3),
            "losses": MetricDetail(origin="curve", expression="losses", order=cell.order, path=(-1,)),
            "inner": expression("max(values) * 1.5", where, scope="evaluate"),
            "first": expression("score([1, 2.5])", cell),
            "second": expression("len(data) * 0.5", cell),
            "deep": MetricDetail(**{**_fields(bound("nested", cell)), "path": ("a", "b")}),
            "worst": "worst",
            "inside": expression("score([2.5])", cell, "call"),
            "shown": expression("score([10, 11])", cell, "displayed"),
        },
        values={"one": 1.5, "two": 3.75, "loss": 1 / 3, "losses": 1 / 3, "inner": 3.0, "deep": 7.5},
    )
    assert version.status == "validated", version.report
    assert "print" not in script(version)


def _fields(detail: MetricDetail) -> dict[str, object]:
    return {name: getattr(detail, name) for name in detail.__struct_fields__}


def test_explicit_logging_is_translated(notebook: Notebook) -> None:
    (notebook.directory / "jupyter_mlops.py").write_text("")
    cell = notebook.run("total = 0", executed="import jupyter_mlops as mlops\nrate = 0.5")
    notebook.run(
        "rate = 0.5",
        executed="mlops.log_param('rate', rate)\n"
        "def note(x):\n    mlops.log_metric('inner', x * 2)\n"
        "with mlops.start_run('x'):\n    mlops.log_metric('acc', rate * 3, step=1)\n"
        "mlops.log_metrics({'b': 2.5, 'c': 3})\nnote(4.5)\nmlops.set_tag('a', 'b')",
    )
    logged = MetricDetail(origin="logged", order=2)
    assert cell.order == 1
    version = exported(
        notebook,
        dict.fromkeys(("acc", "b", "c", "inner"), logged),
        values={"acc": 1.5, "b": 2.5, "c": 3, "inner": 9.0},
        orders=(1, 2),
    )
    assert version.status == "validated", version.report
    assert "mlops" not in script(version)


def test_time_cell_magic_and_dropped_magics(notebook: Notebook) -> None:
    notebook.run("rate = 2", executed="get_ipython().run_line_magic('matplotlib', 'inline')\nrate = 2")
    body = "total = rate * 1.25\ntotal"
    notebook.run(body, executed=f"get_ipython().run_cell_magic('time', '', {body!r})\n")
    detail = MetricDetail(origin="bound", expression="total", order=2)
    version = exported(notebook, {"total": detail})
    assert version.status == "validated", version.report
    assert "get_ipython" not in script(version)


def test_what_a_library_only_wrote_is_no_part_of_the_proof(notebook: Notebook) -> None:
    notebook.run("total = 2.0 * 3")
    written = MetricDetail(origin="written", order=notebook.executions[-1].order, step=9, points=2)
    run = notebook.save({"total": "total", "train_rmse": written}, values={"train_rmse": 0.25})
    version = export_run(notebook.store, run.run_id, "case", notebook.directory / "pipelines")
    assert version.status == "validated", version.report
    card = (Path(version.path) / "CARD.md").read_text()
    assert "what a library only wrote, are not part of the proof: train_rmse." in card


def test_unseeded_randomness_is_rejected_by_name(notebook: Notebook) -> None:
    notebook.run("import random")
    notebook.run("total = random.random()")
    version = exported(notebook, {"total": "total"})
    assert (version.status, version.report.code, version.report.diverging) == (
        "rejected",
        "non_deterministic",
        "total",
    )
    assert "total" in version.report.cause
    assert not version.report.deterministic
    assert json.loads((Path(version.path) / "manifest.json").read_text())["status"] == "rejected"


def test_equal_numbers_made_of_unseeded_ones_are_rejected(notebook: Notebook) -> None:
    notebook.run("import random\nrate = 0.5")
    notebook.run("x = [random.random() for _ in range(5)]")
    notebook.run("total = float(max(x) < 2) * rate")
    version = exported(notebook, {"total": "total"}, params=["rate"])
    assert all(check.equal for check in version.report.metrics)
    assert (version.status, version.report.code) == ("rejected", "non_deterministic")
    assert version.report.diverging == "x"
    assert not version.report.deterministic
    notebook.run("random.seed(1)\nx = [random.random() for _ in range(5)]")
    notebook.run("total = float(max(x) < 2) * rate")
    version = exported(notebook, {"total": "total"}, params=["rate"])
    assert version.status == "validated", version.report
    assert any(text.startswith("rate is read by ") for text in version.report.settings)


def test_equal_numbers_of_other_predictions_are_rejected(notebook: Notebook) -> None:
    notebook.run("y = [0, 1, 1, 0]\np = [0, 1, 1, 1]")
    notebook.run("p.reverse()\np[2] = 0")
    notebook.run("def score(y, p):\n    return sum(a == b for a, b in zip(y, p)) / len(y)")
    cell = notebook.run("total = score(y, p)")
    columns = [("y_true", np.array([0, 1, 1, 0])), ("y_pred", np.array([1, 1, 0, 0]))]
    data = pack_table(columns, None)
    assert data is not None
    digest = notebook.store.put_artifact(data)
    scored = Evaluation(function="__main__.score", predictions=digest, model="p")
    run = notebook.save({"total": replace(bound("total", cell), evaluation=scored)})
    where = notebook.directory / "pipelines"
    version = export_run(notebook.store, run.run_id, "case", where)
    assert version.status == "validated", version.report
    assert 'model="p"' in script(version)  # what was scored is the pipeline's model
    (said,) = version.report.predictions
    assert said == "The predictions behind `total` are those of the notebook, row by row (4 rows)."
    assert said in (Path(version.path) / "CARD.md").read_text()
    wrong = export_run(notebook.store, run.run_id, "case", where, exclude=[2])
    assert (wrong.status, wrong.report.code) == ("rejected", "metrics_differ")
    columns[1] = ("y_pred", np.zeros(4, dtype=int))
    digest = notebook.store.put_artifact(pack_table(columns, None) or b"")
    scored = Evaluation(function="__main__.score", predictions=digest)
    run = notebook.save({"total": replace(bound("total", cell), evaluation=scored)})
    wrong = export_run(notebook.store, run.run_id, "case", where)
    assert (wrong.status, wrong.report.code, wrong.report.diverging) == (
        "rejected",
        "predictions_differ",
        "total",
    )
    assert "2 of 4 rows differ" in wrong.report.cause
    assert len(wrong.report.attempts) > 1


def test_a_setting_that_changes_nothing_is_named(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.export.ladder._SECONDS", 100.0)
    notebook.run("rate = 0.5\nspare = 3")
    notebook.run("total = rate * 4 + 0 * spare")
    version = exported(notebook, {"total": "total"}, params=["rate", "spare"])
    assert version.status == "validated", version.report
    told = {text.partition(" ")[0]: text for text in version.report.settings}
    assert told["rate"].endswith("; with 0.45 total is 1.8, not 2.")
    assert told["spare"].endswith("; 4 or 5 in place of 3 changes nothing.")
    (note,) = [note for note in version.report.notes if "other values" in note]
    assert "`spare`" in note
    assert "`rate`" not in note
    card = (Path(version.path) / "CARD.md").read_text()
    assert told["spare"] in card
    assert note in card


def test_changed_and_missing_data_are_rejected(notebook: Notebook) -> None:
    place = notebook.directory / "d.txt"
    place.write_text("1 2 3")
    notebook.run("total = float(len(open('d.txt').read()))")
    run = notebook.save({"total": "total"})
    place.write_text("1 2 3 4")
    changed = export_run(notebook.store, run.run_id, "case", notebook.directory / "pipelines")
    assert (changed.status, changed.report.code, changed.report.diverging) == (
        "rejected",
        "data_changed",
        str(place),
    )
    place.unlink()
    missing = export_run(notebook.store, run.run_id, "case", notebook.directory / "pipelines")
    assert (missing.version, missing.report.code) == (2, "missing_input")
    assert str(place) in missing.report.cause


def test_scratch_state_is_rejected(notebook: Notebook) -> None:
    notebook.run("secret = 1.5", scratch=True)
    notebook.run("total = secret * 2")
    version = exported(notebook, {"total": "total"})
    assert version.status == "rejected"
    assert "%%scratch" in version.report.cause
    assert version.report.diverging == "secret"


def test_a_module_that_is_gone_is_rejected(notebook: Notebook) -> None:
    module = notebook.directory / "gone_helper.py"
    module.write_text("value = 1.5\n")
    sys.path.insert(0, str(notebook.directory))
    try:
        notebook.run("import gone_helper")
        notebook.run("total = gone_helper.value * 2")
    finally:
        sys.path.remove(str(notebook.directory))
    run = notebook.save({"total": "total"})
    found = export_run(notebook.store, run.run_id, "case", notebook.directory / "pipelines")
    assert found.status == "validated", found.report
    assert (Path(found.path) / "modules" / "gone_helper.py").exists()
    module.unlink()
    version = export_run(notebook.store, run.run_id, "case", notebook.directory / "pipelines")
    assert version.status == "rejected"
    assert "gone_helper" in version.report.cause


def test_shell_lines_are_refused_with_the_reason(notebook: Notebook) -> None:
    notebook.run("files = ['a', 'b']", executed="files = get_ipython().getoutput('ls -1 /somewhere')")
    notebook.run("total = len(files) * 1.5")
    version = exported(notebook, {"total": "total"})
    assert version.status == "rejected"
    assert version.report.code == "unprovable"
    assert "!ls -1 /somewhere" in version.report.cause


def test_what_no_script_can_do_is_left_out_if_nothing_hangs_on_it(notebook: Notebook) -> None:
    notebook.run("a = 2", executed="get_ipython().system('make -C /somewhere all > log')\na = 2")
    notebook.run("total = a * 1.5")
    version = exported(notebook, {"total": "total"})
    assert version.status == "validated", version.report
    assert [attempt.verdict for attempt in version.report.attempts] == ["unprovable", "validated"]
    assert any("!make -C /somewhere all > log" in note for note in version.report.notes)


def test_a_script_that_a_cell_ran_becomes_part_of_it(notebook: Notebook) -> None:
    place = notebook.directory / "prep.py"
    place.write_text(
        "def double(x):\n    return 2 * x\n\n\nif __name__ == '__main__':\n    base = double(3.5)\n"
    )
    line = "get_ipython().run_line_magic('run', 'prep.py')"
    notebook.run(place.read_text() + "open('prep.py').read()", executed=f"{line}\nunused = 1")
    notebook.run("total = double(base)")
    version = exported(notebook, {"total": "total"})
    assert version.status == "validated", version.report
    assert "def double(x)" in script(version)
    place.write_text("def double(x):\n    return 3 * x\nbase = double(3.5)\n")
    assert "%run" in exported(notebook, {"total": "total"}).report.cause


def test_containers_are_read_when_they_are_full_and_nested_scores_both(notebook: Notebook) -> None:
    notebook.run("found = {}\nfor k in range(3):\n    found[k] = k + 0.5")
    notebook.run("from statistics import mean\nprint(round(mean([1.26, 2.5]) * 100, 1)), print(found)")
    first, last = notebook.executions
    details = {
        "found.2": MetricDetail(
            origin="bound", expression="found", order=1, span=bound("found", first).span, path=(2,)
        ),
        "outer": expression("round(mean([1.26, 2.5]) * 100, 1)", last),
        "inner": expression("mean([1.26, 2.5])", last),
    }
    version = exported(notebook, details, orders=(1, 2))
    assert version.status == "validated", version.report


def test_widening_finds_what_was_not_seen(notebook: Notebook) -> None:
    notebook.run("a = [1]")
    seen = notebook.run("a.append(2.5)")
    notebook.executions[-1] = type(seen)(**{**_fields_of(seen), "mutated": ()})
    notebook.run("total = sum(a)")
    version = exported(notebook, {"total": "total"})
    assert version.status == "validated", version.report
    assert next(attempt.verdict for attempt in version.report.attempts) == "metrics_differ"
    assert 2 in kept(version)


def _fields_of(execution: object) -> dict[str, object]:
    return {name: getattr(execution, name) for name in execution.__struct_fields__}  # type: ignore[attr-defined]


def test_bad_input_is_one_sentence(notebook: Notebook) -> None:
    notebook.run("total = 1.5")
    run = notebook.save({"total": "total"})
    for name in ("no name", "class", "2nd", "../up", ""):
        with pytest.raises(PipelineNameError):
            export_run(notebook.store, run.run_id, name, notebook.directory / "pipelines")
    assert not (notebook.directory / "pipelines").exists()
    empty = notebook.store.save_run(
        type(run)(
            **{
                **_fields_of(run),
                "run_id": "0" * 26,
                "cells": (),
                "session_id": "none",
                "orders": (),
                "number": 0,
            }
        )
    )
    with pytest.raises(ExportError, match="no cells"):
        export_run(notebook.store, empty.run_id, "case", notebook.directory / "pipelines")
    running = notebook.store.begin_run(
        type(run)(**{**_fields_of(run), "run_id": "1" * 26, "status": Status.RUNNING, "number": 0}),
        lease_seconds=60,
    )
    with pytest.raises(ExportError, match="running"):
        export_run(notebook.store, running.run_id, "case", notebook.directory / "pipelines")


HOSTILE = ['it\'s "quoted"', "new\nline", "{brace} %s", "class", "'''\"\"\"\\", "acc; import os"]


def test_hostile_metric_names(notebook: Notebook) -> None:
    cell = notebook.run("\n".join(f"m{i} = {i} + 0.5" for i in range(len(HOSTILE))))
    version = exported(notebook, {name: bound(f"m{i}", cell) for i, name in enumerate(HOSTILE)})
    assert version.status == "validated", version.report
    ast.parse(script(version))


def test_command_line_of_a_version(notebook: Notebook, tmp_path: Path) -> None:
    (notebook.directory / "d.csv").write_text(
        "kind,size\n" + "\n".join(f"{'ab'[i % 2]},{i}" for i in range(60)) + "\n"
    )
    notebook.run("import pandas as pd")
    notebook.run("data = pd.read_csv('d.csv')")
    notebook.run("rate = 0.5\nsteps = 3\ntitle = 'x'")
    notebook.run("mean = float(data['size'].mean() * rate * steps) + len(title)")
    version = exported(notebook, {"mean": "mean"}, params=["rate", "steps", "title"], datasets=["data"])
    assert version.status == "validated", version.report
    folder = Path(version.path)
    out = tmp_path / "elsewhere" / "out"

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(folder / "pipeline.py"), *arguments, "--output-dir", str(out)]
        return subprocess.run(command, cwd=tmp_path.parent, capture_output=True, text=True, check=False)

    assert call("run").returncode == 0
    assert json.loads((out / "metrics.json").read_text()) == {"mean": version.metrics["mean"]}
    assert call("validate").returncode == 0
    assert call("validate", "--set", "rate=0.75").returncode == 4
    assert call("run", "--set", "rate=1").returncode == 0
    assert json.loads((out / "metrics.json").read_text())["mean"] != version.metrics["mean"]
    (out / "metrics.json").unlink()
    for wrong in ("rate=fast", "steps=1.5", "steps=true", "unknown=1", "rate", "d_path=/no/such/file"):
        done = call("run", "--set", wrong)
        assert done.returncode == 2, (wrong, done.stderr)
        assert json.loads(done.stderr.splitlines()[-1])["event"] == "stopped"
    broken = tmp_path / "broken.csv"
    for text in (
        "kind,size\n",
        "kind\na\n",
        "kind,size\na,1\n,2\n",
        "kind,size\nzzz,1\n",
        "kind,size\na,big\n",
    ):
        broken.write_text(text)
        done = call("run", "--set", f"d_path={broken}")
        assert done.returncode == 3, (text, done.stderr)
    assert not (out / "metrics.json").exists()
    dry = call("run", "--dry-run")
    assert dry.returncode == 0
    assert json.loads(dry.stdout)["config"]["steps"] == 3
    assert call("step", "nothing").returncode == 2
    names = json.loads((folder / "manifest.json").read_text())["steps"]
    assert call("step", names[0]).returncode == 0
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert tests.returncode == 0, tests.stdout
    lint = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert lint.returncode == 0, lint.stdout


def test_a_loaders_bunch_is_held_to_no_tables_contract(notebook: Notebook) -> None:
    notebook.run("from sklearn.datasets import load_iris")
    notebook.run("data = load_iris(as_frame=True)")
    notebook.run("mean = float(data.data.to_numpy().mean())")
    version = exported(notebook, {"mean": "mean"}, datasets=["data"])
    assert version.status == "validated", version.report


def test_a_project_may_be_moved_and_empty_input_breaks_the_contract(
    notebook: Notebook, tmp_path: Path
) -> None:
    (notebook.directory / "d.csv").write_text("kind,size\n" + "\n".join(f"a,{i}" for i in range(9)) + "\n")
    notebook.run("import pandas as pd")
    notebook.run("data = pd.read_csv('d.csv')")
    notebook.run("mean = float(data['size'].mean())")
    version = exported(notebook, {"mean": "mean"}, datasets=["data"])
    assert version.status == "validated", version.report
    moved = tmp_path / "elsewhere"
    shutil.copytree(notebook.directory, moved, ignore=shutil.ignore_patterns(".jupyter_mlops"))
    place = moved / Path(version.path).relative_to(notebook.directory)

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(place / "pipeline.py"), "run", "--output-dir", str(tmp_path / "out")]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    (notebook.directory / "d.csv").unlink()
    assert run().returncode == 0
    (moved / "d.csv").write_text("")
    shutil.rmtree(tmp_path / "out")
    found = run()
    assert found.returncode == 3, found.stderr
    assert "data cannot be read" in found.stderr
    assert not list((tmp_path / "out").glob("*.json"))


def test_versions_are_numbered_and_pins_hold(notebook: Notebook) -> None:
    notebook.run("a = 1.5")
    notebook.run("b = 2")
    notebook.run("total = a * 2")
    run = notebook.save({"total": "total"})
    place = notebook.directory / "pipelines"
    first = export_run(notebook.store, run.run_id, "case", place)
    second = export_run(notebook.store, run.run_id, "case", place, pin=[2])
    third = export_run(notebook.store, run.run_id, "case", place, exclude=[1])
    assert [version.version for version in (first, second, third)] == [1, 2, 3]
    assert (kept(first), kept(second)) == ((1, 3), (1, 2, 3))
    assert third.status == "rejected"
    assert third.report.diverging
    assert sorted(found.name for found in (place / "case").iterdir() if not found.name.startswith(".")) == [
        "v1",
        "v2",
        "v3",
    ]


def test_open_as_notebook_holds_the_slice(notebook: Notebook) -> None:
    notebook.run("a = 1.5", heading="Begin")
    notebook.run("b = 2")
    notebook.run("total = a * 2")
    run = notebook.save({"total": "total"})
    document = open_as_notebook(notebook.store, run.run_id)
    assert [cell["source"] for cell in document["cells"]] == ["## Begin", "a = 1.5", "total = a * 2"]
    assert json.loads(json.dumps(document))["nbformat"] == 4


def test_open_as_notebook_attaches_the_extension_that_its_cells_need(notebook: Notebook) -> None:
    notebook.run("a = 1.5")
    notebook.run("total = a * 2")
    notebook.executions[-1] = replace(notebook.executions[-1], source="%%track doubled\ntotal = a * 2")
    run = notebook.save({"total": "total"})
    document = open_as_notebook(notebook.store, run.run_id)
    assert [cell["source"] for cell in document["cells"]] == [
        "%load_ext jupyter_mlops",
        "a = 1.5",
        "%%track doubled\ntotal = a * 2",
    ]


def test_files_of_composed_paths_are_linked_and_never_overwritten(notebook: Notebook) -> None:
    (notebook.directory / "raw").mkdir()
    place = notebook.directory / "raw" / "numbers.txt"
    place.write_text("1 2 3.5")
    notebook.run("folder = 'raw'\nname = 'numbers.txt'")
    notebook.run("text = open(f'{folder}/{name}').read()")
    notebook.run("with open(f'{folder}/copy.txt', 'w') as file:\n    file.write(text * 2)")
    notebook.run("total = sum(map(float, open(folder + '/copy.txt').read().split()))")
    run = notebook.save({"total": "total"})
    (notebook.directory / "raw" / "copy.txt").write_text("mine now")
    version = export_run(notebook.store, run.run_id, "case", notebook.directory / "pipelines")
    assert version.status == "validated", version.report
    assert (notebook.directory / "raw" / "copy.txt").read_text() == "mine now"
    assert place.read_text() == "1 2 3.5"


def test_durations_are_no_part_of_the_proof(notebook: Notebook) -> None:
    notebook.run("import time")
    cell = notebook.run("fit_time = time.perf_counter()\ntotal = 2.5")
    version = exported(notebook, {"total": "total", "fit_time": bound("fit_time", cell)})
    assert version.status == "validated", version.report
    assert [check.name for check in version.report.metrics] == ["total"]
    assert "fit_time" in (Path(version.path) / "CARD.md").read_text()


def test_values_that_ipython_keeps(notebook: Notebook) -> None:
    notebook.run("a = [1, 2.5]")
    notebook.run("sum(a)")
    notebook.namespace["_"] = 3.5
    cell = notebook.run("total = _ * 2")
    notebook.executions[-1] = type(cell)(**{**_fields_of(cell), "reads": ("_",)})
    version = exported(notebook, {"total": "total"})
    assert version.status == "validated", version.report
    assert kept(version) == (1, 2, 3)


@pytest.mark.parametrize(
    "code",
    [
        "api_key = '•••'",
        "headers = {'Authorization': f'Bearer •••'}",
        "key = b'\\xe2\\x80\\xa2' * 0\nurl = 'https://me:•••@host'",
    ],
)
def test_a_secret_that_was_not_kept_is_refused_with_its_place(code: str, notebook: Notebook) -> None:
    notebook.run("used = 1.5\n" + code)
    name = code.splitlines()[-1].partition(" ")[0]
    notebook.run(f"total = len({name}) * used")
    version = exported(notebook, {"total": "total"})
    assert (version.status, version.report.code) == ("rejected", "unprovable")
    line = 1 + len(code.splitlines())
    assert f"Cell [1]: line {line} held a secret" in version.report.cause
    assert "os.environ" in version.report.cause


def test_a_secret_that_nothing_needs_is_no_hindrance(notebook: Notebook) -> None:
    notebook.run("api_key = '•••'\nused = 1.5")
    notebook.run("total = used * 2")
    assert exported(notebook, {"total": "total"}).status == "validated"


def test_a_module_in_a_folder_that_the_code_adds_to_the_path(notebook: Notebook) -> None:
    (notebook.directory / "lib").mkdir()
    (notebook.directory / "lib" / "beside_helper.py").write_text("value = 1.5\n")
    before = list(sys.path)
    try:
        notebook.run("import sys\nsys.path.append('lib')")
        notebook.run("from beside_helper import value")
        notebook.run("total = value * 2")
    finally:
        sys.path[:] = before
    version = exported(notebook, {"total": "total"})
    assert version.status == "validated", version.report
    assert (Path(version.path) / "modules" / "beside_helper.py").exists()
    lint = [sys.executable, "-m", "ruff", "check", "--isolated", version.path]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_shell_lines_with_a_meaning_in_python_are_translated(notebook: Notebook) -> None:
    (notebook.directory / "work").mkdir()
    notebook.run("made = 1.5", executed="get_ipython().system('mkdir -p work')\nmade = 1.5")
    notebook.run("with open('work/a.txt', 'w') as file:\n    file.write('12345')")
    notebook.run("total = len(open('work/a.txt').read()) * made")
    version = exported(notebook, {"total": "total"})
    assert version.status == "validated", version.report
    assert "get_ipython" not in script(version)
