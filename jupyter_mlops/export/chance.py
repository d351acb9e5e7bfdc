"""Whether chance had a part in numbers that are equal: what two processes noted of themselves, compared.

Coarse scores are equal by luck; the models and predictions behind them are not. A process notes the
random generators it drew from and a hash of everything its steps held (script/proof_runner.py). Where
a generator stands elsewhere in the other process, nobody had seeded it; where what it touched differs
too, on the way to a metric, the metric is left to chance whatever its value.

What differs in its last places only is the same: a sum in another order, or a solver that stops when it is
near enough (its own ``tol``) and came from another side. Nothing of it may differ but fractions, and these by
no more than that.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


#: How far numbers may be apart, relative to the largest of their array, and be the same.
RELATIVE = 1e-6
#: A solver's tolerance is one of its gradient or its loss: what it solves for is so many times as far apart,
#: as SAGA and liblinear show. No tolerance excuses more than `_MOST`.
_TIMES = 10
_MOST = 1e-3


class Kept(Protocol):
    """The fractions of one value (`trial.Numbers` has it)."""

    @property
    def plain(self) -> str:
        """A hash of all else it holds."""

    @property
    def parts(self) -> tuple[int, ...]:
        """How many fractions there are in each array."""

    @property
    def tolerance(self) -> float:
        """To what the solver in it computed, 0 without one."""

    @property
    def data(self) -> bytes:
        """The bytes of 64-bit floats."""


class Noted(Protocol):
    """What is needed of a process's notes (`trial.Observed` has it)."""

    @property
    def random(self) -> Mapping[str, str]:
        """Generators drawn from, and where they stand."""

    @property
    def content(self) -> Mapping[str, str]:
        """Hashes of what steps held, by ``step.name``."""

    @property
    def numbers(self) -> Mapping[str, Kept]:
        """The fractions of what steps held, by ``step.name``, as far as they were kept."""


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
    apart = _apart(code, word, first, second)
    return tuple(name for name, distance in apart.items() if distance is None)


def nearly_equal(code: str, word: str, first: Noted, second: Noted) -> dict[str, float]:
    """What differs in its last places only, and by how much of its size; given what `differing` is."""
    apart = _apart(code, word, first, second)
    return {name: distance for name, distance in apart.items() if distance is not None}


def _apart(code: str, word: str, first: Noted, second: Noted) -> dict[str, float | None]:
    """What the metrics are made of that has another hash: how far apart, None where it really differs."""
    relevant = behind_metrics(code, word)
    names = [
        name
        for name, found in first.content.items()
        if name.partition(".")[2] in relevant and second.content.get(name, found) != found
    ]
    if not names:
        return {}
    allowed = _tolerances(code, first.numbers)
    found = {}
    for name in names:
        distance = _distance(first.numbers.get(name), second.numbers.get(name))
        near = max(RELATIVE, min(_TIMES * allowed.get(name.partition(".")[2], 0.0), _MOST))
        found[name] = distance if distance is not None and distance <= near else None
    return found


def _distance(first: Kept | None, second: Kept | None) -> float | None:
    """How far apart two values are, relative to the largest number of an array; None: not only so."""
    import numpy as np

    if first is None or second is None or first.plain != second.plain or first.parts != second.parts:
        return None
    one, two = np.frombuffer(first.data), np.frombuffer(second.data)
    if one.size != sum(first.parts) or two.size != one.size:
        return None
    ends = np.cumsum(first.parts)[:-1]
    farthest = 0.0
    for left, right in zip(np.split(one, ends), np.split(two, ends), strict=True):
        whole = np.isfinite(left)
        if (
            not np.array_equal(left[~whole], right[~whole], equal_nan=True)
            or not np.isfinite(right[whole]).all()
        ):
            return None
        if whole.any():
            size = max(np.abs(left[whole]).max(), np.abs(right[whole]).max())
            by = np.abs(left[whole] - right[whole]).max()
            farthest = max(farthest, float(by / size) if by > 1e-12 else 0.0)
    return farthest


def _tolerances(code: str, numbers: Mapping[str, Kept]) -> dict[str, float]:
    """The tolerance to which each name is known: its solver's own, or that of what it was computed from."""
    found: dict[str, float] = {}
    for name, kept in numbers.items():
        if kept.tolerance:
            found[name.partition(".")[2]] = max(kept.tolerance, found.get(name.partition(".")[2], 0.0))
    flows = [
        (made, of)
        for node in ast.walk(ast.parse(code))
        if not isinstance(node, ast.Call | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for made, of in _flows(node)
    ]
    size = -1
    while size != len(found):
        size = len(found)
        for made, of in flows:
            of_these = max((found[name] for name in of if name in found), default=0.0)
            if of_these and made not in found:
                found[made] = of_these
    return found


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
