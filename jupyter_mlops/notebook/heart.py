"""Keeps a long run in the store with what it has come to: a killed kernel leaves an honest run behind."""

from __future__ import annotations

import contextlib
import math
import os
import threading
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_mlops.records import Curve, Run
    from jupyter_mlops.store import Store

_LINE_SECONDS = 1.0
_CURVES_SECONDS = 2.0


class Heart:
    """One background thread a kernel: gives a run its row after `early` seconds, then beats.

    Args:
        store: Opens (or gives) the store; called from the thread.
        early: Seconds after which a running run gets its row.
        lease: Seconds after the last beat at which readers call the run killed.
        tell: Called from the thread once a second, with the seconds a run has taken, after `after` of them.
        curves: What the run that began then has told so far. Its row is kept up to that.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        *,
        early: float,
        lease: float,
        tell: Callable[[float], None] | None = None,
        after: float = 1.0,
        curves: Callable[[float], Mapping[str, Curve]] = lambda since: {},
    ) -> None:
        self._tell, self._after = tell, after
        self._curves = curves
        self._since = self._next_beat = self._next_line = 0.0
        #: When the thread wakes by itself. It is woken only where that is too late: a hand-over between
        #: threads may cost a cell a turn of a busy machine's scheduler, and most end before the first beat.
        self._wakes_at = math.inf
        self._store = store
        self._early = early
        self._lease = lease
        self._changed = threading.Condition()
        self._run: Callable[[], Run | None] | None = None
        self._begun: Run | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._process = os.getpid()

    def start(self, run: Callable[[], Run | None]) -> None:
        """A tracked cell has begun; `run` is asked for what is known of it, if it comes to an early row."""
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
                if (pause and self._changed.wait(timeout=pause)) or run is None or self._run is not run:
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
                with contextlib.suppress(Exception):  # the end of the cell writes, and reports, all the same
                    self._write(run)

    def _write(self, run: Callable[[], Run | None]) -> None:
        """Give the run its row, or say that it still runs and what it has come to."""
        if self._begun is None:
            known = run()
            if known is None:
                return
            self._begun = self._store().begin_run(known, lease_seconds=self._lease)
            self._next_beat = min(self._next_beat, monotonic() + _CURVES_SECONDS)
            return
        curves = self._curves(self._since)
        if not curves:
            self._store().heartbeat(self._begun.run_id, lease_seconds=self._lease)
            return
        values = {name: curve.values[-1] for name, curve in curves.items()}
        grown = msgspec.structs.replace(self._begun, metrics=values, curves=tuple(curves))
        self._store().save_run(grown, curves=curves, lease_seconds=self._lease)
        self._next_beat = min(self._next_beat, monotonic() + _CURVES_SECONDS)
