"""What a loop says of each thing it tries: one fact a turn, told apart by what varies.

``for k in ks: … print(k, score)`` fits or scores several things: every printed score is a fact of
its own, ``k_3_score``. A training loop, ``for epoch in …``, has a curve instead (`curves`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .assignments import reads_clock
from .metric_names import BETWEEN, canonical, expression_name
from .numbers import is_number, to_number
from .vocabulary import is_learnt, is_setting, sounds_like_metric, sounds_like_size, words

if TYPE_CHECKING:
    from .evidence import Evidence
    from .sites import Event, Site

#: A loop that fits so often tries things out; one that only shows numbers does if it is shorter still.
_FITTED = 40
_SHOWN = 12
#: Loops over these train one thing, step by step.
_STEPPING = frozenset(
    """
    epoch epochs ep e step steps iteration iterations iter it itr t batch round rounds generation gen episode
    while i j n _ idx index tick update
    """.split()
)
_EPOCHS = frozenset(
    """
    epoch epochs epoca epocas epoche epoque ep e step steps iteration iter
    batch generation episode while
    """.split()
)
_TRIES = frozenset({"cross_val_score", "cross_validate", "score", "evaluate"})


def find_turns(evidence: Evidence) -> None:
    """Tell every number that a loop over several tries printed."""
    fitting = {
        _loop_of(event.site)
        for event in evidence.seen.events
        if event.site.loop
        and (
            (event.site.kind == "fit" and not event.site.function.endswith("partial_fit"))
            or (event.site.kind == "call" and event.site.function.rpartition(".")[2] in _TRIES)
        )
    }
    turns: dict[str, list[Event]] = {}
    for event in evidence.printed:
        site = event.site
        if site.loop and is_number(event.value) and not site.aside and BETWEEN not in event.label:
            turns.setdefault(site.key, []).append(event)
    for events in turns.values():
        told = events[0].turn or _loop_of(events[0].site) in fitting
        if told and len(events) > 1 and _tries(events[0].site, events[0].turn, len(events), fitting):
            _tell_turns(evidence, events)


def _loop_of(site: Site) -> tuple[int, str, int]:
    return (site.order, site.scope, site.loop)


def _tries(site: Site, turn: str, count: int, fitting: set[tuple[int, str, int]]) -> bool:
    # `n_estimators: 50` is what a loop over `n` is about.
    told = [word for word in words(turn) if not word.isdigit()]
    over = set(told) or {word for name in site.turning for word in words(name) or (name,)}
    if (over | {name for named in site.turning for name in words(named)}) & _EPOCHS:
        return False
    if _loop_of(site) in fitting:
        return count <= _FITTED
    return count <= _SHOWN and not over <= _STEPPING


def _tell_turns(evidence: Evidence, events: list[Event]) -> None:
    site = events[0].site
    for event in events:
        label = canonical(event.label) or expression_name(event.site.expression)
        own = expression_name(event.site.expression)
        if not sounds_like_metric(label) and sounds_like_metric(own) and event.site.expression.isidentifier():
            label = own  # `print(n, "trees ->", rmse)`
        call = evidence.call_at(event)
        if is_setting(label) or (sounds_like_size(label) and not sounds_like_metric(label) and call is None):
            return
        if call is None and is_learnt(label):
            return  # `predicted=…, expected=…` is what was scored, row by row.
        if type(to_number(event.value)) is int and not sounds_like_metric(label) and call is None:
            return
        if reads_clock(event.site.expression) and not sounds_like_metric(label):
            return
        if call is not None and not sounds_like_metric(label):
            label = evidence.name_of(event, call) if not words(event.label) else label
        name = canonical(f"{event.turn or _ordinal(event)}{BETWEEN}{label}")
        if name in evidence.found.values:
            if evidence.same(name, event.value):
                continue
            name = evidence.free(name, call, event)
        detail = evidence.detail(event, "printed", call)
        path = () if event is events[-1] else (f"@{event.occurrence}",)
        evidence.remember([event.value])
        evidence.tell(name, to_number(event.value), msgspec.structs.replace(detail, path=(*path, *site.path)))


def _ordinal(event: Event) -> str:
    """``fold 3`` for a turn that no printed counter tells: what the loop is over, and the how manieth."""
    names = [name for name in event.site.turning if len(name) > 2]
    return f"{names[0] if names else 'turn'} {event.occurrence + 1}"
