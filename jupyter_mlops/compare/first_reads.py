"""Which names a cell reads before it has bound them itself, now that it is known which of its loops ran.

Capture tells what a cell *may* read from before: after ``for …: loss = …``, ``print(loss)`` could show an
older `loss`, had the loop no turn. A loop whose target is rebound had one.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from jupyter_mlops.records import Execution

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def truly_read(cell: Execution) -> frozenset[str]:
    """Those of the reads of a cell whose value it takes from cells before it, as far as its syntax says."""
    reads = frozenset(cell.reads)
    doubtful = reads & frozenset(cell.bound)
    if not doubtful or cell.status != "ok":
        return reads
    try:
        reading = _Reading(frozenset(cell.bound))
        reading.visit(ast.parse(cell.code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return reads
    return (reads - doubtful) | (doubtful & reading.found)


class _Reading(ast.NodeVisitor):
    """A walk over an executed cell: `made` is what it has bound so far, `found` what it read before that."""

    def __init__(self, bound: frozenset[str]) -> None:
        self.bound = bound
        self.made: frozenset[str] = frozenset()
        self.found: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.made |= {node.id}
        elif isinstance(node.ctx, ast.Del):
            self.made -= {node.id}
        elif node.id not in self.made:
            self.found.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._each([node.value, *node.targets])

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._each([node.value, node.target])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        if isinstance(node.target, ast.Name) and node.target.id not in self.made:
            self.found.add(node.target.id)
        self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._each([node.value, node.target])

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self._turns([node.target, *node.body], had=_stored([node.target]) <= self.bound)
        self._each(node.orelse)

    visit_AsyncFor = visit_For  # noqa: N815

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        stored = _stored(node.body)
        self._turns(node.body, had=bool(stored) and stored <= self.bound)
        self._each(node.orelse)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._one_of([node.body, node.orelse])

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        self._one_of([[], *([case] for case in node.cases)])

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        self._one_of([[*node.body, *node.orelse], *([handler] for handler in node.handlers)])
        self._each(node.finalbody)

    visit_TryStar = visit_Try  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._each([*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)])
        self._inside(node.body, _parameters(node.args) | _stored(node.body))
        self.made |= {node.name}

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._each([*node.args.defaults, *filter(None, node.args.kw_defaults)])
        self._inside([node.body], _parameters(node.args))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._each([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])
        self._inside(node.body, frozenset())
        self.made |= {node.name}

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._inside([*node.generators, node.elt], frozenset())

    visit_SetComp = visit_ListComp  # noqa: N815
    visit_GeneratorExp = visit_ListComp  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._inside([*node.generators, node.key, node.value], frozenset())

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._each([node.iter, node.target, *node.ifs])

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.made |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}

    visit_ImportFrom = visit_Import  # noqa: N815

    def _each(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _turns(self, body: Sequence[ast.AST], *, had: bool) -> None:
        """The body of a loop; what it binds stands only if the loop had a turn."""
        before = self.made
        self._each(body)
        if not had:
            self.made = before

    def _one_of(self, branches: Sequence[Sequence[ast.AST]]) -> None:
        """Branches of which one was taken: what all of them bind is bound."""
        before = self.made
        ends = []
        for branch in branches:
            self.made = before
            self._each(branch)
            ends.append(self.made)
        self.made = frozenset.intersection(*ends)

    def _inside(self, nodes: Sequence[ast.AST], own: frozenset[str]) -> None:
        """A scope of its own, with the names that are its own."""
        before = self.made
        self.made = before | own
        self._each(nodes)
        self.made = before


def _stored(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """The names that these statements bind, those of functions inside them left out."""
    found: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        if not isinstance(node, _FUNCTIONS):
            todo += ast.iter_child_nodes(node)
    return frozenset(found)


def _parameters(arguments: ast.arguments) -> frozenset[str]:
    every: Collection[ast.arg | None] = (
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    )
    return frozenset(argument.arg for argument in every if argument is not None)
