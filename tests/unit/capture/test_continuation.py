"""What a later cell adds to a run keeps apart from what the run has."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from jupyter_mlops.capture.continuation import continued, retells
from jupyter_mlops.records import Execution, MetricDetail, Run, Span, Status


def run(order: int, metrics: dict[str, float], curves: tuple[str, ...] = ()) -> Run:
    return Run(
        run_id=str(order),
        experiment="e",
        status=Status.FINISHED,
        start_time=datetime.now(UTC),
        metrics=metrics,
        metric_details={name: MetricDetail(origin="bound", order=order) for name in metrics},
        curves=curves,
        orders=(order,),
    )


CELLS = [
    Execution(execution_id=str(order), session_id="s", order=order, source="", code=f"cell {order}")
    for order in (1, 2)
]


def test_a_curve_goes_by_the_name_its_metric_got() -> None:
    joined, names = continued(run(1, {"loss": 0.5}, ("loss",)), run(2, {"loss": 0.25}, ("loss",)), CELLS)
    assert joined.metrics == {"loss": 0.5, "loss_2": 0.25}
    assert joined.curves == ("loss", "loss_2")
    assert names == {"loss": "loss_2"}


def test_a_value_told_again_leaves_the_earlier_telling() -> None:
    joined, _ = continued(run(1, {"acc": 0.5}), run(2, {"acc": 0.5}), CELLS)
    assert joined.metric_details["acc"].order == 1


def test_what_a_function_prints_again_of_something_else_is_another_fact() -> None:
    place = Span(line=2, column=4, end_line=2, end_column=8)

    def printed(cell: int, value: float) -> Run:
        detail = MetricDetail(origin="printed", order=1, span=place, scope="report")
        return msgspec.structs.replace(run(cell, {"auc": value}), metric_details={"auc": detail})

    assert retells(printed(1, 0.75), printed(2, 0.5), CELLS)
    assert not retells(printed(1, 0.75), printed(2, 0.75), CELLS)
    assert not retells(printed(1, 0.75), printed(1, 0.5), CELLS)  # the cell run again
    assert not retells(run(1, {"auc": 0.75}), run(2, {"auc": 0.5}), CELLS)
