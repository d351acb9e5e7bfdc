"""Which names a cell uses, from its syntax alone, and what live functions reach from there.

`cell_names` walks the tree once, statement by statement, keeping the set of names that are *surely*
bound so far: a name counts as read when it may have been used before that. What stands inside a
function is read when the function's name is first used, or at the end of the cell if it never is;
a class body and a lambda are read where they stand. Names a library looks up for itself (``@limit``
in a pandas query, ``{path}`` in a shell line, ``log`` in a formula) count as reads too.

Reads hold whatever name is used, builtins as well, because a notebook can rebind those: intersect
with the namespace to know which are the notebook's.

`live_reads` follows the functions and classes of a living namespace without ever running their code.
"""

from __future__ import annotations

import ast
import dis
import functools
import re
from types import (
    BuiltinMethodType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MethodType,
    ModuleType,
)
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_LITERAL_NODES = 200
_AT_NAME = re.compile(r"@([A-Za-z_]\w*)")
_EXPANDED = re.compile(r"\{\s*([A-Za-z_]\w*)|\$([A-Za-z_]\w*)")
_FORMULA_NAME = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*(?=[(.])")
_OPTIONS = re.compile(r"^\s*(?:-\w\s*\S*\s+)*")
_WHOLE_NAMESPACE = frozenset({"eval", "exec", "globals", "locals"})
_NESTED_MAGICS = frozenset({"time", "capture", "prun", "memit", "timeit", "track", "scratch"})
_DYNAMIC_MAGICS = frozenset(
    {"run", "load", "reset", "reset_selective", "store", "macro", "cython", "pylab", "rerun"}
)


class Literal(msgspec.Struct, frozen=True):
    """A literal value bound to a top-level name and where its expression stands, as `ast` counts."""

    value: Any
    line: int
    column: int
    end_line: int
    end_column: int

    @property
    def span(self) -> Span:
        """The place of the value's expression."""
        return Span(line=self.line, column=self.column, end_line=self.end_line, end_column=self.end_column)


class Import(msgspec.Struct, frozen=True):
    """One imported name: ``from module import name as alias``; `name` is empty for a plain import."""

    module: str
    name: str
    alias: str


class CellNames(msgspec.Struct, frozen=True, kw_only=True):
    """The names of one cell's top level.

    `reads` may be used before the cell surely binds them; of these, `maybe_reads` come after a
    binding that only may have happened (in an ``if`` or a loop), and can be dropped when the name
    did not exist before the cell. `bound` are all bindings, `unconditional` those sure to have
    happened when the cell ends; `deleted` are gone by then. `touched` may have been changed inside.
    `global_stores` are bound by functions that say ``global``, when they are called.
    `modules` are all imported anywhere, `imports` those bound at the top level.
    `calls` and `strings` are in source order; a call on an expression begins with a dot.
    `attributes` are the chains of attributes that occur (``os.environ``).
    """

    reads: frozenset[str] = frozenset()
    maybe_reads: frozenset[str] = frozenset()
    loads: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()
    unconditional: frozenset[str] = frozenset()
    reassigned: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    global_stores: frozenset[str] = frozenset()
    imports: tuple[Import, ...] = ()
    star_imports: tuple[str, ...] = ()
    modules: frozenset[str] = frozenset()
    functions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    literals: dict[str, Literal] = msgspec.field(default_factory=dict)
    calls: tuple[str, ...] = ()
    attributes: frozenset[str] = frozenset()
    strings: tuple[str, ...] = ()
    dynamic: bool = False
    syntax_error: bool = False


def cell_names(code: str, tree: ast.Module | None = None) -> CellNames:
    """The names of `code` (plain Python, magics already transformed); pass `tree` if it is parsed.

    Never raises: what does not parse gives ``syntax_error``, what is nested too deeply ``dynamic``.
    """
    if tree is None:
        try:
            tree = ast.parse(code)
        except (SyntaxError, ValueError):
            return CellNames(syntax_error=True)
        except (RecursionError, MemoryError):
            return CellNames(dynamic=True)
    walker = _Walker()
    try:
        walker.body(tree.body)
    except RecursionError:
        return CellNames(dynamic=True)
    return walker.result(_literals(tree.body))


class _Scope:
    """What a function, class or comprehension uses, until it is closed and its free names are known."""

    __slots__ = ("deferred", "globals", "kind", "loads", "outer", "stores", "touched")

    def __init__(self, kind: str, outer: _Scope | None) -> None:
        self.kind = kind
        self.outer = outer
        self.loads: set[str] = set()
        self.stores: set[str] = set()
        self.touched: set[str] = set()
        self.globals: set[str] = set()
        self.deferred: set[str] = set()


class _Walker:
    """One pass over a cell's tree. `scope` is None at the top level."""

    def __init__(self) -> None:
        self.scope: _Scope | None = None
        self.sure: set[str] = set()
        self.bound: set[str] = set()
        self.repeated: set[str] = set()
        self.deleted: set[str] = set()
        self.loads: set[str] = set()
        self.reads: set[str] = set()
        self.maybe_reads: set[str] = set()
        self.touched: set[str] = set()
        self.global_stores: set[str] = set()
        self.deferred: dict[str, set[str]] = {}
        self.imports: list[Import] = []
        self.stars: list[str] = []
        self.modules: set[str] = set()
        self.functions: list[str] = []
        self.classes: list[str] = []
        self.calls: list[str] = []
        self.strings: list[str] = []
        self.attributes: set[str] = set()
        self.dynamic = False
        self.loops = 0

    def result(self, literals: dict[str, Literal]) -> CellNames:
        for free in self.deferred.values():
            for name in free:
                if name not in self.sure:
                    self.reads.add(name)
        return CellNames(
            reads=frozenset(self.reads),
            maybe_reads=frozenset(self.maybe_reads),
            loads=frozenset(self.loads),
            bound=frozenset(self.bound),
            unconditional=frozenset(self.sure),
            reassigned=frozenset(self.repeated),
            deleted=frozenset(self.deleted),
            touched=frozenset(self.touched),
            global_stores=frozenset(self.global_stores),
            imports=tuple(self.imports),
            star_imports=tuple(self.stars),
            modules=frozenset(self.modules),
            functions=tuple(dict.fromkeys(self.functions)),
            classes=tuple(dict.fromkeys(self.classes)),
            literals=literals,
            calls=tuple(self.calls),
            strings=tuple(self.strings),
            attributes=frozenset(self.attributes),
            dynamic=self.dynamic,
        )

    # ---- the three things that can happen to a name

    def load(self, name: str) -> None:
        scope = self.scope
        if scope is not None:
            if scope.kind == "class" and name in scope.stores:
                return
            scope.loads.add(name)
            return
        self.load_global(name)

    def load_global(self, name: str) -> None:
        self.loads.add(name)
        if name not in self.sure:
            if name not in self.bound:
                self.reads.add(name)
                self.maybe_reads.discard(name)
            elif name not in self.reads:
                self.reads.add(name)
                self.maybe_reads.add(name)
        if name in self.deferred:
            for free in self.deferred.pop(name):
                self.load_global(free)

    def store(self, name: str) -> None:
        scope = self.scope
        while scope is not None and scope.kind == "comprehension":
            scope = scope.outer
        if scope is not None:
            scope.stores.add(name)
            return
        if name in self.bound or self.loops:
            self.repeated.add(name)
        self.bound.add(name)
        self.sure.add(name)
        self.deleted.discard(name)
        self.deferred.pop(name, None)

    def touch(self, name: str) -> None:
        (self.touched if self.scope is None else self.scope.touched).add(name)

    def touch_roots(self, node: ast.AST) -> None:
        """The names whose objects `node` may give away: ``a.b[0]`` is a's, ``[a, b]`` are both's."""
        kind = type(node)
        while kind is ast.Attribute or kind is ast.Subscript or kind is ast.Starred:
            node = node.value  # type: ignore[attr-defined]
            kind = type(node)
        if kind is ast.Name:
            self.touch(node.id)  # type: ignore[attr-defined]
        elif kind is ast.List or kind is ast.Tuple or kind is ast.Set:
            for item in node.elts:  # type: ignore[attr-defined]
                self.touch_roots(item)
        elif kind is ast.Dict:
            for item in node.values:  # type: ignore[attr-defined]
                self.touch_roots(item)
        elif kind is ast.IfExp:
            self.touch_roots(node.body)  # type: ignore[attr-defined]
            self.touch_roots(node.orelse)  # type: ignore[attr-defined]
        elif kind is ast.BoolOp:
            for item in node.values:  # type: ignore[attr-defined]
                self.touch_roots(item)
        elif kind is ast.NamedExpr:
            self.touch_roots(node.value)  # type: ignore[attr-defined]

    # ---- walking

    def body(self, statements: Iterable[ast.AST]) -> None:
        for statement in statements:
            self.visit(statement)

    def visit(self, node: ast.AST) -> None:
        kind = type(node)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, node)
            return
        for field in _children(kind):
            child = getattr(node, field, None)
            if child is None:
                continue
            if type(child) is list:
                for item in child:
                    if item is not None:
                        self.visit(item)
            else:
                self.visit(child)

    def branch(self, *parts: Iterable[ast.AST]) -> None:
        """Parts of which exactly one runs: sure is what every one of them binds."""
        before = self.sure
        ends = []
        for part in parts:
            self.sure = set(before)
            self.body(part)
            ends.append(self.sure)
        self.sure = set.intersection(*ends)

    # ---- names and expressions

    def name(self, node: ast.Name) -> None:
        context = type(node.ctx)
        if context is ast.Load:
            self.load(node.id)
        elif context is ast.Store:
            if self.scope is not None and self.scope.kind == "comprehension":
                self.scope.stores.add(node.id)
            else:
                self.store(node.id)
        else:
            self.load(node.id)
            if self.scope is None:
                self.sure.discard(node.id)
                self.deleted.add(node.id)
            else:
                self.scope.stores.add(node.id)

    def constant(self, node: ast.Constant) -> None:
        if type(node.value) is str:
            self.strings.append(node.value)

    def place(self, node: ast.Attribute | ast.Subscript) -> None:
        if type(node.ctx) is not ast.Load:
            self.touch_roots(node)
        elif type(node) is ast.Attribute:
            dotted = _dotted(node)
            if dotted[0] != ".":
                self.attributes.add(dotted)
        self.visit(node.value)
        if type(node) is ast.Subscript:
            self.visit(node.slice)

    def formatted(self, node: ast.JoinedStr) -> None:
        for part in node.values:
            if type(part) is not ast.Constant:
                self.visit(part)

    def compare(self, node: ast.Compare) -> None:
        self.visit(node.left)
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if type(operator) is ast.In or type(operator) is ast.NotIn:
                self.touch_roots(right)
            self.visit(right)

    def short_circuit(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0])
        before = set(self.sure)
        for value in node.values[1:]:
            self.visit(value)
        self.sure = before

    def conditional(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        self.branch((node.body,), (node.orelse,))

    def starred(self, node: ast.Starred) -> None:
        if type(node.ctx) is ast.Load:
            self.touch_roots(node.value)
        self.visit(node.value)

    def consuming(self, node: ast.YieldFrom | ast.Await) -> None:
        self.touch_roots(node.value)
        self.visit(node.value)

    def walrus(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        scope = self.scope
        self.store(node.target.id)
        if scope is not None and scope.kind == "comprehension":
            self.sure.discard(node.target.id)

    def call(self, node: ast.Call) -> None:
        function = node.func
        dotted = _dotted(function)
        if dotted:
            self.calls.append(dotted)
        self.touch_roots(function)
        self.visit(function)
        for argument in node.args:
            self.touch_roots(argument)
            self.visit(argument)
        for keyword in node.keywords:
            self.touch_roots(keyword.value)
            self.visit(keyword.value)
        self.special_call(node, dotted)

    def special_call(self, node: ast.Call, dotted: str) -> None:
        if dotted in _WHOLE_NAMESPACE or (dotted == "vars" and not node.args):
            self.dynamic = True
            return
        last = dotted.rpartition(".")[2]
        if last in ("query", "eval") and "." in dotted:
            self.load_mentioned(node, _AT_NAME)
        elif dotted.startswith(".") and _is_shell(node.func):
            self.magic(node, last)
        self.load_mentioned(node, _FORMULA_NAME, marker="~")

    def load_mentioned(self, node: ast.Call, pattern: re.Pattern[str], marker: str = "") -> None:
        """Load the names that the call's text arguments mention."""
        for value in (*node.args, *(keyword.value for keyword in node.keywords)):
            parts = value.values if type(value) is ast.JoinedStr else (value,)
            for part in parts:
                if type(part) is ast.Constant and type(part.value) is str and marker in part.value:
                    for match in pattern.finditer(part.value):
                        self.load(match[match.lastindex or 0])

    def magic(self, node: ast.Call, method: str) -> None:
        """``get_ipython().run_line_magic(…)`` and its like, what `%magic` and `!shell` become."""
        if method in ("push", "ex", "ev", "run_cell", "run_code", "safe_execfile", "drop_by_id", "reset"):
            self.dynamic = True
            return
        if method in ("system", "getoutput", "run_line_magic", "run_cell_magic"):
            self.load_mentioned(node, _EXPANDED)
        if method not in ("run_line_magic", "run_cell_magic") or not node.args:
            return
        texts = [a.value if type(a) is ast.Constant and type(a.value) is str else "" for a in node.args]
        if texts[0] in _DYNAMIC_MAGICS:
            self.dynamic = True
        elif texts[0] in _NESTED_MAGICS and len(texts) > 1:
            source = texts[-1] if method == "run_cell_magic" else _OPTIONS.sub("", texts[1])
            try:
                tree = ast.parse(source)
            except (SyntaxError, ValueError):
                self.dynamic = True
                return
            if texts[0] == "timeit":
                self.local_body(tree.body)
            else:
                self.body(tree.body)

    # ---- scopes

    def local_body(self, statements: Iterable[ast.AST]) -> None:
        scope = self.open("function")
        self.body(statements)
        for name in self.close(scope):
            self.load(name)

    def open(self, kind: str) -> _Scope:
        self.scope = _Scope(kind, self.scope)
        return self.scope

    def close(self, scope: _Scope) -> set[str]:
        """Leave `scope`; its free names, those of its touched ones passed on."""
        self.scope = scope.outer
        local = scope.stores - scope.globals
        for name in scope.touched - local:
            self.touch(name)
        if scope.kind == "function" and scope.globals:
            self.global_stores |= scope.stores & scope.globals
            if scope.outer is not None:
                scope.outer.globals |= scope.globals - scope.outer.stores
        return scope.loads - local

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for decorator in node.decorator_list:
            self.touch_roots(decorator)
            self.visit(decorator)
        self.signature(node.args)
        if node.returns is not None:
            self.visit(node.returns)
        free = self.function_free(node.args, node.body, getattr(node, "type_params", ()))
        if self.scope is None:
            self.functions.append(node.name)
        self.define(node.name, free, immediate=bool(node.decorator_list))

    def lambda_(self, node: ast.Lambda) -> None:
        self.signature(node.args)
        for name in self.function_free(node.args, (node.body,)):
            self.load(name)

    def signature(self, arguments: ast.arguments) -> None:
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.touch_roots(default)
                self.visit(default)
        for argument in _arguments(arguments):
            if argument.annotation is not None:
                self.visit(argument.annotation)

    def function_free(
        self, arguments: ast.arguments, body: Iterable[ast.AST], type_params: Iterable[ast.AST] = ()
    ) -> set[str]:
        loops, self.loops = self.loops, 0
        scope = self.open("function")
        scope.stores.update(argument.arg for argument in _arguments(arguments))
        scope.stores.update(param.name for param in type_params)  # type: ignore[attr-defined]
        self.body(body)
        self.loops = loops
        return self.close(scope)

    def define(self, name: str, free: set[str], *, immediate: bool) -> None:
        """Bind a function or class whose `free` names are read when it is used."""
        scope = self.scope
        if scope is None:
            if immediate:
                for used in free:
                    self.load_global(used)
                self.store(name)
            else:
                self.store(name)
                self.deferred[name] = free
            return
        if scope.kind == "class":
            scope.deferred |= free
        else:
            scope.loads |= free
        self.store(name)

    def class_(self, node: ast.ClassDef) -> None:
        for expression in (*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)):
            self.touch_roots(expression)
            self.visit(expression)
        loops, self.loops = self.loops, 0
        scope = self.open("class")
        self.body(node.body)
        self.loops = loops
        self.scope = scope.outer
        for name in scope.touched - scope.stores:
            self.touch(name)
        for name in scope.loads:
            self.load(name)
        if self.scope is None:
            self.classes.append(node.name)
        self.define(node.name, scope.deferred - {node.name}, immediate=bool(node.decorator_list))

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self.touch_roots(node.generators[0].iter)
        self.visit(node.generators[0].iter)
        before = set(self.sure)
        scope = self.open("comprehension")
        for position, generator in enumerate(node.generators):
            if position:
                self.touch_roots(generator.iter)
                self.visit(generator.iter)
            self.visit(generator.target)
            self.body(generator.ifs)
        if isinstance(node, ast.DictComp):
            self.visit(node.key)
            self.visit(node.value)
        else:
            self.visit(node.elt)
        for name in self.close(scope):
            self.load(name)
        self.sure = before

    # ---- statements

    def assign(self, node: ast.Assign) -> None:
        value = node.value
        target = node.targets[0]
        if type(value) is ast.Lambda and type(target) is ast.Name and len(node.targets) == 1:
            self.signature(value.args)
            self.define(target.id, self.function_free(value.args, (value.body,)), immediate=False)
            return
        self.visit(value)
        for target in node.targets:
            if isinstance(target, ast.Tuple | ast.List) and not isinstance(value, ast.Tuple | ast.List):
                self.touch_roots(value)  # unpacking consumes an iterator
            self.visit(target)

    def annotated(self, node: ast.AnnAssign) -> None:
        if self.scope is None or self.scope.kind != "function":
            self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)
        elif isinstance(node.target, ast.Attribute | ast.Subscript):
            self.visit(node.target.value)
        elif self.scope is not None:
            self.scope.stores.add(node.target.id)

    def augmented(self, node: ast.AugAssign) -> None:
        target = node.target
        self.touch_roots(target)
        if isinstance(target, ast.Name):
            self.load(target.id)
        else:
            self.visit(target.value)
            if isinstance(target, ast.Subscript):
                self.visit(target.slice)
        self.visit(node.value)
        if type(target) is ast.Name:
            self.store(target.id)

    def if_(self, node: ast.If) -> None:
        self.visit(node.test)
        self.branch(node.body, node.orelse)

    def for_(self, node: ast.For | ast.AsyncFor) -> None:
        self.touch_roots(node.iter)
        self.visit(node.iter)
        before = set(self.sure)
        self.loops += 1
        self.visit(node.target)
        entered = set(self.sure)
        self.body(node.body)
        self.loops -= 1
        ended = self.sure
        if _surely_iterates(node.iter):
            parts = (part for item in node.body for part in ast.walk(item))
            leaves = any(isinstance(part, ast.Break | ast.Continue) for part in parts)
            self.sure = entered if leaves else ended
        else:
            self.sure = before
        self.body(node.orelse)

    def while_(self, node: ast.While) -> None:
        self.visit(node.test)
        before = set(self.sure)
        self.loops += 1
        self.body(node.body)
        self.loops -= 1
        self.sure = before
        self.body(node.orelse)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        swallows = False
        for item in node.items:
            self.touch_roots(item.context_expr)
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.visit(item.optional_vars)
            if isinstance(item.context_expr, ast.Call):
                name = _dotted(item.context_expr.func).rpartition(".")[2]
                swallows = swallows or name in ("suppress", "raises", "assertRaises")
        before = set(self.sure)
        self.body(node.body)
        if swallows:
            self.sure = before

    def try_(self, node: ast.Try) -> None:
        before = set(self.sure)
        self.body(node.body)
        self.body(node.orelse)
        ends = [self.sure]
        for handler in node.handlers:
            self.sure = set(before)
            if handler.type is not None:
                self.visit(handler.type)
            if handler.name:
                self.store(handler.name)
            self.body(handler.body)
            if handler.name and self.scope is None:
                self.sure.discard(handler.name)
                self.deleted.add(handler.name)
            if not _leaves(handler.body):
                ends.append(self.sure)
        after = set.intersection(*ends)
        self.sure = set(before)
        self.body(node.finalbody)
        self.sure |= after

    def match_(self, node: ast.Match) -> None:
        self.visit(node.subject)
        before = set(self.sure)
        for case in node.cases:
            self.sure = set(before)
            self.visit(case.pattern)
            if case.guard is not None:
                self.visit(case.guard)
            self.body(case.body)
        self.sure = before

    def capture_pattern(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if type(node) is ast.MatchAs and node.pattern is not None:
            self.visit(node.pattern)
        if node.name:
            self.store(node.name)

    def mapping_pattern(self, node: ast.MatchMapping) -> None:
        self.body(node.keys)
        self.body(node.patterns)
        if node.rest:
            self.store(node.rest)

    def import_(self, node: ast.Import) -> None:
        for alias in node.names:
            self.modules.add(alias.name)
            name = alias.asname or alias.name.partition(".")[0]
            if self.scope is None:
                self.imports.append(Import(alias.name, "", name))
            self.store(name)

    def import_from(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        self.modules.add(module)
        for alias in node.names:
            if alias.name == "*":
                self.stars.append(module)
                continue
            name = alias.asname or alias.name
            if self.scope is None:
                self.imports.append(Import(module, alias.name, name))
            self.store(name)

    def global_(self, node: ast.Global) -> None:
        if self.scope is not None:
            self.scope.globals.update(node.names)

    def nonlocal_(self, node: ast.Nonlocal) -> None:
        if self.scope is not None:
            self.scope.loads.update(node.names)
            self.scope.globals.update(node.names)

    def type_alias(self, node: Any) -> None:
        self.local_body((node.value,))
        self.visit(node.name)


_HANDLERS: dict[type, Callable[[_Walker, Any], None]] = {
    ast.Name: _Walker.name,
    ast.Constant: _Walker.constant,
    ast.Attribute: _Walker.place,
    ast.Subscript: _Walker.place,
    ast.JoinedStr: _Walker.formatted,
    ast.Compare: _Walker.compare,
    ast.BoolOp: _Walker.short_circuit,
    ast.IfExp: _Walker.conditional,
    ast.Starred: _Walker.starred,
    ast.YieldFrom: _Walker.consuming,
    ast.Await: _Walker.consuming,
    ast.NamedExpr: _Walker.walrus,
    ast.Call: _Walker.call,
    ast.FunctionDef: _Walker.function,
    ast.AsyncFunctionDef: _Walker.function,
    ast.Lambda: _Walker.lambda_,
    ast.ClassDef: _Walker.class_,
    ast.ListComp: _Walker.comprehension,
    ast.SetComp: _Walker.comprehension,
    ast.DictComp: _Walker.comprehension,
    ast.GeneratorExp: _Walker.comprehension,
    ast.Assign: _Walker.assign,
    ast.AnnAssign: _Walker.annotated,
    ast.AugAssign: _Walker.augmented,
    ast.If: _Walker.if_,
    ast.For: _Walker.for_,
    ast.AsyncFor: _Walker.for_,
    ast.While: _Walker.while_,
    ast.With: _Walker.with_,
    ast.AsyncWith: _Walker.with_,
    ast.Try: _Walker.try_,
    ast.TryStar: _Walker.try_,
    ast.Match: _Walker.match_,
    ast.MatchAs: _Walker.capture_pattern,
    ast.MatchStar: _Walker.capture_pattern,
    ast.MatchMapping: _Walker.mapping_pattern,
    ast.Import: _Walker.import_,
    ast.ImportFrom: _Walker.import_from,
    ast.Global: _Walker.global_,
    ast.Nonlocal: _Walker.nonlocal_,
}
if hasattr(ast, "TypeAlias"):
    _HANDLERS[ast.TypeAlias] = _Walker.type_alias

_CHILDREN: dict[type, tuple[str, ...]] = {}
_NO_CHILDREN = frozenset(
    {
        "ctx",
        "op",
        "ops",
        "kind",
        "conversion",
        "type_comment",
        "is_async",
        "simple",
        "attr",
        "id",
        "n",
        "s",
        "lineno",
        "level",
        "kwd_attrs",
        "cls_name",
        "arg",
    }
)


def _children(kind: type) -> tuple[str, ...]:
    """The fields of a node type that hold nodes."""
    found = _CHILDREN.get(kind)
    if found is None:
        fields: tuple[str, ...] = getattr(kind, "_fields", ())
        found = _CHILDREN[kind] = tuple(field for field in fields if field not in _NO_CHILDREN)
    return found


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if arguments.vararg is not None:
        found.append(arguments.vararg)
    if arguments.kwarg is not None:
        found.append(arguments.kwarg)
    return found


def _dotted(node: ast.AST) -> str:
    """``a.b.c`` of a chain of attributes; a chain on another expression begins with a dot."""
    kind = type(node)
    if kind is ast.Name:
        return node.id  # type: ignore[attr-defined, no-any-return]
    parts: list[str] = []
    while type(node) is ast.Attribute:
        parts.append(node.attr)
        node = node.value
    if not parts:
        return ""
    parts.append(node.id if type(node) is ast.Name else "")
    return ".".join(reversed(parts))


def _is_shell(function: ast.AST) -> bool:
    """Whether a call is made on ``get_ipython()``."""
    if type(function) is not ast.Attribute or type(function.value) is not ast.Call:
        return False
    return type(function.value.func) is ast.Name and function.value.func.id == "get_ipython"


def _surely_iterates(node: ast.AST) -> bool:
    if isinstance(node, ast.List | ast.Tuple):
        return any(type(item) is not ast.Starred for item in node.elts)
    if type(node) is not ast.Call or type(node.func) is not ast.Name or not node.args or node.keywords:
        return False
    if node.func.id == "enumerate":
        return _surely_iterates(node.args[0])
    numbers = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    whole = [number for number in numbers if type(number) is int]
    return node.func.id == "range" and len(whole) == len(node.args) <= 3 and _nonempty(whole)


def _nonempty(bounds: list[int]) -> bool:
    try:
        return len(range(*bounds)) > 0
    except (ValueError, OverflowError):
        return False


def _leaves(body: list[ast.stmt]) -> bool:
    """Whether a block surely ends by raising."""
    return bool(body) and type(body[-1]) is ast.Raise


# ---- literals


def _literals(body: list[ast.stmt]) -> dict[str, Literal]:
    found: dict[str, Literal] = {}
    for statement in body:
        if type(statement) is ast.Assign:
            for target in statement.targets:
                _bind_literal(target, statement.value, found)
        elif type(statement) is ast.AnnAssign and statement.value is not None:
            _bind_literal(statement.target, statement.value, found)
    return found


def _bind_literal(target: ast.AST, value: ast.expr, found: dict[str, Literal]) -> None:
    if type(target) is ast.Name:
        known = _literal(value)
        if known is not None:
            end = (value.end_lineno or value.lineno, value.end_col_offset or 0)
            found[target.id] = Literal(known[0], value.lineno, value.col_offset, *end)
        else:
            found.pop(target.id, None)
    elif isinstance(target, ast.Tuple | ast.List):
        pairs = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        for position, name in enumerate(target.elts):
            if pairs and type(name) is ast.Name:
                _bind_literal(name, value.elts[position], found)  # type: ignore[attr-defined]
            elif type(name) is ast.Name:
                found.pop(name.id, None)


def _literal(node: ast.expr) -> tuple[Any] | None:
    """The value of a literal expression in a 1-tuple, None if it is none or too large."""
    budget = [MAX_LITERAL_NODES]
    try:
        return (_value(node, budget),)
    except (ValueError, ArithmeticError, TypeError, RecursionError):
        return None


def _value(node: ast.AST | None, budget: list[int]) -> Any:
    budget[0] -= 1
    if budget[0] < 0:
        raise ValueError
    if isinstance(node, ast.Constant):
        if type(node.value) in (int, float, str, bool, type(None)):
            return node.value
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = _number(node.operand, budget)
        return -number if isinstance(node.op, ast.USub) else number
    elif isinstance(node, ast.BinOp):
        return _arithmetic(type(node.op), _number(node.left, budget), _number(node.right, budget))
    elif isinstance(node, ast.List):
        return [_value(item, budget) for item in node.elts]
    elif isinstance(node, ast.Tuple):
        return tuple(_value(item, budget) for item in node.elts)
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_value(key, budget): _value(value, budget) for key, value in pairs}
    raise ValueError


def _number(node: ast.AST, budget: list[int]) -> Any:
    value = _value(node, budget)
    if type(value) not in (int, float):
        raise ValueError
    return value


def _arithmetic(operator: type, left: Any, right: Any) -> Any:
    if operator is ast.Pow:
        if abs(right) > 100 or abs(left) > 1e6:
            raise ValueError
        value = left**right
        if type(value) is complex:
            raise ValueError
        return value
    table: dict[type, Callable[[Any, Any], Any]] = {
        ast.Add: lambda a, b: a + b,
        ast.Sub: lambda a, b: a - b,
        ast.Mult: lambda a, b: a * b,
        ast.Div: lambda a, b: a / b,
        ast.FloorDiv: lambda a, b: a // b,
    }
    if operator not in table:
        raise ValueError
    return table[operator](left, right)


# ---- live functions and classes

_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_GLOBAL_STORES = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})
_CLASS_DICT = type.__dict__["__dict__"]
_CLASS_MODULE: Any = type.__dict__["__module__"]
_CLASS_MRO = type.__dict__["__mro__"]
_CACHED = type(functools.lru_cache(len))
_OPAQUE_ROOTS = frozenset(
    {"numpy", "pandas", "polars", "pyarrow", "matplotlib", "builtins", "IPython", "ipykernel"}
)


@functools.lru_cache(maxsize=4096)
def code_names(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """The global names a function's code reads and those it binds, nested functions included."""
    loads: set[str] = set()
    stores: set[str] = set()
    looked_up = "query" in code.co_names or "eval" in code.co_names
    for instruction in dis.get_instructions(code):
        if instruction.opname in _GLOBAL_LOADS:
            loads.add(instruction.argval)
        elif instruction.opname in _GLOBAL_STORES:
            stores.add(instruction.argval)
    for constant in code.co_consts:
        if type(constant) is CodeType:
            inner_loads, inner_stores = code_names(constant)
            loads |= inner_loads
            stores |= inner_stores
        elif looked_up and type(constant) is str:
            loads.update(_AT_NAME.findall(constant))
    return frozenset(loads), frozenset(stores)


def live_reads(names: Iterable[str], namespace: Mapping[str, Any], *, limit: int = 5000) -> frozenset[str]:
    """Further names of `namespace` that the objects under `names` read when they are used.

    Follows functions whose globals are `namespace`, their closures, defaults and wrapped originals,
    classes of the notebook with their bases, instances, bound methods, partials and what containers
    and plain objects hold of those: transitively, at most `limit` objects, without running any of
    their code. The answer holds only names that exist in `namespace`, without those in `names`
    that nothing else reaches.
    """
    return _reach(names, namespace, limit)[0]


def live_stores(names: Iterable[str], namespace: Mapping[str, Any], *, limit: int = 5000) -> frozenset[str]:
    """The names of `namespace` that functions reachable from `names` rebind by ``global``."""
    return _reach(names, namespace, limit)[1]


def _reach(
    names: Iterable[str], namespace: Mapping[str, Any], limit: int
) -> tuple[frozenset[str], frozenset[str]]:
    home = namespace.get("__name__", "__main__")
    found: set[str] = set()
    stores: set[str] = set()
    seen: set[int] = set()
    queue: list[tuple[Any, int]] = [(namespace[name], 0) for name in names if name in namespace]
    while queue and len(seen) < limit:
        value, depth = queue.pop()
        kind = type(value)
        if id(kind) in _PLAIN or id(value) in seen:
            continue
        seen.add(id(value))
        if kind is FunctionType:
            if value.__globals__ is namespace:
                loads, bound = code_names(value.__code__)
                stores |= bound
                for name in loads:
                    if name not in found and name in namespace:
                        found.add(name)
                        queue.append((namespace[name], 0))
            elif depth > 3:
                continue
        if depth <= 6:
            queue.extend((part, depth + 1) for part in _parts(value, kind, home))
    return frozenset(found), frozenset(stores)


# By identity: hashing a type may run a metaclass's own code.
_PLAIN = frozenset(
    map(
        id,
        (int, float, complex, bool, str, bytes, type(None), range, ModuleType, BuiltinMethodType, slice),
    )
)
_MAX_ITEMS = 200


def _parts(value: Any, kind: type, home: str) -> list[Any]:
    """What an object holds that may be a function of the notebook."""
    parts: list[Any] = []
    if kind is FunctionType:
        for cell in value.__closure__ or ():
            try:
                parts.append(cell.cell_contents)
            except ValueError:
                continue
        parts.extend(value.__defaults__ or ())
        parts.extend((value.__kwdefaults__ or {}).values())
        parts.extend(list(value.__dict__.values())[:_MAX_ITEMS])
    elif kind is dict:
        parts.extend(list(value.values())[:_MAX_ITEMS])
    elif kind is list or kind is tuple:
        parts.extend(value[:_MAX_ITEMS])
    elif kind is set or kind is frozenset:
        parts.extend(list(value)[:_MAX_ITEMS] if len(value) <= _MAX_ITEMS else ())
    elif kind is MethodType:
        parts.extend((value.__func__, value.__self__))
    elif kind is functools.partial:
        parts.extend((value.func, *value.args, *value.keywords.values()))
    elif kind is staticmethod or kind is classmethod:
        parts.append(value.__func__)
    elif kind is property:
        parts.extend(part for part in (value.fget, value.fset, value.fdel) if part is not None)
    elif kind is _CACHED:
        parts.extend(value.__dict__.values())
    elif kind is type or issubclass(kind, type):
        if _module(value) == home:
            parts.extend(_CLASS_DICT.__get__(value).values())
            parts.extend(base for base in _CLASS_MRO.__get__(value)[1:] if _module(base) == home)
    else:
        module = _module(kind)
        if module == home:
            parts.append(kind)
        if module.partition(".")[0] not in _OPAQUE_ROOTS:
            parts.extend(_instance_values(value, kind))
    return parts


def _module(kind: type) -> str:
    module = _CLASS_MODULE.__get__(kind)
    return module if type(module) is str else ""


def _instance_values(value: Any, kind: type) -> list[Any]:
    """The values of an instance's own ``__dict__``, if it is an ordinary one."""
    for base in _CLASS_MRO.__get__(kind):
        own = _CLASS_DICT.__get__(base).get("__dict__")
        if own is not None:
            if type(own) is not GetSetDescriptorType:
                return []
            attributes = own.__get__(value)
            return list(attributes.values())[:_MAX_ITEMS] if type(attributes) is dict else []
    return []
