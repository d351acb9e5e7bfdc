"""What is logged by hand, as it is stored; a sentence for what cannot be."""

from __future__ import annotations

import contextlib
import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from .errors import UsageError

if TYPE_CHECKING:
    from .records import MetricValue, ParamValue


def key_of(key: str) -> str:
    """A name as it was given; UsageError if it is none."""
    if not isinstance(key, str) or not key.strip():
        raise UsageError(f"{key!r} is no name.", "Name it with a text that is not empty.")
    return key


def step_of(key: str, step: Any) -> int:
    """A metric's step as a 64-bit integer; UsageError if it is none."""
    if isinstance(step, bool) or not isinstance(step, int):
        try:
            step = int(step.__index__())
        except AttributeError:
            raise UsageError(f"The step of metric {key!r} is {step!r}.", "Give an integer.") from None
    if not -(2**63) <= step < 2**63:
        raise UsageError(f"The step of metric {key!r} is beyond 64 bits.", "Count from 0.")
    return int(step)


def number_of(key: str, value: Any) -> MetricValue:
    """A metric's value as a number: also a 0-d array or tensor; UsageError if it is none."""
    if not isinstance(value, (int, float)) and hasattr(value, "item"):
        with contextlib.suppress(TypeError, ValueError, RuntimeError):
            value = value.item()
    if isinstance(value, int):  # also a bool
        return int(value)
    if isinstance(value, float):
        return float(value)
    try:
        return float(value.__float__())
    except (AttributeError, TypeError, ValueError, OverflowError):
        raise UsageError(
            f"The metric {key!r} is {type(value).__name__}, not a number.", "Give one number."
        ) from None


def parameter_of(key: str, value: Any, levels: int = 100) -> ParamValue:
    """A parameter as plain values, nested at most `levels` deep; what is none is its text."""
    if value is None or type(value) in (bool, int, float, str):
        return value  # type: ignore[no-any-return]
    if levels == 0:
        raise UsageError(f"{key!r} is nested too deeply to be stored.", "Keep a flatter value.")
    if isinstance(value, (list, tuple)):
        return [parameter_of(key, item, levels - 1) for item in value]
    if isinstance(value, dict):
        return {text_of(key, name): parameter_of(key, item, levels - 1) for name, item in value.items()}
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return parameter_of(key, value.item(), 0)
    return text_of(key, value)


def json_of(value: Any) -> Any:
    """What JSON has no word for: NumPy's numbers and arrays as Python's, anything else as its text."""
    return value.tolist() if type(value).__module__ == "numpy" and hasattr(value, "tolist") else str(value)


def text_of(key: str, value: Any) -> str:
    """A value's text; UsageError if it has none."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 — an integer of 4,301 digits, or a class of the user's
        raise UsageError(
            f"The {type(value).__name__} for {key!r} has no text: {error}.", "Give a text of your own."
        ) from None


def folder_of(path: str) -> str:
    """A folder among a run's files; UsageError if it leads out of them."""
    parts = PurePosixPath(path.replace(os.sep, "/")).parts
    if ".." in parts or path.startswith("/"):
        raise UsageError(f"{path!r} leads out of the run's files.", "Give a folder such as `plots`.")
    return "/".join(part for part in parts if part != ".")
