"""Kept executions become cells without their leftovers, and cells become named steps."""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from typing import TYPE_CHECKING

from .plan import Cell, Hoisted, Slice, Step, Words
from .references import BUILTINS, reads_before_bound, references
from .source import Source, comments
from .translation import refusals, translate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from jupyter_mlops.records import Execution

    from .purity import Quietness

_DYNAMIC = frozenset({"eval", "exec", "globals", "locals", "vars"})
_LONGEST = 40
#: What the capture puts in the place of a secret.
REDACTED = "•••"
#: Headings of one word that name a thing where a function needs a verb.
_SINGLE = {
    "data": "prepare_data",
    "dataset": "prepare_data",
    "model": "train_model",
    "models": "train_models",
    "modeling": "train_model",
    "training": "train",
    "evaluation": "evaluate",
    "results": "evaluate",
    "preprocessing": "preprocess",
    "features": "make_features",
    "setup": "set_up",
}
_FILLER = frozenset(
    """
    a an the and or of for to in on with by from at as is are be this that these those we our my us i
    let lets now here then so first next some all it its into using use will can do step cell section
    part out up get
    """.split()
)


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


def imported_modules(cells: Iterable[Cell]) -> dict[str, str]:
    """What every imported top-level name stands for: ``np`` → ``numpy``, ``dump`` → ``joblib.dump``."""
    found: dict[str, str] = {}
    for cell in cells:
        for statement in cell.source.tree.body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Import):
                    for alias in node.names:
                        name = alias.asname or alias.name.partition(".")[0]
                        found[name] = alias.name if alias.asname else name
                elif isinstance(node, ast.ImportFrom) and node.module:
                    for alias in node.names:
                        found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
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
        and node.func.id in _DYNAMIC
        and not (node.func.id == "vars" and node.args)
        for cell in cells
        for statement in cell.statements
        for node in ast.walk(statement)
    )


def choose_words(cells: Iterable[Cell]) -> Words:
    """Names for the script's own variables that nothing in the user's code has."""
    taken = {
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


def trim(
    cells: Sequence[Cell], forced: Collection[ast.stmt], live: Collection[str], quietness: Quietness
) -> None:
    """Drop statements that leave nothing behind which anything later needs, in place."""
    for cell in cells:
        quietness.learn(cell.statements)
    needed = set(live)
    # What functions read is read whenever they are called: never dropped here.
    for cell in cells:
        needed.update(
            found.name for found in references(cell.statements) if found.deferred and found.context == "load"
        )
    always = set(needed)
    for cell in reversed(cells):
        kept: list[ast.stmt] = []
        opaque = set(cell.execution.opaque)
        noisy = any(state.startswith("rng:") for state in cell.execution.ambient_reads)
        for statement in reversed(cell.statements):
            stored = {found.name for found in references(statement) if found.context == "store"}
            droppable = (
                statement not in forced
                and not stored & needed
                and not isinstance(statement, ast.Import | ast.ImportFrom)
                and (quietness.quiet(statement, opaque) and not (noisy and _may_draw(statement, quietness)))
            )
            if droppable:
                continue
            kept.append(statement)
            reads, _, sure = reads_before_bound([statement])
            needed = (needed - (sure - reads)) | reads | always
        cell.statements = list(reversed(kept))
    used = {found.name for cell in cells for found in references(cell.statements) if found.context != "store"}
    for cell in cells:
        cell.statements = [
            statement
            for statement in cell.statements
            if statement in forced or _import_used(statement, used | set(live))
        ]


def drop_inside(cells: Sequence[Cell], forced: Collection[ast.AST], quietness: Quietness) -> None:
    """Drop prints and plots inside loops, conditions and functions, in place.

    `forced` are the nodes metrics are made at; a statement holding one stays.
    """
    for cell in cells:
        for statement in cell.statements:
            _drop_in_blocks(cell, statement, set(map(id, forced)), quietness)


def _drop_in_blocks(cell: Cell, node: ast.AST, forced: set[int], quietness: Quietness) -> None:
    for name in ("body", "orelse", "finalbody", "handlers"):
        block = getattr(node, name, None)
        if not isinstance(block, list):
            continue
        kept: list[ast.AST] = []
        for index, inner in enumerate(block):
            plain = isinstance(inner, ast.Expr | ast.If | ast.For | ast.With) and not (
                index == 0 and isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
            )
            bare = plain and quietness.quiet(inner) and not _holds(inner, forced) and not _leaves(cell, inner)
            if bare and not (name == "orelse" and len(block) == 1) and cell.source.stands_alone(inner):
                last = index == len(block) - 1 and not kept
                cell.source.drop(inner, "pass" if last else "")
                if last:
                    kept.append(ast.copy_location(ast.Pass(), inner))
            else:
                kept.append(inner)
                _drop_in_blocks(cell, inner, forced, quietness)
        block[:] = kept


def _leaves(cell: Cell, node: ast.AST) -> bool:
    """Whether a block leads out of itself, or binds names that something around it may read."""
    bound = {
        found.id
        for found in ast.walk(node)
        if isinstance(found, ast.Name) and not isinstance(found.ctx, ast.Load)
    }
    if bound:
        functions = [
            parent
            for parent in cell.source.ancestors(node)
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        if not functions:
            return True
        inside = {id(found) for found in ast.walk(node)}
        if any(
            isinstance(found, ast.Name) and found.id in bound and id(found) not in inside
            for found in ast.walk(functions[-1])
        ):
            return True
    return any(
        isinstance(found, ast.Break | ast.Continue | ast.Return | ast.Raise) for found in ast.walk(node)
    )


def _holds(node: ast.AST, forced: set[int]) -> bool:
    return any(id(found) in forced for found in ast.walk(node))


def _import_used(statement: ast.stmt, used: Collection[str]) -> bool:
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return True
    module = statement.module or "" if isinstance(statement, ast.ImportFrom) else ""
    if module == "__future__":
        return False
    if "experimental" in module or any(
        alias.name == "*" or alias.name.startswith("enable_") for alias in statement.names
    ):
        return True
    return any((alias.asname or alias.name.partition(".")[0]) in used for alias in statement.names)


def _may_draw(statement: ast.stmt, quietness: Quietness) -> bool:
    """Whether a quiet statement may still draw random numbers: anything but printing and drawing does."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            root = ast.unparse(node.func).partition(".")[0]
            package = quietness.modules.get(root, "").partition(".")[0]
            if package != "matplotlib" and root not in BUILTINS and root not in quietness.drawn:
                return True
    return False


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
    labels: Mapping[int, str],
    one: bool = False,
) -> list[Step]:
    """Cells become steps; those a nested function ties together become one. Empty cells vanish.

    Args:
        cells: The trimmed cells, oldest first.
        hoisted: What has left the cells.
        final: Names whose last values are results of the pipeline.
        words: The script's own names.
        labels: What a person called the execution of an order.
        one: Put everything into one step.
    """
    gone = hoisted.gone()
    for cell in cells:
        cell.statements = [statement for statement in cell.statements if statement not in gone]
    filled = [cell for cell in cells if cell.statements]
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
    steps = [Step("", "", members) for members in groups]
    _connect(steps, hoisted, final, words)
    _name(steps, names_at_top(hoisted) | {words.config, words.metrics}, labels)
    return steps


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
    for index, step in enumerate(steps):
        reads, bound, sure = flows[index]
        before = {name for _, earlier, _ in flows[:index] for name in earlier}
        later: set[str] = set(final)
        for reads_later, _, _ in flows[index + 1 :]:
            later |= reads_later
        outputs = {name for name in bound if name in later and name not in outside}
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


# ---- naming


def _name(steps: Sequence[Step], taken: Collection[str], labels: Mapping[int, str]) -> None:
    used = set(taken) | set(BUILTINS)
    given: set[str] = set()
    for step in steps:
        used.update(found.name for cell in step.cells for found in references(cell.statements))
    for step in steps:
        step.title = _title(step)
        label = next(filter(None, (slug(labels.get(cell.order, "")) for cell in step.cells)), "")
        base = _SINGLE.get(slug(step.title), slug(step.title)) or _guess(step, label, labels)
        if base in used and base not in given and f"{base}_data" not in used:
            base = f"{base}_data" if base.startswith(("load", "make", "split", "prepare")) else f"run_{base}"
        if base in used and base.startswith("evaluate"):
            base = slug(f"{base} {_last_bound(step)}")
        name, number = base, 2
        while name in used:
            name = f"{base}_{number}"
            number += 1
        used.add(name)
        given.add(name)
        step.name = name


def _title(step: Step) -> str:
    for cell in step.cells:
        heading = cell.execution.heading.strip().splitlines()
        if heading and slug(heading[0]):
            return heading[0].strip("# ").strip()
    for cell in step.cells:
        text = cell.source.code.lstrip()
        if text.startswith("#"):
            first = comments(text.split("\n", 1)[0])
            if first and slug(first[0]) and not _is_code(first[0]):
                return first[0]
    return ""


def _is_code(text: str) -> bool:
    """Whether a comment is code that somebody switched off."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in tree.body)


def _guess(step: Step, label: str, labels: Mapping[int, str]) -> str:
    """A name from what a step does and binds, and from what a person called it."""
    statements = [statement for cell in step.cells for statement in cell.statements]
    calls = [
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
    ]
    thing = step.outputs[0] if step.outputs else ""
    if any(map(_loads, calls)):
        return slug(f"load {_loaded(statements) or thing or 'data'}")
    if any(call in ("fit", "fit_transform", "partial_fit", "backward", "train") for call in calls):
        fitted = [name for name in step.outputs if not name.startswith(("X", "y", "pred"))]
        return slug(f"train {label or (fitted[0] if fitted else 'model')}")
    halves = [name.lower() for name in step.outputs]
    if "train_test_split" in calls or (
        any("train" in name for name in halves) and any("test" in name for name in halves)
    ):
        return "split_data"
    if any(call.endswith(("_score", "_error", "_loss")) or call in ("score", "evaluate") for call in calls):
        return slug(f"evaluate {label}")
    if label:
        return label
    if calls and all("seed" in call for call in calls):
        return "set_seed"
    if any(cell.order in labels for cell in step.cells):
        return "evaluate"
    if thing.lower() in ("x", "y"):
        thing = "data"
    if not thing and any(call.startswith(("to_", "save", "dump", "write")) for call in calls):
        return "save_data"
    if all(isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for found in statements):
        return slug(f"define {thing}")
    if thing:
        return slug(f"make {thing}")
    return slug(f"prepare {step.inputs[0]}") if step.inputs else "prepare"


def _last_bound(step: Step) -> str:
    found = [
        reference.name
        for cell in step.cells
        for reference in references(cell.statements)
        if reference.context == "store" and not reference.deferred
    ]
    return found[-1] if found else ""


def _loads(call: str) -> bool:
    return call.startswith(("read_", "load_", "fetch_")) or call == "load"


def _loaded(statements: Sequence[ast.stmt]) -> str:
    """The name that the first loading call is bound to."""
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            for node in ast.walk(statement.value):
                called = node.func if isinstance(node, ast.Call) else None
                name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
                if _loads(name):
                    return statement.targets[0].id
    return ""


def slug(text: str) -> str:
    """A function name from words of a person, ``""`` if there is nothing in them to use."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", plain).lower()
    plain = re.sub(r"'s\b|'", "", plain)
    plain = re.sub(r"^\W*(?:step|part|section)?\s*[\divx]*[.):]\s+", "", plain)
    found = [word for word in re.findall(r"[a-z0-9_]+", plain) if word.strip("_")]
    kept = [word for word in found if word not in _FILLER] or found
    while kept and kept[0][0].isdigit():
        kept.pop(0)
    name = ""
    for word in kept[:5]:
        longer = f"{name}_{word}" if name else word
        if len(longer) > _LONGEST:
            break
        name = longer
    name = name.strip("_")
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) else name


def known_types(
    cells: Iterable[Cell], kinds: Mapping[str, str], modules: Mapping[str, str]
) -> dict[str, str]:
    """What is known of the types of top-level names, as annotations that resolve in the script."""
    by_path = {path: name for name, path in modules.items()}
    known: dict[str, str] = {}
    for name, kind in kinds.items():
        _package, _, last = kind.rpartition(".")
        for path in (kind, f"numpy.{last}" if last == "ndarray" else f"pandas.{last}"):
            base, _, attribute = path.rpartition(".")
            if path in by_path:
                known[name] = by_path[path]
            elif base in by_path and attribute in ("DataFrame", "Series", "ndarray"):
                known[name] = f"{by_path[base]}.{attribute}"
            else:
                continue
            break
    for cell in cells:
        for statement in cell.statements:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target, value = statement.targets[0], statement.value
                if isinstance(target, ast.Name) and target.id not in kinds:
                    found = _static_type(value, modules)
                    if target.id in known and known[target.id] != found:
                        known[target.id] = "Any"
                    else:
                        known[target.id] = found
            else:
                for reference in references(statement):
                    if reference.context == "store" and reference.name not in kinds:
                        known[reference.name] = "Any"
    return known


def _static_type(value: ast.expr, modules: Mapping[str, str]) -> str:
    if isinstance(value, ast.Constant) and type(value.value) in (int, float, str, bool):
        return type(value.value).__name__
    if isinstance(value, ast.JoinedStr):
        return "str"
    if isinstance(value, ast.List | ast.ListComp):
        return "list[Any]"
    if isinstance(value, ast.Dict | ast.DictComp):
        return "dict[Any, Any]"
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        name = value.func.id
        if name in modules and name[:1].isupper():
            return name
    return "Any"
