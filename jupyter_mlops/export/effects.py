"""Which steps do what cannot be kept: their results must not be taken from an earlier run.

A kept result is right only if the step did nothing but bind names, draw random numbers and write
files below the output folder. Whatever may do more counts as doing it.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from .references import last_name, references, root_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from .plan import Cell, Step

#: What a cell may change outside its namespace and a kept result still brings back.
_RESTORED = frozenset({"rng:random", "rng:numpy", "rng:torch"})
#: Calls made for their effect on a generator whose state is kept.
_SEEDING = frozenset({"seed", "manual_seed", "manual_seed_all", "set_state", "setstate"})
#: Calls made for a file, whose content is watched, or for what is shown.
_WRITING = frozenset({"dump", "save", "savez", "savetxt", "makedirs", "filterwarnings", "simplefilter"})
#: Reads of something no hash stands for.
_LOOKS_AROUND = frozenset(
    """
    environ getenv glob iglob rglob listdir scandir iterdir walk urlopen urlretrieve getcwd chdir
    connect create_engine Popen check_output check_call input
    """.split()
)


def unkept_steps(
    steps: Sequence[Step],
    *,
    modules: Mapping[str, str],
    at_top: Collection[str],
    definitions: Iterable[ast.AST],
    known_files: Collection[str],
    shared: bool,
) -> list[str]:
    """Names of the steps whose results must not be kept.

    Args:
        steps: The named steps.
        modules: What every imported name stands for.
        at_top: Names that live at the top of the script.
        definitions: Functions and classes at the top of the script.
        known_files: Absolute paths whose content decides whether a result is used again.
        shared: Whether the steps share one namespace.
    """
    if shared or any(_keeps_state(node, at_top) for node in definitions):
        return [step.name for step in steps]
    return [
        step.name
        for step in steps
        if any(
            _leaves_traces(statement, modules, at_top) for cell in step.cells for statement in cell.statements
        )
        or any(_changes_surroundings(cell) for cell in step.cells)
        or any(
            use.mode.startswith("r") and use.hash and use.path not in known_files
            for cell in step.cells
            for use in cell.execution.files
        )
    ]


def _changes_surroundings(cell: Cell) -> bool:
    """Whether a cell changed more than generators; what an import set in the environment stays at the top."""
    changed = set(cell.execution.ambient_writes) - _RESTORED
    imports = any(isinstance(node, ast.Import | ast.ImportFrom) for node in cell.source.tree.body)
    if imports and "environ" not in cell.source.code and "putenv" not in cell.source.code:
        changed.discard("environ")
    return bool(changed)


def _leaves_traces(statement: ast.stmt, modules: Mapping[str, str], at_top: Collection[str]) -> bool:
    """Whether a statement may change or look at more than names, generators and known files."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute | ast.Name):
            word = node.attr if isinstance(node, ast.Attribute) else node.id
            if word in _LOOKS_AROUND:
                return True
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "://" in node.value:
            return True
        changed = isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
        if changed and root_of(node) in {*modules, *at_top}:
            return True
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func
            last = last_name(function)
            of_module = root_of(function) in modules and root_of(function) in at_top
            on_shared = isinstance(function, ast.Attribute) and root_of(function) in at_top
            if (of_module or on_shared) and last not in _SEEDING | _WRITING:
                return True
    return False


def _keeps_state(definition: ast.AST, at_top: Collection[str]) -> bool:
    """Whether a function or class at the top of the script remembers something from call to call."""
    for node in ast.walk(definition):
        if isinstance(node, ast.Global | ast.Nonlocal):
            return True
        if isinstance(node, ast.arguments) and any(
            isinstance(value, ast.List | ast.Dict | ast.Set | ast.Call)
            for value in [*node.defaults, *node.kw_defaults]
        ):
            return True
        changed = isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
        if changed and root_of(node) in {*at_top, "cls"}:
            return True
    loaded = {found.name for found in references(definition) if found.context == "load"}
    return any(
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and root_of(node.value.func) in loaded & set(at_top)
        and node.value.func.attr not in _SEEDING
        for node in ast.walk(definition)
    )
