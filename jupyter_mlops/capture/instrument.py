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
import string
from typing import TYPE_CHECKING

import xxhash

from .sites import SITES, Site
from .vocabulary import (
    FITTING_CALLS,
    PREDICTING_CALLS,
    PRINTING_CALLS,
    TOLD_ARGUMENTS,
    is_scoring_call,
    sounds_like_metric,
    sounds_like_size,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROBES = "jupyter_mlops.capture.probes"
_LOOPS = "jupyter_mlops.capture.loops"
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Loop = ast.For | ast.While


def instrument(tree: ast.Module, code: str, order: int, *, tracked: bool) -> ast.Module:
    """Rewrite `tree` (parsed from `code`) in place and remember its sites in `SITES`.

    An untracked cell is only changed inside the functions it defines, because a tracked cell may
    call them. `order` is the execution the tree belongs to.
    """
    lines = code.split("\n")
    last = tree.body[-1] if tree.body else None
    times: dict[str, int] = {}
    for index, statement in enumerate(tree.body):
        if not tracked and not isinstance(statement, (_Function, ast.ClassDef)):
            continue
        segment = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        # Keys depend on the statement's text alone: a function's code object, and so its
        # fingerprint, stays the same when something else in its cell is edited. Statements that
        # stand on one line, or twice in the cell, are told apart by a number.
        times[segment] = times.get(segment, 0) + 1
        text = f"{segment}{times[segment] - 1 or ''}"
        rewriter = _Rewriter(code, order, xxhash.xxh64_hexdigest(text.encode(errors="surrogatepass"))[:10])
        if tracked and statement is last and isinstance(statement, ast.Expr):
            rewriter.displayed = _shown_parts(statement.value)
        tree.body[index] = rewriter.visit(statement)
    return tree


class _Rewriter(ast.NodeTransformer):
    def __init__(self, code: str, order: int, prefix: str) -> None:
        self.code = code
        self.order = order
        self.prefix = prefix
        self.count = 0
        self.scopes: list[str] = []
        self.functions = 0
        self.loops: list[_Loop] = []
        self.targets: dict[int, str] = {}
        #: The name that what is being visited is bound, appended or set as an item to.
        self.within = ""
        self.displayed: tuple[ast.expr, ...] = ()

    # -- scopes ---------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._enter(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._enter(node)

    def _enter(self, node: _Function) -> ast.AST:
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
        within, self.within = self.within, _root(node.target)
        node.value = self.visit(node.value)
        self.within = within
        return node

    def _visit_bound(self, target: ast.expr | None, value: ast.expr) -> ast.expr:
        if isinstance(target, ast.Name):
            self.targets[id(value)] = target.id
        within, self.within = self.within, _root(target) if target is not None else ""
        visited: ast.expr = self.visit(value)
        self.within = within
        return visited

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        original = node.value
        if len(self.displayed) > 1 and isinstance(original, ast.Tuple):
            original.elts = [self._see_displayed(part) for part in original.elts]
        elif original in self.displayed:
            node.value = self._see_displayed(original)
        else:
            within = self.within
            function = original.func if isinstance(original, ast.Call) else None
            if isinstance(function, ast.Attribute) and function.attr in ("append", "extend", "insert", "add"):
                self.within = _root(function.value)
            node.value = self.visit(original)
            self.within = within
        return node

    def _see_displayed(self, node: ast.expr) -> ast.expr:
        shown, field = _unrounded(node)
        if field is None:
            site = self._site(node, "displayed")
            return self._see(self.visit(node), site)
        site = self._site(shown, "displayed")
        field[0] = self._see(self.visit(shown), site)
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        names, lists = self._watched(node)
        node.iter = self.visit(node.iter)
        self._visit_body(node)
        if names or lists or (not self.functions and _calls_in(node)):
            # Python marks the whole statement when what is looped over cannot be iterated.
            source = ast.copy_location(_call(_name("iter"), node.iter), node)
            node.iter = self._observe_loop(node, "iterate", _identity("iterator"), [source], names, lists)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        names, lists = self._watched(node)
        node.test = self.visit(node.test)
        self._visit_body(node)
        if not (names or lists) or _breaks_out(node.orelse):
            return node
        body = node.body
        if not (isinstance(node.test, ast.Constant) and node.test.value):
            leave: list[ast.stmt] = [*node.orelse, ast.Break()]
            stop = ast.If(test=ast.UnaryOp(op=ast.Not(), operand=node.test), body=leave, orelse=[])
            body = [ast.copy_location(stop, node.test), *node.body]
        repeat = _call(
            ast.Attribute(_call(_name("__import__"), ast.Constant("itertools")), "repeat", ast.Load())
        )
        repeat.args = [ast.Tuple([], ast.Load())]
        iterable = self._observe_loop(node, "spin", _identity("iterator"), [repeat], names, lists)
        loop = ast.For(
            target=ast.Tuple([], ast.Store()), iter=iterable, body=body, orelse=[], type_comment=None
        )
        return ast.copy_location(loop, node)

    def _visit_body(self, node: _Loop) -> None:
        self.loops.append(node)
        node.body = [self.visit(statement) for statement in node.body]
        self.loops.pop()
        node.orelse = [self.visit(statement) for statement in node.orelse]

    # -- calls ----------------------------------------------------------------------------------

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = dotted(node.func)
        last = name.rpartition(".")[2]
        if _prints(name):
            return self._visit_print(node)
        kind = ""
        if name and is_scoring_call(last):
            kind = "call"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in FITTING_CALLS:
            kind, name = "fit", dotted(node.func) or f".{node.func.attr}"
        elif isinstance(node.func, ast.Attribute) and node.func.attr in PREDICTING_CALLS:
            kind, name = "predict", dotted(node.func) or f".{node.func.attr}"
        elif isinstance(node.func, ast.Attribute) and is_scoring_call(node.func.attr):
            kind, name = "call", node.func.attr
        site = self._site(node, kind, function=name, arguments=_plain(node)) if kind else None
        self.generic_visit(node)
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
        first, group = True, self._key()
        parts = list(_printed(node))
        for position, (text, owner, field, index) in enumerate(parts):
            held = getattr(owner, field)
            value = held if index is None else held[index]
            value, inner = _unrounded(value)
            counter = isinstance(value, ast.Name) and any(
                isinstance(loop, ast.For) and value.id in _target_names(loop.target) for loop in self.loops
            )
            # What the loop runs over, printed before a score: `print(alpha, model.score(X, y))`.
            varies = (
                counter
                and position < len(parts) - 1
                and not sounds_like_metric(text)
                and not ({"mean", "std", "avg"} & set(words(value.id)) or sounds_like_metric(value.id))  # type: ignore[attr-defined]
            )
            site = self._site(
                value, "printed", text=text, first=first, counter=counter, varies=varies, call=group
            )
            first = False
            seen = self._see(self.visit(value), site)
            if inner is not None:
                inner[0] = seen
            elif index is None:
                setattr(owner, field, seen)
            else:
                held[index] = seen
        if first and node.args and _is_text(node.args[0]):
            # A line of text alone is a heading: it may name the number printed after it.
            text = str(node.args[0].value)  # type: ignore[attr-defined]
            site = self._site(node.args[0], "heading", text=text, first=True, call=group)
            node.args[0] = self._see(node.args[0], site)
        return node

    # -- building -------------------------------------------------------------------------------

    def _key(self) -> str:
        self.count += 1
        return f"{self.prefix}.{self.count}"

    def _site(self, node: ast.expr, kind: str, **more: object) -> Site:
        site = Site(
            key=self._key(),
            kind=kind,
            order=self.order,
            expression=ast.get_source_segment(self.code, node) or "",
            line=node.lineno,
            column=node.col_offset,
            end_line=node.end_lineno or node.lineno,
            end_column=node.end_col_offset or node.col_offset,
            scope=".".join(self.scopes),
            target=self.targets.get(id(node), ""),
            within=self.within,
            in_loop=bool(self.loops),
            **more,  # type: ignore[arg-type]
        )
        SITES[site.key] = site
        return site

    def _see(self, node: ast.expr, site: Site) -> ast.expr:
        seen = _call(_hook(_PROBES, "see", _identity("value")), node, ast.Constant(site.key))
        return ast.copy_location(seen, node)

    def _observe_loop(
        self,
        node: _Loop,
        function: str,
        fallback: ast.expr,
        arguments: list[ast.expr],
        names: tuple[str, ...],
        lists: tuple[tuple[str, str, str], ...],
    ) -> ast.expr:
        label = ast.unparse(node.target) if isinstance(node, ast.For) else "while"
        what = (self._key(), self.order, ".".join(self.scopes), label, node.lineno, names, lists)
        observed = _call(_hook(_LOOPS, function, fallback), *arguments, ast.Constant(what))  # type: ignore[arg-type]
        return ast.copy_location(observed, node.iter if isinstance(node, ast.For) else node.test)

    def _watched(self, node: _Loop) -> tuple[tuple[str, ...], tuple[tuple[str, str, str], ...]]:
        bound = _bound_in(node)
        # A name reset by the body of a loop further out belongs to that one: its value there is
        # the epoch's, in here only a running sum.
        outer = {name for loop in self.loops for name, plain in _bound_in(loop).items() if plain}
        counters = {name for loop in (*self.loops, node) for name in _counters(loop)}
        lists = tuple(_appended(node))
        loud = _printed_names(node) | {name for _, _, name in lists}
        names = tuple(
            name
            for name in bound
            if name not in outer
            and name not in counters
            and not sounds_like_size(name)
            and (name in loud or sounds_like_metric(name) or not _read_in(node, name))
        )
        return names, lists


# -- reading the tree ------------------------------------------------------------------------------


def dotted(node: ast.expr) -> str:
    """``a.b.c`` for a chain of names and attributes, else ``""``."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    parts.append(node.id)
    return ".".join(reversed(parts))


def _plain(node: ast.Call) -> tuple[str, ...]:
    plain = [dotted(argument) for argument in node.args]
    return (*plain, *(f"{key.arg}={dotted(key.value)}" for key in node.keywords if key.arg))


def _own(node: _Loop | ast.stmt, *, inner_loops: bool) -> Iterator[ast.AST]:
    """Walk a statement without entering nested functions and classes, nor (if asked) inner loops."""
    stack: list[ast.AST] = list(node.body) if isinstance(node, _Loop) else [node]
    while stack:
        found = stack.pop()
        if isinstance(found, (_Function, ast.ClassDef, ast.Lambda)):
            continue
        yield found
        if inner_loops or not isinstance(found, _Loop):
            stack.extend(ast.iter_child_nodes(found))


def _bound_in(node: _Loop) -> dict[str, bool]:
    """Names the loop's own body binds, each with whether a plain assignment does so."""
    bound: dict[str, bool] = {}
    for found in _own(node, inner_loops=False):
        if isinstance(found, ast.Assign):
            if isinstance(found.value, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.JoinedStr)):
                continue
            for target in found.targets:
                bound.update(dict.fromkeys(_target_names(target), True))
        elif isinstance(found, (ast.AnnAssign, ast.NamedExpr)) and isinstance(found.target, ast.Name):
            if found.value is not None:
                bound[found.target.id] = True
        elif isinstance(found, ast.AugAssign) and isinstance(found.target, ast.Name):
            bound.setdefault(found.target.id, False)
    return bound


def _target_names(target: ast.expr) -> list[str]:
    return [
        node.id
        for node in ast.walk(target)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    ]


def _counters(node: _Loop) -> list[str]:
    return _target_names(node.target) if isinstance(node, ast.For) else []


def _appended(node: _Loop) -> Iterator[tuple[str, str, str]]:
    """``history["loss"].append(loss)`` gives ``("history", "loss", "loss")``."""
    for found in _own(node, inner_loops=False):
        if not (
            isinstance(found, ast.Call)
            and isinstance(found.func, ast.Attribute)
            and found.func.attr == "append"
            and len(found.args) == 1
            and not isinstance(found.args[0], (ast.Tuple, ast.List, ast.Dict, ast.Starred))
        ):
            continue
        value = found.args[0].id if isinstance(found.args[0], ast.Name) else ""
        owner = found.func.value
        if isinstance(owner, ast.Name):
            yield owner.id, "", value
        elif (
            isinstance(owner, ast.Subscript)
            and isinstance(owner.value, ast.Name)
            and isinstance(owner.slice, ast.Constant)
            and isinstance(owner.slice.value, str)
        ):
            yield owner.value.id, owner.slice.value, value


def _printed_names(node: _Loop) -> set[str]:
    return {
        name.id
        for found in _own(node, inner_loops=True)
        if isinstance(found, ast.Call) and dotted(found.func) == "print"
        for name in ast.walk(found)
        if isinstance(name, ast.Name)
    }


def _read_in(node: _Loop, name: str) -> bool:
    return any(
        isinstance(found, ast.Name) and found.id == name and isinstance(found.ctx, ast.Load)
        for found in _own(node, inner_loops=True)
    )


def _calls_in(node: _Loop) -> bool:
    return any(isinstance(found, ast.Call) for found in _own(node, inner_loops=True))


def _breaks_out(statements: list[ast.stmt]) -> bool:
    return any(
        isinstance(found, (ast.Break, ast.Continue))
        for statement in statements
        for found in _own(statement, inner_loops=False)
    )


_Part = tuple[str, ast.AST, str, int | None]
_Piece = tuple[str, ast.AST | None, str, int | None]


def _prints(name: str) -> bool:
    """Whether a call of `name` shows text to a reader: ``print``, ``logger.info``, ``tqdm.write``."""
    owner, _, last = name.rpartition(".")
    if name in ("print", "display", "pprint"):
        return True
    return (
        bool(owner)
        and last in PRINTING_CALLS
        and not (last == "write" and "tqdm" not in owner and "bar" not in owner)
    )


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _shown_parts(node: ast.expr) -> tuple[ast.expr, ...]:
    """The values a displayed expression shows: the elements of a tuple, else itself."""
    if isinstance(node, ast.Tuple) and node.elts and not any(isinstance(e, ast.Starred) for e in node.elts):
        return (node, *node.elts)
    if isinstance(node, ast.Call) and _prints(dotted(node.func)):
        return ()
    return (node,)


def _unrounded(node: ast.expr) -> tuple[ast.expr, list[ast.expr] | None]:
    """(what is rounded or turned to text for a reader, the list that holds it as its first item)."""
    held: list[ast.expr] | None = None
    while (
        isinstance(node, ast.Call)
        and dotted(node.func) in ("round", "np.round", "np.around", "numpy.round", "str", "format", "repr")
        and node.args
        and not isinstance(node.args[0], (ast.Starred, ast.Constant))
    ):
        held = node.args
        node = held[0]
    return node, held


def _printed(call: ast.Call) -> Iterator[_Part]:
    """The values of a print call in order: (text before it, node that holds it, field, index)."""
    text = ""
    arguments: list[tuple[ast.expr, ast.AST, str, int | None]] = [
        (argument, call, "args", index) for index, argument in enumerate(call.args)
    ]
    if call.args and _is_text(call.args[0]) and len(call.args) > 1 and dotted(call.func) != "print":
        # logger.info("loss %.3f", loss)
        pieces = _percent_pieces(call.args[0].value)  # type: ignore[attr-defined]
        if len(pieces) == len(call.args):
            for index, piece in enumerate(pieces[:-1], start=1):
                if not isinstance(call.args[index], ast.Starred):
                    yield piece, call, "args", index
            return
    for index, (argument, owner, field, position) in enumerate(arguments):
        if index:
            text += " "
        for before, holder, name, place in _strings(argument, owner, field, position):
            if holder is None:
                text += before
            else:
                yield text + before, holder, name, place
                text = ""
    if dotted(call.func).endswith("set_postfix"):
        for keyword in call.keywords:
            if keyword.arg:
                yield f"{keyword.arg}: ", keyword, "value", None


def _strings(
    node: ast.expr, owner: ast.AST, field: str, index: int | None
) -> Iterator[tuple[str, ast.AST | None, str, int | None]]:
    if isinstance(node, ast.Constant):
        yield (node.value if isinstance(node.value, str) else ""), None, "", None
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                yield str(part.value), None, "", None
            elif isinstance(part, ast.FormattedValue):
                if isinstance(part.value, ast.Constant):
                    yield str(part.value.value), None, "", None
                else:
                    yield "", part, "value", None
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and _is_text(node.left):
        values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]
        pieces = _percent_pieces(node.left.value)  # type: ignore[attr-defined]
        if len(pieces) == len(values) + 1:
            for position, piece in enumerate(pieces[:-1]):
                if isinstance(node.right, ast.Tuple):
                    yield piece, node.right, "elts", position
                else:
                    yield piece, node, "right", None
            yield pieces[-1], None, "", None
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and _joins_text(node):
        yield from _strings(node.left, node, "left", None)
        yield from _strings(node.right, node, "right", None)
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and _is_text(node.func.value)
    ):
        yield from _format_pieces(node)
    elif not isinstance(node, ast.Starred):
        yield "", owner, field, index


def _joins_text(node: ast.expr) -> bool:
    """Whether a sum is one of texts: ``"auc " + str(auc)``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joins_text(node.left) or _joins_text(node.right)
    return (
        isinstance(node, ast.JoinedStr)
        or _is_text(node)
        or (isinstance(node, ast.Call) and dotted(node.func) == "str")
    )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _percent_pieces(text: str) -> list[str]:
    pieces, piece, position = [], "", 0
    while position < len(text):
        if text[position] == "%" and position + 1 < len(text):
            if text[position + 1] == "%":
                piece, position = piece + "%", position + 2
                continue
            position += 1
            while position < len(text) and text[position] in "0123456789.+- #*lhL":
                position += 1
            pieces.append(piece)
            piece = ""
        else:
            piece += text[position]
        position += 1
    return [*pieces, piece]


def _format_pieces(node: ast.Call) -> Iterator[_Piece]:
    text = node.func.value.value  # type: ignore[attr-defined]
    keywords = {keyword.arg: keyword for keyword in node.keywords if keyword.arg}
    automatic = 0
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError:
        return
    seen: set[str] = set()
    for before, field, _, _ in pieces:
        yield before, None, "", None
        if field is None:
            continue
        name = field or str(automatic)
        automatic += not field
        if name in seen:
            continue
        seen.add(name)
        if name in keywords:
            yield "", keywords[name], "value", None
        elif (
            name.isdigit()
            and int(name) < len(node.args)
            and not isinstance(node.args[int(name)], ast.Starred)
        ):
            yield "", node, "args", int(name)


# -- writing the tree ------------------------------------------------------------------------------


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _call(function: ast.expr, *arguments: ast.expr) -> ast.Call:
    return ast.Call(func=function, args=list(arguments), keywords=[])


def _identity(argument: str) -> ast.Lambda:
    parameters = ast.arguments(
        posonlyargs=[], args=[ast.arg(argument), ast.arg("site")], kwonlyargs=[], kw_defaults=[], defaults=[]
    )
    return ast.Lambda(args=parameters, body=_name(argument))


def _hook(module: str, function: str, fallback: ast.expr) -> ast.Call:
    modules = ast.Attribute(_call(_name("__import__"), ast.Constant("sys")), "modules", ast.Load())
    found = _call(ast.Attribute(modules, "get", ast.Load()), ast.Constant(module))
    return _call(_name("getattr"), found, ast.Constant(function), fallback)
