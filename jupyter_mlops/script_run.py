"""A run written by a script: begun early, kept alive by a heartbeat, saved as it grows.

What is logged stays in memory and is saved every few seconds and at the end, so that logging in a
tight loop costs no transaction a call, a panel sees the curve grow, and a process that is killed
leaves a run that says so, with all but its last seconds.
"""

from __future__ import annotations

import hashlib
import logging
import mimetypes
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from . import records
from .api import current_experiment, open_default_store
from .config import load_config
from .errors import MlopsError, StoreError, UsageError
from .records import MetricDetail, ParamDetail, Run, RunWarning, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .config import Mlops
    from .store import Bytes

log = logging.getLogger(__name__)
SAVE_SECONDS = 2.0
TRACEBACK_CHARACTERS = 10_000
BYTES = "application/octet-stream"


def begin(name: str, experiment: str | None, parent_id: str, note: str = "") -> ScriptRun:
    """Write the early row of a new run and start its heartbeat."""
    config = load_config()
    script = _script()
    source = _source(script)
    run = Run(
        run_id=records.new_id(),
        experiment=experiment or current_experiment() or config.resolved_experiment(str(script or "")),
        status=Status.RUNNING,
        start_time=records.now(),
        name=name,
        note=note,
        parent_id=parent_id,
        source=source,
        code_hash=hashlib.sha256(source.encode()).hexdigest() if source else "",
        environment=_environment(),
    )
    try:
        store = open_default_store()
        run = store.begin_run(run, lease_seconds=config.lease_seconds)
    except StoreError as fault:
        # The script goes on; what it logs waits on disk until the store can be written.
        log.warning("Run %s is not saved yet: %s", run.run_id, fault)
        return ScriptRun(run, config, told=True)
    return ScriptRun(run, config)


def resume(ref: str) -> ScriptRun:
    """Open a run that has ended, to add to it.

    Raises:
        RunNotFoundError: There is no such run.
        UsageError: It still runs.
        StoreError: The store cannot be read or written.
    """
    from .api import resolve

    config = load_config()
    store = open_default_store()
    run = store.get_run(resolve(ref))
    if run.status is Status.RUNNING:
        raise UsageError(f"Run {run.run_id} still runs.", "Wait until it has ended, or begin a new one.")
    curves = {name: store.get_curve(run.run_id, name) for name in run.curves}
    again = msgspec.structs.replace(
        run, status=Status.RUNNING, status_reason="", failure=None, duration=None, cells=()
    )
    return ScriptRun(store.save_run(again, lease_seconds=config.lease_seconds), config, curves=curves)


class ScriptRun:
    """A `RunBuilder` that owns its run. Its methods may be called from any thread.

    Args:
        run: As it was begun, or ended once before.
        config: The settings it is kept by.
        told: Whether the user has heard that it is not saved yet.
        curves: What it had before.
    """

    def __init__(
        self,
        run: Run,
        config: Mlops,
        *,
        told: bool = False,
        curves: Mapping[str, records.Curve] | None = None,
    ) -> None:
        from .store import Keeper

        self._told = told
        self._keeper = Keeper(open_default_store, config.resolved_store_url(), config.home())
        self._run = run
        self._config = config
        self._begun = time.monotonic()
        if curves is not None:  # as if it had run all the time since
            self._begun -= max(0.0, (records.now() - run.start_time).total_seconds())
        self._cpu = time.process_time() - (run.cpu_time or 0.0)
        self._params = dict(run.params)
        self._metrics = dict(run.metrics)
        self._details = dict(run.metric_details)
        self._tags = dict(run.tags)
        self._curves = {name: _Points(curve) for name, curve in (curves or {}).items()}
        self._artifacts = {artifact.path: artifact for artifact in run.artifacts}
        self._models = {model.name: model for model in run.models}
        self._datasets = {(dataset.name, dataset.role): dataset for dataset in run.datasets}
        self._files: dict[str, Bytes] = {}
        self._warnings = {warning.message: warning for warning in run.warnings}
        self._changed = False
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._ended = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="jupyter-mlops-heartbeat", daemon=True)
        self._heart.start()

    @property
    def run_id(self) -> str:
        """The run's opaque id."""
        return self._run.run_id

    @property
    def info(self) -> records.RunInfo:
        """Its id, name, experiment and start."""
        return self._run.info

    @property
    def data(self) -> Run:
        """Its parameters, metrics and tags as they stand."""
        with self._lock:
            return msgspec.structs.replace(
                self._run, params=dict(self._params), metrics=dict(self._metrics), tags=dict(self._tags)
            )

    def log_metric(
        self, key: str, value: records.MetricValue, step: int | None, at: float | None = None
    ) -> None:
        """Set a metric; with `step` also add a point to its curve. `at` is in seconds since 1970, or now."""
        seconds = time.monotonic() - self._begun
        moment = records.now()
        if at is not None:
            moment = _moment(key, at)
            seconds = at - self._run.start_time.timestamp()
        with self._lock:
            self._metrics[key] = value
            count = 0
            if step is not None:
                points = self._curves.setdefault(key, _Points())
                points.add(step, float(value), seconds, self._config.curve_points)
                count = points.count
            self._details[key] = MetricDetail(origin="logged", step=step, points=count, time=moment)
            self._changed = True

    def log_param(self, key: str, value: records.ParamValue) -> None:
        """Set a parameter."""
        with self._lock:
            self._params[key] = value
            self._changed = True

    def set_tag(self, key: str, value: str) -> None:
        """Set a tag."""
        with self._lock:
            self._tags[key] = value
            self._changed = True

    def log_artifact(self, path: Path, folder: str) -> None:
        """Keep a copy of a file, or of each file in a folder, below `folder` of the run's files."""
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            name = (Path(folder) / file.relative_to(path.parent)).as_posix()
            size = file.stat().st_size
            if size > self._config.artifact_bytes:
                self._warn(
                    "artifact_too_large",
                    f"{name} has {size} bytes and was not kept.",
                    "Raise c.Mlops.artifact_bytes to keep it.",
                )
                continue
            self._keep(name, file.read_bytes(), mimetypes.guess_type(file.name)[0] or BYTES)

    def log_model(self, model: records.Model, data: bytes) -> None:
        """Keep a model, described, and its bytes in the form that `model` says."""
        from .capture.draft import model_path

        path = model_path(model.name, model.format)
        digest = self._keep(path, data, BYTES, kind="model", model=model.name)
        with self._lock:
            self._models[model.name] = msgspec.structs.replace(model, digest=digest)
            self._changed = True

    def log_dataset(self, dataset: records.Dataset) -> None:
        """Name a table that the run read."""
        with self._lock:
            self._datasets[dataset.name, dataset.role] = dataset
            self._changed = True

    def _keep(self, path: str, data: bytes, media_type: str, *, kind: str = "file", model: str = "") -> str:
        """Put a file away; gives its digest, ``""`` while no store takes it and it waits with the run."""
        try:
            digest = open_default_store().put_artifact(data)
        except MlopsError as fault:
            log.warning("%s is not kept yet: %s", path, fault)
            digest = ""
        with self._lock:
            self._artifacts.pop(path, None)
            self._files.pop(path, None)
            if digest:
                self._artifacts[path] = records.Artifact(
                    path=path, digest=digest, size=len(data), media_type=media_type, kind=kind
                )
            else:
                from .store import Bytes

                self._files[path] = Bytes(path, data, media_type, kind, model)
            self._changed = True
        return digest

    def end(self, error: BaseException | None) -> None:
        """Write the run as it ended: ``FINISHED``, ``FAILED`` by `error` or ``KILLED`` by an interrupt."""
        self._ended.set()
        status, reason, failure = _ending(error)
        try:
            self._save(
                status=status,
                status_reason=reason,
                failure=failure,
                duration=time.monotonic() - self._begun,
                cpu_time=time.process_time() - self._cpu,
            )
        except MlopsError as fault:
            # Raised here it would take the place of the script's own exception, or fail one that ended well.
            log.error("The end of run %s could not be saved: %s", self.run_id, fault)
        self._keeper.close()

    def _beat(self) -> None:
        lease = self._config.lease_seconds
        heard = time.monotonic()
        while not self._ended.wait(min(SAVE_SECONDS, lease / 3)):
            try:
                if self._changed:
                    self._save(duration=time.monotonic() - self._begun)
                elif time.monotonic() - heard >= lease / 3:
                    open_default_store().heartbeat(self.run_id, lease_seconds=lease)
                else:
                    continue
                heard = time.monotonic()
                self._told = False
            except Exception as error:  # noqa: BLE001 a store out of reach for a while must not end the run
                if not self._told:
                    log.warning("Run %s is not saved yet: %s", self.run_id, error)
                self._told = True

    def _save(self, **fields: Any) -> None:
        with self._saving:  # the order of saves is the order of what they hold
            if self._ended.is_set() and "status" not in fields:
                return  # a beat that was overtaken by the end
            with self._lock:
                self._changed = False
                run = msgspec.structs.replace(
                    self._run,
                    params=dict(self._params),
                    param_details={
                        key: self._run.param_details.get(key) or ParamDetail(origin="logged")
                        for key in self._params
                    },
                    metrics=dict(self._metrics),
                    metric_details=dict(self._details),
                    tags=dict(self._tags),
                    curves=tuple(self._curves),
                    artifacts=tuple(self._artifacts.values()),
                    models=tuple(self._models.values()),
                    datasets=tuple(self._datasets.values()),
                    warnings=tuple(self._warnings.values()),
                    **fields,
                )
                curves = {key: points.curve() for key, points in self._curves.items()}
                files = list(self._files.values())
            if "status" in fields:
                from .store import Waiting

                self._keeper.save(Waiting(run, curves, files))
                return
            try:
                open_default_store().save_run(run, curves=curves, lease_seconds=self._config.lease_seconds)
            except Exception:
                self._changed = True
                raise

    def _warn(self, code: str, message: str, hint: str) -> None:
        with self._lock:
            self._warnings[message] = RunWarning(
                code=code, message=message, hint=hint, severity=Severity.WARNING
            )
            self._changed = True


class _Points:
    """A curve that grows; beyond twice its bound it is thinned, keeping its shape."""

    def __init__(self, known: records.Curve | None = None) -> None:
        # Step, value and time of a point stand or fall together, should an interrupt come in between.
        self._points: list[tuple[int, float, float]] = []
        if known is not None:
            self._points = list(zip(known.steps, known.values, known.times, strict=True))
        self.count = known.count if known is not None else 0

    def add(self, step: int, value: float, seconds: float, bound: int) -> None:
        self._points.append((step, value, seconds))
        self.count += 1
        if len(self._points) > 2 * bound:
            from .capture.loops import thin

            self._points = [
                self._points[index] for index in thin([value for _, value, _ in self._points], bound)
            ]

    def curve(self) -> records.Curve:
        return records.Curve(
            steps=[step for step, _, _ in self._points],
            values=[value for _, value, _ in self._points],
            times=[seconds for _, _, seconds in self._points],
            count=max(self.count, len(self._points)),
        )


def _ending(error: BaseException | None) -> tuple[Status, str, records.Failure | None]:
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return Status.FINISHED, "", None
    if isinstance(error, KeyboardInterrupt):
        return Status.KILLED, "interrupted", None
    trace = "".join(traceback.format_exception(error))
    last = traceback.extract_tb(error.__traceback__)[-1:]
    failure = records.Failure(
        kind=type(error).__name__,
        message=str(error),
        line=last[0].lineno if last else None,
        traceback=trace[-TRACEBACK_CHARACTERS:],
    )
    return Status.FAILED, "", failure


def _moment(key: str, at: float) -> datetime:
    try:
        return datetime.fromtimestamp(at, UTC)
    except (OverflowError, OSError, ValueError):
        raise UsageError(
            f"The time of metric {key!r} is none: {at}.", "Give milliseconds since 1970."
        ) from None


def _script() -> Path | None:
    """The file that is being run, or None in an interactive session."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file) if file else None


def _source(script: Path | None) -> str:
    try:
        return script.read_text(encoding="utf-8") if script else ""
    except (OSError, ValueError):
        return ""


def _environment() -> records.Environment | None:
    """Where the script runs, or None if that cannot be found out: it must not stop the script."""
    try:
        from .capture.environment import describe_environment

        return describe_environment(vars(sys.modules["__main__"]), directory=str(Path.cwd()))
    except Exception as error:  # noqa: BLE001 no fault of ours may stop the user's script
        log.warning("The environment could not be described: %s", error)
        return None
