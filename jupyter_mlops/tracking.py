"""The explicit way to record: never needed in a notebook, and the way of scripts.

In a tracked cell these functions add to the cell's own run, through the hook `current` that the
notebook room sets. In a script they write a run of their own, of the same record and in the same
store: begun by `start_run`, or by the first thing logged, and closed when the process ends.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sys
import tempfile
import threading
import warnings
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Protocol

from .errors import UsageError
from .records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
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

    def log_artifact(self, path: Path, folder: str) -> None:
        """Keep a copy of the file at `path`, or of each file in it, below `folder` of the run's files."""


#: The run of the cell that is being executed, or None. Set by the notebook extension.
current: RunBuilder | None = None

#: The experiment that `set_experiment` chose, or None.
_experiment: str | None = None
_open: list[ActiveRun] = []
_changing = threading.RLock()
#: How `end_run` says that a run ended, and what it is ended with.
_ENDINGS: dict[str, BaseException | None] = {
    "FINISHED": None,
    "FAILED": SystemExit(1),
    "KILLED": KeyboardInterrupt(),
}


class RunInfo(Record, frozen=True, kw_only=True):
    """What is known of an open run from its beginning."""

    run_id: str
    run_name: str
    experiment: str
    start_time: datetime


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
    def info(self) -> RunInfo:
        """Its id, name, experiment and start."""
        return self._run.info

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


def start_run(
    name: str | None = None,
    experiment: str | None = None,
    *,
    run_name: str | None = None,
    nested: bool = True,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
) -> ActiveRun:
    """Begin a run, best in a ``with`` statement; inside another run it becomes its child.

    Args:
        name: The run's name; one is made up if it has none.
        experiment: Default: the one of `set_experiment`, else as configured, else the script's name.
        run_name: The same as `name`, as MLflow calls it.
        nested: False refuses to begin a run inside another.
        tags: Set at once.
        description: The run's note.

    Raises:
        UsageError: `nested` is false and there is an open run.
    """
    from .script_run import begin

    with _changing:
        outer = active_run()
        if outer is not None and not nested:
            raise UsageError(f"Run {outer.run_id} is still open.", "End it with `end_run()`, or nest.")
        parent = outer.run_id if outer else ""
        run = begin(name or run_name or "", experiment or _experiment, parent, description or "")
        active = ActiveRun(run)
        _open.append(active)
    for key, value in (tags or {}).items():
        run.set_tag(_key(key), str(value))
    return active


def active_run() -> ActiveRun | None:
    """The run that this process has open, the innermost; None if it has none."""
    return _open[-1] if _open and _open[-1]._process == os.getpid() else None


def end_run(status: str = "FINISHED") -> None:
    """End the innermost open run, if there is one, as ``FINISHED``, ``FAILED`` or ``KILLED``.

    Raises:
        UsageError: The status is none of these.
    """
    if status not in _ENDINGS:
        raise UsageError(f"A run cannot end as {status!r}.", f"Give one of {', '.join(_ENDINGS)}.")
    active = active_run()
    if active is not None:
        end(active, _ENDINGS[status])


def set_experiment(name: str) -> None:
    """Let the runs that this process begins be of the experiment `name`."""
    global _experiment  # noqa: PLW0603 — a setting of the process, as in MLflow
    _experiment = _key(name)


def set_tracking_uri(uri: str) -> None:
    """Warn that runs are kept in the project's own store: `push_runs` brings them to an MLflow server."""
    warnings.warn(
        f"jupyter_mlops keeps runs in its own store; send them to {uri} with "
        f"`jupyter_mlops.push_runs({uri!r}, …)`.",
        stacklevel=2,
    )


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


def log_artifact(local_path: str | os.PathLike[str], artifact_path: str | None = None) -> None:
    """Keep a copy of a file with the run; of a folder, of each file in it.

    Args:
        local_path: The file or folder.
        artifact_path: The folder among the run's files that it goes to.

    Raises:
        UsageError: There is no such file, or the folder leads out of the run's files.
    """
    file = Path(local_path)
    if not file.exists():
        raise UsageError(f"There is no file {str(local_path)!r} to keep.", "Write it first, then log it.")
    _builder().log_artifact(file, _folder(artifact_path or ""))


def log_artifacts(local_dir: str | os.PathLike[str], artifact_path: str | None = None) -> None:
    """Keep a copy of what lies in a folder: its files stand directly below `artifact_path`."""
    folder = Path(local_dir)
    if not folder.is_dir():
        raise UsageError(f"There is no folder {str(local_dir)!r} to keep.", "Write it first, then log it.")
    for entry in sorted(folder.iterdir()):
        log_artifact(entry, artifact_path)


def log_text(text: str, artifact_file: str) -> None:
    """Keep a text as the file `artifact_file` of the run."""
    _log_written(artifact_file, lambda place: place.write_text(text, encoding="utf-8"))


def log_dict(dictionary: Any, artifact_file: str) -> None:
    """Keep a dict or list as a file of the run: YAML if its name ends so, else JSON."""

    def write(place: Path) -> None:
        if place.suffix in (".yaml", ".yml"):
            import yaml

            place.write_text(yaml.safe_dump(dictionary, sort_keys=False), encoding="utf-8")
        else:
            place.write_text(json.dumps(dictionary, indent=2, default=str), encoding="utf-8")

    _log_written(artifact_file, write)


def log_figure(figure: Any, artifact_file: str) -> None:
    """Keep a Matplotlib or Plotly figure as a file of the run, in the format its name ends with."""

    def write(place: Path) -> None:
        if hasattr(figure, "savefig"):
            figure.savefig(place)
        elif hasattr(figure, "write_html") and place.suffix == ".html":
            figure.write_html(place, include_plotlyjs="directory")
        elif hasattr(figure, "write_image"):
            figure.write_image(place)
        else:
            raise UsageError(f"{type(figure).__name__} is no figure.", "Give one of Matplotlib or Plotly.")

    _log_written(artifact_file, write)


def _log_written(artifact_file: str, write: Callable[[Path], Any]) -> None:
    """Have a file written in a folder of its own, and keep it."""
    folder, _, name = artifact_file.rpartition("/")
    if not name:
        raise UsageError(f"{artifact_file!r} names no file.", "Give something like `notes/report.txt`.")
    with tempfile.TemporaryDirectory() as place:
        write(Path(place, name))
        log_artifact(Path(place, name), folder)


def _folder(path: str) -> str:
    parts = PurePosixPath(path.replace(os.sep, "/")).parts
    if ".." in parts or path.startswith("/"):
        raise UsageError(f"{path!r} leads out of the run's files.", "Give a folder such as `plots`.")
    return "/".join(part for part in parts if part != ".")


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
