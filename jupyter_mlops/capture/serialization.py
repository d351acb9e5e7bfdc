"""A fitted model as bytes, made while nothing else runs, within a size and a time.

The bytes are made before the user's next cell can change the model; to write them may then take its
time. Only forms that load without running code (``skops``, ``pt``, ``ubj``, ``txt``) are safe to
load from others; ``joblib`` is for the rest.
"""

from __future__ import annotations

import io
import pickle
import sys
import time
from typing import Any

import msgspec

from .models import NAME, model_family

#: skops needs a hundred times as long as a pickle for what has many parts, as ensembles of trees.
_SKOPS_BYTES = 30_000


class ModelBytes(msgspec.Struct, frozen=True):
    """A model's bytes and their form; without bytes, `why` says what is in the way of keeping it."""

    data: bytes = b""
    form: str = ""
    why: str = ""


class _RefusedError(Exception):
    """The model is larger, or takes longer, than what is kept."""


class _Bounded(io.BytesIO):
    """A file in memory that takes so many bytes, until a moment of the monotonic clock."""

    def __init__(self, limit: int, end: float) -> None:
        super().__init__()
        self._limit, self._end = limit, end

    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > self._limit:
            raise _RefusedError(f"it is larger than {self._limit:,} bytes (c.Mlops.artifact_bytes)")
        if time.monotonic() > self._end:
            raise _RefusedError("to make its bytes takes too long (c.Mlops.model_seconds)")
        return super().write(data)


def serialize_model(value: Any, limit: int, seconds: float = 10.0) -> ModelBytes:
    """The bytes of a model of at most `limit` bytes, made in about `seconds`; else why it is not kept.

    ``skops`` for small estimators where the session has imported it and every type is one that it
    trusts, else ``joblib`` for estimators and statistical results; ``pt`` (a ``state_dict``) for PyTorch,
    ``ubj`` and ``txt`` for bare XGBoost and LightGBM boosters.
    """
    family = model_family(value)
    if not family:
        return ModelBytes(why="it is of no library that is known")
    if family == "keras":
        return ModelBytes(why="models of Keras are not kept")
    try:
        if NAME.__get__(type(value)) == "Booster":
            made = _booster_bytes(value, family)
            if len(made.data) > limit:
                raise _RefusedError(f"it is larger than {limit:,} bytes (c.Mlops.artifact_bytes)")
            return made
        buffer = _Bounded(limit, time.monotonic() + seconds)
        if family == "torch":
            import torch

            torch.save(value.state_dict(), buffer)
            return ModelBytes(buffer.getvalue(), "pt")
        # As `joblib.load` reads it too; joblib's own pickler is written in Python and many times slower.
        pickle.dump(value, buffer, protocol=5)
        pickled = buffer.getvalue()
        safe = _skops_bytes(value, limit) if family == "sklearn" and len(pickled) <= _SKOPS_BYTES else b""
        return ModelBytes(safe, "skops") if safe else ModelBytes(pickled, "joblib")
    except _RefusedError as refusal:
        return ModelBytes(why=str(refusal))
    except Exception as error:  # noqa: BLE001 - lambdas, locks and handles inside: such a model is not kept
        return ModelBytes(why=f"it cannot be pickled ({NAME.__get__(type(error))})")


def _booster_bytes(value: Any, family: str) -> ModelBytes:
    if family == "xgboost":
        return ModelBytes(bytes(value.save_raw("ubj")), "ubj")
    return ModelBytes(value.model_to_string().encode(), "txt")


def _skops_bytes(value: Any, limit: int) -> bytes:
    """Nothing where skops would not load it again by itself. To import it takes seconds: the user does."""
    skops: Any = sys.modules.get("skops.io")
    if skops is None:
        return b""
    try:
        data: bytes = skops.dumps(value)
        return data if len(data) <= limit and not skops.get_untrusted_types(data=data) else b""
    except Exception:  # noqa: BLE001 - joblib has it already
        return b""
