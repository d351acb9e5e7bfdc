"""What a fitted object says of its own quality: scores, summaries and histories it kept."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import ModelInput

from .models import DICT, MAX_ITEMS, MODULE, MRO, NAME, model_family, state_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Score = tuple[str, str, tuple[str | int, ...], int | float]

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
        if NAME.__get__(type(terms)) == "Series" and len(terms) <= _TERMS:
            found += [
                (f"pvalue {term}", f"{name}.pvalues", (term,), float(number))
                for term, number in zip(terms.index.tolist(), terms.tolist(), strict=True)
                if type(term) is str
            ]
        elif NAME.__get__(type(terms)) == "ndarray" and terms.ndim == 1 and terms.size <= _TERMS:
            terms_of = state_of(state_of(state_of(value).get("_results", value)).get("model")).get("data")
            names = getattr(terms_of, "xnames", None) or [str(index) for index in range(terms.size)]
            found += [
                (f"pvalue {term}", f"{name}.pvalues", (index,), float(number))
                for index, (term, number) in enumerate(zip(names, terms.tolist(), strict=False))
            ]
    except Exception:  # noqa: BLE001 - a result may be broken in any way
        return []
    return found


def _statistics(name: str, value: Any, keys: Iterable[str]) -> Iterator[Score]:
    results = state_of(value).get("_results", value)
    for key in keys:
        if _has_attribute(type(results), key):
            number = _number(getattr(results, key, None))
            if number is not None:
                yield key, f"{name}.{key}", (), number


def fitted_curves(value: Any) -> dict[str, list[float]]:
    """The histories a fitted object kept, whole, by the labels `fitted_scores` gives their last values."""
    try:
        state, found = state_of(value), {}
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
    state = state_of(value)
    if family == "statsmodels":
        yield from _statistics(name, value, _STATSMODELS_SCORES)
        return
    if not family and NAME.__get__(type(value)) != "History":
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
    if family == "sklearn" and NAME.__get__(type(value)) == "Pipeline":
        steps = list(steps_of(state))
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
    return any(name in DICT.__get__(base) for base in MRO.__get__(kind))


def _number(value: Any) -> int | float | None:
    kind = type(value)
    if kind is float and value != value:  # noqa: PLR0124 — a score that is not a number is none
        return None
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    numpy: Any = sys.modules.get("numpy")
    if (
        numpy is not None
        and MODULE.__get__(kind) == "numpy"
        and issubclass(kind, numpy.floating | numpy.integer)
    ):
        return value.item()  # type: ignore[no-any-return]
    return None


def learnt_input(value: Any, depth: int = 0) -> ModelInput | None:
    """What an estimator itself remembers of the columns it was fitted on, without their dtypes."""
    state = state_of(value)
    names: Any = state.get("feature_names_in_")
    count = state.get("n_features_in_")
    if NAME.__get__(type(names)) == "ndarray" and names.ndim == 1:
        listed = [name for name in names.tolist() if type(name) is str]
        return ModelInput(name="", kind="", columns=dict.fromkeys(listed, ""))
    if type(count) is int:
        return ModelInput(name="", kind="", shape=(count,))
    steps = state.get("steps")
    if type(steps) is list and depth < MAX_ITEMS:
        for step in steps:
            if type(step) is tuple and len(step) == 2 and (found := learnt_input(step[1], depth + 1)):
                return found
    return None
