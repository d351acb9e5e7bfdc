"""Kept executions become cells without their leftovers, and cells become named steps."""

from __future__ import annotations

import ast
import itertools
from typing import TYPE_CHECKING

from .phases import functions_of, heading_of, phase_of, title_of
from .plan import Cell, Hoisted, Slice, Step, Words
from .references import BUILTINS, DYNAMIC, reads_before_bound, references
from .sections import divide
from .source import Source
from .translation import refusals, translate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from jupyter_mlops.records import Execution

#: What the capture puts in the place of a secret.
REDACTED = "•••"
#: Names that IPython gives.
_SHELLS = frozenset({"get_ipython", "display", "In", "Out", "_", "__", "___"})
#: Statements: how many are too little for a step, still are a few lines, are enough for one step, and are
#: good for one. Names: how many one step may give the next, before the two had better be one.
_LITTLE = 2
_FEW = 3
_MANY = 25
_GOOD = 12
_WIDE = 6


def prepare_cells(executions: Sequence[Execution], kept: Slice) -> list[Cell]:
    """The kept executions as cells, oldest first: magics translated, failed ends cut off."""
    only = {cell.order: set(cell.only) for cell in kept.kept}
    cells = []
    for execution in sorted(executions, key=lambda found: found.order):
        if execution.order not in only:
            continue
        source = Source(translate(execution.code))
        body = list(source.tree.body)
        if execution.status != "ok" and execution.completed is not None:
            body = body[: execution.completed]
        names = only[execution.order]
        if names:
            body = [statement for statement in body if names & _stored(statement)]
        cell = Cell(execution, source, body)
        for statement in body:
            problems = [*refusals(statement), *_secrets(statement)]
            if problems:
                cell.refused[statement] = problems[0]
        cell.awaits = any(
            isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith) and not _in_function(source, node)
            for statement in body
            for node in ast.walk(statement)
        )
        cells.append(cell)
    return cells


def _secrets(statement: ast.stmt) -> list[str]:
    """Where a statement held a secret that the capture did not keep."""
    return [
        f"line {node.lineno} held a secret that was not kept; read it from the environment (os.environ)"
        for node in ast.walk(statement)
        if isinstance(node, ast.Constant)
        and REDACTED
        in (node.value.decode("utf-8", "replace") if isinstance(node.value, bytes) else str(node.value))
    ]


def _stored(statement: ast.stmt) -> set[str]:
    return {found.name for found in references(statement) if found.context == "store" and not found.deferred}


def imported_modules(cells: Sequence[Cell]) -> dict[str, str]:
    """What every imported top-level name stands for: ``np`` → ``numpy``, ``dump`` → ``joblib.dump``."""
    found: dict[str, str] = {}
    stars: list[str] = []
    for cell in cells:
        for statement in cell.source.tree.body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Import):
                    for alias in node.names:
                        name = alias.asname or alias.name.partition(".")[0]
                        found[name] = alias.name if alias.asname else name
                elif isinstance(node, ast.ImportFrom) and node.module:
                    for alias in node.names:
                        if alias.name == "*":
                            stars.append(node.module)
                        else:
                            found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    if stars and len({module.partition(".")[0] for module in stars}) == 1:
        # What nothing binds comes from the stars; of which one is told where there is but one.
        module = stars[0] if len(set(stars)) == 1 else stars[0].partition(".")[0]
        uses = [use for cell in cells for use in references(cell.source.tree.body)]
        bound = {use.name for use in uses if use.context == "store"} | found.keys() | BUILTINS | _SHELLS
        found |= {use.name: f"{module}.{use.name}" for use in uses if use.name not in bound}
    return found


def added_to_path(cells: Iterable[Cell]) -> list[str]:
    """Folders that the code itself adds to ``sys.path``, as it writes them."""
    return [
        part.value
        for cell in cells
        for node in ast.walk(cell.source.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("sys.path.append", "sys.path.insert")
        for argument in node.args
        for part in ast.walk(argument)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]


def is_dynamic(cells: Iterable[Cell]) -> bool:
    """Whether code looks names up at run time, so that they must all live in one namespace."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in DYNAMIC
        and not (node.func.id == "vars" and node.args)
        for cell in cells
        for statement in cell.statements
        for node in ast.walk(statement)
    )


def taken_names(cells: Iterable[Cell]) -> set[str]:
    """Every name that the user's code uses for anything."""
    return {
        name
        for cell in cells
        for node in ast.walk(cell.source.tree)
        for name in (
            getattr(node, "id", None),
            getattr(node, "arg", None),
            getattr(node, "name", None),
            getattr(node, "asname", None),
        )
        if isinstance(name, str)
    }


def choose_words(cells: Iterable[Cell]) -> Words:
    """Names for the script's own variables that nothing in the user's code has."""
    taken = taken_names(cells)

    def free(*candidates: str) -> str:
        for candidate in candidates:
            if candidate not in taken:
                return candidate
        number = 2
        while f"{candidates[0]}_{number}" in taken:
            number += 1
        return f"{candidates[0]}_{number}"

    return Words(
        config=free("config", "settings", "pipeline_config"),
        metrics=free("metrics", "measured", "run_metrics"),
        result=free("result", "shown", "value_shown"),
    )


def _in_function(source: Source, node: ast.AST) -> bool:
    return any(
        isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for parent in source.ancestors(node)
    )


# ---- grouping


def group_cells(
    cells: Sequence[Cell],
    hoisted: Hoisted,
    *,
    final: Collection[str],
    words: Words,
    one: bool = False,
    merge: bool = False,
) -> list[Step]:
    """Cells become steps; those a nested function ties together become one. Empty cells vanish.

    Args:
        cells: The trimmed cells, oldest first.
        hoisted: What has left the cells.
        final: Names whose last values are results of the pipeline.
        words: The script's own names.
        one: Put everything into one step.
        merge: Join small neighbours that are about the same thing.
    """
    gone = hoisted.gone()
    for cell in cells:
        cell.statements = [statement for statement in cell.statements if statement not in gone]
    filled = [cell for cell in cells if cell.statements]
    if merge and not one:
        filled = [section for cell in filled for section in divide(cell, _size, _MANY)]
    if not filled:
        return []
    ranges = [(0, len(filled) - 1)] if one else _tied(filled, names_at_top(hoisted))
    groups: list[list[Cell]] = []
    position = 0
    while position < len(filled):
        end = position
        reached = True
        while reached:
            reached = False
            for first, last in ranges:
                if first <= end and last > end and last >= position and first <= end:
                    end, reached = last, True
        groups.append(filled[position : end + 1])
        position = end + 1
    if merge:
        functions = functions_of(hoisted)
        groups = _balanced(_merged(groups, functions), functions)
    steps = [Step("", "", members) for members in groups]
    _connect(steps, hoisted, final, words)
    return steps


def _merged(groups: list[list[Cell]], functions: Mapping[str, ast.AST]) -> list[list[Cell]]:
    """Neighbours join the group before them where both are about one thing, or one of them is a few lines.

    A few lines that neither load, split, train nor evaluate belong to what stands before them; at the
    beginning, where nothing does, to what comes after. A split of a few lines belongs to the training
    after it, a few scores to the training before them. Longer cells that have a title stay steps.
    """
    merged: list[list[Cell]] = []
    for group in groups:
        before = merged[-1] if merged else []
        old, new = _statements(before), _statements(group)
        phases = phase_of(old, functions), phase_of(new, functions)
        little = len(old) <= _FEW, len(new) <= _FEW
        titled = any(map(title_of, group))
        alike = phases[0] == phases[1] and (little[1] or not titled)
        first = len(merged) == 1 and not any(map(title_of, before))
        more = little[1] and not phases[1] and not heading_of(group[0])
        opening = little[0] and not phases[0] and (phases[1] != "load" or first)
        split = little[0] and phases in (("split", "train"), ("split", "evaluate"))
        scores = little[1] and phases == ("train", "evaluate")
        fits = bool(before) and len(old) + len(new) <= _MANY
        if fits and (alike or more or opening or split or scores):
            before.extend(group)
        else:
            merged.append(list(group))
    return merged


#: What belongs together rather than apart: a number is so many statements.
_AFFINITY = {
    ("", "load"): 8,
    ("load", ""): 3,
    ("", ""): 4,
    ("", "split"): 2,
    ("split", "train"): 6,
    ("split", "split"): 4,
    ("train", "evaluate"): 6,
    ("train", "train"): 2,
    ("evaluate", "evaluate"): 6,
    ("load", "train"): -8,
    ("load", "evaluate"): -8,
    ("load", "load"): 2,
}


def _balanced(groups: list[list[Cell]], functions: Mapping[str, ast.AST]) -> list[list[Cell]]:
    """Join neighbours until steps are of a good length: those that are short, and give each other much."""
    groups = [list(group) for group in groups]
    wanted = max(2, round(sum(_size(_statements(group)) for group in groups) / _GOOD))
    while len(groups) > 1:
        costs = {}
        for index, (before, after) in enumerate(itertools.pairwise(groups)):
            old, new = _statements(before), _statements(after)
            size = _size(old) + _size(new)
            given = len(_bound(old) & _read(new))
            phases = phase_of(old, functions), phase_of(new, functions)
            affinity = _AFFINITY.get(phases, 0)
            apart = size > _GOOD and affinity < 0
            little = affinity > 0 and any(
                _size(_statements(group)) <= _LITTLE and not any(map(title_of, group))
                for group in (before, after)
            )
            if size <= _MANY and (len(groups) > wanted or little or (given >= _WIDE and not apart)):
                costs[index] = size - 2 * given - affinity + 3 * bool(heading_of(after[0]))
        if not costs:
            break
        index = min(costs, key=lambda place: costs[place])
        groups[index : index + 2] = [groups[index] + groups[index + 1]]
    return groups


def _size(nodes: Iterable[ast.AST]) -> int:
    """How many statements there are, those in functions and classes left out."""
    count = 0
    for node in nodes:
        count += isinstance(node, ast.stmt)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            count += _size(ast.iter_child_nodes(node))
    return count


def _bound(statements: Sequence[ast.stmt]) -> set[str]:
    return {found.name for found in references(statements) if found.context == "store"}


def _read(statements: Sequence[ast.stmt]) -> set[str]:
    return {found.name for found in references(statements) if found.context == "load"}


def _statements(cells: Sequence[Cell]) -> list[ast.stmt]:
    return [statement for cell in cells for statement in cell.statements]


def names_at_top(hoisted: Hoisted) -> set[str]:
    """Names that live at the top of the script."""
    found = set(hoisted.definitions)
    for _, statement in (*hoisted.imports, *hoisted.constants):
        found.update(reference.name for reference in references(statement))
    return found


def _tied(cells: Sequence[Cell], outside: Collection[str]) -> list[tuple[int, int]]:
    """Ranges of cells that a nested function ties together by the names it looks up when called."""
    stores = [
        {found.name for found in references(cell.statements) if found.context == "store"} for cell in cells
    ]
    loads = [
        {found.name for found in references(cell.statements) if found.context != "store"} for cell in cells
    ]
    ranges = []
    for index, cell in enumerate(cells):
        for found in references(cell.statements):
            if not found.deferred or found.name in outside:
                continue
            if found.context == "store":
                users = [k for k in range(len(cells)) if found.name in stores[k] | loads[k]]
                ranges.append((min(index, *users), max(index, *users)))
                continue
            later = [k for k in range(index + 1, len(cells)) if found.name in stores[k]]
            if later:
                ranges.append((index, max(later)))
        # Functions and classes that cannot stand at the top stay with who uses them.
        for statement in cell.statements:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                users = [k for k in range(index + 1, len(cells)) if statement.name in loads[k]]
                if users and statement.name not in outside:
                    ranges.append((index, max(users)))
    return ranges


def _connect(steps: Sequence[Step], hoisted: Hoisted, final: Collection[str], words: Words) -> None:
    """Find every step's inputs and outputs."""
    extras = {name: definition.extra for name, definition in hoisted.definitions.items()}
    outside = names_at_top(hoisted) | set(hoisted.settings)
    flows = []
    for step in steps:
        statements = [statement for cell in step.cells for statement in cell.statements]
        reads, bound, sure = reads_before_bound(statements)
        called = {found.name for found in references(statements) if found.context == "load"}
        given = {extra for name in called for extra in extras.get(name, ())}
        flows.append(((reads | (given - sure)) - outside, bound, sure))
    # What is needed after a step: what a later one binds for sure before it is read is not.
    later: set[str] = set(final)
    for index, step in reversed(list(enumerate(steps))):
        reads, bound, sure = flows[index]
        before = {name for _, earlier, _ in flows[:index] for name in earlier}
        outputs = {name for name in bound if name in later and name not in outside}
        later = (later - sure) | reads
        maybe = outputs - sure
        step.inputs = _ordered((reads | maybe) & before, steps[:index])
        step.outputs = _ordered(outputs, [step])


def _ordered(names: Collection[str], steps: Iterable[Step]) -> list[str]:
    """`names` in the order the source first binds them."""
    order: list[str] = []
    for step in steps:
        for cell in step.cells:
            order.extend(found.name for found in references(cell.statements) if found.context == "store")
    ranked = list(dict.fromkeys(name for name in order if name in names))
    return [*ranked, *sorted(set(names) - set(ranked))]
