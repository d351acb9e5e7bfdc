"""What one executed cell gave as evidence of its metrics, and what was told of it so far.

The rooms that look for metrics (`curves`, `results`, `shown`, `scores`) each read the same
`Evidence` and tell it what they find, so that a number told three ways is one metric.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Curve, Evaluation, MetricDetail, MetricValue, Span

from .assignments import assignments_of, explored, span_of
from .evaluation import direction_of, identify, prediction_of, rows_of, target_and_name
from .lines import settle
from .metric_names import BETWEEN, canonical, data_part, error_name
from .numbers import is_number, module_of, to_number
from .syntax import expression_of
from .vocabulary import (
    counts_outcomes,
    is_part,
    is_setting,
    sounds_like_holder,
    sounds_like_metric,
    sounds_like_size,
    words,
)

if TYPE_CHECKING:
    from .evaluation import Kept
    from .members import Path
    from .sites import Event, LoopSeries, Site

#: Dicts with these names hold results, not a group of them: their keys stand for themselves.
PLAIN_HOLDERS = frozenset(
    ["metrics", "results", "result", "scores", "score", "res", "evaluation", "report", "out", "performance"]
)
#: Words of names that hold results, so that a table or dict of theirs is one of scores.
_RESULTS = frozenset(
    """
    hist history log logs results result res scores metrics perf performance comparison leaderboard summary
    report
    """.split()
)
#: Names that say nothing of what was scored: a label they are printed under says more.
GENERIC = frozenset("score scores cv_score cv_scores error result res value val metric s".split())
#: Words of names that hold what a model is made of.
EXPLAINING = frozenset("importance importances coef coefs coefficient coefficients weights bse".split())
#: What a fitted object has learnt: ``model.cluster_centers_``, ``result.params``.
_LEARNT_ATTRIBUTE = re.compile(r"\.([a-z]\w*_|params|bse)\b(?!\s*\()")
#: Words of names that hold by how much predictions are off.
_DEVIATIONS = frozenset({"resid", "resids", "residual", "residuals"})
#: Of a heading that names a number this much is kept, so that the number's own label has room.
HEADING = 30
_EXPLORED_ROWS = 60

Fingerprint = Callable[[Any], str]


class Found(msgspec.Struct):
    """The metrics of one cell: value, detail and (where it has one) curve by name.

    `own` tells whether one of them stands for itself: a function of the notebook's own computed it, or it
    compares the arms of an experiment.
    """

    values: dict[str, MetricValue] = msgspec.field(default_factory=dict)
    details: dict[str, MetricDetail] = msgspec.field(default_factory=dict)
    curves: dict[str, Curve] = msgspec.field(default_factory=dict)
    own: bool = False


class Observed(msgspec.Struct, frozen=True):
    """Everything `find_metrics` looks at.

    `bound` are names the cell's top level really bound, `mutated` those whose objects it changed,
    `settings` those that hold a literal still. `fitted` are scores of fitted objects, as
    (label, expression, path, value), `fitted_curves` their histories by label. `kept` gives the
    tables that are kept of a scoring call.
    """

    tree: ast.Module
    code: str
    order: int
    namespace: Mapping[str, Any]
    bound: frozenset[str]
    events: list[Event]
    loops: list[LoopSeries]
    fingerprint: Fingerprint
    fitted: list[tuple[str, str, Path, MetricValue]] = []
    fitted_curves: Mapping[str, list[float]] = {}
    mutated: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    kept: Callable[[Event], Kept] | None = None


def _correlates(held: Any) -> bool:
    """Whether a value is a table of pandas that holds how the columns of the data go together."""
    if module_of(type(held)).partition(".")[0] != "pandas" or type(held).__name__ != "DataFrame":
        return False
    rows, columns = held.shape
    if not 1 < rows == columns <= _EXPLORED_ROWS or not all(kind.kind == "f" for kind in held.dtypes):
        return False
    return held.index.tolist() == held.columns.tolist() and bool((held.to_numpy().diagonal() == 1).all())


class Evidence:
    """What was observed of a cell, indexed, and the metrics found so far."""

    def __init__(self, observed: Observed) -> None:
        self.seen = observed
        self.found = Found()
        self.assignments = assignments_of(observed.tree)
        self.calls = [event for event in observed.events if event.site.kind == "call"]
        self.printed = settle(event for event in observed.events if event.site.kind == "printed")
        self.displayed = [event for event in observed.events if event.site.kind == "displayed"]
        self.shown = {event.site.expression for event in (*self.printed, *self.displayed)}
        #: Whether a table of an experiment's rates was told, which stands for itself.
        self.compared = False
        #: Places whose value is told already: (order, line, column, end_line, end_column).
        self.told: set[tuple[int, int, int, int, int]] = set()
        self.looped: set[tuple[str, str]] = set()
        #: Numbers that are told, by identity: what a function prints and gives back is one object.
        self.objects: dict[int, Any] = {}
        #: The scoring call behind each evaluation told, by the evaluation's identity.
        self.scored: dict[int, tuple[Evaluation, Event]] = {}
        #: Expressions printed together with the name of what was scored: several facts, no curve.
        self.named = {
            (event.site.scope, event.site.expression)
            for event in self.printed
            if BETWEEN in event.label and not sounds_like_size(event.label.partition(BETWEEN)[0])
        }

    def label_of(self, expression: str, scope: str) -> str:
        """The label a name is printed under, if that sounds like a metric where the name does not."""
        for event in self.printed:
            site = event.site
            if site.expression == expression and site.scope == scope and BETWEEN not in event.label:
                label = canonical(event.label)
                if sounds_like_metric(label) and not is_setting(label):
                    return label
        return ""

    def part_of(self, expression: str, scope: str) -> str:
        """The part of the data a name is printed under: ``val`` of ``f"val {vl:.3f}"``."""
        labels = (
            "_".join(words(event.label)[-1:])
            for event in self.printed
            if event.site.expression == expression
            and event.site.scope == scope
            and BETWEEN not in event.label
        )
        return next(filter(is_part, labels), "")

    def target_span(self, name: str) -> Span | None:
        """Where the cell last binds a name."""
        assignment = self.assignments.get(name)
        return span_of(assignment.target) if assignment else None

    def keep_curve(self, name: str, numbers: list[float]) -> None:
        """Make `numbers` the curve of a metric that was told."""
        self.found.curves[name] = Curve(
            steps=list(range(len(numbers))), values=numbers, times=[0.0] * len(numbers), count=len(numbers)
        )
        detail = self.found.details[name]
        self.found.details[name] = msgspec.structs.replace(detail, step=len(numbers) - 1, points=len(numbers))

    def is_setting(self, event: Event) -> bool:
        """Whether what is printed is only a setting: a name that holds a literal, ``args.lr``."""
        expression = event.site.expression
        if expression in self.seen.settings and not (
            event.site.scope or sounds_like_metric(expression) or sounds_like_metric(event.label)
        ):
            return True
        root, _, rest = expression.partition(".")
        return (
            bool(rest) and rest.isidentifier() and sounds_like_holder(root) and not sounds_like_metric(rest)
        )

    def explores(self, expression: str, value: Any = None) -> bool:
        """Whether an expression only looks at data: ``df.corr()["y"]``, ``df.age.mean()``, ``df.head()``."""
        if not is_number(value) and value is not None:
            if EXPLAINING & set(words(expression)):
                return True
            learnt = _LEARNT_ATTRIBUTE.findall(expression)
            if learnt and not any(sounds_like_metric(name) or "results" in words(name) for name in learnt):
                return True
        assigned = self.assignments.get(expression)
        root, surely = explored(ast.unparse(assigned.value) if assigned is not None else expression)
        if surely:
            return True
        if not root:
            return False
        held: Any = self.seen.namespace.get(root)
        if module_of(type(held)).partition(".")[0] not in ("pandas", "polars") or len(held) <= _EXPLORED_ROWS:
            return _correlates(held)
        if type(value).__name__ == "DataFrame":
            numeric = [name for name in value.columns if type(name) is str and value[name].dtype.kind == "f"]
            return 2 * sum(map(sounds_like_metric, numeric)) < len(numeric) or not numeric
        if "groupby" in expression and counts_outcomes(expression):
            return False
        if value is None and _DEVIATIONS & set(words(expression)):
            return False  # `resid.abs().median()`
        return not sounds_like_metric(expression)

    def is_turned(self, name: str, value: Any) -> bool:
        """Whether a row says only what a loop ran over last: ``reg`` of the row of the best."""
        held = self.seen.namespace.get(name)
        return is_number(held) and to_number(held) == value and not sounds_like_metric(name)

    def is_trusted(self, expression: str) -> bool:
        """Whether an expression's words say that it holds results."""
        return bool(_RESULTS & set(words(expression)))

    def same(self, name: str, value: Any) -> bool:
        """Whether `value` is what is told under `name` already."""
        kept = self.found.values[name]
        shown = to_number(value)
        return kept == shown or (kept != kept and shown != shown)  # noqa: PLR0124 — NaN is itself here

    def holds(self, ending: str, value: Any) -> bool:
        """Whether a structure that is told has this value at the same place: ``report.macro_avg``."""
        return any(name.endswith(f".{ending}") and self.same(name, value) for name in self.found.values)

    def is_object(self, value: Any) -> bool:
        """Whether this very number is told, not only an equal one; whole numbers are shared by Python."""
        return id(value) in self.objects and type(to_number(value)) is float and value not in (0, 1)

    def remember(self, values: Iterable[Any]) -> None:
        """Note that these very numbers are told."""
        self.objects.update((id(value), value) for value in values if is_number(value))

    def tell(self, name: str, value: MetricValue, detail: MetricDetail) -> None:
        """Tell a metric."""
        self.found.values[name] = value
        self.found.details[name] = detail

    def free(self, name: str, call: Event | None, event: Event | None = None) -> str:
        """`name`, or the name with what tells this fact from the one that has it already."""
        if name not in self.found.values:
            return name
        part = data_part(call.site.arguments) if call else ""
        if part and f"{name}_{part}" not in self.found.values:
            return f"{name}_{part}"
        if event is not None and event.heading:
            headed = canonical(f"{canonical(event.heading)[:HEADING]}{BETWEEN}{name}")
            if headed not in self.found.values:
                return headed
        count = 2
        while f"{name}_{count}" in self.found.values:
            count += 1
        return f"{name}_{count}"

    def is_own(self, detail: MetricDetail) -> bool:
        """Whether a metric is the value of a call of a function that the notebook defined."""
        return bool(self._called_by(detail))

    def is_computed(self, expression: str) -> bool:
        """Whether an expression is a call of a function that the notebook defined: ``cronbach_alpha(df)``."""
        name, bracket, _ = expression.partition("(")
        return bool(bracket) and defined_here(self.seen.namespace.get(name.strip()))

    def own_functions(self) -> set[str]:
        """The notebook's own functions whose values are told."""
        return {name for detail in self.found.details.values() for name in self._called_by(detail)}

    def turn_of(self, event: Event) -> Path:
        """Which of several times a site was heard an event is; nothing for the last, which is what stays."""
        heard = sum(1 for other in self.printed if other.site.key == event.site.key)
        return () if event.occurrence >= heard - 1 else (f"@{event.occurrence}",)

    def _called_by(self, detail: MetricDetail) -> set[str]:
        expression = detail.expression
        assigned = self.assignments.get(expression)
        node = assigned.value if assigned is not None else expression_of(expression)
        if node is None:
            return set()
        return {
            part.func.id
            for part in ast.walk(node)
            if isinstance(part, ast.Call)
            and isinstance(part.func, ast.Name)
            and defined_here(self.seen.namespace.get(part.func.id))
        }

    def mark(self, calls: Iterable[Event]) -> None:
        """The values of these calls are told: they are no facts of their own."""
        self.told.update(place_of(call.site) for call in calls)

    def detail(self, event: Event, origin: str, call: Event | None) -> MetricDetail:
        """How the metric that `event` showed came to be."""
        site = event.site
        # A function prints what it has scored: the very number tells which call gave it.
        same = [] if call else [other for other in self.calls if other.value is event.value][:1]
        calls = [call] if call else same if type(event.value) is not int else []
        return MetricDetail(
            origin=origin,
            expression=site.expression,
            order=site.order,
            span=Span(line=site.line, column=site.column, end_line=site.end_line, end_column=site.end_column),
            scope=site.scope,
            path=site.path,
            evaluation=self.evaluation_of(calls),
            higher_is_better=direction_of(calls),
        )

    def call_name(self, call: Event) -> str:
        """What the value of a scoring call is called for want of a better name."""
        last = call.site.function.rpartition(".")[2]
        part = data_part(call.site.arguments)
        return f"{last}_{part}" if part and part != "test" and last == "score" else last

    def name_of(self, event: Event, call: Event) -> str:
        """What a value made of that of a scoring call is called: the root of a squared error ``rmse``."""
        return error_name(event.site.expression) or self.call_name(call)

    def call_at(self, event: Event) -> Event | None:
        """The scoring call that is, or (rounded, scaled) stands inside, the event's expression."""
        site = event.site
        inside = [
            call
            for call in self.calls
            if call.site.order == site.order
            and (site.line, site.column) <= (call.site.line, call.site.column)
            and (call.site.end_line, call.site.end_column) <= (site.end_line, site.end_column)
        ]
        same_turn = [call for call in inside if call.occurrence == event.occurrence]
        found = same_turn or inside
        return found[-1] if found else None

    def calls_in(self, node: ast.expr) -> list[Event]:
        """The scoring calls inside an expression at the cell's top level."""
        begin, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
        return [
            call
            for call in self.calls
            if call.site.order == self.seen.order
            and not call.site.scope
            and begin <= (call.site.line, call.site.column)
            and (call.site.end_line, call.site.end_column) <= end
        ]

    def calls_of(self, value: Any) -> list[Event]:
        """The scoring call inside a function that gave this very number."""
        if type(to_number(value)) is not float or value in (0, 1):
            return []
        return [call for call in self.calls if call.site.scope and call.value is value][-1:]

    def calls_for(self, name: str, scope: str) -> list[Event]:
        """The last scoring call whose value was bound, appended or set to `name`."""
        return [
            call
            for call in self.calls
            if name in (call.site.target, call.site.within)
            and call.site.scope == scope
            and (scope or call.site.order == self.seen.order)
        ][-1:]

    def evaluation_of(self, calls: list[Event]) -> Evaluation | None:
        """What the last of some calls was scored with."""
        if not calls:
            return None
        call = calls[-1]
        name, code = identify(call.function, call.site.function)
        target_name, target = target_and_name(call)
        fingerprint, rows = "", None
        if target is not None:
            fingerprint = self.seen.fingerprint(target)
            rows = rows_of(target)
        evaluation = Evaluation(
            function=name,
            function_hash=self.seen.fingerprint(code) if code is not None else "",
            target=fingerprint,
            target_name=target_name,
            prediction_name=prediction_of(call),
            rows=rows,
            **(msgspec.structs.asdict(self.seen.kept(call)) if self.seen.kept is not None else {}),
        )
        self.scored[id(evaluation)] = (evaluation, call)
        return evaluation


def defined_here(function: Any) -> bool:
    """Whether `function` is one of the notebook's own, or such a one with some arguments fixed."""
    if type(function) is partial:
        function = function.func
    return type(function) is FunctionType and function.__module__ == "__main__"


def place_of(site: Site) -> tuple[int, int, int, int, int]:
    """Where a site's expression stands: (order, line, column, end_line, end_column)."""
    return (site.order, site.line, site.column, site.end_line, site.end_column)
