"""The runs of an MLflow tracking server."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .foreign import ForeignFile, ForeignRun, Point, in_order, status_of, time_of
from .mlflow_client import PAGE, MlflowClient
from .mlflow_terms import NOTE, PARENT, RUN_NAME, SOURCE, dataset_of, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_server(url: str) -> Iterator[ForeignRun]:
    """The runs that are not deleted, oldest first.

    Raises:
        ExchangeError: The server cannot be reached or refuses.
    """
    client = MlflowClient(url)
    experiments = {
        str(found["experiment_id"]): str(found["name"])
        for found in client.pages("experiments/search", "experiments", {"max_results": PAGE})
    }
    for experiment_id, name in experiments.items():
        body = {"experiment_ids": [experiment_id], "max_results": PAGE, "order_by": ["attributes.start_time"]}
        for told in client.pages("runs/search", "runs", body):
            yield _read(client, told, name)


def _read(client: MlflowClient, told: dict[str, Any], experiment: str) -> ForeignRun:
    info, data = told["info"], told.get("data", {})
    run_id = str(info["run_id"])
    tags = {str(tag["key"]): str(tag.get("value", "")) for tag in data.get("tags", [])}
    began = time_of(int(info.get("start_time") or 0))
    assert began is not None  # noqa: S101 — a number is given
    ended = info.get("end_time")
    return ForeignRun(
        tracker="mlflow",
        run_id=run_id,
        experiment=experiment,
        name=str(info.get("run_name") or tags.get(RUN_NAME, "")),
        status=status_of(info.get("status")),
        start_time=began,
        end_time=time_of(int(ended)) if ended else None,
        note=tags.get(NOTE, ""),
        notebook=tags.get(SOURCE, ""),
        parent_id=tags.get(PARENT, ""),
        params={str(param["key"]): str(param.get("value", "")) for param in data.get("params", [])},
        points={
            str(metric["key"]): points_of(client, run_id, str(metric["key"]))
            for metric in data.get("metrics", [])
        },
        tags=tags,
        datasets=tuple(
            dataset_of(
                found.get("dataset", {}),
                {str(tag["key"]): str(tag.get("value", "")) for tag in found.get("tags", [])},
            )
            for found in told.get("inputs", {}).get("dataset_inputs", [])
        ),
        files=[
            *(
                ForeignFile(path, partial(client.file, run_id, path), size)
                for path, size in client.files(run_id)
            ),
            *_models(client, told),
        ],
    )


def points_of(client: MlflowClient, run_id: str, metric: str) -> list[Point]:
    """The values a server has of a metric, in order."""
    return in_order(
        [
            Point(
                int(found.get("step") or 0),
                number_of(found.get("value", 0)),
                int(found.get("timestamp") or 0),
            )
            for found in client.history(run_id, metric)
        ]
    )


def _models(client: MlflowClient, told: dict[str, Any]) -> Iterator[ForeignFile]:
    for output in told.get("outputs", {}).get("model_outputs", []):
        model_id = str(output["model_id"])
        about = client.get(f"logged-models/{model_id}").get("model", {}).get("info", {})
        name = str(about.get("name") or model_id)
        for path, size in client.model_files(model_id):
            read = partial(client.model_file, model_id, path)
            yield ForeignFile(f"models/{name}/{path}", read, size, "model")
