"""One metric on a card: its value, the change against the previous run and against the best one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlops.compare.comparability import judge_metric
from jupyter_mlops.compare.directions import metric_direction
from jupyter_mlops.compare.wording import exact, format_change, format_row, run_label

from .sparkline import sparkline
from .theme import BETTER, GOOD, WORSE, muted, span, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_mlops.records import Curve, MetricValue, Run

_TRIVIAL = "what always predicting the most frequent class, or the mean, scores on the same rows"
_TILE = "display:inline-block;vertical-align:top;margin:1px 22px 3px 0;line-height:1.35"


@dataclass(frozen=True, kw_only=True)
class MetricFact:
    """What a card says of one metric. `better` is None when the direction or a change is not known."""

    name: str
    value: MetricValue
    shown: str
    higher_is_better: bool | None
    change: float | None = None
    before: MetricValue | None = None
    before_label: str = ""
    better: bool | None = None
    reason: str = ""
    best: MetricValue | None = None
    best_shown: str = ""
    is_best: bool = False
    picture: str = ""
    trivial: MetricValue | None = None
    trivial_shown: str = ""


def metric_facts(
    run: Run,
    previous: Run | None,
    best: Mapping[str, MetricValue],
    curves: Mapping[str, Curve],
) -> list[MetricFact]:
    """What there is to say of each metric of `run`, in the order it was captured."""
    facts = []
    for name, value in run.metrics.items():
        known = [run] if previous is None else [previous, run]
        direction = metric_direction(name, reversed(known))
        comparable, reason = judge_metric(name, known)
        before = previous.metrics.get(name) if previous is not None else None
        # The best of runs that were scored on other rows says nothing about this one, and only the run
        # before tells whether the rows are the same.
        told = comparable and (previous is None or name in previous.metrics)
        top = best.get(name) if told and direction is not None else None
        if top is not None and not math.isfinite(top):
            top = None
        detail = run.metric_details.get(name)
        trivial = detail.trivial if detail is not None else None
        written = format_row([value, top])
        change = value - before if before is not None and comparable else None
        better = None
        if change and direction is not None and not math.isnan(change):
            better = (change > 0) is direction
            if better and not math.isfinite(value):
                better = None
        facts.append(
            MetricFact(
                name=name,
                value=value,
                shown=written[0],
                higher_is_better=direction,
                change=change,
                before=before,
                before_label=run_label(previous) if previous is not None else "",
                better=better,
                reason=reason if before is not None else "",
                best=top,
                best_shown=written[1] if top is not None else "",
                is_best=_beats(value, top, direction),
                trivial=trivial,
                trivial_shown=_trivially(value, trivial),
                picture=sparkline(curves[name].values, name) if name in curves else "",
            )
        )
    return facts


def metric_tile(fact: MetricFact) -> str:
    """A metric as a small block of HTML: name, value with the best, change."""
    tooltip = f"{fact.name} = {exact(fact.value)}"
    if fact.higher_is_better is not None:
        tooltip += f" ({'higher' if fact.higher_is_better else 'lower'} is better)"
    value = span(text(fact.shown), style="font-size:15px;font-weight:bold", title=tooltip)
    best = ""
    if fact.is_best:
        best = " " + span("★ best", kind="good", style=f"color:{GOOD}", title=_best_title(fact))
    elif fact.best is not None and fact.best != fact.value:
        best = " " + muted(f"best {text(fact.best_shown)}", title=f"best so far: {exact(fact.best)}")
    if fact.trivial is not None:
        best += " " + muted(f"trivial {text(fact.trivial_shown)}", title=_TRIVIAL)
    change = _change_html(fact)
    name = muted(text(fact.name if len(fact.name) <= 32 else fact.name[:31] + "…"), title=fact.name)
    lines = [name, f"{value}{best}{' ' if fact.picture else ''}{fact.picture}", change]
    return f'<div style="{_TILE}">{"".join(f"<div>{line}</div>" for line in lines if line)}</div>'


def metric_line(fact: MetricFact, name_width: int, value_width: int) -> str:
    """A metric as one line of text, padded so that values and changes stand in columns."""
    parts = [f"{fact.name:<{name_width}}  {fact.shown:>{value_width}}"]
    if fact.trivial is not None:
        parts.append(f"(trivial {fact.trivial_shown})")
    if fact.reason:
        parts.append(f"≠ not comparable, {fact.reason}")
    elif fact.change is not None:
        parts.append(_change_words(fact))
    if fact.is_best:
        parts.append("★ best")
    elif fact.best is not None and fact.best != fact.value:
        parts.append(f"best {fact.best_shown}")
    return "  ".join(parts)


def _trivially(value: MetricValue, trivial: MetricValue | None) -> str:
    if not trivial:
        return "" if trivial is None else "0"
    return format_row([value, trivial], 3)[1]


def _change_html(fact: MetricFact) -> str:
    if fact.reason:
        return muted("≠ not comparable", title=f"with {fact.before_label}: {fact.reason}")
    if fact.change is None:
        return ""
    title = f"{exact(fact.before)} in {fact.before_label}" if fact.before is not None else ""
    words = text(_change_words(fact))
    if fact.better is None:
        return muted(words, title=title)
    kind, color = ("better", BETTER) if fact.better else ("worse", WORSE)
    return span(words, kind=kind, style=f"color:{color}", title=title)


def _change_words(fact: MetricFact) -> str:
    if not fact.change:
        return "= unchanged"
    if math.isnan(fact.change):
        return "was " + format_row([fact.before])[0]
    arrow = "▲" if fact.change > 0 else "▼"
    judged = {True: " better", False: " worse", None: ""}[fact.better]
    return f"{arrow} {format_change(fact.change)}{judged}"


def _best_title(fact: MetricFact) -> str:
    return f"the best so far; before: {exact(fact.best)}"


def _beats(value: MetricValue, best: MetricValue | None, direction: bool | None) -> bool:
    if best is None or direction is None or not (math.isfinite(value) and math.isfinite(best)):
        return False  # infinity is a fault, not a record
    return value > best if direction else value < best
