"""Writes pipeline.py and config.yaml from what `steps` and `hoisting` decided.

The user's statements are their own text with the fewest edits; everything else is written by `ast`
or `repr`. What the script has in common with every other lies beside it, in `script.pipeline_runner`.
"""

from __future__ import annotations

import ast
import io
import re
import textwrap
import tokenize
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .gathering import gathered
from .phases import is_magic, is_switched_off
from .references import references
from .source import Source, indented, inside_texts, segments, without_settled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from .plan import Cell, ConfigField, Definition, Hoisted, Moment, Step, Words

#: The module beside every script that runs it.
RUNNER = "pipeline_runner"
_WIDTH = 100
_RULE = re.compile(r"#[^\w]{2,}")
#: What a script takes from the runner, and names of its own: what the user's code calls so keeps the name.
_FROM_RUNNER = ("Metrics", "Settings", "check_contract", "input_path", "output_path", "pick", "run_pipeline")
_OWN = ("Config",)
_STANDARD = {
    "Any": "typing.Any",
    "Path": "pathlib.Path",
    "contextlib": "contextlib",
    "os": "os",
    "shutil": "shutil",
    "sys": "sys",
}


@dataclass(frozen=True)
class Plan:
    """What a script is made of, beside its statements.

    `rows` is the name whose index the predictions have; `links`, `copies` and `folders` are files reached by
    relative paths that could not be hoisted; `unkept` steps whose results must not be kept. `comments` are
    lines for above a cell by its first statement, `before` and `after` statements for around the cell of an
    order; `checks` are names that are held against their contracts once a statement has run.
    """

    title: str
    steps: Sequence[Step]
    docstrings: Mapping[str, str] = field(default_factory=dict)
    comments: Mapping[ast.stmt, Sequence[str]] = field(default_factory=dict)
    fields: Sequence[ConfigField] = ()
    checks: Mapping[ast.stmt, list[str]] = field(default_factory=dict)
    model: str = ""
    predictions: str = ""
    rows: str = ""
    links: Sequence[str] = ()
    copies: Sequence[str] = ()
    folders: Sequence[str] = ()
    unkept: Collection[str] = ()
    modules: bool = False
    before: Mapping[int, Sequence[str]] = field(default_factory=dict)
    after: Mapping[int, Sequence[str]] = field(default_factory=dict)
    shared: bool = False


class Writer:
    """Puts the script together.

    Args:
        words: The script's own names.
        hoisted: What stands at the top.
        annotation: The type of a name at a moment (None: at the end).
        taken: Every name in the user's code.
    """

    def __init__(
        self,
        words: Words,
        hoisted: Hoisted,
        annotation: Callable[[str, Moment | None], str],
        taken: Collection[str],
    ) -> None:
        self.words = words
        self.hoisted = hoisted
        self.annotation = annotation
        self.names = self._collisions(taken)
        #: Modules that only translated lines need.
        self.given: set[str] = set()

    def _collisions(self, taken: Collection[str]) -> dict[str, str]:
        """Names of ours that the user's code has given another meaning."""
        theirs: dict[str, str] = dict.fromkeys(self.hoisted.definitions, "")
        for _, statement in self.hoisted.imports:
            theirs.update(_imported(statement))
        found = [name for name, path in _STANDARD.items() if theirs.get(name, path) != path]
        found += [name for name in (*_FROM_RUNNER, *_OWN) if name in taken]
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
        text = without_settled(_without_noise(source.render(start, end).strip("\n")))
        return gathered(text, self.words.metrics) if self.words.metrics in definition.extra else text

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

    def _type(self, name: str, moment: Moment | None = None) -> str:
        if name == self.words.config:
            return self._own("Config")
        if name == self.words.metrics:
            return self._own("Metrics")
        if name in self.hoisted.settings:
            return self.hoisted.settings[name][2].type
        return self.annotation(name, moment)

    def step(self, step: Step, plan: Plan) -> str:
        """One step as a function."""
        body = "\n".join(
            "\n".join(
                [
                    *(f"# {line}" for line in plan.comments.get(cell.statements[0], ())),
                    self._cell_text(cell, plan.checks),
                ]
            )
            for cell in step.cells
        ).strip("\n")
        body = without_settled(_without_noise(_each_comment_once(body)))
        body = _without_title(body, step.title).lstrip("\n")
        start, end = _start_of(step.cells[0]), _end_of(step.cells[-1])
        given = self.parameters(step, body)
        parameters = ", ".join(f"{name}: {self._type(name, start)}" for name in given)
        gives = [self._type(name, end) for name in step.outputs]
        result = "None" if not gives else gives[0] if len(gives) == 1 else f"tuple[{', '.join(gives)}]"
        begin = "async def" if any(cell.awaits for cell in step.cells) else "def"
        said = plan.docstrings.get(step.name)
        lines = [f"{begin} {step.name}({parameters}) -> {result}:"]
        if said:
            lines.append(f"    {quoted(said, '    ')}")
        if plan.shared:
            names = sorted(_stored(step) - set(given))
            if names:
                lines.append(f"    global {', '.join(names)}")
        else:
            lines.extend(f"    {name} = None" for name in self._bound_by_functions_only(step, body))
        lines.append(indented(_without_bare_pass(body)))
        if step.outputs:
            lines.append(f"    return {', '.join(step.outputs)}")
        text = gathered("\n".join(lines), self.words.metrics)
        return _with_result_returned(text, self._own("check_contract"))

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
            for name in checks.get(statement, ()):
                self._check(cell.source, statement, name)
        pieces = [cell.source.render(*places[statement]).strip("\n") for statement in cell.statements]
        return "\n".join(piece for piece in pieces if piece.strip())

    def _check(self, source: Source, statement: ast.stmt, name: str) -> None:
        """Hold a name's value against its contract: as it is bound, if the statement does just that."""
        check = f"{self._own('check_contract')}({name!r}, "
        if (
            isinstance(statement, ast.Assign)
            and [ast.unparse(target) for target in statement.targets] == [name]
            and not isinstance(statement.value, ast.Tuple | ast.Yield | ast.YieldFrom)
        ):
            start, end = source.extent(statement.value)
            source.insert(start, check)
            source.insert(end, ")")
        else:
            source.add_after(statement, [f"{check}{name})"])

    # ---- the whole

    def script(self, plan: Plan, imports: Callable[[], Sequence[str]] = tuple) -> str:
        """The text of pipeline.py, not formatted yet; `imports` gives what its annotations need."""
        for step in plan.steps:
            for cell in step.cells:
                for line in plan.before.get(cell.order, ()) if cell.begins else ():
                    start, _ = segments(cell.source)[cell.statements[0]]
                    cell.source.insert(start, line + "\n")
                if plan.after.get(cell.order) and cell.ends:
                    cell.source.add_after(cell.statements[-1], list(plan.after[cell.order]))
        constants = [cell.source.text(statement) for cell, statement in self.hoisted.constants]
        definitions = [self.definition(found) for found in self.hoisted.definitions.values()]
        functions = [self.step(step, plan) for step in plan.steps]
        constants, definitions, functions = (
            [self._with_names(text) for text in texts] for texts in (constants, definitions, functions)
        )
        config = self._config_class(plan.fields) if plan.fields else ""
        body = [config, *constants, *definitions, *functions, self._start(plan)]
        said = "\n".join(_commented(line) for line in plan.title.split("\n"))
        top = f"{said}\n\n{self._imports(plan, body, imports())}"
        parts = [top, *filter(None, body)]
        return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"

    def _with_names(self, text: str) -> str:
        """``os.chdir(…)`` for ``__import__("os").chdir(…)``: how a shell's line was translated."""
        source = Source(text)
        bound = _bound_in(source.tree)
        for node in ast.walk(source.tree):
            call = node.value if isinstance(node, ast.Attribute) else None
            if not isinstance(call, ast.Call) or ast.unparse(call.func) != "__import__":
                continue
            module = ast.literal_eval(call.args[0]) if isinstance(call.args[0], ast.Constant) else ""
            assert isinstance(node, ast.Attribute)  # noqa: S101 - see above
            for name, path, whole in (
                (node.attr, f"{module}.{node.attr}", node),
                (module, module, call),
            ):
                if _STANDARD.get(name) == path and self._own(name) not in bound:
                    source.replace(whole, self._own(name))
                    self.given.add(name)
                    break
        return source.render(0, len(source.data))

    def _start(self, plan: Plan) -> str:
        """The end of the script: its steps in order, and which of their results are the pipeline's."""
        given = {
            "model": plan.model,
            "predictions": plan.predictions,
            "rows": plan.rows,
            "links": tuple(plan.links),
            "copies": tuple(plan.copies),
            "folders": tuple(plan.folders),
        }
        arguments = [step.name for step in plan.steps]
        # The last step's results are kept for nobody.
        always = [step.name for step in plan.steps[:-1] if step.name in plan.unkept]
        if always:
            arguments.append(f"always=[{', '.join(always)}]")
        arguments += [f"{name}={value!r}" for name, value in given.items() if value]
        return f"if __name__ == '__main__':\n    {self._own('run_pipeline')}({', '.join(arguments)})"

    def _imports(self, plan: Plan, body: Sequence[str], more: Sequence[str]) -> str:
        """All imports; those beside the script are found when Python runs isolated, too."""
        used = {node.id for node in ast.walk(ast.parse("\n\n".join(body))) if isinstance(node, ast.Name)}
        theirs = [cell.source.text(statement) for cell, statement in self.hoisted.imports]
        used -= {self._own(name) for name in ("os", "shutil") if name not in self.given}
        lines = [self._import(name) for name in _STANDARD if self._own(name) in used | {self._own("sys")}]
        lines += [line for line in dict.fromkeys([*theirs, *more]) if line not in lines]
        find = [f"{self._own('sys')}.path.append(__file__.removesuffix('pipeline.py'))"]
        ours = [
            f"{name} as {self.names[name]}" if name in self.names else name
            for name in _FROM_RUNNER
            if self._own(name) in used
        ]
        if plan.modules:
            modules = f"str({self._own('Path')}(__file__).parent / 'modules')"
            find.insert(0, f"{self._own('sys')}.path.insert(0, {modules})")
            first = self._standard()
            lines = [line for found in lines for line in _one_each(found) if line not in first]
            return "\n".join([*first, "", *find, "", *lines, f"from {RUNNER} import {', '.join(ours)}"])
        return "\n".join([*lines, "", *find, "", f"from {RUNNER} import {', '.join(ours)}"])

    def _standard(self) -> list[str]:
        return [self._import("sys"), self._import("Path")]

    def _import(self, name: str) -> str:
        module, _, inside = _STANDARD[name].partition(".")
        alias = f" as {self.names[name]}" if name in self.names else ""
        return f"from {module} import {inside}{alias}" if inside else f"import {module}{alias}"

    def _config_class(self, fields: Sequence[ConfigField]) -> str:
        """The typed configuration as a dataclass."""
        lines = [
            "# The settings, as config.yaml holds them.",
            f"class {self._own('Config')}({self._own('Settings')}):",
        ]
        for item in fields:
            path = {"input": self._own("input_path"), "output": self._own("output_path")}.get(item.kind)
            # By `ast`, because ``repr`` of an infinite number is no number.
            value = ast.unparse(ast.Constant(item.value))  # type: ignore[arg-type]
            value = f"{path}({value})" if path else value
            lines.append(f"    {item.name}: {item.type} = {value}")
        return "\n".join(lines)


def _start_of(cell: Cell) -> Moment:
    """Before a cell, or before the section of one."""
    return (cell.order, cell.statements[0]) if not cell.begins else (cell.order - 1, None)


def _end_of(cell: Cell) -> Moment:
    """After a cell, or after the section of one."""
    if cell.ends:
        return cell.order, None
    body = cell.source.tree.body
    return cell.order, body[body.index(cell.statements[-1]) + 1]


def _bound_in(tree: ast.AST) -> set[str]:
    """Names that code binds in any way."""
    found = {use.name for use in references(tree) if use.context != "load"}
    return (
        found
        | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        | {
            getattr(part, "id", "")
            for part in ast.walk(tree)
            if isinstance(getattr(part, "ctx", None), ast.Store)
        }
        | {
            alias.asname or alias.name.partition(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
    )


def _one_each(line: str) -> list[str]:
    """``import os, sys`` as two lines; any other as it is."""
    plain = re.fullmatch(r"import ([\w., ]+)", line)
    return [f"import {name.strip()}" for name in plain[1].split(",")] if plain else [line]


def _stored(step: Step) -> set[str]:
    return {
        found.name for cell in step.cells for found in references(cell.statements) if found.context == "store"
    }


def _with_result_returned(text: str, check: str) -> str:
    """``x = check_contract("x", …)``, ``return x`` at the end of a function as one statement.

    Any other result keeps its name, since it is given on by it.
    """
    source = Source(text)
    function = source.tree.body[0]
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101 - it was written as one
    if len(function.body) < 2:
        return text
    last, end = function.body[-2], function.body[-1]
    if (
        not isinstance(end, ast.Return)
        or not isinstance(end.value, ast.Name)
        or not isinstance(last, ast.Assign)
        or ast.unparse(last.targets[0]) != end.value.id
        or not ast.unparse(last.value).startswith(f"{check}({end.value.id!r}, ")
        or not source.stands_alone(last)
    ):
        return text
    start, _ = source.extent(last)
    value, _ = source.extent(last.value)
    if source.data[start:value].count(b"("):
        return text
    source.replace_range(start, value, "return ")
    source.drop(end)
    return source.render(0, len(source.data))


def _without_title(body: str, title: str) -> str:
    """`body` without the comment that its step is called after."""
    lines = body.split("\n")
    for place, line in enumerate(lines):
        if title and line.startswith("#") and line.strip("#!%-= \t") == title:
            shorter = "\n".join([*lines[:place], *lines[place + 1 :]])
            # A line of a text may look like a comment.
            return shorter if ast.dump(ast.parse(shorter)) == ast.dump(ast.parse(body)) else body
    return body


def _each_comment_once(body: str) -> str:
    """`body` without comments that say what the line above them says: a heading and the code under it may."""
    lines = body.split("\n")
    kept = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if line != before or not line.startswith("#")
    ]
    shorter = "\n".join(kept)
    # Lines of a text may look like comments.
    return shorter if ast.dump(ast.parse(shorter)) == ast.dump(ast.parse(body)) else body


def _without_noise(code: str) -> str:
    """`code` without comments that are rules, ``# =====``, magics, or calls that somebody switched off."""
    inside = inside_texts(ast.parse(code))
    return "\n".join(
        row
        for number, row in enumerate(code.split("\n"), start=1)
        if number in inside
        or not row.lstrip().startswith("#")
        or not (_RULE.fullmatch(row.strip()) or is_magic(row) or is_switched_off(row.strip("# \t")))
    )


def _commented(text: str) -> str:
    """`text` in comments, whatever is in it."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return "\n".join(f"# {line}" for line in textwrap.wrap(plain, _WIDTH))


def _imported(node: ast.stmt) -> list[tuple[str, str]]:
    if isinstance(node, ast.Import):
        return [(alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]
    return []


def config_yaml(fields: Sequence[ConfigField]) -> str:
    """config.yaml: every field with its value, comments above them."""
    import yaml

    lines = ["# Settings of pipeline.py. Unknown names and wrong types are errors."]
    for item in fields:
        if item.comment:
            lines.append(f"# {item.comment}")
        lines.append(yaml.safe_dump({item.name: item.value}, allow_unicode=True, width=1000).rstrip("\n"))
    return "\n".join(lines) + "\n"


def quoted(text: str, prefix: str = "") -> str:
    """A docstring of `text`, whatever is in it, its lines beginning with `prefix`."""
    plain = text.replace("\\", "\\\\").replace('"""', "'''").strip()
    plain = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in plain)
    if "\n" in plain:
        lines = [line.rstrip() for line in plain.split("\n")]
        return '"""' + "\n".join(
            [lines[0], *(prefix + line if line else "" for line in lines[1:]), f'{prefix}"""']
        )
    return f'"""{plain} """' if plain.endswith('"') else f'"""{plain}"""'


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
