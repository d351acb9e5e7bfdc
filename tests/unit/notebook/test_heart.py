"""A run's early row, given by a thread that is woken as seldom as possible."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from jupyter_mlops.notebook.heart import Heart
from jupyter_mlops.records import Curve, Run, Status, new_id
from jupyter_mlops.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jupyter_mlops.store import Store

EARLY = 0.3


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'runs.db'}", str(tmp_path / "artifacts"))
    yield opened
    opened.close()


@pytest.fixture
def heart(store: Store) -> Iterator[Heart]:
    made = Heart(lambda: store, early=EARLY, lease=60.0)
    yield made
    made.close()


def running() -> Run:
    return Run(run_id=new_id(), experiment="beats", status=Status.RUNNING, start_time=datetime.now(UTC))


def stored(store: Store) -> list[str]:
    return [run.run_id for run in store.search(experiment="beats")]


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "the heart did not beat"
        time.sleep(0.02)


def test_a_cell_that_ends_in_time_leaves_no_row(heart: Heart, store: Store) -> None:
    for _ in range(5):
        heart.start(running)
        assert heart.stop() is None
    time.sleep(2 * EARLY)
    assert stored(store) == []


def test_a_cell_that_ends_in_time_is_never_asked_for_its_row(heart: Heart) -> None:
    asked: list[Run] = []
    heart.start(lambda: asked.append(running()))  # type: ignore[func-returns-value]
    heart.stop()
    time.sleep(2 * EARLY)
    assert asked == []


def test_a_long_cell_gets_its_row_after_short_ones(heart: Heart, store: Store) -> None:
    heart.start(running)
    heart.stop()
    # The thread still sleeps until the first one would have been due.
    long = running()
    heart.start(lambda: long)
    wait_for(lambda: stored(store) == [long.run_id])
    begun = heart.stop()
    assert begun is not None
    assert begun.number == 1


def test_a_long_cell_gets_its_row_after_the_thread_went_to_sleep(heart: Heart, store: Store) -> None:
    heart.start(running)
    heart.stop()
    time.sleep(2 * EARLY)
    long = running()
    heart.start(lambda: long)
    wait_for(lambda: stored(store) == [long.run_id])


def test_a_closed_heart_ends_its_thread(heart: Heart) -> None:
    heart.start(running)
    heart.close()
    wait_for(lambda: not any(thread.name == "jupyter_mlops heart" for thread in threading.enumerate()))


def test_the_row_of_a_run_grows_with_what_it_tells_and_keeps_peoples_edits(store: Store) -> None:
    told: dict[str, Curve] = {}
    heart = Heart(lambda: store, early=EARLY, lease=60.0, curves=lambda since: told)
    run = running()
    try:
        heart.start(lambda: run)
        wait_for(lambda: stored(store) == [run.run_id])
        store.edit_run(run.run_id, note="looks good")
        told["loss"] = Curve(steps=[0, 1], values=[0.9, 0.7], times=[0.0, 0.1], count=2)
        wait_for(lambda: "loss" in store.get_summary(run.run_id).metrics)
        begun = heart.stop()
    finally:
        heart.close()
    row = store.get_summary(run.run_id)
    assert (row.metrics, row.curves, row.status) == ({"loss": 0.7}, ("loss",), Status.RUNNING)
    assert store.get_curve(run.run_id, "loss").values == [0.9, 0.7]
    assert begun is not None
    ended = msgspec.structs.replace(begun, status=Status.FINISHED, metrics={"accuracy": 0.5})
    store.save_run(ended)
    row = store.get_summary(run.run_id)
    assert (row.metrics, row.curves, row.note) == ({"accuracy": 0.5}, (), "looks good")
