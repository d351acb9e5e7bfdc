"""The explicit way to record: never needed in a notebook, and the way of scripts.

In a tracked cell these functions add to the cell's own run, through the hook `current` that the
notebook room sets. In a script they write a run of their own, of the same record and in the same
store: begun by `start_run`, or by the first thing logged, and closed when the process ends.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from .records import MetricValue, ParamValue
    from .script_run import ScriptRun


class RunBuilder(Protocol):
    """What is logged goes to one of these: a tracked cell's run or a script's."""

    def log_metric(self, key: str, value: MetricValue, step: int | None) -> None:
        """Set a metric; with `step` also add a point to its curve."""

    def log_param(self, key: str, value: ParamValue) -> None:
        """Set a parameter."""

    def set_tag(self, key: str, value: str) -> None:
        """Set a tag."""

    def log_artifact(self, path: Path) -> None:
        """Keep a copy of the file at `path`."""


#: The run of the cell that is being executed, or None. Set by the notebook extension.
current: RunBuilder | None = None

_open: list[ActiveRun] = []
_changing = threading.RLock()


class ActiveRun:
    """A run that is being written by this process; leaving its ``with`` block ends it.

    An exception that leaves the block makes it ``FAILED``, an interrupt ``KILLED``.
    """

    def __init__(self, run: ScriptRun) -> None:
        self._run = run
        self._process = os.getpid()

    @property
    def run_id(self) -> str:
        """The run's opaque id."""
        return self._run.run_id

    @property
    def builder(self) -> ScriptRun:
        """What is logged goes there.

        Raises:
            UsageError: This process is a fork of the one that began the run.
        """
        if os.getpid() != self._process:
            raise UsageError(
                f"Run {self.run_id} was begun by another process.",
                "Log from the process that called start_run, or call start_run in this one.",
            )
        return self._run

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self, error)

    def __repr__(self) -> str:
        return f"<ActiveRun {self.run_id}>"


def start_run(name: str | None = None, experiment: str | None = None) -> ActiveRun:
    """Begin a run, best in a ``with`` statement; inside another run it becomes its child.

    Args:
        name: The run's name; one is made up if it has none.
        experiment: Default: as configured, else the script's name.
    """
    from .script_run import begin

    with _changing:
        parent = _open[-1].run_id if _open and _open[-1]._process == os.getpid() else ""
        active = ActiveRun(begin(name or "", experiment, parent))
        _open.append(active)
        return active


def end(active: ActiveRun, error: BaseException | None = None) -> None:
    """End a run, and those begun inside it that are still open; a fork leaves its parent's runs alone."""
    with _changing:
        while active in _open:
            inner = _open.pop()
            if inner._process == os.getpid():
                inner.builder.end(error)


def log_metric(key: str, value: Any, step: int | None = None) -> None:
    """Record a number.

    Args:
        key: The metric's name.
        value: An int, a float or anything that is one number, such as a 0-d array or tensor.
        step: Where on its curve it stands; without it the metric has no curve.
    """
    if step is not None and (isinstance(step, bool) or not isinstance(step, int)):
        try:
            step = int(step.__index__())
        except AttributeError:
            raise UsageError(f"The step of metric {key!r} is {step!r}.", "Give an integer.") from None
    _builder().log_metric(_key(key), _number(key, value), step)


def log_metrics(metrics: Mapping[str, Any], step: int | None = None) -> None:
    """Record several numbers at once."""
    for key, value in metrics.items():
        log_metric(key, value, step)


def log_param(key: str, value: Any) -> None:
    """Record a parameter; what is no bool, number, text, list or dict is kept as its text."""
    _builder().log_param(_key(key), _plain(value))


def log_params(params: Mapping[str, Any]) -> None:
    """Record several parameters at once."""
    for key, value in params.items():
        log_param(key, value)


def set_tag(key: str, value: Any) -> None:
    """Set a tag; its value is kept as text."""
    _builder().set_tag(_key(key), str(value))


def set_tags(tags: Mapping[str, Any]) -> None:
    """Set several tags at once."""
    for key, value in tags.items():
        set_tag(key, value)


def log_artifact(path: str | os.PathLike[str]) -> None:
    """Keep a copy of a file with the run; of a folder, of each file in it.

    Raises:
        UsageError: There is no such file.
    """
    file = Path(path)
    if not file.exists():
        raise UsageError(f"There is no file {str(path)!r} to keep.", "Write it first, then log it.")
    _builder().log_artifact(file)


def _builder() -> RunBuilder:
    with _changing:
        if _open:
            return _open[-1].builder
        if current is not None:
            return current
        if _in_kernel():
            raise UsageError(
                "Nothing is being tracked here.",
                "Begin the cell with %%track, or log inside `with jupyter_mlops.start_run():`.",
            )
        return start_run().builder


def _in_kernel() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _key(key: str) -> str:
    if not isinstance(key, str) or not key.strip():
        raise UsageError(f"{key!r} is no name.", "Name it with a text that is not empty.")
    return key


def _number(key: str, value: Any) -> MetricValue:
    if not isinstance(value, (int, float)) and hasattr(value, "item"):
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            value = value.item()
    if isinstance(value, int):  # also a bool
        return int(value)
    if isinstance(value, float):
        return float(value)
    try:
        return float(value.__float__())
    except (AttributeError, TypeError, ValueError):
        raise UsageError(
            f"The metric {key!r} is {type(value).__name__}, not a number.", "Give one number."
        ) from None


def _plain(value: Any) -> ParamValue:
    if value is None or type(value) in (bool, int, float, str):
        return value  # type: ignore[no-any-return]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value)


@atexit.register
def _end_all() -> None:
    """End what is open when the process ends; an exception that ended it was put aside by Python."""
    with _changing:
        if _open:
            end(_open[0], getattr(sys, "last_value", None))
