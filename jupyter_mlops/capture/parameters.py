"""What went into a run: its parameters, each with where it came from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import ParamDetail, ParamValue

from .vocabulary import names_a_result, sounds_like_metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .names import CellNames, Literal

_ITEMS = 50
_TEXT = 500


class EarlierLiteral(msgspec.Struct, frozen=True):
    """A literal an earlier cell bound to a name, and the execution that did."""

    literal: Literal
    order: int


class Estimator(msgspec.Struct, frozen=True):
    """A fitted object: its variable (``""`` if it has none), class name and non-default settings."""

    name: str
    kind: str
    settings: dict[str, Any]
    order: int | None = None


def find_params(
    names: CellNames,
    namespace: Mapping[str, Any],
    order: int,
    *,
    earlier: Mapping[str, EarlierLiteral],
    estimators: Iterable[Estimator] = (),
    overrides: Mapping[str, ParamValue] | None = None,
) -> tuple[dict[str, ParamValue], dict[str, ParamDetail]]:
    """The parameters of a cell that ran with `names`, and where each came from.

    Literals the cell binds once, scalars it reads that an earlier cell bound from a literal and
    that still hold it, the non-default settings of estimators (under their variable's name when
    there are several), and what the magic line set. Containers to be filled (``[]``), starting
    values a loop overwrites and names that sound like a metric are none.
    """
    params: dict[str, ParamValue] = {}
    details: dict[str, ParamDetail] = {}
    given = overrides or {}

    def add(name: str, value: Any, detail: ParamDetail) -> None:
        if name not in params:
            params[name] = value
            details[name] = detail

    for name, literal in names.literals.items():
        if name in names.reassigned or name.startswith("_") or name in given:
            continue
        if isinstance(literal.value, float) and names_a_result(name):
            continue
        for key, value in _flatten(name, literal.value):
            detail = ParamDetail(origin="literal", order=order, span=literal.span if key == name else None)
            add(key, value, detail)
    for name in sorted(names.reads & earlier.keys()):
        found = earlier[name]
        if isinstance(found.literal.value, float) and names_a_result(name):
            continue
        if name.startswith("_") or name in given or not _still(namespace.get(name), found.literal.value):
            continue
        for key, value in _flatten(name, found.literal.value):
            span = found.literal.span if key == name else None
            add(key, value, ParamDetail(origin="inherited", order=found.order, span=span))
    for name, value in given.items():
        bound = names.literals.get(name)
        add(name, value, ParamDetail(origin="override", order=order, span=bound.span if bound else None))
    listed = list(estimators)
    for estimator in listed:
        prefix = f"{estimator.name or estimator.kind}__" if len(listed) > 1 else ""
        add(
            estimator.name or estimator.kind if prefix else "model",
            estimator.kind,
            ParamDetail(origin="estimator", order=estimator.order),
        )
        for key, value in estimator.settings.items():
            add(f"{prefix}{key}", value, ParamDetail(origin="estimator", order=estimator.order))
    return params, details


def _flatten(name: str, value: Any) -> Iterable[tuple[str, ParamValue]]:
    if isinstance(value, dict):
        if 0 < len(value) <= _ITEMS and all(isinstance(key, str) for key in value):
            for key, item in value.items():
                yield from _flatten(f"{name}.{key}", item)
        return
    if value is None or (isinstance(value, (list, tuple, str)) and not value):
        return
    if isinstance(value, (list, tuple)):
        if len(value) <= _ITEMS and all(isinstance(item, (bool, int, float, str)) for item in value):
            yield name, list(value)
    elif isinstance(value, str):
        if len(value) <= _TEXT:
            yield name, value
    elif isinstance(value, (bool, int, float)) and not (sounds_like_metric(name) and _starts_empty(value)):
        yield name, value


def _starts_empty(value: float) -> bool:
    return value in (0, -1) or math.isinf(value)


def _still(value: Any, literal: Any) -> bool:
    return type(value) is type(literal) and (
        value is literal
        or (type(literal) in (bool, int, float, str, tuple, list, dict) and bool(value == literal))
    )
