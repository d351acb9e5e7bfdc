"""What expressions do to names."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from .bindings import Bindings

if TYPE_CHECKING:
    from collections.abc import Iterable

_AT_NAME = re.compile(r"@([A-Za-z_]\w*)")
_EXPANDED = re.compile(r"\{\s*([A-Za-z_]\w*)|\$([A-Za-z_]\w*)")
_FORMULA_NAME = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*(?=[(.])")
_OPTIONS = re.compile(r"^\s*(?:-\w\s*\S*\s+)*")
_WHOLE_NAMESPACE = frozenset({"eval", "exec", "globals", "locals"})
_NESTED_MAGICS = frozenset({"time", "capture", "prun", "memit", "timeit", "track", "scratch"})
_DYNAMIC_MAGICS = frozenset(
    {"run", "load", "reset", "reset_selective", "store", "macro", "cython", "pylab", "rerun"}
)


class Expressions(Bindings):
    """Walks expressions; a method is named for the node it is given."""

    def name(self, node: ast.Name) -> None:
        """A name: used, bound or deleted, as its context says."""
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
        """Texts are kept, they may be paths."""
        if type(node.value) is str:
            self.strings.append(node.value)

    def place(self, node: ast.Attribute | ast.Subscript) -> None:
        """``a.b`` and ``a[i]``; storing there changes ``a``."""
        if type(node.ctx) is not ast.Load:
            self.touch_roots(node)
        elif type(node) is ast.Attribute:
            dotted = dotted_name(node)
            if dotted[0] != ".":
                self.attributes.add(dotted)
        self.visit(node.value)
        if type(node) is ast.Subscript:
            self.visit(node.slice)

    def formatted(self, node: ast.JoinedStr) -> None:
        """An f-string: its values, not its text."""
        for part in node.values:
            if type(part) is not ast.Constant:
                self.visit(part)

    def compare(self, node: ast.Compare) -> None:
        """``x in it`` consumes an iterator."""
        self.visit(node.left)
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if type(operator) is ast.In or type(operator) is ast.NotIn:
                self.touch_roots(right)
            self.visit(right)

    def short_circuit(self, node: ast.BoolOp) -> None:
        """``a and b``: what ``b`` binds is not sure."""
        self.visit(node.values[0])
        before = set(self.sure)
        for value in node.values[1:]:
            self.visit(value)
        self.sure = before

    def conditional(self, node: ast.IfExp) -> None:
        """``a if c else b``: one of two."""
        self.visit(node.test)
        self.branch((node.body,), (node.orelse,))

    def starred(self, node: ast.Starred) -> None:
        """``*it`` consumes an iterator."""
        if type(node.ctx) is ast.Load:
            self.touch_roots(node.value)
        self.visit(node.value)

    def consuming(self, node: ast.YieldFrom | ast.Await) -> None:
        """``await`` and ``yield from`` run what they wait for."""
        self.touch_roots(node.value)
        self.visit(node.value)

    def walrus(self, node: ast.NamedExpr) -> None:
        """``(name := value)``, which a comprehension binds outside of itself."""
        self.visit(node.value)
        scope = self.scope
        self.store(node.target.id)
        if scope is not None and scope.kind == "comprehension":
            self.sure.discard(node.target.id)

    def call(self, node: ast.Call) -> None:
        """A call may change what it is called on and what it is given."""
        function = node.func
        dotted = dotted_name(function)
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
        """Calls that look names up by themselves."""
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

    def lambda_(self, node: ast.Lambda) -> None:
        """A lambda may be called where it stands."""
        self.signature(node.args)
        for name in self.function_free(node.args, (node.body,)):
            self.load(name)

    def signature(self, arguments: ast.arguments) -> None:
        """Defaults and annotations are evaluated where the function is defined."""
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.touch_roots(default)
                self.visit(default)
        for argument in arguments_of(arguments):
            if argument.annotation is not None:
                self.visit(argument.annotation)

    def function_free(
        self, arguments: ast.arguments, body: Iterable[ast.AST], type_params: Iterable[ast.AST] = ()
    ) -> set[str]:
        """The free names of a function's body."""
        loops, self.loops = self.loops, 0
        scope = self.open("function")
        scope.stores.update(argument.arg for argument in arguments_of(arguments))
        scope.stores.update(param.name for param in type_params)  # type: ignore[attr-defined]
        self.body(body)
        self.loops = loops
        return self.close(scope)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        """Its variables are its own; its first iterable is evaluated outside."""
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


def arguments_of(arguments: ast.arguments) -> list[ast.arg]:
    """All arguments of a signature, in no particular order."""
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if arguments.vararg is not None:
        found.append(arguments.vararg)
    if arguments.kwarg is not None:
        found.append(arguments.kwarg)
    return found


def dotted_name(node: ast.AST) -> str:
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
