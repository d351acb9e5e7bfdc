"""What statements do to names, branch by branch and in their order."""

from __future__ import annotations

import ast
from typing import Any

from .cell import Import
from .expressions import Expressions, dotted_name


class Statements(Expressions):
    """Walks a cell; a method is named for the node it is given."""

    def assign(self, node: ast.Assign) -> None:
        """``f = lambda: …`` defines a function; other values are read before the target is bound."""
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
        """``x: T = v``; without a value nothing is bound."""
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
        """``x += v`` reads, changes and binds ``x``."""
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
        """One of two branches."""
        self.visit(node.test)
        self.branch(node.body, node.orelse)

    def for_(self, node: ast.For | ast.AsyncFor) -> None:
        """A loop may not run at all, unless its iterable is a literal."""
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
        """A loop may not run at all."""
        self.visit(node.test)
        before = set(self.sure)
        self.loops += 1
        self.body(node.body)
        self.loops -= 1
        self.sure = before
        self.body(node.orelse)

    def with_(self, node: ast.With | ast.AsyncWith) -> None:
        """A block that runs once, unless its context swallows exceptions."""
        swallows = False
        for item in node.items:
            self.touch_roots(item.context_expr)
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.visit(item.optional_vars)
            if isinstance(item.context_expr, ast.Call):
                name = dotted_name(item.context_expr.func).rpartition(".")[2]
                swallows = swallows or name in ("suppress", "raises", "assertRaises")
        before = set(self.sure)
        self.body(node.body)
        if swallows:
            self.sure = before

    def try_(self, node: ast.Try) -> None:
        """The body, or any part of it and a handler."""
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
        """None or one of the cases."""
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
        """``case name`` and ``case *rest``."""
        if type(node) is ast.MatchAs and node.pattern is not None:
            self.visit(node.pattern)
        if node.name:
            self.store(node.name)

    def mapping_pattern(self, node: ast.MatchMapping) -> None:
        """``case {"key": name, **rest}``."""
        self.body(node.keys)
        self.body(node.patterns)
        if node.rest:
            self.store(node.rest)

    def import_(self, node: ast.Import) -> None:
        """``import a.b`` binds ``a``."""
        for alias in node.names:
            self.modules.add(alias.name)
            name = alias.asname or alias.name.partition(".")[0]
            if self.scope is None:
                self.imports.append(Import(alias.name, "", name))
            self.store(name)

    def import_from(self, node: ast.ImportFrom) -> None:
        """``from a import b``; what a star binds cannot be known here."""
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
        """``global x`` in a function."""
        if self.scope is not None:
            self.scope.globals.update(node.names)

    def nonlocal_(self, node: ast.Nonlocal) -> None:
        """``nonlocal x``: a name of the function around."""
        if self.scope is not None:
            self.scope.loads.update(node.names)
            self.scope.globals.update(node.names)

    def type_alias(self, node: Any) -> None:
        """``type X = …``, evaluated when it is used."""
        self.local_body((node.value,))
        self.visit(node.name)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Decorators and defaults now, the body when it is used."""
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

    def class_(self, node: ast.ClassDef) -> None:
        """The body of a class runs now, its methods when it is used."""
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


Statements.handlers = {
    ast.Name: Statements.name,
    ast.Constant: Statements.constant,
    ast.Attribute: Statements.place,
    ast.Subscript: Statements.place,
    ast.JoinedStr: Statements.formatted,
    ast.Compare: Statements.compare,
    ast.BoolOp: Statements.short_circuit,
    ast.IfExp: Statements.conditional,
    ast.Starred: Statements.starred,
    ast.YieldFrom: Statements.consuming,
    ast.Await: Statements.consuming,
    ast.NamedExpr: Statements.walrus,
    ast.Call: Statements.call,
    ast.FunctionDef: Statements.function,
    ast.AsyncFunctionDef: Statements.function,
    ast.Lambda: Statements.lambda_,
    ast.ClassDef: Statements.class_,
    ast.ListComp: Statements.comprehension,
    ast.SetComp: Statements.comprehension,
    ast.DictComp: Statements.comprehension,
    ast.GeneratorExp: Statements.comprehension,
    ast.Assign: Statements.assign,
    ast.AnnAssign: Statements.annotated,
    ast.AugAssign: Statements.augmented,
    ast.If: Statements.if_,
    ast.For: Statements.for_,
    ast.AsyncFor: Statements.for_,
    ast.While: Statements.while_,
    ast.With: Statements.with_,
    ast.AsyncWith: Statements.with_,
    ast.Try: Statements.try_,
    ast.TryStar: Statements.try_,
    ast.Match: Statements.match_,
    ast.MatchAs: Statements.capture_pattern,
    ast.MatchStar: Statements.capture_pattern,
    ast.MatchMapping: Statements.mapping_pattern,
    ast.Import: Statements.import_,
    ast.ImportFrom: Statements.import_from,
    ast.Global: Statements.global_,
    ast.Nonlocal: Statements.nonlocal_,
}
if hasattr(ast, "TypeAlias"):
    Statements.handlers[ast.TypeAlias] = Statements.type_alias


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
