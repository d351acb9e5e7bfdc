"""Cells that run for long: their row in the store and their live line, marked or not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from kernels import Kernel

from jupyter_mlops.records import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOW = """
import time
from sklearn.base import BaseEstimator
class Slow(BaseEstimator):
    def fit(self, X, y=None):
        time.sleep(X); self.done_ = True
        return self
    def predict(self, X):
        return X
def train_nothing(seconds):
    time.sleep(seconds)
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("long"))
    kernel.load()
    assert kernel.run(SLOW).status == "ok"
    kernel.run("%track on")
    yield kernel
    kernel.close()


def statuses_while(kernel: Kernel, code: str) -> tuple[set[Status], list[str]]:
    """Which statuses a run had in the store while a cell ran, and the texts it displayed."""
    seen: set[Status] = set()
    message = kernel.start(code)
    deadline = time.monotonic() + 2.6
    with kernel.store() as store:
        before = {run.run_id for run in store.search() if run.status is not Status.RUNNING}
        while time.monotonic() < deadline:
            seen |= {run.status for run in store.search() if run.run_id not in before}
            time.sleep(0.1)
    outcome = kernel.finish(message)
    return seen, [display.get("text/plain", "") for display in outcome.displays]


def test_one_long_fit_has_a_row_and_a_line_without_a_marker(kernel: Kernel) -> None:
    seen, lines = statuses_while(kernel, "model = Slow().fit(3)")
    assert Status.RUNNING in seen
    assert any(line.startswith("●") for line in lines)
    assert lines[-1].startswith("✓")
    run = kernel.last_run()
    assert (run.status, run.number) == (Status.FINISHED, 1)


def test_a_long_cell_that_is_no_run_leaves_nothing(kernel: Kernel) -> None:
    count = len(kernel.runs())
    seen, lines = statuses_while(kernel, "train_nothing(3)")
    assert Status.RUNNING in seen
    assert lines[-1] == ""
    assert len(kernel.runs()) == count
    kernel.run("other = Slow().fit(0)")
    assert kernel.last_run().number == count + 1


def test_a_long_cell_that_trains_nothing_is_left_alone(kernel: Kernel) -> None:
    seen, lines = statuses_while(kernel, "time.sleep(3)")
    assert not seen
    assert not lines
