"""Interrupts that arrive while our own code runs: they wait until it has ended."""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOON = 0.01


@contextmanager
def deferred(*, deliver: bool) -> Iterator[None]:
    """Let no interrupt into the block, which is bounded in time.

    One raised at any line of ours would leave a cell half captured, or a run unsaved, for good.

    Args:
        deliver: Whether an interrupt that came is passed on to what runs next, such as the cell that is
            about to begin; else it came too late and is dropped.
    """
    try:
        handler = _handler()
    except Exception:  # noqa: BLE001 — our fault must never become the user's
        handler = None
    if handler is None:
        yield
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came and deliver:
            _soon()


def _handler() -> Any:
    """What an interrupt does now; None where that is nothing or cannot be changed."""
    if threading.current_thread() is not threading.main_thread():
        return None
    handler = signal.getsignal(signal.SIGINT)
    return handler if callable(handler) else None


def _soon() -> None:
    """Interrupt again, once the cell has begun. A kernel that is idle by then does not heed it."""

    def again() -> None:
        with contextlib.suppress(RuntimeError):
            _thread.interrupt_main()

    timer = threading.Timer(_SOON, again)
    timer.daemon = True
    timer.start()
