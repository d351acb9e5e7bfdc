"""The line under a cell that runs for long, which in the end becomes the run's card."""

from __future__ import annotations

import threading
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import Curve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mlops.capture.loops import Loop, LoopWatch

_HISTORY = 200
#: Seconds after which a loop that told something counts as silent.
_QUIET = 5.0


class ProgressLine:
    """Shows how far a tracked cell is, in one output that is replaced in place.

    A terminal has no output to replace, so there the line is written over itself.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._display_id = ""
        self._count = 0
        self._rich = hasattr(shell, "kernel")
        self._lock = threading.RLock()
        self._told = 0.0
        self._curves: dict[str, Curve] = {}
        self._drawn = 0.0

    def show(self, loop: Loop, watch: LoopWatch) -> None:
        """The loop has taken a step; called at most twice a second."""
        from jupyter_mlops.widgets.progress import progress_text

        outer = next(iter(watch.loops.values()), loop)
        elapsed = perf_counter() - watch.started
        steps, total = outer.steps, outer.total
        said: dict[str, Any] = {
            "elapsed": elapsed,
            "loop": outer.label,
            "step": steps,
            "total": total if total and steps <= total else None,
            "remaining": elapsed / steps * (total - steps) if total and 0 < steps <= total else None,
            "values": {},
            "history": {},
        }
        curves: dict[str, Curve] = {}
        for found in watch.loops.values():
            for name, series in found.series.items():
                if series.values:
                    said["values"][name] = series.values[-1]
                    stride = max(1, len(series.values) // _HISTORY)
                    said["history"][name] = series.values[::stride]
                    curves[name] = Curve(
                        steps=series.steps[::stride],
                        values=said["history"][name],
                        times=series.times[::stride],
                        count=series.count,
                    )
        self._curves, self._drawn = curves, monotonic()
        if not self._rich:
            print("\r" + progress_text(**said), end="", flush=True)
            self._display_id = "terminal"
            return
        self._told = perf_counter()
        self._put(said)

    def wait(self, elapsed: float) -> None:
        """Say how long a cell runs that no loop tells of: one long fit. Called from another thread."""
        if self._rich and perf_counter() - self._told > _QUIET:
            self._put({"elapsed": elapsed})

    def curves(self, since: float) -> Mapping[str, Curve]:
        """What the loops of a cell that began at `since` (monotonic seconds) have told so far, thinned."""
        return self._curves if self._drawn >= since else {}

    def drop(self) -> None:
        """Take the line away: the cell was no run."""
        with self._lock:
            shown, self._display_id = self._display_id, ""
            if shown and self._rich:
                transient = {"display_id": shown}
                # An output cannot be taken back, only emptied; the mark says whose it is.
                mark = {"jupyter_mlops": {"withdrawn": True}}
                self._shell.display_pub.publish({"text/plain": ""}, mark, transient=transient, update=True)
            elif shown:
                print("\r" + " " * 100 + "\r", end="", flush=True)

    def _put(self, said: dict[str, Any]) -> None:
        from jupyter_mlops.widgets.progress import progress_html, progress_text

        bundle = {"text/plain": progress_text(**said), "text/html": progress_html(**said)}
        with self._lock:
            self._publish(bundle, update=bool(self._display_id))

    def finish(self, card: Any) -> None:
        """Put the card where the line stood, or below the cell's output when there was none."""
        shown, self._display_id = self._display_id, self._display_id if self._rich else ""
        if not self._rich and shown:
            print("\r" + " " * 100 + "\r", end="", flush=True)
        self._publish(card._repr_mimebundle_(), update=bool(shown) and self._rich)
        self._display_id = ""

    def _publish(self, bundle: dict[str, Any], *, update: bool) -> None:
        if not update:
            self._count += 1
            self._display_id = f"jupyter_mlops-{id(self)}-{self._count}"
        if self._rich:
            transient = {"display_id": self._display_id}
            self._shell.display_pub.publish(bundle, {}, transient=transient, update=update)
        else:
            print(bundle["text/plain"])
