"""Parameters against metrics over many runs, as one Altair chart with a brush."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

from .charts import themed
from .palette import run_looks
from .wording import encodable, format_value, run_labels

if TYPE_CHECKING:
    from .findings import RunComparison

_AXES = 9
#: Over so many times its lowest value a number is shown by its logarithm, as learning rates are.
_DECADES = 100


def measures_of(record: RunComparison) -> dict[str, dict[str, Any]]:
    """What varies over the runs, by name and then by ``run_id``: metrics, then differing parameters."""
    found: dict[str, dict[str, Any]] = {}
    for row in record.metrics:
        values = {r: v for r, v in row.values.items() if r not in row.apart and math.isfinite(v)}
        if len(values) > 1:
            found[row.name] = values
    for param in record.params:
        if param.differs and len(param.values) > 1:
            name = param.name if param.name not in found else f"{param.name} (parameter)"
            found[name] = dict(param.values)
    return found


def many_chart(record: RunComparison, up: str, across: str, *, width: int = 330, height: int = 230) -> Any:
    """Two measures of the runs against each other, beside every run as a line over all that varies.

    Drag over dots to pick runs: the lines of the others fade.

    Args:
        record: The comparison, of at least two runs.
        up: The name of a metric or of a differing parameter; see `measures_of`.
        across: Another one.
        width: Of each half, pixels.
        height: Likewise.
    """
    import altair as alt

    measures = measures_of(record)
    labels = {run_id: encodable(label) for run_id, label in run_labels(record.runs).items()}
    looks = run_looks(record)
    axes = list(dict.fromkeys([up, across, *measures]))[:_AXES]
    # One table for both halves, so that a brush over the one picks lines of the other.
    rows = []
    for axis in axes:
        places = _places(measures[axis])
        rows += [
            {
                "run": labels[run.run_id],
                "axis": encodable(axis),
                "place": places.get(run.run_id),
                "shown": encodable(format_value(measures[axis].get(run.run_id))),
                "up": _plain(measures[up], run.run_id),
                "across": _plain(measures[across], run.run_id),
            }
            for run in record.runs
        ]
    named, drawn = list(labels.values()), [looks[run_id] for run_id in labels]
    color = alt.Color(
        "run:N", legend=None, scale=alt.Scale(domain=named, range=[look.color for look in drawn])
    )
    shape = alt.Shape(
        "run:N", legend=None, scale=alt.Scale(domain=named, range=[look.shape for look in drawn])
    )
    dash = alt.StrokeDash(
        "run:N", legend=None, scale=alt.Scale(domain=named, range=[list(look.dash) for look in drawn])
    )
    brush = alt.selection_interval(name="brush")
    shade = alt.when(brush)
    told = [
        alt.Tooltip("run:N"),
        alt.Tooltip("up:N", title=encodable(up)),
        alt.Tooltip("across:N", title=encodable(across)),
    ]
    base = alt.Chart(alt.InlineData(values=rows), width=width, height=height)
    dots = (
        base.transform_filter(alt.FieldEqualPredicate(field="axis", equal=encodable(axes[0])))
        .transform_filter("isValid(datum.up) && isValid(datum.across)")
        .mark_point(filled=True, size=70)
        .encode(
            x=_channel(alt.X, "across", measures[across], across),
            y=_channel(alt.Y, "up", measures[up], up),
            color=color,
            shape=shape,
            tooltip=told,
            opacity=shade.then(alt.value(0.95)).otherwise(alt.value(0.15)),
        )
        .add_params(brush)
    )
    lines = (
        base.transform_filter("isValid(datum.place)")
        .mark_line(strokeWidth=1.6)
        .encode(
            x=alt.X(
                "axis:N",
                sort=[encodable(axis) for axis in axes],
                title=None,
                axis=alt.Axis(labelAngle=-35, labelOverlap=False, labelLimit=130),
            ),
            y=alt.Y("place:Q", axis=None, scale=alt.Scale(domain=[0, 1])),
            color=color,
            strokeDash=dash,
            detail="run:N",
            tooltip=[alt.Tooltip("run:N"), alt.Tooltip("axis:N"), alt.Tooltip("shown:N")],
            opacity=shade.then(alt.value(0.9)).otherwise(alt.value(0.08)),
        )
    )
    return themed(alt.hconcat(dots, lines, spacing=30))


def _channel(kind: Any, field: str, values: dict[str, Any], title: str) -> Any:
    import altair as alt

    if not _numbers(values):
        return kind(f"{field}:N", title=encodable(title))
    scale: Literal["log", "linear"] = "log" if _wide(values) else "linear"
    return kind(f"{field}:Q", title=encodable(title), scale=alt.Scale(zero=False, type=scale))


def _places(values: dict[str, Any]) -> dict[str, float]:
    """Where each value stands between the lowest (0) and the highest (1); words in their order."""
    if _numbers(values):
        low, high = min(values.values()), max(values.values())
        if low == high:
            return dict.fromkeys(values, 0.5)
        bend = math.log if _wide(values) else float
        return {key: (bend(v) - bend(low)) / (bend(high) - bend(low)) for key, v in values.items()}
    words = sorted({format_value(value) for value in values.values()})
    return {key: words.index(format_value(v)) / max(len(words) - 1, 1) for key, v in values.items()}


def _wide(values: dict[str, Any]) -> bool:
    low, high = min(values.values()), max(values.values())
    return bool(low > 0 and high / low >= _DECADES)


def _numbers(values: dict[str, Any]) -> bool:
    return all(
        isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in values.values()
    )


def _plain(values: dict[str, Any], run_id: str) -> Any:
    """A number as it is, anything else as text; None where the run has no such value."""
    if run_id not in values:
        return None
    value = values[run_id]
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else format_value(value)
