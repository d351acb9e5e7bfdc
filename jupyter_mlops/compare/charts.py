"""Curves of several runs laid over each other, as Altair charts and as pictures.

Backgrounds are transparent and axes mid-grey, so that one picture reads on a light and on a dark page.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from .palette import NEUTRAL, run_looks
from .statistics import smooth, thin
from .wording import encodable, run_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .findings import RunComparison

Scale = Literal["linear", "log"]
Axis = Literal["step", "time"]

_POINTS = 400
_FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif"


def curve_metrics(record: RunComparison) -> list[str]:
    """The metrics that have a curve of at least two points in some run."""
    return [
        metric
        for metric, by_run in record.curves.items()
        if any(len(curve.values) > 1 for curve in by_run.values())
    ]


def curve_chart(
    record: RunComparison,
    metrics: Sequence[str] | None = None,
    *,
    scale: Scale = "linear",
    axis: Axis = "step",
    smoothing: float = 0.0,
    width: int = 320,
    height: int = 200,
    columns: int = 2,
    interactive: bool = True,
) -> Any:
    """An Altair chart of the curves, one panel a metric, one colour a run.

    Args:
        record: The comparison.
        metrics: Which metrics; default: all that have a curve.
        scale: Of the vertical axis. On ``log``, values of zero and below are left out.
        axis: ``step`` or seconds since the run began.
        smoothing: 0 (none) up to but not including 1; the raw curve stays visible, faintly.
        width: Of one panel, pixels.
        height: Of one panel, pixels.
        columns: Panels side by side.
        interactive: With tooltips, zoom and a legend that picks runs out; not for pictures.

    Raises:
        ValueError: There is no curve to show.
    """
    import altair as alt

    chosen = list(curve_metrics(record) if metrics is None else metrics)
    if not chosen:
        raise ValueError("None of these runs has a curve.")
    labels = {run_id: encodable(label) for run_id, label in run_labels(record.runs).items()}
    shown = [r.run_id for r in record.runs if any(r.run_id in record.curves.get(m, {}) for m in chosen)]
    looks = run_looks(record)
    names = [labels[run_id] for run_id in shown]
    single = len(record.runs) == 1
    color = alt.Color(
        "run:N",
        scale=alt.Scale(domain=names, range=[looks[run_id].color for run_id in shown]),
        legend=None if single else alt.Legend(title=None, orient="top", symbolType="stroke", symbolOpacity=1),
    )
    dash = alt.StrokeDash(
        "run:N",
        scale=alt.Scale(domain=names, range=[list(looks[run_id].dash) for run_id in shown]),
        legend=None if single else alt.Legend(title=None, orient="top", symbolType="stroke", symbolOpacity=1),
    )
    unit = "seconds" if axis == "time" else "step"
    ticks = alt.Undefined if axis == "time" else 1  # there is no step and a half
    across = alt.X("x:Q", title=unit, axis=alt.Axis(tickMinStep=ticks))
    panels = []
    for number, metric in enumerate(chosen):
        data = alt.InlineData(values=_points(record, metric, labels, axis, scale, smoothing))
        base = (
            alt.Chart(data, width=width, height=height)
            .transform_filter("isValid(datum.value)")
            .encode(x=across, color=color, strokeDash=dash)
        )
        y = alt.Y("value:Q", title=None, scale=alt.Scale(type=scale, zero=False, nice=scale == "linear"))
        line = base.mark_line(strokeWidth=1.8).encode(y=y)
        layers = []
        if smoothing > 0:
            raw = alt.Y("raw:Q", title=None, scale=alt.Scale(type=scale, zero=False, nice=scale == "linear"))
            layers.append(base.mark_line(strokeWidth=0.8, opacity=0.3).encode(y=raw))
        layers += _interactive(base, line, y, number, metric, unit) if interactive else [line]
        panels.append(alt.layer(*layers, title=encodable(metric)))
    if len(panels) == 1:
        return themed(panels[0])
    chart = alt.concat(*panels, columns=min(columns, len(panels)), spacing=24)
    # A legend that picks runs out works for its own panel only.
    each: Literal["independent", "shared"] = "independent" if interactive else "shared"
    return themed(chart.resolve_scale(color=each, strokeDash=each))


def themed(chart: Any) -> Any:
    """The chart in greys that read on a light and on a dark page."""
    return (
        chart.configure(background="transparent", font=_FONT, padding=4)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=NEUTRAL,
            titleColor=NEUTRAL,
            tickColor=NEUTRAL,
            domainColor=NEUTRAL,
            gridColor=NEUTRAL,
            gridOpacity=0.22,
            titleFontWeight="normal",
            labelFontSize=11,
            titleFontSize=11,
            tickCount=5,
            labelOverlap=True,
        )
        .configure_legend(labelColor=NEUTRAL, titleColor=NEUTRAL, labelFontSize=12, symbolStrokeWidth=3)
        .configure_title(color=NEUTRAL, fontSize=12, anchor="start", fontWeight="bold")
    )


def _interactive(base: Any, line: Any, y: Any, number: int, metric: str, unit: str) -> list[Any]:
    """The line and its dots, with tooltips, zoom and a legend to click; names are unique by `number`."""
    import altair as alt

    picked = alt.selection_point(name=f"picked{number}", fields=["run"], bind="legend")
    nearest = alt.selection_point(
        name=f"near{number}", on="pointerover", nearest=True, empty=False, clear="pointerout"
    )
    zoom = alt.selection_interval(name=f"zoom{number}", bind="scales")
    tooltip = [
        alt.Tooltip("run:N"),
        alt.Tooltip("x:Q", title=unit),
        alt.Tooltip("raw:Q", title=encodable(metric), format=".6g"),
    ]
    dot = base.mark_point(filled=True, size=55).encode(
        y=y,
        tooltip=tooltip,
        strokeDash=alt.value([1, 0]),
        opacity=alt.when(nearest).then(alt.value(1)).otherwise(alt.value(0)),
    )
    strength = alt.when(picked).then(alt.value(1.0)).otherwise(alt.value(0.12))
    # All on one layer: Altair would name their signals twice otherwise.
    return [line.encode(opacity=strength), dot.add_params(picked, nearest, zoom)]


def _points(
    record: RunComparison, metric: str, labels: dict[str, str], axis: Axis, scale: Scale, smoothing: float
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for run in record.runs:
        curve = record.curves.get(metric, {}).get(run.run_id)
        if curve is None:
            continue
        values = smooth(curve.values, smoothing)
        timed = axis == "time" and len(curve.times) == len(values)
        across: Sequence[float] = curve.times if timed else curve.steps
        rows += [
            {
                "run": labels[run.run_id],
                "x": across[i],
                "value": _plottable(values[i], scale),
                "raw": _plottable(curve.values[i], scale),
            }
            for i in thin(values, _POINTS)
        ]
    return rows


def _plottable(value: float, scale: Scale) -> float | None:
    return value if math.isfinite(value) and (scale == "linear" or value > 0) else None
