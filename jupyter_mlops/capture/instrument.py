"""Rewrites a cell's syntax tree so that scores, fits, printed values and loops can be observed.

Every change has the form ``observer(expression)``, where the observer is looked up at run time:

    getattr(__import__("sys").modules.get("jupyter_mlops.capture.probes"), "see", <identity>)(value, "key")

so a function that carries it can be pickled to a process that has no jupyter_mlops, and does there
what it did. The observed call is evaluated in the user's own frame before the observer is entered:
its exceptions have the traceback they would have had, line and caret included.

A ``for`` keeps its form, ``for x in iterate(iter(ITERABLE), …)``. A ``while`` becomes
``for () in spin(…): if not TEST: break``, which binds no name; the empty target is legal Python.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import xxhash

from .drawn import drawn_argument, is_drawing
from .metric_names import singular
from .printing import Part, Slot, draws, is_formatted, is_text, printed_parts, prints, text_parts
from .sites import SITES, Site
from .syntax import Function, Loop, call_of, dotted, hook_of, identity, last_name, name_of, own_nodes, root_of
from .vocabulary import (
    FITTING_CALLS,
    FITTING_FUNCTIONS,
    PREDICTING_CALLS,
    TOLD_ARGUMENTS,
    is_scoring_call,
    sounds_like_metric,
    words,
)
from .watching import breaks_out, makes_calls, target_names, watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Methods that show what a statistical result says of itself.
_SUMMARIES = frozenset({"summary", "summary2"})
_PROBES = "jupyter_mlops.capture.probes"
_LOOPS = "jupyter_mlops.capture.loops"
#: Lines as the parser counts them: a form feed ends none.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def instrument(tree: ast.Module, code: str, order: int, *, tracked: bool) -> ast.Module:
    """Rewrite `tree` (parsed from `code`) in place and remember its sites in `SITES`.

    An untracked cell is only changed inside the functions it defines, because a tracked cell may
    call them. `order` is the execution the tree belongs to.
    """
    lines = code.split("\n")
    physical = _LINE.findall(code)
    last = tree.body[-1] if tree.body else None
    times: dict[str, int] = {}
    spoken = _spoken(tree)
    for index, statement in enumerate(tree.body):
        if not tracked and not isinstance(statement, (Function, ast.ClassDef)):
            continue
        segment = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        # Keys depend on the statement's text alone: a function's code object, and so its
        # fingerprint, stays the same when something else in its cell is edited. Statements that
        # stand on one line, or twice in the cell, are told apart by a number.
        times[segment] = times.get(segment, 0) + 1
        text = f"{segment}{times[segment] - 1 or ''}"
        prefix = xxhash.xxh64_hexdigest(text.encode(errors="surrogatepass"))[:10]
        rewriter = _Rewriter(physical, order, prefix, spoken)
        if tracked and statement is last and isinstance(statement, ast.Expr):
            rewriter.displayed = _shown_parts(statement.value)
        tree.body[index] = rewriter.visit(statement)
    return tree


class _Rewriter(ast.NodeTransformer):
    def __init__(self, lines: list[str], order: int, prefix: str, spoken: frozenset[str]) -> None:
        self.lines = lines
        #: Names of which the cell prints the value as it stands.
        self.spoken = spoken
        self.order = order
        self.prefix = prefix
        self.count = 0
        self.scopes: list[str] = []
        self.functions = 0
        self.loops: list[Loop] = []
        #: What a loop's name is one of: of `a` in ``for a in accs`` it is ``acc``.
        self.items: dict[str, str] = {}
        self.targets: dict[int, str] = {}
        #: The name that what is being visited is bound, appended or set as an item to.
        self.within = ""
        self.displayed: tuple[ast.expr, ...] = ()
        #: Whether what is visited is printed, and by which call.
        self.printing = False
        self.group = ""

    # -- scopes ---------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._enter(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._enter(node)

    def _enter(self, node: Function) -> ast.AST:
        outer, within = self.loops, self.within
        self.loops, self.within = [], ""
        self.scopes.append(node.name)
        self.functions += 1
        node.body = [self.visit(statement) for statement in node.body]
        self.functions -= 1
        self.scopes.pop()
        self.loops, self.within = outer, within
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.scopes.append(node.name)
        node.body = [self.visit(statement) for statement in node.body]
        self.scopes.pop()
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node

    # -- statements -----------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0] if len(node.targets) == 1 else None
        value = node.value
        if (
            isinstance(target, (ast.Tuple, ast.List))
            and isinstance(value, (ast.Tuple, ast.List))
            and len(target.elts) == len(value.elts)
        ):
            pairs = zip(target.elts, value.elts, strict=True)
            value.elts = [self._visit_bound(name, part) for name, part in pairs]
            return node
        node.value = self._visit_bound(target, node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self._visit_bound(node.target, node.value)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        within, self.within = self.within, root_of(node.target)
        node.value = self.visit(node.value)
        self.within = within
        return node

    def _visit_bound(self, target: ast.expr | None, value: ast.expr) -> ast.expr:
        if isinstance(target, ast.Name):
            if target.id in self.spoken and is_formatted(value):
                # `message = f"{name}: {score}"; print(message)`
                return self._visit_message(value)
            self.targets[id(value)] = target.id
        within, self.within = self.within, root_of(target) if target is not None else ""
        visited: ast.expr = self.visit(value)
        self.within = within
        return visited

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        original = node.value
        if len(self.displayed) > 1 and isinstance(original, (ast.Tuple, ast.List)):
            original.elts = [self._see_displayed(part) for part in original.elts]
        elif original in self.displayed:
            node.value = self._see_displayed(original)
        else:
            within = self.within
            function = original.func if isinstance(original, ast.Call) else None
            if isinstance(function, ast.Attribute) and function.attr in ("append", "extend", "insert", "add"):
                self.within = root_of(function.value)
            node.value = self.visit(original)
            self.within = within
        return node

    def _see_displayed(self, node: ast.expr) -> ast.expr:
        holder = ast.Expr(node)
        slot = Slot(holder, "value", None).inner()
        if is_formatted(slot.node):
            self.printing, self.group = True, self._key()
            self._see_parts(list(text_parts(slot.owner, slot.field, slot.index)))
            self.printing = False
            return holder.value
        site = self._site(slot.node, "displayed")
        slot.put(self._see(self.visit(slot.node), site))
        return holder.value

    def visit_For(self, node: ast.For) -> ast.AST:
        names, lists = watched(node, self.loops, inside=self.functions > 0)
        items = self.items
        self.items = {**items, **dict(_items(node.target, node.iter))}
        node.iter = self.visit(node.iter)
        self._visit_body(node)
        self.items = items
        if names or lists or (_tries_in(node) if self.functions else makes_calls(node)):
            # Python marks the whole statement when what is looped over cannot be iterated.
            source = ast.copy_location(call_of(name_of("iter"), node.iter), node)
            node.iter = self._observe_loop(node, "iterate", identity("iterator"), [source], names, lists)
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._visit_comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._visit_comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._visit_comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._visit_comprehension(node)

    def _visit_comprehension(self, node: _Comprehension) -> ast.AST:
        """One that fits or scores something in each turn is a loop as any other."""
        tries = any(_tries(found) for found in ast.walk(node))
        first, items = node.generators[0], self.items
        self.items = dict(items)
        for part in node.generators:
            self.items.update(_items(part.target, part.iter))
        self.generic_visit(node)
        self.items = items
        if tries and not first.is_async:
            source = ast.copy_location(call_of(name_of("iter"), first.iter), first.iter)
            label = ast.unparse(first.target)
            what = (self._key(), self.order, ".".join(self.scopes), label, node.lineno, (), ())
            hook = hook_of(_LOOPS, "iterate", identity("iterator"))
            observed = call_of(hook, source, ast.Constant(what))  # type: ignore[arg-type]
            first.iter = ast.copy_location(observed, first.iter)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        names, lists = watched(node, self.loops, inside=self.functions > 0)
        node.test = self.visit(node.test)
        self._visit_body(node)
        if not (names or lists) or breaks_out(node.orelse):
            return node
        body = node.body
        if not (isinstance(node.test, ast.Constant) and node.test.value):
            leave: list[ast.stmt] = [*node.orelse, ast.Break()]
            stop = ast.If(test=ast.UnaryOp(op=ast.Not(), operand=node.test), body=leave, orelse=[])
            body = [ast.copy_location(stop, node.test), *node.body]
        repeat = call_of(
            ast.Attribute(call_of(name_of("__import__"), ast.Constant("itertools")), "repeat", ast.Load())
        )
        repeat.args = [ast.Tuple([], ast.Load())]
        iterable = self._observe_loop(node, "spin", identity("iterator"), [repeat], names, lists)
        loop = ast.For(
            target=ast.Tuple([], ast.Store()), iter=iterable, body=body, orelse=[], type_comment=None
        )
        return ast.copy_location(loop, node)

    def _visit_body(self, node: Loop) -> None:
        self.loops.append(node)
        node.body = [self.visit(statement) for statement in node.body]
        self.loops.pop()
        node.orelse = [self.visit(statement) for statement in node.orelse]

    # -- calls ----------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = dotted(node.func)
        last = name.rpartition(".")[2]
        if prints(name):
            return self._visit_print(node)
        if is_formatted(node):
            return self._visit_text(node)
        kind = ""
        if name and is_scoring_call(last):
            kind = "call"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in FITTING_CALLS:
            kind, name = "fit", dotted(node.func) or f".{node.func.attr}"
        elif name and last in FITTING_FUNCTIONS:
            kind = "fit"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in PREDICTING_CALLS:
            kind, name = "predict", dotted(node.func) or f".{node.func.attr}"
        elif isinstance(node.func, ast.Attribute) and is_scoring_call(node.func.attr):
            kind, name = "call", node.func.attr
        if last == "train" and not (node.args or node.keywords):
            kind = ""  # `net.train()` only switches a mode
        site = self._site(node, kind, function=name, arguments=_plain(node)) if kind else None
        if isinstance(node.func, ast.Attribute) and node.func.attr in _SUMMARIES:
            shown = node.func.value
            summary = self._site(shown, "summary")
            node.func.value = self._see(self.visit(shown), summary)
            node.args = [self.visit(argument) for argument in node.args]
            return node
        drawn = drawn_argument(node)
        heard = self._site(drawn, "displayed", aside=True) if drawn is not None else None
        picture = self._site(node, "displayed") if is_drawing(node) else None
        self.generic_visit(node)
        if heard is not None:
            node.args[0] = self._see(node.args[0], heard)
        if picture is not None:
            return self._see(node, picture)
        if site is not None and (last in TOLD_ARGUMENTS or kind == "call"):
            self._see_arguments(node, site, named=last in TOLD_ARGUMENTS)
        return self._see(node, site) if site else node

    def _see_arguments(self, node: ast.Call, call: Site, *, named: bool) -> None:
        """Observe what a scoring call is given other than by a plain name; by one too, if `named`."""
        aside = (ast.Constant, ast.Starred) if named else (ast.Constant, ast.Starred, ast.Name)
        for index, argument in enumerate(node.args):
            if not isinstance(argument, aside):
                site = self._site(argument, "argument", call=call.key, text=str(index))
                node.args[index] = self._see(argument, site)
        for keyword in node.keywords:
            if keyword.arg and not isinstance(keyword.value, aside):
                site = self._site(keyword.value, "argument", call=call.key, text=keyword.arg)
                keyword.value = self._see(keyword.value, site)

    def _visit_print(self, node: ast.Call) -> ast.AST:
        name = dotted(node.func)
        within, self.printing = self.printing, True
        parts = list(printed_parts(node))
        found = self._see_parts(parts, drawn=draws(name))
        if not found and node.args and is_text(node.args[0]) and not draws(name):
            # A line of text alone is a heading: it may name the number printed after it.
            text = str(node.args[0].value)  # type: ignore[attr-defined]
            site = self._site(node.args[0], "heading", text=text, first=True, call=self._key())
            node.args[0] = self._see(node.args[0], site)
        self._visit_rest(node, {id(owner) for _, owner, _, _ in parts})
        self.printing = within
        return node

    def _visit_rest(self, node: ast.Call, done: set[int]) -> None:
        """Visit what a print call was given beside its parts: ``sep``, ``file``."""
        for keyword in node.keywords:
            if id(keyword) not in done:
                keyword.value = self.visit(keyword.value)

    def _see_parts(self, parts: Sequence[Part], *, drawn: bool = False, nested: bool = False) -> bool:
        """Observe the values of a text; whether there were any."""
        first = True
        group = self.group = self.group if nested else self._key()
        values = [
            (text, owner, field, index)
            for text, owner, field, index in parts
            if owner is not None and not self._is_spoken(Slot(owner, field, index).node)
        ]
        for position, (text, owner, field, index) in enumerate(values):
            slot = Slot(owner, field, index).inner()
            value = slot.node
            said, written = text.rstrip(" ="), self._text_of(value)
            if isinstance(value, ast.Call) and text.rstrip().endswith("=") and said.endswith(written):
                text = said[: -len(written)]  # noqa: PLW2901 — `f"{score(y, p) = }"`: no label, its own text
            item = self.items.get(value.id, "") if isinstance(value, ast.Name) else ""
            counted = _counted(value)
            counter = bool(counted) and any(
                isinstance(loop, ast.For) and counted in target_names(loop.target) for loop in self.loops
            )
            # What the loop runs over, printed before a score: `print(alpha, model.score(X, y))`.
            varies = (
                counter
                and position == 0
                and len(values) > 1
                and not (item or sounds_like_metric(text))
                and not ({"mean", "std", "avg"} & set(words(counted)) or sounds_like_metric(counted))
            )
            after = parts[-1][0] if position == len(values) - 1 and parts[-1][1] is None else ""
            site = self._site(
                value,
                "printed",
                text=f"{text} {item} " if item and not words(text) else text,
                after=after,
                first=first and not nested,
                nested=first and nested,
                counter=counter,
                varies=varies,
                call=group,
                aside=drawn or not self.printing,
            )
            first = False
            slot.put(self._see(self.visit(value), site))
        return bool(values)

    def _is_spoken(self, node: ast.expr) -> bool:
        """Whether this text was heard where it was made."""
        return isinstance(node, ast.Name) and node.id in self.spoken

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return self._visit_text(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        return self._visit_text(node) if is_formatted(node) else self.generic_visit(node)

    def _visit_text(self, node: ast.expr) -> ast.AST:
        """A text made for a reader that no print call was given as it stands: a message, a row of a table."""
        if not is_formatted(node):
            return self.generic_visit(node)
        holder = ast.Expr(node)
        self._see_parts(list(text_parts(holder, "value", None)), nested=self.printing)
        return holder.value

    def _visit_message(self, node: ast.expr) -> ast.expr:
        """A text that is made in one statement and printed in another: as if it were printed here."""
        holder = ast.Expr(node)
        within, self.printing = self.printing, True
        self._see_parts(list(text_parts(holder, "value", None)))
        self.printing = within
        return holder.value

    # -- building -------------------------------------------------------------------------------

    def _key(self) -> str:
        self.count += 1
        return f"{self.prefix}.{self.count}"

    def _site(self, node: ast.expr, kind: str, **more: object) -> Site:
        site = Site(
            key=self._key(),
            kind=kind,
            order=self.order,
            expression=self._text_of(node),
            line=node.lineno,
            column=node.col_offset,
            end_line=node.end_lineno or node.lineno,
            end_column=node.end_col_offset or node.col_offset,
            scope=".".join(self.scopes),
            target=self.targets.get(id(node), ""),
            within=self.within,
            in_loop=bool(self.loops),
            loop=self.loops[-1].lineno if self.loops else 0,
            turning=_turning(self.loops[-1]) if self.loops else (),
            **more,  # type: ignore[arg-type]
        )
        SITES[site.key] = site
        return site

    def _text_of(self, node: ast.expr) -> str:
        """As `ast.get_source_segment`, without cutting the whole cell into lines for every site."""
        if node.end_lineno is None or node.end_col_offset is None:
            return ""
        lines = self.lines[node.lineno - 1 : node.end_lineno]
        # Columns count bytes; the end is cut first, since it may stand on the line of the beginning.
        lines[-1] = lines[-1].encode()[: node.end_col_offset].decode()
        lines[0] = lines[0].encode()[node.col_offset :].decode()
        return "".join(lines)

    def _see(self, node: ast.expr, site: Site) -> ast.expr:
        seen = call_of(hook_of(_PROBES, "see", identity("value")), node, ast.Constant(site.key))
        return ast.copy_location(seen, node)

    def _observe_loop(
        self,
        node: Loop,
        function: str,
        fallback: ast.expr,
        arguments: list[ast.expr],
        names: tuple[str, ...],
        lists: tuple[tuple[str, str, str], ...],
    ) -> ast.expr:
        label = ast.unparse(node.target) if isinstance(node, ast.For) else "while"
        what = (self._key(), self.order, ".".join(self.scopes), label, node.lineno, names, lists)
        observed = call_of(hook_of(_LOOPS, function, fallback), *arguments, ast.Constant(what))  # type: ignore[arg-type]
        return ast.copy_location(observed, node.iter if isinstance(node, ast.For) else node.test)


# -- reading the tree ------------------------------------------------------------------------------


def _spoken(tree: ast.Module) -> frozenset[str]:
    """Names that only hold texts made here and printed as they stand: ``print(message)``."""
    made: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    made[target.id] = made.get(target.id, True) and is_formatted(node.value)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            made.setdefault(node.id, False)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            made[node.target.id] = False
    return frozenset(
        argument.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and prints(dotted(node.func)) and not draws(dotted(node.func))
        for argument in node.args
        if isinstance(argument, ast.Name) and made.get(argument.id, False)
    )


def _plain(node: ast.Call) -> tuple[str, ...]:
    plain = [dotted(argument) for argument in node.args]
    return (*plain, *(f"{key.arg}={dotted(key.value)}" for key in node.keywords if key.arg))


def _counted(node: ast.expr) -> str:
    """The name in `epoch` and ``epoch + 1``."""
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, (ast.Add, ast.Sub))
        and isinstance(node.right, ast.Constant)
    ):
        node = node.left
    return node.id if isinstance(node, ast.Name) else ""


def _items(target: ast.expr, source: ast.expr) -> Iterator[tuple[str, str]]:
    """Names a loop gives to items of what is called a score, each with that name in the singular."""
    last = last_name(source.func) if isinstance(source, ast.Call) else ""
    if isinstance(target, ast.Name):
        plain = last_name(source)
        if sounds_like_metric(plain) and not sounds_like_metric(target.id):
            yield target.id, singular(plain)
    elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(source, ast.Call):
        if last == "enumerate" and source.args and len(target.elts) == 2:
            yield from _items(target.elts[1], source.args[0])
        elif last == "zip":
            for name, part in zip(target.elts, source.args, strict=False):
                yield from _items(name, part)


def _turning(loop: Loop) -> tuple[str, ...]:
    return tuple(target_names(loop.target)) if isinstance(loop, ast.For) else ("while",)


def _tries(node: ast.AST) -> bool:
    """Whether a node is a call that fits or scores something."""
    if not isinstance(node, ast.Call):
        return False
    last = last_name(node.func)
    return last in FITTING_CALLS or is_scoring_call(last)


def _tries_in(node: Loop) -> bool:
    return any(_tries(found) for found in own_nodes(node, inner_loops=True))


def _shown_parts(node: ast.expr) -> tuple[ast.expr, ...]:
    """The values a displayed expression shows: the elements of a tuple, else itself."""
    if isinstance(node, ast.Tuple) and node.elts and not any(isinstance(e, ast.Starred) for e in node.elts):
        return (node, *node.elts)
    if isinstance(node, ast.List) and node.elts and all(isinstance(part, ast.Call) for part in node.elts):
        return (node, *node.elts)  # `[accuracy_score(y, p), f1_score(y, p)]`
    if isinstance(node, ast.Call) and prints(dotted(node.func)):
        return ()
    return (node,)
