"""MLflow's own names: which of its tags mean what, and what it allows in a name or a value."""

from __future__ import annotations

import json
import math
import re
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Column, Dataset, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RUN_NAME = "mlflow.runName"
NOTE = "mlflow.note.content"
PARENT = "mlflow.parentRunId"
SOURCE = "mlflow.source.name"
SOURCE_TYPE = "mlflow.source.type"
COMMIT = "mlflow.source.git.commit"
USER = "mlflow.user"
CONTEXT = "mlflow.data.context"
#: Ours, in MLflow: which run of ours this is, and a hash of what was pushed of it.
OUR_RUN = "jupyter_mlops.run_id"
OUR_CONTENT = "jupyter_mlops.content"
OUR_RECORD = "jupyter_mlops/run.json"
OURS = (OUR_RUN, OUR_CONTENT, "jupyter_mlops.number", "jupyter_mlops.hypothesis")

KEY_LENGTH = 250
PARAM_LENGTH = 6_000
TAG_LENGTH = 8_000
DIGEST_LENGTH = 36
_REFUSED = re.compile(r"[^\w\-. :/]", re.ASCII)
_ROLES = {
    "training": "train",
    "train": "train",
    "test": "test",
    "testing": "test",
    "validation": "validation",
    "eval": "test",
    "evaluation": "test",
}
_CONTEXTS = {"train": "training", "test": "testing", "validation": "validation"}


def allowed_name(name: str, taken: Iterable[str] = ()) -> str:
    """The nearest name MLflow takes for a param, metric or tag, and that is not `taken`."""
    plain = _REFUSED.sub("_", name).strip("/ ")[:KEY_LENGTH] or "_"
    # MLflow takes names for paths: they may not be absolute, nor walk about.
    plain = "/".join(part if part.strip(".") else "_" * max(1, len(part)) for part in plain.split("/"))
    known, number, found = set(taken), 1, plain
    while found in known:
        number += 1
        found = f"{plain[: KEY_LENGTH - 6]}_{number}"
    return found


def allowed_names(names: Iterable[str]) -> dict[str, str]:
    """Each name with the one it has in MLflow; the same for the same names in the same order."""
    found: dict[str, str] = {}
    for name in names:
        found[name] = allowed_name(name, found.values())
    return found


def text_of(value: Any) -> str:
    """A parameter's value as MLflow holds it: a text."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)


def number_of(value: float | str) -> float:
    """A metric's value; MLflow's database holds the largest number there is for an infinite one."""
    number = float(value)
    return math.copysign(math.inf, number) if abs(number) == sys.float_info.max else number


def value_of(text: str) -> Any:
    """The number, truth value or None that a parameter's text stands for, if it is exactly its text."""
    for kind in (int, float):
        try:
            value: Any = kind(text)
        except ValueError:
            continue
        if str(value) == text:
            return value
    return {"True": True, "False": False, "None": None}.get(text, text)


def dataset_of(told: Mapping[str, Any], tags: Mapping[str, str]) -> Dataset:
    """A dataset from MLflow's ``name, digest, source_type, source, schema, profile`` and its input's tags."""
    source, schema, profile = (_json(told.get(part)) for part in ("source", "schema", "profile"))
    spec = schema.get("mlflow_colspec")
    columns = tuple(
        Column(
            name=str(column.get("name", number)),
            dtype=str(column.get("type", "")),
            nullable=not column.get("required", False),
        )
        for number, column in enumerate(spec if isinstance(spec, list) else ())
        if isinstance(column, dict)
    )
    rows = profile.get("num_rows", 0)
    return Dataset(
        name=str(told.get("name", "")),
        fingerprint=str(told.get("digest", "")),
        kind="table" if columns else "dataset",
        rows=rows if isinstance(rows, int) else 0,
        columns=columns,
        role=_ROLES.get(tags.get(CONTEXT, "").lower(), "input"),
        location=str(source.get("uri") or source.get("path") or source.get("url") or ""),
        loader=str(told.get("source_type", "")),
    )


def dataset_input(dataset: Dataset) -> dict[str, Any]:
    """A dataset as an entry of MLflow's ``runs/log-inputs``."""
    spec = [
        {"name": column.name, "type": _type_of(column.dtype), "required": not column.nullable}
        for column in dataset.columns
    ]
    told = {
        "name": dataset.name[:KEY_LENGTH] or "data",
        "digest": dataset.fingerprint.rpartition(":")[2][:DIGEST_LENGTH] or "unknown",
        "source_type": "local" if dataset.location else "code",
        "source": json.dumps({"uri": dataset.location} if dataset.location else {"tags": {}}),
        "profile": json.dumps({"num_rows": dataset.rows, "shape": list(dataset.shape)}),
    }
    if spec and len(text := json.dumps({"mlflow_colspec": spec})) < 60_000:
        told["schema"] = text
    context = _CONTEXTS.get(dataset.role, dataset.role)
    return {"dataset": told, "tags": [{"key": CONTEXT, "value": context}]}


def _type_of(dtype: str) -> str:
    """MLflow's column type for a dtype; what it has no type for is a string."""
    name = dtype.lower()
    for part, kind in (("int64", "long"), ("int", "integer"), ("float32", "float"), ("float", "double"),
                       ("double", "double"), ("bool", "boolean"), ("datetime", "datetime"), ("long", "long"),
                       ("bytes", "binary")):  # fmt: skip
        if part in name:
            return kind
    return "string"


def _json(text: object) -> dict[str, Any]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def record_of(data: bytes) -> Run | None:
    """The run that a ``run.json`` of ours holds, or None if it holds none."""
    try:
        told = json.loads(data)
        # What JSON has no number for is a text there, as `records.as_json` makes it.
        told["metrics"] = {name: float(value) if isinstance(value, str) else value
                           for name, value in told["metrics"].items()}  # fmt: skip
        return msgspec.convert(told, Run)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
