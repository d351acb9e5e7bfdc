"""What counts as a number, by exact type: nothing foreign is converted, compared or asked."""

from __future__ import annotations

import sys
from typing import Any

_MODULE: Any = type.__dict__["__module__"]


def module_of(kind: type) -> str:
    """The module of a type, read past what its metaclass may do to attribute access."""
    found = _MODULE.__get__(kind)
    return found if type(found) is str else ""


def is_number(value: Any) -> bool:
    """Whether `value` is a real number: int, float, NumPy scalar or 0-d array, 0-d CPU tensor; no bool."""
    kind = type(value)
    if kind is float or kind is int:
        return True
    module = module_of(kind)
    if module == "numpy":
        numpy = sys.modules["numpy"]
        if isinstance(value, (numpy.floating, numpy.integer)):
            return True
        return kind is numpy.ndarray and value.ndim == 0 and value.dtype.kind in "iuf"
    if module.startswith("torch") and kind.__name__ in ("Tensor", "Parameter"):
        return bool(value.ndim == 0 and value.device.type == "cpu" and value.dtype.is_floating_point)
    return False


def to_number(value: Any) -> int | float:
    """The Python number behind what `is_number` accepts, at full precision."""
    kind = type(value)
    if kind is float or kind is int:
        return value  # type: ignore[no-any-return]
    if module_of(kind).startswith("torch"):
        value = value.detach()
    number = value.item()
    return int(number) if isinstance(number, int) else float(number)


def to_float(value: Any) -> float | None:
    """`value` as a float, or None when it is no number or too large for one."""
    kind: Any = type(value)
    if kind is float:
        return value  # type: ignore[no-any-return]
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.float64:
        return float.__float__(value)
    if not is_number(value):
        return None
    try:
        return float(to_number(value))
    except OverflowError:
        return None


def own_state(value: Any) -> dict[str, Any]:
    """What an instance holds under its own names, read past any ``__getattr__`` of its class."""
    try:
        state = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return state if type(state) is dict else {}
