"""A run taken apart into rows, before any transaction begins.

Whatever cannot be stored is refused here, so that a transaction is short and never fails on a value.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.errors import UsageError
from jupyter_mlops.records import RunWarning

from .documents import Summary, encode_checked, number_of, plain, text_of
from .points import pack_curve

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_mlops.records import Curve, Execution, MetricValue, Run

LONGEST_NAME = 400
"""Characters of a name that databases can index; PostgreSQL's limit is 2,700 bytes."""


class Packed(msgspec.Struct, frozen=True):
    """The rows of a run, without what only the database knows (its number, its lease)."""

    run: Run
    summary: Summary
    document: bytes
    params: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    curves: list[dict[str, Any]]
    environment: tuple[str, bytes] | None


def pack(run: Run, curves: Mapping[str, Curve]) -> Packed:
    """Take `run` and its `curves` apart; UsageError for what cannot be stored."""
    label = f"Run {run.name or run.run_id!r}"
    _check_names(run, label)
    values = {name: plain(value, f"The parameter {name!r}") for name, value in run.params.items()}
    numbers = {name: _number(value, name) for name, value in run.metrics.items()}
    names = (*run.curves, *(name for name in curves if name not in run.curves))
    run = msgspec.structs.replace(run, params=values, metrics=numbers, curves=names, tags=dict(run.tags))
    bare = msgspec.structs.replace(run, params={}, metrics={}, tags={}, cells=(), environment=None)
    return Packed(
        run=run,
        summary=Summary(values, numbers, run.tags, names, len(run.warnings)),
        document=encode_checked(bare, label),
        params=[
            {
                "run_id": run.run_id,
                "name": name,
                "kind": type(value).__name__,
                "text": text_of(value),
                "number": number_of(value),
            }
            for name, value in values.items()
            if len(name) <= LONGEST_NAME
        ],
        metrics=[
            {
                "run_id": run.run_id,
                "name": name,
                "kind": type(value).__name__,
                "number": number_of(value),
                "higher_is_better": detail.higher_is_better
                if (detail := run.metric_details.get(name)) is not None
                else None,
            }
            for name, value in numbers.items()
            if len(name) <= LONGEST_NAME
        ],
        curves=[row for name, curve in curves.items() for row in pack_curve(name, curve)],
        environment=_environment(run, label),
    )


def tag_rows(run_id: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of a run's tags."""
    return [
        {"run_id": run_id, "name": name, "text": text}
        for name, text in tags.items()
        if len(name) <= LONGEST_NAME
    ]


def dataset_rows(run: Run) -> list[dict[str, Any]]:
    """The rows of the data a run read, by which a filter finds it."""
    return [
        {
            "run_id": run.run_id,
            "place": place,
            "name": data.name,
            "fingerprint": data.fingerprint,
            "location": data.location,
            "role": data.role,
        }
        for place, data in enumerate(run.datasets)
    ]


def execution_row(execution: Execution) -> dict[str, Any]:
    """The row of one executed cell."""
    return {
        "execution_id": execution.execution_id,
        "session_id": execution.session_id,
        "order": execution.order,
        "document": encode_checked(execution, f"The executed cell {execution.order}"),
    }


def _environment(run: Run, label: str) -> tuple[str, bytes] | None:
    if run.environment is None:
        return None
    document = encode_checked(run.environment, f"{label}'s environment")
    return hashlib.sha256(document).hexdigest(), document


def without_refused(run: Run, curves: Mapping[str, Curve]) -> tuple[Run, dict[str, Curve]]:
    """`run` and its `curves` without the single values that `pack` refuses, each told by a warning.

    One value that cannot be stored must not cost all the others.
    """
    refused: list[UsageError] = []

    def passes(check: Callable[[], Any]) -> bool:
        try:
            check()
        except UsageError as error:
            refused.append(error)
            return False
        return True

    params = {
        name: value
        for name, value in run.params.items()
        if passes(lambda name=name, value=value: plain(value, f"The parameter {name!r}"))  # type: ignore[misc]
    }
    metrics = {
        name: value
        for name, value in run.metrics.items()
        if passes(lambda name=name, value=value: _number(value, name))  # type: ignore[misc]
    }
    kept = {
        name: curve
        for name, curve in curves.items()
        if passes(lambda name=name, curve=curve: pack_curve(name, curve))  # type: ignore[misc]
    }
    warnings = tuple(
        RunWarning(code="value_refused", message=f"{error.message} It was not kept.", hint=error.hint)
        for error in refused
    )
    return msgspec.structs.replace(
        run,
        params=params,
        param_details={name: detail for name, detail in run.param_details.items() if name in params},
        metrics=metrics,
        metric_details={name: detail for name, detail in run.metric_details.items() if name in metrics},
        curves=tuple(name for name in run.curves if name in kept or name not in curves),
        warnings=(*run.warnings, *warnings),
    ), kept


def _number(value: Any, name: str) -> MetricValue:
    value = plain(value, f"The metric {name!r}")
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (int, float)):
        return value
    raise UsageError(
        f"The metric {name!r} is a {type(value).__name__}, not a number.", "Log it as a parameter."
    )


def _check_names(run: Run, label: str) -> None:
    for what, name in (("experiment", run.experiment), ("name", run.name), ("run_id", run.run_id)):
        if not isinstance(name, str) or len(name) > LONGEST_NAME:
            raise UsageError(
                f"{label} has a{'n' if what[0] == 'e' else ''} {what} that is no text of at most "
                f"{LONGEST_NAME} characters.",
                "Give it a shorter one.",
            )
    for name in (*run.params, *run.metrics, *run.tags):
        if not isinstance(name, str):
            raise UsageError(f"{label} has {name!r} for a name, which is no text.", "Name it with a string.")
    for name, text in run.tags.items():
        if not isinstance(text, str):
            raise UsageError(f"The tag {name!r} is a {type(text).__name__}.", "Make it a string.")
    whole = (("number", run.number, 2**31), *(("order", order, 2**63) for order in run.orders))
    for what, value, limit in (*whole, *(("order", cell.order, 2**63) for cell in run.cells)):
        if isinstance(value, int) and not 0 <= value < limit:
            raise UsageError(
                f"{label} has an impossible {what}: it is not from 0 to {limit}.", "Count from 1."
            )
    if run.duration is not None and not math.isfinite(run.duration):
        raise UsageError(f"{label} has no finite duration.", "Give it in seconds.")
