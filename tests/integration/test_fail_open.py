"""A fault of ours never becomes the user's: every inner call is made to fail in turn."""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING

import pytest
from kernels import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

INNER = [
    "capture.ledger.cell_names",
    "capture.ledger.live_use",
    "capture.ledger.fingerprint",
    "capture.ledger.fingerprint_columns",
    "capture.ledger.reachable_ids",
    "capture.ledger.snapshot",
    "capture.ledger.ambient_use",
    "capture.ledger.FileWatch",
    "capture.ledger.redact",
    "capture.recorder.instrument",
    "capture.recorder.OutputWatch",
    "capture.recorder.code_hash",
    "capture.recorder.loadings",
    "capture.recorder.seeds_in",
    "capture.recorder.Drafter.fill",
    "capture.draft.find_metrics",
    "capture.draft.find_params",
    "capture.draft.find_doubts",
    "capture.draft.find_nonsense",
    "capture.draft.find_time_leaks",
    "capture.draft.read_workflow",
    "capture.draft.draws_for_nothing",
    "capture.draft.message_of",
    "capture.metrics.note_trivial",
    "capture.recorder.Vault.clean_record",
    "capture.recorder.Vault.clean_bytes",
    "capture.draft.describe_dataset",
    "capture.draft.describe_model",
    "capture.draft.describe_environment",
    "capture.draft.serialize_model",
    "capture.draft.fitted_scores",
    "capture.probes._resolve",
    "capture.loops._length",
    "capture.loops._lengths",
    "capture.loops.to_float",
    "notebook.watcher.executed_code",
    "notebook.watcher.read_marker",
    "notebook.watcher.late_bindings",
    "notebook.watcher._raised_at",
    "notebook.interrupts._handler",
    "notebook.heart.Heart.start",
    "notebook.heart.Heart.stop",
    "notebook.extension.Attached.show",
    "store.Store.save_run",
    "store.Store.put_artifact",
    "store.Store.previous_run",
    "store.Store.best_values",
]
CELL = """%%track
values = [1.0, 2.0]
for value in values:
    loss = value / 2
    print(f"loss {loss:.1f}")
model = LogisticRegression(max_iter=500).fit(X, y)
accuracy = accuracy_score(y, model.predict(X))
accuracy
"""
BREAK = """
import importlib as _importlib
def _break(path):
    global _owner, _name, _kept
    parts = ("jupyter_mlops." + path).split(".")
    count = len(parts) - 1
    while True:
        try:
            _owner = _importlib.import_module(".".join(parts[:count]))
            break
        except ModuleNotFoundError:
            count -= 1
    for part in parts[count:-1]:
        _owner = getattr(_owner, part)
    _name = parts[-1]
    _kept = getattr(_owner, _name)
    def fault(*args, **kwargs):
        raise RuntimeError("injected")
    setattr(_owner, _name, fault)
"""

#: Every function of the two rooms, broken where it lies: whoever holds it calls the fault.
ANY = """
import importlib as _importlib, pkgutil as _pkgutil, sys as _sys, types as _types
def _fault(*args, **kwargs):
    raise RuntimeError("injected")
def _plain(value):
    value = getattr(value, "fget", None) or getattr(value, "func", None) or value
    value = getattr(value, "__func__", value)
    while hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return value if type(value) is _types.FunctionType else None
def _functions():
    found = {}
    def note(owner, path, module):
        for name, value in list(vars(owner).items()):
            if isinstance(value, type) and value.__module__ == module and path.count(":") < 2:
                note(value, f"{path}:{name}", module)
                continue
            function = _plain(value)
            if function is not None and function.__module__ == module and not function.__code__.co_freevars:
                found[f"{path}:{name}"] = function
    for room in ("capture", "notebook"):
        package = _importlib.import_module(f"jupyter_mlops.{room}")
        for info in _pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if info.name in _sys.modules:
                note(_sys.modules[info.name], info.name.removeprefix("jupyter_mlops."), info.name)
    return found
_all = _functions()
def _swap(path):
    global _function, _code
    _function = _all[path]
    _code = _function.__code__
    _function.__code__ = _fault.__code__
"""
#: These stand in the user's own path: they are the guards, or give their argument on.
GUARDS = (
    "capture.files:_hook", "capture.loops:iterate", "capture.loops:spin", "capture.outputs:OutputWatch:_see",
    "capture.outputs:_Listener:__call__",
    "capture.probes:see", "notebook.interrupts:undisturbed", "notebook.interrupts:_deferred", "notebook.magics:neutralise",
    "notebook.watcher:Watcher:_foreign", "notebook.watcher:Watcher:pre_run_cell",
    "notebook.watcher:Watcher:post_run_cell", "notebook.watcher:Watcher:visit", "notebook.watcher:Watcher:_enter",
    "notebook.watcher:Watcher:_leave", "notebook.watcher:Watcher:_rewrite",
)  # fmt: skip
SAMPLE = 40


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    kernel.run(
        "from sklearn.datasets import load_iris\nfrom sklearn.linear_model import LogisticRegression\n"
        "from sklearn.metrics import accuracy_score\nX, y = load_iris(return_X_y=True)"
    )
    kernel.load()
    kernel.run(CELL)
    kernel.run(BREAK, silent=True)
    kernel.run(ANY, silent=True)
    yield kernel
    kernel.close()


@pytest.mark.parametrize("path", INNER)
def test_the_cell_runs_as_if_untracked(kernel: Kernel, path: str) -> None:
    kernel.run(f"_break({path!r})", silent=True)
    try:
        outcome = kernel.run(CELL)
        failing = kernel.run("%%track\nraise KeyError('mine')")
        namespace = kernel.run(
            "print(sorted(n for n in globals() if not n.startswith('_')))", store_history=False
        )
    finally:
        kernel.run("setattr(_owner, _name, _kept)", silent=True)
    assert outcome.status == "ok", outcome.traceback
    said = [line for line in outcome.stdout.splitlines() if not line.startswith("jupyter_mlops: ")]
    assert said == ["loss 0.5", "loss 1.0"]
    assert "Traceback" not in outcome.stdout
    assert outcome.result == kernel.run("accuracy", store_history=False).result
    assert failing.error["ename"] == "KeyError"
    assert "injected" not in failing.traceback
    assert "jupyter_mlops" not in namespace.stdout
    assert kernel.run("1 + 1").result == "2"


def test_any_function_may_fail(kernel: Kernel) -> None:
    """A sample of all functions, the same on every machine; all of them in a long run."""
    told = kernel.run("import json as _json\nprint(_json.dumps(sorted(_all)))", store_history=False).stdout
    paths = [path for path in json.loads(told) if not path.startswith(GUARDS)]
    assert len(paths) > 500
    if not os.environ.get("JUPYTER_MLOPS_LONG_TESTS"):
        paths = random.Random(3).sample(paths, SAMPLE)
    expected = kernel.run("accuracy", store_history=False).result
    broken = {}
    for path in paths:
        kernel.run(f"_swap({path!r})", silent=True)
        outcome = kernel.run(CELL)
        assert kernel.run("_function.__code__ = _code", silent=True).status == "ok", path
        said = [line for line in outcome.stdout.splitlines() if not line.startswith("jupyter_mlops: ")]
        if (outcome.status, said, outcome.result) != ("ok", ["loss 0.5", "loss 1.0"], expected):
            broken[path] = (outcome.status, said[:5], outcome.result, outcome.error.get("evalue"))
    assert not broken, "\n".join(f"{path}: {how}" for path, how in broken.items())
    namespace = kernel.run(
        "print(sorted(n for n in globals() if not n.startswith('_')))", store_history=False
    )
    assert "jupyter_mlops" not in namespace.stdout


def test_capture_is_whole_again_afterwards(kernel: Kernel) -> None:
    kernel.run(CELL)
    run = kernel.last_run()
    assert {"loss", "accuracy"} <= set(run.metrics)
    assert not [warning for warning in run.warnings if warning.code == "capture_fault"]
