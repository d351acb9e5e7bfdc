"""What a script written for MLflow calls beside logging: experiments, tables, models, pictures.

A call means here what it means there, as far as the store has a word for it. What MLflow does by itself
(``autolog``) is done in notebooks by ``%track on`` and not in scripts: such calls warn, once, and do nothing.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from typing import TYPE_CHECKING, Any

import msgspec

from . import api, tracking
from .errors import UsageError
from .logged import json_of
from .records import Model, ModelInput, Record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .records import Dataset, Run
    from .tracking import Experiment

_MODEL_URI = re.compile(r"runs:/+([^/]+)/(?:models/)?(.+?)/*")
_told: set[str] = set()


# -- experiments and runs ---------------------------------------------------------------------------------


def create_experiment(name: str, *_: Any, **__: Any) -> str:
    """Nothing needs to be created: an experiment is there with its first run. Gives its id, the name."""
    if not isinstance(name, str) or not name.strip():
        raise UsageError(f"{name!r} is no name of an experiment.", "Give a text that is not empty.")
    return name


def get_experiment(experiment_id: str) -> Experiment:
    """The experiment of this name, whether it has runs or not."""
    return tracking.Experiment(create_experiment(experiment_id))


def get_experiment_by_name(name: str) -> Experiment | None:
    """The experiment of this name, or None if it has no runs."""
    known = api.open_default_store().count(experiment=create_experiment(name))
    return tracking.Experiment(name) if known else None


def last_active_run() -> Run | None:
    """The run that this process has open, or the last one it had; None if it had none."""
    active = tracking.active_run()
    run_id = active.run_id if active is not None else tracking.last_run_id
    return api.get_run(run_id) if run_id else None


def get_tracking_uri() -> str:
    """The URL of the store, without a password."""
    from .store import redacted

    return redacted(api.open_default_store().url)


# -- what does nothing here -------------------------------------------------------------------------------


def _does_nothing(name: str) -> None:
    if name not in _told:
        _told.add(name)
        warnings.warn(
            f"jupyter_mlops: {name}() does nothing here. In a notebook `%track on` captures by itself; "
            "in a script log what matters.",
            stacklevel=3,
        )


def autolog(*_: Any, **__: Any) -> None:
    """Warn, once, that nothing is logged by itself in a script."""
    _does_nothing("autolog")


def enable_system_metrics_logging() -> None:
    """Warn, once, that system metrics are not kept."""
    _does_nothing("enable_system_metrics_logging")


# -- files ------------------------------------------------------------------------------------------------


def log_image(
    image: Any,
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: float | None = None,
    synchronous: bool | None = None,
) -> None:
    """Keep a picture as a file of the run.

    Args:
        image: A PIL image, or an array of shape (height, width) or (height, width, 1, 3 or 4), of integers
            from 0 to 255 or floats from 0 to 1.
        artifact_file: The file's name, such as ``plots/digit.png``.
        key: Instead of it: the file is ``images/KEY_STEP.png``.
        step: See `key`.
        timestamp: As MLflow has it; the run knows when it was written.
        synchronous: Makes no difference.

    Raises:
        UsageError: It is no picture, or neither `artifact_file` nor `key` is given.
    """
    name = artifact_file or (key and f"images/{key}_{step or 0}.png")
    if not name:
        raise UsageError("The picture has no name.", "Give `artifact_file` or `key`.")

    def write(place: Path) -> None:
        if hasattr(image, "save"):
            image.save(place)
            return
        import numpy as np

        data = np.asarray(image)
        if data.ndim == 3 and data.shape[2] == 1:
            data = data[:, :, 0]
        if data.dtype.kind == "f":
            data = (np.clip(data, 0, 1) * 255).round()
        if data.dtype.kind not in "biuf" or data.ndim not in (2, 3):
            raise UsageError(
                f"A {type(image).__name__} of shape {data.shape} is no picture.",
                "Give an array of pixels or a PIL image.",
            )
        try:
            from PIL import Image
        except ImportError:
            raise UsageError("To keep arrays as pictures needs Pillow.", "pip install pillow") from None
        Image.fromarray(data.astype("uint8")).save(place)

    tracking.log_written(name, write)


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:
    """Keep a table (a dict of columns, or a pandas frame) as a file of the run, ``.json`` or ``.parquet``."""

    def write(place: Path) -> None:
        import pandas as pd

        frame = data if isinstance(data, pd.DataFrame) else pd.DataFrame(data)
        if place.suffix == ".parquet":
            frame.to_parquet(place)
        else:
            split = {"columns": list(frame.columns), "data": frame.astype(object).values.tolist()}
            place.write_text(json.dumps(split, default=json_of), encoding="utf-8")

    tracking.log_written(artifact_file, write, run_id)


# -- tables that a run read -------------------------------------------------------------------------------


class Table:
    """A table with the name and the place it came from; made by ``mlflow.data.from_…``."""

    def __init__(self, value: Any, source: Any = None, name: str | None = None, **_: Any) -> None:
        self.value = value
        self.source = source if isinstance(source, (str, os.PathLike)) else ""
        self.name = name or "dataset"

    def described(self, role: str) -> Dataset:
        """Its fingerprint, shape and columns; UsageError for what is no table."""
        from .capture.dataset import describe_dataset
        from .capture.fingerprint import fingerprint

        found = describe_dataset(self.name, self.value, role=role, fingerprint=fingerprint)
        if found is None:
            raise UsageError(
                f"A {type(self.value).__name__} is no table.", "Give a pandas frame or an array."
            )
        return msgspec.structs.replace(found, location=os.fspath(self.source))


class _Data:
    """``mlflow.data``: tables to be named by `log_input`."""

    @staticmethod
    def from_pandas(
        df: Any, source: Any = None, targets: Any = None, name: str | None = None, **_: Any
    ) -> Table:
        """A pandas frame as something to log."""
        return Table(df, source, name)

    @staticmethod
    def from_numpy(
        features: Any,
        source: Any = None,
        targets: Any = None,
        name: str | None = None,
        **_: Any,
    ) -> Table:
        """An array as something to log."""
        return Table(features, source, name)

    from_polars = from_pandas


data = _Data()


def log_input(dataset: Any, context: str | None = None, tags: Mapping[str, str] | None = None) -> None:
    """Name a table that the run read, with fingerprint, shape and columns.

    Args:
        dataset: What ``mlflow.data.from_pandas`` gave, or the frame or array itself.
        context: ``train``, ``test`` …
        tags: Set as tags ``dataset.NAME.KEY`` of the run.
    """
    table = dataset if isinstance(dataset, Table) else Table(dataset)
    role = {"training": "train", "testing": "test", "eval": "test"}.get(context or "", context) or "input"
    builder = tracking.builder()
    builder.log_dataset(table.described(role))
    for key, value in (tags or {}).items():
        builder.set_tag(f"dataset.{table.name}.{key}", str(value))


# -- models -----------------------------------------------------------------------------------------------


class LoggedModel(Record, frozen=True, kw_only=True):
    """What `log_model` kept, and where `load_model` finds it again."""

    name: str
    run_id: str
    model_uri: str


class Flavor:
    """``mlflow.sklearn`` and its like: all of them keep and load models in the same way."""

    def __init__(self, name: str) -> None:
        self.name = name

    def log_model(
        self,
        model: Any = None,
        artifact_path: str | None = None,
        *,
        name: str | None = None,
        signature: Any = None,
        input_example: Any = None,
        **more: Any,
    ) -> LoggedModel:
        """Keep a model with the run, in the form the capture keeps models in.

        Args:
            model: The model; ``sk_model=`` and the like will do.
            artifact_path: Its name.
            name: The same.
            signature: What `infer_signature` gave.
            input_example: Rows as the model is fitted on.
            more: What MLflow's have besides; a registry is not among it.

        Raises:
            UsageError: It cannot be kept: of no library that is known, too large, not to be pickled.
        """
        if model is None:
            model = next((value for key, value in more.items() if key.endswith(_MODEL_ARGUMENTS)), None)
        return log_model(model, artifact_path, name=name, signature=signature, input_example=input_example)

    def load_model(self, model_uri: str, *_: Any, **__: Any) -> Any:
        """Load the model that ``runs:/RUN/NAME`` names. Unpickling runs code: see `api.load_model`."""
        return load_model(model_uri)

    def autolog(self, *_: Any, **__: Any) -> None:
        """Warn, once, that nothing is logged by itself in a script."""
        _does_nothing(f"{self.name}.autolog")

    def __repr__(self) -> str:
        return f"<jupyter_mlops models, as mlflow.{self.name}>"


_MODEL_ARGUMENTS = ("_model", "_results")


def log_model(
    model: Any,
    artifact_path: str | None = None,
    *,
    name: str | None = None,
    signature: Any = None,
    input_example: Any = None,
) -> LoggedModel:
    """Keep a model with the run; see `Flavor.log_model`."""
    from .capture.dataset import describe_input
    from .capture.models import describe_model
    from .capture.serialization import serialize_model
    from .config import load_config

    label = (name or artifact_path or "model").strip("/")
    if not label or ".." in label.split("/"):
        raise UsageError(f"{label!r} is no name for a model.", "Give something like `model`.")
    described = describe_model(label, model)
    config = load_config()
    made = serialize_model(model, config.artifact_bytes, max(config.model_seconds, 60.0))
    if described is None or not made.data:
        raise UsageError(
            f"The model {label!r} ({type(model).__name__}) was not kept: {made.why}.",
            "Write it to a file and keep that with `log_artifact`.",
        )
    seen = signature if isinstance(signature, ModelInput) else describe_input("input", input_example)
    builder = tracking.builder()
    kept: Model = msgspec.structs.replace(described, format=made.form, size=len(made.data), input=seen)
    builder.log_model(kept, made.data)
    active = tracking.active_run()
    run_id = active.run_id if active is not None else ""
    return LoggedModel(name=label, run_id=run_id, model_uri=f"runs:/{run_id}/{label}")


def load_model(ref: Any, name: str | None = None) -> Any:
    """As `api.load_model`, which also takes MLflow's ``runs:/RUN/NAME``."""
    found = _MODEL_URI.fullmatch(ref) if isinstance(ref, str) else None
    return api.load_model(found[1], found[2]) if found else api.load_model(ref, name)


class _Models:
    """``mlflow.models``."""

    @staticmethod
    def infer_signature(model_input: Any = None, *_: Any, **__: Any) -> ModelInput | None:
        """Columns and dtypes of one row, as `log_model` takes them; None for what is no table."""
        from .capture.dataset import describe_input

        return describe_input("input", model_input)


models = _Models()
sklearn, xgboost, lightgbm, catboost, pytorch, statsmodels, keras, tensorflow, pyfunc = map(
    Flavor,
    ("sklearn", "xgboost", "lightgbm", "catboost", "pytorch", "statsmodels", "keras", "tensorflow", "pyfunc"),
)
