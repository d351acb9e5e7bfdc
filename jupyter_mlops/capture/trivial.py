"""What always predicting the same thing would score: the baseline beside every score.

Computed from ``y_true`` alone, in closed form: the most frequent class of a classification, the mean
of a regression, chance for what ranks. A score without a baseline of that kind has none.
"""

from __future__ import annotations

import ast
import collections
import math
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from .evaluation import target_and_name
from .numbers import module_of, own_state, to_float
from .syntax import expression_of
from .vocabulary import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from .evidence import Evidence
    from .sites import Event

_LARGEST = 2_000_000
#: A regression's target has more values than this, or broken ones.
_MOST_CLASSES = 100
_DEEPEST = 6
_PERCENT = 100

_SCORERS = {
    "accuracy": "accuracy_score", "balanced_accuracy": "balanced_accuracy_score", "roc_auc": "roc_auc_score",
    "average_precision": "average_precision_score", "r2": "r2_score", "f1": "f1_score",
    "precision": "precision_score", "recall": "recall_score", "jaccard": "jaccard_score",
    "explained_variance": "explained_variance_score", "matthews_corrcoef": "matthews_corrcoef",
}  # fmt: skip
_OWN_NAMES = {
    "accuracy": "accuracy_score", "acc": "accuracy_score", "r2": "r2_score", "rsquared": "r2_score",
    "rmse": "root_mean_squared_error", "mse": "mean_squared_error", "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
}  # fmt: skip


class Target(msgspec.Struct, frozen=True):
    """``y_true`` in figures: `share` of its most frequent value, or its numbers around their `mean`."""

    classes: dict[Any, int] | None = None
    numbers: Any = None

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.numbers) if self.classes is None else sum(self.classes.values())

    @property
    def most(self) -> Any:
        """The most frequent class."""
        classes = self.classes or {}
        return max(classes, key=lambda name: classes[name])

    def share(self, name: Any) -> float:
        """The share of one class."""
        return (self.classes or {}).get(name, 0) / max(1, self.rows)


def note_trivial(evidence: Evidence) -> None:
    """Put the trivial score beside every metric that a scoring call gave."""
    targets: dict[int, Target | None] = {}
    details = evidence.found.details
    for name, detail in list(details.items()):
        _, call = evidence.scored.get(id(detail.evaluation), (None, None))
        if call is None:
            continue
        try:
            found = trivial_value(call, evidence.found.values[name], detail.path, targets)
        except Exception:  # noqa: BLE001, S112 - a strange target has no baseline, and costs no metric
            continue
        if found is not None:
            trivial, turned = found
            higher = detail.higher_is_better
            if turned and higher is not None:
                higher = not higher  # ``1 - accuracy``
            details[name] = msgspec.structs.replace(detail, trivial=trivial, higher_is_better=higher)


def trivial_value(
    call: Event, value: Any, path: tuple[Any, ...], targets: dict[int, Target | None]
) -> tuple[float, bool] | None:
    """What the trivial prediction would have given where `call` gave `value`; None if that is not known.

    With it, whether `value` goes down where what the call gave goes up, as ``1 - accuracy`` does.
    `value` may be made of the call's own (its root, a percentage, its negative, rounded); `path` leads
    from a structure to it. `targets` remembers what is known of a ``y_true`` during one cell.
    """
    _, true = target_and_name(call)
    if true is None:
        return None
    if id(true) not in targets:
        targets[id(true)] = describe_target(true)
    target = targets[id(true)]
    if target is None or target.rows < 2:
        return None
    function, options = _asked(call, target)
    if not function or options.get("sample_weight") is not None:
        return None
    if function == "classification_report":
        of_report = _of_report(target, path)
        return None if of_report is None else (of_report, False)
    given: Any = call.value
    if call.site.function.endswith("cross_val_score") and path and path[-1] not in ("mean", "@mean"):
        return None
    last = function.rpartition(".")[2]
    negative = last.startswith("neg_")
    compute = _FUNCTIONS.get(last.removeprefix("neg_"))
    if compute is None:
        return None
    if compute in _REGRESSIONS and target.classes is not None:
        target = Target(numbers=_as_numbers(target))
        if target.numbers is None:
            return None
    elif compute not in _REGRESSIONS and target.classes is None:
        return None
    found = compute(target, options)
    if found is None or not math.isfinite(found):
        return None
    return _like(found if not negative else -found, to_float(given), to_float(value))


def describe_target(value: Any) -> Target | None:
    """What is known of a ``y_true``: a list, array, column or tensor of plain numbers or labels."""
    import numpy as np

    array = _flat(value)
    if array is None or not 2 <= len(array) <= _LARGEST:
        return None
    if type(array) is list:
        kinds = {type(item) for item in array}
        if not kinds <= {str, int, float, bool}:
            return None
        if kinds <= {float, int} and float in kinds:
            array = np.asarray(array, dtype=float)
        else:
            return Target(classes=dict(collections.Counter(array)))
    kind = array.dtype.kind
    if kind == "f":
        if not np.isfinite(array).all():
            return None
        if len(array) > _MOST_CLASSES and not (array[:1000] == np.round(array[:1000])).all():
            return Target(numbers=array)
        if not (array == np.round(array)).all():
            return Target(numbers=array)
    elif kind == "b":
        array = array.astype(np.int8)
    elif kind not in "iuU":
        return None
    names, counts = np.unique(array, return_counts=True)
    if kind != "U" and (len(names) > _MOST_CLASSES or len(names) > len(array) // 2):
        return Target(numbers=array.astype(float))
    return Target(classes=dict(zip(names.tolist(), counts.tolist(), strict=True)))


def _flat(value: Any) -> Any:
    """One-dimensional values of a known kind: an array, or a list of objects."""
    kind = type(value)
    if kind is list or kind is tuple:
        return list(value) if len(value) <= _LARGEST else None
    module = module_of(kind).partition(".")[0]
    if module == "pandas" and kind.__name__ == "DataFrame" and value.shape[1] == 1:
        value = value.iloc[:, 0]
        kind = type(value)
    if module == "pandas" and kind.__name__ == "Series":
        if str(value.dtype) == "category":
            codes = value.cat.codes.to_numpy()
            return value.cat.categories.to_numpy()[codes].tolist() if (codes >= 0).all() else None
        if len(value) > _LARGEST or bool(value.isna().any()):
            return None
        value = value.to_numpy()
    elif module == "polars" and kind.__name__ == "Series":
        value = value.to_numpy()
    elif module == "torch" and kind.__name__ == "Tensor" and value.device.type == "cpu":
        value = value.detach().numpy()
    numpy: Any = sys.modules.get("numpy")
    if numpy is None or type(value) is not numpy.ndarray or value.size > _LARGEST:
        return None
    if value.ndim == 2 and value.shape[1] == 1:
        value = value[:, 0]
    if value.ndim != 1:
        return None
    return value.tolist() if value.dtype.kind == "O" else value


def _as_numbers(target: Target) -> Any:
    """Classes that are numbers after all: counts, ages, prices in whole units."""
    import numpy as np

    classes = target.classes or {}
    if not all(type(name) in (int, float, bool) for name in classes):
        return None
    return np.repeat(np.array(list(classes), dtype=float), list(classes.values()))


# ---- which score was asked for


def _asked(call: Event, target: Target) -> tuple[str, dict[str, Any]]:
    """The scoring function's name as scikit-learn has it, and the options it was given as literals."""
    last = call.site.function.rpartition(".")[2]
    options = _options(call)
    if last in ("score", "cross_val_score"):
        learner = call.receiver if last == "score" else next(iter(call.values.values()), None)
        if last == "cross_val_score" and call.given.get("0") is not None:
            learner = call.given["0"]
        scoring = options.get("scoring")
        if last == "score":
            scoring = own_state(learner).get("scoring") if learner is not None else None
        if type(scoring) is str:
            return _scorer(scoring)
        if scoring is not None:
            return "", {}
        family = _family(learner)
        # A pipeline's or an unknown learner's own score is accuracy or R², as its target tells.
        if family == "other" or (family == "" and not _is_learner(learner)):
            return "", {}
        regression = family == "regressor" or (family == "" and target.classes is None)
        return ("r2_score" if regression else "accuracy_score"), {}
    if last in _FUNCTIONS or last == "classification_report":
        return last, options
    own = [_OWN_NAMES[word] for word in words(last) if word in _OWN_NAMES]
    return (own[0], {}) if len(own) == 1 else ("", {})


def _scorer(name: str) -> tuple[str, dict[str, Any]]:
    negative = name.startswith("neg_")
    plain = name.removeprefix("neg_")
    for average in ("macro", "micro", "weighted"):
        if plain.endswith(f"_{average}"):
            return _SCORERS.get(plain.removesuffix(f"_{average}"), ""), {"average": average}
    function = _SCORERS.get(plain, plain)
    return (f"neg_{function}" if negative else function), {}


def _options(call: Event) -> dict[str, Any]:
    node = expression_of(call.site.expression)
    if not isinstance(node, ast.Call):
        return {}
    found: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is not None:
            found[keyword.arg] = keyword.value.value if isinstance(keyword.value, ast.Constant) else ...
    return found


def _family(learner: Any) -> str:
    """``classifier``, ``regressor``, ``other`` (clusterer, transformer) or ``""``: by its classes' names."""
    for _ in range(_DEEPEST):
        names = {base.__name__ for base in type(learner).__mro__}
        for name, family in (
            ("ClassifierMixin", "classifier"),
            ("RegressorMixin", "regressor"),
            ("ClusterMixin", "other"),
            ("DensityMixin", "other"),
        ):
            if name in names:
                return family
        state = own_state(learner)
        steps = state.get("steps")
        if type(steps) is list and steps and type(steps[-1]) is tuple:
            learner = steps[-1][-1]
        elif "estimator" in state:
            learner = state["estimator"]
        else:
            break
    return "other" if _is_learner(learner) else ""


def _is_learner(value: Any) -> bool:
    return any(base.__name__ == "BaseEstimator" for base in type(value).__mro__)


# ---- the scores


def _constant(measure: str) -> Callable[[Target, dict[str, Any]], float | None]:
    """Precision, recall, F1 or Jaccard of always predicting the most frequent class."""

    def compute(target: Target, options: dict[str, Any]) -> float | None:
        average = options.get("average", "binary")
        most = target.most
        one = _of_class(measure, target.share(most))
        if average == "binary":
            positive = options.get("pos_label", 1)
            if positive not in (target.classes or {}):
                return None
            return one if positive == most else 0.0
        if average == "micro":
            share = target.share(most)
            return share / (2 - share) if measure == "jaccard" else share
        if average == "macro":
            return one / len(target.classes or {})
        return one * target.share(most) if average == "weighted" else None

    return compute


def _of_class(measure: str, share: float) -> float:
    return {"recall": 1.0, "f1": 2 * share / (1 + share)}.get(measure, share)


def _positive(target: Target, options: dict[str, Any]) -> float | None:
    if len(target.classes or {}) != 2:
        return None
    positive = options.get("pos_label", max(target.classes or {}, key=str))
    return target.share(positive)


def _brier(target: Target, options: dict[str, Any]) -> float | None:
    share = _positive(target, options)
    return None if share is None else share * (1 - share)


def _entropy(target: Target, _options: dict[str, Any]) -> float:
    shares = [target.share(name) for name in target.classes or {}]
    return -sum(share * math.log(share) for share in shares)


def _accuracy(target: Target, options: dict[str, Any]) -> float | None:
    return None if options.get("normalize") is False else target.share(target.most)


def _from_mean(score: Callable[[Any, Any], Any]) -> Callable[[Target, dict[str, Any]], float | None]:
    """An error of always predicting the mean; `score` takes the numbers and what is left beside it."""

    def compute(target: Target, _options: dict[str, Any]) -> float | None:
        import numpy as np

        with np.errstate(all="ignore"):
            return float(score(target.numbers, target.numbers - target.numbers.mean()))

    return compute


def _squared(target: Target, options: dict[str, Any]) -> float | None:
    variance = float(target.numbers.var())
    return math.sqrt(variance) if options.get("squared") is False else variance


def _zero(_target: Target, _options: dict[str, Any]) -> float:
    return 0.0


def _zero_of_numbers(_target: Target, _options: dict[str, Any]) -> float:
    return 0.0


def _numpy(name: str, values: Any) -> Any:
    import numpy as np

    return getattr(np, name)(values)


_FUNCTIONS: dict[str, Callable[[Target, dict[str, Any]], float | None]] = {
    "accuracy_score": _accuracy,
    "balanced_accuracy_score": lambda target, _: 1 / len(target.classes or {}),
    "zero_one_loss": lambda target, _: 1 - target.share(target.most),
    "hamming_loss": lambda target, _: 1 - target.share(target.most),
    "precision_score": _constant("precision"),
    "recall_score": _constant("recall"),
    "f1_score": _constant("f1"),
    "jaccard_score": _constant("jaccard"),
    "matthews_corrcoef": _zero,
    "cohen_kappa_score": _zero,
    "roc_auc_score": lambda _target, _: 0.5,
    "average_precision_score": _positive,
    "log_loss": _entropy,
    "brier_score_loss": _brier,
    "r2_score": _zero_of_numbers,
    "explained_variance_score": _zero_of_numbers,
    "mean_squared_error": _squared,
    "root_mean_squared_error": _from_mean(lambda _, rest: _numpy("sqrt", (rest**2).mean())),
    "mean_absolute_error": _from_mean(lambda _, rest: abs(rest).mean()),
    "median_absolute_error": _from_mean(lambda _, rest: _numpy("median", abs(rest))),
    "max_error": _from_mean(lambda _, rest: abs(rest).max()),
    "mean_absolute_percentage_error": _from_mean(lambda numbers, rest: (abs(rest) / abs(numbers)).mean()),
}
_REGRESSIONS = frozenset(
    _FUNCTIONS[name]
    for name in (
        "r2_score", "explained_variance_score", "mean_squared_error", "root_mean_squared_error",
        "mean_absolute_error", "median_absolute_error", "max_error", "mean_absolute_percentage_error",
    )
)  # fmt: skip


def _of_report(target: Target, path: tuple[Any, ...]) -> float | None:
    if target.classes is None or not path:
        return None
    if path[-1] == "accuracy":
        return target.share(target.most)
    measure = str(path[-1]).removesuffix("-score")
    if measure not in ("precision", "recall", "f1") or len(path) < 2:
        return None
    average = str(path[-2]).removesuffix(" avg")
    if average in ("macro", "weighted"):
        return _constant(measure)(target, {"average": average})
    if str(path[-2]) == str(target.most):
        return _of_class(measure, target.share(target.most))
    return 0.0 if str(path[-2]) in map(str, target.classes) else None


def _like(trivial: float, given: float | None, value: float | None) -> tuple[float, bool] | None:
    """`trivial` through what made `value` of what the call gave: a root, a percentage, its negative."""
    if given is None or value is None or not (math.isfinite(given) and math.isfinite(value)):
        return (trivial, False) if given is None and value is not None else None
    made: list[tuple[float, float, bool]] = [
        (given, trivial, False),
        (-given, -trivial, True),
        (_PERCENT * given, _PERCENT * trivial, False),
        (1 - given, 1 - trivial, True),
        (_PERCENT * (1 - given), _PERCENT * (1 - trivial), True),
    ]
    if min(given, trivial) >= 0:
        made.append((math.sqrt(given), math.sqrt(trivial), False))
    elif max(given, trivial) <= 0:
        made.append((math.sqrt(-given), math.sqrt(-trivial), True))
    for like, other, turned in made:
        if math.isclose(like, value, rel_tol=1e-12, abs_tol=1e-15):
            return other, turned
    for like, other, turned in made:
        if any(round(like, digits) == value for digits in range(1, 7)):
            return other, turned
    return None
