"""Saving that never loses a run: what the store does not take waits on disk and is written later.

A process has one `Keeper` for its store. It tries once, for no longer than the store's patience; what
cannot be written then goes to the `Spool`, and to memory when no disk takes it. From then on a
background thread tries again, as does every later save and the next process that uses the store.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from jupyter_mlops.errors import StoreError, UsageError

from .spool import Spool, Waiting, save_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_mlops.records import Run

    from . import Store

log = logging.getLogger(__name__)
FIRST_SECONDS = 1.0
LAST_SECONDS = 30.0


class Keeper:
    """Saves runs, now or later.

    Args:
        store: Gives the store, opening it if it has to; may raise a StoreError each time.
        url: The store's URL.
        home: A folder of the user's own, for runs whose store has no folder that can be written.
    """

    def __init__(self, store: Callable[[], Store], url: str, home: Path) -> None:
        self._store = store
        self._spool = Spool(url, home)
        self._unspooled: dict[str, Waiting] = {}
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._process = os.getpid()

    def save(self, waiting: Waiting) -> Run:
        """Save a run after all that waits for the same store; gives it as stored.

        Raises:
            UsageError: It can never be stored, and is not kept.
            StoreError: It waits; the hint says where.
        """
        with self._lock:
            try:
                self._drain()
                run_id = waiting.run.run_id
                if self._spool.holds(run_id):
                    raise StoreError(f"Another process is about to write run {run_id}.")
                return save_now(self._store(), waiting, later=True)
            except UsageError:
                raise
            except BaseException as error:
                where = self._keep(waiting)
                self._try_later()
                if isinstance(error, StoreError):
                    error.hint = f"{error.hint} {where}".strip()
                raise

    def waiting(self) -> int:
        """How many runs wait."""
        return len(self._unspooled) + len(self._spool.waiting())

    def begin(self) -> None:
        """Write in the background what earlier processes left behind, if there is any."""
        if self._spool.waiting():
            self._try_later()

    def close(self) -> None:
        """End the background thread, after a last try for what only memory holds."""
        self._closed.set()
        if self._unspooled:
            with self._lock:
                try:
                    self._drain()
                except Exception as error:  # noqa: BLE001 — there is nobody left to tell
                    log.error("%s run(s) were lost with their process: %s", len(self._unspooled), error)

    def _keep(self, waiting: Waiting) -> str:
        """Put a run aside; gives a sentence that says where it waits."""
        run_id = waiting.run.run_id
        try:
            path = self._spool.put(waiting)
        except Exception as error:  # noqa: BLE001 — whatever is wrong with the disk, memory is left
            log.warning("%s", error)
            self._unspooled[run_id] = waiting
            return "The run waits in this process's memory and is written as soon as that is possible."
        self._unspooled.pop(run_id, None)
        return f"The run waits in {path.parent} and is written as soon as that is possible."

    def _drain(self) -> None:
        """Write what waits on disk, then what waits in memory."""
        if self._spool.waiting():
            self._spool.drain(self._store())
        for run_id, waiting in list(self._unspooled.items()):
            store = self._store()
            try:
                save_now(store, waiting)
            except UsageError as error:
                log.error("A run that waited can never be stored: %s", error)
            del self._unspooled[run_id]

    def _try_later(self) -> None:
        if self._process != os.getpid() or self._closed.is_set():
            return
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._retry, name="jupyter_mlops keeper", daemon=True)
            self._thread.start()

    def _retry(self) -> None:
        pause = FIRST_SECONDS
        while not self._closed.wait(pause):
            pause = min(2 * pause, LAST_SECONDS)
            # Not while a cell ends: its save tries by itself, and must not wait for this one.
            if not self._lock.acquire(blocking=False):
                continue
            try:
                self._drain()
                if not self.waiting():
                    self._thread = None
                    return
            except Exception as error:  # noqa: BLE001 — it is tried again
                log.info("%s run(s) still wait: %s", self.waiting(), error)
            finally:
                self._lock.release()
