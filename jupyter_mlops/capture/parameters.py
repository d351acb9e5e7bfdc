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
_STRUCTURE = frozenset({"steps", "transformers", "transformer_list", "estimators"})
_TEXT = 500


class EarlierLiteral(msgspec.Struct, frozen=True):
    """A literal an earlier cell bound to a name, and the execution that did."""

    literal: Literal
    order: int


class Estimator(msgspec.Struct, frozen=True):
    """A fitted object: its variable (``""`` if it has none), class name and non-default settings.

    `kind` is the class of what predicts: of a pipeline, its last step. `predicts` is False for a
    transformer, which is part of the preparation and no model.
    """

    name: str
    kind: str
    settings: dict[str, Any]
    predicts: bool = True
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
    models = [estimator for estimator in listed if estimator.predicts]
    for estimator in listed:
        detail = ParamDetail(origin="estimator", order=estimator.order)
        alone = estimator.predicts and len(models) == 1
        holder = estimator.name or estimator.kind
        if estimator.predicts:
            add("model" if alone else holder, estimator.kind, detail)
        for key, value in _told_apart(estimator.settings):
            # `RandomForest(max_depth=max_depth)`: the literal is the parameter already.
            last = key.rpartition("__")[2]
            if not (last in params and _still(params[last], value)):
                add(key if alone else f"{holder}__{key}", value, detail)
    return params, details


def _told_apart(settings: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Settings without the mere structure of a composed estimator: its list of steps, each step's class."""
    for key, value in settings.items():
        if key.rpartition("__")[2] in _STRUCTURE or any(other.startswith(f"{key}__") for other in settings):
            continue
        yield key, value


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
