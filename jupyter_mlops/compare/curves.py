"""The curves of compared runs, brought together by metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.errors import MetricNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jupyter_mlops.records import Curve, Run


def curves_of(runs: Iterable[Run], read: Callable[[str, str], Curve]) -> dict[str, dict[str, Curve]]:
    """Every curve of `runs`, by metric and then by ``run_id``.

    Args:
        runs: Complete runs.
        read: From a ``run_id`` and a metric to its curve, such as ``Store.get_curve``. A curve it
            does not find is left out: a run may be written anew between the two readings.
    """
    found: dict[str, dict[str, Curve]] = {}
    for run in runs:
        for metric in run.curves:
            try:
                found.setdefault(metric, {})[run.run_id] = read(run.run_id, metric)
            except MetricNotFoundError:
                continue
    return found
