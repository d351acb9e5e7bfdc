"""A new metric over old runs, computed from the predictions they kept: nothing is fitted again."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import msgspec

from .capture.evaluation import direction_of_name, identify, takes_scores
from .compare.predictions import evaluation_of, read_table
from .errors import UsageError
from .records import MetricDetail, now

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from .records import Evaluation, MetricValue, Run
    from .store import Store


def rescore_run(
    store: Store, run: Run, function: Callable[..., Any], *, name: str, metric: str | None
) -> MetricValue:
    """Compute `function` from what `run` kept, write it onto the run as `name` and give its value back.

    Raises:
        UsageError: The run kept no predictions, not what the function needs, or it gave no number.
    """
    from .capture.fingerprint import fingerprint

    evaluation = evaluation_of(run, metric)
    table = read_table(store.get_artifact(evaluation.predictions))
    label = f"run {run.reference}"
    value = _number(function(*_arguments(function, table, label)), label)
    path, own = identify(function, name)
    detail = MetricDetail(
        origin="rescored",
        expression=f"{path.rpartition('.')[2]}({evaluation.target_name or 'y_true'}, kept predictions)",
        time=now(),
        evaluation=_identity(evaluation, path, fingerprint(own) if own is not None else ""),
        higher_is_better=direction_of_name(path),
    )
    store.add_metric(run.run_id, name, value, detail)
    return value


def name_of(function: Callable[..., Any]) -> str:
    """What a metric made by `function` is called."""
    found = getattr(function, "__name__", "")
    if not found or found == "<lambda>":
        raise UsageError("A function without a name needs one for its metric.", "Give name='my_metric'.")
    return str(found)


def _identity(evaluation: Evaluation, function: str, function_hash: str) -> Evaluation:
    return msgspec.structs.replace(evaluation, function=function, function_hash=function_hash)


def _arguments(function: Callable[..., Any], table: pd.DataFrame, label: str) -> list[Any]:
    """``y_true`` and, as the function's own parameter says, ``y_score`` or ``y_pred``."""
    scores = [name for name in table if name == "y_score" or str(name).startswith("y_score_")]
    predicted = [name for name in table if name == "y_pred" or str(name).startswith("y_pred_")]
    wants_scores = takes_scores(function, _second_parameter(function))
    chosen = scores if wants_scores else predicted
    if not chosen and wants_scores:
        raise UsageError(
            f"{label} kept no scores (y_score), which the function needs.",
            "They are kept where predict_proba or decision_function was called on the same rows.",
        )
    if not chosen:
        raise UsageError(
            f"{label} kept scores and no predictions (y_pred), which the function needs.",
            "Name its second parameter y_score if it takes scores.",
        )
    if wants_scores and len(chosen) == 2 and not _takes_every_class(function):
        chosen = chosen[1:]  # of two classes the second's score is what such functions take
    second = table[chosen[0]] if len(chosen) == 1 else table[chosen]
    return [table["y_true"].to_numpy(), second.to_numpy()]


def _second_parameter(function: Callable[..., Any]) -> str:
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ""
    return names[1] if len(names) > 1 else ""


def _takes_every_class(function: Callable[..., Any]) -> bool:
    return getattr(function, "__name__", "") == "log_loss"


def _number(value: Any, label: str) -> MetricValue:
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UsageError(
            f"The function gave a {type(value).__name__} for {label}, not a number.",
            "A metric is one number: return it alone.",
        )
    return value


def all_of(store: Store, runs: list[Run], **how: Any) -> dict[str, MetricValue]:
    """`rescore_run` for each of `runs`, after making sure that every one of them kept predictions."""
    for run in runs:
        evaluation_of(run, how["metric"])
    return {run.run_id: rescore_run(store, run, **how) for run in runs}
