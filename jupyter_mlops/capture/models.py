"""Fitted models: what they are, how they were set, what they say of themselves, and their bytes.

A model is known by the library its class comes from; nothing is imported for it. Settings are read
from the object's own ``__dict__`` and its constructor's defaults, and only those that differ count.
"""

from __future__ import annotations

import inspect
import io
import math
import pickle
import sys
import weakref
from types import FunctionType, GetSetDescriptorType
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Score = tuple[str, str, tuple[str | int, ...], int | float]

MAX_DEPTH = 6
MAX_ITEMS = 50
_MODULE: Any = type.__dict__["__module__"]
_NAME: Any = type.__dict__["__name__"]
_MRO: Any = type.__dict__["__mro__"]
_DICT: Any = type.__dict__["__dict__"]
# Steps of a composed estimator: where they are listed, each as (name, estimator, …).
_STEPS = ("steps", "transformers", "transformer_list", "estimators")
_SCORES = (
    "best_score_",
    "oob_score_",
    "inertia_",
    "best_validation_score_",
    "validation_score_",
    "best_loss_",
)
_STATSMODELS_SCORES = ("rsquared", "rsquared_adj", "prsquared", "aic", "bic", "llf")
#: What a summary shows beside these.
_SUMMARY_SCORES = ("fvalue", "f_pvalue", "hqic", "llnull", "llr_pvalue", "deviance", "pearson_chi2", "sse")
#: A summary of more terms than this is no table one reads.
_TERMS = 40


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
    for base in _MRO.__get__(kind):
        module, name = _MODULE.__get__(base), _NAME.__get__(base)
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
    module = _MODULE.__get__(kind)
    parts = (
        [part for part in str(module).split(".") if not part.startswith("_")] if module != "__main__" else []
    )
    return ".".join((*parts, _NAME.__get__(kind)))


def is_fitted(value: Any) -> bool:
    """Whether an estimator has learnt something: attributes that end in ``_``, or fitted steps."""
    state = _state(value)
    if any(name.endswith("_") and not name.startswith("_") for name in state):
        return True
    return any(is_fitted(step) for _, step in _steps(state)) or state.get("_Booster") is not None


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
    state = _state(estimator)
    nested = list(_steps(state))
    parts = {id(part) for _, part in nested}
    for name, default in _defaults(type(estimator)).items():
        if name not in state:
            continue
        value = state[name]
        if name in _STEPS and nested:
            listed = list(_steps({name: value}, all_of_them=True))
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


def _steps(state: dict[str, Any], *, all_of_them: bool = False) -> Iterator[tuple[str, Any]]:
    for key in _STEPS:
        listed = state.get(key)
        if type(listed) is not list and type(listed) is not tuple:
            continue
        for entry in listed[:MAX_ITEMS]:
            named = type(entry) is tuple and len(entry) >= 2 and type(entry[0]) is str
            if named and (all_of_them or model_family(entry[1])):
                yield entry[0], entry[1]


def _state(value: Any) -> dict[str, Any]:
    """An instance's own ``__dict__``, read past whatever its class may do to attribute access."""
    for base in _MRO.__get__(type(value)):
        holder = _DICT.__get__(base).get("__dict__")
        if holder is not None:
            found = holder.__get__(value) if type(holder) is GetSetDescriptorType else None
            return found if type(found) is dict else {}
    return {}


_MISSING = object()


def _defaults(kind: type) -> dict[str, Any]:
    """The constructor's parameters and their defaults; those of a base too where it takes ``**kwargs``."""
    found: dict[str, Any] = {}
    for base in _MRO.__get__(kind):
        constructor = _DICT.__get__(base).get("__init__")
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
        return _NAME.__get__(value)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        if issubclass(kind, numpy.generic) and _MODULE.__get__(kind) == "numpy":
            return plain(value.item(), depth + 1)
        if kind is numpy.ndarray:
            small = value.size <= MAX_ITEMS and value.dtype.kind in "biufU"
            return value.tolist() if small else f"array of shape {value.shape}"
    return _NAME.__get__(kind)


def _boosted_settings(value: Any) -> dict[str, Any]:
    """XGBoost and LightGBM leave most parameters None; what is not was set."""
    if _NAME.__get__(type(value)) == "Booster":
        return {}
    state = _state(value)
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
    set_by_user = _state(value).get("_init_params")
    return {name: plain(item) for name, item in set_by_user.items()} if type(set_by_user) is dict else {}


def _torch_settings(value: Any) -> dict[str, Any]:
    """How large a network is; the classes of its children, by their name."""
    children = _state(value).get("_modules")
    layers = {
        name: _NAME.__get__(type(child)) for name, child in (children or {}).items() if child is not None
    }
    weights, seen = 0, set()
    queue, visited = [value], 0
    while queue and visited < 10_000:
        state = _state(queue.pop())
        visited += 1
        for weight in (state.get("_parameters") or {}).values():
            if weight is not None and id(weight) not in seen:
                seen.add(id(weight))
                weights += weight.numel()
        queue.extend(child for child in (state.get("_modules") or {}).values() if child is not None)
    return {"weights": weights, "layers": dict(list(layers.items())[:MAX_ITEMS])}


def best_settings(value: Any) -> dict[str, Any]:
    """What a search found best, ``best_params.svc__C``; empty for anything else."""
    found = _state(value).get("best_params_")
    if type(found) is not dict:
        return {}
    return {f"best_params.{key}": plain(item) for key, item in found.items() if type(key) is str}


def optimizer_settings(value: Any) -> dict[str, Any]:
    """The settings of a PyTorch optimizer's first group (``lr``, ``momentum`` …); empty for anything else."""
    mro = _MRO.__get__(type(value))
    if not any(
        _MODULE.__get__(base) == "torch.optim.optimizer" for base in mro if type(_MODULE.__get__(base)) is str
    ):
        return {}
    groups, defaults = _state(value).get("param_groups"), _state(value).get("defaults")
    if type(groups) is not list or not groups or type(defaults) is not dict:
        return {}
    given = _defaults(type(value))
    return {
        name: plain(groups[0][name])
        for name in defaults
        if name in groups[0] and not _same(groups[0][name], given.get(name, _MISSING))
    }


def _keras_settings(value: Any) -> dict[str, Any]:
    layers = [_NAME.__get__(type(layer)) for layer in value.layers[:MAX_ITEMS]]
    settings: dict[str, Any] = {"weights": int(value.count_params()), "layers": layers}
    optimizer = getattr(value, "optimizer", None)
    if optimizer is not None:
        settings["optimizer"] = _NAME.__get__(type(optimizer))
        config = optimizer.get_config()
        if type(config.get("learning_rate")) is float:
            settings["learning_rate"] = config["learning_rate"]
    return settings


def _statsmodels_settings(value: Any) -> dict[str, Any]:
    state = _state(_state(value).get("_results", value))
    model = state.get("model")
    settings: dict[str, Any] = {"model": _NAME.__get__(type(model))}
    formula = _state(model).get("formula")
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


# ---- scores


def fitted_scores(name: str, value: Any) -> list[Score]:
    """What a fitted object says of its own quality.

    Each is (label, expression, path, number): the expression, written with the variable `name`, has
    a value from which `path` leads to the number.
    """
    try:
        return list(_scores(name, value))
    except Exception:  # noqa: BLE001 - a half-fitted object has no scores
        return []


def summary_scores(name: str, value: Any) -> list[Score]:
    """What the summary of a statistical result shows: its scores, and the p-value of every term."""
    if model_family(value) != "statsmodels":
        return []
    try:
        found = [*_scores(name, value), *_statistics(name, value, _SUMMARY_SCORES)]
        terms: Any = getattr(value, "pvalues", None)
        if _NAME.__get__(type(terms)) == "Series" and len(terms) <= _TERMS:
            found += [
                (f"pvalue {term}", f"{name}.pvalues", (term,), float(number))
                for term, number in zip(terms.index.tolist(), terms.tolist(), strict=True)
                if type(term) is str
            ]
        elif _NAME.__get__(type(terms)) == "ndarray" and terms.ndim == 1 and terms.size <= _TERMS:
            terms_of = _state(_state(_state(value).get("_results", value)).get("model")).get("data")
            names = getattr(terms_of, "xnames", None) or [str(index) for index in range(terms.size)]
            found += [
                (f"pvalue {term}", f"{name}.pvalues", (index,), float(number))
                for index, (term, number) in enumerate(zip(names, terms.tolist(), strict=False))
            ]
    except Exception:  # noqa: BLE001 - a result may be broken in any way
        return []
    return found


def _statistics(name: str, value: Any, keys: Iterable[str]) -> Iterator[Score]:
    results = _state(value).get("_results", value)
    for key in keys:
        if _has_attribute(type(results), key):
            number = _number(getattr(results, key, None))
            if number is not None:
                yield key, f"{name}.{key}", (), number


def fitted_curves(value: Any) -> dict[str, list[float]]:
    """The histories a fitted object kept, whole, by the labels `fitted_scores` gives their last values."""
    try:
        state, found = _state(value), {}
        for attribute in ("evals_result_", "_evals_result", "history"):
            for path, _ in _histories(state.get(attribute), ()):
                kept = state[attribute]
                for key in path[:-1]:
                    kept = kept[key]
                numbers = [_number(item) for item in kept]
                if all(number is not None for number in numbers):
                    found["_".join(str(part) for part in path[:-1])] = [float(number) for number in numbers]  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - a half-fitted object has no histories
        return {}
    return found


def _scores(name: str, value: Any) -> Iterator[Score]:
    family = model_family(value)
    state = _state(value)
    if family == "statsmodels":
        yield from _statistics(name, value, _STATSMODELS_SCORES)
        return
    if not family and _NAME.__get__(type(value)) != "History":
        return
    for key in _SCORES:
        number = _number(state.get(key))
        if number is not None:
            yield key.rstrip("_"), f"{name}.{key}", (), number
    for attribute, public in {"best_score": "best_score", "_best_score": "best_score_"}.items():
        for best, number in _best(state.get(attribute), ()):
            yield "_".join(("best", *best)), f"{name}.{public}", best, number
    kept = {"evals_result_": "evals_result_", "_evals_result": "evals_result_", "history": "history"}
    for attribute, public in kept.items():
        for path, number in _histories(state.get(attribute), ()):
            label = "_".join(str(part) for part in path[:-1])
            yield label, f"{name}.{public}", path, number
    if family == "sklearn" and _NAME.__get__(type(value)) == "Pipeline":
        steps = list(_steps(state))
        if steps:
            yield from _scores(f"{name}[-1]", steps[-1][1])


def _best(kept: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int | float]]:
    """The numbers of ``{set: {metric: number}}``, as LightGBM keeps those of the best round."""
    if isinstance(kept, dict) and len(path) < 2:
        for key, part in list(kept.items())[:MAX_ITEMS]:
            if type(key) is str:
                yield from _best(part, (*path, key))
    elif len(path) == 2 and (number := _number(kept)) is not None:
        yield path, number


def _histories(kept: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int | float]]:
    """The last numbers of ``{set: {metric: [numbers]}}`` and of ``{metric: [numbers]}``."""
    if not isinstance(kept, dict) or len(path) > 2:
        if type(kept) is list and kept and path:
            number = _number(kept[-1])
            if number is not None:
                yield (*path, len(kept) - 1), number
        return
    for key, part in list(kept.items())[:MAX_ITEMS]:
        if type(key) is str:
            yield from _histories(part, (*path, key))


def _has_attribute(kind: type, name: str) -> bool:
    return any(name in _DICT.__get__(base) for base in _MRO.__get__(kind))


def _number(value: Any) -> int | float | None:
    kind = type(value)
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    numpy: Any = sys.modules.get("numpy")
    if (
        numpy is not None
        and _MODULE.__get__(kind) == "numpy"
        and issubclass(kind, numpy.floating | numpy.integer)
    ):
        return value.item()  # type: ignore[no-any-return]
    return None


# ---- bytes


class _FullError(Exception):
    """The model is larger than what is kept."""


class _Bounded(io.BytesIO):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def write(self, data: Any) -> int:
        if self.tell() + len(memoryview(data).cast("B")) > self.limit:
            raise _FullError
        return super().write(data)


def serialize_model(value: Any, limit: int) -> tuple[bytes, str] | None:
    """(bytes, format) of a model of at most `limit` bytes, None if it is larger or cannot be kept.

    ``joblib`` for estimators and statistical results, ``pt`` (a ``state_dict``) for PyTorch,
    ``ubj`` and ``txt`` for bare XGBoost and LightGBM boosters.
    """
    family = model_family(value)
    if not family or family == "keras":
        return None
    try:
        if _NAME.__get__(type(value)) == "Booster":
            data, form = (
                (bytes(value.save_raw("ubj")), "ubj")
                if family == "xgboost"
                else (
                    value.model_to_string().encode(),
                    "txt",
                )
            )
            return (data, form) if len(data) <= limit else None
        buffer = _Bounded(limit)
        if family == "torch":
            import torch

            torch.save(value.state_dict(), buffer)
            return buffer.getvalue(), "pt"
        # As `joblib.load` reads it too; joblib's own pickler is written in Python and many times slower.
        pickle.dump(value, buffer, protocol=5)
        return buffer.getvalue(), "joblib"
    except Exception:  # noqa: BLE001 - lambdas, locks and handles inside: such a model is not kept
        return None


def final_step(value: Any, kind: str) -> str:
    """The class name of what predicts: the last step of a pipeline, else the last part of `kind`."""
    state = _state(value)
    steps = state.get("steps")
    if type(steps) is list and steps and type(steps[-1]) is tuple and len(steps[-1]) == 2:
        last = steps[-1][1]
        if last is not None and type(last) is not str:
            return final_step(last, class_path(type(last)))
    return kind.rpartition(".")[2]
