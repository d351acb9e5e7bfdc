"""Types of steps' inputs and outputs, written so that they resolve in the script."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .references import BUILTINS, references

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from .plan import Cell, Hoisted, Moment

#: Modules that everybody calls by the same short name.
_SHORT = {"numpy": "np", "pandas": "pd", "polars": "pl"}
#: Types that are, by inheritance, the plain type a reader expects.
_PLAIN = {"numpy.float64": "float", "numpy.str_": "str"}
#: Classes that are what a platform makes of the one that the code names.
_GENERAL = {"pathlib.PosixPath": "pathlib.Path", "pathlib.WindowsPath": "pathlib.Path"}
_MAIN = "__main__."


class Annotations:
    """The types of names, as annotations.

    Args:
        cells: The kept cells, oldest first; their executions know what their names held.
        hoisted: What stands at the top of the script, as far as it resolves a type.
        kinds: Types of names that the run itself tells, for executions that know none.
        taken: Every name in the user's code: a new import must have none of these.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        hoisted: Hoisted,
        kinds: Mapping[str, str],
        taken: Collection[str],
    ) -> None:
        self._cells = cells
        self._kinds = dict(kinds)
        self._taken = set(taken)
        # A builtin that the code only reads still is what it was.
        self._bound = {
            found.name
            for cell in cells
            for found in references(cell.source.tree.body)
            if found.context != "load"
        } | set(hoisted.definitions)
        self._classes = {
            name for name, found in hoisted.definitions.items() if isinstance(found.node, ast.ClassDef)
        }
        self._by_path = {
            path: name for name, path in imported_paths(found for _, found in hoisted.imports).items()
        }
        #: Imports that the script does without so far, of names that mean nothing else.
        uses = [
            found for cell in cells for found in references(cell.source.tree.body) if found.context != "load"
        ]
        others = {found.name for found in uses if not isinstance(found.node, ast.Import | ast.ImportFrom)}
        paths = imported_paths(found.node for found in uses if isinstance(found.node, ast.stmt))
        self._imported = {name: path for name, path in paths.items() if name not in others}
        self._static = _static_types(cells, {name: path for path, name in self._by_path.items()})
        #: Import statements that annotations need and the user's code does not have.
        self.imports: list[str] = []

    def of(self, name: str, moment: Moment | None = None) -> str:
        """The annotation of a name at a moment (default: at the end), or ``Any``."""
        recorded = self._recorded(name, moment)
        return (self._resolved(recorded) if recorded else "") or self._static.get(name, "") or "Any"

    def _recorded(self, name: str, moment: Moment | None) -> str:
        order, following = moment or (None, None)
        for cell in reversed(self._cells):
            if order is not None and cell.order > order:
                continue
            if following is not None and cell.order == order:
                body = cell.source.tree.body
                place = body.index(following)
                if name in _bound_at_top(body[place:]):
                    # What it held half way through its cell is known to nobody.
                    if name in _bound_at_top(body[:place]):
                        return ""
                    continue
            if name in cell.execution.types:
                return cell.execution.types[name]
            if name in cell.execution.bound and cell.execution.types:
                return ""
        return self._kinds.get(name, "")

    def _resolved(self, recorded: str) -> str:
        """`recorded` with every class by the name it has in the script; ``""`` where that cannot be."""
        if recorded in _PLAIN:
            return _PLAIN[recorded]
        try:
            tree = ast.parse(recorded, mode="eval")
        except (SyntaxError, ValueError):
            return ""
        resolved = _Resolver(self._name_of).visit(tree)
        text = ast.unparse(resolved)
        return "" if text == "Any" else text

    def _name_of(self, path: str) -> str:
        path = _GENERAL.get(path, path)
        if path in _PLAIN:
            return _PLAIN[path]
        if path.startswith(_MAIN):
            name = path.removeprefix(_MAIN)
            return name if name in self._classes else ""
        if path in self._by_path:
            return self._by_path[path]
        module, _, name = path.rpartition(".")
        if not module:
            return name if name in BUILTINS and name not in self._bound else ""
        if module in self._by_path:
            return f"{self._by_path[module]}.{name}"
        short = _SHORT.get(module, "")
        wanted = short or name
        itself = self._imported.get(wanted) == (module if short else path)
        if (wanted in self._taken and not itself) or wanted in BUILTINS:
            return ""
        self.imports.append(f"import {module} as {short}" if short else f"from {module} import {name}")
        self._taken.add(wanted)
        self._by_path[module if short else path] = wanted
        return f"{short}.{name}" if short else name


def _bound_at_top(statements: Sequence[ast.stmt]) -> set[str]:
    return {found.name for found in references(statements) if found.context == "store"}


class _Resolver(ast.NodeTransformer):
    def __init__(self, name_of: Callable[[str], str]) -> None:
        self._name_of = name_of

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        # Nothing is known of the parts of what is not known itself.
        return node.value if isinstance(node.value, ast.Name) and node.value.id == "Any" else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self._named(ast.unparse(node))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._named(node.id)

    def _named(self, path: str) -> ast.AST:
        return ast.parse(self._name_of(path) or "Any", mode="eval").body


def imported_paths(statements: Iterable[ast.stmt]) -> dict[str, str]:
    """What the names of import statements stand for: ``np`` → ``numpy``, ``dump`` → ``joblib.dump``."""
    found: dict[str, str] = {}
    for node in statements:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                found[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _static_types(cells: Iterable[Cell], imported: Mapping[str, str]) -> dict[str, str]:
    """What assignments themselves tell, for names whose values nobody saw."""
    known: dict[str, str] = {}
    for cell in cells:
        for statement in cell.statements:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                name, found = statement.targets[0].id, _static_type(statement.value, imported)
                known[name] = found if known.get(name, found) == found else ""
                continue
            for reference in references(statement):
                if reference.context == "store":
                    known[reference.name] = ""
    return known


def _static_type(value: ast.expr, imported: Mapping[str, str]) -> str:
    if isinstance(value, ast.Constant) and type(value.value) in (int, float, str, bool):
        return type(value.value).__name__
    if isinstance(value, ast.JoinedStr):
        return "str"
    if isinstance(value, ast.List | ast.ListComp):
        return "list"
    if isinstance(value, ast.Dict | ast.DictComp):
        return "dict"
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        name = value.func.id
        if name in imported and name[:1].isupper():
            return name
    return ""
