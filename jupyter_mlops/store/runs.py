"""Runs read: one, a list, a table, a curve."""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from jupyter_mlops.errors import MetricNotFoundError, RunNotFoundError, UsageError
from jupyter_mlops.records import Curve, Environment, Execution, Run, RunSummary

from .documents import Summary, decode, microseconds, moment
from .filters import Filters, Ranking
from .points import unpack_curve
from .rows import children, parent_number, stale, status_of, summary_columns, summary_of
from .schema import curves, details, environments, executions, experiments, metrics, runs, state
from .statements import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

    from .database import Database

_EXPERIMENTS = sa.select(experiments.c.name).where(
    sa.exists().where(runs.c.experiment == experiments.c.name, runs.c.deleted_at.is_(None))
)


def _best_before(*, highest: bool, numbered: bool) -> sa.Select[Any]:
    """The best value of a metric before a run, which has a number or else only an id."""
    before: sa.BindParameter[str] = sa.bindparam("before")
    # From the best one down: most often the first or second is one of the experiment's.
    query = sa.select(metrics.c.number).join(runs, metrics.c.run_id == runs.c.run_id).limit(1)
    return query.order_by(metrics.c.number.desc() if highest else metrics.c.number).where(
        metrics.c.name == sa.bindparam("metric"),
        metrics.c.number.between(-sys.float_info.max, sys.float_info.max),
        runs.c.experiment == sa.bindparam("experiment"),
        runs.c.run_id != before,
        runs.c.parent_id == "",
        runs.c.deleted_at.is_(None),
        runs.c.number < sa.bindparam("limit") if numbered else runs.c.run_id < before,
    )


#: Made once, since every card asks: to put them together costs more than to run them.
_BEST = {
    (highest, numbered): Prepared(
        _best_before(highest=highest, numbered=numbered),
        ("metric", "experiment", "before", *(("limit",) if numbered else ())),
    )
    for highest in (True, False)
    for numbered in (True, False)
}
_NUMBER = Prepared(
    sa.select(runs.c.number).where(
        runs.c.run_id == sa.bindparam("before"),
        runs.c.experiment == sa.bindparam("experiment"),
        runs.c.parent_id == "",
    ),
    ("experiment", "before"),
)


#: So many runs are looked at one by one sooner than a list is walked.
_FEW = 2_000


class RunReader:
    """The reading half of a store's runs. Reading never writes."""

    _database: Database

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_run(self, run_id: str) -> Run:
        """The complete run, with every executed cell of its session up to its own last one.

        Raises:
            RunNotFoundError: There is no run of exactly this id (see `resolve` for other references).
        """
        with self._database.read() as connection:
            return self._get(connection, run_id)

    def get_summary(self, run_id: str) -> RunSummary:
        """What a list shows of one run, deleted or not."""
        with self._database.read() as connection:
            row = connection.execute(
                sa.select(*summary_columns(self._database.now())).where(runs.c.run_id == run_id)
            ).one_or_none()
        if row is None:
            raise RunNotFoundError(f"There is no run {run_id!r}.")
        return summary_of(row)

    def search(
        self,
        filter_string: str = "",
        *,
        order_by: Sequence[str] | None = None,
        max_results: int | None = None,
        offset: int = 0,
        experiment: str | None = None,
        deleted: bool = False,
        include_children: bool = False,
        parent_id: str | None = None,
    ) -> list[RunSummary]:
        """The runs that `filter_string` keeps, newest first unless `order_by` says otherwise.

        Args:
            filter_string: A filter (see `language`); empty keeps every run.
            order_by: Items such as ``metrics.acc DESC``; runs without the value come last.
            max_results: At most so many; None for all.
            offset: So many of the first are left out.
            experiment: Only runs of this experiment.
            deleted: Only deleted runs, instead of only those that are not.
            include_children: Also the turns of loops and candidates of searches, which else stay behind
                their parent. A filter that asks for ``parent_id`` includes them by itself.
            parent_id: Only the children of this run, in their order unless `order_by` says otherwise.

        Raises:
            FilterError: The filter or an order does not parse or compares what cannot be compared.
        """
        rows = self._list(
            summary_columns,
            filter_string,
            order_by,
            max_results,
            offset,
            experiment,
            deleted=deleted,
            include_children=include_children,
            parent_id=parent_id,
        )
        return [summary_of(row) for row in rows]

    def count(
        self,
        filter_string: str = "",
        *,
        experiment: str | None = None,
        deleted: bool = False,
        include_children: bool = False,
        parent_id: str | None = None,
    ) -> int:
        """How many runs `search` finds."""
        filters = Filters(self._database.dialect, self._database.now())
        kept = [
            *_kept(filters, filter_string, experiment, deleted=deleted),
            *_children_too(filter_string, include_children=include_children, parent_id=parent_id),
        ]
        with self._database.read() as connection:
            kept += _few(connection, filters, filter_string)
            return int(
                connection.execute(sa.select(sa.func.count()).select_from(runs).where(*kept)).scalar_one()
            )

    def experiments(self) -> list[str]:
        """The experiments that have runs, in alphabetical order."""
        with self._database.read() as connection:
            return sorted(connection.execute(_EXPERIMENTS).scalars())

    def frame(
        self,
        filter_string: str = "",
        *,
        order_by: Sequence[str] | None = None,
        max_results: int | None = None,
        experiment: str | None = None,
        include_children: bool = False,
        parent_id: str | None = None,
    ) -> pd.DataFrame:
        """`search` as a table: one row a run.

        Columns are ``run_id, number, name, experiment, status, status_reason, start_time`` (UTC),
        ``duration`` (seconds), then ``params.*``, ``metrics.*`` and ``tags.*``, missing where a run has
        none. Where children are asked for there are also ``parent_id`` and ``parent_number``, behind
        ``duration``, and their ``number`` counts within the parent.
        """
        from .frames import frame_columns, frame_of, uncollected

        with uncollected():
            rows = self._list(
                frame_columns,
                filter_string,
                order_by,
                max_results,
                0,
                experiment,
                include_children=include_children,
                parent_id=parent_id,
            )
            return frame_of(rows, parents=include_children or parent_id is not None)

    def _list(
        self,
        columns: Callable[[sa.ColumnElement[int]], list[sa.ColumnElement[Any]]],
        filter_string: str,
        order_by: Sequence[str] | None,
        max_results: int | None,
        offset: int,
        experiment: str | None,
        *,
        deleted: bool = False,
        include_children: bool = False,
        parent_id: str | None = None,
    ) -> list[Any]:
        """The rows of `search`, with `columns` of the moment."""
        for what, value in (("max_results", max_results), ("offset", offset)):
            if value is not None and (not isinstance(value, int) or not 0 <= value < 2**63):
                raise UsageError(f"{what} is {value!r}, not a number of runs.", "Give an integer from 0.")
        now = self._database.now()
        filters = Filters(self._database.dialect, now)
        query = sa.select(*columns(now)).where(
            *_kept(filters, filter_string, experiment, deleted=deleted),
            *_children_too(filter_string, include_children=include_children, parent_id=parent_id),
        )
        ranking = filters.ranking(order_by) if max_results is not None else None
        with self._database.read() as connection:
            few = _few(connection, filters, filter_string)
            query = query.where(*few)
            if ranking is not None and max_results is not None and not few:
                return _best(connection, query, ranking, max_results, offset)
            if parent_id is not None and not order_by:
                query = query.order_by(runs.c.number)
            query = query.order_by(*filters.order(order_by))
            if max_results is not None or offset:
                query = query.limit(2**62 if max_results is None else max_results).offset(offset)
            return list(connection.execute(query).all())

    def previous_run(self, run: Run) -> Run | None:
        """The run before `run` in its experiment: of the same cell if there is one, else of any.

        A child is compared with the children of its parent, any other run with runs that are no children.
        """
        # The one before a child is its sibling: numbers of children count within their parent.
        child = runs.c.parent_id == run.parent_id
        before = (
            runs.c.number < run.number
            if run.number
            else sa.tuple_(runs.c.start_time, runs.c.run_id)
            < sa.tuple_(sa.literal(microseconds(run.start_time)), sa.literal(run.run_id))
        )
        query = (
            sa.select(runs.c.run_id)
            .where(runs.c.experiment == run.experiment, runs.c.deleted_at.is_(None), before, child)
            .where(runs.c.run_id != run.run_id)
            .order_by(runs.c.number.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            found = None
            if run.cell_id:
                found = connection.execute(query.where(runs.c.cell_id == run.cell_id)).scalar()
            if found is None:
                found = connection.execute(query).scalar()
            return None if found is None else self._get(connection, found)

    def best_values(
        self, experiment: str, higher_is_better: Mapping[str, bool], *, before: str
    ) -> dict[str, float]:
        """The best values of metrics among the experiment's runs earlier than the run `before`.

        Args:
            experiment: Where to look.
            higher_is_better: The metrics, each with whether the highest or the lowest value is the best.
            before: The id of a run, stored or not.

        Returns:
            Finite values alone; a metric that no earlier run has is missing.
        """
        found: dict[str, float] = {}
        with self._database.read() as connection:
            numbered = _NUMBER.execute(connection, {"experiment": experiment, "before": before}).fetchone()
            asked: dict[str, Any] = {"experiment": experiment, "before": before}
            if numbered is not None:
                asked["limit"] = numbered[0]
            for metric, higher in higher_is_better.items():
                best = _BEST[higher, numbered is not None]
                row = best.execute(connection, {**asked, "metric": metric}).fetchone()
                if row is not None:
                    found[metric] = float(row[0])
        return found

    def get_curve(self, run_id: str, metric: str) -> Curve:
        """The curve of a run's metric.

        Raises:
            MetricNotFoundError: The run has no such curve; the hint names those it has.
        """
        query = sa.select(curves.c.points, curves.c.count, curves.c.data).order_by(curves.c.chunk)
        with self._database.read() as connection:
            rows = connection.execute(query.where(curves.c.run_id == run_id, curves.c.metric == metric)).all()
            if not rows:
                self._complain(connection, run_id, metric)
        return unpack_curve(rows, f"of {metric!r} of run {run_id}")

    def executions(self, session_id: str, *, until: int | None = None) -> tuple[Execution, ...]:
        """The stored executions of a kernel session, oldest first, up to order `until`."""
        with self._database.read() as connection:
            return self._executions(connection, session_id, until)

    def revision(self) -> str:
        """An opaque text that changes whenever anything a list shows has changed, by whichever process.

        Runs that time alone has turned from running to killed are part of it.
        """
        dead = sa.select(runs.c.run_id).where(stale(self._database.now()))
        with self._database.read() as connection:
            store_id, counter = connection.execute(sa.select(state.c.store_id, state.c.revision)).one()
            late = sorted(connection.execute(dead).scalars())
        suffix = f"-{zlib.crc32(' '.join(late).encode('utf-8', 'surrogatepass')):08x}" if late else ""
        return f"{store_id[:12]}-{counter}{suffix}"

    def _get(self, connection: sa.Connection, run_id: str) -> Run:
        what = f"run {run_id}"
        query = (
            sa.select(
                runs,
                details.c.document,
                environments.c.document,
                stale(self._database.now()).label("stale"),
                parent_number().label("parent_number"),
                children().label("children"),
            )
            .select_from(
                runs.join(details, details.c.run_id == runs.c.run_id).outerjoin(
                    environments, environments.c.digest == runs.c.environment
                )
            )
            .where(runs.c.run_id == run_id)
        )
        row: Any = connection.execute(query).one_or_none()
        if row is None:
            raise RunNotFoundError(f"There is no run {run_id!r}.")
        document, surroundings = row[len(runs.c)], row[len(runs.c) + 1]
        summary = decode(row.summary, Summary, what)
        status, reason, duration = status_of(row)
        run = decode(document, Run, what)
        if row.parent_id:
            run = self._with_its_parents(connection, run)
        return msgspec.structs.replace(
            run,
            number=row.number,
            name=row.name,
            status=status,
            status_reason=reason,
            duration=duration,
            start_time=moment(row.start_time),
            params=summary.params,
            metrics=summary.metrics,
            tags=summary.tags,
            note=row.note,
            parent_number=row.parent_number or 0,
            children=row.children,
            cells=self._executions(connection, row.session_id, row.last_order)
            if row.last_order is not None
            else (),
            environment=None if surroundings is None else decode(surroundings, Environment, what),
        )

    def _with_its_parents(self, connection: sa.Connection, child: Run) -> Run:
        """A child of a cell's loop with the source and data of its parent, which are kept there alone."""
        query = sa.select(details.c.document).where(details.c.run_id == child.parent_id)
        document = connection.execute(query).scalar()
        if document is None or child.source:
            return child
        parent = decode(document, Run, f"run {child.parent_id}")
        return msgspec.structs.replace(child, source=parent.source, datasets=parent.datasets)

    def _executions(
        self, connection: sa.Connection, session_id: str, until: int | None
    ) -> tuple[Execution, ...]:
        query = sa.select(executions.c.document, executions.c.order).where(
            executions.c.session_id == session_id
        )
        if until is not None:
            query = query.where(executions.c.order <= until)
        rows: Iterable[Any] = connection.execute(
            query.order_by(executions.c.order, executions.c.execution_id)
        )
        return tuple(decode(row.document, Execution, f"executed cell {row.order}") for row in rows)

    def _complain(self, connection: sa.Connection, run_id: str, metric: str) -> None:
        there = connection.execute(
            sa.select(runs.c.number, runs.c.summary).where(runs.c.run_id == run_id)
        ).one_or_none()
        if there is None:
            raise RunNotFoundError(f"There is no run {run_id!r}.")
        names = decode(there.summary, Summary, f"run {run_id}").curves
        known = f"It has curves of: {', '.join(names)}." if names else "It has no curves at all."
        raise MetricNotFoundError(f"Run #{there.number} has no curve of {metric!r}.", known)


def _few(connection: sa.Connection, filters: Filters, text: str) -> list[sa.ColumnElement[bool]]:
    """What a filter says of one metric, as a condition that begins with the few runs that meet it.

    Where many do it is left out: to look each listed run's metric up until enough are found is faster then.
    """
    for candidates in filters.candidates(text):
        found = sa.select(sa.func.count()).select_from(candidates.limit(_FEW + 1).subquery())
        if connection.execute(found).scalar_one() <= _FEW:
            return [runs.c.run_id.in_(candidates)]
    return []


def _best(
    connection: sa.Connection, query: sa.Select[Any], ranking: Ranking, most: int, offset: int
) -> list[Any]:
    """The `most` rows after `offset` of a query in the order of a metric."""
    ranked = query.join_from(metrics, runs, ranking.ranked)
    rows = list(connection.execute(ranked.order_by(*ranking.ranked_order).limit(most).offset(offset)).all())
    if len(rows) == most:
        return rows
    if not rows and offset:
        had = sa.select(sa.func.count()).select_from(ranked.with_only_columns(runs.c.run_id).subquery())
        offset -= int(connection.execute(had).scalar_one())
    else:
        offset = 0
    missing = query.where(ranking.missing).order_by(*ranking.missing_order)
    return [*rows, *connection.execute(missing.limit(most - len(rows)).offset(offset))]


def _children_too(
    filter_string: str, *, include_children: bool, parent_id: str | None
) -> list[sa.ColumnElement[bool]]:
    if parent_id is not None:
        return [runs.c.parent_id == parent_id]
    if include_children or "parent_id" in filter_string:
        return []
    # Not an equality: SQLite would begin with the index of children, in which nearly all runs are under "".
    return [sa.func.length(runs.c.parent_id) == 0]


def _kept(
    filters: Filters, filter_string: str, experiment: str | None, *, deleted: bool
) -> list[sa.ColumnElement[bool]]:
    kept: list[sa.ColumnElement[bool]] = [
        runs.c.deleted_at.is_not(None) if deleted else runs.c.deleted_at.is_(None)
    ]
    if experiment is not None:
        kept.append(runs.c.experiment == experiment)
    condition = filters.condition(filter_string)
    if condition is not None:
        kept.append(condition)
    return kept
