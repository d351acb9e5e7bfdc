"""Numbers printed with a label, alone, in a row of several or step by step."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlops.records import Curve

from .arms import rate_of
from .assignments import reads_clock
from .evidence import GENERIC, HEADING
from .metric_names import BETWEEN, canonical, compares_samples, expression_name, is_chance, is_symbol, join
from .numbers import is_number, to_float, to_number
from .syntax import expression_of
from .vocabulary import (
    counts_outcomes,
    is_aside,
    is_cutoff,
    is_learnt,
    is_limit,
    is_rate,
    is_setting,
    is_time,
    sounds_like_metric,
    sounds_like_size,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .evidence import Evidence
    from .sites import Event

#: Words of a name that holds what was fitted, whatever letter it is printed under: ``beta_hat``.
_FITTED = frozenset({"hat", "fitted", "est", "popt"})
#: Words of what explains a model; a reader ranks features by it and compares no models.
_IMPORTANCES = frozenset({"importance", "importances"})
#: Labels that say only how something was summed up.
_SUMS = frozenset("mean avg average std sd min max median worst total".split())
#: A site outside any loop heard more often than this is a series, not so many facts.
_FACTS = 12


def find_printed(evidence: Evidence, show: Callable[[Evidence, Event], None]) -> None:
    """Tell what the cell printed; `show` tells what is no number."""
    by_name: dict[tuple[str, str], list[Event]] = {}
    headed = _headed(evidence)
    crowded = _crowded(evidence)
    for event in evidence.printed:
        if not is_number(event.value):
            if not event.site.aside:
                show(evidence, event)
            continue
        if event.site.aside and not sounds_like_metric(event.label.rpartition(BETWEEN)[2]):
            continue
        name = _printed_name(evidence, event, crowded)
        if name and event.site.key in headed:
            name = canonical(f"{canonical(event.heading)[:HEADING]}{BETWEEN}{name}")
        if name:
            by_name.setdefault((name, event.site.key), []).append(event)
    for (name, _), events in by_name.items():
        if len(events) <= _FACTS and not events[0].site.in_loop:
            for event in events:
                _show_series(evidence, name, [event])
        else:
            _show_series(evidence, name, events)


def _headed(evidence: Evidence) -> set[str]:
    """Sites that are printed under several headings, which tell their values apart."""
    headings: dict[str, set[str]] = {}
    for event in evidence.printed:
        heading = re.sub(r"[\d\W_]+", "", event.heading)
        if heading and BETWEEN not in event.label:
            headings.setdefault(event.site.key, set()).add(heading)
    return {key for key, told in headings.items() if len(told) > 1}


def _crowded(evidence: Evidence) -> set[str]:
    """Sites whose value stands beside another under no label of its own: ``f"{name} {a} {b}"``."""
    bare: dict[str, set[str]] = {}
    for event in evidence.printed:
        if not words(event.label.rpartition(BETWEEN)[2]) and is_number(event.value):
            bare.setdefault(event.site.call, set()).add(event.site.key)
    return {key for keys in bare.values() if len(keys) > 1 for key in keys}


def _printed_name(evidence: Evidence, event: Event, crowded: set[str]) -> str:
    site = event.site
    if (site.scope, site.expression) in evidence.looped or evidence.is_setting(event):
        return ""
    if is_limit(event.heading) or is_limit(event.label):
        return ""
    if site.scope and evidence.is_object(event.value):
        return ""  # a function gives back what it has printed, and that is told
    if (
        not site.scope
        and site.expression in evidence.found.values
        and evidence.same(site.expression, event.value)
    ):
        return ""
    label = canonical(event.label)
    call = evidence.call_at(event)
    if not site.scope and (own := _stands_alone(evidence, event)):
        evidence.compared = True
        return label if any(map(str.isalpha, label)) else own
    plain = expression_name(site.expression)
    if plain in evidence.found.values and evidence.same(plain, event.value) and BETWEEN not in event.label:
        root = plain.partition(".")[0]
        telling = sounds_like_metric(label) and not sounds_like_metric(plain)
        if telling and site.expression != plain:
            return label
        if not (root in GENERIC and evidence.found.details[plain].path and sounds_like_metric(label)):
            return ""
        # `scores.mean()` under the label "Accuracy": the label says more.
        del evidence.found.values[plain], evidence.found.details[plain]
    whole = type(to_number(event.value)) is int
    if _IMPORTANCES & set(words(site.expression)) and not sounds_like_metric(label.rpartition(BETWEEN)[2]):
        return ""
    if label:
        return _labelled(evidence, event, call, label, crowded)
    if call is None and not sounds_like_metric(plain) and _is_heading(event.heading):
        return canonical(event.heading)
    if call is not None:
        return evidence.name_of(event, call)
    if not sounds_like_metric(plain) and evidence.explores(site.expression):
        return ""
    if is_learnt(plain):
        return ""
    counted = whole and not (sounds_like_metric(plain) or counts_outcomes(plain))
    return "" if sounds_like_size(plain) or counted else plain


def _is_heading(text: str) -> bool:
    """Whether a line above numbers without a label says what they are: ``Average per thousand episodes:``."""
    summed = text.rstrip().endswith(":") and bool(_SUMS & set(words(text)[:1]))
    return summed or sounds_like_metric(text)


def _stands_alone(evidence: Evidence, event: Event) -> str:
    """The name of what needs no model to be a result: the rate of an arm, how often one beats another."""
    expression = event.site.expression
    made = evidence.assignments.get(expression)
    node = made.value if made is not None else expression_of(expression)
    if node is None:
        return ""
    rate = rate_of(node, evidence.seen.namespace)
    own = join("", rate) if rate else expression_name(expression)
    return own if (rate and len(rate) > 1) or compares_samples(node) or is_chance(event.label) else ""


def _labelled(evidence: Evidence, event: Event, call: Event | None, label: str, crowded: set[str]) -> str:
    """The name of what is printed under a label; ``""`` where that says it is no result."""
    site, plain = event.site, expression_name(event.site.expression)
    whole = type(to_number(event.value)) is int
    told = canonical(event.label.rpartition(BETWEEN)[2])
    found = _FITTED & set(words(site.expression))
    beside = is_setting(told) or (call is None and _is_beside(told, label, event, whole))
    if beside and not found and not (is_cutoff(told) and _was_looked_for(evidence, event)):
        return ""
    if whole and not told and sounds_like_size(label):
        return ""
    bound = evidence.assignments.get(site.expression) if not site.scope else None
    source = ast.unparse(bound.value) if bound is not None else site.expression
    if (reads_clock(source) or is_time(plain)) and call is None and not sounds_like_metric(told):
        return ""  # how long it took, under the name of what took so long
    looks = whole and not counts_outcomes(told)
    looks = looks or (
        evidence.explores(site.expression) and not (is_rate(told) or (told and _in_company(evidence, event)))
    )
    if looks and call is None and not sounds_like_metric(label) and BETWEEN not in event.label:
        return ""
    if site.key in crowded or not any(map(str.isalpha, label)):
        own = evidence.name_of(event, call) if call is not None else plain
        label = canonical(f"{label}{BETWEEN}{own}")
    elif BETWEEN not in event.label and len(words(label)) == 1 and label.lower() in _SUMS:
        # `print("mean", np.mean(errors), "worst", max(errors))`: of what, the expression says.
        last = words(plain)[-1:]
        if sounds_like_metric(plain) and call is None:
            label = (
                plain if label.lower() in last else canonical(f"{plain.partition('.')[0]}{BETWEEN}{label}")
            )
    elif not told and not sounds_like_metric(label):
        # `print(name, rmse)`: what stands before the number says which one, not what.
        own = evidence.name_of(event, call) if call is not None else plain
        if (call is not None or sounds_like_metric(own)) and own.partition(".")[0] not in GENERIC:
            label = canonical(f"{label}{BETWEEN}{own}")
    return label


def _was_looked_for(evidence: Evidence, event: Event) -> bool:
    """Whether what is printed was found among others, as ``thr[f1.argmax()]`` is, and not set."""
    expression = event.site.expression
    made = evidence.assignments.get(expression) if not event.site.scope else None
    source = made.value if made is not None else expression_of(expression)
    return type(to_number(event.value)) is float and isinstance(
        source, (ast.Subscript, ast.Attribute, ast.Call)
    )


def _in_company(evidence: Evidence, event: Event) -> bool:
    """Whether a score stands in the same printed line: ``f"{acc} correct (always yes: {y.mean()})"``."""
    return any(
        other.line == event.line
        and other is not event
        and is_number(other.value)
        and (evidence.call_at(other) is not None or sounds_like_metric(other.site.expression))
        for other in evidence.printed
    )


def _is_beside(told: str, label: str, event: Event, whole: bool) -> bool:
    """Whether a label names no score: a size, what a model learns, a step's setting (``clf__C``)."""
    if not told and "__" in label:
        return True
    if not is_aside(told) or sounds_like_metric(told) or is_symbol(event.label):
        return False
    return not (whole and counts_outcomes(told))


def _show_series(evidence: Evidence, name: str, events: list[Event]) -> None:
    event = events[-1]
    call = evidence.call_at(event)
    path = evidence.turn_of(event)
    if name in evidence.found.values:
        if evidence.same(name, event.value):
            evidence.mark([call] if call else [])
            return
        name = evidence.free(name, call, event)
    detail = evidence.detail(event, "printed", call)
    evidence.remember(other.value for other in events)
    values = [to_float(other.value) for other in events]
    curve = None
    if len(events) > 1 and all(value is not None for value in values):
        steps = [step if (step := other.step) is not None else index for index, other in enumerate(events)]
        curve = Curve(
            steps=steps,
            values=[value for value in values if value is not None],
            times=[0.0] * len(values),
            count=len(values),
        )
    evidence.tell(
        name,
        to_number(event.value),
        msgspec.structs.replace(
            detail,
            path=(*path, *detail.path),
            step=curve.steps[-1] if curve else None,
            points=curve.count if curve else 0,
        ),
    )
    if curve:
        evidence.found.curves[name] = curve
    for other in events:
        evidence.mark([found for found in [evidence.call_at(other)] if found is not None])
