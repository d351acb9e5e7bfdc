"""What leaves the steps for the top of the script: imports, functions and classes, configuration.

A function that used the notebook's globals is given them as keyword arguments, if every use of it
is a plain call; else it stays inside its step. A literal becomes configuration if nothing else binds
its name; one that is assigned more than once is left alone, and that is said.
"""

from __future__ import annotations

import ast
import keyword
import re
from pathlib import Path
from typing import TYPE_CHECKING

from .plan import Cell, ConfigField, Definition, Hoisted, Site, Words
from .references import BUILTINS, Reference, references

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from jupyter_mlops.records import ParamDetail

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_SCALARS = (bool, int, float, str)
#: Letters of a text that still is a setting, and no data or message.
_LONGEST = 100


def hoist(
    cells: Sequence[Cell],
    *,
    params: Mapping[str, ParamDetail],
    inputs: Mapping[str, str],
    outputs: Collection[str],
    sites: Sequence[Site],
    logs: Collection[ast.stmt],
    words: Words,
    directory: Path,
    shared: bool = False,
) -> Hoisted:
    """Decide what leaves the cells.

    Args:
        cells: Trimmed cells, oldest first.
        params: The run's parameters with their details.
        inputs: Absolute paths of the files that are read, each with the text to configure it by.
        outputs: Absolute paths of files that the kept cells write.
        sites: Where metrics are recorded; a function holding one is given the metrics.
        logs: Top-level statements with translated logging calls.
        words: The script's own names.
        directory: The notebook's directory, which relative paths in the code begin at.
        shared: Leave definitions and literals in one namespace (code that uses ``eval``).
    """
    hoisted = Hoisted()
    uses = [(cell, found) for cell in cells for found in references(cell.statements)]
    stores: dict[str, list[Reference]] = {}
    for _, found in uses:
        if found.context != "load":
            stores.setdefault(found.name, []).append(found)
    _hoist_imports(cells, stores, hoisted)
    _hoist_paths(cells, inputs, outputs, directory, hoisted)
    if shared:
        return hoisted
    _hoist_settings(cells, params, uses, stores, hoisted, inputs, directory)
    _share_fields(hoisted, directory)
    _hoist_constants(cells, uses, stores, hoisted)
    _hoist_definitions(cells, uses, stores, sites, logs, words, hoisted)
    return hoisted


# ---- imports


def _hoist_imports(cells: Sequence[Cell], stores: Mapping[str, list[Reference]], hoisted: Hoisted) -> None:
    seen: dict[str, str] = {}
    moved = False
    forgotten = any("sys.modules" in cell.execution.code for cell in cells)
    for cell in cells:
        for statement in cell.statements:
            if not isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            star = is_star(statement)
            text = {
                alias.asname or alias.name.partition(".")[0]: _import_of(statement, alias)
                for alias in statement.names
            }
            plain = all(
                all(isinstance(found.node, ast.Import | ast.ImportFrom) for found in stores.get(name, ()))
                for name in text
            )
            agreed = all(seen.get(name, path) == path for name, path in text.items())
            # What stands at the top is there, whatever was done to the path since, if Python remembers it.
            again = not forgotten and all(name in seen for name in text)
            if star or (plain and agreed and (again or not moved)):
                seen.update(text)
                hoisted.imports.append((cell, statement))
        moved = moved or _sets_paths(cell)


def is_star(statement: ast.stmt) -> bool:
    """Whether a statement is ``from somewhere import *``."""
    return isinstance(statement, ast.ImportFrom) and any(alias.name == "*" for alias in statement.names)


def _sets_paths(cell: Cell) -> bool:
    """Whether the cell's own code changes what an import after it finds."""
    wanted = {("os", "environ"), ("os", "putenv"), ("sys", "path")}
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in wanted
        and not _only_read(cell, node)
        for statement in cell.statements
        for node in ast.walk(statement)
    )


def _only_read(cell: Cell, node: ast.Attribute) -> bool:
    parent = cell.source.parents.get(node)
    if isinstance(parent, ast.Subscript):
        return isinstance(parent.ctx, ast.Load)
    return isinstance(parent, ast.Attribute) and parent.attr in ("get", "items", "keys", "values", "copy")


def _import_of(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    if isinstance(statement, ast.Import):
        return alias.name if alias.asname else alias.name.partition(".")[0]
    return f"{'.' * statement.level}{statement.module or ''}:{alias.name}"


# ---- configuration


def _hoist_settings(
    cells: Sequence[Cell],
    params: Mapping[str, ParamDetail],
    uses: Sequence[tuple[Cell, Reference]],
    stores: Mapping[str, list[Reference]],
    hoisted: Hoisted,
    inputs: Mapping[str, str],
    directory: Path,
) -> None:
    mentioned = {found.name for _, found in uses if found.mentioned}
    in_classes = {
        found.name
        for cell in cells
        for statement in cell.statements
        if isinstance(statement, ast.ClassDef)
        for found in references(statement)
        if found.context == "load"
    }
    for cell in cells:
        for statement in cell.statements:
            name = _bound_literal(statement)
            if not name or (name not in params and not _is_path(statement, inputs, directory)):
                continue
            detail = params.get(name)
            if detail is not None and detail.origin not in ("literal", "inherited", "override"):
                continue
            if any(field.name == name for _, _, field in hoisted.paths):
                continue
            if len(stores.get(name, ())) != 1:
                hoisted.notes.append(f"`{name}` is assigned more than once and stays in the code.")
                continue
            if name in mentioned or name in in_classes or keyword.iskeyword(name) or name == "base_directory":
                hoisted.notes.append(f"`{name}` is looked up by name elsewhere and stays in the code.")
                continue
            value = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
            if isinstance(value, str) and (len(value) > _LONGEST or "\n" in value):
                hoisted.notes.append(f"`{name}` is a long text, no setting, and stays in the code.")
                continue
            kind = "input" if _is_path(statement, inputs, directory) else "value"
            field = ConfigField(name, value, type(value).__name__, kind)
            hoisted.settings[name] = (cell, statement, field)


def _share_fields(hoisted: Hoisted, directory: Path) -> None:
    """One file, one setting: a path that a name is bound to goes by that name everywhere."""
    named = {
        _absolute(str(field.value), directory): field
        for _, _, field in hoisted.settings.values()
        if field.kind == "input"
    }
    hoisted.paths = [
        (cell, node, named.get(_absolute(str(node.value), directory), field))
        for cell, node, field in hoisted.paths
    ]


def _hoist_constants(
    cells: Sequence[Cell],
    uses: Sequence[tuple[Cell, Reference]],
    stores: Mapping[str, list[Reference]],
    hoisted: Hoisted,
) -> None:
    """Literals that classes look up when they are used, bound once: constants of the script."""
    wanted = {
        found.name
        for cell in cells
        for statement in cell.statements
        if isinstance(statement, ast.ClassDef)
        for found in references(statement)
        if found.context == "load" and found.deferred
    }
    for cell in cells:
        for statement in cell.statements:
            name = _bound_literal(statement)
            if name in wanted and name not in hoisted.settings and len(stores.get(name, ())) == 1:
                hoisted.constants.append((cell, statement))


def _bound_literal(statement: ast.stmt) -> str:
    """The name in ``name = 0.1``, else ``""``."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target: ast.expr = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign):
        target = statement.target
    else:
        return ""
    if not isinstance(target, ast.Name) or statement.value is None:
        return ""
    try:
        value = ast.literal_eval(statement.value)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return ""
    return target.id if type(value) in _SCALARS else ""


def _is_path(statement: ast.stmt, inputs: Mapping[str, str], directory: Path) -> bool:
    value = getattr(statement, "value", None)
    return (
        isinstance(value, ast.Constant)
        and isinstance(value.value, str)
        and _absolute(value.value, directory) in inputs
    )


def _absolute(text: str, directory: Path) -> str:
    try:
        return str(_normal(directory / Path(text).expanduser())) if text and len(text) < 4096 else ""
    except (ValueError, RuntimeError, OSError):
        return ""


def _normal(path: Path) -> Path:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and len(parts) > 1:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return Path(*parts)


def _hoist_paths(
    cells: Sequence[Cell],
    inputs: Mapping[str, str],
    outputs: Collection[str],
    directory: Path,
    hoisted: Hoisted,
) -> None:
    """Text constants that name a file the cells read or write, where they are given to a call."""
    fields: dict[str, ConfigField] = {}
    found = [
        (cell, node, _absolute(node.value, directory))
        for cell in cells
        for statement in cell.statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _given_to_call(cell, node)
    ]
    loose = {
        use.path
        for cell in cells
        for use in cell.execution.files
        if not any(owner is cell and place == use.path for owner, _, place in found)
    }
    for cell, node, place in found:
        if place in inputs or (place in outputs and place not in loose):
            if place not in fields:
                fields[place] = _path_field(str(node.value), place, place in outputs, fields)
            hoisted.paths.append((cell, node, fields[place]))


def _given_to_call(cell: Cell, node: ast.Constant) -> bool:
    parent = cell.source.parents.get(node)
    if isinstance(parent, ast.keyword):
        parent = cell.source.parents.get(parent)
    if not isinstance(parent, ast.Call) or cell.source.inside_string(node):
        return False
    # A part of a path that is put together says nothing by itself.
    return not (isinstance(parent.func, ast.Attribute) and parent.func.attr in ("join", "joinpath", "glob"))


def _path_field(text: str, place: str, written: bool, fields: Mapping[str, ConfigField]) -> ConfigField:
    stem = re.sub(r"\W+", "_", Path(text).stem, flags=re.ASCII).strip("_").lower()
    base = f"{stem}_path" if stem and not stem[0].isdigit() else "data_path"
    taken = {field.name for field in fields.values()} | {"base_directory"}
    name, number = base, 2
    while name in taken:
        name = f"{base}_{number}"
        number += 1
    value = Path(text).name if written else (text if not text.startswith("~") else place)
    return ConfigField(name, value, "str", "output" if written else "input")


# ---- functions and classes


def _hoist_definitions(
    cells: Sequence[Cell],
    uses: Sequence[tuple[Cell, Reference]],
    stores: Mapping[str, list[Reference]],
    sites: Sequence[Site],
    logs: Collection[ast.stmt],
    words: Words,
    hoisted: Hoisted,
) -> None:
    outside = [statement for _, statement in (*hoisted.imports, *hoisted.constants)]
    imported = {found.name for statement in outside for found in references(statement)}
    candidates = _candidates(cells, stores, hoisted)
    needs_metrics = {site.cell.source.top_statement(site.node) for site in sites} | set(logs)
    needs_config = {cell.source.top_statement(node) for cell, node, _ in hoisted.paths}
    changed = True
    while changed:
        changed = False
        extras = _extras(candidates, imported, words, needs_metrics, needs_config)
        for name in list(candidates):
            definition = candidates[name]
            if not _can_leave(definition, extras, cells, uses, stores, candidates, imported, words, hoisted):
                del candidates[name]
                changed = True
    extras = _extras(candidates, imported, words, needs_metrics, needs_config)
    for name, definition in candidates.items():
        definition.extra = sorted(extras[name])
    hoisted.definitions = candidates


def _candidates(
    cells: Sequence[Cell], stores: Mapping[str, list[Reference]], hoisted: Hoisted
) -> dict[str, Definition]:
    """Top-level definitions whose name nothing else binds; the same text twice counts once."""
    found: dict[str, Definition] = {}
    texts: dict[str, set[str]] = {}
    again: dict[str, list[tuple[Cell, ast.stmt]]] = {}
    for cell in cells:
        for statement in cell.statements:
            if isinstance(statement, _Definition):
                texts.setdefault(statement.name, set()).add(ast.dump(statement))
                if statement.name in found:
                    again.setdefault(statement.name, []).append((cell, statement))
                else:
                    found[statement.name] = Definition(statement.name, cell, statement)
    for name in list(found):
        bindings = [reference.node for reference in stores.get(name, ())]
        if len(texts[name]) > 1 or not all(isinstance(node, _Definition) for node in bindings):
            del found[name]
        else:
            hoisted.duplicates.extend(again.get(name, ()))
    return found


def _extras(
    candidates: Mapping[str, Definition],
    imported: Collection[str],
    words: Words,
    needs_metrics: Collection[ast.stmt | None],
    needs_config: Collection[ast.stmt | None],
) -> dict[str, set[str]]:
    """The globals each definition needs, those of what it calls included."""
    direct: dict[str, set[str]] = {}
    calls: dict[str, set[str]] = {}
    for name, definition in candidates.items():
        loads = {found.name for found in references(definition.node) if found.context == "load"}
        calls[name] = loads & candidates.keys()
        direct[name] = loads - candidates.keys() - set(imported) - BUILTINS
        if definition.node in needs_metrics:
            direct[name].add(words.metrics)
        if definition.node in needs_config:
            direct[name].add(words.config)
    found = {name: set(names) for name, names in direct.items()}
    changed = True
    while changed:
        changed = False
        for name, called in calls.items():
            more = set().union(*(found[other] for other in called)) - found[name] if called else set()
            if more:
                found[name] |= more
                changed = True
    return found


def _can_leave(
    definition: Definition,
    extras: Mapping[str, Collection[str]],
    cells: Sequence[Cell],
    uses: Sequence[tuple[Cell, Reference]],
    stores: Mapping[str, list[Reference]],
    candidates: Mapping[str, Definition],
    imported: Collection[str],
    words: Words,
    hoisted: Hoisted,
) -> bool:
    extra = extras[definition.name]
    found = references(definition.node)
    if any(reference.context != "load" and reference.deferred for reference in found):
        return False
    at_once = {
        reference.name for reference in found if not reference.deferred and reference.context == "load"
    }
    known = BUILTINS | set(imported) | candidates.keys()
    if at_once - known:
        return False
    order = list(candidates)
    if any(name in candidates and order.index(name) > order.index(definition.name) for name in at_once):
        return False
    if any(extras[name] for name in at_once & candidates.keys()):
        return False
    if not extra:
        return True
    if (
        not isinstance(definition.node, ast.FunctionDef | ast.AsyncFunctionDef)
        or definition.node.decorator_list
    ):
        return False
    taken = {name.arg for name in ast.walk(definition.node.args) if isinstance(name, ast.arg)}
    if taken & set(extra):
        return False
    available: set[str] = {words.config, words.metrics, *hoisted.settings}
    for cell in cells:
        available |= {
            reference.name for reference in references(cell.statements) if reference.context == "store"
        }
        for owner, reference in uses:
            if owner is not cell or reference.name != definition.name or reference.context != "load":
                continue
            if not _is_plain_call(cell, reference.node):
                return False
            top = cell.source.top_statement(reference.node)
            inside = isinstance(top, _Definition)
            if inside and not (
                isinstance(top, _Definition) and candidates.get(top.name, definition).node is top
            ):
                return False
            if not inside and (set(extra) - available):
                return False
    return True


def _is_plain_call(cell: Cell, node: ast.AST) -> bool:
    parent = cell.source.parents.get(node)
    if not isinstance(parent, ast.Call) or parent.func is not node or cell.source.inside_string(node):
        return False
    alone = len(parent.args) == 1 and not parent.keywords and isinstance(parent.args[0], ast.GeneratorExp)
    return not alone and not any(keyword.arg is None for keyword in parent.keywords)
