"""Which of a cell's names belong to the notebook's top level, and where each is used.

`references` resolves every name of a tree by Python's scoping rules and yields those that mean the
notebook's own namespace. `reads_before_bound` follows statements in order, so that a step knows what
it has to be given.
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}
#: Calls that see names without writing them.
DYNAMIC = frozenset({"eval", "exec", "globals", "locals", "vars"})
_MENTIONED = re.compile(r"@([A-Za-z_]\w*)")
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Reference:
    """One use of a top-level name.

    `context` is ``load``, ``store`` or ``delete``. `deferred` uses happen when a function is called,
    not where it stands. `mentioned` names stand in a text that a library reads (a pandas query).
    """

    name: str
    node: ast.AST
    context: str
    deferred: bool = False
    mentioned: bool = False


@dataclass
class _Scope:
    kind: str
    local: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)


def references(nodes: ast.AST | Iterable[ast.AST]) -> list[Reference]:
    """All uses of top-level names in `nodes`, in the order they stand in the source."""
    walker = _Resolver()
    for node in [nodes] if isinstance(nodes, ast.AST) else nodes:
        walker.visit(node)
    return walker.found


class _Resolver(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: list[Reference] = []
        self.scopes: list[_Scope] = []

    # ---- names

    def _add(self, name: str, node: ast.AST, context: str, *, mentioned: bool = False) -> None:
        if self._is_global(name, context):
            deferred = any(scope.kind == "function" for scope in self.scopes)
            self.found.append(Reference(name, node, context, deferred, mentioned))

    def _is_global(self, name: str, context: str) -> bool:
        for depth, scope in enumerate(reversed(self.scopes)):
            if name in scope.globals:
                return True
            if scope.kind == "class" and depth > 0:
                continue
            if name in scope.local:
                return False
            if context != "load" and scope.kind != "comprehension":
                return False
        return True

    def visit_Name(self, node: ast.Name) -> None:
        context = {ast.Load: "load", ast.Store: "store", ast.Del: "delete"}[type(node.ctx)]
        self._add(node.id, node, context)

    def _visit_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if alias.name != "*":
                self._add(alias.asname or alias.name.partition(".")[0], node, "store")

    visit_Import = _visit_import  # noqa: N815
    visit_ImportFrom = _visit_import  # noqa: N815

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._add(node.name, node, "store")
        self.generic_visit(node)

    def _visit_pattern(self, node: ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self._add(node.name, node, "store")
        self.generic_visit(node)

    visit_MatchAs = _visit_pattern  # noqa: N815
    visit_MatchStar = _visit_pattern  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self._add(node.rest, node, "store")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("query", "eval"):
            for text in _texts(node):
                for name in _MENTIONED.findall(text):
                    self._add(name, node, "load", mentioned=True)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._add(node.target.id, node.target, "load")
        self.generic_visit(node)

    # ---- scopes

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in (*node.decorator_list, *_defaults(node.args), *_annotations(node)):
            self.visit(part)
        self._add(node.name, node, "store")
        self._inside(_function_scope(node.args, node.body), node.body)

    visit_FunctionDef = _visit_function  # noqa: N815
    visit_AsyncFunctionDef = _visit_function  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in _defaults(node.args):
            self.visit(part)
        self._inside(_function_scope(node.args, [node.body]), [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        self._add(node.name, node, "store")
        scope = _Scope("class")
        _collect_locals(node.body, scope)
        self._inside(scope, node.body)

    def _inside(self, scope: _Scope, body: Iterable[ast.AST]) -> None:
        self.scopes.append(scope)
        for statement in body:
            self.visit(statement)
        self.scopes.pop()

    def _visit_comprehension(self, node: _Comprehension) -> None:
        self.visit(node.generators[0].iter)
        scope = _Scope("comprehension")
        for generator in node.generators:
            scope.local.update(_stored(generator.target))
        parts: list[ast.AST] = []
        for index, generator in enumerate(node.generators):
            parts.extend([generator.target, *([generator.iter] if index else []), *generator.ifs])
        parts.extend([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self._inside(scope, parts)

    visit_ListComp = _visit_comprehension  # noqa: N815
    visit_SetComp = _visit_comprehension  # noqa: N815
    visit_DictComp = _visit_comprehension  # noqa: N815
    visit_GeneratorExp = _visit_comprehension  # noqa: N815


def _texts(node: ast.Call) -> Iterator[str]:
    for value in (*node.args, *(keyword.value for keyword in node.keywords)):
        for part in value.values if isinstance(value, ast.JoinedStr) else [value]:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value


def _stored(node: ast.AST) -> set[str]:
    return {
        found.id
        for found in ast.walk(node)
        if isinstance(found, ast.Name) and not isinstance(found.ctx, ast.Load)
    }


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(value for value in arguments.kw_defaults if value is not None)]


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    found = [arg.annotation for arg in all_arguments(node.args) if arg.annotation is not None]
    return [*found, node.returns] if node.returns is not None else found


def root_of(node: ast.AST) -> str:
    """The name that an expression like ``a.b[c].d`` begins with, ``""`` if it begins otherwise."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def path_of(node: ast.AST, modules: Mapping[str, str]) -> str:
    """What an expression like ``pd.set_option`` names, calls in it left out; ``""`` if it is of no module."""
    begin = root_of(node)
    if begin not in modules:
        return ""
    words: list[str] = []
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        if isinstance(node, ast.Attribute):
            words.append(node.attr)
        node = node.func if isinstance(node, ast.Call) else node.value
    return ".".join([modules[begin], *reversed(words)])


def last_name(node: ast.AST | None) -> str:
    """The name that an expression like ``a.b`` or ``b`` ends with, ``""`` if it ends otherwise."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """Every parameter of a function, star parameters included."""
    stars = [arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def _function_scope(arguments: ast.arguments, body: Iterable[ast.AST]) -> _Scope:
    scope = _Scope("function", {arg.arg for arg in all_arguments(arguments)})
    _collect_locals(body, scope)
    return scope


def _collect_locals(body: Iterable[ast.AST], scope: _Scope) -> None:
    """The names a function or class body binds, without those of scopes inside it."""
    stack: list[ast.AST] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, _Function | ast.ClassDef):
            scope.local.add(node.name)
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, _Comprehension):
            walruses = [found for found in ast.walk(node) if isinstance(found, ast.NamedExpr)]
            scope.local.update(found.target.id for found in walruses)
            continue
        if isinstance(node, ast.Global | ast.Nonlocal):
            if isinstance(node, ast.Global):
                scope.globals.update(node.names)
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            scope.local.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            scope.local.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            scope.local.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.local.add(node.rest)
        stack.extend(ast.iter_child_nodes(node))
    scope.local -= scope.globals


# ---- order


def reads_before_bound(statements: Iterable[ast.stmt]) -> tuple[set[str], set[str], set[str]]:
    """What statements may read before they bind it, what they may bind, and what they surely bind.

    A function's body counts as read where the function stands, so the first set can hold more than
    is needed, never less. Names of builtins are in it too.
    """
    flow = _Flow()
    flow.block(list(statements))
    return flow.reads, flow.bound, flow.sure


class _Flow:
    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.bound: set[str] = set()
        self.sure: set[str] = set()

    def block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def use(self, nodes: ast.AST | Iterable[ast.AST]) -> None:
        stored = []
        for found in references(nodes):
            if found.context != "store":
                if found.name not in self.sure:
                    self.reads.add(found.name)
                if found.context == "delete":
                    self.sure.discard(found.name)
            else:
                stored.append(found)
        for found in stored:
            self.bound.add(found.name)
            if not found.deferred:
                self.sure.add(found.name)

    def branch(self, *blocks: list[ast.stmt]) -> None:
        before = set(self.sure)
        ends = []
        for block in blocks:
            self.sure = set(before)
            self.block(block)
            if not (block and isinstance(block[-1], ast.Raise | ast.Continue | ast.Break | ast.Return)):
                ends.append(self.sure)
        self.sure = set.intersection(*ends) if ends else before

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Constant) and node.test.value is True:
            self.block(node.body)
        elif isinstance(node, ast.If):
            self.use(node.test)
            self.branch(node.body, node.orelse)
        elif isinstance(node, ast.For | ast.AsyncFor):
            self.use(node.iter)
            before = set(self.sure)
            self.use(node.target)
            self.block(node.body)
            self.sure = before
            self.block(node.orelse)
        elif isinstance(node, ast.While):
            self.use(node.test)
            before = set(self.sure)
            self.block(node.body)
            self.sure = before
            self.block(node.orelse)
        elif isinstance(node, ast.With | ast.AsyncWith):
            self.use(
                [part for item in node.items for part in (item.context_expr, item.optional_vars) if part]
            )
            self.block(node.body)
        elif isinstance(node, ast.Try | ast.TryStar):
            before = set(self.sure)
            self.block(node.body)
            tried = self.sure
            self.sure = set(before)
            for handler in node.handlers:
                self.sure = set(before)
                if handler.type:
                    self.use(handler.type)
                if handler.name:
                    self.bound.add(handler.name)
                    self.sure.add(handler.name)
                self.block(handler.body)
            self.sure = tried
            self.block(node.orelse)
            self.sure = self.sure & tried if not node.handlers else before | (self.sure & before)
            self.block(node.finalbody)
        elif isinstance(node, ast.Match):
            self.use(node.subject)
            for case in node.cases:
                self.use([case.pattern, *([case.guard] if case.guard else [])])
            self.branch(*(case.body for case in node.cases), [])
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            if node.value is not None:
                self.use(node.value)
            if isinstance(node, ast.AnnAssign):
                self.use(node.annotation)
                if node.value is None:
                    return
            self.use(node.targets if isinstance(node, ast.Assign) else _aug_target(node))
        else:
            self.use(node)


def _aug_target(node: ast.AnnAssign | ast.AugAssign) -> list[ast.AST]:
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        load = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
        return [load, node.target]
    return [node.target]
