"""What people change of a run afterwards, and what of it the run's own later saves leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import sqlalchemy as sa

from jupyter_mlops.errors import RunNotFoundError, UsageError
from jupyter_mlops.records import Run

from .documents import Base, Summary, decode, encode
from .packing import LONGEST_NAME, Packed, pack, tag_rows
from .rows import bury_the_dead, summary_columns, summary_of
from .schema import details, metrics, runs
from .schema import tags as tag_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_mlops.records import MetricDetail, MetricValue, RunSummary

    from .database import Database

_T = TypeVar("_T")


class RunEditor:
    """The part of a store that changes runs on people's behalf."""

    _database: Database

    def __init__(self, database: Database) -> None:
        self._database = database

    def edit_run(
        self,
        run_id: str,
        *,
        name: str | None = None,
        note: str | None = None,
        tags: Mapping[str, str | None] | None = None,
    ) -> RunSummary:
        """Change what people may change of a run; None leaves a field as it is, a tag of None goes."""
        for what, text in (
            ("name", name),
            ("note", note),
            *(("tag", text) for text in (tags or {}).values()),
        ):
            if text is not None and not isinstance(text, str):
                raise UsageError(f"The {what} {text!r} is no text.", "Give a string.")
        if name is not None and len(name) > LONGEST_NAME:
            raise UsageError(f"The name has more than {LONGEST_NAME} characters.", "Give a shorter one.")
        with self._database.write() as connection:
            bury_the_dead(connection, self._database)
            existing = _existing(connection, run_id)
            summary = decode(existing.summary, Summary, f"run {run_id}")
            values: dict[str, Any] = {}
            if existing.base is None:
                values["base"] = encode(Base(existing.name, existing.note, summary.tags), "The edit")
            if name is not None:
                values["name"] = name
            if note is not None:
                values["note"] = note
            if tags is not None:
                merged = {key: text for key, text in {**summary.tags, **tags}.items() if text is not None}
                values["summary"] = encode(msgspec.structs.replace(summary, tags=merged), "The edit")
                connection.execute(sa.delete(tag_table).where(tag_table.c.run_id == run_id))
                if rows := tag_rows(run_id, merged):
                    connection.execute(sa.insert(tag_table), rows)
            if values:
                connection.execute(sa.update(runs).where(runs.c.run_id == run_id).values(**values))
            row = connection.execute(
                sa.select(*summary_columns(self._database.now())).where(runs.c.run_id == run_id)
            ).one()
            return summary_of(row)

    def add_metric(self, run_id: str, name: str, value: MetricValue, detail: MetricDetail) -> RunSummary:
        """Write a metric onto a run that has ended, in the place of one of that name made in the same way.

        Raises:
            UsageError: The run has a metric of that name that was not made like this one.
        """
        with self._database.write() as connection:
            bury_the_dead(connection, self._database)
            existing = _existing(connection, run_id)
            summary = decode(existing.summary, Summary, f"run {run_id}")
            stored = sa.select(details.c.document).where(details.c.run_id == run_id)
            run = decode(connection.execute(stored).scalar_one(), Run, f"run {run_id}")
            known = run.metric_details.get(name)
            if name in summary.metrics and (known is None or known.origin != detail.origin):
                raise UsageError(
                    f"The run has a metric {name!r} of its own.", "Give the new one another name."
                )
            run = msgspec.structs.replace(run, metric_details={**run.metric_details, name: detail})
            # `pack` refuses what cannot be stored, and spells the rest as a run's first save does.
            packed = pack(msgspec.structs.replace(run, metrics={name: value}), {})
            summary = msgspec.structs.replace(summary, metrics={**summary.metrics, **packed.summary.metrics})
            connection.execute(sa.delete(metrics).where(metrics.c.run_id == run_id, metrics.c.name == name))
            if packed.metrics:
                connection.execute(sa.insert(metrics), packed.metrics)
            connection.execute(
                sa.update(runs).where(runs.c.run_id == run_id).values(summary=encode(summary, "The metric"))
            )
            connection.execute(
                sa.update(details).where(details.c.run_id == run_id).values(document=packed.document)
            )
            row = connection.execute(
                sa.select(*summary_columns(self._database.now())).where(runs.c.run_id == run_id)
            ).one()
            return summary_of(row)

    def delete_run(self, run_id: str) -> None:
        """Take a run and its children out of every list; `restore_run` brings them back."""
        self._set_deleted(run_id, deleted=True)

    def restore_run(self, run_id: str) -> None:
        """Undo `delete_run`."""
        self._set_deleted(run_id, deleted=False)

    def _set_deleted(self, run_id: str, *, deleted: bool) -> None:
        moment = self._database.now() if deleted else sa.null()
        with self._database.write() as connection:
            bury_the_dead(connection, self._database)
            _existing(connection, run_id)
            connection.execute(
                sa.update(runs)
                .where(sa.or_(runs.c.run_id == run_id, runs.c.parent_id == run_id))
                .values(deleted_at=moment)
            )


def merge_edits(packed: Packed, existing: Any) -> tuple[Packed, Base | None]:
    """What people edited since the run was last saved stays, unless the run itself changes it now.

    `existing` is the run's row, of which `base` remembers what the run itself last said: a field that
    says the same again, or what it was edited to, is left as it is.
    """
    if existing is None or existing.base is None:
        return packed, None
    run = packed.run
    said = decode(existing.base, Base, f"run {run.run_id}")
    edited = decode(existing.summary, Summary, f"run {run.run_id}").tags
    name, said_name = _merge(run.name, said.name, existing.name)
    note, said_note = _merge(run.note, said.note, existing.note)
    tags: dict[str, str] = {}
    said_tags: dict[str, str] = {}
    for key in {**edited, **run.tags, **said.tags}:
        text, base = _merge(run.tags.get(key), said.tags.get(key), edited.get(key))
        if text is not None:
            tags[key] = text
        if base is not None:
            said_tags[key] = base
    run = msgspec.structs.replace(run, name=name, note=note, tags=tags)
    summary = msgspec.structs.replace(packed.summary, tags=tags)
    return msgspec.structs.replace(packed, run=run, summary=summary), Base(said_name, said_note, said_tags)


def _merge(now: _T, said: _T, edited: _T) -> tuple[_T, _T]:
    """The field's value, and what the run itself is remembered to have said."""
    return (edited, said) if now in (said, edited) else (now, now)


def _existing(connection: sa.Connection, run_id: str) -> Any:
    columns = (runs.c.name, runs.c.note, runs.c.base, runs.c.summary)
    row = connection.execute(sa.select(*columns).where(runs.c.run_id == run_id)).one_or_none()
    if row is None:
        raise RunNotFoundError(f"There is no run {run_id!r}.")
    return row
