"""Runs of other trackers made ours.

A run keeps the id it had in its tag ``imported.run_id``, so that importing again leaves it alone, or
brings it up to date if it still ran. A run that once went from here to MLflow comes back as itself.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlops import records
from jupyter_mlops.errors import ArtifactError, ExchangeError, RunNotFoundError, UsageError
from jupyter_mlops.records import (
    Artifact,
    Curve,
    MetricDetail,
    ParamDetail,
    Record,
    Run,
    RunWarning,
    Status,
)

from . import mlflow_terms as terms
from .exptrack_database import is_exptrack_database, read_exptrack
from .foreign import ForeignFile, ForeignRun, Point, time_of
from .mlflow_database import is_mlflow_database, read_database
from .mlflow_folder import is_mlflow_folder, read_folder
from .mlflow_server import read_server
from .wandb_folder import offline_runs, read_wandb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_mlops.store import Store

FROM = "imported.from"
RUN_ID = "imported.run_id"


class Imported(Record, frozen=True, kw_only=True):
    """What became of one run: ``new``, ``changed`` (it still ran when last seen) or ``unchanged``."""

    run_id: str
    number: int
    experiment: str
    source_run_id: str
    outcome: str
    problems: tuple[str, ...] = ()


def import_runs(
    store: Store, source: str, *, experiment: str | None = None, artifact_bytes: int = 100_000_000
) -> Iterator[Imported]:
    """Read the runs at `source` into the store, oldest first.

    Args:
        store: Where they go.
        source: ``http(s)://…`` of an MLflow server, an MLflow or exptrack SQLite file, an ``mlruns`` folder,
            a project's folder that holds one of these, or a ``wandb`` folder with offline runs.
        experiment: Put all of them into this one; default: each into that of its name.
        artifact_bytes: Files larger than this are left where they are.

    Yields:
        One answer a run, as it is stored.

    Raises:
        UsageError: There is nothing at `source` that can be read.
        ExchangeError: A server cannot be reached or refuses.
    """
    found = _read(source)
    known = {
        (summary.tags.get(FROM, ""), summary.tags[RUN_ID]): summary.run_id
        for deleted in (False, True)
        for summary in store.search(f"tags.`{RUN_ID}` LIKE '%'", include_children=True, deleted=deleted)
    }
    ours: dict[str, str] = {}
    early: list[ForeignRun] = []
    for foreign in found:
        if foreign.parent_id and foreign.parent_id not in ours:
            early.append(foreign)  # its parent may come yet
            continue
        yield _Import(store, foreign, known, ours, experiment, artifact_bytes).store()
    while early:
        ready = [foreign for foreign in early if foreign.parent_id in ours] or early
        early = [foreign for foreign in early if foreign not in ready]
        for foreign in ready:
            yield _Import(store, foreign, known, ours, experiment, artifact_bytes).store()


def _read(source: str) -> Iterator[ForeignRun]:
    if source.startswith(("http://", "https://")):
        return read_server(source)
    path = Path(source.removeprefix("sqlite:///").removeprefix("file://")).expanduser()
    if not path.exists():
        raise UsageError(
            f"There is nothing at {str(path)!r}.", "Give an MLflow server's URL, a database or a folder."
        )
    databases = [path] if path.is_file() else [path / "mlflow.db", path / ".exptrack" / "experiments.db",
                                               path / "experiments.db"]  # fmt: skip
    for file in databases:
        if file.is_file() and is_mlflow_database(file):
            return read_database(file)
        if file.is_file() and is_exptrack_database(file):
            return read_exptrack(file)
    for folder in (path, path / "mlruns"):
        if folder.is_dir() and is_mlflow_folder(folder):
            return read_folder(folder)
    if path.is_dir() and offline_runs(path):
        return read_wandb(path)
    raise UsageError(
        f"{str(path)!r} holds no runs of MLflow, exptrack or W&B.",
        "Give a server's URL, mlflow.db, an mlruns folder, .exptrack/experiments.db or a wandb folder.",
    )


class _Import:
    def __init__(
        self,
        store: Store,
        foreign: ForeignRun,
        known: dict[tuple[str, str], str],
        ours: dict[str, str],
        experiment: str | None,
        artifact_bytes: int,
    ) -> None:
        self._store = store
        self._foreign = foreign
        self._known = known
        self._ours = ours
        self._experiment = experiment or foreign.experiment
        self._limit = artifact_bytes
        self._problems: list[str] = []

    def store(self) -> Imported:
        foreign = self._foreign
        record = self._record()
        run_id = record.run_id if record else self._known.get((foreign.tracker, foreign.run_id), "")
        self._ours[foreign.run_id] = run_id
        there = self._there(run_id)
        if there is not None and (record is not None or there.status is not Status.RUNNING):
            return self._answer(there, "unchanged")
        names = terms.allowed_names(record.metrics) if record else {name: name for name in foreign.points}
        curves = {name: curve for name, key in names.items()
                  if (curve := self._curve(foreign.points.get(key, [])))}  # fmt: skip
        run = self._run(record, run_id or records.new_id(), curves)
        self._ours[foreign.run_id] = run.run_id
        saved = self._store.save_run(run, curves=curves)
        return self._answer(saved, "new" if there is None else "changed")

    def _answer(self, run: Run, outcome: str) -> Imported:
        return Imported(
            run_id=run.run_id,
            number=run.number,
            experiment=run.experiment,
            source_run_id=self._foreign.run_id,
            outcome=outcome,
            problems=tuple(self._problems),
        )

    def _there(self, run_id: str) -> Run | None:
        try:
            return self._store.get_run(run_id) if run_id else None
        except RunNotFoundError:
            return None

    def _record(self) -> Run | None:
        """The whole record of a run that was pushed from here."""
        if terms.OUR_RUN not in self._foreign.tags:
            return None
        for file in self._foreign.files:
            if file.path == terms.OUR_RECORD and (data := self._bytes(file)) is not None:
                found = terms.record_of(data)
                return found if found and found.run_id == self._foreign.tags[terms.OUR_RUN] else None
        return None

    def _run(self, record: Run | None, run_id: str, curves: dict[str, Curve]) -> Run:
        foreign = self._foreign
        duration = (foreign.end_time - foreign.start_time).total_seconds() if foreign.end_time else None
        last = {name: points[-1] for name, points in foreign.points.items() if points}
        params = {name: self._param(value) for name, value in foreign.params.items()}
        plain = Run(
            run_id=run_id,
            experiment=self._experiment,
            status=foreign.status,
            start_time=foreign.start_time,
            duration=duration,
            name=foreign.name,
            note=foreign.note,
            notebook=foreign.notebook,
            parent_id=self._ours.get(foreign.parent_id, ""),
            source=foreign.source,
            params=params,
            param_details={name: ParamDetail(origin="logged") for name in params},
            metrics={name: point.value for name, point in last.items()},
            metric_details={
                name: MetricDetail(
                    origin="logged",
                    step=point.step,
                    points=len(foreign.points[name]) if name in curves else 0,
                    time=time_of(point.milliseconds),
                )
                for name, point in last.items()
            },
            curves=tuple(curves),
            tags={**foreign.tags, FROM: foreign.tracker, RUN_ID: foreign.run_id},
            datasets=foreign.datasets,
            artifacts=tuple(self._artifacts()),
            warnings=tuple(
                RunWarning(code="import_incomplete", message=problem) for problem in self._problems
            ),
        )
        if record is None:
            return plain
        tags = {key: value for key, value in foreign.tags.items()
                if key not in terms.OURS and not key.startswith("mlflow.")}  # fmt: skip
        return msgspec.structs.replace(
            record,
            number=0 if self._experiment != record.experiment else record.number,
            experiment=self._experiment,
            tags={**record.tags, **tags},
            note=foreign.note or record.note,
            artifacts=plain.artifacts,
            warnings=(*record.warnings, *plain.warnings),
        )

    def _param(self, value: object) -> records.ParamValue:
        # MLflow holds every parameter as a text.
        return terms.value_of(value) if isinstance(value, str) else value  # type: ignore[return-value]

    def _curve(self, points: list[Point]) -> Curve | None:
        if len(points) < 2:
            return None
        began = self._foreign.start_time.timestamp()
        return Curve(
            steps=[point.step for point in points],
            values=[point.value for point in points],
            times=[round(point.milliseconds / 1000 - began, 3) for point in points],
            count=len(points),
        )

    # -- files ----------------------------------------------------------------------------------------

    def _artifacts(self) -> Iterator[Artifact]:
        for file in self._foreign.files:
            if file.path == terms.OUR_RECORD or (data := self._bytes(file)) is None:
                continue
            try:
                digest = self._store.put_artifact(data)
            except ArtifactError as error:
                self._problems.append(f"{file.path} was not kept: {error.message}")
                continue
            media_type = mimetypes.guess_type(file.path)[0] or "application/octet-stream"
            kind = "figure" if file.kind == "file" and media_type.startswith("image/") else file.kind
            yield Artifact(path=file.path, digest=digest, size=len(data), media_type=media_type, kind=kind)

    def _bytes(self, file: ForeignFile) -> bytes | None:
        if file.size is not None and file.size > self._limit:
            self._problems.append(f"{file.path} has {file.size} bytes and was left where it is.")
            return None
        try:
            data = file.read()
        except (OSError, ExchangeError) as error:
            self._problems.append(f"{file.path} could not be read: {error}")
            return None
        return data if len(data) <= self._limit else None
