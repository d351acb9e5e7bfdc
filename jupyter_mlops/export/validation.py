"""What a proof is judged by: numbers that agree, inputs that are the run's, chance that shows."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.records import FileUse, MetricCheck, MetricValue

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

RELATIVE = 1e-6


_CLOCK = re.compile(r"\b(?:time|perf_counter|perf_counter_ns|time_ns|monotonic|process_time|now|today)\(\)")


def clock_names(code: str) -> set[str]:
    """The names that a piece of code binds to what a clock said, and to nothing else."""
    found: set[str] = set()
    others: set[str] = set()
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return found
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            is_clock = isinstance(node.value, ast.Call) and _CLOCK.search(ast.unparse(node.value))
            (found if is_clock else others).add(node.targets[0].id)
    return found - others


def _is_difference(expression: str, clocks: Collection[str]) -> bool:
    """Whether an expression is the time from one clock's name to another's."""
    try:
        node = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return False
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} <= set(clocks)
    )


def measures_time(name: str, expression: str = "", clocks: Collection[str] = ()) -> bool:
    """Whether a metric's name or code says that it is a duration: no two runs agree on those.

    `clocks` are names that hold what a clock said; see `clock_names`.
    """
    if _CLOCK.search(expression) or (clocks and _is_difference(expression, clocks)):
        return True
    found = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    while found and found[-1] in ("mean", "std", "min", "max", "total", "s", "ms", "sec"):
        found.pop()
    return bool(found) and found[-1] in ("time", "elapsed", "seconds", "duration", "latency", "runtime")


def same(expected: MetricValue, value: MetricValue | None) -> bool:
    """Whether two numbers are equal: integers exactly, floats within 1e-6 of their size, NaN as itself."""
    if value is None:
        return False
    if isinstance(expected, int) and isinstance(value, int):
        return expected == value
    first, second = float(expected), float(value)
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    return math.isclose(first, second, rel_tol=RELATIVE, abs_tol=1e-12)


def compare(
    expected: Mapping[str, MetricValue],
    first: Mapping[str, MetricValue],
    second: Mapping[str, MetricValue] | None,
) -> tuple[MetricCheck, ...]:
    """Hold two proofs' numbers against the run's, metric by metric."""
    checks = []
    for name, value in expected.items():
        one = first.get(name)
        two = second.get(name) if second is not None else None
        equal = same(value, one) and (second is None or same(value, two))
        tolerance = 0.0 if isinstance(value, int) else RELATIVE
        if one is not None and two is not None and not same(one, two):
            # What the processes differ by, in the size of the larger: the number is left to chance.
            tolerance = abs(float(one) - float(two)) / max(abs(float(one)), abs(float(two)))
        checks.append(
            MetricCheck(name=name, expected=value, first=one, second=two, equal=equal, tolerance=tolerance)
        )
    return tuple(checks)


def unread_settings(code: str, names: Collection[str], word: str) -> list[str]:
    """Settings that no code of a script reads, so that changing them would change nothing.

    A setting whose name is bound again somewhere else in the script is read only where ``config.name`` is.
    """
    read: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == word:
            read.add(node.attr)
    return [name for name in names if name not in read]


def changed_inputs(uses: Mapping[str, FileUse]) -> tuple[list[str], list[str]]:
    """Paths of input files that are gone, and of those whose content is another than the run read."""
    missing, changed = [], []
    for path, use in uses.items():
        place = Path(path)
        if not place.exists():
            missing.append(path)
        elif use.hash and place.is_file() and use.hash not in file_hashes(place):
            changed.append(path)
    return missing, changed


def file_hashes(place: Path) -> set[str]:
    """The hashes a file may be recorded under."""
    import xxhash

    short, long = xxhash.xxh3_64(), xxhash.xxh3_128()
    with place.open("rb") as file:
        while block := file.read(1 << 20):
            short.update(block)
            long.update(block)
    return {short.hexdigest(), long.hexdigest()}
