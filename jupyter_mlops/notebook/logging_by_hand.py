"""``mlops.log_metric`` and its kin inside a tracked cell: they add to the cell's own run."""

from __future__ import annotations

import mimetypes
from time import perf_counter, time
from typing import TYPE_CHECKING

from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mlops.capture.recorder import Open, Recorder
    from jupyter_mlops.records import Dataset, MetricValue, Model, ParamValue

MODEL_TYPE = "application/octet-stream"


class CellBuilder:
    """Hands what is logged to the run of the cell that is being executed."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def log_metric(self, key: str, value: MetricValue, step: int | None, at: float | None) -> None:
        """Set a metric; with `step` also add a point to its curve. `at` is in seconds since 1970, or now."""
        opened = self._open()
        points = opened.logged.points.setdefault(key, [])
        ago = 0.0 if at is None else time() - at
        points.append((len(points) if step is None else step, value, perf_counter() - opened.clock - ago))

    def log_param(self, key: str, value: ParamValue) -> None:
        """Set a parameter."""
        self._open().logged.params[key] = value

    def set_tag(self, key: str, value: str) -> None:
        """Set a tag."""
        self._open().logged.tags[key] = value

    def log_artifact(self, path: Path, folder: str) -> None:
        """Keep a copy of the file at `path`, or of each file in it, below `folder` of the run's files."""
        from jupyter_mlops.capture.draft import Blob

        opened = self._open()
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        for file in files:
            media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            name = file.name if file == path else f"{path.name}/{file.relative_to(path).as_posix()}"
            name = f"{folder}/{name}" if folder else name
            opened.logged.blobs.append(Blob(name, file.read_bytes(), media_type, "file"))

    def log_model(self, model: Model, data: bytes) -> None:
        """Keep a model, described, and its bytes in the form that `model` says."""
        from jupyter_mlops.capture.draft import Blob, model_path

        logged = self._open().logged
        logged.models.append(model)
        logged.blobs.append(Blob(model_path(model.name, model.format), data, MODEL_TYPE, "model"))

    def log_dataset(self, dataset: Dataset) -> None:
        """Name a table that the run read."""
        self._open().logged.datasets.append(dataset)

    def _open(self) -> Open:
        if self._recorder.open is None:
            raise UsageError(
                "Nothing is being tracked here.",
                "Begin the cell with %%track, or log inside `with jupyter_mlops.start_run():`.",
            )
        return self._recorder.open
