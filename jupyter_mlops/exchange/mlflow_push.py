"""Runs of ours, told to an MLflow server in its own words.

A run pushed once is known there by the tag ``jupyter_mlops.run_id``: pushed again it adds what is new and
changes nothing else. The whole record goes along as the artifact ``jupyter_mlops/run.json``, so that
nothing is lost of what MLflow has no word for.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ArtifactError, ExchangeError
from jupyter_mlops.records import Record, Run, Status, as_json

from . import mlflow_terms as terms
from .foreign import Point, milliseconds_of
from .mlflow_client import MlflowClient
from .mlflow_server import points_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from jupyter_mlops.store import Store

_AT_ONCE = {"metrics": 1_000, "params": 100, "tags": 100}


class Pushed(Record, frozen=True, kw_only=True):
    """What became of one run: its id on the server, whether it was new, changed or known as it is."""

    run_id: str
    mlflow_run_id: str
    outcome: str
    problems: tuple[str, ...] = ()


def push_runs(store: Store, run_ids: Sequence[str], url: str) -> Iterator[Pushed]:
    """Write runs to the MLflow server at `url`, each with its children behind it.

    Yields:
        One answer a run, as it is written.

    Raises:
        ExchangeError: The server cannot be reached or refuses.
        RunNotFoundError: There is no run of that id.
    """
    client = MlflowClient(url)
    there: dict[str, str] = {}
    for run_id in run_ids:
        for each in (run_id, *(child.run_id for child in store.search(parent_id=run_id))):
            if each not in there:
                pushed = _Push(store, client, store.get_run(each), there).push()
                there[each] = pushed.mlflow_run_id
                yield pushed


class _Push:
    def __init__(self, store: Store, client: MlflowClient, run: Run, there: dict[str, str]) -> None:
        self._store = store
        self._client = client
        self._run = run
        self._there = there
        self._problems: list[str] = []

    def push(self) -> Pushed:
        experiment = self._client.experiment_id(self._run.experiment)
        points = dict(self._points())
        record = json.dumps(as_json(self._run), sort_keys=True, allow_nan=False).encode()
        content = hashlib.sha256(record + repr(sorted(points.items())).encode()).hexdigest()
        known = self._find(experiment)
        if known is not None and self._tags_of(known).get(terms.OUR_CONTENT) == content:
            return self._answer(known["info"]["run_id"], "unchanged")
        there = known or self._create(experiment)
        run_id = str(there["info"]["run_id"])
        self._write_facts(run_id, there.get("data", {}), points)
        if self._run.datasets:
            inputs = [terms.dataset_input(dataset) for dataset in self._run.datasets]
            self._client.post("runs/log-inputs", {"run_id": run_id, "datasets": inputs})
        self._write_files(str(there["info"]["artifact_uri"]), record)
        end = {"end_time": milliseconds_of(ended)} if (ended := _end_of(self._run)) else {}
        status = Status(self._run.status).value
        name = {"run_name": self._run.name} if self._run.name else {}
        self._client.post("runs/update", {"run_id": run_id, "status": status, **end, **name})
        # Last: a push that was broken off must not pass for a whole one.
        self._client.post("runs/set-tag", {"run_id": run_id, "key": terms.OUR_CONTENT, "value": content})
        return self._answer(run_id, "changed" if known else "new")

    def _answer(self, run_id: str, outcome: str) -> Pushed:
        return Pushed(
            run_id=self._run.run_id, mlflow_run_id=run_id, outcome=outcome, problems=tuple(self._problems)
        )

    def _find(self, experiment: str) -> dict[str, Any] | None:
        # A run that came from this very server is the one it came from.
        origin = self._run.tags.get("imported.run_id", "")
        conditions = [f"tags.`{terms.OUR_RUN}` = '{self._run.run_id}'"]
        if origin.isalnum():
            conditions.append(f"attributes.run_id = '{origin}'")
        for condition in conditions:
            body = {"experiment_ids": [experiment], "filter": condition, "max_results": 1}
            for found in self._client.post("runs/search", body).get("runs", []):
                return dict(found)
        return None

    def _create(self, experiment: str) -> dict[str, Any]:
        body = {
            "experiment_id": experiment,
            "start_time": milliseconds_of(self._run.start_time),
            "run_name": self._run.name or f"run-{self._run.number}",
            "tags": [{"key": terms.OUR_RUN, "value": self._run.run_id}],
        }
        return dict(self._client.post("runs/create", body)["run"])

    def _tags_of(self, told: dict[str, Any]) -> dict[str, str]:
        return {tag["key"]: tag.get("value", "") for tag in told.get("data", {}).get("tags", [])}

    # -- params, metrics, tags ------------------------------------------------------------------------

    def _write_facts(self, run_id: str, known: dict[str, Any], points: dict[str, list[Point]]) -> None:
        had = {param["key"]: param.get("value", "") for param in known.get("params", [])}
        logged = {metric["key"] for metric in known.get("metrics", [])}
        facts: dict[str, list[dict[str, Any]]] = {"metrics": [], "params": [], "tags": []}
        for key, text in self._params().items():
            if key not in had:
                facts["params"].append({"key": key, "value": text})
            elif had[key] != text:
                self._problems.append(f"param {key}: MLflow keeps {had[key]!r}, a param never changes there")
        for key, values in points.items():
            old = {(point.step, point.milliseconds, repr(point.value))
                   for point in (points_of(self._client, run_id, key) if key in logged else ())}  # fmt: skip
            for point in values:
                if (point.step, point.milliseconds, repr(point.value)) not in old:
                    value = {"value": _json_number(point.value), "timestamp": point.milliseconds}
                    facts["metrics"].append({"key": key, "step": point.step, **value})
        facts["tags"] = [{"key": key, "value": value} for key, value in self._tags().items()]
        for kind, most in _AT_ONCE.items():
            for start in range(0, len(facts[kind]), most):
                batch = {"run_id": run_id, kind: facts[kind][start : start + most]}
                self._client.post("runs/log-batch", batch)

    def _params(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, key in self._names(self._run.params, "param").items():
            text = terms.text_of(self._run.params[name])
            if len(text) > terms.PARAM_LENGTH:
                self._problems.append(f"param {name}: cut to {terms.PARAM_LENGTH} characters")
            found[key] = text[: terms.PARAM_LENGTH]
        return found

    def _points(self) -> Iterator[tuple[str, list[Point]]]:
        began = milliseconds_of(self._run.start_time)
        ended = milliseconds_of(_end_of(self._run) or self._run.start_time)
        for name, key in self._names(self._run.metrics, "metric").items():
            value = self._run.metrics[name]
            if name in self._run.curves:
                curve = self._store.get_curve(self._run.run_id, name)
                told = zip(curve.steps, curve.values, curve.times, strict=True)
                yield (
                    key,
                    [Point(step, value, began + round(1000 * seconds)) for step, value, seconds in told],
                )
                continue
            detail = self._run.metric_details.get(name)
            moment = milliseconds_of(detail.time) if detail and detail.time else ended
            try:
                number = float(value)
            except OverflowError:
                self._problems.append(f"metric {name}: too large a number for MLflow")
                continue
            yield key, [Point(detail.step or 0 if detail else 0, number, moment)]

    def _tags(self) -> dict[str, str]:
        run = self._run
        own = [name for name in run.tags if not name.startswith("imported.")]
        found = {key: run.tags[name][: terms.TAG_LENGTH] for name, key in self._names(own, "tag").items()}
        git = run.environment.git if run.environment else {}
        ours = {
            terms.NOTE: run.note,
            terms.PARENT: self._there.get(run.parent_id, ""),
            terms.SOURCE: run.notebook,
            terms.SOURCE_TYPE: "NOTEBOOK" if run.notebook.endswith(".ipynb") else "",
            terms.COMMIT: str(git.get("commit") or ""),
            terms.OUR_RUN: run.run_id,
            "jupyter_mlops.number": str(run.number),
            "jupyter_mlops.hypothesis": run.hypothesis,
        }
        return found | {key: value[: terms.TAG_LENGTH] for key, value in ours.items() if value}

    def _names(self, names: Iterable[str], kind: str) -> dict[str, str]:
        found = terms.allowed_names(names)
        for name, key in found.items():
            if key != name:
                self._problems.append(f"{kind} {name!r} is {key!r} there: MLflow allows no other characters")
        return found

    # -- files ----------------------------------------------------------------------------------------

    def _write_files(self, artifact_uri: str, record: bytes) -> None:
        files: dict[str, bytes | str] = {terms.OUR_RECORD: record}
        if self._run.source:
            files["code/cell.py"] = self._run.source.encode("utf-8", "backslashreplace")
        files |= {artifact.path: artifact.digest for artifact in self._run.artifacts}
        for path, data in files.items():
            try:
                whole = data if isinstance(data, bytes) else self._store.get_artifact(data)
                self._client.put_file(artifact_uri, path, whole)
            except (ArtifactError, ExchangeError) as error:
                self._problems.append(f"file {path}: {error.message}")


def _end_of(run: Run) -> datetime | None:
    return None if run.duration is None else run.start_time + timedelta(seconds=run.duration)


def _json_number(value: float) -> float | str:
    """A number as MLflow's JSON holds it: what JSON has no number for is a text."""
    if value != value:  # noqa: PLR0124 — only NaN differs from itself
        return "NaN"
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, value)
