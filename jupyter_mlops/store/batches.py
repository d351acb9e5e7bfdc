"""Many runs written in one transaction, a statement a table: imports, merges and what waited on disk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from jupyter_mlops.records import Status

from .packing import dataset_rows, execution_row, pack, tag_rows
from .rows import bury_the_dead
from .schema import curves, datasets, details, experiments, metrics, params, runs, tags
from .statements import insertion
from .writing import DEFAULT_LEASE, RunWriter, run_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyter_mlops.records import Curve, Run

    from .packing import Packed
    from .statements import Statements

AT_ONCE = 500
"""Values in one IN list."""

_TABLES = (runs, details, params, metrics, tags, datasets, curves)
_INSERT = {table.name: insertion(table, "deleted_at") for table in _TABLES}


class BatchWriter(RunWriter):
    """A `RunWriter` for more than one run at a time."""

    def save_runs(self, batch: Iterable[tuple[Run, Mapping[str, Curve]]]) -> list[Run]:
        """Store many runs, each with its curves, as `save_run` does, all of them or none.

        Returns:
            The runs as stored, each with its number.

        Raises:
            UsageError: One of them holds something that cannot be stored exactly; nothing was written.
        """
        waiting = [pack(run, curves) for run, curves in batch]
        rows = _Rows(self._statements)
        saved: list[Run] = []
        with self._database.write() as connection:
            bury_the_dead(connection, self._database)
            there = stored(connection, [packed.run.run_id for packed in waiting])
            numbers = Numbers(connection)
            for packed in waiting:
                run = packed.run
                if run.run_id in there:
                    rows.write(connection, numbers)
                    number, merged = self._replace_or_insert(connection, packed, self._lease(run, None))
                    run, numbers = merged.run, Numbers(connection)
                else:
                    number = numbers.next(run.experiment, run.number, run.parent_id)
                    rows.add(packed, number)
                    there.add(run.run_id)
                for cell in run.cells:
                    kept = rows.final_executions if cell.order in run.orders else rows.executions
                    kept.append(execution_row(cell))
                saved.append(msgspec.structs.replace(run, number=number))
            rows.write(connection, numbers)
        return saved


def stored(connection: sa.Connection, run_ids: list[str]) -> set[str]:
    """Those of `run_ids` that the database has."""
    found: set[str] = set()
    for start in range(0, len(run_ids), AT_ONCE):
        query = sa.select(runs.c.run_id).where(runs.c.run_id.in_(run_ids[start : start + AT_ONCE]))
        found.update(connection.execute(query).scalars())
    return found


class Numbers:
    """Gives numbers out within one writing transaction, where nobody else does."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._last: dict[str, int] = {}
        self._taken: dict[str, set[int]] = {}
        self._children: dict[str, int] = {}

    def next(self, experiment: str, wanted: int, parent_id: str) -> int:
        """The number `wanted` if it is positive and free, else the one after the last; a child's in turn."""
        if experiment not in self._last:
            last = sa.select(experiments.c.last_number).where(experiments.c.name == experiment)
            numbers = sa.select(runs.c.number).where(runs.c.experiment == experiment, runs.c.parent_id == "")
            self._last[experiment] = self._connection.execute(last).scalar() or 0
            self._taken[experiment] = set(self._connection.execute(numbers).scalars())
        if parent_id:
            if parent_id not in self._children:
                last = sa.select(sa.func.max(runs.c.number)).where(runs.c.parent_id == parent_id)
                self._children[parent_id] = self._connection.execute(last).scalar() or 0
            self._children[parent_id] += 1
            return self._children[parent_id]
        number = (
            wanted if wanted > 0 and wanted not in self._taken[experiment] else self._last[experiment] + 1
        )
        self._taken[experiment].add(number)
        self._last[experiment] = max(self._last[experiment], number)
        return number

    def write(self, statements: Statements) -> None:
        """Write down the last number of each experiment."""
        given = [{"name": name, "last_number": last, "step": 0} for name, last in self._last.items()]
        for experiment in given:
            statements.number.execute(self._connection, experiment).fetchone()


class _Rows:
    """The rows of runs that are new, table by table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._runs: dict[str, list[dict[str, Any]]] = {table.name: [] for table in _TABLES}
        self._environments: dict[str, bytes] = {}
        self.executions: list[dict[str, Any]] = []
        self.final_executions: list[dict[str, Any]] = []

    def add(self, packed: Packed, number: int) -> None:
        """Take in a run, but for its executions."""
        run_id, into = packed.run.run_id, self._runs
        lease: dict[str, int | None] = {"lease_until": None, "heartbeat_at": None}
        if Status(packed.run.status) is Status.RUNNING:
            now = time.time_ns() // 1000
            lease = {"lease_until": now + int(DEFAULT_LEASE * 1_000_000), "heartbeat_at": now}
        into["runs"].append(run_row(packed, number, None) | lease)
        into["run_details"].append({"run_id": run_id, "document": packed.document})
        into["params"] += packed.params
        into["metrics"] += packed.metrics
        into["tags"] += tag_rows(run_id, packed.run.tags)
        into["datasets"] += dataset_rows(packed.run)
        into["curves"] += [{"run_id": run_id, **row} for row in packed.curves]
        if packed.environment is not None:
            digest, document = packed.environment
            self._environments[digest] = document

    def write(self, connection: sa.Connection, numbers: Numbers) -> None:
        """Insert what was taken in."""
        numbers.write(self._statements)
        for table in _TABLES:
            if rows := self._runs[table.name]:
                _INSERT[table.name].execute_many(connection, rows)
                self._runs[table.name] = []
        found = [{"digest": digest, "document": document} for digest, document in self._environments.items()]
        upserts = (
            (self._statements.environment, found),
            (self._statements.new_execution, self.executions),
            (self._statements.final_execution, self.final_executions),
        )
        for statement, values in upserts:
            statement.execute_many(connection, values)
        self._environments, self.executions, self.final_executions = {}, [], []
