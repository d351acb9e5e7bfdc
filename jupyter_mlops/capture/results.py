"""Numbers a cell keeps as results: bound to a name, set in a dict, inside a structure, on a fitted object."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from jupyter_mlops.records import MetricDetail, MetricValue

from .assignments import Assignment, has_grown, is_constant, measures_time, reads_clock, span_of, stored_keys
from .evaluation import direction_of
from .evidence import EXPLAINING, GENERIC, PLAIN_HOLDERS
from .members import Member, Path, histories, holds_scores, members, numbers_of
from .metric_names import canonical, join
from .numbers import is_number, module_of, own_state, to_number
from .vocabulary import (
    FITTING_CALLS,
    is_aside,
    is_stale,
    names_a_result,
    says_nothing,
    sounds_like_holder,
    sounds_like_metric,
    sounds_like_size,
    words,
)

if TYPE_CHECKING:
    from .evidence import Evidence
    from .sites import Event

_LONGEST_LIST = 5_000
#: Calls whose array is that of the folds: its mean and deviation are what one reads.
_FOLDED = frozenset({"cross_val_score", "cross_validate"})


def find_bound(evidence: Evidence) -> None:
    """Tell the results bound to names at the cell's top level."""
    for name, assignment in evidence.assignments.items():
        if name not in evidence.seen.bound or name not in evidence.seen.namespace or name.startswith("_"):
            continue
        if assignment.in_loop and ("", name) in evidence.named:
            continue
        value = evidence.seen.namespace[name]
        calls = evidence.calls_in(assignment.value) or evidence.calls_for(name, "")
        if is_number(value):
            if name in evidence.found.values or is_curve(evidence, name):
                continue
            if assignment.in_loop and says_nothing(name) and _ends_curve(evidence, value):
                continue
            if not _is_result(evidence, name, value, assignment, calls):
                continue
            if calls and _is_left_aside(evidence, name, assignment):
                evidence.mark(calls)
                continue
            # A function of the notebook's own gives back what it has scored: the very number tells which.
            calls = evidence.calls_of(value) or calls
            if (not sounds_like_metric(name) or name in GENERIC) and evidence.label_of(name, ""):
                continue
            other = assignment.value.id if isinstance(assignment.value, ast.Name) else ""
            if other in evidence.found.values and evidence.same(other, value):
                continue  # `best = rmse`: a second name of what is told
            _tell_bound(evidence, name, name, to_number(value), assignment, calls)
            evidence.mark(calls)
            evidence.remember([value])
        elif (
            calls
            or name in evidence.shown
            or sounds_like_metric(name)
            or evidence.is_trusted(name)
            or holds_scores(value)
        ):
            before = len(evidence.found.values)
            _find_members(evidence, name, value, assignment, calls)
            if before == len(evidence.found.values):
                continue
            held = value.values() if type(value) is dict else value if type(value) in (list, tuple) else ()
            evidence.remember(list(held)[:_LONGEST_LIST])


def _is_left_aside(evidence: Evidence, name: str, assignment: Assignment) -> bool:
    """Whether of ``r, p = pearsonr(…)`` only another one is shown."""
    shown = {
        event.site.expression for event in (*evidence.printed, *evidence.displayed) if not event.site.scope
    }
    if name in shown or sounds_like_metric(name):
        return False
    return any(
        other in shown and made.value is assignment.value
        for other, made in evidence.assignments.items()
        if other != name
    )


def _ends_curve(evidence: Evidence, value: Any) -> bool:
    """Whether a number is the last point of a curve that is told."""
    return any(curve.values[-1:] == [to_number(value)] for curve in evidence.found.curves.values())


def _tell_bound(
    evidence: Evidence,
    label: str,
    name: str,
    value: MetricValue,
    assignment: Assignment,
    calls: list[Event],
    path: Path = (),
) -> None:
    evidence.tell(
        label,
        value,
        MetricDetail(
            origin="bound",
            expression=name,
            order=evidence.seen.order,
            span=span_of(assignment.target),
            path=path,
            evaluation=evidence.evaluation_of(calls),
            higher_is_better=direction_of(calls),
        ),
    )


def _is_result(evidence: Evidence, name: str, value: Any, assignment: Assignment, calls: list[Event]) -> bool:
    if calls:
        # `chi2, p, dof, expected = …`
        return not (sounds_like_size(name) and type(to_number(value)) is int)
    if is_constant(assignment.value):
        # Typed in by hand: a setting, unless its name can only be that of a result.
        literal = isinstance(assignment.value, (ast.Constant, ast.UnaryOp))
        started = to_number(value) in (0, -1) or abs(to_number(value)) == float("inf")
        return names_a_result(name) and type(value) is float and not (literal and started)
    if sounds_like_metric(name):
        return not is_stale(name)
    if is_aside(name) or reads_clock(ast.unparse(assignment.value)):
        return False
    if name in evidence.shown:
        labels = [event.label for event in evidence.printed if event.site.expression == name]
        if evidence.explores(ast.unparse(assignment.value)):
            return False
        return type(to_number(value)) is float and not any(map(is_aside, labels))
    return (
        type(to_number(value)) is float
        and len(name) > 2
        and not assignment.consumed
        and not measures_time(assignment.value)
        and not evidence.explores(ast.unparse(assignment.value))
    )


def _find_members(
    evidence: Evidence, name: str, value: Any, assignment: Assignment, calls: list[Event]
) -> None:
    if is_constant(assignment.value) and not has_grown(assignment.value, value):
        return
    if sounds_like_holder(name) or EXPLAINING & set(words(name)):
        return
    if is_curve(evidence, name):
        return
    array = module_of(type(value)) == "numpy" and name not in evidence.shown
    if array and not calls and (assignment.consumed or _is_signed(evidence, value)):
        return
    if array and calls and not any(call.site.function.rpartition(".")[2] in _FOLDED for call in calls):
        numbers = numbers_of(value.tolist()) if value.ndim == 1 and value.size <= _LONGEST_LIST else None
        if numbers is not None and name not in evidence.found.values:
            _tell_bound(evidence, name, name, numbers[-1], assignment, calls, (len(numbers) - 1,))
            evidence.keep_curve(name, numbers)
            evidence.mark(calls)
        return
    if evidence.explores(ast.unparse(assignment.value), value):
        return
    _tell_members(evidence, name, value, assignment, calls, members(value, trusted=evidence.is_trusted(name)))
    _tell_histories(evidence, name, value, assignment)


def is_curve(evidence: Evidence, name: str) -> bool:
    """Whether a name is told as what a loop filled."""
    return any(
        detail.origin == "curve" and detail.expression == name for detail in evidence.found.details.values()
    )


def _is_signed(evidence: Evidence, value: Any) -> bool:
    """Whether an array holds residuals rather than scores: some are below zero."""
    return bool(value.dtype.kind == "f" and value.size and value.size <= 1_000 and value.min() < 0)


def _tell_members(
    evidence: Evidence, name: str, value: Any, assignment: Assignment, calls: list[Event], found: list[Member]
) -> None:
    told = False
    plain = name in PLAIN_HOLDERS and type(value).__name__ != "ndarray"
    for path, parts, number in found:
        label = join("" if plain and _says(parts) else name, parts)
        if label in evidence.found.values:
            if evidence.same(label, number):
                continue
            label = join(name, parts)
        if label in evidence.found.values or not label:
            continue
        told = True
        _tell_bound(evidence, label, name, number, assignment, calls, path)
    numbers = numbers_of(value[:_LONGEST_LIST]) if type(value) is list and calls else None
    if numbers is not None and not any(curve.values == numbers for curve in evidence.found.curves.values()):
        told = True
        _tell_bound(evidence, name, name, numbers[-1], assignment, calls, (len(value) - 1,))
        evidence.keep_curve(name, numbers)
    if told:
        evidence.mark(calls)


def _says(parts: tuple[str, ...]) -> bool:
    """Whether a path names what it leads to: ``{50: 0.81}`` does not."""
    return any(map(str.isalpha, "".join(parts)))


def _tell_histories(evidence: Evidence, name: str, value: Any, assignment: Assignment) -> None:
    for path, parts, numbers in histories(value):
        label = join("" if name in (*PLAIN_HOLDERS, "history", "hist") else name, parts)
        if not label or any(curve.values == numbers for curve in evidence.found.curves.values()):
            continue
        label = label if label not in evidence.found.values else join(name, parts)
        _tell_bound(evidence, label, name, numbers[-1], assignment, [], (*path, len(numbers) - 1))
        evidence.keep_curve(label, numbers)


def find_stored(evidence: Evidence) -> None:
    """Items set in a dict of results that an earlier cell began: ``results["svm"] = score``."""
    for name, (holder, keys) in stored_keys(evidence.seen.tree).items():
        value = evidence.seen.namespace.get(name)
        if name not in evidence.seen.mutated or name in evidence.seen.bound or type(value) is not dict:
            continue
        calls = evidence.calls_for(name, "")
        if sounds_like_holder(name) or not (calls or sounds_like_metric(name) or name in PLAIN_HOLDERS):
            continue
        found = [member for member in members(value) if keys is None or member[0][0] in keys]
        _tell_members(evidence, name, None, Assignment(holder, holder, in_loop=False), calls, found)


def find_fitted(evidence: Evidence) -> None:
    """Tell the scores that fitted objects hold."""
    for name, expression, path, value in evidence.seen.fitted:
        label = canonical(name)
        if label in evidence.found.values:
            if evidence.same(label, value):
                continue
            label = canonical(f"{expression.partition('.')[0]}_{label}")
        if not label or label in evidence.found.values:
            continue
        evidence.tell(
            label,
            value,
            MetricDetail(origin="fitted", expression=expression, order=evidence.seen.order, path=path),
        )
        numbers = evidence.seen.fitted_curves.get(name)
        if numbers:
            evidence.keep_curve(label, numbers)


def find_histories(evidence: Evidence) -> None:
    """Tell the histories of what a fit gave back: ``history = model.fit(…)``, ``history.history["loss"]``."""
    for name, assignment in evidence.assignments.items():
        function = assignment.value.func if isinstance(assignment.value, ast.Call) else None
        if not (isinstance(function, ast.Attribute) and function.attr in FITTING_CALLS):
            continue
        if name not in evidence.seen.bound or name not in evidence.seen.namespace:
            continue
        kept = own_state(evidence.seen.namespace[name]).get("history")
        for path, parts, numbers in histories(kept):
            label = join("", parts)
            if not label or label in evidence.found.values:
                continue
            detail = MetricDetail(
                origin="fitted",
                expression=f"{name}.history",
                order=evidence.seen.order,
                path=(*path, len(numbers) - 1),
            )
            evidence.tell(label, numbers[-1], detail)
            evidence.keep_curve(label, numbers)
