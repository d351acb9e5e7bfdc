"""What came out of a cell: its metrics, their curves, and what each was scored on.

A metric is a number the cell *shows* or *keeps as a result*: the value of a scoring call, a
computed number it binds, displays or prints, a number inside a dict, Series or table of results, a
fitted object's own score, or what a loop rebinds step by step. One number told three ways
(``acc = accuracy_score(…)``, ``print("Accuracy:", acc)``, ``acc`` at the end) is one metric: facts
about the same expression are merged, and a bound name wins over a label, a label over a call.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Curve, Evaluation, MetricDetail, MetricValue, Span

from .assignments import (
    Assignment,
    assignments_of,
    explored,
    has_grown,
    is_constant,
    measures_time,
    reads_clock,
    span_of,
    stored_keys,
)
from .evaluation import direction_of, identify, prediction_of, report_of, rows_of, target_and_name
from .members import Member, Path, histories, members, numbers_of
from .metric_names import BETWEEN, canonical, data_part, expression_name, join, singular
from .numbers import is_number, module_of, to_float, to_number
from .vocabulary import (
    is_part,
    is_setting,
    names_a_result,
    sounds_like_holder,
    sounds_like_metric,
    sounds_like_size,
    words,
)

if TYPE_CHECKING:
    from .evaluation import Kept
    from .sites import Event, LoopSeries, Site

#: Dicts with these names hold results, not a group of them: their keys stand for themselves.
_PLAIN_HOLDERS = frozenset(
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
_GENERIC = frozenset("score scores cv_score cv_scores error result res value val metric s".split())
#: Words of names that hold what a model is made of.
_EXPLAINING = frozenset("importance importances coef coefs coefficient coefficients weights".split())
#: A site outside any loop heard more often than this is a series, not so many facts.
_FACTS = 12
_LONGEST_LIST = 5_000
#: Of a heading that names a number this much is kept, so that the number's own label has room.
_HEADING = 30
_EXPLORED_ROWS = 60

Fingerprint = Callable[[Any], str]


class Found(msgspec.Struct):
    """The metrics of one cell: value, detail and (where it has one) curve by name."""

    values: dict[str, MetricValue] = msgspec.field(default_factory=dict)
    details: dict[str, MetricDetail] = msgspec.field(default_factory=dict)
    curves: dict[str, Curve] = msgspec.field(default_factory=dict)


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


def find_metrics(observed: Observed) -> Found:
    """Find the metrics of one executed cell."""
    return _Finder(observed).find()


class _Finder:
    def __init__(self, observed: Observed) -> None:
        self.seen = observed
        self.found = Found()
        self.assignments = assignments_of(observed.tree)
        self.calls = [event for event in observed.events if event.site.kind == "call"]
        self.printed = [event for event in observed.events if event.site.kind == "printed"]
        self.displayed = [event for event in observed.events if event.site.kind == "displayed"]
        self.shown = {event.site.expression for event in (*self.printed, *self.displayed)}
        #: Places whose value is told already: (order, line, column, end_line, end_column).
        self.told: set[tuple[int, int, int, int, int]] = set()
        self.looped: set[tuple[str, str]] = set()
        #: Expressions printed together with the name of what was scored: several facts, no curve.
        self.named = {
            (event.site.scope, event.site.expression)
            for event in self.printed
            if BETWEEN in event.label and not sounds_like_size(event.label.partition(BETWEEN)[0])
        }

    def find(self) -> Found:
        """Look where a number is told best first, so that later tellings of it are recognised."""
        self._find_curves()
        self._find_bound()
        self._find_stored()
        self._find_fitted()
        self._find_printed()
        for event in self.displayed:
            self._show(event)
        self._find_called()
        return self.found

    # -- loops ----------------------------------------------------------------------------------

    def _find_curves(self) -> None:
        lists = {
            (loop.scope, loop.value_name): loop
            for loop in self.seen.loops
            if loop.appended and loop.value_name
        }
        for loop in sorted(self.seen.loops, key=lambda loop: loop.appended):
            if (loop.scope, loop.expression) in self.named:
                continue
            kept = lists.get((loop.scope, loop.expression))
            if kept is not None and kept.count != loop.count and not sounds_like_metric(loop.name):
                self.looped.add((loop.scope, loop.expression))
                continue
            if self._counts(loop):
                continue
            self.looped.add((loop.scope, loop.expression))
            if not loop.values or (loop.count < 2 and not loop.appended):
                continue
            self._tell_loop(loop)

    def _counts(self, loop: LoopSeries) -> bool:
        """Whether a series only counts (``correct += …``): whole numbers whose name is no metric's."""
        return not sounds_like_metric(loop.name) and all(
            value == int(value) for value in loop.values if value - value == 0
        )

    def _tell_loop(self, loop: LoopSeries) -> None:
        name = self._name_of_loop(loop)
        if sounds_like_size(name) and not sounds_like_metric(name):
            return
        if loop.appended and len(words(name)) == 1 and len(name) <= 2:
            name = canonical(loop.expression)
        if not name or any(
            curve.values[-1:] == loop.values[-1:] and len(curve.values) == len(loop.values)
            for other, curve in self.found.curves.items()
            if loop.appended and (other == name or singular(name) == singular(other))
        ):
            return
        if name in self.found.values:
            name = canonical(f"{loop.scope.rpartition('.')[2]} {name}") if loop.scope else f"{name}_history"
            if name in self.found.values:
                return
        self.found.curves[name] = Curve(
            steps=loop.steps, values=loop.values, times=loop.times, count=loop.count
        )
        value: MetricValue = loop.values[-1]
        if not loop.scope and not loop.appended:
            now = self.seen.namespace.get(loop.expression)
            value = to_number(now) if is_number(now) else value
        self.found.values[name] = value
        self.found.details[name] = MetricDetail(
            origin="curve",
            expression=loop.expression,
            order=loop.order,
            span=self._target_span(loop.expression) if not loop.scope else None,
            scope=loop.scope,
            path=(-1,) if loop.appended else (),
            step=loop.steps[-1],
            points=loop.count,
            evaluation=self._evaluation_of(self._calls_for(loop.expression, loop.scope)),
        )

    def _name_of_loop(self, loop: LoopSeries) -> str:
        """Its own name; where that says nothing, the label it is printed under, or what scored it."""
        own = canonical(loop.name)
        if sounds_like_metric(own):
            return own
        label = self._label_of(loop.expression, loop.scope)
        if label:
            return label
        calls = self._calls_for(loop.expression, loop.scope)
        if not calls:
            return own
        return f"{own}_{self._call_name(calls[-1])}" if is_part(own) else self._call_name(calls[-1])

    def _label_of(self, expression: str, scope: str) -> str:
        """The label a name is printed under, if that sounds like a metric where the name does not."""
        for event in self.printed:
            site = event.site
            if site.expression == expression and site.scope == scope and BETWEEN not in event.label:
                label = canonical(event.label)
                if sounds_like_metric(label) and not is_setting(label):
                    return label
        return ""

    def _target_span(self, name: str) -> Span | None:
        assignment = self.assignments.get(name)
        return span_of(assignment.target) if assignment else None

    # -- names ----------------------------------------------------------------------------------

    def _find_bound(self) -> None:
        for name, assignment in self.assignments.items():
            if name not in self.seen.bound or name not in self.seen.namespace or name.startswith("_"):
                continue
            if assignment.in_loop and ("", name) in self.named:
                continue
            value = self.seen.namespace[name]
            calls = self._calls_in(assignment.value) or self._calls_for(name, "")
            if is_number(value):
                if name in self.found.values or not self._is_result(name, value, assignment, calls):
                    continue
                if (not sounds_like_metric(name) or name in _GENERIC) and self._label_of(name, ""):
                    continue
                self._tell_bound(name, name, to_number(value), assignment, calls)
                self._mark(calls)
            elif calls or name in self.shown or sounds_like_metric(name) or self._is_trusted(name):
                self._find_members(name, value, assignment, calls)

    def _tell_bound(
        self,
        label: str,
        name: str,
        value: MetricValue,
        assignment: Assignment,
        calls: list[Event],
        path: Path = (),
    ) -> None:
        self._tell(
            label,
            value,
            MetricDetail(
                origin="bound",
                expression=name,
                order=self.seen.order,
                span=span_of(assignment.target),
                path=path,
                evaluation=self._evaluation_of(calls),
                higher_is_better=direction_of(calls),
            ),
        )

    def _is_result(self, name: str, value: Any, assignment: Assignment, calls: list[Event]) -> bool:
        if calls:
            return True
        if is_constant(assignment.value):
            # Typed in by hand: a setting, unless its name can only be that of a result.
            literal = isinstance(assignment.value, (ast.Constant, ast.UnaryOp))
            started = to_number(value) in (0, -1) or abs(to_number(value)) == float("inf")
            return names_a_result(name) and type(value) is float and not (literal and started)
        if sounds_like_metric(name):
            return True
        if sounds_like_size(name) or is_setting(name) or reads_clock(ast.unparse(assignment.value)):
            return False
        if name in self.shown:
            labels = [event.label for event in self.printed if event.site.expression == name]
            return type(to_number(value)) is float and not any(sounds_like_size(label) for label in labels)
        return (
            type(to_number(value)) is float
            and len(name) > 2
            and not assignment.consumed
            and not measures_time(assignment.value)
            and not self._explores(ast.unparse(assignment.value))
        )

    def _find_members(self, name: str, value: Any, assignment: Assignment, calls: list[Event]) -> None:
        if is_constant(assignment.value) and not has_grown(assignment.value, value):
            return
        if sounds_like_holder(name) or _EXPLAINING & set(words(name)):
            return
        whole = module_of(type(value)) == "numpy" and not (calls or name in self.shown)
        if whole and (assignment.consumed or self._is_signed(value)):
            return
        if self._explores(ast.unparse(assignment.value), value):
            return
        self._tell_members(name, value, assignment, calls, members(value, trusted=self._is_trusted(name)))
        self._tell_histories(name, value, assignment)

    def _tell_members(
        self, name: str, value: Any, assignment: Assignment, calls: list[Event], found: list[Member]
    ) -> None:
        told = False
        plain = name in _PLAIN_HOLDERS and type(value).__name__ != "ndarray"
        for path, parts, number in found:
            label = join("" if plain else name, parts)
            if label in self.found.values:
                if self._same(label, number):
                    continue
                label = join(name, parts)
            if label in self.found.values or not label:
                continue
            told = True
            self._tell_bound(label, name, number, assignment, calls, path)
        numbers = numbers_of(value[:_LONGEST_LIST]) if type(value) is list and calls else None
        if numbers is not None and not any(curve.values == numbers for curve in self.found.curves.values()):
            told = True
            self._tell_bound(name, name, numbers[-1], assignment, calls, (len(value) - 1,))
            self._keep_curve(name, numbers)
        if told:
            self._mark(calls)

    def _tell_histories(self, name: str, value: Any, assignment: Assignment) -> None:
        for path, parts, numbers in histories(value):
            label = join("" if name in (*_PLAIN_HOLDERS, "history", "hist") else name, parts)
            if not label or any(curve.values == numbers for curve in self.found.curves.values()):
                continue
            label = label if label not in self.found.values else join(name, parts)
            self._tell_bound(label, name, numbers[-1], assignment, [], (*path, len(numbers) - 1))
            self._keep_curve(label, numbers)

    def _keep_curve(self, name: str, numbers: list[float]) -> None:
        self.found.curves[name] = Curve(
            steps=list(range(len(numbers))), values=numbers, times=[0.0] * len(numbers), count=len(numbers)
        )
        detail = self.found.details[name]
        self.found.details[name] = msgspec.structs.replace(detail, step=len(numbers) - 1, points=len(numbers))

    def _find_stored(self) -> None:
        """Items set in a dict of results that an earlier cell began: ``results["svm"] = score``."""
        for name, (holder, keys) in stored_keys(self.seen.tree).items():
            value = self.seen.namespace.get(name)
            if name not in self.seen.mutated or name in self.seen.bound or type(value) is not dict:
                continue
            calls = self._calls_for(name, "")
            if sounds_like_holder(name) or not (calls or sounds_like_metric(name) or name in _PLAIN_HOLDERS):
                continue
            found = [member for member in members(value) if keys is None or member[0][0] in keys]
            self._tell_members(name, None, Assignment(holder, holder, in_loop=False), calls, found)

    def _find_fitted(self) -> None:
        for name, expression, path, value in self.seen.fitted:
            label = canonical(name)
            if label and label not in self.found.values:
                self._tell(
                    label,
                    value,
                    MetricDetail(origin="fitted", expression=expression, order=self.seen.order, path=path),
                )
                numbers = self.seen.fitted_curves.get(name)
                if numbers:
                    self._keep_curve(label, numbers)

    # -- shown ----------------------------------------------------------------------------------

    def _find_printed(self) -> None:
        by_name: dict[tuple[str, str], list[Event]] = {}
        headed = self._headed()
        crowded = self._crowded()
        for event in self.printed:
            if not is_number(event.value):
                self._show(event)
                continue
            name = self._printed_name(event, crowded)
            if name and event.site.key in headed:
                name = canonical(f"{canonical(event.heading)[:_HEADING]}{BETWEEN}{name}")
            if name:
                by_name.setdefault((name, event.site.key), []).append(event)
        for (name, _), events in by_name.items():
            if len(events) <= _FACTS and not events[0].site.in_loop:
                for event in events:
                    self._show_series(name, [event])
            else:
                self._show_series(name, events)

    def _headed(self) -> set[str]:
        """Sites that are printed under several headings, which tell their values apart."""
        headings: dict[str, set[str]] = {}
        for event in self.printed:
            heading = re.sub(r"[\d\W_]+", "", event.heading)
            if heading and BETWEEN not in event.label:
                headings.setdefault(event.site.key, set()).add(heading)
        return {key for key, told in headings.items() if len(told) > 1}

    def _crowded(self) -> set[str]:
        """Sites whose value stands beside another under no label of its own: ``f"{name} {a} {b}"``."""
        bare: dict[str, set[str]] = {}
        for event in self.printed:
            if not words(event.label.rpartition(BETWEEN)[2]) and is_number(event.value):
                bare.setdefault(event.site.call, set()).add(event.site.key)
        return {key for keys in bare.values() if len(keys) > 1 for key in keys}

    def _printed_name(self, event: Event, crowded: set[str]) -> str:
        site = event.site
        if (site.scope, site.expression) in self.looped or self._is_setting(event):
            return ""
        if (
            not site.scope
            and site.expression in self.found.values
            and self._same(site.expression, event.value)
        ):
            return ""
        label = canonical(event.label)
        call = self._call_at(event)
        plain = expression_name(site.expression)
        if plain in self.found.values and self._same(plain, event.value) and BETWEEN not in event.label:
            root = plain.partition(".")[0]
            telling = sounds_like_metric(label) and not sounds_like_metric(plain)
            if telling and site.expression != plain:
                return label
            if not (root in _GENERIC and self.found.details[plain].path and sounds_like_metric(label)):
                return ""
            # `scores.mean()` under the label "Accuracy": the label says more.
            del self.found.values[plain], self.found.details[plain]
        whole = type(to_number(event.value)) is int
        if label:
            told = canonical(event.label.rpartition(BETWEEN)[2]) or label
            if is_setting(told) or (sounds_like_size(told) and not sounds_like_metric(told) and call is None):
                return ""
            bound = self.assignments.get(site.expression) if not site.scope else None
            source = ast.unparse(bound.value) if bound is not None else site.expression
            looks = whole or self._explores(site.expression) or reads_clock(source)
            if looks and call is None and not sounds_like_metric(label) and BETWEEN not in event.label:
                return ""
            if site.key in crowded:
                own = self._call_name(call) if call is not None else plain
                label = canonical(f"{label}{BETWEEN}{own}")
            return label
        if (
            call is None
            and event.heading
            and not sounds_like_metric(plain)
            and sounds_like_metric(event.heading)
        ):
            return canonical(event.heading)
        if call is not None:
            return self._call_name(call)
        if not sounds_like_metric(plain) and self._explores(site.expression):
            return ""
        return "" if sounds_like_size(plain) or (whole and not sounds_like_metric(plain)) else plain

    def _is_setting(self, event: Event) -> bool:
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

    def _explores(self, expression: str, value: Any = None) -> bool:
        """Whether an expression only looks at data: ``df.corr()["y"]``, ``df.age.mean()``, ``df.head()``."""
        if not is_number(value) and value is not None and _EXPLAINING & set(words(expression)):
            return True
        root, surely = explored(expression)
        if surely:
            return True
        if not root:
            return False
        held: Any = self.seen.namespace.get(root)
        if module_of(type(held)).partition(".")[0] not in ("pandas", "polars") or len(held) <= _EXPLORED_ROWS:
            return False
        if type(value).__name__ == "DataFrame":
            numeric = [name for name in value.columns if type(name) is str and value[name].dtype.kind == "f"]
            return 2 * sum(map(sounds_like_metric, numeric)) < len(numeric) or not numeric
        return not sounds_like_metric(expression)

    def _is_trusted(self, expression: str) -> bool:
        return bool(_RESULTS & set(words(expression)))

    def _is_signed(self, value: Any) -> bool:
        """Whether an array holds residuals rather than scores: some are below zero."""
        return bool(value.dtype.kind == "f" and value.size and value.size <= 1_000 and value.min() < 0)

    def _same(self, name: str, value: Any) -> bool:
        kept = self.found.values[name]
        shown = to_number(value)
        return kept == shown or (kept != kept and shown != shown)  # noqa: PLR0124 — NaN is itself here

    def _show_series(self, name: str, events: list[Event]) -> None:
        event = events[-1]
        call = self._call_at(event)
        occurrences = sum(1 for other in self.printed if other.site.key == event.site.key)
        path: Path = () if event.occurrence == occurrences - 1 else (f"@{event.occurrence}",)
        if name in self.found.values:
            if self._same(name, event.value):
                self._mark([call] if call else [])
                return
            name = self._free(name, call, event)
        detail = self._detail(event, "printed", call)
        values = [to_float(other.value) for other in events]
        curve = None
        if len(events) > 1 and all(value is not None for value in values):
            steps = [
                step if (step := other.step) is not None else index for index, other in enumerate(events)
            ]
            curve = Curve(
                steps=steps,
                values=[value for value in values if value is not None],
                times=[0.0] * len(values),
                count=len(values),
            )
        self._tell(
            name,
            to_number(event.value),
            msgspec.structs.replace(
                detail,
                path=path,
                step=curve.steps[-1] if curve else None,
                points=curve.count if curve else 0,
            ),
        )
        if curve:
            self.found.curves[name] = curve
        for other in events:
            self._mark([found for found in [self._call_at(other)] if found is not None])

    def _show(self, event: Event) -> None:
        """A value that stands there for a reader: the cell's last expression, or a printed structure."""
        value, site = event.value, event.site
        call = self._call_at(event)
        name = canonical(event.label) or (self._call_name(call) if call else expression_name(site.expression))
        if is_number(value):
            self._show_number(event, name, call)
        elif _place(site) not in self.told and not (
            type(value) is dict and (sounds_like_holder(site.expression) or sounds_like_holder(name))
        ):
            self._show_members(event, name, call)
        self._mark([call] if call else [])

    def _show_number(self, event: Event, name: str, call: Event | None) -> None:
        value, site = event.value, event.site
        known = site.expression in self.found.values and self._same(site.expression, value)
        if known or not name or self._is_setting(event):
            return
        whole = type(to_number(value)) is int
        aside = sounds_like_size(name) or whole or is_setting(name) or self._explores(site.expression)
        if call is None and not sounds_like_metric(name) and aside:
            return
        if not (name in self.found.values and self._same(name, value)):
            self._tell(self._free(name, call, event), to_number(value), self._detail(event, site.kind, call))

    def _show_members(self, event: Event, name: str, call: Event | None) -> None:
        value, site = event.value, event.site
        if call is None and self._explores(site.expression, value):
            return
        scored = call is not None
        if call is None and not site.scope:
            call = next(iter(self._calls_for(site.expression, "")), None)
        if type(value).__name__ == "ndarray" and call is None:
            own = expression_name(site.expression)
            grid = value.ndim == 2 and ({"cm", "confusion", "conf"} & set(words(f"{own} {name}")))
            if not (grid or sounds_like_metric(own) or (name != own and sounds_like_metric(name))):
                return
        if type(value) in (list, tuple):
            numbers = [to_float(item) for item in value]
            told = set(self.found.values.values())
            if any(curve.values == numbers for curve in self.found.curves.values()):
                return
            if not (call or sounds_like_metric(name) or self._is_trusted(site.expression)):
                return
            if all(number in told for number in numbers):
                return
        listed = type(value).__name__ in ("ndarray", "list", "tuple")
        # `{"rmse": rmse, …}` as the last line has no name of its own: its keys stand for themselves.
        nameless = not event.label and not site.expression.replace(".", "").isidentifier()
        nameless = nameless and (type(value) is dict or type(value).__name__ == "Series") and call is None
        plain = not listed and (name in _PLAIN_HOLDERS or (type(value) is dict and scored) or nameless)
        holder = "" if plain else name
        trusted = self._is_trusted(f"{site.expression} {name}")
        for path, parts, number in members(value, shown=True, trusted=trusted):
            label = join(holder, parts) or (name if not path else "")
            if type(value).__name__ == "DataFrame":
                label = join("", parts)
            if not label or (label in self.found.values and self._same(label, number)):
                continue
            if label in self.found.values:
                label = join(name, parts)
            if label and label not in self.found.values:
                detail = msgspec.structs.replace(self._detail(event, site.kind, call), path=path)
                self._tell(label, number, detail)

    # -- called ---------------------------------------------------------------------------------

    def _find_called(self) -> None:
        by_name: dict[str, list[Event]] = {}
        # Of a call made several times the last one counts, as it does in a replay.
        parts: dict[str, tuple[str, Event, list[Member]]] = {}
        for event in self.calls:
            site = event.site
            report = report_of(event)
            if report is not None:
                parts[site.key] = ("report", event, members(report))
                continue
            if _place(site) in self.told or (site.scope, site.target) in self.looped | self.named:
                continue
            if (site.scope, site.within) in self.looped | self.named and site.within:
                continue
            if not site.scope and site.target and site.target in self.found.values:
                continue
            name = canonical(site.target) if site.target and site.scope else self._call_name(event)
            if is_number(event.value):
                by_name.setdefault(name, []).append(event)
            elif site.kind == "call":
                parts[site.key] = (name, event, members(event.value))
        for name, event, found in parts.values():
            self._tell_parts(name, event, found)
        for name, events in by_name.items():
            sites = {event.site.key: event for event in events}
            for event in sites.values():
                if event.site.scope and self._told_already(event):
                    continue
                own = [other for other in events if other.site.key == event.site.key]
                self._tell_called(self._free(name, event), own)

    def _told_already(self, event: Event) -> bool:
        """Whether a function gave back what was scored inside it, and that is told."""
        value = to_number(event.value)
        return value not in (0, 1) and not event.site.in_loop and value in self.found.values.values()

    def _tell_parts(self, name: str, event: Event, found: list[Member]) -> None:
        for path, parts, number in found:
            label = join("" if name == "report" else name, parts)
            if label in self.found.values and not self._same(label, number):
                label = join(name, parts)
            if label and label not in self.found.values:
                detail = msgspec.structs.replace(self._detail(event, "call", event), path=path)
                self._tell(label, number, detail)

    def _tell_called(self, name: str, events: list[Event]) -> None:
        event = events[-1]
        detail = self._detail(event, "call", event)
        if len(events) > 1:
            values = [to_float(other.value) for other in events]
            self.found.curves[name] = Curve(
                steps=list(range(len(values))),
                values=[float("nan") if value is None else value for value in values],
                times=[0.0] * len(values),
                count=len(values),
            )
            detail = msgspec.structs.replace(detail, step=len(values) - 1, points=len(values))
        self._tell(name, to_number(event.value), detail)

    # -- merging --------------------------------------------------------------------------------

    def _tell(self, name: str, value: MetricValue, detail: MetricDetail) -> None:
        self.found.values[name] = value
        self.found.details[name] = detail

    def _free(self, name: str, call: Event | None, event: Event | None = None) -> str:
        """`name`, or the name with what tells this fact from the one that has it already."""
        if name not in self.found.values:
            return name
        part = data_part(call.site.arguments) if call else ""
        if part and f"{name}_{part}" not in self.found.values:
            return f"{name}_{part}"
        if event is not None and event.heading:
            headed = canonical(f"{canonical(event.heading)[:_HEADING]}{BETWEEN}{name}")
            if headed not in self.found.values:
                return headed
        count = 2
        while f"{name}_{count}" in self.found.values:
            count += 1
        return f"{name}_{count}"

    def _mark(self, calls: Iterable[Event]) -> None:
        self.told.update(_place(call.site) for call in calls)

    def _detail(self, event: Event, origin: str, call: Event | None) -> MetricDetail:
        site = event.site
        return MetricDetail(
            origin=origin,
            expression=site.expression,
            order=site.order,
            span=Span(line=site.line, column=site.column, end_line=site.end_line, end_column=site.end_column),
            scope=site.scope,
            evaluation=self._evaluation_of([call] if call else []),
            higher_is_better=direction_of([call] if call else []),
        )

    def _call_name(self, call: Event) -> str:
        last = call.site.function.rpartition(".")[2]
        part = data_part(call.site.arguments)
        return f"{last}_{part}" if part and part != "test" and last == "score" else last

    def _call_at(self, event: Event) -> Event | None:
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

    def _calls_in(self, node: ast.expr) -> list[Event]:
        begin, end = (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)
        return [
            call
            for call in self.calls
            if call.site.order == self.seen.order
            and not call.site.scope
            and begin <= (call.site.line, call.site.column)
            and (call.site.end_line, call.site.end_column) <= end
        ]

    def _calls_for(self, name: str, scope: str) -> list[Event]:
        return [
            call
            for call in self.calls
            if name in (call.site.target, call.site.within)
            and call.site.scope == scope
            and (scope or call.site.order == self.seen.order)
        ][-1:]

    def _evaluation_of(self, calls: list[Event]) -> Evaluation | None:
        if not calls:
            return None
        call = calls[-1]
        name, code = identify(call.function, call.site.function)
        target_name, target = target_and_name(call)
        fingerprint, rows = "", None
        if target is not None:
            fingerprint = self.seen.fingerprint(target)
            rows = rows_of(target)
        return Evaluation(
            function=name,
            function_hash=self.seen.fingerprint(code) if code is not None else "",
            target=fingerprint,
            target_name=target_name,
            prediction_name=prediction_of(call),
            rows=rows,
            **(msgspec.structs.asdict(self.seen.kept(call)) if self.seen.kept is not None else {}),
        )


def _place(site: Site) -> tuple[int, int, int, int, int]:
    return (site.order, site.line, site.column, site.end_line, site.end_column)
