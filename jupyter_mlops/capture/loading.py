"""Models from their bytes, by the form they were kept in. Only `api.load_model` asks for it."""

from __future__ import annotations

import io
from typing import Any


def load_bytes(data: bytes, form: str) -> Any:
    """The model in `data`; ``joblib`` runs the code it contains, the other forms do not.

    Raises:
        ImportError: The library that wrote it is missing here.
        ValueError: The form is unknown.
    """
    if form == "joblib":
        import joblib

        return joblib.load(io.BytesIO(data))
    if form == "skops":
        import skops.io

        return skops.io.loads(data)
    if form == "pt":
        import torch

        return torch.load(io.BytesIO(data), weights_only=True)
    if form == "ubj":
        import xgboost

        booster = xgboost.Booster()
        booster.load_model(bytearray(data))
        return booster
    if form == "txt":
        import lightgbm

        return lightgbm.Booster(model_str=data.decode())
    raise ValueError(form)
