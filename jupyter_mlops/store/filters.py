"""Filters and orders as SQL, every value bound.

A metric, parameter or tag is looked up by a scalar subquery, which is NULL where a run has none: in
SQL's three-valued logic neither a comparison nor its negation then holds. NaN is stored as NULL, so
the same keeps NaN from matching anything.
"""

from __future__ import annotations

import difflib
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec
import sqlalchemy as sa

from jupyter_mlops.errors import FilterError

from .documents import microseconds, number_of
from .language import Comparison, Condition, Field, Value, parse_filter, parse_order
from .rows import effective_duration, effective_reason, effective_status
from .schema import datasets, metrics, params, runs, tags

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALIASES = {
    "run_name": "name",
    "run name": "name",
    "id": "run_id",
    "experiment_name": "experiment",
    "created": "start_time",
}
_TABLES = {"metrics": metrics, "params": params, "tags": tags}
_DATASETS = {
    "name": datasets.c.name,
    "hash": datasets.c.fingerprint,
    "location": datasets.c.location,
    "role": datasets.c.role,
}
_DATASET_ALIASES = {"fingerprint": "hash", "digest": "hash", "path": "location"}
MOST_ORDERS = 20
_ORDERED = frozenset({"<", "<=", ">", ">="})
_INDEXED = _ORDERED | {"=", "in"}
_GLOB = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}


class Ranking(NamedTuple):
    """An order by a metric in two parts: runs that have a number, and then those that have none.

    The first part joins `metrics` to `runs` by `ranked` and needs as many rows of the index as are
    asked for, however many runs there are.
    """

    ranked: sa.ColumnElement[bool]
    ranked_order: list[sa.ColumnElement[Any]]
    missing: sa.ColumnElement[bool]
    missing_order: list[sa.ColumnElement[Any]]


class Filters:
    """Turns filters and orders into SQL for one dialect at one moment."""

    def __init__(self, dialect: str, now: sa.ColumnElement[int]) -> None:
        self._dialect = dialect
        texts: dict[str, sa.ColumnElement[Any]] = {
            "run_id": runs.c.run_id,
            "name": runs.c.name,
            "experiment": runs.c.experiment,
            "status": effective_status(now),
            "status_reason": effective_reason(now),
            "note": runs.c.note,
            "notebook": runs.c.notebook,
            "cell_id": runs.c.cell_id,
            "parent_id": runs.c.parent_id,
            "data": _data_read(),
        }
        duration = effective_duration(now)
        self._texts = texts
        self._numbers: dict[str, sa.ColumnElement[Any]] = {"number": runs.c.number, "duration": duration}
        self._times: dict[str, sa.ColumnElement[Any]] = {
            "start_time": runs.c.start_time,
            "end_time": runs.c.start_time + duration * 1_000_000,
        }

    def condition(self, text: str) -> sa.ColumnElement[bool] | None:
        """The SQL of a filter, None for an empty one; FilterError when it says nothing sensible."""
        tree = parse_filter(text)
        return None if tree is None else self._compile(tree, text)

    def candidates(self, text: str) -> list[sa.Select[Any]]:
        """Ids of runs as the index of metrics gives them, for each metric that every kept run must have so.

        Each select holds all runs that the filter keeps, and others.
        """
        tree = parse_filter(text) if "metrics" in text.lower() else None
        return [
            sa.select(metrics.c.run_id).where(
                metrics.c.name == part.field.name, _compare_numbers(metrics.c.number, part, text, "a metric")
            )
            for part in _demanded(tree)
            if part.field.kind == "metrics" and part.operator in _INDEXED and not part.negated
        ]

    def order(self, items: Sequence[str] | None) -> list[sa.ColumnElement[Any]]:
        """The SQL of an order: missing values last either way, then newest first."""
        return self._order(_items(items))

    def ranking(self, items: Sequence[str] | None) -> Ranking | None:
        """The order as an index on metrics gives it, if it begins with a metric."""
        items = _items(items)
        field, descending = parse_order(items[0]) if items else (None, False)
        if field is None or field.kind != "metrics":
            return None
        number = metrics.c.number.desc() if descending else metrics.c.number.asc()
        rest = self._order(items[1:])
        here = sa.and_(metrics.c.name == field.name, metrics.c.number.is_not(None))
        missing = ~sa.exists().where(metrics.c.run_id == runs.c.run_id, here).correlate(runs)
        run_id: sa.ColumnElement[str] = metrics.c.run_id
        if self._dialect == "sqlite":
            # The plus keeps SQLite from beginning with all runs and looking the metric of each up.
            run_id = sa.type_coerce(sa.text("+metrics.run_id"), metrics.c.run_id.type)
        return Ranking(sa.and_(here, runs.c.run_id == run_id), [number, *rest], missing, rest)

    def _order(self, items: Sequence[str]) -> list[sa.ColumnElement[Any]]:
        columns: list[sa.ColumnElement[Any]] = []
        for item in items:
            field, descending = parse_order(item)
            for column in self._sort_keys(field, item):
                if not (column is runs.c.start_time or column is runs.c.run_id):
                    columns.append(sa.case((column.is_(None), 1), else_=0))
                columns.append(column.desc() if descending else column.asc())
        return [*columns, runs.c.start_time.desc(), runs.c.run_id.desc()]

    def _compile(self, tree: Condition, text: str) -> sa.ColumnElement[bool]:
        if isinstance(tree, Comparison):
            if tree.field.kind == "attributes":
                return self._attribute(tree, text)
            if tree.field.kind == "datasets":
                return self._datasets(tree, text)
            if tree.operator == "null":
                exists = self._exists(tree.field)
                return exists if tree.negated else sa.not_(exists)
            return getattr(self, f"_{tree.field.kind}")(tree, text)  # type: ignore[no-any-return]
        parts = [self._compile(part, text) for part in tree.parts]
        if tree.word == "not":
            return sa.not_(sa.and_(parts[0]).self_group())
        return sa.and_(*parts) if tree.word == "and" else sa.or_(*parts)

    def _metrics(self, tree: Comparison, text: str) -> sa.ColumnElement[bool]:
        return _compare_numbers(_lookup(metrics.c.number, tree.field), tree, text, "a metric")

    def _tags(self, tree: Comparison, text: str) -> sa.ColumnElement[bool]:
        return self._compare_texts(_lookup(tags.c.text, tree.field), tree, text, "a tag")

    def _params(self, tree: Comparison, text: str) -> sa.ColumnElement[bool]:
        if tree.operator in _ORDERED:
            return _compare_numbers(_lookup(params.c.number, tree.field), tree, text, "a parameter")
        by_text = _lookup(params.c.text, tree.field)
        if tree.operator in ("like", "ilike"):
            return self._compare_texts(by_text, tree, text, "a parameter")
        spelled = [str(value) if isinstance(value, bool) else value for value in tree.values]
        texts = [value for value in spelled if isinstance(value, str)]
        numbers = [value for value in spelled if not isinstance(value, str)]
        matches: list[sa.ColumnElement[bool]] = []
        if texts:
            matches.append(by_text.in_(texts) if len(texts) > 1 else by_text == texts[0])
        if numbers:
            by_number = _lookup(params.c.number, tree.field)
            floats = [number_of(value) for value in numbers]
            found = by_number.in_(floats) if len(floats) > 1 else by_number == floats[0]
            # A parameter that is no number differs from every number; NaN alone neither equals nor differs.
            matches.append(
                sa.case(
                    (by_number.is_not(None), found),
                    (by_text.in_(("nan", "-nan", "NaN", "NAN")), sa.null()),
                    (by_text.is_not(None), sa.false()),
                    else_=sa.null(),
                )
            )
        matched = sa.or_(*matches) if len(matches) > 1 else matches[0]
        return sa.not_(matched) if tree.negated or tree.operator == "!=" else matched

    def _datasets(self, tree: Comparison, text: str) -> sa.ColumnElement[bool]:
        """Whether any data that the run read is so; with NOT and != whether none is."""
        column = dataset_column(tree.field, text, "filter")

        def read_by(matching: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
            # The readers are gathered once: looked up run by run, 100,000 runs take ten times as long.
            # A child's data is kept with its parent.
            readers = sa.select(datasets.c.run_id).where(matching)
            parent = sa.func.coalesce(runs.c.parent_id, "")
            return sa.or_(runs.c.run_id.in_(readers), parent.in_(readers))

        if tree.operator == "null":
            found = read_by(column != "")
            return found if tree.negated else sa.not_(found)
        like_this = msgspec.structs.replace(
            tree, negated=False, operator="=" if tree.operator == "!=" else tree.operator
        )
        matches = self._compare_texts(column, like_this, text, f"dataset.{tree.field.name}")
        found = read_by(matches)
        return sa.not_(found) if tree.negated or tree.operator == "!=" else found

    def _attribute(self, tree: Comparison, text: str) -> sa.ColumnElement[bool]:
        name = self._attribute_name(tree.field, text, "filter")
        column = self._texts.get(name)
        if tree.operator == "null":
            missing = (self._numbers | self._times | self._texts)[name].is_(None)
            return sa.not_(missing) if tree.negated else missing
        if column is not None:
            if name == "status":
                tree = _upper(tree)
            return self._compare_texts(column, tree, text, name)
        if name in self._numbers:
            return _compare_numbers(self._numbers[name], tree, text, name)
        if tree.operator in ("like", "ilike"):
            _refuse(tree, text, f"{name} is a time and has no {tree.operator.upper()}")
        values = tuple(_time(value, at, text) for value, at in zip(tree.values, tree.positions, strict=True))
        timed = Comparison(tree.field, tree.operator, values, tree.positions, tree.negated)
        return _compare_numbers(self._times[name], timed, text, name)

    def _attribute_name(self, field: Field, text: str, what: str) -> str:
        name = field.name.lower()
        name = _ALIASES.get(name, name)
        known = [*self._texts, *self._numbers, *self._times]
        if name in known:
            return name
        close = difflib.get_close_matches(name, known, n=1)
        guess = f"{close[0]}, or " if close else ""
        raise FilterError(
            f"The {what} {text!r} names an unknown field {field.name!r} at character {field.position}.",
            f"Did you mean {guess}metrics.{field.name}, params.{field.name} or tags.{field.name}?",
        )

    def _compare_texts(
        self, column: sa.ColumnElement[Any], tree: Comparison, text: str, what: str
    ) -> sa.ColumnElement[bool]:
        if tree.operator in _ORDERED:
            _refuse(tree, text, f"{what} is a text and has no {tree.operator}; use =, !=, IN, LIKE or ILIKE")
        for value, position in zip(tree.values, tree.positions, strict=True):
            if not isinstance(value, str):
                _refuse(tree, text, f"{what} is compared with a text in quotes", position)
        if tree.operator == "in":
            found: sa.ColumnElement[bool] = column.in_(tree.values)
        elif tree.operator in ("like", "ilike"):
            found = self._like(column, str(tree.values[0]), insensitive=tree.operator == "ilike")
        else:
            found = column == tree.values[0]
        return sa.not_(found) if tree.negated or tree.operator == "!=" else found

    def _like(
        self, column: sa.ColumnElement[Any], pattern: str, *, insensitive: bool
    ) -> sa.ColumnElement[bool]:
        if self._dialect == "sqlite" and not insensitive and pattern.count("%") <= 2 and len(pattern) < 1000:
            # The same in SQLite's own words, twice as fast. It tries every place for every star, so that
            # many of them could take for ever.
            spelled = "".join(_GLOB.get(letter, letter) for letter in pattern)
            return column.bool_op("GLOB")(sa.literal(spelled, runs.c.name.type))
        if self._dialect == "sqlite":
            return sa.func.mlops_like(column, sa.literal(pattern, runs.c.name.type), int(insensitive)) == 1
        return column.ilike(pattern, escape="") if insensitive else column.like(pattern, escape="")

    def _exists(self, field: Field) -> sa.ColumnElement[bool]:
        table = _TABLES[field.kind]
        return sa.exists().where(table.c.run_id == runs.c.run_id, table.c.name == field.name).correlate(runs)

    def keys(self, item: str) -> list[sa.ColumnElement[Any]]:
        """What an order by `item` compares, the value as it is read last."""
        field, _ = parse_order(item)
        return self._sort_keys(field, item)

    def _sort_keys(self, field: Field, text: str) -> list[sa.ColumnElement[Any]]:
        if field.kind == "datasets":
            raise FilterError(
                f"{text!r} cannot be ordered or grouped by: a run may have read several datasets.",
                "Filter by it instead, such as dataset.name = 'train'.",
            )
        if field.kind == "metrics":
            return [_lookup(metrics.c.number, field)]
        if field.kind == "params":
            return [_lookup(params.c.number, field), self._collated(_lookup(params.c.text, field))]
        if field.kind == "tags":
            return [self._collated(_lookup(tags.c.text, field))]
        name = self._attribute_name(field, text, "order")
        if name in self._texts:
            return [self._collated(self._texts[name]) if name != "run_id" else runs.c.run_id]
        return [(self._numbers | self._times)[name]]

    def _collated(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return column if self._dialect == "sqlite" else sa.collate(column, "C")


def dataset_column(field: Field, text: str, what: str) -> sa.ColumnElement[Any]:
    """The column of a field of data; FilterError for one there is not."""
    name = _DATASET_ALIASES.get(field.name.lower(), field.name.lower())
    if name not in _DATASETS:
        raise FilterError(
            f"The {what} {text!r} names an unknown field {field.name!r} of data at character "
            f"{field.position}.",
            f"There are {', '.join(f'dataset.{name}' for name in _DATASETS)}.",
        )
    return _DATASETS[name]


def _data_read() -> sa.ColumnElement[Any]:
    """The first data of a run that lies somewhere, as ``cars.csv · d3f1``: two states of one file are two.

    A child that read none itself has that of its parent.
    """
    ending = sa.func.substr(datasets.c.fingerprint, sa.func.length(datasets.c.fingerprint) - 3)
    state = datasets.c.location + " · " + ending

    def read_by(run_id: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        located = sa.func.length(datasets.c.location) > 0
        query = sa.select(sa.type_coerce(state, runs.c.name.type)).where(datasets.c.run_id == run_id, located)
        return query.order_by(datasets.c.place).limit(1).correlate(runs).scalar_subquery()

    return sa.func.coalesce(read_by(runs.c.run_id), read_by(runs.c.parent_id), type_=runs.c.name.type)


def _items(items: Sequence[str] | None) -> Sequence[str]:
    if isinstance(items, str):
        items = [items]
    if items is not None and len(items) > MOST_ORDERS:
        raise FilterError(f"{len(items)} orders are more than {MOST_ORDERS}.", "Order by fewer columns.")
    return items or ()


def _demanded(tree: Condition | None) -> list[Comparison]:
    """The comparisons that all must hold for the filter to hold."""
    if isinstance(tree, Comparison):
        return [tree]
    if tree is None or tree.word != "and":
        return []
    return [found for part in tree.parts for found in _demanded(part)]


def _lookup(column: sa.Column[Any], field: Field) -> sa.ColumnElement[Any]:
    table = column.table
    return (
        sa.select(column)
        .where(table.c.run_id == runs.c.run_id, table.c.name == field.name)
        .correlate(runs)
        .scalar_subquery()
    )


def _compare_numbers(
    column: sa.ColumnElement[Any], tree: Comparison, text: str, what: str
) -> sa.ColumnElement[bool]:
    if tree.operator in ("like", "ilike"):
        _refuse(tree, text, f"{what} is a number and has no {tree.operator.upper()}")
    floats = []
    for value, position in zip(tree.values, tree.positions, strict=True):
        if isinstance(value, (bool, str)):
            _refuse(tree, text, f"{what} is compared with a number, without quotes", position)
        number = number_of(value)
        floats.append(math.inf if number is None else number)
    if tree.operator == "in":
        found: sa.ColumnElement[bool] = column.in_(floats)
    else:
        found = {
            "=": column.__eq__,
            "!=": column.__ne__,
            "<": column.__lt__,
            "<=": column.__le__,
            ">": column.__gt__,
            ">=": column.__ge__,
        }[tree.operator](sa.literal(floats[0], sa.Double))
    return sa.not_(found) if tree.negated else found


def _time(value: Value, position: int, text: str) -> Value:
    """A time in microseconds: from milliseconds since 1970, as MLflow has them, or from ISO 8601."""
    if isinstance(value, bool):
        value = str(value)
    if isinstance(value, (int, float)):
        return value * 1000
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise FilterError(
            f"The filter {text!r} has no time at character {position}: {value!r}.",
            "Write a time as '2026-11-23' or '2026-11-23T08:30:00+01:00'; without a zone it is in UTC.",
        ) from None
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _upper(tree: Comparison) -> Comparison:
    values = tuple(value.upper() if isinstance(value, str) else value for value in tree.values)
    return Comparison(tree.field, tree.operator, values, tree.positions, tree.negated)


def _refuse(tree: Comparison, text: str, why: str, position: int | None = None) -> NoReturn:
    at = tree.field.position if position is None else position
    raise FilterError(f"The filter {text!r} is wrong at character {at}: {why}.")
