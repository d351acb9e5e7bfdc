"""Values of scoring calls that nothing else told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jupyter_mlops.records import Curve

from .evaluation import report_of
from .evidence import place_of
from .members import Member, members
from .metric_names import canonical, join
from .numbers import is_number, to_float, to_number

if TYPE_CHECKING:
    from .evidence import Evidence
    from .sites import Event


def find_called(evidence: Evidence) -> None:
    """Tell the values of scoring calls that are told by nobody else.

    What a function of the notebook's own scores on the way to what it gives back is no fact beside that.
    """
    steps = evidence.own_functions()
    by_name: dict[str, list[Event]] = {}
    # Of a call made several times the last one counts, as it does in a replay.
    parts: dict[str, tuple[str, Event, list[Member]]] = {}
    # `display(pd.DataFrame(confusion_matrix(y, p)))` shows what it is made of.
    shown = (*evidence.displayed, *evidence.printed)
    tabled = {id(evidence.call_at(made)) for made in shown if type(made.value).__name__ == "DataFrame"}
    for event in evidence.calls:
        site = event.site
        if site.scope.rpartition(".")[2] in steps and site.scope:
            continue
        report = report_of(event)
        if report is not None:
            parts[site.key] = ("report", event, members(report))
            continue
        if place_of(site) in evidence.told or (site.scope, site.target) in evidence.looped | evidence.named:
            continue
        if (site.scope, site.within) in evidence.looped | evidence.named and site.within:
            continue
        if not site.scope and site.target and site.target in evidence.found.values:
            continue
        name = canonical(site.target) if site.target and site.scope else evidence.call_name(event)
        if is_number(event.value):
            by_name.setdefault(name, []).append(event)
        elif site.kind == "call":
            parts[site.key] = (name, event, members(event.value, shown=id(event) in tabled))
    for name, event, found in parts.values():
        _tell_parts(evidence, name, event, found)
    for name, events in by_name.items():
        sites = {event.site.key: event for event in events}
        for event in sites.values():
            if event.site.scope and _told_already(evidence, event):
                continue
            own = [other for other in events if other.site.key == event.site.key]
            if all(evidence.is_object(other.value) for other in own):
                continue
            _tell_called(evidence, evidence.free(name, event), own)


def _told_already(evidence: Evidence, event: Event) -> bool:
    """Whether a function gave back what was scored inside it, and that is told."""
    value = to_number(event.value)
    return value not in (0, 1) and not event.site.in_loop and value in evidence.found.values.values()


def _tell_parts(evidence: Evidence, name: str, event: Event, found: list[Member]) -> None:
    if name != "report" and any(
        (label := join(name, parts)) in evidence.found.values and not evidence.same(label, number)
        for _, parts, number in found
    ):
        # Another of the same name, such as that of the training rows, is told already.
        first = join(name, found[0][1])
        free = evidence.free(first, event)
        name = f"{name}_{free.removeprefix(f'{first}_')}" if free != first else f"{name}_2"
    for path, parts, number in found:
        label = join("" if name == "report" else name, parts)
        if name == "report" and evidence.holds(label, number):
            continue  # The same report was kept as a dict.
        if label in evidence.found.values and not evidence.same(label, number):
            label = join(name, parts)
        if label and label not in evidence.found.values:
            detail = msgspec.structs.replace(evidence.detail(event, "call", event), path=path)
            evidence.tell(label, number, detail)


def _tell_called(evidence: Evidence, name: str, events: list[Event]) -> None:
    event = events[-1]
    detail = evidence.detail(event, "call", event)
    if len(events) > 1:
        values = [to_float(other.value) for other in events]
        evidence.found.curves[name] = Curve(
            steps=list(range(len(values))),
            values=[float("nan") if value is None else value for value in values],
            times=[0.0] * len(values),
            count=len(values),
        )
        detail = msgspec.structs.replace(detail, step=len(values) - 1, points=len(values))
    evidence.tell(name, to_number(event.value), detail)
