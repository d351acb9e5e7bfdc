"""Runs written: one short transaction each, with everything or nothing of a run in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from jupyter_mlops.errors import RunNotFoundError
from jupyter_mlops.records import Curve, Environment, Execution, Run, Status

from .documents import Base, Summary, decode, encode, microseconds
from .edits import merge_edits
from .packing import Packed, dataset_rows, execution_row, pack, tag_rows
from .rows import KERNEL_DIED, bury_the_dead, stale
from .schema import curves as curve_table
from .schema import datasets, details, experiments, metrics, params, runs, tags
from .statements import Prepared, Statements, insertion, spell_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .database import Database

DEFAULT_LEASE = 60.0
"""Seconds a RUNNING run is believed when its writer names no lease."""

_RUN: sa.BindParameter[str] = sa.bindparam("the_run")
_EXISTING = sa.select(
    runs.c.experiment, runs.c.number, runs.c.name, runs.c.note, runs.c.base, runs.c.summary
).where(runs.c.run_id == _RUN)
#: Asked of every run that is saved, of which most are new: the columns are read only where one is there.
_IS_THERE = Prepared(sa.select(sa.literal_column("1")).where(runs.c.run_id == _RUN), ("the_run",))
_INSERT_LEASED = sa.insert(runs)
_INSERT_RUN = insertion(runs, "lease_until", "heartbeat_at", "deleted_at")
_UPDATE_RUN = sa.update(runs).where(runs.c.run_id == _RUN)
_INSERT_DETAILS = insertion(details)
_UPDATE_DETAILS = sa.update(details).where(details.c.run_id == _RUN)
_INSERT_CURVES = insertion(curve_table)
_ROWS = tuple((table, insertion(table)) for table in (params, metrics, tags, datasets))
_CLEAR = {table.name: sa.delete(table).where(table.c.run_id == _RUN) for table, _ in _ROWS}
_TAKEN = sa.select(runs.c.run_id).where(
    runs.c.experiment == sa.bindparam("experiment"),
    runs.c.number == sa.bindparam("number"),
    runs.c.parent_id == "",
)
_DROP_CURVE = sa.delete(curve_table).where(
    curve_table.c.run_id == _RUN, curve_table.c.metric == sa.bindparam("the_metric")
)
_CHILDREN = sa.select(runs.c.run_id, runs.c.number).where(runs.c.parent_id == _RUN)
_LAST_CHILD = sa.select(sa.func.max(runs.c.number)).where(runs.c.parent_id == _RUN)
_DOCUMENT = sa.select(details.c.document).where(details.c.run_id == _RUN)
_CURVES_THERE = sa.select(curve_table.c.metric).where(curve_table.c.run_id == _RUN).distinct()


class RunWriter:
    """The writing half of a store's runs."""

    _database: Database

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements = Statements(database.dialect)
        self._kept: set[str] = set()
        self._kept_in = 0

    def prepare(self) -> None:
        """Do now what the first save would have to: spell the statements, learn to read the records."""
        with self._database.read() as connection:
            spell_all(connection.dialect)
        here = Environment(python="", executable="", platform="", directory="")
        run = Run(
            run_id="", experiment="", status=Status.FINISHED, start_time=datetime.now(UTC), environment=here
        )
        pack(run, {})
        execution_row(Execution(execution_id="", session_id="", order=0, source="", code=""))

    def begin_run(self, run: Run, *, lease_seconds: float) -> Run:
        """Store a run that has only begun, believed to be running for `lease_seconds` unless heard of.

        Returns:
            The run with its number.
        """
        return self.save_run(run, lease_seconds=lease_seconds)

    def discard_run(self, run_id: str) -> None:
        """Take back a run that was begun and turned out to be none, with its number if none came after.

        A run that has ended is left alone.
        """
        with self._database.write() as connection:
            row = connection.execute(
                sa.select(runs.c.experiment, runs.c.number).where(
                    runs.c.run_id == run_id, runs.c.status == Status.RUNNING.value
                )
            ).one_or_none()
            if row is None:
                return
            for table in (params, metrics, tags, datasets, curve_table, details):
                connection.execute(sa.delete(table).where(table.c.run_id == run_id))
            connection.execute(sa.delete(runs).where(runs.c.run_id == run_id))
            connection.execute(
                sa.update(experiments)
                .where(experiments.c.name == row.experiment, experiments.c.last_number == row.number)
                .values(last_number=row.number - 1)
            )

    def heartbeat(self, run_id: str, *, lease_seconds: float) -> None:
        """Say that a run still runs, for another `lease_seconds`.

        A run meanwhile taken for dead (its machine slept) is alive again; one that has ended stays so.
        """
        now = self._database.now()
        running = runs.c.status == Status.RUNNING.value
        lease = {"heartbeat_at": now, "lease_until": now + _microseconds(lease_seconds)}
        with self._database.touch() as connection:
            row = connection.execute(
                sa.select(runs.c.status, runs.c.status_reason, stale(now).label("stale")).where(
                    runs.c.run_id == run_id
                )
            ).one_or_none()
            if row is None:
                raise _not_found(run_id)
            if row.status == Status.RUNNING.value and not row.stale:
                connection.execute(sa.update(runs).where(runs.c.run_id == run_id, running).values(**lease))
                return
            if row.status != Status.RUNNING.value and row.status_reason != KERNEL_DIED:
                return
        dead = sa.and_(runs.c.status == Status.KILLED.value, runs.c.status_reason == KERNEL_DIED)
        with self._database.write() as connection:
            connection.execute(
                sa.update(runs)
                .where(runs.c.run_id == run_id, sa.or_(running, dead))
                .values(status=Status.RUNNING.value, status_reason="", duration=None, **lease)
            )

    def save_run(
        self,
        run: Run,
        *,
        curves: Mapping[str, Curve] = {},
        lease_seconds: float | None = None,
        children: Sequence[Run] = (),
    ) -> Run:
        """Store a run, its executed cells, `curves` and `children` in one transaction, durably.

        Children are runs with params, metrics and details of their own and without curves or cells; they
        get this run for a parent and count from 1 in it. Those stored before stay.

        A run already stored is replaced, but for what people edited meanwhile (name, note, tags) and
        this `run` does not change itself, and for the curves that `run.curves` names and `curves` does
        not bring. Executions are stored once; those of the run's own `orders` are brought up to date.

        Returns:
            The run as stored, with its number.

        Raises:
            UsageError: It holds something that cannot be stored exactly; nothing was written.
        """
        packed = pack(run, curves)
        parted = [pack(_as_child(child, run), {}) for child in children]
        own, others = self._new_executions(run)
        with self._database.write() as connection:
            if self._kept_in != self._database.generation:
                own, others = self._new_executions(run)
            bury_the_dead(connection, self._database)
            number, packed = self._replace_or_insert(connection, packed, self._lease(run, lease_seconds))
            self._statements.new_execution.execute_many(connection, others)
            self._statements.final_execution.execute_many(connection, own)
            if parted:
                self._write_children(connection, packed, parted)
        self._kept.update(row["execution_id"] for row in others)
        if packed.environment is not None:
            self._kept.add(packed.environment[0])
        return msgspec.structs.replace(packed.run, number=number, children=len(parted) or packed.run.children)

    def _replace_or_insert(
        self, connection: sa.Connection, packed: Packed, lease: dict[str, Any]
    ) -> tuple[int, Packed]:
        """Write all of a run but its executions; its number, and the run with people's edits in it."""
        run_id = packed.run.run_id
        existing = None
        if _IS_THERE.execute(connection, {"the_run": run_id}).fetchone() is not None:
            existing = connection.execute(_EXISTING, {"the_run": run_id}).one_or_none()
        packed, base = merge_edits(packed, existing)
        packed = self._keep_rescored(connection, packed, existing)
        number = self._number(connection, packed.run, existing)
        if packed.environment is not None and packed.environment[0] not in self._kept:
            digest, document = packed.environment
            self._statements.environment.execute(connection, {"digest": digest, "document": document})
        row = run_row(packed, number, base)
        if existing is None:
            if lease:
                connection.execute(_INSERT_LEASED.values(**lease), row)
            else:
                _INSERT_RUN.execute(connection, row)
            _INSERT_DETAILS.execute(connection, {"run_id": run_id, "document": packed.document})
        else:
            row |= lease or {"lease_until": None, "heartbeat_at": None}
            connection.execute(_UPDATE_RUN.values(**row), {"the_run": run_id})
            connection.execute(_UPDATE_DETAILS, {"the_run": run_id, "document": packed.document})
        run = packed.run
        rows = (packed.params, packed.metrics, tag_rows(run_id, run.tags), dataset_rows(run))
        for (table, insert), values in zip(_ROWS, rows, strict=True):
            if existing is not None:
                connection.execute(_CLEAR[table.name], {"the_run": run_id})
            insert.execute_many(connection, values)
        _write_curves(connection, packed, replaces=existing is not None)
        return number, packed

    def _write_children(self, connection: sa.Connection, parent: Packed, parted: list[Packed]) -> None:
        """Insert all children that are new at once; one stored before is left as it is."""
        rows = connection.execute(_CHILDREN, {"the_run": parent.run.run_id})
        known: dict[str, int] = {row.run_id: row.number for row in rows}
        last = max(known.values(), default=0)
        new = [packed for packed in parted if packed.run.run_id not in known]
        if not new:
            return
        shared = {"environment": parent.environment[0] if parent.environment else None}
        numbered = [{**run_row(packed, last + count, None), **shared} for count, packed in enumerate(new, 1)]
        _INSERT_RUN.execute_many(connection, numbered)
        _INSERT_DETAILS.execute_many(
            connection, [{"run_id": packed.run.run_id, "document": packed.document} for packed in new]
        )
        tagged = [row for packed in new for row in tag_rows(packed.run.run_id, packed.run.tags)]
        parts: tuple[list[dict[str, Any]], ...] = (
            [row for packed in new for row in packed.params],
            [row for packed in new for row in packed.metrics],
            tagged,
            [],  # a child's data is its parent's
        )
        for (_, insert), values in zip(_ROWS, parts, strict=True):
            insert.execute_many(connection, values)

    def _keep_rescored(self, connection: sa.Connection, packed: Packed, existing: Any) -> Packed:
        """Metrics that were computed from kept predictions meanwhile stay when the run goes on."""
        if existing is None:
            return packed
        run = packed.run
        said = decode(existing.summary, Summary, f"run {run.run_id}").metrics
        if not said.keys() - run.metrics.keys():
            return packed
        row = connection.execute(_DOCUMENT, {"the_run": run.run_id}).one()
        details = decode(row.document, Run, f"run {run.run_id}").metric_details
        more = {
            name: value
            for name, value in said.items()
            if name not in run.metrics and name in details and details[name].origin == "rescored"
        }
        if not more:
            return packed
        run = msgspec.structs.replace(
            run,
            metrics={**run.metrics, **more},
            metric_details={**run.metric_details, **{name: details[name] for name in more}},
        )
        # The document knows nothing of its curves' points, which stay as they were packed.
        return msgspec.structs.replace(pack(run, {}), curves=packed.curves)

    def _new_executions(self, run: Run) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        # What this process has stored before need not be sent again, as long as it is the same database.
        if self._kept_in != self._database.generation:
            self._kept = set()
            self._kept_in = self._database.generation
        own: list[Execution] = [cell for cell in run.cells if cell.order in run.orders]
        others = [c for c in run.cells if c.execution_id not in self._kept and c.order not in run.orders]
        return [execution_row(cell) for cell in own], [execution_row(cell) for cell in others]

    def _number(self, connection: sa.Connection, run: Run, existing: Any) -> int:
        """The run's number: the one it has, the one it asks for if that is free, or the next."""
        if existing is not None and existing.experiment == run.experiment:
            return int(existing.number)
        if run.parent_id:
            following = connection.execute(_LAST_CHILD, {"the_run": run.parent_id}).scalar() or 0
            self._has_experiment(connection, run.experiment)
            return int(following) + 1
        if run.number > 0:
            wanted = {"experiment": run.experiment, "number": run.number}
            if connection.execute(_TAKEN, wanted).first() is None:
                asked = {"name": run.experiment, "last_number": run.number, "step": 0}
                self._statements.number.execute(connection, asked).fetchone()
                return run.number
        following = {"name": run.experiment, "last_number": 1, "step": 1}
        return int(self._statements.number.execute(connection, following).fetchone()[0])

    def _has_experiment(self, connection: sa.Connection, name: str) -> None:
        asked = {"name": name, "last_number": 0, "step": 0}
        self._statements.number.execute(connection, asked).fetchone()

    def _lease(self, run: Run, lease_seconds: float | None) -> dict[str, Any]:
        if Status(run.status) is not Status.RUNNING:
            return {}
        now = self._database.now()
        seconds = DEFAULT_LEASE if lease_seconds is None else lease_seconds
        return {"lease_until": now + _microseconds(seconds), "heartbeat_at": now}


def _as_child(child: Run, parent: Run) -> Run:
    """A child as it is stored: what it shares with its parent (source, cells, data) is kept there alone."""
    return msgspec.structs.replace(
        child,
        parent_id=parent.run_id,
        experiment=parent.experiment,
        notebook=parent.notebook,
        cell_id=parent.cell_id,
        session_id=parent.session_id,
        orders=parent.orders,
        source="",
        code_hash=parent.code_hash,
        datasets=(),
        environment=None,
        cells=(),
        curves=(),
    )


def _microseconds(seconds: float) -> int:
    return int(seconds * 1_000_000)


def _not_found(run_id: str) -> RunNotFoundError:
    return RunNotFoundError(f"There is no run {run_id!r}.")


def run_row(packed: Packed, number: int, base: Base | None) -> dict[str, Any]:
    """The row of a run, without its lease."""
    run = packed.run
    return {
        "run_id": run.run_id,
        "experiment": run.experiment,
        "number": number,
        "name": run.name,
        "status": Status(run.status).value,
        "status_reason": run.status_reason,
        "start_time": microseconds(run.start_time),
        "duration": run.duration,
        "note": run.note,
        "notebook": run.notebook,
        "cell_id": run.cell_id,
        "parent_id": run.parent_id,
        "session_id": run.session_id,
        "last_order": max(run.orders, default=None),
        "environment": packed.environment[0] if packed.environment else None,
        "summary": encode(packed.summary, f"Run {run.run_id}"),
        "base": None if base is None else encode(base, f"Run {run.run_id}"),
    }


def _write_curves(connection: sa.Connection, packed: Packed, *, replaces: bool) -> None:
    run_id, new = packed.run.run_id, {row["metric"] for row in packed.curves}
    if replaces:
        there = set(connection.execute(_CURVES_THERE, {"the_run": run_id}).scalars())
        gone = [m for m in there if m in new or m not in packed.run.curves]
        if gone:
            connection.execute(_DROP_CURVE, [{"the_run": run_id, "the_metric": metric} for metric in gone])
    if packed.curves:
        _INSERT_CURVES.execute_many(connection, [{"run_id": run_id, **row} for row in packed.curves])
