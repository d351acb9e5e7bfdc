"""What a cell fitted and what it scored, with the very data: what common sense judges."""

from __future__ import annotations

import ast
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import msgspec

from .evaluation import target_of
from .models import describe_model
from .syntax import Function, Loop, own_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_mlops.records import MetricDetail, MetricValue, RunWarning

    from .sites import Event

_SAID = 1_000


class Fitting(msgspec.Struct, frozen=True):
    """What a model was fitted on: the variables' names and their values; `target` may be None.

    `models` are the identities of what was fitted, `at` is when: a number that grows.
    """

    features_name: str
    features: Any
    target_name: str = ""
    target: Any = None
    models: frozenset[int] = frozenset()
    at: int = -1


class Scoring(msgspec.Struct, frozen=True):
    """What a score was made of: its metric, function and value, and the data it compared with.

    `trivial` is what a constant prediction scores there, `higher_is_better` says which way is up.
    """

    metric: str
    function: str
    value: float
    features_name: str = ""
    features: Any = None
    target_name: str = ""
    target: Any = None
    trivial: float | None = None
    higher_is_better: bool | None = None
    model: int = 0
    at: int = 0


class Verdicts:
    """What checks said of data, so that what is fitted and scored again is not looked through again.

    Kept by contents, never by identity: data that was changed in place is other data.

    Args:
        known: Gives the fingerprint of a value as it is now if that is known, else ``""``.
    """

    def __init__(self, known: Callable[[Any], str] = lambda value: "") -> None:
        self._known = known
        self._said: dict[tuple[Any, ...], RunWarning | None] = {}

    def of(
        self, check: Callable[..., RunWarning | None], fitting: Fitting, *scorings: Scoring
    ) -> RunWarning | None:
        """What `check` says of a fit and of what is scored with it; checks ask for names and data alone."""
        key: list[Any] = [check.__name__]
        judged: tuple[Fitting | Scoring, ...] = (fitting, *scorings)
        for made in judged:
            key += (made.features_name, made.target_name)
            for value, fitted in ((made.features, fitting.features), (made.target, fitting.target)):
                content = self._known(value) if value is not None else "none"
                if not content or content.startswith("sampled:"):
                    return check(fitting, *scorings)
                key += (content, value is fitted)
        known = tuple(key)
        if known not in self._said:
            if len(self._said) >= _SAID:
                self._said.clear()
            self._said[known] = check(fitting, *scorings)
        return self._said[known]


def fits_unknown(event: Event) -> bool:
    """Whether something we can't describe was fitted; ``fit_transform`` only prepares data."""
    last = event.site.function.rpartition(".")[2]
    if event.site.kind != "fit" or last in ("fit_transform", "fit_resample"):
        return False
    return describe_model("", event.value) is None and describe_model("", event.receiver) is None


def descends(tree: ast.Module, namespace: Mapping[str, Any]) -> bool:
    """Whether a cell trains by hand: a loop of its own, or a function or method it calls, steps backward."""
    top = [statement for statement in tree.body if not isinstance(statement, (Function, ast.ClassDef))]
    for node in (
        found for statement in top for found in (statement, *own_nodes(statement, inner_loops=True))
    ):
        if isinstance(node, Loop) and any(_steps_back(part) for part in ast.walk(node)):
            return True
        code = _code_of(node.func, namespace) if isinstance(node, ast.Call) else None
        if code is not None and {"backward", "step"} <= set(code.co_names):
            return True
    return False


def _steps_back(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward"
    )


def _code_of(node: ast.expr, namespace: Mapping[str, Any]) -> CodeType | None:
    """The code of a function or method that the notebook defined."""
    found: Any = None
    if isinstance(node, ast.Name):
        found = namespace.get(node.id)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        kind = type(namespace.get(node.value.id))
        found = next((vars(base)[node.attr] for base in kind.__mro__ if node.attr in vars(base)), None)
    return found.__code__ if type(found) is FunctionType and found.__module__ == "__main__" else None


def fittings_of(events: list[Event]) -> list[Fitting]:
    """What the cell fitted on: ``fit(X, y)`` with plain variables."""
    found = []
    for position, event in enumerate(events):
        given = list(event.values.items())
        if event.site.kind == "fit" and given and event.site.function.rpartition(".")[2] == "fit":
            (features_name, features), *rest = given
            target_name, target = rest[0] if rest else ("", None)
            models = frozenset(id(made) for made in (event.receiver, event.value) if made is not None)
            found.append(Fitting(features_name, features, target_name, target, models, position))
    return found


def scorings_of(
    events: list[Event], values: Mapping[str, MetricValue], details: Mapping[str, MetricDetail]
) -> list[Scoring]:
    """The metrics that scoring calls gave, with the features that were predicted or scored."""
    predicted = [
        (position, event)
        for position, event in enumerate(events)
        if event.site.kind == "predict" and event.values
    ]
    objects: dict[str, Any] = {}
    features_of: dict[str, tuple[str, Any, int, int]] = {}
    for position, event in enumerate(events):
        if event.site.kind != "call":
            continue
        for argument, value in event.values.items():
            objects[argument.rpartition("=")[2]] = value
        if event.site.function.rpartition(".")[2] == "score" and event.values:
            name, value = next(iter(event.values.items()))
            features_of.setdefault(target_of(event), (name, value, id(event.receiver), position))
    found = []
    for metric, value in values.items():
        evaluation = details[metric].evaluation
        if evaluation is None or not evaluation.target_name:
            continue
        name, features, model, at = features_of.get(evaluation.target_name, ("", None, 0, 0))
        for position, event in predicted:
            given = next(iter(event.values))
            owner = event.site.function.rpartition(".")[0]
            named = event.site.target and event.site.target == evaluation.prediction_name
            inline = (given.rpartition("=")[2], owner) == (evaluation.features_name, evaluation.model)
            if named or inline:
                name, features = given.rpartition("=")[2], event.values[given]
                model, at = id(event.receiver), position
        target = objects.get(evaluation.target_name)
        found.append(
            Scoring(
                metric=metric,
                function=evaluation.function,
                value=float(value),
                features_name=name,
                features=features,
                target_name=evaluation.target_name,
                target=target,
                trivial=details[metric].trivial,
                higher_is_better=details[metric].higher_is_better,
                model=model,
                at=at,
            )
        )
    return found
