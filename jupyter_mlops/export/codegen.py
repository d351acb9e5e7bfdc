"""Writes pipeline.py and config.yaml from what `steps` and `hoisting` decided.

The user's statements are their own text with the fewest edits; everything else is written by `ast`
or `repr`. What the script has in common with every other is copied from `script.runtime`.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

from .references import references
from .source import Source, indented, segments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .plan import Cell, ConfigField, Definition, Hoisted, Step, Words

MARK = "# ---- running: the same in every pipeline"
_METRICS_CLASS = '''
class Metrics(dict[str, Any]):
    """The run's numbers by name."""
'''
_NOTE = '''
    def __init__(self) -> None:
        super().__init__()
        self.noted: dict[str, list[Any]] = {}

    def note(self, key: str, value: Any) -> Any:
        """Remember `value` under `key` and give it back."""
        self.noted.setdefault(key, []).append(value)
        return value
'''
_PICK = '''
def pick(value: Any, *path: Any) -> Any:
    """Follow keys, columns, row positions and the words mean and std into a value."""
    for key in path:
        if isinstance(key, int) and hasattr(value, "iloc"):
            value = value.iloc[key]
        elif key in ("mean", "std") and hasattr(value, "shape") and not hasattr(value, "iloc"):
            value = getattr(value, key)()
        elif isinstance(value, dict) and key not in value:
            value = next(held for name, held in value.items() if str(name) == key)
        else:
            value = value[key]
    return value
'''
_STEP_CLASS = '''
@dataclass(frozen=True)
class Step:
    """One step: its function, what it is given and what it gives, in this order."""

    call: Callable[..., Any]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
'''


def edit_names(cells: Sequence[Cell], hoisted: Hoisted, words: Words, *, shared: bool = False) -> None:
    """Make uses of what was hoisted say so: ``config.lr``, and ``train(model, lr=config.lr)``.

    Must come before the edits that quote these expressions (`measuring`).
    """
    settings = hoisted.settings
    for cell, constant, field in hoisted.paths:
        cell.source.replace(constant, f"{words.config}.{field.name}")
    for cell in cells:
        for statement in cell.statements:
            owner = next((d for d in hoisted.definitions.values() if d.node is statement), None)
            if shared:
                _look_up_in_globals(cell.source, statement)
            else:
                _globals_to_nonlocals(cell.source, statement)
            for found in references(statement):
                plain = found.context == "load" and isinstance(found.node, ast.Name)
                if found.name in settings and plain and owner is None:
                    cell.source.replace(found.node, f"{words.config}.{found.name}")
                if found.name in hoisted.definitions and found.context == "load":
                    _pass_extras(
                        cell.source, found.node, hoisted.definitions[found.name], owner, settings, words
                    )


def _look_up_in_globals(source: Source, statement: ast.stmt) -> None:
    """``eval`` and its kin see the names of a step that declares them global."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not source.inside_string(node):
            if node.func.id in ("eval", "exec") and len(node.args) == 1 and not node.keywords:
                _, end = source.extent(node.args[0])
                source.insert(end, ", globals()")
            elif node.func.id in ("locals", "vars") and not node.args:
                source.replace(node.func, "globals")


def _globals_to_nonlocals(source: Source, statement: ast.stmt) -> None:
    """What was a notebook's global is a local of the step that the function stands in."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Global):
            inside = any(
                isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef)
                for parent in source.ancestors(node)
            )
            source.replace(node, f"nonlocal {', '.join(node.names)}" if inside else "pass")


def _pass_extras(
    source: Source,
    node: ast.AST,
    called: Definition,
    owner: Definition | None,
    settings: Mapping[str, object],
    words: Words,
) -> None:
    if not called.extra:
        return
    call = source.parents[node]
    assert isinstance(call, ast.Call)  # noqa: S101 - hoisting lifts only what is called plainly
    passed = ", ".join(
        f"{name}={words.config}.{name}" if owner is None and name in settings else f"{name}={name}"
        for name in called.extra
    )
    _, end = source.extent(call)
    last = [*call.args, *(keyword.value for keyword in call.keywords)]
    begin = max((source.extent(part)[1] for part in last), default=0)
    comma = "" if not last or _has_comma(source.data[begin : end - 1].decode()) else ", "
    source.insert(end - 1, comma + passed)


def _has_comma(text: str) -> bool:
    return any("," in line.partition("#")[0] for line in text.split("\n"))


class Writer:
    """Puts the script together."""

    def __init__(self, words: Words, hoisted: Hoisted, types: Mapping[str, str]) -> None:
        self.words = words
        self.hoisted = hoisted
        self.types = types
        self.names = self._collisions()

    def _collisions(self) -> dict[str, str]:
        """Names of the common part that the user's code has given another meaning."""
        runtime = runtime_tree()
        ours = script_names()
        imports = {name: path for node in runtime.body for name, path in _imported(node)}
        theirs: dict[str, str] = dict.fromkeys(self.hoisted.definitions, "")
        for _, statement in self.hoisted.imports:
            theirs.update(_imported(statement))
        found = [name for name in ours if name in theirs and theirs[name] != imports.get(name, "-")]
        return {name: f"Pipeline{name}" if name[0].isupper() else f"pipeline_{name}" for name in found}

    def _own(self, name: str) -> str:
        return self.names.get(name, name)

    # ---- pieces

    def definition(self, definition: Definition) -> str:
        """A hoisted function or class, given its globals as keyword arguments."""
        source = definition.cell.source
        start, end = segments(source)[definition.node]
        if definition.extra:
            self._extend_signature(source, definition)
        return source.render(start, end).strip("\n")

    def _extend_signature(self, source: Source, definition: Definition) -> None:
        node = definition.node
        assert not isinstance(node, ast.ClassDef)  # noqa: S101 - classes are never lifted
        arguments = node.args
        for name in definition.extra:
            annotation = ast.parse(self._type(name), mode="eval").body
            arguments.kwonlyargs.append(ast.arg(name, annotation))
            arguments.kw_defaults.append(None)
        opening, closing = _parentheses(source, node)
        source.replace_range(opening + 1, closing, ast.unparse(arguments))

    def _type(self, name: str) -> str:
        if name == self.words.config:
            return self._own("Config")
        if name == self.words.metrics:
            return self._own("Metrics")
        if name in self.hoisted.settings:
            return self.hoisted.settings[name][2].type
        return self.types.get(name, "Any")

    def step(self, step: Step, checks: Mapping[ast.stmt, list[str]], *, shared: bool = False) -> str:
        """One step as a function."""
        body = "\n".join(self._cell_text(cell, checks) for cell in step.cells).strip("\n")
        first, _, rest = body.partition("\n")
        if step.title and first.startswith("#") and first.strip("# -=%") == step.title:
            body = rest
        parameters = ", ".join(f"{name}: {self._type(name)}" for name in self.parameters(step, body))
        gives = [self._type(name) for name in step.outputs]
        result = "None" if not gives else gives[0] if len(gives) == 1 else f"tuple[{', '.join(gives)}]"
        begin = "async def" if any(cell.awaits for cell in step.cells) else "def"
        lines = [f"{begin} {step.name}({parameters}) -> {result}:", f"    {_quoted(docstring_of(step))}"]
        if shared:
            names = sorted(
                {
                    found.name
                    for cell in step.cells
                    for found in references(cell.statements)
                    if found.context == "store"
                }
                - set(self.parameters(step, body))
            )
            if names:
                lines.append(f"    global {', '.join(names)}")
        else:
            lines.extend(f"    {name} = None" for name in self._bound_by_functions_only(step, body))
        lines.append(indented(_without_bare_pass(body)))
        if step.outputs:
            lines.append(f"    return {', '.join(step.outputs)}")
        return "\n".join(lines)

    def _bound_by_functions_only(self, step: Step, body: str) -> list[str]:
        """Names that only a ``global`` statement binds: they need a place in the step."""
        stores = [
            found for cell in step.cells for found in references(cell.statements) if found.context == "store"
        ]
        here = {found.name for found in stores if not found.deferred} | set(self.parameters(step, body))
        return sorted({found.name for found in stores if found.deferred} - here)

    def parameters(self, step: Step, body: str) -> list[str]:
        """What a step's function takes, in order: configuration, data, metrics."""
        names = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
        first = [self.words.config] if self.words.config in names else []
        last = [self.words.metrics] if self.words.metrics in names else []
        return [*first, *step.inputs, *last]

    def _cell_text(self, cell: Cell, checks: Mapping[ast.stmt, list[str]]) -> str:
        places = segments(cell.source)
        for statement in cell.statements:
            if statement in checks:
                cell.source.add_after(statement, checks[statement])
        pieces = [cell.source.render(*places[statement]).strip("\n") for statement in cell.statements]
        return "\n".join(piece for piece in pieces if piece.strip())

    # ---- the whole

    def script(
        self,
        *,
        title: str,
        steps: Sequence[Step],
        checks: Mapping[ast.stmt, list[str]],
        metrics: Sequence[str],
        model: str,
        predictions: str,
        fields: Sequence[ConfigField],
        linked: Sequence[str],
        copied: Sequence[str],
        folders: Sequence[str],
        unkept: Sequence[str],
        modules: bool,
        picks: bool,
        before: Mapping[int, Sequence[str]],
        after: Mapping[int, Sequence[str]],
        shared: bool = False,
    ) -> str:
        """The text of pipeline.py, formatted.

        `before` and `after` are lines to put around the cell of an order; `checks` after a statement.
        """
        for step in steps:
            for cell in step.cells:
                for line in before.get(cell.order, ()):
                    start, _ = segments(cell.source)[cell.statements[0]]
                    cell.source.insert(start, line + "\n")
                if after.get(cell.order):
                    cell.source.add_after(cell.statements[-1], list(after[cell.order]))
        constants_text = [cell.source.text(statement) for cell, statement in self.hoisted.constants]
        definitions = [self.definition(found) for found in self.hoisted.definitions.values()]
        functions = [self.step(step, checks, shared=shared) for step in steps]
        table = ["STEPS: tuple[Step, ...] = ("]
        for step, text in zip(steps, functions, strict=True):
            arguments = [node.arg for node in _function(text).args.args]
            outputs = "" if not step.outputs else f", outputs={tuple(step.outputs)!r}"
            inputs = "" if not arguments else f", inputs={tuple(arguments)!r}"
            table.append(f"    Step({step.name}{inputs}{outputs}),")
        table.append(")")
        constants = [
            f"METRICS: tuple[str, ...] = {tuple(metrics)!r}",
            f"MODEL = {model!r}",
            f"PREDICTIONS = {predictions!r}",
            f"LINKED: tuple[str, ...] = {tuple(linked)!r}",
            f"COPIED: tuple[str, ...] = {tuple(copied)!r}",
            f"FOLDERS: tuple[str, ...] = {tuple(folders)!r}",
            f"UNKEPT: tuple[str, ...] = {tuple(unkept)!r}",
        ]
        imports, machinery = self._machinery()
        parts = [
            _quoted(title),
            "from __future__ import annotations",
            "\n".join([*imports, *(line for line in self._imports(modules=modules) if line not in imports)]),
            *(
                renamed(text, self.names)
                for text in (
                    config_class(fields),
                    self._metrics_class(functions + definitions),
                    _STEP_CLASS,
                    *([_PICK] if picks else []),
                )
            ),
            *constants_text,
            *definitions,
            *functions,
            renamed("\n".join(table), self.names),
            renamed("\n".join(constants), self.names),
            machinery,
        ]
        return formatted("\n\n\n".join(part.strip("\n") for part in parts) + "\n")

    def _metrics_class(self, texts: Sequence[str]) -> str:
        """The class of the metrics; it can take notes only where the code takes some."""
        notes = any(f"{self.words.metrics}.note" in text for text in texts)
        if not notes:
            return _METRICS_CLASS
        return (
            _METRICS_CLASS.replace("by name.", "by name; `note` remembers every value an expression takes.")
            + _NOTE
        )

    def _imports(self, *, modules: bool) -> list[str]:
        found = []
        for cell, statement in self.hoisted.imports:
            found.append(cell.source.text(statement))
        lines = ["import contextlib", *dict.fromkeys(found)]
        if modules:
            lines.insert(0, "sys.path.insert(0, str(Path(__file__).resolve().parent / 'modules'))")
        return lines

    def _machinery(self) -> tuple[list[str], str]:
        """Imports and text of the common part, with names that the user's code has made its own renamed."""
        text = runtime_text()
        imports = []
        for node in runtime_tree().body:
            for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else []:
                name = alias.asname or alias.name.partition(".")[0]
                alias.asname = self.names.get(name)
                if alias.asname and alias.name.partition(".")[0] != alias.name:
                    raise ValueError(f"{alias.name} cannot be renamed")
            if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
                imports.append(ast.unparse(node))
        machinery = renamed(text[text.index(MARK) :], self.names)
        state = '{"config": config, "metrics": metrics}'
        named = f'{{"{self.words.config}": config, "{self.words.metrics}": metrics}}'
        machinery = machinery.replace(state, named)
        return imports, machinery


def script_names() -> set[str]:
    """The names the common part of a script defines and imports at its top level."""
    return {found.name for found in references(runtime_tree()) if found.context == "store"} | {
        "pick",
        "field",
    }


def runtime_text() -> str:
    """The source of the common part."""
    return (Path(__file__).parent / "script" / "runtime.py").read_text(encoding="utf-8")


def runtime_tree() -> ast.Module:
    """A fresh tree of the common part."""
    return ast.parse(runtime_text())


def _imported(node: ast.stmt) -> list[tuple[str, str]]:
    if isinstance(node, ast.Import):
        return [(alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]
    return []


def config_class(fields: Sequence[ConfigField]) -> str:
    """The typed configuration as a dataclass."""
    lines = [
        "@dataclass(frozen=True)",
        "class Config:",
        '    """Settings of this pipeline; config.yaml holds their values."""',
        "",
    ]
    for item in fields:
        if item.kind == "value":
            lines.append(f"    {item.name}: {item.type} = {item.value!r}")
        else:
            lines.append(
                f"    {item.name}: {item.type} = "
                f"field(default={item.value!r}, metadata={{'path': {item.kind!r}}})"
            )
    return "\n".join(lines)


def config_yaml(fields: Sequence[ConfigField]) -> str:
    """config.yaml: every field with its value, comments above them."""
    import yaml

    lines = ["# Settings of pipeline.py. Unknown names and wrong types are errors."]
    for item in fields:
        if item.comment:
            lines.append(f"# {item.comment}")
        lines.append(yaml.safe_dump({item.name: item.value}, allow_unicode=True, width=1000).rstrip("\n"))
    return "\n".join(lines) + "\n"


def formatted(code: str) -> str:
    """`code` with sorted imports, without unused ones, as ruff formats it; raises nothing of ruff's own."""
    compile(code, "pipeline.py", "exec", dont_inherit=True)
    for arguments in (
        [
            "check",
            "--isolated",
            "--select",
            "I,F401,F541,UP037",
            "--fix",
            "--quiet",
            "--target-version",
            "py311",
        ],
        ["format", "--isolated", "--quiet", "--line-length", "100", "--target-version", "py311"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", "pipeline.py", "-"],
            input=code.encode("utf-8"),
            capture_output=True,
            timeout=60,
            check=False,
        )
        text = done.stdout.decode("utf-8", errors="replace")
        if text.strip() and _parses(text):
            code = text
    return code


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Python code in which some names (not attributes) are called otherwise."""
    if not names:
        return text
    out: list[str] = []
    lines = text.split("\n")
    row, column, before = 1, 0, ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string in names and before != ".":
            start, end = token.start, token.end
            while row < start[0]:
                out.append(lines[row - 1][column:] + "\n")
                row, column = row + 1, 0
            out.append(lines[row - 1][column : start[1]] + names[token.string])
            column = end[1]
        before = token.string
    out.append("\n".join([lines[row - 1][column:], *lines[row:]]))
    return "".join(out)


def docstring_of(step: Step) -> str:
    """One line that says what a step does."""
    text = " ".join((step.title or step.name.replace("_", " ")).split())
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _quoted(text: str) -> str:
    """A docstring of `text`, whatever is in it."""
    plain = text.replace("\\", "\\\\").replace('"""', "'''").strip()
    plain = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in plain)
    if plain.endswith('"'):
        plain += " "
    return f'"""{plain}"""'


def _function(text: str) -> ast.FunctionDef | ast.AsyncFunctionDef:
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101 - it was written as one
    return node


def _without_bare_pass(body: str) -> str:
    """Drop top-level ``pass`` that edits left behind, unless nothing else is there."""
    lines = [line for line in body.split("\n") if not re.fullmatch(r"pass\s*", line)]
    return "\n".join(lines) if "".join(lines).strip() else "pass"


def _parentheses(source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[int, int]:
    """The bytes of the parentheses around a function's parameters."""
    start = source.offset(node.lineno, node.col_offset)
    text = source.data[start:].decode("utf-8")
    depth, opening = 0, None
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.OP or token.string not in "()[]{}":
            continue
        row, column = token.start
        place = start + len("\n".join([*lines[: row - 1], lines[row - 1][:column]]).encode("utf-8"))
        if token.string in "([{":
            if depth == 0 and token.string == "(":
                opening = place
            depth += 1
        else:
            depth -= 1
            if depth == 0 and opening is not None:
                return opening, place
    raise ValueError("a function without parentheses")
