"""Keeps a long run alive in the store, so that a killed kernel leaves an honest run behind."""

from __future__ import annotations

import math
import os
import threading
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mlops.records import Run
    from jupyter_mlops.store import Store

_LINE_SECONDS = 1.0


class Heart:
    """One background thread a kernel: gives a run its row after `early` seconds, then beats.

    Args:
        store: Opens (or gives) the store; called from the thread.
        early: Seconds after which a running run gets its row.
        lease: Seconds after the last beat at which readers call the run killed.
        tell: Called from the thread once a second, with the seconds a run has taken, after `after` of them.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        *,
        early: float,
        lease: float,
        tell: Callable[[float], None] | None = None,
        after: float = 1.0,
    ) -> None:
        self._tell, self._after = tell, after
        self._since = self._next_beat = self._next_line = 0.0
        #: When the thread wakes by itself. It is woken only where that is too late: a hand-over between
        #: threads may cost a cell a turn of a busy machine's scheduler, and most end before the first beat.
        self._wakes_at = math.inf
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
            self._since = monotonic()
            self._next_beat = self._since + self._early
            self._next_line = self._since + self._after if self._tell is not None else math.inf
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="jupyter_mlops heart", daemon=True)
                self._thread.start()
            if self._wakes_at > min(self._next_beat, self._next_line):
                self._changed.notify()

    def stop(self) -> Run | None:
        """The cell has ended: beat no more. Gives the run as it was begun early, if it was."""
        with self._changed:
            # The thread finds out when it wakes.
            self._run = None
            begun, self._begun = self._begun, None
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
                    self._wakes_at = math.inf
                    self._changed.wait()
                if self._closed:
                    return
                run = self._run
                due = min(self._next_beat, self._next_line)
                pause = max(0.0, due - monotonic())
                self._wakes_at = due
                if (pause and self._changed.wait(timeout=pause)) or self._run is not run:
                    continue
                # The lock is held meanwhile, so that the end of the cell, which writes the finished run
                # and shows its card, can never be overtaken by this row or line.
                now = monotonic()
                if now >= self._next_line and self._tell is not None:
                    self._next_line = now + _LINE_SECONDS
                    try:
                        self._tell(now - self._since)
                    except Exception:  # noqa: BLE001 — without a live line, then
                        self._next_line = math.inf
                if now < self._next_beat:
                    continue
                self._next_beat = now + self._lease / 3
                try:
                    if self._begun is None and run is not None:
                        self._begun = self._store().begin_run(run, lease_seconds=self._lease)
                    elif run is not None:
                        self._store().heartbeat(run.run_id, lease_seconds=self._lease)
                except Exception:  # noqa: BLE001 — the end of the cell writes, and reports, all the same
                    self._begun = self._begun
