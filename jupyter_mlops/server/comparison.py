"""Runs side by side over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.compare import compare_runs
from jupyter_mlops.compare.curves import curves_of
from jupyter_mlops.errors import UsageError

from .handler import MlopsHandler, serves

if TYPE_CHECKING:
    from jupyter_mlops.records import RunComparison

    from .contract import ComparisonQuery


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
        store = self.services.store
        runs = [store.get_run(run_id) for run_id in run_ids]
        return compare_runs(runs, curves_of(runs, store.get_curve), reference=request.reference)


HANDLERS = (ComparisonHandler,)
