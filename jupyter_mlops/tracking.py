"""The explicit way to record: never needed in a notebook, and the way of scripts.

In a tracked cell these functions add to the cell's own run, through the hook `current` that the
notebook room sets. In a script they write a run of their own, of the same record and in the same
store: begun by `start_run`, or by the first thing logged, and closed when the process ends.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .errors import UsageError
from .logged import folder_of, json_of, key_of, number_of, parameter_of, step_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from .records import Dataset, MetricValue, Model, ParamValue, Run, RunInfo
    from .script_run import ScriptRun


class RunBuilder(Protocol):
    """What is logged goes to one of these: a tracked cell's run or a script's."""

    def log_metric(self, key: str, value: MetricValue, step: int | None, at: float | None) -> None:
        """Set a metric; with `step` also add a point to its curve. `at` is in seconds since 1970, or now."""

    def log_param(self, key: str, value: ParamValue) -> None:
        """Set a parameter."""

    def set_tag(self, key: str, value: str) -> None:
        """Set a tag."""

    def log_artifact(self, path: Path, folder: str) -> None:
        """Keep a copy of the file at `path`, or of each file in it, below `folder` of the run's files."""

    def log_model(self, model: Model, data: bytes) -> None:
        """Keep a model, described, and its bytes in the form that `model` says."""

    def log_dataset(self, dataset: Dataset) -> None:
        """Name a table that the run read."""


#: The run of the cell that is being executed, or None. Set by the notebook extension.
current: RunBuilder | None = None

#: The experiment that `set_experiment` chose, or None.
_experiment: str | None = None
#: The id of the run that was begun last, or "".
last_run_id = ""
#: All open runs of this process, of whichever thread, in the order they were begun in.
_open: list[ActiveRun] = []
_changing = threading.RLock()
#: How `end_run` says that a run ended, and what it is ended with.
_ENDINGS: dict[str, BaseException | None] = {
    "FINISHED": None,
    "FAILED": SystemExit(1),
    "KILLED": KeyboardInterrupt(),
}


class ActiveRun:
    """A run that is being written by this process; leaving its ``with`` block ends it.

    An exception that leaves the block makes it ``FAILED``, an interrupt ``KILLED``.
    """

    def __init__(self, run: ScriptRun) -> None:
        self._run = run
        self._process = os.getpid()
        self._thread = threading.current_thread()

    @property
    def run_id(self) -> str:
        """The run's opaque id."""
        return self._run.run_id

    @property
    def info(self) -> RunInfo:
        """Its id, name, experiment and start."""
        return self._run.info

    @property
    def data(self) -> Run:
        """Its parameters, metrics and tags so far, each a dict."""
        return self._run.data

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
    run_id: str | None = None,
    experiment_id: str | None = None,
    parent_run_id: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Begin a run, best in a ``with`` statement; inside another run it becomes its child.

    Args:
        name: The run's name; one is made up if it has none.
        experiment: Default: the one of `set_experiment`, else as configured, else the script's name.
        run_name: The same as `name`, as MLflow calls it.
        nested: False refuses to begin a run inside another.
        tags: Set at once.
        description: The run's note.
        run_id: A run that has ended, to be added to instead of beginning one.
        experiment_id: The same as `experiment`, as MLflow calls it.
        parent_run_id: The run it is a child of; default: the one it is begun in.
        log_system_metrics: Makes no difference; time and memory of tracked cells are kept in any case.

    Raises:
        UsageError: `nested` is false and there is an open run, or the run to be resumed still runs.
        RunNotFoundError: There is no run to be resumed, or to be the parent.
    """
    global last_run_id  # noqa: PLW0603 — of the process, as the open runs
    from .script_run import begin, resume

    outer = active_run()
    if outer is not None and not nested:
        raise UsageError(f"Run {outer.run_id} is still open.", "End it with `end_run()`, or nest.")
    parent = outer.run_id if outer else ""
    if parent_run_id is not None:
        from .api import resolve

        parent = resolve(parent_run_id)
    chosen = experiment or experiment_id or _experiment
    run = resume(run_id) if run_id else begin(name or run_name or "", chosen, parent, description or "")
    active = ActiveRun(run)
    with _changing:
        _open.append(active)
        last_run_id = active.run_id
    for key, value in (tags or {}).items():
        run.set_tag(key_of(key), text_of(key, value))
    return active


def active_run() -> ActiveRun | None:
    """The run that this thread has open, the innermost, else the main thread's; None if there is none."""
    found = _innermost(threading.current_thread()) or _innermost(threading.main_thread())
    return found if found is not None and found._process == os.getpid() else None


def _innermost(thread: threading.Thread) -> ActiveRun | None:
    with _changing:
        return next((run for run in reversed(_open) if run._thread is thread), None)


def end_run(status: str = "FINISHED") -> None:
    """End the innermost run this thread began, if one is open, as ``FINISHED``, ``FAILED`` or ``KILLED``.

    Raises:
        UsageError: The status is none of these.
    """
    if status not in _ENDINGS:
        raise UsageError(f"A run cannot end as {status!r}.", f"Give one of {', '.join(_ENDINGS)}.")
    active = _innermost(threading.current_thread())
    if active is not None and active._process == os.getpid():
        end(active, _ENDINGS[status])


def set_experiment(experiment_name: str | None = None, experiment_id: str | None = None) -> Experiment:
    """Let the runs that this process begins be of an experiment; MLflow's id of one is here its name."""
    global _experiment  # noqa: PLW0603 — a setting of the process, as in MLflow
    _experiment = key_of(experiment_name if experiment_name is not None else experiment_id or "")
    return Experiment(_experiment)


class Experiment:
    """An experiment, which is a name; `experiment_id` is the same."""

    def __init__(self, name: str) -> None:
        self.name = self.experiment_id = name

    def __repr__(self) -> str:
        return f"<Experiment {self.name!r}>"


def set_tracking_uri(uri: str | os.PathLike[str]) -> None:
    """Warn that runs are kept in the project's own store: `push_runs` brings them to an MLflow server."""
    place = str(uri)
    then = (
        f"send them to {place} with `jupyter_mlops.push_runs({place!r}, …)`"
        if place.startswith(("http://", "https://"))
        else "set JUPYTER_MLOPS_STORE to keep them elsewhere"
    )
    warnings.warn(f"jupyter_mlops keeps runs in its own store; {then}.", stacklevel=2)


def end(active: ActiveRun, error: BaseException | None = None) -> None:
    """End a run, and those begun inside it that are still open; a fork leaves its parent's runs alone."""
    with _changing:
        if active not in _open:
            return
        inner = [run for run in _open[_open.index(active) :] if run._thread is active._thread]
        _open[:] = [run for run in _open if run not in inner]
    for run in reversed(inner):
        if run._process == os.getpid():
            run.builder.end(error)


def log_metric(
    key: str,
    value: Any,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: float | None = None,
    run_id: str | None = None,
) -> None:
    """Record a number.

    Args:
        key: The metric's name.
        value: An int, a float or anything that is one number, such as a 0-d array or tensor.
        step: Where on its curve it stands, below 2**63; without it the metric has no curve.
        synchronous: As MLflow has it; makes no difference, since logging never waits.
        timestamp: When it was measured, in milliseconds since 1970; default: now.
        run_id: One of the open runs; default: the innermost.

    Raises:
        UsageError: It is no number, or one that no curve can hold.
    """
    number = number_of(key_of(key), value)
    if step is not None:
        step = step_of(key, step)
        try:
            float(number)
        except OverflowError:
            raise UsageError(
                f"The metric {key!r} is too large a number for a point of a curve.",
                "Log it without a step, or its logarithm.",
            ) from None
    builder(run_id).log_metric(key, number, step, None if timestamp is None else timestamp / 1000)


def log_metrics(
    metrics: Mapping[str, Any],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: float | None = None,
) -> None:
    """Record several numbers at once."""
    for key, value in metrics.items():
        log_metric(key, value, step, timestamp=timestamp, run_id=run_id)


def log_param(key: str, value: Any, synchronous: bool | None = None) -> Any:
    """Record a parameter; what is no bool, number, text, list or dict is kept as its text. Gives the value.

    Raises:
        UsageError: It is nested more than 100 levels deep, or has no text.
    """
    builder().log_param(key_of(key), parameter_of(key, value))
    return value


def log_params(
    params: Mapping[str, Any],
    synchronous: bool | None = None,
    run_id: str | None = None,
) -> None:
    """Record several parameters at once."""
    plain = {key_of(key): parameter_of(key, value) for key, value in params.items()}
    run = builder(run_id)
    for key, value in plain.items():
        run.log_param(key, value)


def set_tag(key: str, value: Any, synchronous: bool | None = None) -> None:
    """Set a tag; its value is kept as text."""
    builder().set_tag(key_of(key), text_of(key, value))


def set_tags(tags: Mapping[str, Any], synchronous: bool | None = None) -> None:
    """Set several tags at once."""
    for key, value in tags.items():
        set_tag(key, value)


def log_artifact(
    local_path: str | os.PathLike[str], artifact_path: str | None = None, run_id: str | None = None
) -> None:
    """Keep a copy of a file with the run; of a folder, of each file in it.

    Args:
        local_path: The file or folder.
        artifact_path: The folder among the run's files that it goes to.
        run_id: One of the open runs; default: the innermost.

    Raises:
        UsageError: There is no such file, or the folder leads out of the run's files.
    """
    file = Path(local_path)
    if not file.exists():
        raise UsageError(f"There is no file {str(local_path)!r} to keep.", "Write it first, then log it.")
    builder(run_id).log_artifact(file, folder_of(artifact_path or ""))


def log_artifacts(
    local_dir: str | os.PathLike[str], artifact_path: str | None = None, run_id: str | None = None
) -> None:
    """Keep a copy of what lies in a folder: its files stand directly below `artifact_path`."""
    folder = Path(local_dir)
    if not folder.is_dir():
        raise UsageError(f"There is no folder {str(local_dir)!r} to keep.", "Write it first, then log it.")
    for entry in sorted(folder.iterdir()):
        log_artifact(entry, artifact_path, run_id)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Keep a text as the file `artifact_file` of the run."""
    log_written(artifact_file, lambda place: place.write_text(text, encoding="utf-8"), run_id)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Keep a dict or list as a file of the run: YAML if its name ends so, else JSON."""

    def write(place: Path) -> None:
        if place.suffix in (".yaml", ".yml"):
            import yaml

            plain = parameter_of(artifact_file, dictionary)
            place.write_text(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True), encoding="utf-8")
        else:
            place.write_text(json.dumps(dictionary, indent=2, default=json_of), encoding="utf-8")

    log_written(artifact_file, write, run_id)


def log_figure(
    figure: Any,
    artifact_file: str,
    *,
    save_kwargs: Mapping[str, Any] | None = None,
    run_id: str | None = None,
) -> None:
    """Keep a Matplotlib or Plotly figure as a file of the run, in the format its name ends with."""

    def write(place: Path) -> None:
        if hasattr(figure, "savefig"):
            figure.savefig(place, **(save_kwargs or {}))
        elif hasattr(figure, "write_html") and place.suffix == ".html":
            figure.write_html(place, include_plotlyjs="directory")
        elif hasattr(figure, "write_image"):
            figure.write_image(place)
        else:
            raise UsageError(f"{type(figure).__name__} is no figure.", "Give one of Matplotlib or Plotly.")

    log_written(artifact_file, write, run_id)


def log_written(artifact_file: str, write: Callable[[Path], Any], run_id: str | None = None) -> None:
    """Have a file written by `write` in a folder of its own, and keep it as `artifact_file`."""
    folder, _, name = artifact_file.rpartition("/")
    if not name:
        raise UsageError(f"{artifact_file!r} names no file.", "Give something like `notes/report.txt`.")
    folder_of(folder)
    with tempfile.TemporaryDirectory() as place:
        try:
            write(Path(place, name))
        except UnicodeEncodeError:
            raise UsageError(
                f"The text for {artifact_file!r} holds half a letter (a lone surrogate), which no file can.",
                "Encode it with errors='backslashreplace' first.",
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            why = getattr(error, "strerror", None) or error
            raise UsageError(
                f"{artifact_file[:200]!r} cannot be written: {why}.",
                "Give plain values and a short name.",
            ) from None
        log_artifact(Path(place, name), folder, run_id)


def builder(run_id: str | None = None) -> RunBuilder:
    """Where what is logged now goes: an open run, the cell that is executed, or else a new run.

    Raises:
        UsageError: There is none, in a notebook, or none of this id.
    """
    with _changing:
        if run_id is not None:
            for active in _open:
                if active.run_id == run_id:
                    return active.builder
            raise UsageError(
                f"Run {run_id!r} is not open here.", "Log inside `with jupyter_mlops.start_run(run_id=…):`."
            )
        found = _innermost(threading.current_thread()) or _innermost(threading.main_thread())
        if found is None and len({run._thread for run in _open}) == 1:
            found = _open[-1]  # of another thread, and there is no doubt which
        if found is not None:
            return found.builder
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


@atexit.register
def _end_all() -> None:
    """End what is open when the process ends; an exception that ended it was put aside by Python."""
    for active in reversed(_open.copy()):
        end(active, getattr(sys, "last_value", None))


def _forked() -> None:
    """Another thread may have held the lock in the moment of the fork, and is not there to let it go."""
    global _changing  # noqa: PLW0603 — the child's own
    _changing = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
