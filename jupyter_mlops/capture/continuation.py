"""A run that goes on: what a later cell adds to the run that fitted what it scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_mlops.records import Execution, MetricDetail, MetricValue, Run

_T = TypeVar("_T")


def continued(earlier: Run, addition: Run, executions: Sequence[Execution]) -> tuple[Run, dict[str, str]]:
    """`earlier` with what `addition`, the run of one more cell, found, and the names that got.

    A metric of the same name replaces the earlier one when the same code gave it (a cell run
    again); else it is another fact and gets a number behind its name, and so does its curve. The
    same value told again leaves the earlier telling.
    """
    sources = {made.order: made.code for made in executions}
    values, details = dict(earlier.metrics), dict(earlier.metric_details)
    names: dict[str, str] = {}
    for found, value in addition.metrics.items():
        detail = addition.metric_details[found]
        name = names[found] = _free(found, value, detail, values, details, sources)
        if name not in values or values[name] != value or found in addition.curves:
            values[name], details[name] = value, detail
    curves = (names.get(found, found) for found in addition.curves)
    run = msgspec.structs.replace(
        earlier,
        orders=tuple(dict.fromkeys((*earlier.orders, *addition.orders))),
        params={**addition.params, **earlier.params},
        param_details={**addition.param_details, **earlier.param_details},
        metrics=values,
        metric_details=details,
        curves=tuple(dict.fromkeys((*earlier.curves, *curves))),
        tags={**earlier.tags, **addition.tags},
        datasets=_united(earlier.datasets, addition.datasets, "name"),
        models=_united(earlier.models, addition.models, "name"),
        artifacts=_united(earlier.artifacts, addition.artifacts, "path"),
        warnings=_united(earlier.warnings, addition.warnings, "message"),
        environment=addition.environment or earlier.environment,
        duration=(earlier.duration or 0.0) + (addition.duration or 0.0),
        cpu_time=(earlier.cpu_time or 0.0) + (addition.cpu_time or 0.0),
        peak_memory=max(earlier.peak_memory or 0, addition.peak_memory or 0),
    )
    return run, names


def retells(earlier: Run, addition: Run, executions: Sequence[Execution]) -> bool:
    """Whether `addition` has another value for what a function printed for `earlier`.

    ``report(model, X_train)`` in one cell and ``report(model, X_test)`` in the next are two facts of one
    place in the text: joined, the second would take the place of the first. A cell run again does just that.
    """
    sources = {made.order: made.code for made in executions}
    if {sources.get(order) for order in addition.orders} & {sources.get(order) for order in earlier.orders}:
        return False
    return any(
        detail.scope
        and (known := earlier.metric_details.get(name)) is not None
        and (known.order, known.span, known.scope) == (detail.order, detail.span, detail.scope)
        and earlier.metrics[name] != addition.metrics[name]
        for name, detail in addition.metric_details.items()
    )


def _free(
    name: str,
    value: MetricValue,
    detail: MetricDetail,
    values: Mapping[str, MetricValue],
    details: Mapping[str, MetricDetail],
    sources: Mapping[int, str],
) -> str:
    """`name`, or the next one behind it that is free or that the same code gave before."""
    count, candidate = 1, name
    while candidate in values:
        known = details[candidate]
        again = sources.get(known.order or 0) == sources.get(detail.order or 0)
        if again or values[candidate] == value:
            return candidate
        count += 1
        candidate = f"{name}_{count}"
    return candidate


def _united(earlier: tuple[_T, ...], more: tuple[_T, ...], key: str) -> tuple[_T, ...]:
    known = {getattr(item, key) for item in earlier}
    return (*earlier, *(item for item in more if getattr(item, key) not in known))
