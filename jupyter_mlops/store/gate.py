"""Who is using the connections, so that nobody is when the process forks.

SQLite keeps a process's locks in memory. A child that inherits them takes the parent's locks for its
own, and may lose what it writes. So a fork waits until every call has ended, connections are closed
before it and made again after it, on either side.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORK_SECONDS = 5.0
"""How long a fork waits for calls that have begun."""

_gates: weakref.WeakSet[Gate] = weakref.WeakSet()


class Gate:
    """Lets calls through, any number at a time, but none while the process forks.

    Args:
        disconnect: Closes the connections that nobody uses; called before a fork.
        forget: Lets go of the parent's connections without touching them; called in the child.
    """

    def __init__(self, disconnect: Callable[[], None], forget: Callable[[], None]) -> None:
        # Methods of an object that owns this gate: held weakly, so that it can go.
        self._disconnect = weakref.WeakMethod(disconnect)
        self._forget = weakref.WeakMethod(forget)
        self._reset()
        _gates.add(self)

    def _reset(self) -> None:
        self.lock = threading.RLock()
        self._turns = threading.Condition(self.lock)
        self._active = 0
        self._forking = False
        self._pid = os.getpid()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One call."""
        if os.getpid() != self._pid:  # a fork that Python was not told of
            self.leave_parent()
        turns = self._turns
        with turns:
            while self._forking:
                turns.wait()
            self._active += 1
        try:
            yield
        finally:
            with turns:
                self._active -= 1
                turns.notify_all()

    def close_for_fork(self) -> None:
        """Wait for the calls that have begun, then disconnect."""
        until = time.monotonic() + FORK_SECONDS
        with self._turns:
            self._forking = True
            while self._active and time.monotonic() < until:
                self._turns.wait(0.1)
        if (disconnect := self._disconnect()) is not None:
            disconnect()

    def open_after_fork(self) -> None:
        """In the parent: let calls through again."""
        with self._turns:
            self._forking = False
            self._turns.notify_all()

    def leave_parent(self) -> None:
        """In the child: begin anew. Locks may be held by threads that exist in the parent only."""
        self._reset()
        if (forget := self._forget()) is not None:
            forget()


def _before_fork() -> None:
    for gate in list(_gates):
        gate.close_for_fork()


def _after_fork_in_parent() -> None:
    for gate in list(_gates):
        gate.open_after_fork()


def _after_fork_in_child() -> None:
    for gate in list(_gates):
        gate.leave_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
