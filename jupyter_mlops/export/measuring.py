"""Makes the script keep a run's metrics where they came to be (`sites`).

One mechanism: ``metrics["accuracy"] = …`` where the number is made. An expression that stands inside
another is wrapped in ``metrics.keep("accuracy", …)``, which gives back the value. One whose every value
counts (a score a loop computes for one model after the other) is noted by ``metrics.note("score", …)``,
and after the statement ``metrics.tell("score", ["forest", "logit"])`` says what the values are.
"""

from __future__ import annotations

import ast
import copy
import math
import re
from typing import TYPE_CHECKING, cast

from . import tables
from .references import BUILTINS, last_name, path_of, root_of
from .sites import dumped, dumped_node

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from jupyter_mlops.records import MetricDetail

    from .plan import Cell, Site, Words
    from .source import Source

_OCCURRENCE = re.compile(r"@(\d+)")
_PRINTERS = frozenset({"print", "display"})
_LOGGING = "jupyter_mlops."
#: A call that is longer than this would be broken into a line for each of its parts.
_LINE = 114
#: So many names are told in one call, however long it becomes.
_FEW = 3
_Loop = ast.For | ast.AsyncFor | ast.While


class Recorder:
    """Edits the cells so that running them fills ``metrics``.

    Args:
        words: The names the script uses for itself.
        quiet: Whether an expression does nothing but give a value.
        details: What is known of each metric, for the expressions of curves and fits.
        needed: Names that something reads; a name that only held a metric is given up. None: all are.
        texts: Texts in the code, among them what rows of tables are called.
        pick: What the script calls the runner's `pick`.
    """

    def __init__(
        self,
        words: Words,
        quiet: Callable[[ast.expr], bool],
        details: Mapping[str, MetricDetail],
        needed: Collection[str] | None = None,
        texts: Sequence[str] = (),
        pick: str = "pick",
    ) -> None:
        self.texts = texts
        self.pick = pick
        self.words = words
        self.quiet = quiet
        self.details = details
        self.needed = needed
        self.keys: set[str] = set()
        self.at_end: list[str] = []
        self.at_start: list[str] = []

    def record(self, sites: Sequence[Site]) -> None:
        """Make all edits; `at_start` and `at_end` then hold lines for around the run's own cell."""
        groups: dict[tuple[int, int], list[Site]] = {}
        for site in sites:
            statement = site.cell.source.statement_of(site.node)
            groups.setdefault((site.cell.order, id(statement)), []).append(site)
        for members in groups.values():
            self._record_statement(members)

    def _record_statement(self, sites: list[Site]) -> None:
        source = sites[0].cell.source
        statement = source.statement_of(sites[0].node)
        assert statement is not None  # noqa: S101 - every node of a cell stands in a statement
        by_node: dict[int, list[Site]] = {}
        after = [site for site in sites if site.origin in ("curve", "fitted")]
        sites = [site for site in sites if site not in after]
        shows = isinstance(statement, ast.Expr) and self.needed is not None and self.quiet(statement.value)
        if shows and not sites and all(site.origin == "fitted" for site in after):
            # A summary that only shows what is recorded in its place.
            lines = [self._kept(site, self.details[site.metric].expression) for site in after]
            source.replace(statement, ("\n" + source.indent(statement)).join(lines))
            return
        for site in after:
            self._record_node(statement, [site])
        if not sites:
            return
        for site in sites:
            by_node.setdefault(id(site.node), []).append(site)
        if isinstance(statement, ast.Expr) and self.replaceable(statement, sites):
            nodes = {id(member.node) for member in sites}
            lines = []
            for members in sorted(by_node.values(), key=lambda found: -_depth(source, found[0].node)):
                if any(id(parent) in nodes for parent in source.ancestors(members[0].node)):
                    # Said once, inside the expression around it.
                    self._record_node(statement, members)
            for members in by_node.values():
                if not any(id(parent) in nodes for parent in source.ancestors(members[0].node)):
                    lines.extend(self._direct(members))
            indent = source.indent(statement)
            source.replace(statement, ("\n" + indent).join(lines))
            return
        # What stands inside another comes first: the outer one is quoted with it.
        for members in sorted(by_node.values(), key=lambda found: -_depth(source, found[0].node)):
            self._record_node(statement, members)

    def _record_node(self, statement: ast.stmt, sites: list[Site]) -> None:
        site = sites[0]
        source = site.cell.source
        node = site.node
        if site.origin in ("curve", "fitted"):
            for member in sites:
                expression = self.details[member.metric].expression
                if member.origin == "curve" and not member.path:
                    expression = _last_of(statement, expression)
                source.add_after(statement, [self._kept(member, expression)])
            return
        target = _bound_name(statement, node)
        if target and _measured(site) != source.text(node):
            self._record_report(statement, sites, target)
            return
        if self._only_a_metric(statement, sites, target):
            source.replace(statement.targets[0], f"{self.words.metrics}[{site.metric!r}]")  # type: ignore[attr-defined]
            return
        if target:
            lines = self._remembered(sites, target, source)
            last = all(member.occurrence is None for member in sites)
            top = source.top_statement(statement)
            at_top = not site.scope and top is not None and not isinstance(top, ast.ClassDef)
            if last and at_top and top is not None and site.origin == "bound":
                statement = _last_filled(site, top, target) if site.path else top
            source.add_after(statement, lines)
            return
        if isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
            if len(sites) == 1 and not site.path and site.occurrence is None:
                source.replace(node, f"{self.words.metrics}.keep({site.metric!r}, {_measured(site)})")
                return
            key = self._key(sites)
            source.replace(node, f"{self.words.metrics}.note({key!r}, {_measured(site)})")
            self._read_out(sites, key)
            return
        name = ast.unparse(node) if isinstance(node, ast.expr) else self.details[site.metric].expression
        source.add_after(statement, self._remembered(sites, name, source))

    def _record_report(self, statement: ast.stmt, sites: list[Site], target: str) -> None:
        """Record a report that `statement` binds as text: its numbers are asked for beside it."""
        site = sites[0]
        source = site.cell.source
        lines = self._remembered(sites, _measured(site), source)
        if self._holds_for_nobody(statement, site, target):
            source.replace(statement, ("\n" + source.indent(statement)).join(lines))
        else:
            source.add_after(statement, lines)

    def _holds_for_nobody(self, statement: ast.stmt, site: Site, target: str) -> bool:
        """Whether a statement of the cell's top only binds one name, and nobody reads that."""
        return (
            self.needed is not None
            and target not in self.needed
            and isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
            and site.cell.source.top_statement(statement) is statement
        )

    def _only_a_metric(self, statement: ast.stmt, sites: Sequence[Site], target: str) -> bool:
        """Whether a statement of the cell's top binds nothing but one metric, to a name that nobody reads."""
        site = sites[0]
        return (
            bool(target)  # else the number is only a part of what is bound
            and len(sites) == 1
            and not site.path
            and site.occurrence is None
            and self._holds_for_nobody(statement, site, target)
        )

    def replaceable(self, statement: ast.Expr, sites: Sequence[Site]) -> bool:
        """Whether a statement only shows values, so that recording them can stand in its place."""
        value = statement.value
        wanted = {id(site.node) for site in sites}
        if isinstance(value, ast.Call) and _called(value) in _PRINTERS:
            if id(value) in wanted:
                return False
            if any(keyword.arg not in ("end", "sep", "flush", "file") for keyword in value.keywords):
                return False
        for site in sites:
            for parent in site.cell.source.ancestors(site.node):
                if isinstance(parent, ast.Lambda | ast.IfExp | ast.BoolOp | ast.comprehension):
                    return False
                if isinstance(parent, ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp):
                    return False
                if parent is value:
                    break
        return self.quiet(_blanked(value, wanted))

    def _direct(self, sites: list[Site]) -> list[str]:
        """Statements that record one expression in place of showing it."""
        site = sites[0]
        text = _measured(site)
        if any(member.occurrence is not None for member in sites):
            key = self._key(sites)
            self._read_out(sites, key)
            return [f"{self.words.metrics}.note({key!r}, {text})"]
        if len(sites) == 1 and not sites[0].path:
            return [f"{self.words.metrics}[{site.metric!r}] = {text}"]
        if len(sites) == 1 and isinstance(site.node, ast.Name):
            return [self._kept(site, text)]
        lines = self._all_kept(sites, text)
        if len(lines) == 1:
            return lines
        return [f"{self.words.result} = {text}", *self._all_kept(sites, self.words.result)]

    def _remembered(self, sites: list[Site], name: str, source: Source) -> list[str]:
        """Statements that record the value a name has just been given."""
        if any(member.occurrence is not None for member in sites):
            key = self._key(sites)
            self._read_out(sites, key)
            return [f"{self.words.metrics}.note({key!r}, {name})"]
        return self._all_kept(sites, name)

    def _all_kept(self, sites: list[Site], base: str) -> list[str]:
        """Statements that record numbers inside one value, those of a whole table or list in one of them."""
        lines: list[str] = []
        name = _report_name(sites)
        if name is not None:
            return [f"{self.words.metrics}.take_report({name!r}, {base})"]
        by_depth: dict[int, list[Site]] = {}
        for site in sites:
            by_depth.setdefault(len(site.path), []).append(site)
        for members in by_depth.values():
            taken = _as_product(members) if len(members) > 2 else None
            table = tables.as_table(members, self.texts) if taken is None and len(members) > 1 else None
            if taken is not None:
                name, levels = taken
                keys = ", ".join(_keys(level) for level in levels)
                lines.append(f"{self.words.metrics}.take({name!r}, {base}, {keys})")
            elif table is not None:
                lines.append(f"{self.words.metrics}.take_rows({table.arguments(base)})")
            else:
                lines.extend(self._kept(member, base) for member in members)
        return lines

    def _kept(self, site: Site, base: str) -> str:
        return f"{self.words.metrics}[{site.metric!r}] = {self._followed(site, base)}"

    def _followed(self, site: Site, base: str) -> str:
        if not site.path:
            return base
        if site.path == (-1,):
            return f"{base}[-1]"
        if site.path in (("mean",), ("std",)) and not _mentions(site.cell.source, site.path[0]):
            return f"{base}.{site.path[0]}()"
        if all(isinstance(key, str) and _mentions(site.cell.source, key) for key in site.path):
            return base + "".join(f"[{key!r}]" for key in site.path)
        return f"{self.pick}({base}, {', '.join(repr(key) for key in site.path)})"

    def _read_out(self, sites: list[Site], key: str) -> None:
        noted = f"{self.words.metrics}.noted[{key!r}]"
        places = {site.metric: -1 if site.occurrence is None else site.occurrence for site in sites}
        *first, final = places
        if list(places.values())[:-1] != list(range(len(first))) or places[final] not in (-1, len(first)):
            told = repr(places)
        elif places[final] == -1:
            told = f"{first!r}, last={final!r}"
        else:
            told = repr(list(places))
        told = f"{self.words.metrics}.tell({key!r}, {told})"
        # In lines of its own it still is shorter than one for each.
        if (
            len(sites) > 1
            and (len(told) <= _LINE or len(sites) > _FEW)
            and not any(site.path for site in sites)
        ):
            lines = [told]
        else:
            lines = [self._kept(site, f"{noted}[{places[site.metric]}]") for site in sites]
        site = sites[0]
        top = site.cell.source.top_statement(site.node)
        if (
            site.scope
            or isinstance(top, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            or top is None
        ):
            self.at_end.extend(lines)
            if any(site.occurrence is not None for site in sites):
                self.at_start.append(f"{self.words.metrics}.noted.pop({key!r}, None)")
        else:
            site.cell.source.add_after(top, lines)

    def _key(self, sites: Sequence[Site]) -> str:
        node = sites[0].node
        calls = [_called(part) for part in ast.walk(node) if isinstance(part, ast.Call)]
        text = ast.unparse(node)[:40] if isinstance(node, ast.expr) else sites[0].metric
        telling = (name for name in calls if name and name not in BUILTINS)
        key = sites[0].metric if len(sites) == 1 else next(telling, text)
        number = 2
        base = key
        while key in self.keys:
            key = f"{base} ({number})"
            number += 1
        self.keys.add(key)
        return key

    # ---- explicit logging

    def translate_logging(self, cell: Cell, modules: Mapping[str, str]) -> None:
        """Turn the notebook's calls of jupyter_mlops into local recording, or into nothing."""
        source = cell.source
        for node in list(ast.walk(source.tree)):
            if not isinstance(node, ast.Call):
                continue
            function = logging_function(node, modules)
            if not function:
                continue
            statement = source.statement_of(node)
            alone = isinstance(statement, ast.Expr) and statement.value is node
            text = self._logged(function, node, source, alone=alone)
            if alone and statement is not None:
                source.replace(statement, text or "pass")
            elif function == "start_run":
                source.replace(node, "contextlib.nullcontext()")
            else:
                source.replace(node, text or "None")

    def _logged(self, function: str, call: ast.Call, source: Source, *, alone: bool) -> str:
        given = dict(zip(("key", "value"), call.args, strict=False))
        given.update(
            {
                keyword.arg: keyword.value
                for keyword in call.keywords
                if keyword.arg in ("key", "value", "metrics")
            }
        )
        if function == "log_metric" and "key" in given and "value" in given:
            key, value = source.text(given["key"]), source.text(given["value"])
            metrics = self.words.metrics
            return f"{metrics}[{key}] = {value}" if alone else f"{metrics}.__setitem__({key}, {value})"
        if function == "log_metrics":
            mapping = call.args[0] if call.args else given.get("metrics")
            return f"{self.words.metrics}.update({source.text(mapping)})" if mapping is not None else ""
        return ""


def _report_name(sites: Sequence[Site]) -> str | None:
    """The common name of metrics that are all scores of one classification report; else None."""
    node = sites[0].node
    if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("classification_report"):
        return None
    scores = [site for site in sites if len(site.path) == 2]
    others = [site for site in sites if site not in scores]
    found = _as_product(scores) if len(scores) > 2 else None
    if found is None or {*found[1][1]} != {"precision", "recall", "f1-score"}:
        return None
    prefix = f"{found[0]}." if found[0] else ""
    plain = all(len(site.path) == 1 and site.metric == f"{prefix}{site.path[0]}" for site in others)
    return found[0] if plain else None


def _as_product(sites: Sequence[Site]) -> tuple[str, list[list[str | int | float]]] | None:
    """The common name of metrics that are every combination of some keys, and those keys; else None."""
    levels: list[list[str | int | float]] = [
        list(dict.fromkeys(keys)) for keys in zip(*(site.path for site in sites), strict=True)
    ]
    if math.prod(map(len, levels)) != len({site.path for site in sites}) or len(
        {site.path for site in sites}
    ) != len(sites):
        return None
    names = set()
    for site in sites:
        ending = ".".join(re.sub(r"\W+", "_", str(key)).strip("_") for key in site.path)
        if site.metric != ending and not site.metric.endswith(f".{ending}"):
            return None
        names.add(site.metric[: -len(ending)].removesuffix("."))
    return (names.pop(), levels) if len(names) == 1 else None


def _keys(level: Sequence[str | float]) -> str:
    many = (
        len(level) > 2 and all(type(key) is int for key in level) and list(level) == list(range(len(level)))
    )
    return f"range({len(level)})" if many else repr(list(level))


def logging_function(call: ast.Call, modules: Mapping[str, str]) -> str:
    """``log_metric`` for a call of ``mlops.log_metric``, whatever it was imported as, else ``""``."""
    path = path_of(call.func, modules)
    return path.rpartition(".")[2] if path.startswith(_LOGGING) else ""


def _mentions(source: Source, key: str | float) -> bool:
    """Whether the cell writes `key` as a text, as it would for a dict of its own."""
    return any(isinstance(node, ast.Constant) and node.value == key for node in ast.walk(source.tree))


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _measured(site: Site) -> str:
    """The expression whose value holds the metric: a report that is text is asked for its numbers."""
    text = site.cell.source.text(site.node)
    node = site.node
    if (
        site.path
        and isinstance(node, ast.Call)
        and not any(key.arg == "output_dict" for key in node.keywords)
    ):
        last = last_name(node.func)
        if last == "classification_report":
            return f"{text[:-1].rstrip().rstrip(',')}, output_dict=True)"
    return text


def _bound_name(statement: ast.stmt, node: ast.AST) -> str:
    """The plain name that holds the value of `node` once `statement` has run, else ``""``."""
    if isinstance(statement, ast.Assign):
        if statement.value is node and isinstance(statement.targets[0], ast.Name):
            return statement.targets[0].id
        targets: Iterable[ast.AST] = [found for target in statement.targets for found in ast.walk(target)]
        if any(found is node for found in targets):
            return ast.unparse(node)
    elif (
        isinstance(statement, ast.AnnAssign | ast.AugAssign)
        and isinstance(statement.target, ast.Name)
        and (node is statement.target or (isinstance(statement, ast.AnnAssign) and node is statement.value))
    ):
        return statement.target.id
    return ""


def _blanked(node: ast.expr, wanted: Collection[int]) -> ast.expr:
    """A copy of an expression with a constant in the place of every wanted one."""

    def blank(part: ast.AST) -> ast.AST:
        if id(part) in wanted:
            return ast.Constant(0)
        new = copy.copy(part)
        for name, value in ast.iter_fields(part):
            if isinstance(value, ast.AST):
                setattr(new, name, blank(value))
            elif isinstance(value, list):
                setattr(new, name, [blank(item) if isinstance(item, ast.AST) else item for item in value])
        return new

    return cast("ast.expr", blank(node))


def _depth(source: Source, node: ast.AST) -> int:
    return sum(1 for _ in source.ancestors(node))


def _last_filled(site: Site, top: ast.stmt, name: str) -> ast.stmt:
    """The last statement of the cell's top level that may still put something into what `name` holds."""
    after = site.cell.statements[site.cell.statements.index(top) :] if top in site.cell.statements else [top]
    filling = [
        statement
        for statement in after
        for node in ast.walk(statement)
        if (isinstance(node, ast.Attribute) or isinstance(getattr(node, "ctx", None), ast.Store))
        and not isinstance(node, ast.Name)
        and root_of(node) == name
    ]
    return filling[-1] if filling else top


def _last_of(loop: ast.AST, expression: str) -> str:
    """What gives a curve's last value after its loop: the name, or the last item if it was appended to."""
    wanted = dumped(expression)
    for node in ast.walk(loop):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "append"
            and dumped_node(node.func.value) == wanted
        ):
            return f"{expression}[-1]"
    return expression
