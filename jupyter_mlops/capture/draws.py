"""Random numbers that are drawn and reach nothing.

Some estimators draw a seed from NumPy's generator whatever they are set to, and use it only with a
certain setting: `Lasso` with ``selection="random"``, `SVC` with ``probability=True``. A cell in which
nothing else can have drawn is as repeatable as one that drew nothing.
"""

from __future__ import annotations

import ast
import inspect
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from .numbers import own_state
from .syntax import dotted
from .vocabulary import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Words of calls that may draw.
_DRAWING = frozenset(
    """
    random rand randn randint randperm sample shuffle shuffled permutation choice choices normal uniform noise
    bootstrap resample bernoulli poisson gauss multinomial dropout
    """.split()
)
_DEEPEST = 6


def draws_for_nothing(tree: ast.Module, namespace: Mapping[str, Any]) -> bool:
    """Whether all that can have drawn random numbers in a cell are estimators that have no use for them."""
    found = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            verdict = _call(node, namespace)
        elif isinstance(node, ast.Name):
            verdict = _held(namespace.get(node.id))
        else:
            continue
        if verdict is False:
            return False
        found = found or verdict is True
    return found


def _call(node: ast.Call, namespace: Mapping[str, Any]) -> bool | None:
    """True for an idle draw, False for what may draw in earnest, None for what draws nothing."""
    name = dotted(node.func)
    last = name.rpartition(".")[2] or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
    value = _resolve(name, namespace)
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if type(value) is FunctionType and value.__globals__ is namespace:
        return None if _names_nothing(value) else False
    seeded = "random_state" in given and not _is_none(given["random_state"])
    if _DRAWING & set(words(last)) and not seeded:
        return False
    if not (isinstance(value, type) or callable(value)) or isinstance(value, ModuleType):
        return None
    parameters = _parameters(value)
    if "random_state" not in parameters or seeded:
        return None
    settings = {key: default for key, default in parameters.items() if key not in given}
    for key, part in given.items():
        if key is not None:
            settings[key] = part.value if isinstance(part, ast.Constant) else ...
    if last == "train_test_split":
        return None if settings.get("shuffle") is False else False
    if last.endswith(("Fold", "Split")):
        return None if settings.get("shuffle", True) is False else False
    return _verdict(settings)


def _held(value: Any, depth: int = 0) -> bool | None:
    """The same of an estimator a name holds, with what it is made of."""
    if type(value) in (list, tuple) and depth < _DEEPEST and len(value) <= 50:
        return _all(_held(part, depth + 1) for part in value)
    if type(value) is dict and depth < _DEEPEST and len(value) <= 50:
        return _all(_held(part, depth + 1) for part in value.values())
    if not any(base.__name__ == "BaseEstimator" for base in type(value).__mro__) or depth >= _DEEPEST:
        return None
    state = own_state(value)
    inner = [state[name] for name in ("steps", "estimator", "transformers", "estimators") if name in state]
    verdict = _all(_held(part, depth + 1) for part in inner)
    if "random_state" in state and state["random_state"] is None:
        return _all(iter([verdict, _verdict(state)]))
    return verdict


def _verdict(settings: Mapping[str, Any]) -> bool:
    """Whether an estimator without a seed, so set, has no use for what it draws."""
    if "selection" in settings:
        return bool(settings["selection"] == "cyclic")
    if "probability" in settings:
        return settings["probability"] in (False, "deprecated")
    if "solver" in settings:
        solver = settings["solver"]
        if solver == "liblinear":
            return settings.get("penalty", "l2") in ("l2", "deprecated") and settings.get("dual") is False
        return solver in ("lbfgs", "newton-cg", "newton-cholesky", "svd", "cholesky", "lsqr")
    return False


def _all(verdicts: Iterator[bool | None]) -> bool | None:
    found = None
    for verdict in verdicts:
        if verdict is False:
            return False
        found = found or verdict
    return found


def _resolve(name: str, namespace: Mapping[str, Any]) -> Any:
    first, *rest = name.split(".") if name else [""]
    value = namespace.get(first)
    for part in rest:
        value = vars(value).get(part) if type(value) is ModuleType else None
    return value


def _parameters(function: Any) -> dict[str, Any]:
    try:
        found = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    return {name: parameter.default for name, parameter in found.items()}


def _names_nothing(function: FunctionType) -> bool:
    """Whether a function of the notebook's own names nothing that draws, nor another estimator."""
    used = function.__code__.co_names
    return not any(_DRAWING & set(words(name)) or name[:1].isupper() or "split" in name for name in used)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
