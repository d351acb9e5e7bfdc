"""Numbers that a loop rebinds or appends: its curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mlops.records import Curve, MetricDetail, MetricValue

from .metric_names import canonical, singular
from .numbers import is_number, to_number
from .vocabulary import (
    is_learnt,
    is_part,
    is_setting,
    is_stale,
    says_nothing,
    sounds_like_metric,
    sounds_like_size,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .evidence import Evidence
    from .sites import LoopSeries


#: A list that this many equal turns fill is a sample (``for _ in range(1000): means.append(…)``), no curve.
_DRAWS = 100


def find_curves(evidence: Evidence) -> None:
    """Tell what loops rebound and appended."""
    lists = {
        (loop.scope, loop.value_name): loop
        for loop in evidence.seen.loops
        if loop.appended and loop.value_name
    }
    telling = {_place_of(loop) for loop in evidence.seen.loops if _tells(evidence, loop, lists)}
    for loop in sorted(evidence.seen.loops, key=lambda loop: loop.appended):
        if (loop.scope, loop.expression) in evidence.named:
            continue
        kept = lists.get((loop.scope, loop.expression))
        if kept is not None and kept.count != loop.count and not sounds_like_metric(loop.name):
            evidence.looped.add((loop.scope, loop.expression))
            continue
        if _counts(loop) or is_stale(loop.name):
            continue
        evidence.looped.add((loop.scope, loop.expression))
        if is_learnt(loop.name) or (loop.value_name and is_learnt(loop.value_name)):
            continue
        if _place_of(loop) in telling and not _tells(evidence, loop, lists):
            continue  # In the company of scores what sounds like none is a step on the way to them.
        if (
            loop.repeats
            and loop.count >= _DRAWS
            and not (_tells(evidence, loop, lists) or evidence.is_trusted(loop.expression))
        ):
            continue
        if not loop.values or (loop.count < 2 and not loop.appended):
            continue
        _tell_loop(evidence, loop)
    _drop_doubles(evidence)


def _drop_doubles(evidence: Evidence) -> None:
    """``l`` and the ``train_losses`` it is kept in are one curve: the name that says something stays."""
    found = evidence.found
    telling = [curve.values for name, curve in found.curves.items() if sounds_like_metric(name)]
    for name in [name for name in found.curves if says_nothing(name)]:
        if len(found.curves[name].values) > 1 and found.curves[name].values in telling:
            del found.curves[name], found.values[name], found.details[name]


def drop_unspoken(evidence: Evidence) -> None:
    """Drop what a loop only reckons with, ``e``, where the cell tells scores by their names."""
    found = evidence.found
    if not any(map(sounds_like_metric, found.values)):
        return
    for name in [name for name in found.curves if says_nothing(name)]:
        detail = found.details[name]
        if detail.origin == "curve" and detail.evaluation is None and detail.expression not in evidence.shown:
            del found.curves[name], found.values[name], found.details[name]


def _place_of(loop: LoopSeries) -> tuple[int, str, int]:
    return (loop.order, loop.scope, loop.line)


def _tells(evidence: Evidence, loop: LoopSeries, lists: Mapping[tuple[str, str], LoopSeries]) -> bool:
    """Whether a series is called a score: by itself, its label, what scored it or the list it is kept in."""
    kept = lists.get((loop.scope, loop.expression))
    return sounds_like_metric(_name_of_loop(evidence, loop)) or (
        kept is not None and sounds_like_metric(kept.name)
    )


def _counts(loop: LoopSeries) -> bool:
    """Whether a series only counts (``correct += …``): whole numbers whose name is no metric's."""
    return not sounds_like_metric(loop.name) and all(
        value == int(value) for value in loop.values if value - value == 0
    )


def _tell_loop(evidence: Evidence, loop: LoopSeries) -> None:
    name = _name_of_loop(evidence, loop)
    if (sounds_like_size(name) or is_setting(name)) and not sounds_like_metric(name):
        return
    if loop.appended and len(words(name)) == 1 and len(name) <= 2:
        name = canonical(loop.expression)
    if not name or any(
        curve.values[-1:] == loop.values[-1:] and len(curve.values) == len(loop.values)
        for other, curve in evidence.found.curves.items()
        if loop.appended and (other == name or singular(name) == singular(other))
    ):
        return
    if name in evidence.found.values:
        name = canonical(f"{loop.scope.rpartition('.')[2]} {name}") if loop.scope else f"{name}_history"
        if name in evidence.found.values:
            return
    evidence.found.curves[name] = Curve(
        steps=loop.steps, values=loop.values, times=loop.times, count=loop.count
    )
    value: MetricValue = loop.values[-1]
    if not loop.scope and not loop.appended:
        now = evidence.seen.namespace.get(loop.expression)
        value = to_number(now) if is_number(now) else value
    evidence.found.values[name] = value
    evidence.found.details[name] = MetricDetail(
        origin="curve",
        expression=loop.expression,
        order=loop.order,
        span=evidence.target_span(loop.expression) if not loop.scope else None,
        scope=loop.scope,
        path=(-1,) if loop.appended else (),
        step=loop.steps[-1],
        points=loop.count,
        evaluation=evidence.evaluation_of(evidence.calls_for(loop.expression, loop.scope)),
    )


def _name_of_loop(evidence: Evidence, loop: LoopSeries) -> str:
    """Its own name; where that says nothing, the label it is printed under, or what scored it."""
    own = canonical(loop.name)
    if sounds_like_metric(own):
        return own
    label = evidence.label_of(loop.expression, loop.scope)
    if label:
        return label
    calls = evidence.calls_for(loop.expression, loop.scope)
    if not calls:
        part = evidence.part_of(loop.expression, loop.scope) if says_nothing(own) else ""
        return f"{part}_{own}" if part else own
    return f"{own}_{evidence.call_name(calls[-1])}" if is_part(own) else evidence.call_name(calls[-1])
