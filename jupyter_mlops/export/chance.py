"""Whether chance had a part in numbers that are equal: what two processes noted of themselves, compared.

Coarse scores are equal by luck; the models and predictions behind them are not. A process notes the
random generators it drew from and a hash of everything its steps held (script/proof_runner.py). Where
a generator stands elsewhere in the other process, nobody had seeded it; where what it touched differs
too, on the way to a metric, the metric is left to chance whatever its value.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Noted(Protocol):
    """What is needed of a process's notes (`trial.Observed` has it)."""

    @property
    def random(self) -> Mapping[str, str]:
        """Generators drawn from, and where they stand."""

    @property
    def content(self) -> Mapping[str, str]:
        """Hashes of what steps held, by ``step.name``."""


def unseeded(first: Noted, second: Noted) -> tuple[str, ...]:
    """The random generators that were drawn from and that no seed fixed."""
    names = first.random.keys() | second.random.keys()
    return tuple(
        sorted(
            name
            for name in names
            if first.random.get(name) != second.random.get(name) or first.random.get(name) == "unseeded"
        )
    )


def differing(code: str, word: str, first: Noted, second: Noted) -> tuple[str, ...]:
    """What the steps of a script held differently in two processes, of what its metrics are made of.

    Args:
        code: The script's own part: steps and what they call.
        word: The name of its metrics.
        first: The notes of one process.
        second: Those of the other.
    """
    relevant = behind_metrics(code, word)
    return tuple(
        name
        for name, found in first.content.items()
        if name.partition(".")[2] in relevant and second.content.get(name, found) != found
    )


def behind_metrics(code: str, word: str) -> set[str]:
    """The names that a script's metrics may be made of, by its text: rather one too many."""
    made_of: dict[str, set[str]] = {}
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        for made, of in _flows(node):
            made_of.setdefault(made, set()).update(of - {word})
        if isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            loaded = _names(node)
            if word in loaded and isinstance(node, ast.Assign | ast.Expr | ast.AugAssign | ast.AnnAssign):
                found |= loaded - {word}
    queue = list(found)
    while queue:
        for name in made_of.get(queue.pop(), set()) - found:
            found.add(name)
            queue.append(name)
    return found


def _flows(node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """What a piece of syntax makes of what: names bound, names that may be changed."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value is not None:
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            for name in _names(target):
                yield name, _names(node.value) | _names(target)
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        for name in _names(node.target):
            yield name, _names(node.iter)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        for name in _names(node.optional_vars):
            yield name, _names(node.context_expr)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, set().union(*(_names(part) for part in node.body))
    elif isinstance(node, ast.Call):
        given = set().union(*map(_names, _arguments(node)), set())
        if isinstance(node.func, ast.Attribute):
            for name in _names(node.func.value):
                yield name, given
        for name in given:
            yield name, given | _names(node.func)


def _arguments(call: ast.Call) -> Iterable[ast.expr]:
    return (*call.args, *(keyword.value for keyword in call.keywords))


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
