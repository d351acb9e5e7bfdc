"""Settings that stand in no plain literal: objects that hold them, arguments of calls and functions."""

from __future__ import annotations

import ast
import types
from typing import TYPE_CHECKING, Any

from .numbers import is_number, module_of, to_number
from .syntax import last_name
from .vocabulary import (
    FITTING_CALLS,
    TOLD_ARGUMENTS,
    is_scoring_call,
    names_a_result,
    sounds_like_holder,
    sounds_like_metric,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ITEMS = 50
_TEXT = 200
#: Arguments that say how a thing is shown, named, run or repeated, not how it learns.
_ASIDE = frozenset(
    """
    verbose verbosity random_state seed n_jobs num_threads nthread num_workers label labels title
    name names color
    columns index axis dtype device inplace copy data figsize ax key sep end file path output_dict
    target_names
    return_train_score num_iteration evals_result verbose_eval pin_memory keepdims keepdim dim feature_names
    """.split()
)
_CONFIGURING = frozenset(
    """
    train cv train_test_split early_stopping split resample simulate optimize minimize lr_find tune
    search run
    """.split()
)
#: Classes whose arguments are data or presentation.
_NO_MODELS = frozenset(
    """
    DataFrame Series Index Path Figure Counter Thread Event Lock Decimal Fraction Image Markdown
    HTML Text Series
    ConfusionMatrixDisplay RocCurveDisplay Timestamp Timedelta DatetimeIndex Line2D Patch Rectangle
    Circle Ellipse
    Axes GridSpec FuncFormatter
    """.split()
)
_DATACLASS = "__dataclass_fields__"


#: Read past what a metaclass may do to attribute access.
_MRO: Any = type.__dict__["__mro__"]
_VARS: Any = type.__dict__["__dict__"]
_NAME: Any = type.__dict__["__name__"]


def is_scalar(value: Any) -> bool:
    """Whether a value can be a setting: a bool, a number, a short text."""
    kind = type(value)
    return kind is bool or kind is int or kind is float or (kind is str and len(value) <= _TEXT)


def held_settings(name: str, value: Any) -> dict[str, Any]:
    """What an object that only holds settings holds: a namespace, a dataclass, a class, a dict."""
    kind = type(value)
    if kind is dict:
        if not sounds_like_holder(name) or any(
            names_a_result(key) and type(item) is float for key, item in value.items() if type(key) is str
        ):
            return {}
        return _plain_items(value, 2)
    if kind is type:
        found = vars(value)
        own = {key: item for key, item in found.items() if not key.startswith("_")}
        if found.get("__module__") != "__main__" or any(callable(item) for item in own.values()):
            return {}
        return _plain_items(own, 1)
    fields = any(_DATACLASS in _VARS.__get__(base) for base in _MRO.__get__(kind)[:-1])
    if (
        kind is types.SimpleNamespace
        or _path(kind) == "argparse.Namespace"
        or fields
        or (sounds_like_holder(name) and module_of(kind) == "__main__")
    ):
        try:
            state = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return {}
        return _plain_items(state, 2) if type(state) is dict else {}
    return {}


def _path(kind: type) -> str:
    return f"{module_of(kind)}.{_NAME.__get__(kind)}"


def _plain_items(items: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if len(items) > _ITEMS:
        return found
    for key, item in items.items():
        if type(key) is not str or key.startswith("_"):
            continue
        kind = type(item)
        if is_scalar(item):
            found[key] = item
        elif kind is list or kind is tuple:
            if 0 < len(item) <= _ITEMS and all(is_scalar(part) for part in item):
                found[key] = list(item)
        elif kind is dict and depth:
            found |= {f"{key}.{inner}": part for inner, part in _plain_items(item, depth - 1).items()}
        elif is_number(item):
            found[key] = to_number(item)
    return found


def call_settings(tree: ast.AST, own: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """(function, name, value) of literals given to calls that configure, split, train or score.

    `own` is the namespace: functions of the notebook's own count like a library's that train.
    """
    found: list[tuple[str, str, Any]] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        last = last_name(node.func)
        function = _function(node.func, own)
        if not _configures(last, function):
            continue
        found += [(last, name, value) for name, value in _placed(node, function)]
        for keyword in node.keywords:
            if keyword.arg and (
                keyword.arg not in _ASIDE
                or (keyword.arg == "random_state" and (_splits(last) or _draws_data(function)))
            ):
                found += [(last, *pair) for pair in _literals(keyword.arg, keyword.value)]
        for argument in node.args:
            if isinstance(argument, ast.Dict) and last != "fit":
                found += [
                    (last, str(key.value), value)
                    for key, part in zip(argument.keys, argument.values, strict=True)
                    if isinstance(key, ast.Constant) and type(key.value) is str and key.value not in _ASIDE
                    for _, value in _literals("", part)
                ]
        only = node.args[0] if len(node.args) == 1 and not node.keywords else None
        if isinstance(only, ast.Constant) and type(only.value) in (int, float):
            found.append((last, last, only.value))
    return found


def _splits(function: str) -> bool:
    """Whether a function or class splits data, so that its seed decides which rows are scored."""
    return bool({"split", "fold", "kfold"} & set(words(function)))


def _draws_data(function: Any) -> bool:
    """Whether a function of scikit-learn makes up data: ``make_blobs``."""
    return (
        type(function) is types.FunctionType
        and type(function.__module__) is str
        and function.__module__.startswith("sklearn.datasets")
        and function.__name__.startswith("make_")
    )


def _configures(last: str, function: Any) -> bool:
    if not last or last in _NO_MODELS or last.endswith(("Error", "Exception", "Warning")):
        return False
    if last in FITTING_CALLS or last in _CONFIGURING or last in TOLD_ARGUMENTS or _draws_data(function):
        return True
    if last[:1].isupper():
        return not last.isupper() or len(last) <= 8
    if type(function) is types.FunctionType and function.__module__ == "__main__":
        return words(last)[:1] not in (("plot",), ("show",), ("print",))
    if type(function) is types.FunctionType and _is_science(function.__module__):
        return True
    return is_scoring_call(last) or bool({"train", "fit", "stopping", "scheduler"} & set(words(last)))


def _function(node: ast.expr, own: Mapping[str, Any]) -> Any:
    """What is called, as far as it is a plain name or stands in a module: ``st.ttest_ind``."""
    if isinstance(node, ast.Name):
        return own.get(node.id)
    if isinstance(node, ast.Attribute):
        holder = _function(node.value, own)
        if type(holder) is types.ModuleType:
            return vars(holder).get(node.attr)
    return None


#: Parts of libraries whose functions test and fit, but for those that make data or pictures.
_SCIENCE = frozenset({"sklearn", "scipy", "statsmodels"})
_MAKING = frozenset({"datasets", "utils", "graphics", "sparse", "special", "io", "base"})


def _is_science(module: Any) -> bool:
    if type(module) is not str:
        return False
    root, *parts = module.split(".")
    return root in _SCIENCE and not _MAKING.intersection(part.strip("_") for part in parts)


def _placed(node: ast.Call, function: Any) -> Iterator[tuple[str, Any]]:
    """Literals that a function or class was given by position, under the names it has for them.

    Of libraries those count that split, test or fit: ``KFold(5)`` is ``n_splits``.
    """
    bound = 0
    if isinstance(function, type):
        # Read past what a metaclass may do to attribute access.
        found = (_VARS.__get__(base).get("__init__") for base in _MRO.__get__(function))
        function, bound = next((made for made in found if made is not None), None), 1
    while type(function) is types.FunctionType and "__wrapped__" in vars(function):
        function = vars(function)["__wrapped__"]
    if type(function) is not types.FunctionType:
        return
    if function.__module__ != "__main__" and not _is_science(function.__module__):
        return
    code = function.__code__
    names = code.co_varnames[bound : code.co_argcount]
    for name, argument in zip(names, node.args, strict=False):
        if isinstance(argument, ast.Starred):
            return
        for _, value in _literals(name, argument):
            if type(value) is list or (type(value) is not str and is_argument(name, value)):
                yield name, value


def _literals(name: str, node: ast.expr) -> Iterator[tuple[str, Any]]:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return
    if is_scalar(value):
        yield name, value
    elif type(value) in (list, tuple) and 0 < len(value) <= _ITEMS and all(is_scalar(part) for part in value):
        yield name, list(value)


def is_argument(name: str, value: Any) -> bool:
    """Whether a function's own argument is a setting of what it trains."""
    return (
        is_scalar(value)
        and name not in _ASIDE
        and name not in ("self", "i", "j", "fold", "epoch", "step", "prefix", "suffix", "msg", "text")
        and not sounds_like_metric(name)
        and not (type(value) is str and (not value or len(value) > 40 or "\n" in value))
    )
