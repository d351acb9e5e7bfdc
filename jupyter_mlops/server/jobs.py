"""Exports in the background: one at a time, each a job that can be asked about."""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops import records
from jupyter_mlops.errors import MlopsError, RunNotFoundError

from .contract import ExportJob, PipelineVersion

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from jupyter_mlops.store import Store

KEPT_JOBS = 200
ENDED = ("done", "failed")
log = logging.getLogger(__name__)


class ExportJobs:
    """The exports of this server since it started.

    They run one after the other in one thread: a proof uses all cores anyway. The thread is a
    daemon, so that a stopping server does not wait for a proof; a version is written complete or
    not at all, so nothing half-made stays behind.
    """

    def __init__(self, on_wire: Callable[[records.PipelineVersion], PipelineVersion]) -> None:
        self._on_wire = on_wire
        self._jobs: dict[str, ExportJob] = {}
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[tuple[str, Store, Path, bool]] = queue.SimpleQueue()
        self._worker: threading.Thread | None = None

    def submit(
        self, store: Store, run_id: str, name: str, directory: Path, *, environment: bool = False
    ) -> ExportJob:
        """Queue the export of a run to a pipeline `name` in `directory` and return its job."""
        job = ExportJob(job_id=records.new_id(), state="queued", run_id=run_id, name=name)
        with self._lock:
            self._jobs[job.job_id] = job
            ended = [key for key, kept in self._jobs.items() if kept.state in ENDED]
            for key in ended[: max(0, len(self._jobs) - KEPT_JOBS)]:
                del self._jobs[key]
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="jupyter-mlops-export", daemon=True)
                self._worker.start()
        self._queue.put((job.job_id, store, directory, environment))
        return job

    def get(self, job_id: str) -> ExportJob:
        """How a job stands.

        Raises:
            RunNotFoundError: This server knows no such job.
        """
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise RunNotFoundError(
                f"This server knows no export {job_id}.",
                "Look at the pipelines: an export that ended before the server was started again is there.",
            )
        return job

    def _work(self) -> None:
        while True:
            self._export(*self._queue.get())

    def _export(self, job_id: str, store: Store, directory: Path, environment: bool) -> None:
        job = self._change(job_id, state="running")
        try:
            from jupyter_mlops.export import export_run

            version = export_run(
                store,
                job.run_id,
                job.name,
                directory,
                environment=environment,
                progress=lambda text: self._note(job_id, text),
            )
        except MlopsError as error:
            self._fail(job_id, error.code, error.message, error.hint)
        except Exception as error:
            log.exception("The export of run %s failed.", job.run_id)
            self._fail(job_id, "internal", f"{type(error).__name__}: {error}", "See the server's log.")
        else:
            self._change(job_id, state="done", version=self._on_wire(version))

    def _note(self, job_id: str, text: str) -> None:
        with self._lock:
            job = self._jobs[job_id]
            self._jobs[job_id] = msgspec.structs.replace(job, progress=(*job.progress, text))

    def _fail(self, job_id: str, code: str, message: str, hint: str) -> None:
        self._change(job_id, state="failed", error={"code": code, "message": message, "hint": hint})

    def _change(self, job_id: str, **fields: Any) -> ExportJob:
        with self._lock:
            job = msgspec.structs.replace(self._jobs[job_id], **fields)
            self._jobs[job_id] = job
        return job
