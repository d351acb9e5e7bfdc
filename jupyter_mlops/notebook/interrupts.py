"""Interrupts that arrive while our own code runs: they wait until it has ended."""

from __future__ import annotations

import _thread
import contextlib
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
_SOON = 0.01


def undisturbed(act: Callable[..., T], *given: Any, deliver: bool) -> T:
    """What ``act(*given)`` gives, which is bounded in time, without an interrupt in it.

    One raised at any line of ours would leave a cell half captured, or a run unsaved, for good. One that
    comes on the way in or out is treated like one that comes meanwhile.

    Args:
        act: What is done.
        given: Its arguments.
        deliver: Whether an interrupt that came is passed on to what runs next, such as the cell that is
            about to begin; else it came too late and is dropped.
    """
    begun = False
    came: list[Any] = []
    results: list[T] = []
    while not results:
        try:
            with _deferred(came):
                begun = True
                results.append(act(*given))
        except KeyboardInterrupt:
            if begun and not results:
                raise
            came.append(None)
    if came and deliver:
        _soon()
    return results[0]


@contextmanager
def _deferred(came: list[Any]) -> Iterator[None]:
    """Note interrupts in `came` instead of raising them."""
    try:
        handler = _handler()
    except Exception:  # noqa: BLE001 — our fault must never become the user's
        handler = None
    if handler is None:
        yield
        return
    try:
        signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


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
