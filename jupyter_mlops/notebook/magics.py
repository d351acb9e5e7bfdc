"""The marker line of a cell, ``%%track`` or ``%%scratch``: read, and neutralised in place.

The transform is pure. IPython runs it more than once for one execution, also for cells it never
executes, so everything with an effect happens in `watcher`, which reads the same line again.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import re
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mlops.records import ParamValue

_MARKER = re.compile(r"^\s*%%(track|scratch)(?:[ \t]+(.*?))?[ \t]*$")
_WRAPPER = re.compile(r"^%%(time|capture|prun)\b")
_PAIR = re.compile(r"^([^=\s]+)=(.*)$", re.DOTALL)
_TOKEN = re.compile(
    r"""(?:[^\s"'\[({]|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\[[^\]]*\]|\([^)]*\)|\{[^}]*\})+"""
)
_LITERAL_LINE = r"^(?P<head>{key}[ \t]*(?::[^=\n]+)?=[ \t]*)(?P<value>[^#\n]*?)(?P<tail>[ \t]*(?:#.*)?)$"
_OPTIONS = ("--note", "--tag", "--hypothesis", "--baseline")
USAGE = "Write for example: %%track deeper max_depth=8 --note 'deeper trees' --tag team=churn"


class Marker(msgspec.Struct, frozen=True, kw_only=True):
    """A marker line, read. `problems` are the parts that could not be understood."""

    kind: str
    name: str = ""
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    note: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    hypothesis: str = ""
    baseline: str = ""
    problems: tuple[UsageError, ...] = ()


def read_marker(cell: str) -> Marker | None:
    """The marker of a cell as the user wrote it, or None when its first line is no marker.

    ``%%time`` and its like may stand above the marker as well as below it.
    """
    for line in cell.splitlines():
        found = _MARKER.match(line)
        if found:
            return parse_line(found[1], found[2] or "")
        if line.strip() and not _WRAPPER.match(line):
            return None
    return None


def parse_line(kind: str, line: str) -> Marker:
    """Read what follows ``%%track``. Never raises: what is wrong with the line stands in `problems`."""
    problems: list[UsageError] = []
    tokens = _TOKEN.findall(line)
    if "".join(tokens) != "".join(line.split()) and "".join(tokens).replace(" ", "") != line.replace(" ", ""):
        problems.append(UsageError(f"`%%{kind} {line}` has an unclosed quote or bracket.", USAGE))
        tokens = [token for token in line.split() if _TOKEN.fullmatch(token)]
    found: dict[str, Any] = {"params": {}, "tags": {}}
    position = 0
    while position < len(tokens):
        token = tokens[position]
        position += 1
        if token.startswith("--"):
            option, equals, value = token.partition("=")
            words = [value] if equals else []
            known = option in _OPTIONS and not equals
            while known and position < len(tokens) and not tokens[position].startswith("--"):
                if option != "--tag" and _PAIR.match(tokens[position]) and words:
                    break
                words.append(tokens[position])
                position += 1
                if option == "--baseline":
                    break
            _take_option(option, words, found, problems)
        elif pair := _PAIR.match(token):
            _take_param(pair[1], pair[2], found, problems)
        elif "name" not in found:
            found["name"] = _unquote(token)
        else:
            problems.append(UsageError(f"`%%{kind}` has two names, {found['name']!r} and {token!r}.", USAGE))
    if kind == "scratch" and line.strip():
        problems.append(UsageError("`%%scratch` takes no options.", "Leave the rest of its line empty."))
    return Marker(kind=kind, problems=tuple(problems), **found)


def _take_option(option: str, words: list[str], found: dict[str, Any], problems: list[UsageError]) -> None:
    text = " ".join(_unquote(word) for word in words)
    if option not in _OPTIONS:
        problems.append(
            UsageError(f"`{option}` is no option of %%track.", f"Its options are {', '.join(_OPTIONS)}.")
        )
    elif not text:
        problems.append(UsageError(f"`{option}` needs a value.", USAGE))
    elif option == "--tag":
        for word in words:
            pair = _PAIR.match(_unquote(word))
            if pair:
                found["tags"][pair[1]] = _unquote(pair[2])
            else:
                problems.append(UsageError(f"The tag `{word}` is no key=value.", USAGE))
    else:
        found[option.removeprefix("--")] = text


def _take_param(key: str, written: str, found: dict[str, Any], problems: list[UsageError]) -> None:
    if not key.isidentifier() or keyword.iskeyword(key):
        problems.append(UsageError(f"`{key}` in `{key}={written}` is no Python name.", USAGE))
    elif not written:
        problems.append(UsageError(f"`{key}=` has no value.", USAGE))
    else:
        found["params"][key] = parse_value(written)


def parse_value(written: str) -> ParamValue:
    """The literal that `written` spells, else the text itself: ``0.1``, ``[1, 2]``, ``adam``."""
    try:
        value = ast.literal_eval(written)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return written
    return value if isinstance(value, (bool, int, float, str, list, dict, type(None))) else repr(value)


def _unquote(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'" else text


# -- the transform ---------------------------------------------------------------------------------


def neutralise(lines: list[str]) -> list[str]:
    """IPython input transform: make the marker line harmless and apply its overrides.

    The marker becomes a comment on its own line, so every line number stays; a second cell magic
    below it moves to the top, where IPython looks for one, which is where its own count begins.
    """
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None or not (found := _MARKER.match(lines[first].rstrip("\n"))):
        return lines
    try:
        return _without_marker(lines, first, parse_line(found[1], found[2] or ""))
    except Exception:  # noqa: BLE001 — our fault must never become the user's
        return [*lines[:first], f"# {lines[first].strip()}\n", *lines[first + 1 :]]


def _without_marker(lines: list[str], first: int, marker: Marker) -> list[str]:
    """The cell as it runs, its marker being the line `first`."""
    body = lines[first + 1 :]
    second = next((index for index, line in enumerate(body) if line.strip()), None)
    if second is not None and body[second].startswith("%%"):
        magic, rest = body[second], body[second + 1 :]
        rest, missing = override(rest, marker.params)
        return [magic, *rest]
    body, missing = override(body, marker.params)
    bindings = "; ".join(f"{key} = {value!r}" for key, value in missing.items())
    comment = "# " + lines[first].strip()
    return [*lines[:first], f"{bindings}  {comment}\n" if bindings else f"{comment}\n", *body]


# While somebody types at a prompt IPython asks whether the cell is complete, and waits for an empty
# line below a cell magic; it skips transforms that say so, and has to see the marker itself.
neutralise.has_side_effects = True  # type: ignore[attr-defined]


def override(lines: list[str], params: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Replace the literals of top-level ``key = literal`` lines; also give the keys that have none."""
    missing: dict[str, Any] = {}
    for key, value in params.items():
        replaced = _replace(lines, key, value)
        if replaced is None:
            missing[key] = value
        else:
            lines = replaced
    return lines, missing


def late_bindings(cell: str) -> dict[str, Any]:
    """Overrides the transform had no line for: those of a cell with a second magic below its marker.

    The magic has to stand first, so there is no line of the cell's own to bind them on.
    """
    marker = read_marker(cell)
    if marker is None or not marker.params:
        return {}
    lines = cell.splitlines(keepends=True)
    body = lines[next(index for index, line in enumerate(lines) if line.strip()) + 1 :]
    second = next((line for line in body if line.strip()), "")
    if not second.startswith("%%"):
        return {}
    return override(body[body.index(second) + 1 :], marker.params)[1]


def doubtful(cell: str) -> list[UsageError]:
    """Settings on the marker line that would be taken, but hardly as they were meant."""
    marker = read_marker(cell)
    if marker is None or not (marker.params or marker.tags):
        return []
    body = "\n".join(line for line in cell.splitlines() if not line.lstrip().startswith(("%", "!")))
    try:
        statements = ast.parse(body).body
    except (SyntaxError, ValueError):
        return []
    literals = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in statements
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and _is_literal(statement.value)
    }
    found = []
    for key, value in marker.params.items():
        before = literals.get(key)
        if isinstance(value, str) and isinstance(before, (int, float)):
            message = f"`{key}={value}` replaces the number {before!r} by a text."
            found.append(UsageError(message, "Write a number, or quote the text in the cell too."))
        elif key not in literals and not re.search(rf"\b{re.escape(key)}\b", body):
            found.extend(
                UsageError(f"Nothing in this cell reads `{key}`.", f"Did you mean {meant}={value!r}?")
                for meant in difflib.get_close_matches(key, literals, n=1)
            )
    found.extend(
        UsageError(f"`{key}` stands behind --tag, so it is a tag.", "Put parameters before the options.")
        for key in sorted(marker.tags.keys() & literals.keys())
    )
    return found


def _replace(lines: list[str], key: str, value: Any) -> list[str] | None:
    text = "".join(lines)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return _replace_line(lines, key, value)
    for statement in tree.body:
        target: ast.expr | None = None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target = statement.target
        if not (isinstance(target, ast.Name) and target.id == key):
            continue
        node = statement.value  # type: ignore[attr-defined]
        if not _is_literal(node):
            continue
        begin, end = (node.lineno - 1, node.col_offset), (node.end_lineno - 1, node.end_col_offset)
        head = lines[begin[0]].encode()[: begin[1]].decode()
        tail = lines[end[0]].encode()[end[1] :].decode()
        # A literal over several lines leaves its line breaks behind: the lines below keep their numbers.
        blank = "\n" * (end[0] - begin[0])
        closing = tail.rstrip("\n")
        return [*lines[: begin[0]], f"{head}{value!r}{closing}\n{blank}", *lines[end[0] + 1 :]]
    return None


def _replace_line(lines: list[str], key: str, value: Any) -> list[str] | None:
    """The same for a cell with magics or shell lines in it, which is no Python yet."""
    pattern = re.compile(_LITERAL_LINE.format(key=re.escape(key)))
    for index, line in enumerate(lines):
        found = pattern.match(line.rstrip("\n"))
        if found:
            try:
                ast.literal_eval(found["value"])
            except (ValueError, SyntaxError):
                continue
            return [*lines[:index], f"{found['head']}{value!r}{found['tail']}\n", *lines[index + 1 :]]
    return None


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError):
        return False
    return True
