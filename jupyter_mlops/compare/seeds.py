"""Runs that differ by their seed only: what chance does to a score."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import as_json

from .chance import difference_interval, mean_interval
from .findings import SeedGroup, Spread
from .lineage import cell_lines, standing_cells
from .wording import (
    NOTHING,
    count,
    format_change,
    format_interval,
    format_number,
    format_value,
    join_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_mlops.records import Run

    from .findings import MetricRow

_SEED = re.compile(
    r"(^|_|\b)(seed|seeds|random_state|rng|random_seed|randomstate)$|^(np|torch)_seed", re.IGNORECASE
)
_CALLS = frozenset(
    {"seed", "manual_seed", "manual_seed_all", "default_rng", "RandomState", "set_seed", "PRNGKey"}
)
#: With fewer runs than this an interval of their mean says nothing useful.
FEWEST = 3


def is_seed(name: str) -> bool:
    """Whether a parameter of this name only says where chance begins."""
    return bool(_SEED.search(name.rpartition("__")[2].rpartition(".")[2]))


def seed_groups(runs: Sequence[Run], metrics: Sequence[MetricRow]) -> tuple[SeedGroup, ...]:
    """The groups of at least two runs that have code, data and settings in common, but not the seed.

    Two runs of the very same seed are a repetition, and count too: chance may have other sources.
    """
    by_key: dict[str, list[Run]] = {}
    for run in runs:
        if run.metrics:
            by_key.setdefault(_key(run), []).append(run)
    found = [
        group
        for group in by_key.values()
        if len(group) > 1 and any(_seeds(run) != _seeds(group[0]) for run in group)
    ]
    groups = [_group(group, metrics) for group in found]
    return (*groups[:1], *(_against(groups[0], group, metrics) for group in groups[1:]))


def describe_spread(metric: str, values: Sequence[float]) -> Spread:
    """The mean of a metric over runs that differ by chance, and how far to trust it."""
    number = len(values)
    if number < 2:
        sentence = f"{format_number(values[0])}, {count(1, 'run')}: too few to tell"
        return Spread(
            metric=metric,
            count=number,
            mean=values[0],
            deviation=None,
            low=None,
            high=None,
            sentence=sentence,
        )
    mean, deviation, low, high = mean_interval(values)
    told = f"mean {format_number(mean)} over {number} seeds"
    if number < FEWEST:
        sentence = f"{told}, {format_number(min(values))} and {format_number(max(values))}: too few to tell"
        return Spread(
            metric=metric,
            count=number,
            mean=mean,
            deviation=deviation,
            low=None,
            high=None,
            sentence=sentence,
        )
    bounds = format_interval(low, high)
    sentence = f"{told}, 95 % interval {bounds}" if deviation else f"{told}, the same each time"
    return Spread(
        metric=metric, count=number, mean=mean, deviation=deviation, low=low, high=high, sentence=sentence
    )


def _group(runs: Sequence[Run], metrics: Sequence[MetricRow]) -> SeedGroup:
    spreads = []
    for row in metrics:
        values = [float(row.values[run.run_id]) for run in runs if run.run_id in row.values]
        apart = len({row.apart.get(run.run_id, "") for run in runs}) > 1
        if len(values) > 1 and not apart and all(map(math.isfinite, values)):
            spreads.append(describe_spread(row.name, values))
    names = list(dict.fromkeys(run.name for run in runs if run.name))
    settings = {
        name: value for name, value in runs[0].params.items() if not is_seed(name) and "__" not in name
    }
    shown = ", ".join(f"{name} {format_value(value, 20)}" for name, value in list(settings.items())[:3])
    return SeedGroup(
        name=join_words(names[:3]) or shown or runs[0].experiment,
        run_ids=tuple(run.run_id for run in runs),
        seeds=_seed_words(runs),
        spreads=tuple(spreads),
    )


def _against(first: SeedGroup, group: SeedGroup, metrics: Sequence[MetricRow]) -> SeedGroup:
    """The group with how far its means are from the first group's, where both have runs enough to tell."""
    rows = {row.name: row for row in metrics}
    other = first.name if first.name != group.name else "the first group"
    return msgspec.structs.replace(
        group,
        spreads=tuple(
            msgspec.structs.replace(spread, sentence=f"{spread.sentence}{told}")
            for spread in group.spreads
            for told in [_distance(rows[spread.metric], first.run_ids, group.run_ids, other)]
        ),
    )


def _distance(row: MetricRow, first: Sequence[str], second: Sequence[str], name: str) -> str:
    """The difference of two groups' means with Welch's interval; ``""`` where that cannot be told."""
    held = [[run_id for run_id in run_ids if run_id in row.values] for run_ids in (first, second)]
    apart = {row.apart.get(run_id, "") for run_ids in held for run_id in run_ids}
    one, two = ([float(row.values[run_id]) for run_id in run_ids] for run_ids in held)
    if len(apart) > 1 or min(len(one), len(two)) < FEWEST or not all(map(math.isfinite, one)):
        return ""
    change, low, high = difference_interval(one, two)
    told = f"; {format_change(change)} against {name}"
    if low == high:
        return told
    noise = ": noise" if low <= 0 <= high else ""
    return f"{told}, 95 % interval {format_interval(low, high)}{noise}"


def _seeds(run: Run) -> dict[str, str]:
    """Where chance began in a run: settings, calls that were seen, numbers in the code."""
    found = {name: value for name, value in run.params.items() if is_seed(name)}
    if run.environment is not None:
        found |= {f"seed of {name}": value for name, value in run.environment.seeds.items()}
    found |= {f"seed {place}": value for place, value in enumerate(_seed_literals(run), 1)}
    return {name: format_value(value, 20) for name, value in sorted(found.items())}


def _seed_words(runs: Sequence[Run]) -> dict[str, str]:
    """Of each run, the seeds that are not the same in all of them, each value said once."""
    each = [_seeds(run) for run in runs]
    differing = [name for name in each[0] if len({seeds.get(name) for seeds in each}) > 1]
    told = {}
    for run, seeds in zip(runs, each, strict=True):
        by_value: dict[str, str] = {}
        for name in differing:
            by_value.setdefault(seeds.get(name, NOTHING), name.rpartition("__")[2])
        told[run.run_id] = ", ".join(f"{name} {value}" for value, name in by_value.items())
    return told


def _seed_literals(run: Run) -> list[Any]:
    found: list[Any] = []
    for cell in standing_cells(run):
        tree = _parsed(cell.source)
        if tree is not None:
            stripper = _WithoutSeeds()
            stripper.visit(tree)
            found += stripper.found
    return found


def _key(run: Run) -> str:
    """What must be equal for two runs to differ by their seed only."""
    params = {name: value for name, value in run.params.items() if not is_seed(name)}
    inputs = sorted(
        {(d.location, d.file_hash or d.fingerprint) for d in run.datasets if d.location}
        or {(d.name, d.fingerprint) for d in run.datasets if d.role == "input"}
    )
    code = [_code(cell.source) for cell in standing_cells(run)]
    packages = run.environment.packages if run.environment else {}
    text = json.dumps(as_json([params, inputs, code, packages, sorted(run.metrics)]), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _code(source: str) -> str:
    tree = _parsed(source)
    if tree is None:
        return "\n".join(cell_lines(source))
    return ast.dump(_WithoutSeeds().visit(tree))


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse("\n".join(cell_lines(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


class _WithoutSeeds(ast.NodeTransformer):
    """Takes the numbers that are seeds out of a cell, and keeps them in `found`."""

    def __init__(self) -> None:
        self.found: list[Any] = []

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if any(map(is_seed, names)):
            node.value = self._emptied(node.value)
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        if node.arg and is_seed(node.arg):
            node.value = self._emptied(node.value)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in _CALLS:
            node.args = [self._emptied(argument) for argument in node.args]
        return self.generic_visit(node)

    def _emptied(self, value: ast.expr) -> ast.expr:
        if isinstance(value, ast.Constant):
            self.found.append(value.value)
            return ast.Constant(value=None)
        return value


def seeds_of(groups: Sequence[SeedGroup]) -> Mapping[str, SeedGroup]:
    """The group of each run that is in one."""
    return {run_id: group for group in groups for run_id in group.run_ids}
