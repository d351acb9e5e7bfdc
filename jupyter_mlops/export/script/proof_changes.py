"""Tries other values of a pipeline's settings once its proof has run; the standard library alone.

A process is forked when everything is imported and nothing has run yet. It waits until the proof is done, and
then tries one value after the other, each in a fork of its own, as long as there is time: so a try costs what
the steps take and no import, and nothing of it reaches the proof.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a try tells of itself: exit code, hashes of what the steps gave, metrics.
Told = dict[str, Any]


def read_wishes(place: Path) -> dict[str, Any] | None:
    """Until when (``deadline``, seconds since 1970) to try which ``values``, as text, of which settings."""
    try:
        return dict(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def can_fork() -> bool:
    """Whether this process can be forked: not on every system, and not among threads of Python's own."""
    return hasattr(os, "fork") and threading.active_count() == 1


def has_room() -> bool:
    """Whether the machine has memory left for twice what this process took at most."""
    try:
        import resource

        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        left = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 2 < left
    except (ImportError, OSError, StopIteration, ValueError, IndexError):
        return True


class Waiting:
    """A fork of this process that waits until it is told to try."""

    def __init__(
        self, wishes: dict[str, Any], attempt: Callable[[str, str, Path], Told], folder: Path
    ) -> None:
        self.wishes = wishes
        self.attempt = attempt
        self.folder = folder
        asked, self.ask = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # threads of numerical libraries: a fork that hangs is ended in time
            self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.ask)
                with os.fdopen(asked, encoding="utf-8") as told:
                    line = told.read()
                if line:
                    self._try_all(json.loads(line))
            finally:
                os._exit(0)
        os.close(asked)

    def go(self, baseline: Told) -> None:
        """Let it try, and wait for its end; what came of it is in ``changed.json`` of the folder."""
        if not has_room():
            return
        with contextlib.suppress(OSError), os.fdopen(self.ask, "w", encoding="utf-8") as line:
            line.write(json.dumps(baseline))
        os.waitpid(self.pid, 0)

    def _try_all(self, baseline: Told) -> None:
        _be_quiet()
        found: dict[str, list[Told]] = {}
        longest = float(baseline["seconds"])
        for name, values in self.wishes["values"].items():
            for text in values:
                left = self.wishes["deadline"] - time.time()
                if left < 1.2 * longest:
                    break
                begun = time.monotonic()
                told = self._try(name, text, left)
                longest = max(longest, time.monotonic() - begun)
                if told is None:
                    break
                found.setdefault(name, []).append({"value": text, **told})
                if any(told[key] != baseline[key] for key in ("exit", "content", "metrics")):
                    break
            _write(self.folder / "changed.json", found)

    def _try(self, name: str, text: str, seconds: float) -> Told | None:
        """One value in a fork of its own; None if it did not end."""
        place = self.folder / "try"
        place.mkdir(exist_ok=True)
        (place / "told.json").unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            try:
                _write(place / "told.json", self.attempt(name, text, place / "output"))
            finally:
                os._exit(0)
        end = time.monotonic() + seconds
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return None
            time.sleep(0.005)
        with contextlib.suppress(OSError, ValueError):
            return dict(json.loads((place / "told.json").read_text(encoding="utf-8")))
        return None


def _be_quiet() -> None:
    """What a try prints is nobody's concern, and its log is not the proof's."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _write(place: Path, content: object) -> None:
    new = place.with_suffix(".new")
    new.write_text(json.dumps(content), encoding="utf-8")
    new.replace(place)
