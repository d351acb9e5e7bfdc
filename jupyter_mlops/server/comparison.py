"""Runs side by side over HTTP, the rows behind them, and which way a metric is good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.compare.reading import compare_stored, examples_stored
from jupyter_mlops.errors import UsageError

from .contract import Directions
from .handler import MlopsHandler, serves

if TYPE_CHECKING:
    from jupyter_mlops.compare.findings import Examples, RunComparison

    from .contract import ComparisonQuery, ExamplesQuery, SetDirection


class ComparisonHandler(MlopsHandler):
    """The comparison of two runs or more."""

    @serves("compare_runs")
    def get(self, request: ComparisonQuery) -> RunComparison:
        """Compare them in the order asked for."""
        run_ids = list(dict.fromkeys(request.run_id))
        if len(run_ids) < 2:
            raise UsageError("A comparison needs two different runs.", "Select another run.")
        if request.reference is not None and request.reference not in run_ids:
            raise UsageError(
                f"The reference {request.reference} is not among the runs.", "Take one of the compared runs."
            )
        return compare_stored(self.services.store, run_ids, request.reference, in_any_order=True)


class ExamplesHandler(MlopsHandler):
    """Rows that two runs predicted."""

    @serves("get_examples")
    def get(self, request: ExamplesQuery) -> Examples:
        """Those that meet the condition, the most telling first."""
        return examples_stored(
            self.services.store,
            request.reference,
            request.run_id,
            request.metric,
            request.where,
            limit=request.limit,
            offset=request.offset,
        )


class DirectionHandler(MlopsHandler):
    """Which way a metric is good."""

    @serves("set_direction")
    def patch(self, request: SetDirection, metric: str) -> Directions:
        """Remember it, or forget it."""
        return Directions(directions=self.services.store.set_direction(metric, request.higher_is_better))


HANDLERS = (ComparisonHandler, ExamplesHandler, DirectionHandler)
