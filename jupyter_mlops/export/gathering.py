"""Metrics that are kept one after the other, kept in one line: ``metrics.update(precision=…, recall=…)``."""

from __future__ import annotations

import ast
import itertools
import keyword
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: How long a line may become, what it is moved to the right by included.
_WIDTH = 116


@dataclass(frozen=True)
class _Record:
    """``metrics["recall"] = recall``: the statement, the metric, and the text and names of its value."""

    node: ast.stmt
    metric: str
    value: str
    plain: bool


def gathered(function: str, word: str) -> str:
    """The text of a function with records of metrics put together, where that changes nothing.

    A record of a plain name waits at the function's top level for those that come after it, as long
    as nothing binds the name anew.

    Args:
        function: One definition of a function.
        word: What the script calls its metrics.
    """
    if f"{word}[" not in function and f"{word}." not in function:
        return function
    source = Source(_a_line_each(function))
    for owner in ast.walk(source.tree):
        for block in _blocks(owner):
            _gather(source, block, word, wait=owner is source.tree.body[0])
            _name_together(source, block, f"{word}.take_rows")
    return source.render(0, len(source.data))


def _a_line_each(function: str) -> str:
    """The text of a function with its ``a; b`` in two lines."""
    source = Source(function)
    body = source.tree.body[0].body  # type: ignore[attr-defined]
    for before, after in itertools.pairwise(body):
        start, _ = source.extent(after)
        _, end = source.extent(before)
        if before.end_lineno == after.lineno and before.lineno == before.end_lineno:
            source.replace_range(end, start, "\n" + source.indent(before))
    return source.render(0, len(source.data))


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block and not isinstance(node, ast.Module):
            yield block


def _gather(source: Source, block: Sequence[ast.stmt], word: str, *, wait: bool) -> None:
    waiting: list[_Record] = []
    before: ast.stmt | None = None
    for statement in block:
        record = _record(source, statement, word)
        if record is not None:
            waiting.append(record)
        elif waiting and not (
            wait and all(found.plain for found in waiting) and not _binds(statement, waiting)
        ):
            assert before is not None  # noqa: S101 - what waits stood before this
            _write(source, waiting, before, word)
            waiting = []
        before = statement
        if waiting and isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue):
            break
    if waiting:
        last = block[-1]
        ends = isinstance(last, ast.Return | ast.Raise | ast.Break | ast.Continue)
        _write(source, waiting, block[-2] if ends else last, word)


def _name_together(source: Source, block: Sequence[ast.stmt], called: str) -> None:
    """Make one call of two that keep one table under two names."""
    calls: list[ast.Call] = []
    for statement in [*block, ast.Pass()]:
        call = statement.value if isinstance(statement, ast.Expr) else None
        fits = isinstance(call, ast.Call) and call.args and ast.unparse(call.func) == called
        if fits and isinstance(call, ast.Call) and (not calls or _others(calls[0]) == _others(call)):
            calls.append(call)
            continue
        if len(calls) > 1:
            names = [ast.literal_eval(found.args[0]) for found in calls]
            source.replace(calls[0].args[0], repr(sorted(names)))
            for found in calls[1:]:
                _take_out(source, source.parents[found])
        calls = [call] if fits and isinstance(call, ast.Call) else []


def _others(call: ast.Call) -> str:
    return ast.dump(ast.Call(call.func, call.args[1:], call.keywords))


def _record(source: Source, statement: ast.stmt, word: str) -> _Record | None:
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    if (
        not isinstance(target, ast.Subscript)
        or not isinstance(target.value, ast.Name)
        or target.value.id != word
        or not isinstance(target.slice, ast.Constant)
        or not isinstance(target.slice.value, str)
        or not source.stands_alone(statement)
        or statement.lineno != statement.end_lineno
        or b"#" in source.line(statement.lineno)
        or isinstance(statement.value, ast.Yield | ast.YieldFrom | ast.Await | ast.NamedExpr | ast.Starred)
    ):
        return None
    plain = isinstance(statement.value, ast.Name)
    return _Record(statement, target.slice.value, source.text(statement.value), plain)


def _binds(statement: ast.stmt, waiting: Sequence[_Record]) -> bool:
    """Whether a statement may bind a name that waits, or leave what comes after it undone."""
    names = {record.value for record in waiting}
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and node.id in names and not isinstance(node.ctx, ast.Load):
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name in names:
            return True
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Nonlocal | ast.Global | ast.ExceptHandler):
            return True
    return isinstance(statement, ast.Return | ast.Raise | ast.Break | ast.Continue)


def _write(source: Source, records: Sequence[_Record], last: ast.stmt, word: str) -> None:
    """Put `records` into as few lines as they fit in, after `last`."""
    kept: list[_Record] = []
    for record in records:
        if not any((record.metric, record.value) == (found.metric, found.value) for found in kept):
            kept.append(record)
    if len(kept) == 1 and len(records) == 1:
        return
    indent = source.indent(records[0].node)
    lines: list[list[_Record]] = []
    for record in kept:
        if lines and len(indent + _line([*lines[-1], record], word)) <= _WIDTH:
            lines[-1].append(record)
        else:
            lines.append([record])
    for record in records:
        _take_out(source, record.node)
    source.add_after(last, [_line(line, word) for line in lines])


def _take_out(source: Source, statement: ast.AST) -> None:
    """Take out a statement and its line, and nothing above it."""
    start, end = source.extent(statement)
    begin = source.data.rfind(b"\n", 0, start)
    source.replace_range(begin, end, "")


def _line(records: Sequence[_Record], word: str) -> str:
    if len(records) == 1:
        return f"{word}[{records[0].metric!r}] = {records[0].value}"
    names = [record.metric for record in records]
    if len(set(names)) == len(names) and all(map(_is_plain_word, names)):
        return f"{word}.update({', '.join(f'{record.metric}={record.value}' for record in records)})"
    return f"{word}.update({{{', '.join(f'{record.metric!r}: {record.value}' for record in records)}}})"


def _is_plain_word(name: str) -> bool:
    return name.isidentifier() and name.isascii() and not keyword.iskeyword(name) and name != "self"
