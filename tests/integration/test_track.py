"""``%%track`` in a real kernel: native execution, honest runs."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from kernels import Kernel

from jupyter_mlops.records import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared: Kernel) -> Kernel:
    """The shared kernel, with our extension loaded."""
    shared.load()
    return shared


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of the test's own."""
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.close()


def test_loading_says_one_line_and_is_idempotent(own: Kernel) -> None:
    first = own.load()
    assert first.status == "ok"
    assert len(first.stdout.strip().splitlines()) == 1
    assert "already" in own.load().stdout
    own.run("%%track\nx = 1")
    assert len(own.runs()) == 1


def test_a_cell_is_a_run_with_parameters_and_metrics(kernel: Kernel) -> None:
    kernel.run("%%track first --note 'a try' --tag team=churn\ndepth = 3\naccuracy = depth / 4")
    run = kernel.last_run()
    assert (run.status, run.name, run.note, run.tags) == (
        Status.FINISHED,
        "first",
        "a try",
        {"team": "churn"},
    )
    assert run.params == {"depth": 3}
    assert run.metrics == {"accuracy": 0.75}
    assert run.number >= 1
    assert run.duration is not None
    assert run.environment is not None
    assert run.source.startswith("%%track first")


def test_odd_values_cost_no_run(kernel: Kernel) -> None:
    kernel.run(
        "%%track odd\nimport jupyter_mlops as mlops\ntext = 'a\\ud800\\0'\nbig = 9223372036854775808\n"
        "mlops.log_metric('huge', 10**5000)\nmlops.log_param('half \\ud800', '\\ud800')\n"
        "mlops.log_metric('grows', 10**400); mlops.log_metric('grows', 2)\n"
        "mlops.sklearn.log_model(__import__('sklearn.dummy').dummy.DummyRegressor().fit([[1]], [2.5]), 'mean')\n"
        "mlops.log_input(__import__('numpy').zeros((3, 2)), context='testing')"
    )
    run = kernel.last_run()
    assert (run.name, run.status) == ("odd", Status.FINISHED)
    assert run.params == {
        "text": "a\ud800\0",
        "big": 2**63,
        "half \ud800": "\ud800",
        "model": "DummyRegressor",
    }
    assert run.metrics["huge"] == 10**5000
    with kernel.store() as store:
        assert store.get_curve(run.run_id, "grows").values == [float("inf"), 2.0]
    assert "mean" in {model.name for model in run.models if model.digest}
    assert ("dataset", "test", 3) in {(data.name, data.role, data.rows) for data in run.datasets}


def test_the_same_cell_ten_times_is_ten_runs(kernel: Kernel) -> None:
    before = len(kernel.runs())
    for _ in range(10):
        kernel.run("%%track\naccuracy = 0.25 + 0.5")
    runs = kernel.runs()
    assert len(runs) == before + 10
    assert [run.number for run in runs] == list(range(1, before + 11))


def test_overrides_replace_the_literal_or_are_bound(kernel: Kernel) -> None:
    kernel.run("%%track depth=8 rate=0.5\ndepth = 3\naccuracy = depth * rate / 8")
    run = kernel.last_run()
    assert run.params == {"depth": 8, "rate": 0.5}
    assert run.metrics == {"accuracy": 0.5}
    assert run.param_details["depth"].origin == "override"


def test_bad_options_are_told_and_the_cell_runs(kernel: Kernel) -> None:
    outcome = kernel.run("%%track --frobnicate 1x=3 depth=\nvalue = 41 + 1\nvalue")
    assert outcome.result == "42"
    assert "--frobnicate" in outcome.stdout
    assert "1x" in outcome.stdout
    assert "depth=" in outcome.stdout


@pytest.mark.parametrize("magic", ["%%time", "%%capture captured"])
def test_a_magic_below_the_marker_works(kernel: Kernel, magic: str) -> None:
    outcome = kernel.run(f"%%track\n{magic}\nrate = 0.5\naccuracy = rate / 2\nprint('said')")
    assert outcome.status == "ok"
    assert kernel.last_run().metrics == {"accuracy": 0.25}
    assert kernel.last_run().params == {"rate": 0.5}
    if "capture" in magic:
        assert "said" not in outcome.stdout
        assert kernel.run("print(captured.stdout)").stdout.strip() == "said"
    else:
        assert "said" in outcome.stdout
        assert "Wall time" in outcome.stdout


@pytest.mark.parametrize("marker", ["", "%%track\n"])
def test_lines_below_a_magic_are_counted_as_without_us(kernel: Kernel, marker: str) -> None:
    outcome = kernel.run(f"{marker}%%time\nx = 1\n\nraise KeyError('here')")
    assert "<timed exec>:3" in strip(outcome.traceback)


def test_top_level_await(kernel: Kernel) -> None:
    kernel.run("import asyncio\nasync def measure():\n    await asyncio.sleep(0.01)\n    return 0.5")
    outcome = kernel.run("%%track\naccuracy = await measure()\nawait measure()")
    assert outcome.result == "0.5"
    assert kernel.last_run().metrics["accuracy"] == 0.5


def test_shell_lines_and_line_magics(kernel: Kernel) -> None:
    outcome = kernel.run(
        "%%track depth=8\n!echo from the shell\n%time accuracy = 1 / 4\ndepth = 3\nprint(depth)"
    )
    assert "from the shell" in outcome.stdout
    assert "8" in outcome.stdout
    assert kernel.last_run().params["depth"] == 8


def strip(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_an_exception_is_the_users_own(kernel: Kernel) -> None:
    body = "def f(n):\n    return 1 / n\n\naccuracy = f(2)\nf(0)"
    kernel.run("%%track\n" + body)
    tracked = kernel.run("%%track\n" + body)
    plain = kernel.run("#\n" + body)
    assert tracked.error["ename"] == plain.error["ename"] == "ZeroDivisionError"

    def frames(text: str) -> list[str]:
        return [
            re.sub(r"In\[\d+\]", "In[n]", line) for line in strip(text).replace("%%track", "#").splitlines()
        ]

    assert [line.replace("# #", "#") for line in frames(tracked.traceback)] == frames(plain.traceback)
    run = kernel.last_run()
    assert run.status is Status.FAILED
    assert run.failure is not None
    assert (run.failure.kind, run.failure.line) == ("ZeroDivisionError", 6)
    assert run.metrics == {"accuracy": 0.5}


def test_a_syntax_error_is_a_failed_run(kernel: Kernel) -> None:
    outcome = kernel.run("%%track\nx = = 1")
    assert outcome.error["ename"] == "SyntaxError"
    assert kernel.last_run().status is Status.FAILED


def test_an_interrupt_keeps_what_was_captured(own: Kernel) -> None:
    own.load()
    message = own.start(
        "%%track\nimport time\naccuracy = 0.5 + 0.25\nfor epoch in range(1000):\n    loss = 1 / (epoch + 1)\n    time.sleep(0.05)"
    )
    time.sleep(2)
    own.manager.interrupt_kernel()
    outcome = own.finish(message)
    assert outcome.error["ename"] == "KeyboardInterrupt"
    run = own.last_run()
    assert (run.status, run.status_reason) == (Status.KILLED, "interrupted")
    assert run.metrics["accuracy"] == 0.75
    assert "loss" in run.curves
    assert own.run("1 + 1").result == "2"


def test_a_killed_kernel_leaves_an_honest_run(own: Kernel) -> None:
    own.environment["JUPYTER_CONFIG_DIR"] = str(own.folder)
    (own.folder / "jupyter_mlops_config.py").write_text("c.Mlops.lease_seconds = 1.5")
    own.restart()
    own.load()
    own.start("%%track doomed\nimport time\ntime.sleep(60)")
    deadline = time.monotonic() + 20
    while not own.runs() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert own.last_run().status is Status.RUNNING
    own.manager.shutdown_kernel(now=True)
    time.sleep(2)
    run = own.last_run()
    assert (run.status, run.status_reason, run.name) == (Status.KILLED, "kernel_died", "doomed")


def test_a_restart_goes_on_counting(own: Kernel) -> None:
    own.load()
    own.run("%%track\naccuracy = 1 / 2")
    own.restart()
    own.load()
    own.run("%%track\naccuracy = 1 / 4")
    runs = own.runs()
    assert [run.number for run in runs] == [1, 2]
    assert runs[0].session_id != runs[1].session_id


def test_two_notebooks_at_once(tmp_path: Path) -> None:
    kernels = [Kernel(tmp_path, JPY_SESSION_NAME=str(tmp_path / f"{name}.ipynb")) for name in ("one", "two")]
    try:
        for kernel in kernels:
            kernel.load()
        for turn in range(5):
            messages = [(kernel, kernel.start(f"%%track\naccuracy = {turn} / 8")) for kernel in kernels]
            for kernel, message in messages:
                assert kernel.finish(message).status == "ok"
        runs = kernels[0].runs()
        for name in ("one", "two"):
            own = [run for run in runs if run.experiment == name]
            assert [run.number for run in own] == [1, 2, 3, 4, 5]
    finally:
        for kernel in kernels:
            kernel.close()


def test_scratch_is_run_and_never_recorded(kernel: Kernel) -> None:
    before = len(kernel.runs())
    assert kernel.run("%%scratch\nsecret_thought = 41\nsecret_thought + 1").result == "42"
    assert len(kernel.runs()) == before
    kernel.run("%%track\naccuracy = secret_thought / 82")
    run = kernel.last_run()
    assert "secret_thought = 41" not in str(run.cells)
    assert "scratch_dependency" in {warning.code for warning in run.warnings}


def test_track_on_makes_scoring_cells_runs_and_no_others(kernel: Kernel) -> None:
    kernel.run("from sklearn.metrics import accuracy_score")
    before = len(kernel.runs())
    assert "becomes a run" in kernel.run("%track on").stdout
    kernel.run("x = 1")
    assert len(kernel.runs()) == before
    kernel.run("print('acc', accuracy_score([1, 0], [1, 1]))")
    assert kernel.last_run().metrics == {"acc": 0.5}
    kernel.run("%track off")
    kernel.run("print('acc', accuracy_score([1, 0], [1, 1]))")
    assert len(kernel.runs()) == before + 1


def test_silent_and_unstored_executions_are_not_the_users(kernel: Kernel) -> None:
    before = len(kernel.runs())
    kernel.run("%%track\naccuracy = 0.5 + 0", silent=True)
    kernel.run("%%track\naccuracy = 0.5 + 0", store_history=False)
    assert len(kernel.runs()) == before


def test_namespace_is_the_users_own(kernel: Kernel) -> None:
    before = kernel.run("print(sorted(n for n in globals() if not n.startswith('_')))").stdout
    kernel.run("%%track\nfor i in [1]:\n    loss = 1 / 2\nprint(loss)")
    after = kernel.run(
        "print(sorted(n for n in globals() if not n.startswith('_') and n not in ('i', 'loss')))"
    ).stdout
    assert set(eval(after)) == set(eval(before)) - {"i", "loss"}


def test_outputs_are_the_cells_then_one_card(kernel: Kernel) -> None:
    outcome = kernel.run("%%track\nprint('first')\naccuracy = 1 / 4\naccuracy")
    assert outcome.stdout == "first\n"
    assert outcome.result == "0.25"
    assert len(outcome.displays) == 1
    card = outcome.displays[0]
    assert "accuracy" in card["text/html"]
    assert "0.25" in card["text/plain"]
    assert outcome.outputs[-1]["data"] is card or outcome.outputs[-1]["type"] == "execute_result"


def test_a_card_tells_what_changed_since_a_run_that_has_something_to_tell(kernel: Kernel) -> None:
    kernel.run("%%track\naccuracy = 0.5", cell_id="again")
    number = kernel.last_run().number
    kernel.run("%%track\naccuracy = 0.6 / 0", cell_id="again")
    shown = kernel.run("%%track\naccuracy = 0.75", cell_id="again")
    (card,) = shown.displays
    assert "▲ +0.25 better" in card["text/plain"]
    assert f"since #{number}:" in card["text/plain"]


def test_a_long_loop_shows_its_progress_in_place(own: Kernel) -> None:
    own.load()
    outcome = own.run(
        "%%track\nimport time\nfor epoch in range(30):\n    loss = 1 / (epoch + 1)\n    time.sleep(0.1)"
    )
    kinds = [output["type"] for output in outcome.outputs]
    assert kinds.count("display_data") == 1
    assert 2 <= kinds.count("update_display_data") <= 10
    assert "epoch" in outcome.displays[0]["text/plain"]
    assert "loss" in outcome.displays[-1]["text/html"]
    run = own.last_run()
    assert run.metric_details["loss"].points == 30


def test_every_executed_cell_is_kept_with_what_it_read_and_wrote(own: Kernel) -> None:
    own.run("early = 2")
    own.load()
    own.run("rows = [1, 2, 3]")
    own.run("alias = rows")
    own.run("alias.append(early)")
    own.run("%%track\nmean_score = sum(rows) / len(rows)")
    cells = {cell.source: cell for cell in own.last_run().cells}
    assert cells["early = 2"].from_history
    assert cells["rows = [1, 2, 3]"].bound == ("rows",)
    assert set(cells["alias.append(early)"].mutated) == {"alias", "rows"}
    assert {"alias", "early"} <= set(cells["alias.append(early)"].reads)
    assert "rows" in cells["%%track\nmean_score = sum(rows) / len(rows)"].reads


def test_logging_by_hand_adds_to_the_cells_run(kernel: Kernel) -> None:
    kernel.run(
        "%%track\nimport jupyter_mlops as mlops\nmlops.log_param('depth', 3)\nmlops.set_tag('team', 'churn')\n"
        "for step in range(3):\n    mlops.log_metric('auc', step / 4, step=step)"
    )
    run = kernel.last_run()
    assert run.params["depth"] == 3
    assert run.tags["team"] == "churn"
    assert run.metrics["auc"] == 0.5
    assert run.metric_details["auc"].points == 3


def test_runs_compare_and_bad_references(kernel: Kernel) -> None:
    kernel.run("%%track shallow\ndepth = 3\naccuracy = depth / 8")
    kernel.run("%%track deep\ndepth = 6\naccuracy = depth / 8")
    listed = kernel.run("%runs params.depth = 6 --by accuracy -n 1")
    assert "deep" in listed.result
    assert "shallow" not in listed.result
    compared = kernel.run("%compare shallow deep")
    text = "".join(
        display.get("text/plain", "") + display.get("text/html", "") for display in compared.displays
    )
    assert "accuracy" in text
    assert "depth" in text
    for line in (
        "%compare shallow nobody",
        "%runs metrics.acc >",
        "%export nobody --name x",
        "%export --name 1x",
        "%export",
    ):
        outcome = kernel.run(line)
        assert outcome.status == "ok", line
        assert outcome.stdout.startswith("jupyter_mlops: "), line
        assert len(outcome.stdout.strip().splitlines()) == 1, line


def test_an_unreachable_store_costs_one_warning_and_nothing_is_lost(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    kernel = Kernel(tmp_path, JUPYTER_MLOPS_STORE=f"sqlite:///{blocked / 'runs.db'}")
    try:
        assert kernel.load().status == "ok"
        outcome = kernel.run("%%track\naccuracy = 1 / 4\naccuracy")
        assert outcome.result == "0.25"
        assert "jupyter_mlops: " in outcome.stdout
        blocked.unlink()
        kernel.run("%%track\naccuracy = 1 / 2")
        kernel.store_url = f"sqlite:///{blocked / 'runs.db'}"
        assert [run.metrics["accuracy"] for run in kernel.runs()] == [0.25, 0.5]
    finally:
        kernel.close()


def test_unloading_leaves_the_shell_as_it_was(own: Kernel) -> None:
    own.load()
    own.run("%unload_ext jupyter_mlops")
    outcome = own.run("%%track\nx = 1")
    assert outcome.status == "error" or "not found" in outcome.stdout
    own.run("%load_ext jupyter_mlops")
    own.run("%%track\naccuracy = 1 / 2")
    assert len(own.runs()) == 1


def test_switched_off_by_the_environment(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, JUPYTER_MLOPS_DISABLE="1")
    try:
        assert "JUPYTER_MLOPS_DISABLE" in kernel.load().stdout
        assert not (tmp_path / "store").exists()
    finally:
        kernel.close()


def test_what_is_scored_elsewhere_joins_the_run_that_fitted_it(own: Kernel) -> None:
    own.load()
    own.run(
        "from sklearn.datasets import load_iris\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.metrics import accuracy_score, f1_score\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "X, y = load_iris(return_X_y=True)"
    )
    own.run("%track on")
    own.run("X = StandardScaler().fit_transform(X)")
    assert own.runs() == []
    own.run("model = LogisticRegression(C=0.5).fit(X, y)")
    own.run("pred = model.predict(X)")
    own.run("accuracy = accuracy_score(y, pred)")
    own.run("print('F1:', f1_score(y, pred, average='macro'))")
    own.run("print('F1:', f1_score(y, pred, average='macro'))")
    (run,) = own.runs()
    assert set(run.metrics) == {"accuracy", "f1"}
    assert run.params["C"] == 0.5
    assert len(run.orders) == 4
    own.run("model = LogisticRegression(C=2.0).fit(X, y)")
    own.run("pred = model.predict(X)\naccuracy = accuracy_score(y, pred)")
    first, second = own.runs()
    assert set(second.metrics) == {"accuracy"}
    assert (first.params["C"], second.params["C"]) == (0.5, 2.0)


def test_a_tracked_score_knows_the_estimator_fitted_above(kernel: Kernel) -> None:
    kernel.run(
        "from sklearn.datasets import load_iris\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "from sklearn.metrics import accuracy_score\n"
        "X, y = load_iris(return_X_y=True)"
    )
    kernel.run("tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)")
    kernel.run("pred = tree.predict(X)")
    kernel.run("%%track\naccuracy = accuracy_score(y, pred)")
    run = kernel.last_run()
    assert run.params["model"] == "DecisionTreeClassifier"
    assert run.params["max_depth"] == 2
    sources = {cell.order: cell.source for cell in run.cells}
    assert "DecisionTreeClassifier(max_depth=2" in sources[run.param_details["max_depth"].order]


@pytest.mark.parametrize("environment", [{"JUPYTER_MLOPS_DISABLE": "1"}, {"JUPYTER_MLOPS_STORE": "notaurl"}])
def test_marked_cells_run_when_we_do_not(tmp_path: Path, environment: dict[str, str]) -> None:
    kernel = Kernel(tmp_path, **environment)
    try:
        assert len(kernel.load().stdout.strip().splitlines()) == 1
        assert kernel.run("%%track name depth=3\ndepth = 1\nprint(depth)").stdout == "3\n"
        assert kernel.run("%%scratch\nprint('ran')").stdout == "ran\n"
        for line in ("%track on", "%runs", "%compare", "%export --name x"):
            outcome = kernel.run(line)
            assert outcome.status == "ok"
            assert len(outcome.stdout.strip().splitlines()) == 1
    finally:
        kernel.close()


def test_a_prompt_waits_for_the_body_of_a_marked_cell(kernel: Kernel) -> None:
    def state(code: str) -> str:
        return kernel.run(f"get_ipython().check_complete({code!r})[0]", store_history=False).result.strip("'")

    assert state("%%track first") == "incomplete"
    assert state("%%track first\nx = 1") == "incomplete"
    assert state("%%track first\nx = 1\n\n") == "complete"


def test_a_wrapper_may_stand_above_the_marker(kernel: Kernel) -> None:
    assert "Wall time" in kernel.run("%%time\n%%track above\naccuracy = 1 / 4").stdout
    run = kernel.last_run()
    assert (run.name, run.metrics) == ("above", {"accuracy": 0.25})


def test_doubtful_settings_are_told_and_obeyed(kernel: Kernel) -> None:
    outcome = kernel.run(
        "%%track max_dpth=8 rate=fast --tag rows=3\nmax_depth = 2\nrate = 0.1\nrows = 5\nprint(max_depth)"
    )
    assert "Did you mean max_depth=8?" in outcome.stdout
    assert "replaces the number 0.1" in outcome.stdout
    assert "`rows` stands behind --tag" in outcome.stdout
    assert outcome.stdout.splitlines()[-1] == "2"


def test_an_unmarked_run_has_no_name_of_another(own: Kernel) -> None:
    own.load()
    own.run(
        "%%track two\nimport time\nfor step in range(30):\n    loss = 1 / (step + 1)\n    time.sleep(0.04)"
    )
    own.run("%track on")
    own.run("from sklearn.metrics import accuracy_score\naccuracy = accuracy_score([1, 0], [1, 1])")
    assert [run.name for run in own.runs()] == ["two", ""]


def test_runs_are_numbered_as_the_notebook_shows_them(own: Kernel) -> None:
    own.load()
    own.run("x = 1")
    own.run("%%track\naccuracy = x / 4")
    assert [cell.execution_count for cell in own.last_run().cells] == [2, 3]


def test_lists_without_matches_say_so(kernel: Kernel) -> None:
    kernel.run("%%track\naccuracy = 1 / 4")
    for line in ("%runs metrics.accuracy > 5", "%runs -n 0"):
        assert kernel.run(line).status == "ok", line
    assert "No run has a metric 'nosuch'" in kernel.run("%runs --by nosuch").stdout


def test_our_own_commands_are_no_part_of_a_later_pipeline(own: Kernel) -> None:
    own.load()
    own.run("%%track\naccuracy = 1 / 4")
    own.run("%export --name first")
    own.run("%%track\naccuracy = 1 / 2")
    exported = [cell for cell in own.last_run().cells if "%export" in cell.source]
    assert [(cell.files, cell.ambient_writes, cell.opaque) for cell in exported] == [((), (), ())]
