"""Names that are surely bound so far, those that may be, and those read before they were."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, ClassVar

from .cell import CellNames, Import, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Scope:
    """What a function, class or comprehension uses, until it is closed and its free names are known."""

    __slots__ = ("deferred", "globals", "kind", "loads", "outer", "stores", "touched")

    def __init__(self, kind: str, outer: Scope | None) -> None:
        self.kind = kind
        self.outer = outer
        self.loads: set[str] = set()
        self.stores: set[str] = set()
        self.touched: set[str] = set()
        self.globals: set[str] = set()
        self.deferred: set[str] = set()


class Bindings:
    """One pass over a cell's tree. `scope` is None at the top level.

    Subclasses fill `handlers` with what a node of each type does to names; other nodes are walked.
    """

    handlers: ClassVar[dict[type, Callable[[Any, Any], None]]] = {}

    def __init__(self) -> None:
        self.scope: Scope | None = None
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
        """What was found, once every statement has been walked."""
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
        """A name is used."""
        scope = self.scope
        if scope is not None:
            if scope.kind == "class" and name in scope.stores:
                return
            scope.loads.add(name)
            return
        self.load_global(name)

    def load_global(self, name: str) -> None:
        """A name of the top level is used: read, unless it is surely bound by now."""
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
        """A name is bound."""
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
        """A name's object may be changed."""
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
        """Walk statements in order."""
        for statement in statements:
            self.visit(statement)

    def visit(self, node: ast.AST) -> None:
        """Walk a node: by its handler, or by its children."""
        kind = type(node)
        handler = self.handlers.get(kind)
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

    # ---- scopes

    def local_body(self, statements: Iterable[ast.AST]) -> None:
        """Walk statements that run in a scope of their own, at once."""
        scope = self.open("function")
        self.body(statements)
        for name in self.close(scope):
            self.load(name)

    def open(self, kind: str) -> Scope:
        """Enter a scope."""
        self.scope = Scope(kind, self.scope)
        return self.scope

    def close(self, scope: Scope) -> set[str]:
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
