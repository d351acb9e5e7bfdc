"""Which executions a run stands on.

A backward walk over the session, at the boundaries of cells. A name that is needed stays needed
until the execution that *really rebound* it; an execution that changed the object behind it is kept
and the name stays needed, because a mutation builds on what was there. State outside the namespace
(random generators, files, the working directory, library options) takes part under names of its own.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import msgspec

from .plan import KeptCell, Slice
from .references import BUILTINS, reads_before_bound, references
from .translation import translate

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from jupyter_mlops.records import Execution

#: Ambient state that reaches everything after it, whether or not a later cell was seen reading it.
PERVASIVE = ("cwd", "environ", "sys.path", "options:")
_SHELL_NAMES = frozenset({"get_ipython", "display", "In", "Out", "exit", "quit", "open", "_", "__", "___"})


def slice_cells(
    executions: Sequence[Execution],
    *,
    wanted: Collection[int],
    names: Collection[str] = (),
    pin: Collection[int] = (),
    exclude: Collection[int] = (),
    widen: bool = False,
) -> Slice:
    """Find the executions that those of `wanted` and the final values of `names` depend on.

    Args:
        executions: All executions of the session up to the last wanted one, in any order.
        wanted: Orders that are kept in any case: the run's own.
        names: Top-level names whose values after the last wanted cell are needed too.
        pin: Orders a person wants kept.
        exclude: Orders a person wants left out.
        widen: Also keep what touched state that could not be watched.
    """
    last = max(wanted, default=0)
    needed = dict.fromkeys(names, "the result")
    scratch: dict[str, int] = {}
    kept: list[KeptCell] = []
    for cell in sorted(executions, key=lambda found: -found.order):
        if cell.order > last and cell.order not in pin:
            continue
        reason = _reason(cell, needed, wanted, pin, widen=widen)
        if not reason or cell.order in exclude:
            continue
        if cell.scratch and cell.order not in wanted and cell.order not in pin:
            for name in sorted(_changed(cell) & needed.keys()):
                scratch.setdefault(name, cell.order)
                needed.pop(name, None)
            continue
        only = () if cell.order in wanted or cell.order in pin or widen else _definitions_only(cell, needed)
        kept.append(KeptCell(order=cell.order, reason=reason, only=only))
        if only:
            _walk_over_definitions(cell, only, needed)
        else:
            _walk_over(cell, needed)
    missing = sorted(
        name for name in needed if ":" not in name and "." not in name and name not in BUILTINS | _SHELL_NAMES
    )
    found = tuple(name for name in missing if name not in PERVASIVE)
    return Slice(kept=tuple(reversed(kept)), missing=found, scratch=scratch)


def all_successful(executions: Sequence[Execution], *, last: int, exclude: Collection[int] = ()) -> Slice:
    """Every execution up to `last` that ended well, in order: the widest slice there is."""
    kept = [
        KeptCell(order=cell.order, reason="every cell that ended well is kept")
        for cell in sorted(executions, key=lambda found: found.order)
        if cell.order <= last
        and cell.order not in exclude
        and not cell.scratch
        and (cell.status == "ok" or cell.order == last or bool(cell.completed))
    ]
    return Slice(kept=tuple(kept))


def with_static_names(cell: Execution) -> Execution:
    """An execution known only from IPython's history, with the names its code says."""
    if not cell.from_history or cell.bound or cell.reads:
        return cell
    try:
        reads, bound, _ = reads_before_bound(ast.parse(translate(cell.code)).body)
    except (SyntaxError, ValueError, RecursionError):
        return cell
    return msgspec.structs.replace(cell, reads=tuple(sorted(reads)), bound=tuple(sorted(bound)))


def _changed(cell: Execution) -> set[str]:
    return {*cell.bound, *cell.mutated, *cell.opaque}


def _reason(
    cell: Execution,
    needed: dict[str, str],
    wanted: Collection[int],
    pin: Collection[int],
    *,
    widen: bool,
) -> str:
    if cell.order in wanted:
        return "it is the run itself"
    if cell.order in pin:
        return "you pinned it"
    for verb, found in (
        ("makes", cell.bound),
        ("changes", cell.mutated),
        ("may change", cell.opaque),
    ):
        names = [name for name in found if name in needed]
        if names:
            user = needed[names[0]]
            return f"{verb} {_listed(names)}, which {user} needs"
    for path in _written(cell):
        if f"file:{path}" in needed:
            return f"writes {path}, which {needed[f'file:{path}']} reads"
        folder = f"folder:{path.rpartition('/')[0]}"
        if folder in needed:
            return f"writes {path}, whose folder {needed[folder]} looks into"
    for state in cell.ambient_writes:
        if state in needed:
            return f"sets {_described(state)}, which {needed[state]} uses"
        if state.startswith(PERVASIVE) and says_so(cell.code, state):
            return f"sets {_described(state)}, which later cells run under"
    if widen and (cell.opaque or cell.ambient_writes or any(use.mode != "r" for use in cell.files)):
        return "touches state that could not be watched"
    return ""


def _definitions_only(cell: Execution, needed: dict[str, str]) -> tuple[str, ...]:
    """The needed names of a cell, if imports, functions and classes are all that is needed of it."""
    names = needed.keys() & set(cell.bound)
    states = {*cell.ambient_writes}
    for path in _written(cell):
        states |= {f"file:{path}", f"folder:{path.rpartition('/')[0]}"}
    if needed.keys() & (states | set(cell.mutated) | set(cell.opaque) - names):
        return ()
    if any(state.startswith(PERVASIVE) and says_so(cell.code, state) for state in cell.ambient_writes):
        return ()
    try:
        body = ast.parse(translate(cell.code)).body
    except (SyntaxError, ValueError, RecursionError):
        return ()
    plain: set[str] = set()
    other: set[str] = set()
    used: set[str] = set()
    holding: set[str] = set()
    loaded: dict[str, set[str]] = {}
    for statement in body:
        found = references(statement)
        stored = {use.name for use in found if use.context != "load"}
        definition = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        simple = definition and not statement.decorator_list  # type: ignore[attr-defined]
        (plain if simple or isinstance(statement, ast.Import | ast.ImportFrom) else other).update(stored)
        if not definition:
            used.update(use.name for use in found if use.context == "load")
        elif _holds_state(statement):
            holding.update(stored)
        for name in stored:
            loaded.setdefault(name, set()).update(use.name for use in found if use.context == "load")
    # A class stands on its base, which the same cell may import.
    queue = list(names)
    while queue:
        more = loaded.get(queue.pop(), set()) & set(cell.bound) - names
        names |= more
        queue.extend(more)
    return tuple(sorted(names)) if names and names <= plain - other - (holding & used) else ()


def _holds_state(definition: ast.stmt) -> bool:
    """Whether calling a function, or making one of a class, may leave something behind in itself."""
    made = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp | ast.Call
    if isinstance(definition, ast.ClassDef):
        values = [getattr(part, "value", None) for part in definition.body]
    else:
        arguments = definition.args  # type: ignore[attr-defined]
        values = [*arguments.defaults, *arguments.kw_defaults]
    if any(isinstance(value, made) for value in values):
        return True
    own = {definition.name, "cls", "type"}  # type: ignore[attr-defined]
    for node in ast.walk(definition):
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            inside = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
            if names & own or "__class__" in inside:
                return True
    return False


def _walk_over_definitions(cell: Execution, only: Collection[str], needed: dict[str, str]) -> None:
    for name in only:
        needed.pop(name, None)
    user = f"cell [{cell.execution_count or cell.order}]"
    for statement in ast.parse(translate(cell.code)).body:
        found = references(statement)
        if {use.name for use in found if use.context == "store" and not use.deferred} & set(only):
            for use in found:
                if use.context == "load" and use.name not in BUILTINS and use.name not in only:
                    needed.setdefault(use.name, user)


def says_so(code: str, state: str) -> bool:
    """Whether code itself sets ambient state, rather than a library that it uses."""
    words = {
        "cwd": ("chdir", "%cd"),
        "environ": ("environ", "putenv", "setenv", "set_env"),
        "sys.path": ("sys.path", "addsitedir"),
        "options": ("option", "rcParams", "set_", "seterr", "filterwarnings", "simplefilter", "use("),
    }
    return any(word in code for word in words.get(state.partition(":")[0], ("",)))


def _walk_over(cell: Execution, needed: dict[str, str]) -> None:
    """What must have been there before `cell`, given what is needed after it."""
    changed = {*cell.mutated, *cell.opaque} - set(cell.bound)
    for name in (*cell.bound, *cell.deleted):
        needed.pop(name, None)
    written = _written(cell)
    for path in written:
        needed.pop(f"file:{path}", None)
    for state in cell.ambient_writes:
        if state not in cell.ambient_reads and state.startswith("rng:"):
            needed.pop(state, None)
    user = f"cell [{cell.execution_count or cell.order}]"
    for name in (*cell.reads, *changed):
        needed.setdefault(name, user)
    for state in cell.ambient_reads:
        needed.setdefault(state, user)
    for use in cell.files:
        builds_on = use.mode.startswith(("a", "x")) or "+" in use.mode or {"r", "w"} <= set(use.mode)
        if builds_on or ("r" in use.mode and use.path not in written):
            needed.setdefault(f"file:{use.path}", user)


def _written(cell: Execution) -> list[str]:
    return [use.path for use in cell.files if use.writes]


def _listed(names: Sequence[str]) -> str:
    shown = [f"`{name}`" for name in names[:3]]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _described(state: str) -> str:
    kind, _, of = state.partition(":")
    words = {
        "cwd": "the working directory",
        "environ": "environment variables",
        "sys.path": "the import path",
    }
    if kind == "rng":
        return f"{of}'s random generator"
    if kind == "options":
        return f"{of}'s options"
    if kind == "module":
        return f"what {of} holds"
    return words.get(state, state)
