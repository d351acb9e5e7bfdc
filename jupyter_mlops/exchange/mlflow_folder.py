"""MLflow's ``mlruns`` folder, read as it lies there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .foreign import ForeignFile, ForeignRun, Point, in_order, status_of, time_of
from .mlflow_terms import NOTE, PARENT, RUN_NAME, SOURCE, dataset_of
from .places import files_below

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_mlops.records import Dataset

#: The numbers the folder has for statuses.
_STATUSES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}


def is_mlflow_folder(folder: Path) -> bool:
    """Whether a folder holds experiments as MLflow lays them out."""
    return any(_experiments(folder))


def read_folder(folder: Path) -> Iterator[ForeignRun]:
    """The runs that are not deleted, oldest first."""
    found: list[tuple[int, str, Path, str]] = []
    for place, experiment in _experiments(folder):
        for about in place.glob("*/meta.yaml"):
            told = _yaml(about)
            if "run_id" in told and told.get("lifecycle_stage", "active") == "active":
                found.append((int(told.get("start_time") or 0), str(told["run_id"]), about, experiment))
    for start, run_id, about, experiment in sorted(found):
        yield _read(about.parent, _yaml(about), run_id, experiment, start)


def _read(place: Path, told: dict[str, Any], run_id: str, experiment: str, start: int) -> ForeignRun:
    tags = _texts(place / "tags")
    began = time_of(start)
    assert began is not None  # noqa: S101 — a number is given
    # The folder may have been moved since: what lies beside the run is meant.
    artifacts = place / "artifacts"
    return ForeignRun(
        tracker="mlflow",
        run_id=run_id,
        experiment=experiment,
        name=str(told.get("run_name") or tags.get(RUN_NAME, "")),
        status=status_of(_STATUSES.get(told.get("status", 3), told.get("status"))),
        start_time=began,
        end_time=time_of(told.get("end_time")),
        note=tags.get(NOTE, ""),
        notebook=tags.get(SOURCE, ""),
        parent_id=tags.get(PARENT, ""),
        params=dict(_texts(place / "params")),
        points={name: _points(file) for name, file in _named(place / "metrics")},
        tags=tags,
        datasets=tuple(_datasets(place)),
        files=[
            *files_below(str(artifacts) if artifacts.is_dir() else str(told.get("artifact_uri", artifacts))),
            *_models(place),
        ],
    )


def _experiments(folder: Path) -> Iterator[tuple[Path, str]]:
    for about in sorted(folder.glob("*/meta.yaml")):
        told = _yaml(about)
        if "experiment_id" in told and "name" in told and told.get("lifecycle_stage") == "active":
            yield about.parent, str(told["name"])


def _named(folder: Path) -> Iterator[tuple[str, Path]]:
    """Files by their name, which may hold slashes."""
    for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file


def _texts(folder: Path) -> dict[str, str]:
    return {name: file.read_text(encoding="utf-8") for name, file in _named(folder)}


def _points(file: Path) -> list[Point]:
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        milliseconds, value, *step = line.split()
        found.append(Point(int(step[0]) if step else 0, float(value), int(milliseconds)))
    return in_order(found)


def _datasets(place: Path) -> Iterator[Dataset]:
    for about in sorted(place.glob("inputs/*/meta.yaml")):
        told = _yaml(about)
        described = place.parent / "datasets" / str(told.get("source_id", "")) / "meta.yaml"
        if told.get("source_type") == "DATASET" and described.is_file():
            yield dataset_of(_yaml(described), {str(k): str(v) for k, v in (told.get("tags") or {}).items()})


def _models(place: Path) -> Iterator[ForeignFile]:
    for about in sorted(place.glob("outputs/*/meta.yaml")):
        model = place.parent / "models" / about.parent.name
        if (model / "meta.yaml").is_file():
            name = str(_yaml(model / "meta.yaml").get("name") or about.parent.name)
            yield from files_below(str(model / "artifacts"), prefix=f"models/{name}/", kind="model")


def _yaml(file: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
