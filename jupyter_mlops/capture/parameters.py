"""What went into a run: its parameters, each with where it came from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import ParamDetail, ParamValue

from .members import holds_scores
from .settings import held_settings, is_argument
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


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What else a run was set by, beside literals and estimators.

    `reads` are names that the cells it stands on read or bound; `called` literals given to calls,
    as (order, function, name, value); `arguments` what functions of the notebook's own that train
    something were given, by function; `overrides` what the magic line set.
    """

    reads: frozenset[str] = frozenset()
    called: list[tuple[int, str, str, Any]] = []
    arguments: dict[str, dict[str, Any]] = {}
    overrides: dict[str, Any] = {}


#: Arguments of a search that say what it tries.
_GRIDS = frozenset({"param_grid", "param_distributions", "search_spaces"})


def find_params(
    names: CellNames,
    namespace: Mapping[str, Any],
    order: int,
    *,
    earlier: Mapping[str, EarlierLiteral],
    estimators: Iterable[Estimator] = (),
    given: Given | None = None,
) -> tuple[dict[str, ParamValue], dict[str, ParamDetail]]:
    """The parameters of a cell that ran with `names`, and where each came from.

    Literals the cell binds once, scalars it (or a cell it stands on) reads that an earlier cell
    bound from a literal and that still hold it, what objects that only hold settings hold, the
    non-default settings of estimators (under their variable's name when there are several), literals
    given to calls that train, and what the magic line set. Containers to be filled (``[]``),
    starting values a loop overwrites and names that sound like a metric are none.
    """
    finder = _Finder(namespace, order, given or Given())
    finder.add_literals(names)
    finder.add_inherited(names.reads, earlier)
    finder.add_held(names, earlier)
    finder.add_overrides(names)
    finder.add_estimators(list(estimators))
    finder.add_arguments()
    return finder.params, finder.details


class _Finder:
    def __init__(self, namespace: Mapping[str, Any], order: int, given: Given) -> None:
        self.namespace = namespace
        self.order = order
        self.given = given
        self.params: dict[str, ParamValue] = {}
        self.details: dict[str, ParamDetail] = {}

    def _add(self, name: str, value: Any, detail: ParamDetail) -> None:
        if name not in self.params:
            self.params[name] = value
            self.details[name] = detail

    def _is_none(self, name: str, value: Any) -> bool:
        """Whether a name is hidden, set by the magic line, or a result typed in by hand."""
        return (
            name.startswith("_")
            or name in self.given.overrides
            or (isinstance(value, float) and names_a_result(name))
        )

    def add_literals(self, names: CellNames) -> None:
        for name, literal in names.literals.items():
            if name in names.reassigned or self._is_none(name, literal.value):
                continue
            for key, value in _flatten(name, literal.value):
                span = literal.span if key == name else None
                self._add(key, value, ParamDetail(origin="literal", order=self.order, span=span))

    def add_inherited(self, reads: frozenset[str], earlier: Mapping[str, EarlierLiteral]) -> None:
        for name in sorted((reads | self.given.reads) & earlier.keys()):
            literal, order = earlier[name].literal, earlier[name].order
            if self._is_none(name, literal.value):
                continue
            value = self.namespace.get(name)
            if _still(value, literal.value):
                for key, item in _flatten(name, literal.value):
                    span = literal.span if key == name else None
                    self._add(key, item, ParamDetail(origin="inherited", order=order, span=span))
            elif type(literal.value) is dict and not holds_scores(value):
                for key, item in held_settings("params", value).items():
                    self._add(f"{name}.{key}", item, ParamDetail(origin="held", order=order))

    def add_held(self, names: CellNames, earlier: Mapping[str, EarlierLiteral]) -> None:
        used = names.reads | names.bound | self.given.reads
        for name in sorted(used - earlier.keys() - names.literals.keys()):
            if not name.startswith("_") and name in self.namespace:
                for key, item in held_settings(name, self.namespace[name]).items():
                    self._add(f"{name}.{key}", item, ParamDetail(origin="held", order=self.order))

    def add_overrides(self, names: CellNames) -> None:
        for name, value in self.given.overrides.items():
            bound = names.literals.get(name)
            span = bound.span if bound else None
            self._add(name, value, ParamDetail(origin="override", order=self.order, span=span))

    def add_estimators(self, listed: list[Estimator]) -> None:
        models = [estimator for estimator in listed if estimator.predicts]
        for estimator in listed:
            detail = ParamDetail(origin="estimator", order=estimator.order)
            alone = estimator.predicts and len(models) == 1
            holder = estimator.name or estimator.kind
            if estimator.predicts:
                self._add("model" if alone else holder, estimator.kind, detail)
            for key, value in told_apart(estimator.settings):
                # `RandomForest(max_depth=max_depth)`: the literal is the parameter already.
                last = key.rpartition("__")[2]
                if not (last in self.params and _still(self.params[last], value)):
                    self._add(key if alone else f"{holder}__{key}", value, detail)

    def add_arguments(self) -> None:
        given = [
            (self.order, function, name, value)
            for function, known in self.given.arguments.items()
            for name, value in known.items()
            if is_argument(name, value)
        ]
        for order, function, name, value in (*given, *self.given.called):
            if not _known(name, value, self.params):
                free = name if name not in self.params else f"{function}.{name}"
                self._add(free, value, ParamDetail(origin="argument", order=order))


def _known(name: str, value: Any, params: Mapping[str, Any]) -> bool:
    """Whether a setting is told already, under its own name or as that of an object."""
    return any(
        _still(held, value)
        for key, held in params.items()
        if key == name or key.endswith((f".{name}", f"__{name}"))
    )


def told_apart(settings: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Settings without the mere structure of a composed estimator: its list of steps, each step's class."""
    for key, value in settings.items():
        if key.rpartition("__")[2] in _STRUCTURE or any(other.startswith(f"{key}__") for other in settings):
            continue
        if key.rpartition("__")[2] in _GRIDS:
            yield from _tried(key, value)
        else:
            yield key, value


def _tried(key: str, value: Any) -> Iterable[tuple[str, Any]]:
    """What a search tries, setting by setting: of ``[{"svc": [SVC()], "svc__C": [1, 10]}]`` the `svc__C`."""
    if type(value) is dict and 0 < len(value) <= _ITEMS:
        for name, tried in value.items():
            yield from _tried(f"{key}.{name}", tried)
    elif type(value) is list and 0 < len(value) <= _ITEMS and all(type(part) is dict for part in value):
        for position, part in enumerate(value):
            yield from _tried(f"{key}.{position}" if len(value) > 1 else key, part)
    else:
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
