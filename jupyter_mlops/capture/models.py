"""Fitted models: what they are and how they were set.

A model is known by the library its class comes from; nothing is imported for it. Settings are read
from the object's own ``__dict__`` and its constructor's defaults, and only those that differ count.
"""

from __future__ import annotations

import inspect
import math
import sys
import weakref
from types import FunctionType, GetSetDescriptorType
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 6
MAX_ITEMS = 50
MODULE: Any = type.__dict__["__module__"]
NAME: Any = type.__dict__["__name__"]
MRO: Any = type.__dict__["__mro__"]
DICT: Any = type.__dict__["__dict__"]
# Steps of a composed estimator: where they are listed, each as (name, estimator, …).
_STEPS = ("steps", "transformers", "transformer_list", "estimators")


def describe_model(name: str, value: Any) -> Model | None:
    """The model `value` is, fitted or not, or None: an estimator, network, booster or statistical result."""
    try:
        family = model_family(value)
        if not family:
            return None
        return Model(name=name, kind=class_path(type(value)), settings=_SETTINGS[family](value))
    except Exception:  # noqa: BLE001 - an estimator class of the user's may be broken in any way
        return None


def model_family(value: Any) -> str:
    """``sklearn``, ``xgboost``, ``lightgbm``, ``catboost``, ``torch``, ``keras``, ``statsmodels``."""
    kind = type(value)
    if issubclass(kind, type):
        return ""
    for base in MRO.__get__(kind):
        module, name = MODULE.__get__(base), NAME.__get__(base)
        if type(module) is not str:
            continue
        root = module.partition(".")[0]
        if root == "sklearn":
            if name == "BaseEstimator":
                return "sklearn"
        elif root in ("xgboost", "lightgbm"):
            if name in ("XGBModel", "LGBMModel", "Booster"):
                return root
        elif root == "catboost":
            if name == "CatBoost":
                return root
        elif root == "torch":
            if name == "Module" and module == "torch.nn.modules.module":
                return "torch"
        elif root in ("keras", "tf_keras") or module.startswith("tensorflow.python.keras"):
            if name == "Model":
                return "keras"
        elif root == "statsmodels" and name in ("ResultsWrapper", "Results"):
            return "statsmodels"
    return ""


def class_path(kind: type) -> str:
    """``sklearn.linear_model.LogisticRegression``: the class's path without private modules."""
    module = MODULE.__get__(kind)
    parts = (
        [part for part in str(module).split(".") if not part.startswith("_")] if module != "__main__" else []
    )
    return ".".join((*parts, NAME.__get__(kind)))


def is_fitted(value: Any) -> bool:
    """Whether an estimator has learnt something: attributes that end in ``_``, or fitted steps."""
    state = state_of(value)
    if any(name.endswith("_") and not name.startswith("_") for name in state):
        return True
    return any(is_fitted(step) for _, step in steps_of(state)) or state.get("_Booster") is not None


# ---- settings


def non_default_settings(estimator: Any) -> dict[str, Any]:
    """What an estimator was set to that its constructor would not have done, nested ones as ``clf__C``.

    Values are ready for JSON: numbers, texts, lists and dicts of those; anything else is its
    class's name. A composed estimator lists its steps under ``steps``, ``transformers`` …, and has
    each one's class under its name, unless that says it already (``standardscaler``).
    """
    found: dict[str, Any] = {}
    _collect(estimator, "", found, 0)
    return found


def _collect(estimator: Any, prefix: str, found: dict[str, Any], depth: int) -> None:
    state = state_of(estimator)
    nested = list(steps_of(state))
    parts = {id(part) for _, part in nested}
    for name, default in _defaults(type(estimator)).items():
        if name not in state:
            continue
        value = state[name]
        if name in _STEPS and nested:
            listed = list(steps_of({name: value}, all_of_them=True))
            if depth == 0:
                found[name] = [step for step, _ in listed]
            for step, part in listed:
                kind = plain(part)
                if step.partition("-")[0] != str(kind).lower():
                    found[f"{prefix}{step}"] = kind
            continue
        if _same(value, default) or id(value) in parts:
            continue
        found[f"{prefix}{name}"] = plain(value)
        if model_family(value) and depth < MAX_DEPTH:
            _collect(value, f"{prefix}{name}__", found, depth + 1)
    for step, part in nested:
        if model_family(part) and depth < MAX_DEPTH:
            _collect(part, f"{prefix}{step}__", found, depth + 1)


def steps_of(state: dict[str, Any], *, all_of_them: bool = False) -> Iterator[tuple[str, Any]]:
    """The (name, estimator) of a composed estimator's `state`; those that are no estimator too, if asked."""
    for key in _STEPS:
        listed = state.get(key)
        if type(listed) is not list and type(listed) is not tuple:
            continue
        for entry in listed[:MAX_ITEMS]:
            named = type(entry) is tuple and len(entry) >= 2 and type(entry[0]) is str
            if named and (all_of_them or model_family(entry[1])):
                yield entry[0], entry[1]


def state_of(value: Any) -> dict[str, Any]:
    """An instance's own ``__dict__``, read past whatever its class may do to attribute access."""
    for base in MRO.__get__(type(value)):
        holder = DICT.__get__(base).get("__dict__")
        if holder is not None:
            found = holder.__get__(value) if type(holder) is GetSetDescriptorType else None
            return found if type(found) is dict else {}
    return {}


_MISSING = object()


def _defaults(kind: type) -> dict[str, Any]:
    """The constructor's parameters and their defaults; those of a base too where it takes ``**kwargs``."""
    found: dict[str, Any] = {}
    for base in MRO.__get__(kind):
        constructor = DICT.__get__(base).get("__init__")
        if constructor is None:
            continue
        if type(constructor) is not FunctionType:
            break
        parameters = _parameters(constructor)
        for parameter in parameters:
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                given = parameter.default is not parameter.empty
                found.setdefault(parameter.name, parameter.default if given else _MISSING)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return found


def _parameters(constructor: FunctionType) -> list[inspect.Parameter]:
    """A constructor's parameters after ``self``, worked out once as long as it stays what it is."""
    now = (constructor.__code__, constructor.__defaults__, constructor.__kwdefaults__)
    known = _SIGNATURES.get(constructor)
    if known is None or any(one is not other for one, other in zip(known[0], now, strict=True)):
        parameters = list(inspect.signature(constructor).parameters.values())[1:]
        known = _SIGNATURES[constructor] = (now, parameters)
    return known[1]


_SIGNATURES: weakref.WeakKeyDictionary[FunctionType, tuple[tuple[Any, ...], list[inspect.Parameter]]] = (
    weakref.WeakKeyDictionary()
)


def _same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    kind = type(value)
    if kind is not type(default):
        return False
    if kind is float:
        return bool(value == default) or (math.isnan(value) and math.isnan(default))
    if kind is int or kind is str or kind is bool or kind is bytes:
        return bool(value == default)
    if kind is list or kind is tuple or kind is dict:
        return bool(plain(value) == plain(default))
    return False


def plain(value: Any, depth: int = 0) -> Any:
    """`value` as JSON has it, or the name of what it is; nothing of the user's is called or printed."""
    kind = type(value)
    # One by one: `in` would run the `==` of a strange class's metaclass.
    if value is None or kind is bool or kind is int or kind is float:
        return value
    if kind is str:
        return value if len(value) <= 1000 else f"{value[:1000]}…"
    if (kind is list or kind is tuple) and depth < MAX_DEPTH:
        return [plain(item, depth + 1) for item in value[:MAX_ITEMS]]
    if kind is dict and depth < MAX_DEPTH:
        return {
            key if type(key) is str else str(plain(key)): plain(item, depth + 1)
            for key, item in list(value.items())[:MAX_ITEMS]
        }
    if kind is FunctionType:
        return value.__qualname__
    if issubclass(kind, type):
        return NAME.__get__(value)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        if issubclass(kind, numpy.generic) and MODULE.__get__(kind) == "numpy":
            return plain(value.item(), depth + 1)
        if kind is numpy.ndarray:
            small = value.size <= MAX_ITEMS and value.dtype.kind in "biufU"
            return value.tolist() if small else f"array of shape {value.shape}"
    return NAME.__get__(kind)


def _boosted_settings(value: Any) -> dict[str, Any]:
    """XGBoost and LightGBM leave most parameters None; what is not was set."""
    if NAME.__get__(type(value)) == "Booster":
        return {}
    state = state_of(value)
    defaults = _defaults(type(value))
    found = {
        name: plain(state[name])
        for name, default in defaults.items()
        if name in state and not _same(state[name], default)
    }
    for extra in ("kwargs", "_other_params"):
        if type(state.get(extra)) is dict:
            found.update({name: plain(item) for name, item in state[extra].items()})
    return found


def _catboost_settings(value: Any) -> dict[str, Any]:
    set_by_user = state_of(value).get("_init_params")
    return {name: plain(item) for name, item in set_by_user.items()} if type(set_by_user) is dict else {}


def _torch_settings(value: Any) -> dict[str, Any]:
    """How large a network is; the classes of its children, by their name."""
    children = state_of(value).get("_modules")
    layers = {
        name: NAME.__get__(type(child)) for name, child in (children or {}).items() if child is not None
    }
    weights, seen = 0, set()
    queue, visited = [value], 0
    while queue and visited < 10_000:
        state = state_of(queue.pop())
        visited += 1
        for weight in (state.get("_parameters") or {}).values():
            if weight is not None and id(weight) not in seen:
                seen.add(id(weight))
                weights += weight.numel()
        queue.extend(child for child in (state.get("_modules") or {}).values() if child is not None)
    return {"weights": weights, "layers": dict(list(layers.items())[:MAX_ITEMS])}


def best_settings(value: Any) -> dict[str, Any]:
    """What a search found best, ``best_params.svc__C``; empty for anything else."""
    found = state_of(value).get("best_params_")
    if type(found) is not dict:
        return {}
    return {f"best_params.{key}": plain(item) for key, item in found.items() if type(key) is str}


def optimizer_settings(value: Any) -> dict[str, Any]:
    """The settings of a PyTorch optimizer's first group (``lr``, ``momentum`` …); empty for anything else."""
    mro = MRO.__get__(type(value))
    if not any(
        MODULE.__get__(base) == "torch.optim.optimizer" for base in mro if type(MODULE.__get__(base)) is str
    ):
        return {}
    groups, defaults = state_of(value).get("param_groups"), state_of(value).get("defaults")
    if type(groups) is not list or not groups or type(defaults) is not dict:
        return {}
    given = _defaults(type(value))
    return {
        name: plain(groups[0][name])
        for name in defaults
        if name in groups[0] and not _same(groups[0][name], given.get(name, _MISSING))
    }


def _keras_settings(value: Any) -> dict[str, Any]:
    layers = [NAME.__get__(type(layer)) for layer in value.layers[:MAX_ITEMS]]
    settings: dict[str, Any] = {"weights": int(value.count_params()), "layers": layers}
    optimizer = getattr(value, "optimizer", None)
    if optimizer is not None:
        settings["optimizer"] = NAME.__get__(type(optimizer))
        config = optimizer.get_config()
        if type(config.get("learning_rate")) is float:
            settings["learning_rate"] = config["learning_rate"]
    return settings


def _statsmodels_settings(value: Any) -> dict[str, Any]:
    state = state_of(state_of(value).get("_results", value))
    model = state.get("model")
    settings: dict[str, Any] = {"model": NAME.__get__(type(model))}
    formula = state_of(model).get("formula")
    if type(formula) is str:
        settings["formula"] = formula
    kind = state.get("cov_type")
    if type(kind) is str and kind != "nonrobust":
        settings["cov_type"] = kind
    return settings


_SETTINGS = {
    "sklearn": non_default_settings,
    "xgboost": _boosted_settings,
    "lightgbm": _boosted_settings,
    "catboost": _catboost_settings,
    "torch": _torch_settings,
    "keras": _keras_settings,
    "statsmodels": _statsmodels_settings,
}


def final_step(value: Any, kind: str) -> str:
    """The class name of what predicts: the last step of a pipeline, else the last part of `kind`."""
    state = state_of(value)
    steps = state.get("steps")
    if type(steps) is list and steps and type(steps[-1]) is tuple and len(steps[-1]) == 2:
        last = steps[-1][1]
        if last is not None and type(last) is not str:
            return final_step(last, class_path(type(last)))
    return kind.rpartition(".")[2]
