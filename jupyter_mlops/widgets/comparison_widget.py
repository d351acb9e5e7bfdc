"""The live part of a comparison: another reference, parameters against metrics, and the curves."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from jupyter_mlops.compare.many_charts import many_chart, measures_of
from jupyter_mlops.compare.wording import run_labels, run_title

from .chart_widget import chart_widget
from .curve_widget import curve_widget

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mlops.compare.findings import RunComparison

log = logging.getLogger(__name__)

_FEW = 3


def comparison_widget(record: RunComparison, choose: Callable[[str], RunComparison] | None = None) -> Any:
    """A box with what a page alone cannot do; None when there is nothing of that kind.

    Args:
        record: The comparison.
        choose: Called with a ``run_id`` to hold the runs against; gives the new comparison. None where
            the runs cannot be read again.
    """
    import ipywidgets as widgets

    made = _charts(record)
    charts = widgets.VBox(made, layout={"overflow": "auto"})
    parts = [charts] if made else []
    if choose is not None and len(record.runs) > 1:
        labels = run_labels(record.runs)
        reference = widgets.Dropdown(
            options=[(run_title(run, labels[run.run_id]), run.run_id) for run in record.runs],
            value=record.reference,
            description="Compared with",
            style={"description_width": "initial"},
            layout={"width": "max-content"},
        )
        problem = widgets.HTML()

        def changed(change: Any) -> None:
            try:
                found = choose(change["new"])
                charts.children = _charts(found)
                problem.value = ""
            except Exception as error:
                log.warning("the runs could not be held against another one", exc_info=True)
                problem.value = f"The runs could not be compared anew: {type(error).__name__}."

        reference.observe(changed, names="value")
        parts = [widgets.HBox([reference, problem]), *parts]
    return widgets.VBox(parts) if parts else None


def many_widget(record: RunComparison) -> Any:
    """Parameters against metrics, two of them at choice; None for fewer than three runs."""
    measures = list(measures_of(record))
    if len(record.runs) < _FEW or len(measures) < 2:
        return None
    import ipywidgets as widgets

    metrics = [row.name for row in record.metrics if row.name in measures]
    first = record.leading_metric if record.leading_metric in measures else measures[0]
    second = next((name for name in measures if name not in metrics and name != first), "")
    second = second or next(name for name in measures if name != first)

    def choice(name: str, value: str) -> Any:
        return widgets.Dropdown(
            options=measures, value=value, description=name, layout={"width": "max-content"}
        )

    up, across = choice("Up", first), choice("Across", second)
    chart = chart_widget(many_chart(record, first, second))

    def redraw(_change: Any) -> None:
        chart.chart = many_chart(record, up.value, across.value)

    for control in (up, across):
        control.observe(redraw, names="value")
    hint = widgets.HTML("Drag over dots to pick runs.")
    return widgets.VBox([widgets.HBox([up, across, hint], layout={"flex_flow": "row wrap"}), chart])


def _charts(record: RunComparison) -> tuple[Any, ...]:
    made = (many_widget(record), curve_widget(record))
    return tuple(part for part in made if part is not None)
