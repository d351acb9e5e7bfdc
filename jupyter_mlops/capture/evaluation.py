"""What a score was computed with: the function, the data it was compared with, and which way is better."""

from __future__ import annotations

import ast
import sys
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import msgspec

from .numbers import module_of
from .syntax import expression_of
from .vocabulary import is_scoring_call, words

if TYPE_CHECKING:
    from .sites import Event

_TARGET_ARGUMENT = {"score": 1, "evaluate": 1, "cross_val_score": 2, "cross_validate": 2}


def direction_of(calls: list[Event]) -> bool | None:
    """Whether higher is better, as the name of the last scoring call says; None if it does not."""
    return direction_of_name(calls[-1].site.function) if calls else None


def takes_scores(function: Any, second: str) -> bool:
    """Whether a metric function takes scores instead of predictions, by its name or `second` parameter."""
    return second in _SCORED or getattr(function, "__name__", "") in _TAKE_SCORES


def direction_of_name(function: str) -> bool | None:
    """Whether higher is better of what a function gives, as its name says; None if it does not."""
    last = function.rpartition(".")[2]
    if last.endswith(("_error", "_loss", "_deviance")) or last in ("log_loss", "mse", "rmse", "mae", "mape"):
        return False
    if last.endswith(("_score", "accuracy", "_auc")) and last != "davies_bouldin_score":
        return True if last != "cross_val_score" else None
    return None


def identify(function: Any, written: str) -> tuple[str, Any]:
    """A metric function's qualified name, and the function itself if it is the notebook's own."""
    if isinstance(function, MethodType):
        function = function.__func__
    kind = type(function)
    if kind is FunctionType:
        own = function.__module__ == "__main__"
        return f"{function.__module__}.{function.__qualname__}", function if own else None
    if kind is BuiltinFunctionType:
        return f"{function.__module__}.{function.__qualname__}", None
    return written, None


def target_and_name(call: Event) -> tuple[str, Any]:
    """The name and value of what a scoring call compared with: ``y_true``."""
    last = call.site.function.rpartition(".")[2]
    plain = [argument for argument in call.site.arguments if "=" not in argument]
    for argument, value in call.values.items():
        key, equals, name = argument.partition("=")
        if equals and key in ("y_true", "y", "labels_true"):
            return name, value
    named = [
        argument
        for argument in plain
        if {"true", "target", "label", "labels", "y", "test"} & set(words(argument))
    ]
    position = _TARGET_ARGUMENT.get(
        last, 0 if is_scoring_call(last) and call.site.function != "score" else None
    )
    if position is not None and position < len(plain) and plain[position] in call.values:
        return plain[position], call.values[plain[position]]
    if last in _TARGET_ARGUMENT:
        # `model.score(X[400:], y[400:])`
        given = next((call.given[key] for key in (str(position), "y", "y_true") if key in call.given), None)
        if given is not None:
            return "", given
    for argument in named:
        if argument in call.values:
            return argument, call.values[argument]
    return "", compared_by(call).target


def target_of(call: Event) -> str:
    """The variable of what a scoring call compared with, or ``""``."""
    return target_and_name(call)[0]


def prediction_of(call: Event) -> str:
    """The variable of the predictions a scoring call was given, or ``""``."""
    for argument in call.site.arguments:
        key, equals, name = argument.partition("=")
        if equals and key in ("y_pred", "y_score", "y_prob", "y_proba", "labels_pred"):
            return name
    last = call.site.function.rpartition(".")[2]
    plain = [argument for argument in call.site.arguments if "=" not in argument]
    if last in _TARGET_ARGUMENT or len(plain) < 2:
        return ""
    return next((name for name in plain[:2] if name and name != target_of(call)), "")


class Kept(msgspec.Struct, frozen=True):
    """What an evaluation was computed from: digests of tables, and the names of features and model."""

    predictions: str = ""
    features: str = ""
    features_name: str = ""
    features_fingerprint: str = ""
    model: str = ""


class Compared(msgspec.Struct, frozen=True):
    """What a scoring call compared: both values, and whether the second are scores, not predictions."""

    target: Any = None
    prediction: Any = None
    is_score: bool = False


_PREDICTED = frozenset(
    {"y_pred", "labels_pred", "y_score", "y_prob", "y_proba", "probas_pred", "pred_decision"}
)
_TRUE = frozenset({"y_true", "labels_true"})
_SCORED = frozenset({"y_score", "y_prob", "y_proba", "probas_pred", "pred_decision"})
#: Functions that take scores where others take predictions.
_TAKE_SCORES = frozenset(
    """
    roc_auc_score average_precision_score log_loss brier_score_loss hinge_loss d2_log_loss_score
    d2_brier_score top_k_accuracy_score ndcg_score dcg_score label_ranking_loss coverage_error
    label_ranking_average_precision_score roc_curve precision_recall_curve det_curve auc
    """.split()
)

#: PyTorch's own losses are given the prediction first.
_PREDICTION_FIRST = frozenset(
    "mse_loss l1_loss nll_loss cross_entropy binary_cross_entropy binary_cross_entropy_with_logits".split()
)


def compared_by(call: Event) -> Compared:
    """What a scoring call was given as truth and as prediction, whether plain names or expressions.

    Calls that predict themselves (``score``, ``cross_val_score``) compare nothing we have.
    """
    last = call.site.function.rpartition(".")[2]
    if last in _TARGET_ARGUMENT or (call.receiver is not None and _predicts(call.receiver)):
        return Compared()
    values: dict[str, Any] = {}
    position = 0
    for argument in call.site.arguments:
        key, equals, _ = argument.partition("=")
        place = key if equals else str(position)
        position += not equals
        if place in call.given:
            values[place] = call.given[place]
        elif argument in call.values:
            values[place] = call.values[argument]
    true = next((value for key, value in values.items() if key in _TRUE), values.get("0"))
    keyed = [(key, value) for key, value in values.items() if key in _PREDICTED]
    found, given_as = (keyed[0][1], keyed[0][0]) if keyed else (values.get("1"), "")
    if not keyed and type(found).__name__ == "Tensor" and last in _PREDICTION_FIRST:
        true, found = found, true
    return Compared(true, found, given_as in _SCORED or last in _TAKE_SCORES)


def _predicts(receiver: Any) -> bool:
    return any("predict" in vars(base) for base in type(receiver).__mro__)


def rows_of(value: Any) -> int | None:
    """How many rows a list, an array or a table has."""
    module = module_of(type(value)).partition(".")[0]
    if type(value) is list or type(value) is tuple or module in ("numpy", "pandas"):
        try:
            return len(value)
        except TypeError:
            return None
    return None


_LARGEST_REPORT = 200_000


def report_of(call: Event) -> dict[str, Any] | None:
    """The numbers behind a text that `classification_report` gave, at full precision.

    The function is asked again, with the arguments it was given, for a dict; only plain lists and
    arrays are handed to it.
    """
    site = call.site
    if type(call.value) is not str or not site.function.endswith("classification_report"):
        return None
    metrics = sys.modules.get("sklearn.metrics")
    node = expression_of(site.expression)
    if metrics is None or not isinstance(node, ast.Call):
        return None
    known: dict[str, Any] = {}
    names = [str(index) for index in range(len(node.args))] + [key.arg or "" for key in node.keywords]
    for name, value in zip(names, [*node.args, *(key.value for key in node.keywords)], strict=True):
        if isinstance(value, ast.Constant):
            known[name] = value.value
        elif name in call.given:
            known[name] = call.given[name]
        else:
            return None
    true, predicted = known.pop("0", known.pop("y_true", None)), known.pop("1", known.pop("y_pred", None))
    if not (_is_plain(true) and _is_plain(predicted)) or len(true) > _LARGEST_REPORT:
        return None
    # Without `zero_division` the function would warn a second time.
    options = {key: known[key] for key in ("labels", "target_names", "sample_weight") if key in known}
    found = metrics.classification_report(true, predicted, **options, output_dict=True, zero_division=0)
    return found if type(found) is dict else None


def _is_plain(value: Any) -> bool:
    kind = type(value)
    return (
        kind is list
        or kind is tuple
        or (kind.__name__, module_of(kind).partition(".")[0])
        in (
            ("ndarray", "numpy"),
            ("Series", "pandas"),
        )
    )
