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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from . import records
from .api import current_experiment, open_default_store
from .config import load_config
from .errors import MlopsError, StoreError
from .records import MetricDetail, ParamDetail, Run, RunWarning, Severity, Status

if TYPE_CHECKING:
    from .config import Mlops
    from .tracking import RunInfo

log = logging.getLogger(__name__)
SAVE_SECONDS = 2.0
TRACEBACK_CHARACTERS = 10_000


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


class ScriptRun:
    """A `RunBuilder` that owns its run. Its methods may be called from any thread."""

    def __init__(self, run: Run, config: Mlops, *, told: bool = False) -> None:
        from .store import Keeper

        self._told = told
        self._keeper = Keeper(open_default_store, config.resolved_store_url(), config.home())
        self._run = run
        self._config = config
        self._begun = time.monotonic()
        self._cpu = time.process_time()
        self._params: dict[str, records.ParamValue] = {}
        self._metrics: dict[str, records.MetricValue] = {}
        self._details: dict[str, MetricDetail] = {}
        self._tags: dict[str, str] = {}
        self._curves: dict[str, _Points] = {}
        self._artifacts: dict[str, records.Artifact] = {}
        self._warnings: dict[str, RunWarning] = {}
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
    def info(self) -> RunInfo:
        """Its id, name, experiment and start."""
        from .tracking import RunInfo

        run = self._run
        return RunInfo(
            run_id=run.run_id, run_name=run.name, experiment=run.experiment, start_time=run.start_time
        )

    def log_metric(self, key: str, value: records.MetricValue, step: int | None) -> None:
        """Set a metric; with `step` also add a point to its curve."""
        seconds = time.monotonic() - self._begun
        with self._lock:
            self._metrics[key] = value
            count = 0
            if step is not None:
                points = self._curves.setdefault(key, _Points())
                points.add(step, float(value), seconds, self._config.curve_points)
                count = points.count
            self._details[key] = MetricDetail(origin="logged", step=step, points=count, time=records.now())
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
            digest = open_default_store().put_artifact(file.read_bytes())
            media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            with self._lock:
                self._artifacts[name] = records.Artifact(
                    path=name, digest=digest, size=size, media_type=media_type
                )
                self._changed = True

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
                    param_details={key: ParamDetail(origin="logged") for key in self._params},
                    metrics=dict(self._metrics),
                    metric_details=dict(self._details),
                    tags=dict(self._tags),
                    curves=tuple(self._curves),
                    artifacts=tuple(self._artifacts.values()),
                    warnings=tuple(self._warnings.values()),
                    **fields,
                )
                curves = {key: points.curve() for key, points in self._curves.items()}
            if "status" in fields:
                from .store import Waiting

                self._keeper.save(Waiting(run, curves))
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

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.values: list[float] = []
        self.times: list[float] = []
        self.count = 0

    def add(self, step: int, value: float, seconds: float, bound: int) -> None:
        self.count += 1
        self.steps.append(step)
        self.values.append(value)
        self.times.append(seconds)
        if len(self.values) > 2 * bound:
            from .capture.loops import thin

            kept = thin(self.values, bound)
            self.steps = [self.steps[index] for index in kept]
            self.times = [self.times[index] for index in kept]
            self.values = [self.values[index] for index in kept]

    def curve(self) -> records.Curve:
        return records.Curve(
            steps=list(self.steps), values=list(self.values), times=list(self.times), count=self.count
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
