"""What a long list of runs is surveyed by: its groups, the names there are to filter by, their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from jupyter_mlops.errors import FilterError

from .filters import Filters, dataset_column
from .language import parse_order
from .schema import metrics, params, runs, tags

if TYPE_CHECKING:
    from .database import Database

MOST_GROUPS = 2_000
MOST_VALUES = 50
_TABLES = {"metrics": metrics, "params": params, "tags": tags}


class FieldNames(msgspec.Struct, frozen=True):
    """The names of metrics, params and tags that runs of the store have, in alphabetical order."""

    metrics: list[str]
    params: list[str]
    tags: list[str]


class Overview:
    """The part of a store that surveys runs without listing them. Reading never writes."""

    _database: Database

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups(
        self,
        field: str,
        filter_string: str = "",
        *,
        experiment: str | None = None,
        include_children: bool = False,
    ) -> list[tuple[str | float | None, int]]:
        """The values of `field` among the runs a filter finds, each with how many runs have it.

        They come in the order that ``search(order_by=[field])`` lists the runs in, so that the runs of a
        group stand together there; None, for runs without the value, is last.

        Raises:
            FilterError: The field is unknown or has more than `MOST_GROUPS` values.
        """
        filters = Filters(self._database.dialect, self._database.now())
        keys = [key.label(f"key_{index}") for index, key in enumerate(filters.keys(field))]
        conditions = _listed(filters, filter_string, experiment, include_children=include_children)
        grouped = sa.select(*keys).select_from(runs).where(*conditions).subquery()
        columns = list(grouped.c)
        query = (
            sa.select(columns[-1].label("value"), sa.func.count().label("size"))
            .group_by(*columns)
            .order_by(*(part for key in columns for part in (sa.case((key.is_(None), 1), else_=0), key)))
            .limit(MOST_GROUPS + 1)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        if len(rows) > MOST_GROUPS:
            raise FilterError(
                f"{field} has more than {MOST_GROUPS} values.", "Group by a field with fewer, such as a tag."
            )
        return [(row.value, int(row.size)) for row in rows]

    def field_names(self) -> FieldNames:
        """Which metrics, params and tags there are, of runs that are not deleted or of any."""
        with self._database.read() as connection:
            found = {
                kind: sorted(connection.execute(sa.select(table.c.name).distinct()).scalars())
                for kind, table in _TABLES.items()
            }
        return FieldNames(**found)

    def field_values(self, field: str) -> list[str]:
        """Texts that runs have for a param, a tag or an attribute such as ``experiment``.

        The most frequent first, at most `MOST_VALUES`. Empty for what is a number.

        Raises:
            FilterError: The field is unknown.
        """
        filters = Filters(self._database.dialect, self._database.now())
        parsed, _ = parse_order(field)
        if parsed.kind == "datasets":
            column: sa.ColumnElement[Any] = dataset_column(parsed, field, "field")
            return self._most_frequent(sa.select(column), column)
        key = filters.keys(field)[-1]
        if parsed.kind in ("params", "tags"):
            table = _TABLES[parsed.kind]
            column = table.c.text
            query = sa.select(column).where(table.c.name == parsed.name)
            if parsed.kind == "params":
                query = query.where(table.c.number.is_(None))
        elif isinstance(key.type, sa.Numeric | sa.Integer) or parsed.kind == "metrics":
            return []
        else:
            column = key
            query = sa.select(column).select_from(runs).where(runs.c.deleted_at.is_(None))
        return self._most_frequent(query, column)

    def _most_frequent(self, query: sa.Select[Any], column: sa.ColumnElement[Any]) -> list[str]:
        query = query.group_by(column).order_by(sa.func.count().desc(), column).limit(MOST_VALUES)
        with self._database.read() as connection:
            return [text for text in connection.execute(query).scalars() if isinstance(text, str) and text]


def _listed(
    filters: Filters, filter_string: str, experiment: str | None, *, include_children: bool
) -> list[sa.ColumnElement[bool]]:
    """As `RunReader.search` has it: what is not deleted, and of children none unless they are asked for."""
    conditions: list[sa.ColumnElement[bool]] = [runs.c.deleted_at.is_(None)]
    if experiment is not None:
        conditions.append(runs.c.experiment == experiment)
    if not include_children:
        conditions.append(sa.func.length(runs.c.parent_id) == 0)  # as in `runs`
    condition = filters.condition(filter_string)
    return conditions if condition is None else [*conditions, condition]
