"""Runs within a run: the turns of a loop that fits or scores several things, the candidates of a search.

A loop makes children when what is fitted or scored differs from turn to turn: its class, its settings,
or a plain value the loop runs over. Folds and epochs differ in none of these and stay one run's curve.
A child holds what varies and what its turn scored, under the plain label that the parent, which has
all of them, must tell apart.
"""

from __future__ import annotations

import ast
from collections import ChainMap
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import MetricDetail, ParamDetail, Run, RunWarning, Severity, Status, new_id

from .metric_names import BETWEEN, canonical, singular
from .numbers import to_number
from .vocabulary import sounds_like_metric, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_mlops.records import Artifact, MetricValue, ParamValue

    from .sites import Event, LoopSeries, Subject, Turn

MOST = 300
#: A loop over bare numbers with more turns than this traces a curve; it does not try things.
_TRIES = 60
#: Names of what only counts turns. A fold or an epoch is no setting.
_COUNTERS = frozenset(
    """
    fold folds epoch epochs i j ii jj it iter iteration step steps idx index batch t trial rep repeat
    repetition round count split
    """.split()
)
_LONGEST_NAME = 100

#: Of each loop (by key) and turn what it ran over, and how many seconds after the cell's begin it ended.
Turns = dict[str, dict[int, tuple[dict[str, Any], float]]]


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What `find_children` looks at: the cell's events, loops and text, and the run they are part of."""

    events: list[Event]
    turns: Turns
    series: list[LoopSeries]
    tree: ast.Module
    run: Run
    namespace: Mapping[str, Any]
    find_metrics: Callable[
        [list[Event], Mapping[str, Any]], tuple[dict[str, MetricValue], dict[str, MetricDetail]]
    ]


class Children(msgspec.Struct):
    """The children of a run, and what to say of those that were too many."""

    runs: list[Run] = msgspec.field(default_factory=list)
    notes: list[RunWarning] = msgspec.field(default_factory=list)


def find_children(heard: Heard) -> Children:
    """The turns of the cell's loops that tried different things, in their order."""
    trying = _trying_loops(heard)
    groups: dict[Turn, list[Event]] = {}
    for event in heard.events:
        turn = tuple((key, step) for key, step in event.loops if key in trying)
        if turn:
            groups.setdefault(turn, []).append(event)
    tried = {
        turn: events
        for turn, events in groups.items()
        if any(event.site.kind in ("fit", "call") for event in events)
        # What stands around an inner loop that tries things is its children's sum, not one more.
        and not any(other != turn and other[: len(turn)] == turn for other in groups)
    }
    found = Children()
    labels = _dict_keys(heard.tree)
    for turn, events in list(tried.items())[:MOST]:
        child = _child(heard, turn, events, labels)
        if child is not None:
            found.runs.append(child)
    if len(found.runs) < 2 or not any(child.metrics for child in found.runs):
        return Children()  # What only fits tells nothing yet; a later loop scores it.
    if len(tried) > MOST:
        found.notes.append(_too_many(len(tried), "turns of the loop"))
    return found


def candidates_of(run: Run, name: str, expression: str, state: Mapping[str, Any]) -> Children:
    """The candidates of a fitted search (``cv_results_``) as children of `run`."""
    results: Any = state.get("cv_results_")
    tried: Any = results.get("params") if type(results) is dict else None
    if type(tried) is not list or len(tried) < 2:
        return Children()
    found = Children()
    columns = [
        key
        for key in results
        if type(key) is str and key.startswith(("mean_test_", "std_test_", "mean_train_"))
    ]
    for position, settings in enumerate(tried[:MOST]):
        if type(settings) is not dict:
            continue
        params = {str(key): _plain(value) for key, value in settings.items()}
        metrics: dict[str, MetricValue] = {}
        details: dict[str, MetricDetail] = {}
        for key in columns:
            value = results[key][position]
            metrics[key] = to_number(value)
            details[key] = MetricDetail(
                origin="fitted", expression=f"{expression}.cv_results_[{key!r}]", path=(position,)
            )
        found.runs.append(
            _made(
                run,
                _name(params),
                params,
                dict.fromkeys(params, ParamDetail(origin="candidate", order=run.orders[-1])),
                metrics,
                details,
            )
        )
    if len(tried) > MOST:
        found.notes.append(_too_many(len(tried), f"candidates of {name or 'the search'}"))
    return found


# ---- which loops try things


def _trying_loops(heard: Heard) -> set[str]:
    """Loops whose turns differ in what they fit or score."""
    signatures: dict[str, dict[int, set[Any]]] = {}
    for event in heard.events:
        tries = event.site.kind in ("fit", "call")
        if not (tries or (event.site.kind == "predict" and event.subject is not None)):
            continue
        for position, (key, step) in enumerate(event.loops):
            # A step of an inner loop is its own only within the same turns of the outer ones.
            signature = signatures.setdefault(key, {}).setdefault(step, set())
            if event.subject is not None:
                signature.add((event.subject.kind, repr(event.subject.settings)))
            elif position == len(event.loops) - 1:
                signature.add(event.site.key)
    found = set()
    for key, steps in signatures.items():
        if len(steps) < 2:
            continue
        told = {step: frozenset((*signature, *_told(heard, key, step))) for step, signature in steps.items()}
        with_model = any(type(part) is tuple for signature in steps.values() for part in signature)
        if len(set(told.values())) > 1 and (with_model or len(steps) <= _TRIES):
            found.add(key)
    return found


def _told(heard: Heard, key: str, step: int) -> list[tuple[str, str]]:
    """The plain values of a turn that tell it from its neighbours and do not only count."""
    values, _ = heard.turns.get(key, {}).get(step, ({}, 0.0))
    return [
        (name, repr(value))
        for name, value in values.items()
        if not (type(value) is int and (name.startswith("_") or name.lower() in _COUNTERS))
    ]


# ---- one of them


def _child(heard: Heard, turn: Turn, events: list[Event], labels: dict[tuple[int, int], str]) -> Run | None:
    params: dict[str, ParamValue] = {}
    for key, step in turn:
        values, _ = heard.turns.get(key, {}).get(step, ({}, 0.0))
        told = {name for name, _ in _told(heard, key, step)}
        params |= {
            name: value
            for name, value in values.items()
            if not name.startswith("_") and (name in told or len(values) == 1)
        }
    details = {name: ParamDetail(origin="loop", order=heard.run.orders[-1]) for name in params}
    subject = _subject_of(events)
    varying = dict(params)
    if subject is not None:
        settings = {"model": subject.kind, **subject.settings}
        for name, value in settings.items():
            if name not in params:
                params[name] = value
                details[name] = ParamDetail(origin="estimator", order=heard.run.orders[-1])
    plain = [_without_context(event) for event in events]
    held = _held(heard, turn)
    metrics, found = heard.find_metrics(
        plain, ChainMap(held, dict(heard.namespace)) if held else heard.namespace
    )
    metrics, found = dict(metrics), dict(found)
    for series in heard.series:
        name = canonical(series.name)
        value = _at(heard, series, turn)
        if series.scope and value is not None and name not in metrics and sounds_like_metric(name):
            metrics[name] = value
            found[name] = MetricDetail(origin="curve", expression=series.expression, scope=series.scope)
    for series in heard.series:
        name, kept = canonical(singular(series.name)), _kept_at(heard, series, turn)
        if kept is not None and sounds_like_metric(name) and not {name, series.name} & metrics.keys():
            metrics[name] = kept
            detail = MetricDetail(origin="curve", expression=series.expression, scope=series.scope)
            found[name] = detail
    metrics, found = _relabelled(metrics, found, labels)
    if not metrics and subject is None:
        return None
    child = _made(
        heard.run,
        _name(varying) or (subject.kind if subject is not None else ""),
        params,
        details,
        metrics,
        {name: _in_turn(detail, turn) for name, detail in found.items()},
    )
    return _timed(heard, child, turn)


def _subject_of(events: list[Event]) -> Subject | None:
    """What the turn was about: what it fitted last that predicts, else what it scored."""
    for kinds in (("fit",), ("call", "predict"), ("fit", "call", "predict")):
        found = [event.subject for event in events if event.subject is not None and event.site.kind in kinds]
        predicting = [subject for subject in found if subject.predicts]
        if predicting:
            return predicting[-1]
    return None


def _without_context(event: Event) -> Event:
    """A printed number without what told it from those of the other turns."""
    # Within its turn nothing is repeated.
    site = msgspec.structs.replace(event.site, in_loop=False, loop=0)
    if event.site.kind != "printed":
        return msgspec.structs.replace(event, site=site)
    label = event.label.rpartition(BETWEEN)[2]
    return msgspec.structs.replace(event, label=label, heading="", turn="", step=None, site=site)


def _held(heard: Heard, turn: Turn) -> dict[str, Any]:
    """What the loop's own names held at the end of the turn."""
    held: dict[str, Any] = {}
    for series in heard.series:
        if not series.scope and not series.appended:
            value = _at(heard, series, turn)
            if value is not None:
                held[series.expression] = value
    for key, step in turn:
        held.update(heard.turns.get(key, {}).get(step, ({}, 0.0))[0])
    return held


def _at(heard: Heard, series: LoopSeries, turn: Turn) -> float | None:
    """A series' value in a turn of the loop it belongs to."""
    key = series.loop
    step = dict(turn).get(key)
    if step is None or series.appended:
        return None
    try:
        return series.values[series.steps.index(step)]
    except ValueError:
        return None


def _kept_at(heard: Heard, series: LoopSeries, turn: Turn) -> float | None:
    """What a turn appended to a list that every turn appended one number to."""
    step = dict(turn).get(series.loop)
    turns = heard.turns.get(series.loop, {})
    if step is None or not series.appended or not len(turns) == len(series.values) == series.count:
        return None
    return series.values[step] if step < len(series.values) else None


def _relabelled(
    metrics: dict[str, MetricValue],
    details: dict[str, MetricDetail],
    labels: dict[tuple[int, int], str],
) -> tuple[dict[str, MetricValue], dict[str, MetricDetail]]:
    """A score that is an item of a dict has its key for a name: ``{"acc": accuracy_score(…)}``."""
    values: dict[str, MetricValue] = {}
    told: dict[str, MetricDetail] = {}
    for name, value in metrics.items():
        detail = details[name]
        span = detail.span
        label = labels.get((span.line, span.column), "") if span is not None and not detail.path else ""
        free = label if label and label not in metrics and label not in values else name
        values[free], told[free] = value, detail
    return values, told


def _dict_keys(tree: ast.Module) -> dict[tuple[int, int], str]:
    """Where the values of dict displays begin, and the text that is their key."""
    found: dict[tuple[int, int], str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and type(key.value) is str:
                    found[value.lineno, value.col_offset] = key.value
    return found


def _in_turn(detail: MetricDetail, turn: Turn) -> MetricDetail:
    """The detail of a child's metric, which says in which turn of its loop the code gave it."""
    return msgspec.structs.replace(detail, path=(f"@{turn[-1][1]}", *detail.path), step=None, points=0)


def _timed(heard: Heard, child: Run, turn: Turn) -> Run:
    key, step = turn[-1]
    ends = heard.turns.get(key, {})
    if step not in ends:
        return child
    end = ends[step][1]
    begin = ends[step - 1][1] if step - 1 in ends else 0.0
    return msgspec.structs.replace(
        child, start_time=heard.run.start_time + timedelta(seconds=begin), duration=max(0.0, end - begin)
    )


def _made(
    run: Run,
    name: str,
    params: dict[str, ParamValue],
    param_details: dict[str, ParamDetail],
    metrics: dict[str, MetricValue],
    metric_details: dict[str, MetricDetail],
) -> Run:
    return Run(
        run_id=new_id(),
        experiment=run.experiment,
        status=Status.FINISHED,
        start_time=run.start_time,
        duration=None,
        name=name[:_LONGEST_NAME],
        params=params,
        param_details=param_details,
        metrics=metrics,
        metric_details=metric_details,
        parent_id=run.run_id,
        orders=run.orders,
        session_id=run.session_id,
    )


def with_tables(child: Run, artifacts: Mapping[str, Artifact]) -> Run:
    """The child with the tables behind its own metrics, of all that the cell's are."""
    digests = dict.fromkeys(
        digest
        for detail in child.metric_details.values()
        if detail.evaluation is not None
        for digest in (detail.evaluation.predictions, detail.evaluation.features)
        if digest in artifacts
    )
    return msgspec.structs.replace(child, artifacts=tuple(artifacts[digest] for digest in digests))


def _name(varying: Mapping[str, Any]) -> str:
    """``forest`` where a text alone varies, else ``depth=3, rate=0.1``."""
    texts = [value for value in varying.values() if type(value) is str]
    if len(varying) == 1 and texts:
        return texts[0]
    if len(texts) == 1 and {"name", "model", "clf", "label", "key", "algo"} & {
        word for name, value in varying.items() if type(value) is str for word in words(name)
    }:
        return (
            texts[0]
            if len(varying) == 1
            else ", ".join(
                [texts[0], *(f"{key}={value}" for key, value in varying.items() if type(value) is not str)]
            )
        )
    return ", ".join(
        f"{key}={value:.6g}" if type(value) is float else f"{key}={value}" for key, value in varying.items()
    )


def _plain(value: Any) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is float or kind is str:
        return value
    if kind.__module__ == "numpy" and hasattr(value, "item") and not getattr(value, "ndim", 1):
        return value.item()
    if (kind is list or kind is tuple) and len(value) <= 50:
        return [_plain(item) for item in value]
    return kind.__name__


def _too_many(count: int, what: str) -> RunWarning:
    return RunWarning(
        code="children_bounded",
        message=f"Of {count:,} {what} the first {MOST} are kept as children.",
        hint="The run itself has the metrics of all that were printed or kept in a table.",
        severity=Severity.INFO,
    )
