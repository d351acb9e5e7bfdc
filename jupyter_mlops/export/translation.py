"""Notebook leftovers in executed code: magics and shell lines become Python, vanish, or are refused.

The executed code of a cell holds them as calls on ``get_ipython()``. Lines keep their numbers, so that
what is known about the executed code (spans of metrics) still finds its place.
"""

from __future__ import annotations

import ast
import re
import shlex
from typing import TYPE_CHECKING

from .source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Cell magics that only run their body.
_WRAPPERS = frozenset({"time", "capture", "prun", "memit", "track", "scratch"})
#: Cell and line magics that show, measure or configure, and leave no value behind.
_SILENT_CELLS = frozenset({"timeit", "html", "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG"})
_SILENT_LINES = frozenset(
    """
    matplotlib load_ext reload_ext unload_ext autoreload config pip conda mamba uv who whos who_ls
    timeit precision pprint xmode colors pdb debug doctest_mode history pinfo pinfo2 psearch psource
    quickref reset_selective tb track compare runs export pylab_only automagic alias_magic lsmagic magic
    logstart logstop memit mprun lprun pwd ls ll dirs man less more cat pycat page pdoc pfile pdef
    notebook
    """.split()
)
_SILENT_SHELL: frozenset[str] = frozenset(
    """
    pip pip3 conda mamba uv ls pwd cat head tail nvidia-smi echo free df du wc which date whoami uname
    lscpu top ps file
    """.split()
)
#: Commands that bring data from elsewhere: what they left is an input, known by its hash.
_FETCHING_SHELL = frozenset(
    {
        "sudo",
        "apt",
        "apt-get",
        "brew",
        "npm",
        "jupyter",
        "wget",
        "curl",
        "unzip",
        "tar",
        "gunzip",
        "kaggle",
        "gdown",
        "git",
    }
)
_TEXT_LIMIT = 5
#: What to do instead of a magic that is refused.
_INSTEAD = {
    "run": "; make the file a module and import what you need of it",
    "bash": "; do it in Python, or beforehand",
    "sh": "; do it in Python, or beforehand",
    "sql": "; read the table with pandas.read_sql",
}
#: What is left of our own marker in the code that ran.
_MARKER = re.compile(r"\A\s*#\s*%%(?:track|scratch)\b.*")


def translate(code: str) -> str:
    """Executed code with everything that only a notebook understands turned into plain Python.

    What cannot be translated is left as it is; `refusals` names it.
    """
    for _ in range(_TEXT_LIMIT):
        body = _wrapped_body(code)
        if body is None:
            break
        code = body
    source = Source(_MARKER.sub("", code, count=1))
    source = _settle_tests(source)
    for call in _shell_calls(source.tree):
        statement = source.statement_of(call)
        if not isinstance(statement, ast.Expr) or statement.value is not call:
            continue
        text = _translated(call)
        if text is not None:
            start, end = source.extent(statement)
            lines = source.data[start:end].count(b"\n")
            nested = source.parents[statement] is not source.tree
            new = text or ("pass" if nested or not source.stands_alone(statement) else "")
            source.replace(statement, new + "\n" * max(0, lines - new.count("\n")))
    return source.render(0, len(source.data))


def _settle_tests(source: Source) -> Source:
    """``if`` statements that only ask whether this is a notebook, as they were answered there.

    What was not run goes, so that no script asks for it; what was run keeps its lines and columns.
    """
    settled: set[ast.AST] = set()
    for node in ast.walk(source.tree):
        answer = _answer(node.test) if isinstance(node, ast.If) else None
        if answer is None or not isinstance(node, ast.If) or settled & {*source.ancestors(node)}:
            continue
        start, end = source.extent(node)
        if not source.data[start:end].startswith(b"if"):
            continue  # an ``elif`` is a part of what it belongs to
        settled.add(node)
        run = node.body if answer else node.orelse
        lines = source.data[start:end].count(b"\n")
        if not run:
            source.replace(node, "pass" + "\n" * lines)
        elif answer:
            first, last = source.extent(node.test)
            rows = source.data[first:last].count(b"\n")
            source.replace_range(first, last, "True".ljust(0 if rows else last - first) + " \\\n" * rows)
            _, body = source.extent(node.body[-1])
            source.replace_range(body, end, "\n" * source.data[body:end].count(b"\n"))
        elif source.data[: source.extent(run[0])[0]].rstrip().endswith(b"else:"):
            first, _ = source.extent(run[0])
            above = source.data[start:first]
            source.replace_range(start, first, "if True:" + "\n" * above.count(b"\n") + _last_row(above))
    return Source(source.render(0, len(source.data))) if settled else source


def _last_row(text: bytes) -> str:
    """What stands before a statement on the last row: the white space it begins with."""
    return text.rpartition(b"\n")[2].decode() if b"\n" in text else " "


#: What a notebook's shell says of itself: as text, and its class.
_SHELL_TEXT = "<ipykernel.zmqshell.ZMQInteractiveShell object"
_SHELL_CLASS = "ZMQInteractiveShell"
_NAMESPACES = ("globals()", "locals()", "vars()", "dir()", "dir(__builtins__)", "dir(builtins)")


def _answer(test: ast.expr) -> bool | None:
    """What a test gives in a notebook that asks for nothing but whether this is one; None for any other."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _answer(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        answers = [_answer(part) for part in test.values]
        decided = isinstance(test.op, ast.Or)
        if decided in answers:
            return decided
        return None if None in answers else not decided
    text = ast.unparse(test)
    if text == "get_ipython()":
        return True
    if text.startswith("hasattr(") and text.endswith("'__IPYTHON__')"):
        return True
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, right, sign = ast.unparse(test.left), ast.unparse(test.comparators[0]), test.ops[0]
    told: bool | None = None
    asked = test.left.value if isinstance(test.left, ast.Constant) else None
    if left in ("'get_ipython'", "'__IPYTHON__'") and right in _NAMESPACES:
        told = True
    elif left == "get_ipython()" and right == "None":
        return isinstance(sign, ast.IsNot | ast.NotEq)
    elif right in ("str(get_ipython())", "repr(get_ipython())") and isinstance(asked, str):
        told = asked in _SHELL_TEXT
    elif left in ("get_ipython().__class__.__name__", "type(get_ipython()).__name__"):
        named = test.comparators[0]
        told = isinstance(named, ast.Constant) and named.value == _SHELL_CLASS
        return told if isinstance(sign, ast.Eq) else not told if isinstance(sign, ast.NotEq) else None
    if told is None or not isinstance(sign, ast.In | ast.NotIn):
        return None
    return told if isinstance(sign, ast.In) else not told


def is_looking(call: ast.Call) -> bool:
    """Whether a call is a shell line that only looks: ``files = !ls`` does nothing but give a value."""
    if not _is_shell_call(call) or call.func.attr not in ("getoutput", "system"):  # type: ignore[attr-defined]
        return False
    arguments = _texts(call)
    return bool(arguments) and _shell_line(arguments[0]) == ""


def refusals(node: ast.AST) -> list[str]:
    """What in a statement no script can do, each in a sentence."""
    found = []
    for call in _shell_calls(node):
        method, arguments = call.func.attr, _texts(call)  # type: ignore[attr-defined]
        if method in ("system", "getoutput", "getoutput_split"):
            command = arguments[0] if arguments else "…"
            found.append(
                f"a shell line (`!{command}`) cannot become part of a script; do it in Python, or beforehand"
            )
        elif method in ("run_line_magic", "run_cell_magic") and arguments:
            sign = "%" if method == "run_line_magic" else "%%"
            instead = _INSTEAD.get(arguments[0], "")
            found.append(f"the magic `{sign}{arguments[0]}` cannot become part of a script{instead}")
        else:
            found.append("it talks to IPython itself")
    return found


def _wrapped_body(code: str) -> str | None:
    tree = ast.parse(code)
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Expr):
        return None
    call = tree.body[0].value
    if not _is_shell_call(call) or call.func.attr != "run_cell_magic":  # type: ignore[attr-defined]
        return None
    arguments = _texts(call)  # type: ignore[arg-type]
    if len(arguments) == 3 and arguments[0] in _WRAPPERS:
        return arguments[2]
    if len(arguments) == 3 and arguments[0] in _SILENT_CELLS:
        return ""
    if len(arguments) == 3 and arguments[0] in ("bash", "sh"):
        return _shell_cell(arguments[2]) if not arguments[1].strip() else None
    if len(arguments) == 3 and arguments[0] in ("writefile", "file"):
        words = shlex.split(arguments[1])
        if len(words) == 1:
            return f"__import__('pathlib').Path({words[0]!r}).write_text({arguments[2]!r})\n"
        if len(words) == 2 and words[0] in ("-a", "--append"):
            return f"__import__('builtins').open({words[1]!r}, 'a').write({arguments[2]!r})\n"
    return None


def _translated(call: ast.Call) -> str | None:
    """The Python that does what a magic or shell call does, ``""`` if none is needed, None if unknown."""
    method, arguments = call.func.attr, _texts(call)  # type: ignore[attr-defined]
    if not arguments:
        return None
    if method == "system":
        return _shell_line(arguments[0])
    if method == "run_line_magic" and len(arguments) > 1:
        name, line = arguments[0], arguments[1].strip()
        if name in ("time", "prun", "memit") and _parses(line):
            return line
        if name in _SILENT_LINES:
            return ""
        if name == "cd" and line and not line.startswith("-"):
            return f"__import__('os').chdir({line!r})"
        if name in ("env", "set_env"):
            key, equals, value = line.partition("=") if "=" in line else line.partition(" ")
            return f"__import__('os').environ[{key.strip()!r}] = {value.strip()!r}" if equals else ""
    return None


def _shell_line(line: str) -> str | None:
    """A command as Python, ``""`` if a script does not need it, None if only a shell can do it."""
    plain = line.replace("> /dev/null", "").replace("2>&1", "")
    if set(plain) & set(">|&;`$"):
        return None
    try:
        words = shlex.split(plain, comments=True)
    except ValueError:
        return None
    if not words or words[0] in _SILENT_SHELL | _FETCHING_SHELL:
        return ""
    if set(plain) & set("*?~{}["):
        return None
    name, flags = words[0], {word for word in words[1:] if word.startswith("-")}
    places = [word for word in words[1:] if word not in flags]
    if name == "mkdir" and flags <= {"-p"} and places:
        return "; ".join(f"__import__('os').makedirs({place!r}, exist_ok=True)" for place in places)
    if name == "touch" and not flags and places:
        return "; ".join(f"__import__('pathlib').Path({place!r}).touch()" for place in places)
    if name in ("cp", "mv") and not flags and len(places) == 2:
        function = "copy" if name == "cp" else "move"
        return f"__import__('shutil').{function}({places[0]!r}, {places[1]!r})"
    return None


def _shell_cell(body: str) -> str | None:
    """The lines of ``%%bash`` as Python, if each of them can be."""
    lines = [_shell_line(line) for line in body.splitlines()]
    if any(line is None for line in lines):
        return None
    return "\n".join(line for line in lines if line) + "\n"


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return bool(text)


def _shell_calls(node: ast.AST) -> Iterator[ast.Call]:
    for found in ast.walk(node):
        if _is_shell_call(found):
            yield found  # type: ignore[misc]


def _is_shell_call(node: ast.AST) -> bool:
    """Whether a node is ``get_ipython().something(…)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Call)
        and isinstance(node.func.value.func, ast.Name)
        and node.func.value.func.id == "get_ipython"
    )


def _texts(call: ast.Call) -> list[str]:
    """The leading text arguments of a call."""
    found = []
    for argument in call.args:
        if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
            break
        found.append(argument.value)
    return found
