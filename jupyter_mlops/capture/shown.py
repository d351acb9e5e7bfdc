"""Values that stand there for a reader: displayed, or structures that are printed."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import msgspec

from .arms import rate_members, rate_of
from .assignments import is_constant
from .drawn import (
    CONFUSING,
    crossed_members,
    display_members,
    interval_members,
    interval_of,
    matrix_members,
    pivoted,
    pivoted_members,
    tested_members,
)
from .evidence import PLAIN_HOLDERS, place_of
from .members import is_named_number, members
from .metric_names import BETWEEN, canonical, compares_samples, expression_name, is_share, join
from .numbers import is_number, to_float, to_number
from .syntax import expression_of
from .vocabulary import (
    counts_outcomes,
    is_aside,
    is_learnt,
    sounds_like_holder,
    sounds_like_metric,
    sounds_like_size,
    words,
)

if TYPE_CHECKING:
    from .evidence import Evidence
    from .members import Member
    from .sites import Event

#: What a comment says first, and of how many words and rows it may be the name.
_SAID = re.compile(r"[=:,;(.?!]|\s-\s")
_WORDS_OF_A_REMARK = 4
_ROWS_OF_A_REMARK = 12
#: Of a matrix that is drawn into a figure, so many cells are facts of their own.
_DRAWN_CELLS = 4
#: Of a list that is shown, so many are told one by one, though it is a curve: the scores of the folds.
_SHORT = 10


def find_displayed(evidence: Evidence) -> None:
    """Tell what the cell displayed, and what only its summaries of models show."""
    for event in evidence.displayed:
        show(evidence, event)
    for event in evidence.seen.events:
        if event.site.kind == "summary" and (found := tested_members(event.value)):
            _tell_drawn(evidence, event, found)


def _root(expression: str) -> str:
    return expression.partition(".")[0].partition("[")[0]


def show(evidence: Evidence, event: Event) -> None:
    """A value that stands there for a reader: the cell's last expression, or a printed structure."""
    value, site = event.value, event.site
    drawn = _drawn(evidence, event)
    if drawn is not None:
        _tell_drawn(evidence, event, drawn)
        return
    call = evidence.call_at(event)
    pictured = site.kind == "displayed" and site.aside and type(value).__name__ == "ndarray"
    if pictured and value.size > _DRAWN_CELLS:
        evidence.mark([call] if call else [])
        return
    name = canonical(event.label) or (
        evidence.name_of(event, call) if call else expression_name(site.expression)
    )
    if BETWEEN in event.label and not is_number(value) and not words(event.label.rpartition(BETWEEN)[2]):
        own = evidence.name_of(event, call) if call else expression_name(site.expression)
        if sounds_like_metric(own) or "cv" in words(own):
            name = canonical(f"{event.label}{own}")  # `print(name, cv.round(3))`
    remark = "" if event.label or sounds_like_metric(name) else _remark(evidence, event)
    if is_number(value):
        if call is None or not evidence.is_object(value):
            _show_number(evidence, event, remark or name, call)
    elif (
        remark
        and type(value).__name__ == "Series"
        and len(value) <= _ROWS_OF_A_REMARK
        and value.dtype.kind == "f"
        and not (event.site.kind == "printed" and members(value))
    ):
        rows = zip(value.index.tolist(), value.tolist(), strict=True)
        cells: list[Member] = [
            ((at,), (remark, str(row)), item) for at, (row, item) in enumerate(rows) if is_number(item)
        ]
        _tell_drawn(evidence, event, cells)
    elif place_of(site) not in evidence.told and not (
        type(value) is dict and (sounds_like_holder(site.expression) or sounds_like_holder(name))
    ):
        before = len(evidence.found.values)
        _show_members(evidence, event, name, call)
        if not site.scope and before < len(evidence.found.values):
            evidence.mark(evidence.calls_for(site.expression, ""))
        if type(value).__name__ == "DataFrame" and before == len(evidence.found.values):
            return  # A table made of a score, of which nothing was told: the score itself is.
    evidence.mark([call] if call else [])


def _remark(evidence: Evidence, event: Event) -> str:
    """What the comment above or behind a displayed value calls it, if that is a score: ``# lift``."""
    site = event.site
    if site.kind == "printed" and not is_number(event.value):
        # `print("accuracy by digit:"); print(by_digit)`
        heading = event.heading.strip(" :=-\n")
        fits = len(words(heading)) <= _WORDS_OF_A_REMARK and sounds_like_metric(heading)
        return canonical(heading) if fits else ""
    if site.kind != "displayed" or site.scope or site.order != evidence.seen.order:
        return ""
    if is_number(event.value) and type(to_number(event.value)) is int:
        return ""
    lines = evidence.seen.code.split("\n")
    # Columns count bytes.
    behind = lines[site.end_line - 1].encode()[site.end_column :].decode()
    above = lines[site.line - 2].strip() if site.line > 1 else ""
    for remark in (behind.strip(") ;"), above):
        said = _SAID.split(remark.lstrip("# "))[0] if remark.startswith("#") else ""
        if 0 < len(words(said)) <= _WORDS_OF_A_REMARK and sounds_like_metric(said):
            return canonical(said)
    return ""


def _drawn(evidence: Evidence, event: Event) -> list[Member] | None:
    """What a figure or a table of classes shows; None for anything else."""
    value, expression = event.value, event.site.expression
    found = display_members(value)
    found = tested_members(value) if found is None else found
    if found is not None:
        return found
    made = evidence.assignments.get(expression) if not event.site.scope else None
    source = ast.unparse(made.value) if made is not None else expression
    own = expression_name(expression)
    if CONFUSING & set(words(own)) and type(value).__name__ == "ndarray" and value.dtype.kind == "f":
        found = [
            (path, (own, *parts), cell) for path, parts, cell in matrix_members(value, drawn=event.site.aside)
        ]
    crossed = crossed_members(value, f"{expression} {source}")
    if crossed and not (event.site.aside and len(crossed) > _DRAWN_CELLS):
        found = [(path, ("confusion_matrix", *parts), number) for path, parts, number in crossed]
    node = None if found else expression_of(source)
    if node is not None and (held := pivoted(node)):
        found = pivoted_members(value, held)
    elif node is not None and (owner := interval_of(node)) is not None:
        found = interval_members(value, own if sounds_like_metric(own) else f"{expression_name(owner)}_ci")
    elif node is not None and is_number(value):
        told = rate_of(node, evidence.seen.namespace)
        found = [((), told, to_number(value))] if told else None
        evidence.compared |= bool(found) or compares_samples(node) or words(own)[-1:] == ("diff",)
    elif node is not None:
        found = rate_members(value, node, evidence.seen.namespace)
        evidence.compared |= bool(found)
    return found or None


def _tell_drawn(evidence: Evidence, event: Event, found: list[Member]) -> None:
    call = evidence.call_at(event)
    if call is None and not event.site.scope:
        call = next(iter(evidence.calls_for(event.site.expression, "")), None)
    told = {join("", parts[1:]): number for _, parts, number in found if len(parts) > 1}
    if told and all(evidence.holds(ending, number) for ending, number in told.items()):
        return
    for path, parts, number in found:
        label = join("", parts)
        if label in evidence.found.values:
            if evidence.same(label, number):
                continue
            label = evidence.free(label, call, event)
        detail = msgspec.structs.replace(evidence.detail(event, event.site.kind, call), path=path)
        evidence.tell(label, number, detail)
    evidence.mark([call] if call else [])


def _show_number(evidence: Evidence, event: Event, name: str, call: Event | None) -> None:
    value, site = event.value, event.site
    known = any(
        detail.expression == site.expression and detail.scope == site.scope and evidence.same(told, value)
        for told, detail in evidence.found.details.items()
    )
    known = known or (site.expression in evidence.found.values and evidence.same(site.expression, value))
    if known or not name or evidence.is_setting(event):
        return
    whole = type(to_number(value)) is int
    computed = evidence.is_computed(site.expression) or is_share(site.expression)
    aside = (is_aside(name) and not computed) or (whole and not counts_outcomes(name))
    aside = aside or evidence.explores(site.expression)
    if call is None and not sounds_like_metric(name) and aside:
        return
    if not (name in evidence.found.values and evidence.same(name, value)):
        evidence.tell(
            evidence.free(name, call, event), to_number(value), evidence.detail(event, site.kind, call)
        )


def _holder_of(event: Event, name: str, call: Event | None, scored: bool) -> str:
    """What the numbers inside a shown structure are called after, beside their own keys."""
    value, site = event.value, event.site
    listed = type(value).__name__ in ("ndarray", "list", "tuple")
    # `{"rmse": rmse, …}` as the last line has no name of its own: its keys stand for themselves.
    nameless = not event.label and not site.expression.replace(".", "").isidentifier()
    nameless = nameless and (type(value) is dict or type(value).__name__ == "Series") and call is None
    plain = not listed and (name in PLAIN_HOLDERS or (type(value) is dict and scored) or nameless)
    holder = "" if plain else name
    if type(value).__name__ == "Series" and type(value.name) is str and not holder:
        # `df.groupby("site")["abs_err"].mean()`: the rows say which one, the column says what.
        holder = "" if sounds_like_size(value.name) else value.name
    return holder


def _is_written_out(evidence: Evidence, event: Event) -> bool:
    """Whether a dict is a literal without a score: ``new_person = {"age": 45, "bmi": 30.4}``."""
    expression = event.site.expression
    if type(event.value) is not dict:
        return False
    made = evidence.assignments.get(expression) if not event.site.scope else None
    literal = is_constant(made.value) if made is not None else expression in evidence.seen.settings
    return literal and not any(type(key) is str and sounds_like_metric(key) for key in event.value)


def _show_members(evidence: Evidence, event: Event, name: str, call: Event | None) -> None:
    value, site = event.value, event.site
    if call is None and (
        evidence.explores(site.expression, value) or is_learnt(name) or _is_written_out(evidence, event)
    ):
        return
    scored = call is not None
    if call is None and not site.scope:
        call = next(iter(evidence.calls_for(site.expression, "")), None)
    if call is None and not site.scope and (made := evidence.assignments.get(_root(site.expression))):
        # `sizes, train, test = learning_curve(…)`, then `test.mean(axis=1)`
        call = next(iter(evidence.calls_in(made.value)), None)
    if type(value).__name__ == "ndarray" and call is None:
        own = expression_name(site.expression)
        grid = value.ndim == 2 and ({"cm", "confusion", "conf"} & set(words(f"{own} {name}")))
        if not (grid or sounds_like_metric(own) or (name != own and sounds_like_metric(name))):
            return
    if type(value) in (list, tuple):
        numbers = [to_float(item) for item in value]
        told = set(evidence.found.values.values())
        if len(value) > _SHORT and any(curve.values == numbers for curve in evidence.found.curves.values()):
            return
        named = len(value) > 0 and all(map(is_named_number, value))
        if not (call or named or sounds_like_metric(name) or evidence.is_trusted(site.expression)):
            return
        if len(value) > 1 and all(number in told for number in numbers):
            return
    holder = _holder_of(event, name, call, scored)
    trusted = evidence.is_trusted(f"{site.expression} {name}")
    for path, parts, number in members(value, shown=True, trusted=trusted):
        says = any(map(str.isalpha, "".join(parts)))
        label = join(holder if says else name, parts) or (name if not path else "")
        if type(value).__name__ == "DataFrame":
            label = join("", parts)
            if evidence.holds(label, number):
                continue
        if not label or (label in evidence.found.values and evidence.same(label, number)):
            continue
        if type(value).__name__ == "Series" and evidence.is_turned(parts[-1], number):
            continue
        if label in evidence.found.values:
            label = join(name, parts)
        if label in evidence.found.values and not evidence.same(label, number) and call is not None:
            label = evidence.free(label, call, event)
        if label and label not in evidence.found.values:
            detail = msgspec.structs.replace(
                evidence.detail(event, site.kind, call),
                path=(*evidence.turn_of(event), *site.path, *path),
            )
            evidence.tell(label, number, detail)
