"""Interactive curves: an Altair chart in an ipywidgets box, without any network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mlops.compare.charts import curve_chart, curve_metrics

from .chart_widget import chart_widget

if TYPE_CHECKING:
    from jupyter_mlops.compare.findings import RunComparison

_PANELS = 4


def widgets_work() -> bool:
    """Whether a widget shown now would reach a front end: IPython runs in a Jupyter kernel."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return False
    return getattr(get_ipython(), "kernel", None) is not None


def curve_widget(record: RunComparison) -> Any:
    """A box with the curves of `record` and controls for scale, axis and smoothing.

    Hover for values, scroll to zoom, click a run in the legend to single it out. None when no run
    has a curve.
    """
    metrics = curve_metrics(record)
    if not metrics:
        return None
    import ipywidgets as widgets

    timed = any(len(set(curve.times)) > 1 for by_run in record.curves.values() for curve in by_run.values())
    chosen = widgets.SelectMultiple(
        options=metrics, value=tuple(metrics[:_PANELS]), rows=min(4, len(metrics)), layout={"width": "180px"}
    )
    scale = widgets.Checkbox(value=False, description="Log scale", indent=False, layout={"width": "auto"})
    axis = widgets.Checkbox(value=False, description="By seconds", indent=False, layout={"width": "auto"})
    smoothing = widgets.FloatSlider(
        value=0.0,
        min=0.0,
        max=0.98,
        step=0.02,
        description="Smoothing",
        continuous_update=False,
        readout_format=".2f",
        layout={"width": "280px"},
    )

    def draw() -> Any:
        return curve_chart(
            record,
            list(chosen.value) or metrics[:1],
            scale="log" if scale.value else "linear",
            axis="time" if axis.value else "step",
            smoothing=smoothing.value,
            width=360,
            height=210,
        )

    chart = chart_widget(draw())

    def redraw(_change: Any) -> None:
        chart.chart = draw()

    for control in (chosen, scale, axis, smoothing):
        control.observe(redraw, names="value")
    controls = [scale, *([axis] if timed else []), smoothing]
    if len(metrics) > _PANELS:
        controls.insert(0, chosen)
    row = widgets.HBox(
        controls, layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "16px"}
    )
    return widgets.VBox([row, chart], layout={"overflow": "auto"})
