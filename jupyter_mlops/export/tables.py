"""Metrics that are the cells of one table, told in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .script.pipeline_runner import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .plan import Site

#: A longer text is no label of a row.
_LONGEST = 40


@dataclass(frozen=True)
class Table:
    """What ``take_rows`` has to be told: the metrics' common name, what rows are called, the columns.

    `rows` are labels in order, or by position where some rows hold no metric.
    """

    name: str
    rows: list[str] | dict[int, str]
    columns: list[str]


def as_table(sites: Sequence[Site], texts: Sequence[str]) -> Table | None:
    """The table whose every row and column the metrics of one value are; None where they are none.

    Args:
        sites: Places of metrics in one value.
        texts: Texts in the notebook's code: what rows are called may stand there.
    """
    metrics: dict[tuple[str, int], str] = {}
    for site in sites:
        if len(site.path) != 2:
            return None
        column, position = site.path
        if not isinstance(column, str) or not isinstance(position, int):
            return None
        metrics[column, position] = site.metric
    columns = list(dict.fromkeys(column for column, _ in metrics))
    positions = sorted({position for _, position in metrics})
    if len(metrics) != len(sites) or len(metrics) != len(columns) * len(positions):
        return None
    first = metrics[columns[0], positions[0]]
    parts = first.split(".")
    for name in dict.fromkeys(["", *(".".join(parts[:count]) for count in range(1, len(parts)))]):
        labels = [
            _label(name, columns, [metrics[column, position] for column in columns], texts)
            for position in positions
        ]
        if all(label is not None for label in labels):
            found = [label or "" for label in labels]
            whole = positions == list(range(len(positions)))
            return Table(name, found if whole else dict(zip(positions, found, strict=True)), columns)
    return None


def _label(name: str, columns: Sequence[str], metrics: Sequence[str], texts: Sequence[str]) -> str | None:
    """What a row must be called for its metrics to have their names; None if nothing would do."""
    inside = metrics[0].removeprefix(f"{name}.") if name else metrics[0]
    own = [inside.rpartition(".")[0], inside.rpartition(".")[0].replace("_", " ")]
    for label in dict.fromkeys(["", *own, *(text for text in texts if len(text) <= _LONGEST)]):
        if all(
            joined(name, label, column) == metric for column, metric in zip(columns, metrics, strict=True)
        ):
            return label
    return None
