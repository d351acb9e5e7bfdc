"""Every executed cell, tracked or not: what it read, bound and changed.

The namespace is compared before and after the cell, but only the names the cell can have touched:
those its syntax uses, those live functions reach from there, and after a change every other name
whose object shares memory with a changed one. So an untouched frame of any size costs nothing.
"""

from __future__ import annotations

import ast
from time import perf_counter
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Execution, FileUse, new_id, now

from .ambient import Snapshot, ambient_use, snapshot, static_use
from .annotations import annotation_of
from .files import FileWatch, file_hash, is_users, named_files, stamp_of
from .fingerprint import fingerprint, fingerprint_columns, is_foreign, reachable_ids
from .modules import ModuleWatch
from .names import CellNames, cell_names, live_use
from .parameters import EarlierLiteral
from .secrets import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

_ALIASES_OF = 400
#: Files that are watched after a cell wrote them.
_FILES = 200
#: How calls begin that leave a file.
_SAVING = ("to_", "save", "dump", "write")


class Cell(msgspec.Struct, kw_only=True):
    """A cell about to run. `code` is the Python that runs, `source` what the user wrote."""

    source: str
    code: str
    execution_count: int | None = None
    cell_id: str = ""
    scratch: bool = False
    heading: str = ""
    tree: ast.Module | None = None
    names: CellNames = CellNames()


class Started(msgspec.Struct, kw_only=True):
    """What stood before the cell ran."""

    cell: Cell
    order: int
    start_time: datetime
    clock: float
    watched: set[str]
    ids: dict[str, int]
    fingerprints: dict[str, str]
    ambient: Snapshot
    files: FileWatch
    own: bool = False


#: Seconds that reading the values of one cell may take before the rest is read in part, and the bytes then
#: read of each.
_PATIENCE = 1.0
_HURRIED = 10_000_000


class Outcome(msgspec.Struct, kw_only=True):
    """How a cell ended: ``ok``, ``failed`` or ``interrupted``, and how many statements it completed."""

    status: str = "ok"
    completed: int | None = None
    tracked: bool = False


class Ledger:
    """The executions of one kernel session, oldest first.

    Args:
        namespace: The notebook's global namespace, live.
        is_hidden: Whether a name is the shell's own (``In``, ``_``) and not the notebook's.
        byte_budget: Objects larger than this are fingerprinted from a sample.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        is_hidden: Callable[[str], bool],
        *,
        session_id: str | None = None,
        byte_budget: int = 2_000_000_000,
        ignored_folders: Iterable[str] = (),
    ) -> None:
        self.namespace = namespace
        self.session_id = session_id or new_id()
        self.executions: list[Execution] = []
        self.names: dict[int, CellNames] = {}
        self.literals: dict[str, EarlierLiteral] = {}
        self.is_hidden = is_hidden
        self._byte_budget = byte_budget
        self._ignored = tuple(ignored_folders)
        self._known: dict[str, tuple[int, str]] = {}
        #: Values whose fingerprints were asked for since the cell ended, by their ids; None while one runs.
        self._asked: dict[int, tuple[Any, str, tuple[bytes, ...]]] | None = None
        #: Names whose values (by id) are read in part, since their cell bound more than can be read in time.
        self._hurried: dict[str, int] = {}
        self._orders = 0
        self._modules = ModuleWatch(fingerprint, is_users)
        #: Files that cells wrote or hold open, as they stood when the last cell ended.
        self._files: dict[str, tuple[int, int] | None] = {}
        #: Hidden names of the shell's; such a one stays hidden, unlike one that merely is the shell's now.
        self._underscored: set[str] = set()

    def remember(self, source: str, code: str, execution_count: int | None) -> None:
        """Add a cell that ran before we watched: its names are known from its syntax alone."""
        names = cell_names(code)
        order = self._next_order()
        reads, writes = static_use(names)
        saves = any(call.rpartition(".")[2].startswith(_SAVING) for call in names.calls) or not (
            {"w", "wb", "a", "ab", "x"}.isdisjoint(names.strings)
        )
        self._keep(
            Execution(
                execution_id=new_id(),
                session_id=self.session_id,
                order=order,
                source=redact(source),
                code=redact(code),
                execution_count=execution_count,
                from_history=True,
                reads=_sorted(names.reads),
                bound=_sorted(names.bound),
                mutated=_sorted(names.touched - names.unconditional),
                deleted=_sorted(names.deleted),
                ambient_reads=_sorted(reads),
                ambient_writes=_sorted(writes),
                files=named_files(names.strings, writes=saves),
            ),
            names,
        )

    def begin(self, cell: Cell) -> Started:
        """Look at what the cell may touch, before it runs."""
        self._asked = None
        try:
            cell.tree = ast.parse(cell.code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            cell.tree = None
        cell.names = cell_names(cell.code, cell.tree) if cell.tree else CellNames(syntax_error=True)
        used = cell.names.reads | cell.names.touched | cell.names.bound | cell.names.deleted
        used = used.union(*live_use(used, self.namespace))
        if cell.names.dynamic:
            used = frozenset(self.namespace)
        watched = {name for name in used if name in self.namespace and not self.is_hidden(name)}
        files = FileWatch(ignored=self._ignored)
        sets = self._modules.begin(cell.tree)
        started = Started(
            cell=cell,
            order=self._next_order(),
            start_time=now(),
            clock=perf_counter(),
            watched=watched,
            ids={name: id(self.namespace[name]) for name in self._visible()},
            fingerprints={name: self._before(name) for name in watched},
            ambient=snapshot(appearance=sets),
            files=files,
        )
        files.start()
        return started

    def end(self, started: Started, outcome: Outcome) -> Execution:
        """Compare with what stands now, and remember the execution."""
        duration = perf_counter() - started.clock
        self._asked = {}
        files = self._files_of(started)
        space, ids, cell, names = self.namespace, started.ids, started.cell, started.cell.names
        current = self._visible()
        rebound = {name for name in current if ids.get(name) != id(space[name])}
        watched = {name for name in (started.watched | names.bound | rebound) if name in space}
        after = self._after({name for name in watched if not self.is_hidden(name)})
        bound = set(rebound)
        if outcome.status == "ok":
            bound |= names.unconditional & current
            changed = {
                name
                for name in names.bound - bound
                if after.get(name) != started.fingerprints.get(name) and name in current
            }
            bound |= changed
        mutated = {
            name
            for name in started.watched - bound
            if name in after and after[name] and after[name] != started.fingerprints.get(name)
        }
        opaque = {
            name
            for name in started.watched
            if not after.get(name, "-") and not issubclass(type(space.get(name)), (ModuleType, type))
        }
        mutated |= self._aliases(
            mutated | (bound & started.watched & names.touched), current - bound - mutated, after
        )
        # A generator that is advanced under one name is advanced under all.
        advanced = {name for name in opaque if not is_foreign(space[name])}
        opaque |= self._aliases(advanced, current - bound - mutated - opaque, after)
        for name, value in after.items():
            self._known[name] = (id(space[name]), value)
        current_state = snapshot(appearance="options:display" in started.ambient)
        reads, writes = ambient_use(names, started.ambient, current_state, space)
        used = started.watched | names.reads | names.loads
        inside, patched = self._modules.end(used, names.modules, space, writes)
        reads |= inside | {f"folder:{path}" for path in started.files.listed}
        writes = (writes | patched) - {"options:display"}  # how things look changes no number
        if started.own:
            files, reads, writes, mutated, opaque = [], frozenset(), frozenset(), set(), set()
        deleted = {name for name in ids if name not in space}
        execution = Execution(
            execution_id=new_id(),
            session_id=self.session_id,
            order=started.order,
            source="" if cell.scratch else redact(cell.source),
            code="" if cell.scratch else redact(cell.code),
            execution_count=cell.execution_count,
            cell_id=cell.cell_id,
            start_time=started.start_time,
            duration=duration,
            status=outcome.status,
            completed=outcome.completed,
            tracked=outcome.tracked,
            scratch=cell.scratch,
            reads=_sorted(started.watched & (names.reads | (started.watched - names.bound))),
            bound=_sorted(bound),
            mutated=_sorted(mutated),
            opaque=_sorted(opaque),
            deleted=_sorted(deleted),
            ambient_reads=_sorted(reads | {"cwd"} if started.files.relative else reads),
            ambient_writes=_sorted(writes),
            files=tuple(files),
            fingerprints=after,
            heading=cell.heading,
            types=self._types(bound),
        )
        self._keep(execution, names)
        return execution

    def revise(self, change: Callable[[Execution], Execution], *, since: int = 0) -> None:
        """Put what `change` makes of each execution from `since` on (by order) in its place."""
        for position in range(len(self.executions) - 1, -1, -1):
            if self.executions[position].order < since:
                break
            self.executions[position] = change(self.executions[position])

    def at(self, order: int) -> Execution:
        """The execution of that order, as it is now."""
        return next(made for made in reversed(self.executions) if made.order == order)

    def mark_tracked(self, execution: Execution) -> Execution:
        """Note that an execution turned out to be a run; gives it as it is now."""
        marked = msgspec.structs.replace(execution, tracked=True)
        position = next(
            index
            for index in range(len(self.executions) - 1, -1, -1)
            if self.executions[index].execution_id == execution.execution_id
        )
        self.executions[position] = marked
        return marked

    def lineage(self, order: int) -> list[Execution]:
        """The executions the one at `order` stands on (itself included), oldest first.

        Walks back over reads, bindings and changes; this is for parameters, data and verdicts.
        What an export keeps is decided by `export.slicing`.
        """
        needed: set[str] = set()
        kept: list[Execution] = []
        for execution in reversed(self.executions):
            if execution.order > order:
                continue
            if not needed and execution.order < order:
                break
            if (
                execution.order == order
                or not needed.isdisjoint(execution.bound)
                or not needed.isdisjoint(execution.mutated)
            ):
                needed -= set(execution.bound) - set(execution.reads)
                needed |= set(execution.reads)
                kept.append(execution)
        return kept[::-1]

    def _keep(self, execution: Execution, names: CellNames) -> None:
        self.executions.append(execution)
        self.names[execution.order] = names
        for name in (*execution.bound, *execution.deleted):
            self.literals.pop(name, None)
        if execution.status == "ok" and not execution.scratch:
            for name, literal in names.literals.items():
                if name not in names.reassigned:
                    self.literals[name] = EarlierLiteral(literal, execution.order)

    def _files_of(self, started: Started) -> list[FileUse]:
        """The files a cell used: those it opened, and those that cells before it did and that it changed."""
        watch = started.files
        files = []
        for use in watch.stop(started.cell.names.strings):
            if use.path.endswith(":memory:"):
                continue
            changed = use.path in watch.named and use.mode == "w" and use.path in self._files
            files.append(msgspec.structs.replace(use, mode="rw") if changed else use)
        seen = {use.path for use in files}
        for path, stamp in list(self._files.items()):
            now_is = stamp_of(path)
            if path not in seen and now_is != stamp:
                files.append(FileUse(path=path, mode="rw", hash=file_hash(path), size=(now_is or (0, 0))[0]))
        for path in (*watch.opened_to_change, *(use.path for use in files if use.writes)):
            if path in self._files or len(self._files) < _FILES:
                self._files[path] = stamp_of(path)
        return files

    def _next_order(self) -> int:
        self._orders += 1
        return self._orders

    def _visible(self) -> set[str]:
        """The notebook's own names, at no cost for what the shell keeps of every cell (``_i12``, ``_12``)."""
        names = self.namespace.keys() - self._underscored
        hidden = {name for name in names if self.is_hidden(name)}
        self._underscored.update(name for name in hidden if name.startswith("_"))
        return names - hidden

    def _before(self, name: str) -> str:
        value = self.namespace[name]
        known = self._known.get(name)
        if known is not None and known[0] == id(value):
            return known[1]
        return self.fingerprint(value)

    def _after(self, names: set[str]) -> dict[str, str]:
        """The fingerprints of names now. Once they have taken `_PATIENCE`, what is new is read in part.

        A value that was read in part is read so again, so that the two can be compared.
        """
        begin = perf_counter()
        after: dict[str, str] = {}
        for name in names:
            value = self.namespace[name]
            known = self._known.get(name)
            if known is None or known[0] != id(value):
                self._hurried.pop(name, None)
                if perf_counter() - begin > _PATIENCE:
                    self._hurried[name] = id(value)
            after[name] = self.fingerprint(value, hurried=self._hurried.get(name) == id(value))
        return after

    def _types(self, names: Iterable[str]) -> dict[str, str]:
        """What annotations can say of names, as far as they can."""
        found = {name: annotation_of(self.namespace[name]) for name in names if name in self.namespace}
        return {name: text for name, text in sorted(found.items()) if text}

    def fingerprint(self, value: Any, *, hurried: bool = False) -> str:
        """The fingerprint of a value, within the configured budget.

        Between the end of a cell and the beginning of the next no value changes: what is asked for again is
        not read again. `hurried` reads only a part, and the fingerprint says so.
        """
        budget = min(self._byte_budget, _HURRIED) if hurried else self._byte_budget
        if self._asked is None:
            return fingerprint(value, byte_budget=budget)
        known = self._asked.get(id(value))
        if known is None:
            known = self._asked[id(value)] = value, *fingerprint_columns(value, byte_budget=budget)
        return known[1]

    def known(self, value: Any) -> str:
        """The fingerprint of a value if it was asked for since the cell ended, else ``""``."""
        known = (self._asked or {}).get(id(value))
        return known[1] if known is not None else ""

    def columns(self, value: Any) -> tuple[bytes, ...]:
        """The fingerprints of a table's columns, if the cell has just ended and the table was read whole."""
        known = (self._asked or {}).get(id(value))
        return known[2] if known is not None else ()

    def settled(self) -> None:
        """All is asked that is to be known of the cell that has ended: its values are let go."""
        self._asked = None

    def _aliases(self, changed: set[str], others: Iterable[str], after: dict[str, str]) -> set[str]:
        """Names of `others` whose objects share memory with a changed one and changed with it."""
        if not changed:
            return set()
        shared: set[int] = set()
        for name in changed:
            shared |= reachable_ids(self.namespace[name])
        found: set[str] = set()
        for name in list(others)[:_ALIASES_OF]:
            value = self.namespace[name]
            if id(type(value)) in _NEVER_SHARED or name in changed:
                continue
            if id(value) in shared or shared & reachable_ids(value):
                current = self.fingerprint(value)
                known = self._known.get(name)
                if known is None or not current or known[1] != current:
                    found.add(name)
                    after[name] = current
        return found


#: Types by identity: hashing a foreign type may run its metaclass.
_NEVER_SHARED = frozenset(map(id, (int, float, bool, str, bytes, type(None), complex, ModuleType)))


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))
