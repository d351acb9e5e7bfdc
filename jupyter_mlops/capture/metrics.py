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
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Curve, Evaluation, MetricDetail, MetricValue, Span

from .numbers import is_number, module_of, to_float, to_number
from .vocabulary import is_scoring_call, names_a_result, sounds_like_metric, sounds_like_size, words

if TYPE_CHECKING:
    from .sites import Event, LoopSeries, Site

_BETWEEN = "\x1f"
_LONGEST = 60
_MEMBERS = 200
#: Dicts with these names hold results, not a group of them: their keys stand for themselves.
_PLAIN_HOLDERS = frozenset(
    ["metrics", "results", "result", "scores", "score", "res", "evaluation", "report", "out", "performance"]
)
_TARGET_ARGUMENT = {"score": 1, "evaluate": 1, "cross_val_score": 2, "cross_validate": 2}

Fingerprint = Callable[[Any], str]
Path = tuple[str | int, ...]
Member = tuple[Path, tuple[str, ...], MetricValue]


class Found(msgspec.Struct):
    """The metrics of one cell: value, detail and (where it has one) curve by name."""

    values: dict[str, MetricValue] = msgspec.field(default_factory=dict)
    details: dict[str, MetricDetail] = msgspec.field(default_factory=dict)
    curves: dict[str, Curve] = msgspec.field(default_factory=dict)


class Observed(msgspec.Struct, frozen=True):
    """Everything `find_metrics` looks at. `bound` are names the cell's top level really bound."""

    tree: ast.Module
    code: str
    order: int
    namespace: Mapping[str, Any]
    bound: frozenset[str]
    events: list[Event]
    loops: list[LoopSeries]
    fingerprint: Fingerprint
    fitted: list[tuple[str, str, Path, MetricValue]] = []


def find_metrics(observed: Observed) -> Found:
    """Find the metrics of one executed cell."""
    return _Finder(observed).find()


class _Assignment(msgspec.Struct):
    """The last top-level assignment to a name."""

    target: ast.Name
    value: ast.expr
    in_loop: bool
    consumed: bool = False


class _Finder:
    def __init__(self, observed: Observed) -> None:
        self.seen = observed
        self.found = Found()
        self.assignments = _assignments(observed.tree)
        self.calls = [event for event in observed.events if event.site.kind == "call"]
        self.printed = [event for event in observed.events if event.site.kind == "printed"]
        self.displayed = [event for event in observed.events if event.site.kind == "displayed"]
        self.shown = {event.site.expression for event in (*self.printed, *self.displayed)}
        #: Places whose value is told already: (order, line, column, end_line, end_column).
        self.told: set[tuple[int, int, int, int, int]] = set()
        self.looped: set[tuple[str, str]] = set()
        #: Expressions printed together with the name of what was scored: several facts, no curve.
        self.named = {
            (event.site.scope, event.site.expression) for event in self.printed if _BETWEEN in event.label
        }

    def find(self) -> Found:
        """Look where a number is told best first, so that later tellings of it are recognised."""
        self._find_curves()
        self._find_bound()
        self._find_fitted()
        self._find_printed()
        self._find_displayed()
        self._find_called()
        return self.found

    # -- loops ----------------------------------------------------------------------------------

    def _find_curves(self) -> None:
        for loop in sorted(self.seen.loops, key=lambda loop: loop.appended):
            if (loop.scope, loop.expression) in self.named:
                continue
            self.looped.add((loop.scope, loop.expression))
            if not loop.values or (loop.count < 2 and not loop.appended):
                continue
            name = canonical(loop.name)
            if not name or any(
                curve.values[-1:] == loop.values[-1:] and len(curve.values) == len(loop.values)
                for other, curve in self.found.curves.items()
                if loop.appended and (other == name or singular(name) == singular(other))
            ):
                continue
            if name in self.found.values:
                name = (
                    canonical(f"{loop.scope.rpartition('.')[2]} {name}") if loop.scope else f"{name}_history"
                )
                if name in self.found.values:
                    continue
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
            calls = self._calls_in(assignment.value)
            if is_number(value):
                if name in self.found.values or not self._is_result(name, value, assignment, calls):
                    continue
                number = to_number(value)
                self._tell(
                    name,
                    number,
                    MetricDetail(
                        origin="bound",
                        expression=name,
                        order=self.seen.order,
                        span=span_of(assignment.target),
                        evaluation=self._evaluation_of(calls),
                        higher_is_better=_direction(calls),
                    ),
                )
                self._mark(calls)
            elif calls or name in self.shown or sounds_like_metric(name) or name in _PLAIN_HOLDERS:
                self._find_members(name, value, assignment, calls)

    def _is_result(self, name: str, value: Any, assignment: _Assignment, calls: list[Event]) -> bool:
        if calls:
            return True
        if _is_constant(assignment.value):
            # Typed in by hand: a setting, unless its name can only be that of a result.
            literal = isinstance(assignment.value, (ast.Constant, ast.UnaryOp))
            started = to_number(value) in (0, -1) or abs(to_number(value)) == float("inf")
            return names_a_result(name) and type(value) is float and not (literal and started)
        if sounds_like_metric(name):
            return True
        if sounds_like_size(name):
            return False
        if name in self.shown:
            labels = [event.label for event in self.printed if event.site.expression == name]
            return type(to_number(value)) is float and not any(sounds_like_size(label) for label in labels)
        return (
            type(to_number(value)) is float
            and not assignment.consumed
            and not _measures_time(assignment.value)
        )

    def _find_members(self, name: str, value: Any, assignment: _Assignment, calls: list[Event]) -> None:
        if _is_constant(assignment.value) or "param" in name.lower() or "config" in name.lower():
            return
        evaluation = self._evaluation_of(calls)
        told = False
        for path, parts, number in members(value):
            label = _join("" if name in _PLAIN_HOLDERS else name, parts)
            if label in self.found.values:
                label = _join(name, parts)
            if label in self.found.values or not label:
                continue
            told = True
            self._tell(
                label,
                number,
                MetricDetail(
                    origin="bound",
                    expression=name,
                    order=self.seen.order,
                    span=span_of(assignment.target),
                    path=path,
                    evaluation=evaluation,
                    higher_is_better=_direction(calls),
                ),
            )
        if told:
            self._mark(calls)

    def _find_fitted(self) -> None:
        for name, expression, path, value in self.seen.fitted:
            label = canonical(name)
            if label and label not in self.found.values:
                self._tell(
                    label,
                    value,
                    MetricDetail(origin="fitted", expression=expression, order=self.seen.order, path=path),
                )

    # -- shown ----------------------------------------------------------------------------------

    def _find_printed(self) -> None:
        by_name: dict[str, list[Event]] = {}
        for event in self.printed:
            if not is_number(event.value):
                self._show(event)
                continue
            name = self._printed_name(event)
            if name:
                by_name.setdefault(name, []).append(event)
        for name, events in by_name.items():
            self._show_series(name, events)

    def _printed_name(self, event: Event) -> str:
        site = event.site
        if (site.scope, site.expression) in self.looped:
            return ""
        if (
            not site.scope
            and site.expression in self.found.values
            and self._same(site.expression, event.value)
        ):
            return ""
        label = canonical(event.label)
        call = self._call_at(event)
        plain = canonical(site.expression)
        if plain in self.found.values and self._same(plain, event.value) and _BETWEEN not in event.label:
            return ""
        whole = type(to_number(event.value)) is int
        if label:
            if sounds_like_size(label) and not sounds_like_metric(label) and call is None:
                return ""
            if whole and call is None and not sounds_like_metric(label) and _BETWEEN not in event.label:
                return ""
            return label
        if call is not None:
            return self._call_name(call)
        return "" if sounds_like_size(plain) or (whole and not sounds_like_metric(plain)) else plain

    def _same(self, name: str, value: Any) -> bool:
        kept = self.found.values[name]
        shown = to_number(value)
        return kept == shown or (kept != kept and shown != shown)  # noqa: PLR0124 — NaN is itself here

    def _show_series(self, name: str, events: list[Event]) -> None:
        event = events[-1]
        same_site = [other for other in events if other.site.key == event.site.key]
        call = self._call_at(event)
        occurrences = sum(1 for other in self.printed if other.site.key == event.site.key)
        path: Path = () if event.occurrence == occurrences - 1 else (f"@{event.occurrence}",)
        if name in self.found.values:
            if self._same(name, event.value):
                return
            name = f"{name}_printed"
        detail = self._detail(event, "printed", call)
        values = [to_float(other.value) for other in same_site]
        curve = None
        if len(same_site) > 1 and event.site.in_loop and all(value is not None for value in values):
            steps = [
                step if (step := other.step) is not None else index for index, other in enumerate(same_site)
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
        for other in same_site:
            self._mark([found for found in [self._call_at(other)] if found is not None])

    def _find_displayed(self) -> None:
        for event in self.displayed:
            self._show(event)

    def _show(self, event: Event) -> None:
        """A value that stands there for a reader: the cell's last expression, or a printed structure."""
        value, site = event.value, event.site
        call = self._call_at(event)
        name = canonical(event.label) or (self._call_name(call) if call else canonical(site.expression))
        if is_number(value):
            known = site.expression in self.found.values and self._same(site.expression, value)
            if known or not name:
                return
            whole = type(to_number(value)) is int
            if call is None and (sounds_like_size(name) or (whole and not sounds_like_metric(name))):
                return
            if not (name in self.found.values and self._same(name, value)):
                self._tell(self._free(name, call), to_number(value), self._detail(event, site.kind, call))
        else:
            if _place(site) in self.told or "param" in site.expression.lower():
                return
            holder = "" if name in _PLAIN_HOLDERS or call is not None else name
            for path, parts, number in members(value):
                label = _join(holder, parts) or (name if not path else "")
                if label and label not in self.found.values:
                    detail = msgspec.structs.replace(self._detail(event, site.kind, call), path=path)
                    self._tell(label, number, detail)
        self._mark([call] if call else [])

    def _find_called(self) -> None:
        by_name: dict[str, list[Event]] = {}
        for event in self.calls:
            site = event.site
            if _place(site) in self.told or (site.scope, site.target) in self.looped | self.named:
                continue
            if not site.scope and site.target and site.target in self.found.values:
                continue
            name = canonical(site.target) if site.target and site.scope else self._call_name(event)
            if is_number(event.value):
                by_name.setdefault(name, []).append(event)
            else:
                for path, parts, number in members(event.value):
                    label = _join(name, parts)
                    if label and label not in self.found.values:
                        self._tell(
                            label,
                            number,
                            msgspec.structs.replace(self._detail(event, "call", event), path=path),
                        )
        for name, events in by_name.items():
            sites = {event.site.key: event for event in events}
            for event in sites.values():
                own = [other for other in events if other.site.key == event.site.key]
                self._tell_called(self._free(name, event), own)

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

    def _free(self, name: str, call: Event | None) -> str:
        """`name`, or the name with what tells this call from the one that has it already."""
        if name not in self.found.values:
            return name
        part = _data_part(call.site.arguments) if call else ""
        if part and f"{name}_{part}" not in self.found.values:
            return f"{name}_{part}"
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
            higher_is_better=_direction([call] if call else []),
        )

    def _call_name(self, call: Event) -> str:
        last = call.site.function.rpartition(".")[2]
        part = _data_part(call.site.arguments)
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
        return [call for call in self.calls if call.site.target == name and call.site.scope == scope][-1:]

    def _evaluation_of(self, calls: list[Event]) -> Evaluation | None:
        if not calls:
            return None
        call = calls[-1]
        name, code = _identify(call.function, call.site.function)
        target_name, target = _target(call)
        fingerprint, rows = "", None
        if target is not None:
            fingerprint = self.seen.fingerprint(target)
            rows = _rows(target)
        return Evaluation(
            function=name,
            function_hash=self.seen.fingerprint(code) if code is not None else "",
            target=fingerprint,
            target_name=target_name,
            prediction_name=prediction_of(call),
            rows=rows,
        )


# -- names of metrics ------------------------------------------------------------------------------

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_CUT = re.compile(r"[\n|,;\t]|\s{3,}|={3,}|-{3,}")
_NOT_WORD = re.compile(r"[^\w.@²]+")


def canonical(label: str) -> str:
    """The metric's name behind a printed label or an expression: ``"Test RMSE: "`` gives ``test_rmse``.

    Only the last clause before the number counts. Words in capitals and identifiers keep their case.
    """
    context, _, text = label.rpartition(_BETWEEN)
    pieces = [piece for piece in _CUT.split(_ANSI.sub("", text)) if words(piece)]
    text = pieces[-1] if pieces else ""
    parts = [part for part in _NOT_WORD.split(f"{context} {text}".replace("²", "2")) if part.strip("._")]
    while parts and parts[-1].lower() in ("is", "of", "the", "on", "at", "approximately", "about"):
        parts.pop()
    while parts and parts[0].lower() in ("the", "and", "with", "my", "our"):
        parts.pop(0)
    cased = [
        part.lower() if part.istitle() or (len(parts) > 1 and not part.isupper()) else part for part in parts
    ]
    return "_".join(part.strip("._") for part in cased)[:_LONGEST]


def singular(name: str) -> str:
    """``losses`` and ``loss`` are one; so are ``val_accs`` and ``val_acc``."""
    for ending, instead in (("_history", ""), ("_list", ""), ("sses", "ss"), ("ies", "y")):
        if name.endswith(ending):
            return name.removesuffix(ending) + instead
    return name.removesuffix("s") if not name.endswith("ss") else name


def _join(holder: str, parts: tuple[str, ...]) -> str:
    return canonical(".".join(part.replace(" ", "_") for part in (holder, *parts) if part))


def _data_part(arguments: tuple[str, ...]) -> str:
    for argument in reversed(arguments):
        for word in words(argument.rpartition("=")[2]):
            if word in ("train", "test", "valid", "validation", "val", "dev", "holdout", "oof"):
                return word
    return ""


# -- numbers inside values -------------------------------------------------------------------------


def members(value: Any, *, depth: int = 2) -> list[Member]:
    """The numbers inside a structure of results: the path to each, the words that name it, itself.

    Dicts (nested ones too), Series, tables of at most 30 rows whose columns sound like metrics, and
    arrays of scores, which give their mean and standard deviation (paths ``("mean",)``,
    ``("std",)``). Of a table, the path is column and row position. Anything else, or anything
    large, gives nothing.
    """
    kind = type(value)
    if is_number(value):
        return [((), (), to_number(value))]
    if kind is dict:
        return _dict_members(value, depth)
    module = module_of(kind).partition(".")[0]
    if module == "numpy" and kind.__name__ == "ndarray" and value.ndim == 1 and 1 < value.size <= 100:
        if value.dtype.kind != "f":
            return []
        return [(("mean",), ("mean",), float(value.mean())), (("std",), ("std",), float(value.std()))]
    if module == "pandas" and kind.__name__ == "Series":
        return _series_members(value)
    if module == "pandas" and kind.__name__ == "DataFrame":
        return _frame_members(value)
    return []


def _dict_members(value: dict[Any, Any], depth: int) -> list[Member]:
    found: list[Member] = []
    if len(value) > _MEMBERS:
        return found
    for key, item in value.items():
        if type(key) not in (str, int):
            continue
        if is_number(item):
            if key != "support" and (sounds_like_metric(str(key)) or not sounds_like_size(str(key))):
                found.append(((key,), (str(key),), to_number(item)))
        elif depth and type(item).__name__ in ("dict", "ndarray"):
            inner = members(item, depth=depth - 1)
            found += [((key, *path), (str(key), *parts), number) for path, parts, number in inner]
    return found


def _series_members(value: Any) -> list[Member]:
    if len(value) > 50 or value.dtype.kind != "f":
        return []
    labels = value.index.tolist()
    if any(type(label) is not str for label in labels) or len(set(labels)) != len(labels):
        return []
    return [((label,), (label,), float(number)) for label, number in zip(labels, value.tolist(), strict=True)]


def _frame_members(value: Any) -> list[Member]:
    rows, columns = value.shape
    if columns > 50 or not 0 < rows <= 30:
        return []
    names = [name for name in value.columns if type(name) is str]
    if len(set(names)) != columns:
        return []
    numeric = [name for name in names if value[name].dtype.kind == "f"]
    if rows == 1:
        return [((name, 0), (name,), float(value[name].iloc[0])) for name in numeric]
    labels = value.index.tolist()
    texts = [name for name in names if value[name].dtype.kind == "O"]
    if texts and all(type(label) is int for label in labels):
        labels = value[texts[0]].tolist()
    return [
        ((name, position), (str(label)[:40], name), float(number))
        for name in numeric
        if sounds_like_metric(name)
        for position, (label, number) in enumerate(zip(labels, value[name].tolist(), strict=True))
    ]


# -- reading the cell ------------------------------------------------------------------------------


def span_of(node: ast.expr) -> Span:
    """Where `node` stands, as `ast` counts."""
    return Span(
        line=node.lineno,
        column=node.col_offset,
        end_line=node.end_lineno or node.lineno,
        end_column=node.end_col_offset or node.col_offset,
    )


def _assignments(tree: ast.Module) -> dict[str, _Assignment]:
    found: dict[str, _Assignment] = {}

    def walk(statements: Iterable[ast.stmt], in_loop: bool) -> None:
        for statement in statements:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                for node in ast.walk(statement):
                    _consume(node, found)
                continue
            for node in _expressions(statement):
                _consume(node, found)
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    _bind(target, statement.value, in_loop, found)
            elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)) and statement.value is not None:
                _bind(statement.target, statement.value, in_loop, found)
            for field in ("body", "orelse", "finalbody"):
                walk(getattr(statement, field, ()), in_loop or isinstance(statement, (ast.For, ast.While)))
            for handler in getattr(statement, "handlers", ()):
                walk(handler.body, in_loop)

    walk(tree.body, False)
    return found


def _expressions(statement: ast.stmt) -> Iterable[ast.AST]:
    """Nodes of the statement's own expressions; calls that only show something consume nothing."""
    stack: list[ast.AST] = [
        node
        for node in ast.iter_child_nodes(statement)
        if not isinstance(node, (ast.stmt, ast.ExceptHandler))
    ]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name):
        return
    while stack:
        node = stack.pop()
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("print", "display")
        ):
            continue
        yield node
        stack.extend(ast.iter_child_nodes(node))


def _consume(node: ast.AST, found: dict[str, _Assignment]) -> None:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in found:
        found[node.id].consumed = True


def _bind(target: ast.expr, value: ast.expr, in_loop: bool, found: dict[str, _Assignment]) -> None:
    if isinstance(target, ast.Name):
        found[target.id] = _Assignment(target=target, value=value, in_loop=in_loop)
    elif isinstance(target, (ast.Tuple, ast.List)):
        values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value] * len(target.elts)
        for element, part in zip(target.elts, values, strict=False):
            _bind(element, part, in_loop, found)


def _is_constant(node: ast.expr) -> bool:
    """Whether nothing was computed: no name is read and nothing is called."""
    return not any(isinstance(part, (ast.Name, ast.Call, ast.Attribute)) for part in ast.walk(node))


def _measures_time(node: ast.expr) -> bool:
    return any(
        isinstance(part, (ast.Attribute, ast.Name))
        and (part.attr if isinstance(part, ast.Attribute) else part.id)
        in ("time", "perf_counter", "monotonic", "process_time", "len", "now", "item_size", "nbytes")
        for part in ast.walk(node)
    )


def _place(site: Site) -> tuple[int, int, int, int, int]:
    return (site.order, site.line, site.column, site.end_line, site.end_column)


# -- what it was scored on -------------------------------------------------------------------------


def _direction(calls: list[Event]) -> bool | None:
    if not calls:
        return None
    last = calls[-1].site.function.rpartition(".")[2]
    if last.endswith(("_error", "_loss", "_deviance")) or last in ("log_loss", "mse", "rmse", "mae", "mape"):
        return False
    if last.endswith(("_score", "accuracy", "_auc")) and last != "davies_bouldin_score":
        return True if last != "cross_val_score" else None
    return None


def _identify(function: Any, written: str) -> tuple[str, Any]:
    """A metric function's qualified name, and the function itself if it is the notebook's own."""
    if isinstance(function, MethodType):
        function = function.__func__
    kind = type(function)
    if kind is FunctionType:
        own = function.__module__ == "__main__"
        return f"{function.__module__}.{function.__qualname__}", function if own else None
    if kind is BuiltinFunctionType:
        return f"{function.__module__}.{function.__qualname__}", None
    return written, None


def _target(call: Event) -> tuple[str, Any]:
    """The name and value of what a scoring call compared with: ``y_true``."""
    last = call.site.function.rpartition(".")[2]
    plain = [argument for argument in call.site.arguments if "=" not in argument]
    for argument, value in call.values.items():
        key, equals, name = argument.partition("=")
        if equals and key in ("y_true", "y", "labels_true"):
            return name, value
    named = [
        argument
        for argument in plain
        if {"true", "target", "label", "labels", "y", "test"} & set(words(argument))
    ]
    position = _TARGET_ARGUMENT.get(
        last, 0 if is_scoring_call(last) and call.site.function != "score" else None
    )
    if position is not None and position < len(plain) and plain[position] in call.values:
        return plain[position], call.values[plain[position]]
    for argument in named:
        if argument in call.values:
            return argument, call.values[argument]
    return "", None


def target_of(call: Event) -> str:
    """The variable of what a scoring call compared with, or ``""``."""
    return _target(call)[0]


def prediction_of(call: Event) -> str:
    """The variable of the predictions a scoring call was given, or ``""``."""
    for argument in call.site.arguments:
        key, equals, name = argument.partition("=")
        if equals and key in ("y_pred", "y_score", "y_prob", "y_proba", "labels_pred"):
            return name
    last = call.site.function.rpartition(".")[2]
    plain = [argument for argument in call.site.arguments if "=" not in argument]
    if last in _TARGET_ARGUMENT or len(plain) < 2:
        return ""
    return next((name for name in plain[:2] if name and name != target_of(call)), "")


def _rows(value: Any) -> int | None:
    module = module_of(type(value)).partition(".")[0]
    if type(value) is list or type(value) is tuple or module in ("numpy", "pandas"):
        try:
            return len(value)
        except TypeError:
            return None
    return None
