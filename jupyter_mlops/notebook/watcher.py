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
from jupyter_mlops.records import Artifact, MetricValue, Run, RunWarning

from .cells import executed_code, heading_of
from .heart import Heart
from .magics import Marker, doubtful, late_bindings, read_marker

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_mlops.capture.recorder import Recorded, Recorder
    from jupyter_mlops.config import Mlops
    from jupyter_mlops.store import Store

log = logging.getLogger("jupyter_mlops")
# Without a handler of the user's, Python would write our log into the output of their cell.
log.addHandler(logging.NullHandler())


class Watcher:
    """Watches one shell.

    Args:
        shell: The shell to watch.
        config: Settings.
        store: Opens the store when it is first needed, and gives the same one afterwards.
        show: Called with a finished, saved run to show its card.
    """

    def __init__(
        self,
        shell: InteractiveShell,
        config: Mlops,
        recorder: Recorder,
        store: Callable[[], Store],
        show: Callable[[Run, Mapping[str, Any]], None],
    ) -> None:
        self.shell = shell
        self.config = config
        self.recorder = recorder
        self.track_every = False
        self.last_run_id: str | None = None
        self.unsaved: list[Recorded] = []
        self._store = store
        self._show = show
        self._heart = Heart(store, early=config.early_row_seconds, lease=config.lease_seconds)
        self._stored_cells = 0
        self._depth = 0
        self._thread = threading.get_ident()
        self._active = False
        self._process = os.getpid()
        self._told_about_store = False
        self._told_faults: set[str] = set()

    # -- IPython's events -----------------------------------------------------------------------

    def pre_run_cell(self, info: Any) -> None:
        """A cell is about to run; nested ones (a magic that runs its body) are part of theirs."""
        if self._foreign():
            return
        self._depth += 1
        if self._depth > 1 or info.silent or not info.store_history:
            return
        try:
            self._begin(info)
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            self._report(fault)

    def post_run_cell(self, result: Any) -> None:
        """A cell has ended."""
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

    def visit(self, tree: ast.Module) -> ast.Module:
        """IPython's hook for syntax trees: add the probes."""
        if not self._active or self._foreign():
            return tree
        try:
            return self.recorder.rewrite(tree)
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            self._report(fault)
            return tree

    def close(self) -> None:
        """Stop the background thread."""
        self._heart.close()

    # -- one cell -------------------------------------------------------------------------------

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
        if request is not None:
            early = self.recorder.early_run()
            if early is not None and request.explicit:
                self._heart.start(early)

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
        error = result.error_in_exec or result.error_before_exec
        line, text = _raised_at(error, self.shell) if error is not None else (None, "")
        begun = self._heart.stop()
        # Known only now: IPython has counted the cell before or after `pre_run_cell`, as its version wants.
        recorded = self.recorder.end(error, line=line, traceback=text, execution_count=result.execution_count)
        if recorded is None or recorded.run is None:
            return
        run = recorded.run
        if begun is not None:
            run = msgspec.structs.replace(run, number=begun.number, name=run.name or begun.name)
        self.save(msgspec.structs.replace(recorded, run=run))

    # -- the store ------------------------------------------------------------------------------

    def save(self, recorded: Recorded) -> Run | None:
        """Write a run and show its card. What can't be written is kept for the next time."""
        run = recorded.run
        if run is None:
            return None
        try:
            self._write_waiting()
            run = self._write(recorded)
        except Exception as error:  # noqa: BLE001 — whatever went wrong, the run must not be lost
            self.unsaved.append(recorded)
            if isinstance(error, MlopsError):
                waiting = len(self.unsaved)
                self.say(error, f"{waiting} run(s) wait in this kernel and are written with the next one.")
            else:
                self._report(error)
        else:
            self.last_run_id = run.run_id
            self._told_about_store = False
        if self.config.card:
            self._show(run, recorded.curves)
        return run

    def _write_waiting(self) -> None:
        """Write what could not be written before; what can never be stored is told of and dropped."""
        while self.unsaved:
            try:
                self._write(self.unsaved[0])
            except UsageError as error:
                self.say(error)
            del self.unsaved[0]

    def _write(self, recorded: Recorded) -> Run:
        """Store a run with its artifacts; gives it back with its number."""
        store = self._store()
        assert recorded.run is not None  # noqa: S101 — only runs are written
        run = self._keep_blobs(store, recorded, recorded.run)
        # The store knows the session's earlier executions from the run before.
        cells = run.cells
        saved = store.save_run(
            msgspec.structs.replace(run, cells=cells[self._stored_cells :]), curves=recorded.curves
        )
        self._stored_cells = max(self._stored_cells, len(cells))
        run = msgspec.structs.replace(saved, cells=cells)
        self.recorder.saved(run)
        return run

    def _keep_blobs(self, store: Store, recorded: Recorded, run: Run) -> Run:
        from jupyter_mlops.capture.draft import model_path

        artifacts, problems = [], []
        digests: dict[str, str] = {}
        for blob in recorded.blobs:
            try:
                digest = store.put_artifact(blob.data)
            except MlopsError as error:
                problems.append(
                    RunWarning(
                        code="artifact_lost",
                        message=f"{blob.path} was not kept: {error.message}",
                        hint=error.hint,
                    )
                )
                continue
            digests[blob.path] = digest
            artifacts.append(
                Artifact(
                    path=blob.path,
                    digest=digest,
                    size=len(blob.data),
                    media_type=blob.media_type,
                    kind=blob.kind,
                )
            )
        models = tuple(
            msgspec.structs.replace(
                model, digest=digests.get(model_path(model.name, model.format), model.digest)
            )
            for model in run.models
        )
        named = {artifact.path: artifact for artifact in (*run.artifacts, *artifacts)}
        return msgspec.structs.replace(
            run, artifacts=tuple(named.values()), models=models, warnings=(*run.warnings, *problems)
        )

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

        message = capture_fault(fault).message
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
    best: dict[str, MetricValue] = {}
    for name in list(run.metrics)[:most]:
        detail = run.metric_details.get(name)
        higher = (
            detail.higher_is_better if detail and detail.higher_is_better is not None else direction(name)
        )
        if higher is None:
            continue
        value = store.best_value(run.experiment, name, higher_is_better=higher, before=run.run_id)
        if value is not None:
            best[name] = value
    return best


def notebook_path() -> str:
    """The notebook's path as the server or VS Code told the kernel, else ``""``."""
    named = os.environ.get("JPY_SESSION_NAME", "")
    return named if Path(named).suffix == ".ipynb" else ""
