"""Keeps a long run alive in the store, so that a killed kernel leaves an honest run behind."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mlops.records import Run
    from jupyter_mlops.store import Store


class Heart:
    """One background thread a kernel: gives a run its row after `early` seconds, then beats.

    Args:
        store: Opens (or gives) the store; called from the thread.
        early: Seconds after which a running run gets its row.
        lease: Seconds after the last beat at which readers call the run killed.
    """

    def __init__(self, store: Callable[[], Store], *, early: float, lease: float) -> None:
        self._store = store
        self._early = early
        self._lease = lease
        self._changed = threading.Condition()
        self._run: Run | None = None
        self._begun: Run | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._process = os.getpid()

    def start(self, run: Run) -> None:
        """A tracked cell has begun."""
        if self._process != os.getpid():
            return
        with self._changed:
            self._run, self._begun = run, None
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="jupyter_mlops heart", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> Run | None:
        """The cell has ended: beat no more. Gives the run as it was begun early, if it was."""
        with self._changed:
            self._run = None
            begun, self._begun = self._begun, None
            self._changed.notify()
            return begun

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._run = None
            self._changed.notify()

    def _beat(self) -> None:
        while True:
            with self._changed:
                while self._run is None and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                run = self._run
                pause = self._early if self._begun is None else self._lease / 3
                if self._changed.wait(timeout=pause) or self._run is not run:
                    continue
                # The lock is held while the store is written, so that the end of the cell, which
                # writes the finished run, can never be overtaken by this row.
                try:
                    if self._begun is None and run is not None:
                        self._begun = self._store().begin_run(run, lease_seconds=self._lease)
                    elif run is not None:
                        self._store().heartbeat(run.run_id, lease_seconds=self._lease)
                except Exception:  # noqa: BLE001 — the end of the cell writes, and reports, all the same
                    self._begun = self._begun
