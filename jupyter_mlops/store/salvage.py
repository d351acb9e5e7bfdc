"""What can still be read of a damaged SQLite store, written into a new one.

The damaged file is copied first and never touched. Tables are read by their row ids, in halves of
halves around what cannot be read; every record found is checked and saved anew, so that the new store
is whole whatever the old one was. Rows for filters are not read at all: they follow from the records.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.errors import MlopsError, StoreDamagedError, UsageError
from jupyter_mlops.records import Curve, Environment, Execution, PipelineVersion, Run, Status

from . import sqlite
from .documents import Summary, decode, moment
from .points import unpack_curve
from .schema import unescape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from . import Store

_NEEDED = {"runs", "run_details"}
_RUN = (
    "run_id, experiment, number, name, status, status_reason, start_time, duration, note, notebook, cell_id, "
    "parent_id, session_id, last_order, environment, deleted_at, summary"
)


class Salvaged(msgspec.Struct):
    """What was saved; `damaged` names what was found and could not be saved whole."""

    runs: int = 0
    curves: int = 0
    executions: int = 0
    versions: int = 0
    aliases: int = 0
    damaged: list[str] = []


def salvage(path: Path, target: Store) -> Salvaged:
    """Write what can be read of the SQLite file at `path` into the empty store `target`.

    Raises:
        UsageError: There is no such file.
        StoreDamagedError: Nothing of a store can be read in it.
    """
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", "Name the damaged runs.db.")
    if target.count(include_children=True) or target.count(deleted=True, include_children=True):
        raise UsageError(f"The store {target._database.shown} is not empty.", "Name a new file.")
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "runs.db"
        shutil.copyfile(path, copy)
        log = path.with_name(f"{path.name}-wal")
        if log.exists():
            shutil.copyfile(log, copy.with_name("runs.db-wal"))
        _pad(copy)
        connection = _open(copy, path)
        try:
            return _Salvage(connection, target, copy.stat().st_size).all()
        finally:
            connection.close()


def _pad(copy: Path) -> None:
    """Give a truncated file its length back: SQLite refuses all of one that is too short."""
    with copy.open("r+b") as file:
        header = file.read(100)
        if len(header) == 100 and header.startswith(b"SQLite format 3\0"):
            page = int.from_bytes(header[16:18], "big")
            length = int.from_bytes(header[28:32], "big") * (65_536 if page == 1 else page)
            size = file.seek(0, 2)
            if size < length <= 1000 * size:
                file.truncate(length)


def _open(copy: Path, path: Path) -> Any:
    """A connection that can read the schema, if need be without the log."""
    module = sqlite.sqlite_module()
    for _ in range(2):
        connection = module.connect(str(copy), isolation_level=None)
        # A text that is no UTF-8 any more is told by the record that has it.
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if {name for (name,) in tables} >= _NEEDED:
                return connection
        except (module.DatabaseError, UnicodeDecodeError):  # SQLite's own words may hold a damaged name
            pass
        connection.close()
        for suffix in ("-wal", "-shm"):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)
    raise StoreDamagedError(
        f"Nothing of a store can be read in {path}: its first page is damaged.",
        "Restore a backup; the file was left as it is.",
    )


class _Salvage:
    def __init__(self, connection: Any, target: Store, size: int) -> None:
        self._connection = connection
        self._target = target
        self._most = max(1000, size // 16)  # no table has more rows than that
        self._done = Salvaged()

    def all(self) -> Salvaged:
        """Read, check and save everything; gives what that was."""
        found = {row[0]: row[1] for row in self._rows("run_details", "run_id, document")}
        environments = dict(self._rows("environments", "digest, document"))
        curves: dict[str, dict[str, list[Any]]] = {}
        for run_id, metric, *chunk in self._rows("curves", "run_id, metric, chunk, points, count, data"):
            curves.setdefault(run_id, {}).setdefault(metric, []).append(chunk)
        cells: dict[str, list[Execution]] = {}
        for session, order, document in self._rows("executions", 'session_id, "order", document'):
            cell = self._record(document, Execution, f"executed cell {order}")
            if cell is not None:
                cells.setdefault(session, []).append(cell)
                self._done.executions += 1
        deleted = []
        # Parents first: children are numbered within them.
        for row in sorted(self._rows("runs", _RUN), key=lambda row: (str(row[11]), str(row[2]).zfill(12))):
            values = dict(zip(_RUN.split(", "), row, strict=True))
            run = self._run(values, found.get(values["run_id"]), environments)
            if run is None:
                continue
            mine = self._curves(run, curves.get(values["run_id"], {}))
            own = [
                cell
                for cell in cells.get(values["session_id"], ())
                if cell.order <= (values["last_order"] or 0)
            ]
            run = msgspec.structs.replace(run, cells=tuple(own), curves=tuple(mine))
            if self._save(partial(self._target.save_run, run, curves=mine), f"run {run.run_id}"):
                self._done.runs += 1
                self._done.curves += len(mine)
                if values["deleted_at"] is not None:
                    deleted.append(run.run_id)
        for run_id in deleted:
            self._save(partial(self._target.delete_run, run_id), f"run {run_id}")
        self._versions()
        return self._done

    def _run(
        self, values: dict[str, Any], document: bytes | None, environments: dict[str, bytes]
    ) -> Run | None:
        what = f"run {values['run_id']}"
        summary = self._record(values["summary"], Summary, what)
        run = None if document is None else self._record(document, Run, what)
        if summary is None and run is None:
            return None
        if document is None:
            self._done.damaged.append(f"{what}: only what a list shows of it is left")
        try:
            texts = {
                name: unescape(values[name])
                for name in (
                    *("run_id", "experiment", "name", "status_reason", "note", "notebook", "cell_id"),
                    *("parent_id", "session_id"),
                )
            }
            status = Status(values["status"])
            fields: dict[str, Any] = {
                **texts,
                "number": int(values["number"]),
                "status": status,
                "start_time": moment(values["start_time"]),
                "duration": values["duration"],
            }
        except (MlopsError, TypeError, ValueError, OverflowError, AttributeError) as error:
            self._done.damaged.append(f"{what}: {error}")
            return None
        if status is Status.RUNNING:  # nobody writes it any more
            fields |= {"status": Status.KILLED, "status_reason": "kernel_died"}
        if summary is not None:
            fields |= {"params": summary.params, "metrics": summary.metrics, "tags": summary.tags}
        around = environments.get(values["environment"] or "")
        if around is not None:
            fields["environment"] = self._record(around, Environment, f"the environment of {what}")
        return msgspec.structs.replace(run, **fields) if run is not None else Run(**fields)

    def _curves(self, run: Run, found: dict[str, list[Any]]) -> dict[str, Curve]:
        whole = {}
        for metric, chunks in found.items():
            chunks.sort(key=lambda chunk: chunk[0])
            rows = [_Chunk(*chunk[1:]) for chunk in chunks]
            name = unescape(metric)
            if [chunk[0] for chunk in chunks] != list(range(len(chunks))):
                self._done.damaged.append(f"the curve of {name!r} of run {run.run_id}")
                continue
            curve = self._save(partial(unpack_curve, rows, ""), f"the curve of {name!r} of run {run.run_id}")
            if curve is not None:
                whole[name] = curve
        self._done.damaged += [
            f"the curve of {name!r} of run {run.run_id}" for name in run.curves if name not in found
        ]
        return whole

    def _versions(self) -> None:
        for (document,) in self._rows("pipeline_versions", "document"):
            version = self._record(document, PipelineVersion, "a version")
            if version is not None and self._save(partial(self._target.add_version, version), "a version"):
                self._done.versions += 1
        # Of a table with a primary key of texts SQLite keeps row ids as well.
        for pipeline, alias, number in self._rows("aliases", "pipeline, alias, version"):
            what = f"the alias {alias} of {pipeline}"
            if self._save(partial(self._target.move_alias, pipeline, alias, number, reason="salvaged"), what):
                self._done.aliases += 1

    def _record(self, document: Any, kind: type[Any], what: str) -> Any:
        return self._save(lambda: decode(bytes(document), kind, what), what)

    def _save(self, act: Callable[[], Any], what: str) -> Any:
        """What `act` gives; None, and a line in `damaged`, where it fails."""
        try:
            return act() or True
        except (MlopsError, TypeError, ValueError) as error:
            self._done.damaged.append(f"{what}: {getattr(error, 'message', error)}")
            return None

    def _rows(self, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
        """All rows of a table that can be read."""
        query = f"SELECT {columns} FROM {table} WHERE rowid BETWEEN ? AND ?"  # noqa: S608 — our own words
        waiting = [(1, self._most)]
        lost = 0
        while waiting:
            first, last = waiting.pop()
            try:
                rows = self._connection.execute(query, (first, last)).fetchall()
            except Exception:  # noqa: BLE001 — whatever SQLite makes of damage
                if first == last:
                    lost += 1
                    continue
                middle = (first + last) // 2
                waiting += [(middle + 1, last), (first, middle)]
                continue
            yield from rows
        if lost:
            self._done.damaged.append(f"a part of the table {table}")


class _Chunk(msgspec.Struct):
    points: int
    count: int
    data: bytes
