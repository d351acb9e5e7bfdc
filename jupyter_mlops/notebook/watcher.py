"""Before and after a cell: what IPython tells us, turned into runs in the store.

Nothing here may change a cell. Every callback is wrapped, a fault of ours becomes one line in the
log and, where there is a run, one warning on it; what could not be written is kept and written
with the next run.
"""

from __future__ import annotations

import logging
import os
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.errors import MlopsError, UsageError
from jupyter_mlops.records import Status, now

from .cells import executed_code, heading_of
from .heart import Heart
from .interrupts import undisturbed
from .magics import Marker, doubtful, late_bindings, read_marker

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mlops.capture.recorder import Recorded, Recorder
    from jupyter_mlops.config import Mlops
    from jupyter_mlops.records import Curve, MetricValue, Run
    from jupyter_mlops.store import Keeper, Store, Waiting

log = logging.getLogger("jupyter_mlops")
# Without a handler of the user's, Python would write our log into the output of their cell.
log.addHandler(logging.NullHandler())

#: Seconds by which the line of a cell that nothing tells of comes after the line of one with a loop.
_LOOPS_FIRST = 0.5


class Watcher:
    """Watches one shell.

    Args:
        shell: The shell to watch.
        config: Settings.
        store: Opens the store when it is first needed, and gives the same one afterwards.
        store_url: Where it is, for what has to wait for it.
        show: Called with a finished, saved run to show its card.
        tell: Called from another thread with the seconds a cell has run, while nothing else tells of it.
        drop: Called when a cell that may have told of itself was no run.
        curves: Called from another thread for what the cell that began then has told so far.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        config: Mlops,
        recorder: Recorder,
        store: Callable[[], Store],
        store_url: str,
        show: Callable[[Run, Mapping[str, Any]], None],
        tell: Callable[[float], None] | None = None,
        drop: Callable[[], None] = lambda: None,
        curves: Callable[[float], Mapping[str, Curve]] = lambda since: {},
    ) -> None:
        self.shell = shell
        self.config = config
        self.recorder = recorder
        self.track_every = False
        self.last_run_id: str | None = None
        self._store_url = store_url
        self._keeper: Keeper | None = None
        self._making_keeper = threading.Lock()
        self._store = store
        self._show = show
        self._drop = drop
        self._heart = Heart(
            store,
            early=config.early_row_seconds,
            lease=config.lease_seconds,
            tell=tell,
            # A loop that takes steps tells more than a clock does: it goes first.
            after=config.progress_seconds + _LOOPS_FIRST,
            curves=curves,
        )
        self._stored_cells = 0
        self._depth = 0
        self._count = -1
        self._thread = threading.get_ident()
        self._active = False
        self._process = os.getpid()
        self._told_about_store = False
        self._told_faults: set[str] = set()

    # -- IPython's events -----------------------------------------------------------------------

    def pre_run_cell(self, info: Any) -> None:
        """A cell is about to run; nested ones (a magic that runs its body) are part of theirs."""
        undisturbed(self._enter, info, deliver=True)

    def post_run_cell(self, result: Any) -> None:
        """A cell has ended."""
        undisturbed(self._leave, result, deliver=False)

    def visit(self, tree: ast.Module) -> ast.Module:
        """IPython's hook for syntax trees: add the probes."""
        return undisturbed(self._rewrite, tree, deliver=True)

    def close(self) -> None:
        """Stop the background threads."""
        self._heart.close()
        if self._keeper is not None:
            self._keeper.close()

    # -- one cell -------------------------------------------------------------------------------

    def _enter(self, info: Any) -> None:
        if self._foreign():
            return
        count = self.shell.execution_count
        if self._depth and info.store_history and count != self._count:
            self._depth = 0  # the end of the cell before was never heard of
        self._depth += 1
        if self._depth > 1 or info.silent or not info.store_history:
            return
        self._count = count
        try:
            if self._active:
                self._abandon()
            self._begin(info)
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            self._report(fault)

    def _leave(self, result: Any) -> None:
        if self._foreign() or self._depth == 0:
            return
        self._depth -= 1
        if self._depth or not self._active:
            return
        self._active = False
        try:
            self._end(result)
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            self._report(fault)

    def _rewrite(self, tree: ast.Module) -> ast.Module:
        if not self._active or self._foreign():
            return tree
        try:
            return self.recorder.rewrite(tree)
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            self._report(fault)
            return tree

    def _begin(self, info: Any) -> None:
        from jupyter_mlops.capture.ledger import Cell
        from jupyter_mlops.capture.recorder import Request

        raw = info.raw_cell
        transformed = getattr(info, "transformed_cell", None) or self.shell.transform_cell(raw)
        marker = read_marker(raw)
        for problem in (*marker.problems, *doubtful(raw)) if marker else ():
            self.say(problem)
        for key, value in late_bindings(raw).items():
            self.shell.user_ns[key] = value
        cell = Cell(
            source=raw,
            code=executed_code(transformed, self.shell.transform_cell),
            execution_count=self.shell.execution_count,
            cell_id=getattr(info, "cell_id", None) or "",
            scratch=marker is not None and marker.kind == "scratch",
            heading=heading_of(raw),
        )
        request = None
        if marker is not None and marker.kind == "track":
            request = self._request(marker)
        elif self.track_every and marker is None:
            request = Request(explicit=False)
        self._active = True
        self.recorder.begin(cell, request)
        if request is not None and (request.explicit or self.recorder.may_train()):
            self._heart.start(self.recorder.early_run)

    def _abandon(self) -> None:
        """End the cell before, of whose end IPython never told: an interrupt met it between two lines."""
        self._active = False
        begun = self._heart.stop()
        if begun is not None:
            lived = (now() - begun.start_time).total_seconds()
            killed = {"status": Status.KILLED, "status_reason": "interrupted", "duration": max(0.0, lived)}
            from jupyter_mlops.store import Waiting

            self.keeper.save(Waiting(msgspec.structs.replace(begun, **killed)))

    def _request(self, marker: Marker) -> Any:
        from jupyter_mlops.capture.recorder import Request

        request = Request(
            name=marker.name,
            params=dict(marker.params),
            note=marker.note,
            tags=dict(marker.tags),
            hypothesis=marker.hypothesis,
        )
        if marker.baseline:
            try:
                request.baseline_id = self._store().resolve(
                    marker.baseline, experiment=self.recorder.experiment
                )
            except MlopsError as error:
                self.say(UsageError(f"--baseline {marker.baseline}: {error.message}", error.hint))
        return request

    def _end(self, result: Any) -> None:
        begun = self._heart.stop()
        # Met by an interrupt between two lines of its own, IPython has no result to tell of.
        lost = result is None
        error = KeyboardInterrupt() if lost else result.error_in_exec or result.error_before_exec
        line, text = _raised_at(error, self.shell) if error is not None else (None, "")
        # Known only now: IPython has counted the cell before or after `pre_run_cell`, as its version wants.
        count = None if lost else result.execution_count
        recorded = self.recorder.end(error, line=line, traceback=text, execution_count=count)
        run = recorded.run if recorded is not None else None
        if begun is not None and (run is None or run.run_id != begun.run_id):
            # An unmarked cell that is no run of its own after all.
            try:
                self._store().discard_run(begun.run_id)
            except MlopsError as fault:
                log.warning("%s", fault)
        if recorded is None or run is None:
            self._drop()
            return
        if begun is not None and run.run_id == begun.run_id:
            run = msgspec.structs.replace(run, number=begun.number, name=run.name or begun.name)
        self.save(msgspec.structs.replace(recorded, run=run))

    # -- the store ------------------------------------------------------------------------------

    @property
    def keeper(self) -> Keeper:
        """Saves the runs; made when it is first needed, since that imports SQLAlchemy."""
        from jupyter_mlops.store import Keeper

        with self._making_keeper:
            if self._keeper is None:
                self._keeper = Keeper(self._store, self._store_url, self.config.home())
            return self._keeper

    def write_what_waits(self) -> None:
        """Write, in the background, what earlier kernels could not."""
        self.keeper.begin()

    def save(self, recorded: Recorded) -> Run | None:
        """Write a run and show its card. What can't be written waits on disk; see `Keeper`."""
        run = recorded.run
        if run is None:
            return None
        try:
            saved = self.keeper.save(self._waiting(recorded, run))
        except Exception as error:  # noqa: BLE001 — whatever went wrong, it is told and the cell goes on
            if isinstance(error, MlopsError):
                self.say(error)
            else:
                self._report(error)
        else:
            self._stored_cells = max(self._stored_cells, len(run.cells))
            run = msgspec.structs.replace(saved, cells=run.cells)
            self.last_run_id = run.run_id
            self._told_about_store = False
        # Later cells add to it also while it waits.
        self.recorder.saved(run)
        if self.config.card:
            self._show(run, recorded.curves)
        return run

    def _waiting(self, recorded: Recorded, run: Run) -> Waiting:
        """What is to be saved of a cell."""
        from jupyter_mlops.capture.draft import model_path
        from jupyter_mlops.store import Bytes, Waiting

        models = {model_path(model.name, model.format): model.name for model in run.models}
        files = [
            Bytes(blob.path, blob.data, blob.media_type, blob.kind, models.get(blob.path, ""))
            for blob in recorded.blobs
        ]
        # The store knows the session's earlier executions from the run before.
        run = msgspec.structs.replace(run, cells=run.cells[self._stored_cells :])
        return Waiting(run, recorded.curves, files, recorded.children)

    # -- telling --------------------------------------------------------------------------------

    def own_command(self) -> None:
        """The cell is one of our commands: what it opens and touches is not the user's doing."""
        self.recorder.pass_over()

    def say(self, error: MlopsError, more: str = "") -> None:
        """One line under the cell: what is wrong and what to do."""
        if isinstance(error, UsageError) or not self._told_about_store:
            self._told_about_store = self._told_about_store or not isinstance(error, UsageError)
            print(f"jupyter_mlops: {error} {more}".rstrip())
        log.warning("%s", error)

    def _report(self, fault: BaseException) -> None:
        """Our own fault: the whole of it to the log, one line to the user, the first time it happens."""
        log.error("a cell could not be captured", exc_info=fault)
        from jupyter_mlops.capture.draft import capture_fault

        try:
            message = capture_fault(fault).message
        except Exception:  # noqa: BLE001 — telling of a fault must not become one
            message = f"A part of this run is missing: {type(fault).__name__}."
        if message not in self._told_faults:
            self._told_faults.add(message)
            print(f"jupyter_mlops: {message} The cell itself ran as if untracked.")

    def _foreign(self) -> bool:
        """Whether this is a fork of the kernel, or a thread of its that runs cells beside the main one."""
        return self._process != os.getpid() or self._thread != threading.get_ident()


def _raised_at(error: BaseException, shell: InteractiveShell) -> tuple[int | None, str]:
    """The line of the cell an exception passed through last, and its traceback as text."""
    line = None
    if isinstance(error, SyntaxError) and error.__traceback__ is None:
        return error.lineno, "".join(traceback.format_exception_only(error))
    files = getattr(shell.compile, "_filename_map", {})
    step = error.__traceback__
    while step is not None:
        filename = step.tb_frame.f_code.co_filename
        cell = filename in files or filename.startswith("<ipython-input") or filename == "<timed exec>"
        name = step.tb_frame.f_code.co_name
        if cell and (name == "<module>" or name.startswith("<cell line")):
            line = step.tb_lineno
        step = step.tb_next
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 — a user's exception may not be printable
        text = type(error).__name__
    return line, text


def best_values(
    store: Store, run: Run, direction: Callable[[str], bool | None], *, most: int = 8
) -> dict[str, MetricValue]:
    """The best value earlier runs of the experiment reached, for metrics whose direction is known."""
    higher: dict[str, bool] = {}
    for name in list(run.metrics)[:most]:
        detail = run.metric_details.get(name)
        known = detail.higher_is_better if detail is not None else None
        known = direction(name) if known is None else known
        if known is not None:
            higher[name] = known
    return dict(store.best_values(run.experiment, higher, before=run.run_id)) if higher else {}


def notebook_path() -> str:
    """The notebook's path as the server or VS Code told the kernel, else ``""``."""
    named = os.environ.get("JPY_SESSION_NAME", "")
    return named if Path(named).suffix == ".ipynb" else ""
