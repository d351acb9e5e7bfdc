"""Metrics that are the cells of one table, told in one line."""

from __future__ import annotations

import re
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

    `rows` are labels in order, or by position where some rows hold no metric; with `by` there are none,
    and a row is called by its values in those columns.
    """

    name: str
    rows: list[str] | dict[int, str]
    columns: list[str]
    by: tuple[str, ...] = ()

    def arguments(self, table: str) -> str:
        """What the call is given, `table` being the expression of the table."""
        rows = f"by={list(self.by)!r}" if self.by else repr(self.rows)
        columns = f"columns={self.columns!r}" if self.by else repr(self.columns)
        return f"{self.name!r}, {table}, {rows}, {columns}"


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
    tables = []
    for name in dict.fromkeys(["", *(".".join(parts[:count]) for count in range(1, len(parts)))]):
        prefix = f"{name}." if name else ""
        inside = [
            metrics[columns[0], position].removeprefix(prefix).rpartition(".")[0] for position in positions
        ]
        whole = positions == list(range(len(positions)))
        by = _told_by(inside, [text for text in texts if text not in columns]) if whole else ()
        if by and all(
            joined(name, label, column) == metrics[column, position]
            for position, label in zip(positions, inside, strict=True)
            for column in columns
        ):
            return Table(name, [], columns, by)
        labels = [
            _label(name, columns, [metrics[column, position] for column in columns], texts)
            for position in positions
        ]
        if all(label is not None for label in labels):
            found = [label or "" for label in labels]
            tables.append(Table(name, found if whole else dict(zip(positions, found, strict=True)), columns))
    return min(tables, key=lambda table: len(table.arguments("")), default=None)


def _told_by(labels: Sequence[str], texts: Sequence[str]) -> tuple[str, ...]:
    """The columns whose names and numbers make up all `labels`: ``depth_3_rate_0.1``."""
    if len(labels) < 2:
        return ()
    names = [
        text
        for text in texts
        if text and all(re.search(rf"(?:^|_){re.escape(text)}_-?\d", label) for label in labels)
    ]
    names.sort(key=labels[0].index)
    shape = re.compile("_".join(rf"{re.escape(name)}_(-?[\d.e+-]+)" for name in names))
    return tuple(names) if names and all(map(shape.fullmatch, labels)) else ()


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
