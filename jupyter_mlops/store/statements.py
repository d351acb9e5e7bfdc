"""The statements of every save: upserts, spelled by each dialect in its own way, and what is spelled once."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from .schema import Text, environments, escape, executions, experiments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Prepared:
    """A statement that is spelled once and handed to SQLite's driver as it is.

    SQLAlchemy asks its caches, its events and its types anew at every execution; of a save, which takes a
    dozen short statements, that was two thirds. For a server's database, which costs a round trip a
    statement, it is executed as any other.

    Args:
        statement: What is executed; its results, if any, must be plain numbers.
        names: The columns and parameters that every row names.
    """

    def __init__(self, statement: Any, names: Sequence[str]) -> None:
        self._statement = statement
        self._names = list(names)
        self._text = ""
        self._binds: list[tuple[str, Callable[[Any], Any] | None]] = []
        self._constants: dict[str, Any] = {}
        _made.add(self)

    def execute(self, connection: sa.Connection, row: Mapping[str, Any]) -> Any:
        """Execute it with one row's values; gives what has ``fetchone``."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._statement, row)
        return self._hand_over(connection, self._bound(connection, row), many=False)

    def execute_many(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Execute it for each of `rows`; nothing where there is none."""
        if not rows:
            return
        if connection.dialect.name != "sqlite":
            connection.execute(self._statement, rows)
            return
        self._hand_over(connection, [self._bound(connection, row) for row in rows], many=True)

    def _bound(self, connection: sa.Connection, row: Mapping[str, Any]) -> list[Any]:
        if not self._text:
            self.spell(connection.dialect)
        if self._constants:
            row = {**self._constants, **row}
        return [row[name] if process is None else process(row[name]) for name, process in self._binds]

    def _hand_over(self, connection: sa.Connection, values: list[Any], *, many: bool) -> Any:
        driver: Any = connection.connection.dbapi_connection
        try:
            return (driver.executemany if many else driver.execute)(self._text, values)
        except connection.dialect.loaded_dbapi.Error as error:
            # As SQLAlchemy would raise it, values hidden.
            raise sa.exc.DBAPIError(self._text, None, error, hide_parameters=True) from error

    def spell(self, dialect: sa.Dialect) -> None:
        """Put it into SQLite's words, as its first execution would."""
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._names)
        given = set(self._names)
        self._binds = [
            (name, _processor(compiled.binds[name].type, dialect)) for name in compiled.positiontup
        ]
        self._constants = {name: value for name, value in compiled.params.items() if name not in given}
        self._text = str(compiled)


#: Every statement there is.
_made: weakref.WeakSet[Prepared] = weakref.WeakSet()


def spell_all(dialect: sa.Dialect) -> None:
    """Spell every statement now, so that the first save and the first card find them spelled."""
    if dialect.name == "sqlite":
        for prepared in list(_made):
            prepared.spell(dialect)


def _processor(kind: Any, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, Text):
        return lambda value: value if value is None else escape(value)
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def insertion(table: sa.Table, *without: str) -> Prepared:
    """The insertion of whole rows of `table`, but for the columns named `without`."""
    return Prepared(sa.insert(table), [column.name for column in table.c if column.name not in without])


class Statements:
    """What inserts or leaves, or inserts or replaces, in one dialect."""

    def __init__(self, dialect: str) -> None:
        insert: Any = sqlite.insert if dialect == "sqlite" else postgresql.insert
        number = insert(experiments)
        upsert = number.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "last_number": sa.case(
                    (number.excluded.last_number > experiments.c.last_number, number.excluded.last_number),
                    else_=experiments.c.last_number + sa.bindparam("step"),
                )
            },
        ).returning(experiments.c.last_number)
        self.number = Prepared(upsert, ("name", "last_number", "step"))
        names = [column.name for column in executions.c]
        new = insert(executions).on_conflict_do_nothing(index_elements=["execution_id"])
        self.new_execution = Prepared(new, names)
        final = insert(executions)
        replaced = final.on_conflict_do_update(
            index_elements=["execution_id"],
            set_={"document": final.excluded.document, "order": final.excluded.order},
        )
        self.final_execution = Prepared(replaced, names)
        environment = insert(environments).on_conflict_do_nothing(index_elements=["digest"])
        self.environment = Prepared(environment, ("digest", "document"))
