"""RUN references: run_id or its beginning, `#14`, `#14.2`, a name, `last`, `best:METRIC`, `worst:METRIC`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from jupyter_mlops.errors import (
    AmbiguousRunError,
    MetricNotFoundError,
    RunNotFoundError,
    UsageError,
)

from .best import Best, find_extreme
from .filters import Filters
from .schema import metrics, runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from .database import Database

_FORMS = "A run is named by #14 (its child by #14.2), its name, run_id, last, best:METRIC, worst:METRIC."


class References:
    """Finds the run that a person means."""

    _database: Database

    def __init__(self, database: Database) -> None:
        self._database = database

    def resolve(
        self,
        ref: str,
        *,
        experiment: str | None = None,
        direction: Callable[[str], bool | None] | None = None,
    ) -> str:
        """The run_id of the run that `ref` names.

        Args:
            ref: ``#14``, a name, a run_id or a prefix of one, ``last``, ``best:METRIC``, ``worst:METRIC``.
            experiment: Where to look for numbers, ``last``, ``best`` and ``worst``, and first for names;
                None looks everywhere.
            direction: Says of a metric whether higher is better, None if it does not know; asked
                when the runs themselves do not say.

        Raises:
            RunNotFoundError: No run answers; MetricNotFoundError, none has the metric.
            AmbiguousRunError: Several answer; the sentence lists the newest of them.
        """
        if not isinstance(ref, str) or not ref.strip():
            raise UsageError(f"{ref!r} names no run.", _FORMS)
        ref = ref.strip()
        with self._database.read() as connection:
            word, colon, metric = ref.partition(":")
            if colon and word.lower() in ("best", "worst"):
                return self._extreme(
                    connection, metric.strip(), word.lower() == "best", experiment, direction
                ).run_id
            if connection.execute(sa.select(runs.c.run_id).where(runs.c.run_id == ref)).first():
                return ref
            if ref.lower() == "last":
                return self._last(connection, experiment)
            if numbered := re.fullmatch(r"#\s*([0-9]{1,9})(?:\.([0-9]{1,9}))?", ref):
                run_id = self._numbered(connection, int(numbered[1]), experiment)
                return self._child(connection, run_id, ref, int(numbered[2])) if numbered[2] else run_id
            return self._named(connection, ref, experiment)

    def find_best(
        self,
        metric: str,
        filter_string: str = "",
        *,
        experiment: str | None = None,
        direction: Callable[[str], bool | None] | None = None,
    ) -> Best:
        """The best run by `metric` of those a filter keeps, and those that were no comparison for it.

        ``best:METRIC`` finds the same run. `direction` is as in `resolve`.

        Raises:
            MetricNotFoundError: No run kept has the metric.
            FilterError: The filter does not parse.
        """
        condition = Filters(self._database.dialect, self._database.now()).condition(filter_string)
        with self._database.read() as connection:
            return self._extreme(connection, metric, True, experiment, direction, condition)

    def check_metric(self, metric: str, *, experiment: str | None = None) -> None:
        """Raise MetricNotFoundError, which names those there are, unless some run has `metric`."""
        query = (
            sa.select(metrics.c.run_id)
            .join(runs, metrics.c.run_id == runs.c.run_id)
            .where(metrics.c.name == metric, runs.c.deleted_at.is_(None))
            .limit(1)
        )
        if experiment is not None:
            query = query.where(runs.c.experiment == experiment)
        with self._database.read() as connection:
            if connection.execute(query).first() is None:
                raise self._no_metric(connection, metric, experiment)

    def _last(self, connection: sa.Connection, experiment: str | None) -> str:
        query = _listed(experiment).order_by(runs.c.start_time.desc(), runs.c.run_id.desc()).limit(1)
        # A loop's runs begin after their parent: the last try is the parent.
        row = (
            connection.execute(query.where(runs.c.parent_id == "")).first()
            or connection.execute(query).first()
        )
        if row is None:
            raise RunNotFoundError(
                f"There is no run{_within(experiment)} yet.", "Run a cell that begins with %%track."
            )
        return str(row.run_id)

    def _numbered(self, connection: sa.Connection, number: int, experiment: str | None) -> str:
        numbered = _listed(experiment).where(runs.c.number == number, runs.c.parent_id == "")
        found = connection.execute(numbered.limit(20)).all()
        if not found:
            raise RunNotFoundError(f"There is no run #{number}{_within(experiment)}.")
        return _only(found, f"#{number}", "Use a prefix of the run_id.")

    def _child(self, connection: sa.Connection, parent_id: str, ref: str, number: int) -> str:
        siblings = _listed(None).where(runs.c.parent_id == parent_id)
        found = connection.execute(siblings.where(runs.c.number == number)).first()
        if found is None:
            last = connection.execute(
                sa.select(sa.func.max(runs.c.number)).where(runs.c.parent_id == parent_id)
            ).scalar()
            parent = ref.partition(".")[0]
            known = f"It has {parent}.1 to {parent}.{last}." if last else f"{parent} has no children."
            raise RunNotFoundError(f"There is no run {ref}.", known)
        return str(found.run_id)

    def _named(self, connection: sa.Connection, ref: str, experiment: str | None) -> str:
        for scope in dict.fromkeys((experiment, None)):
            of_name = _newest(_listed(scope).where(runs.c.name == ref))
            named = (
                connection.execute(of_name.where(runs.c.parent_id == "")).all()
                or connection.execute(of_name).all()
            )
            if named:
                return _only(named, repr(ref), "Use its number or a prefix of its run_id.")
        prefix = ref.lower()
        if re.fullmatch(r"[0-9a-z]+", prefix):
            within = sa.and_(runs.c.run_id >= prefix, runs.c.run_id < prefix + "{")
            found = connection.execute(_newest(_listed(None).where(within))).all()
            if found:
                return _only(found, f"the prefix {ref!r}", "Use a longer prefix of the run_id.")
        raise RunNotFoundError(f"There is no run {ref!r}.", f"{_FORMS} List the runs with `%runs`.")

    def _extreme(
        self,
        connection: sa.Connection,
        metric: str,
        best: bool,
        experiment: str | None,
        direction: Callable[[str], bool | None] | None,
        condition: sa.ColumnElement[bool] | None = None,
    ) -> Best:
        if not metric:
            raise UsageError(
                "best: and worst: need the name of a metric.", "Write for example best:accuracy."
            )
        kept: list[sa.ColumnElement[bool]] = [] if condition is None else [condition]
        if experiment is not None:
            kept.append(runs.c.experiment == experiment)
        found = find_extreme(connection, metric, best=best, kept=kept, direction=direction)
        if found is None:
            if condition is not None:
                raise MetricNotFoundError(
                    f"No run that the filter keeps has a metric {metric!r}.", "Widen the filter."
                )
            raise self._no_metric(connection, metric, experiment)
        return found

    def _no_metric(
        self, connection: sa.Connection, metric: str, experiment: str | None
    ) -> MetricNotFoundError:
        query = sa.select(metrics.c.name).join(runs, metrics.c.run_id == runs.c.run_id).distinct().limit(12)
        if experiment is not None:
            query = query.where(runs.c.experiment == experiment)
        names = sorted(connection.execute(query.where(runs.c.deleted_at.is_(None))).scalars())
        hint = f"There are: {', '.join(names)}." if names else "No run has a metric yet."
        return MetricNotFoundError(f"No run{_within(experiment)} has a metric {metric!r}.", hint)


def _listed(experiment: str | None) -> sa.Select[Any]:
    query = sa.select(runs.c.run_id, runs.c.number, runs.c.name, runs.c.experiment, runs.c.parent_id).where(
        runs.c.deleted_at.is_(None)
    )
    return query if experiment is None else query.where(runs.c.experiment == experiment)


def _newest(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.order_by(runs.c.start_time.desc(), runs.c.run_id.desc()).limit(20)


def _within(experiment: str | None) -> str:
    return "" if experiment is None else f" in experiment {experiment!r}"


def _only(rows: Any, shown: str, hint: str) -> str:
    if len(rows) == 1:
        return str(rows[0].run_id)
    several = len({row.experiment for row in rows}) > 1
    listed = ", ".join(
        f"{'a child' if row.parent_id else f'#{row.number}'}"
        f"{f' in {row.experiment}' if several else ''} ({row.run_id})"
        for row in rows[:5]
    )
    more = ", …" if len(rows) > 5 else ""
    raise AmbiguousRunError(f"More than one run answers to {shown}: {listed}{more}.", hint)
