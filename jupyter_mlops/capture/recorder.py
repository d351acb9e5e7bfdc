"""What happens around a tracked cell: begun before it, told while it compiles, ended after it.

`Recorder.begin` is called before a cell runs, `Recorder.rewrite` while IPython compiles it and
`Recorder.end` after it. The answer is a finished `Run`, its curves and the bytes of its artifacts;
where these go is not known here.

Under ``%track on`` a run begins with a cell that fits, and stays open: a later cell that scores what
it fitted adds its metrics, and its own execution, to that run until something is fitted anew.
"""

from __future__ import annotations

import ast
import contextlib
import os
import sys
import weakref
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import Curve, Execution, Failure, ParamValue, Run, RunWarning, Status, new_id

from . import loops, probes
from .code import code_hash, loadings
from .continuation import continued, retells
from .dataset import describe_dataset
from .draft import Blob, Drafter, Filled, Logged, Observation, describe_subject, message_of
from .environment import seeds_in
from .evaluation import prediction_of
from .instrument import instrument
from .ledger import Cell, Ledger, Outcome, Started
from .loops import Loop, LoopWatch
from .outputs import Output, OutputWatch
from .probes import Probe
from .secrets import Vault, redact
from .syntax import last_name
from .vocabulary import FITTING_CALLS, sounds_like_metric, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mlops.config import Mlops

    from .sites import Event


class Request(msgspec.Struct, kw_only=True):
    """What the user asked for on the marker line. `explicit` is False for cells under ``%track on``."""

    explicit: bool = True
    name: str = ""
    params: dict[str, ParamValue] = msgspec.field(default_factory=dict)
    note: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    hypothesis: str = ""
    baseline_id: str = ""
    warnings: list[RunWarning] = msgspec.field(default_factory=list)


class Recorded(msgspec.Struct, kw_only=True):
    """What is kept of one cell: always its execution, and a run if it is one."""

    execution: Execution
    run: Run | None = None
    children: list[Run] = msgspec.field(default_factory=list)
    curves: dict[str, Curve] = msgspec.field(default_factory=dict)
    blobs: list[Blob] = msgspec.field(default_factory=list)


class Open(msgspec.Struct, kw_only=True):
    """A tracked cell while it runs."""

    run_id: str
    request: Request
    probe: Probe
    watch: LoopWatch
    outputs: OutputWatch
    logged: Logged
    cpu: float
    memory: int
    clock: float


class Recorder:
    """Captures the cells of one kernel session.

    Args:
        namespace: The notebook's global namespace, live.
        is_hidden: Whether a name is the shell's own and not the notebook's.
        config: Budgets.
        notebook: Path of the notebook, or ``""`` if unknown.
        experiment: Experiment of the runs.
        on_progress: Called from the user's thread while a tracked cell loops for long.
    """

    def __init__(
        self,
        namespace: dict[str, Any],
        is_hidden: Callable[[str], bool],
        config: Mlops,
        *,
        notebook: str = "",
        experiment: str = "default",
        on_progress: Callable[[Loop, LoopWatch], None] | None = None,
        shell: Any = None,
        ignored_folders: tuple[str, ...] = (),
    ) -> None:
        self.config = config
        self.notebook = notebook
        self.experiment = experiment
        self.ledger = Ledger(
            namespace, is_hidden, byte_budget=config.fingerprint_bytes, ignored_folders=ignored_folders
        )
        self.open: Open | None = None
        self._namespace = namespace
        self._shell = shell
        #: Secrets by value, so that one that was seen is masked wherever it turns up later.
        self.vault = Vault()
        self._on_progress = on_progress
        self._drafter = Drafter(namespace, self.ledger, config, notebook)
        self._started: Started | None = None
        self._hashed: tuple[tuple[int, frozenset[str]], str] | None = None
        #: Runs of this session as they were saved, without cells, and the run each execution belongs to.
        self._saved: dict[str, Run] = {}
        self._run_of: dict[int, str] = {}
        #: Which run fitted an object last, by the object's id.
        self._makers: dict[int, tuple[weakref.ref[Any], str]] = {}

    # -- before ---------------------------------------------------------------------------------

    def begin(self, cell: Cell, request: Request | None) -> None:
        """A cell is about to run; `request` asks for a run."""
        self._started = self.ledger.begin(cell)
        if request is None:
            return
        # A line under a cell that turns out to be no run could be emptied, but never taken away.
        tells = self._on_progress if request.explicit or self.may_train() else None
        watch = LoopWatch(tells, after=self.config.progress_seconds)
        self.open = Open(
            run_id=new_id(),
            request=request,
            probe=Probe(watch.where, describe_subject),
            watch=watch,
            outputs=OutputWatch(self._shell, text_bytes=self.config.text_bytes),
            logged=Logged(),
            cpu=process_time(),
            memory=_peak_memory(),
            clock=perf_counter(),
        )
        probes.activate(self.open.probe)
        loops.activate(watch)
        self.open.outputs.start()

    def rewrite(self, tree: ast.Module) -> ast.Module:
        """Instrument the tree IPython is about to compile, if it is the started cell's."""
        started = self._started
        if started is None or started.cell.tree is None or not _alike(tree, started.cell.tree):
            return tree
        return instrument(tree, started.cell.code, started.order, tracked=self.open is not None)

    def pass_over(self) -> None:
        """The cell that runs is a command of ours and nothing else: what it opens is not the user's doing."""
        tree = self._started.cell.tree if self._started is not None else None
        if self._started is not None and tree is not None and len(tree.body) == 1:
            self._started.own = True

    def early_run(self) -> Run | None:
        """The run as far as it is known while its cell still runs."""
        if self.open is None or self._started is None:
            return None
        return self.vault.clean_record(self._base(self.open, self._started, Status.RUNNING))  # type: ignore[no-any-return]

    def may_train(self) -> bool:
        """Whether the cell that runs fits something, as far as its text tells."""
        tree = self._started.cell.tree if self._started is not None else None
        return tree is not None and any(_trains(node) for node in ast.walk(tree))

    # -- after ----------------------------------------------------------------------------------

    def end(
        self,
        error: BaseException | None,
        *,
        line: int | None = None,
        traceback: str = "",
        execution_count: int | None = None,
    ) -> Recorded | None:
        """The cell has ended, with `error` or without; `line` is where in the cell it was raised."""
        try:
            return self._captured(error, line, traceback, execution_count)
        finally:
            self.ledger.settled()

    def _captured(
        self, error: BaseException | None, line: int | None, traceback: str, execution_count: int | None
    ) -> Recorded | None:
        started, opened = self._started, self.open
        self._started = self.open = None
        probes.activate(None)
        loops.activate(None)
        if started is None:
            return None
        started.cell.execution_count = execution_count or started.cell.execution_count
        interrupted = isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError"
        status = "interrupted" if interrupted else "failed" if error is not None else "ok"
        completed = _completed(started.cell.tree, line) if error is not None else None
        outputs = opened.outputs.stop() if opened else []
        duration = perf_counter() - started.clock
        execution = self.ledger.end(started, Outcome(status=status, completed=completed))
        self._note_seeds(started)
        self._note_loaded(started, execution)
        execution = self._mask(started, execution)
        if opened is None or not (opened.request.explicit or _may_be_a_run(opened, execution)):
            return Recorded(execution=execution)
        base = msgspec.structs.replace(
            self._base(opened, started, _STATUS[status]),
            status_reason="interrupted" if interrupted else "",
            duration=duration,
            cpu_time=process_time() - opened.cpu,
            peak_memory=_peak_memory(),
            failure=_failure(error, line, traceback, self.config.text_bytes) if error is not None else None,
        )
        seen = Observation(
            started=started,
            execution=execution,
            probe=opened.probe,
            watch=opened.watch,
            logged=opened.logged,
            overrides=opened.request.params,
            text=next((out.data.decode(errors="replace") for out in outputs if out.kind == "text"), ""),
        )
        filled = self._drafter.fill(base, seen)
        run = self._as_asked(filled, opened, execution)
        if run is None:
            return Recorded(execution=execution)
        if filled.fits:
            self._remember_fitted(run.run_id, filled.fitted)
        execution = self.ledger.mark_tracked(execution)
        known = len(self.vault)
        run = self.vault.clean_record(run)
        children = [self.vault.clean_record(child) for child in filled.children]
        if len(self.vault) > known:  # the parameters have shown one more
            self.ledger.revise(self.vault.clean_record)
            execution = self.ledger.at(execution.order)
        return Recorded(
            execution=execution,
            run=msgspec.structs.replace(run, cells=tuple(self.ledger.executions)),
            children=children,
            curves=filled.curves,
            blobs=[*self._masked_outputs(outputs), *filled.blobs],
        )

    def _mask(self, started: Started, execution: Execution) -> Execution:
        """The execution without secrets; earlier ones too, where this cell has given one away."""
        known = len(self.vault)
        self.vault.learn(started.cell.source)
        self.vault.learn_environment(os.environ)
        self.vault.learn_names(execution.bound, self._namespace)
        everything = len(self.vault) > known
        self.ledger.revise(self.vault.clean_record, since=0 if everything else execution.order)
        return self.ledger.at(execution.order)

    def _masked_outputs(self, outputs: list[Output]) -> list[Blob]:
        """What the cell showed, without secrets; a picture that holds one is left out."""
        kept = []
        for output in outputs:
            data = self.vault.clean_bytes(output.data, output.media_type)
            if data is not None and len(data) <= self.config.artifact_bytes:
                kept.append(Blob(output.name, data, output.media_type, output.kind))
        return kept

    def saved(self, run: Run) -> None:
        """A run was stored: later cells may add to it."""
        self._saved[run.run_id] = msgspec.structs.replace(run, cells=())
        for order in run.orders:
            self._run_of[order] = run.run_id

    def _as_asked(self, filled: Filled, opened: Open, execution: Execution) -> Run | None:
        """The run a cell gives: always its own with a marker; else its own, a part of another, or none."""
        run = filled.run
        if opened.request.explicit:
            return run
        scores = any(event.site.kind == "call" for event in opened.probe.events)
        shows = any(sounds_like_metric(name) for name in run.metrics)
        if filled.fits:
            return run
        if not (run.metrics or (scores and run.failure)):
            return None
        earlier = self._scored(opened.probe.events, execution)
        # A bare number counts when it stands on a run: nobody else is known to have made it.
        if not (scores or shows or filled.own or earlier is not None):
            return None
        if earlier is None or retells(earlier, run, self.ledger.executions):
            return run
        run = msgspec.structs.replace(run, warnings=(*run.warnings, *self._changed_since(earlier)))
        run, names = continued(earlier, run, self.ledger.executions)
        filled.curves = {names.get(name, name): curve for name, curve in filled.curves.items()}
        return run

    def _scored(self, events: list[Event], execution: Execution) -> Run | None:
        """The run that fitted what this execution scores; None if there is none, or several.

        The very model tells best: a name or a shared part may have been fitted anew since. Where only
        its predictions are at hand, the cell that made them tells.
        """
        found: dict[str, None] = {}
        for event in events:
            if event.site.kind not in ("predict", "call"):
                continue
            run_id = self._fitted_by(event)
            name = prediction_of(event)
            # Predictions that this cell made are told by the model that made them.
            if run_id is None and event.site.kind == "call" and name not in execution.bound:
                made = self._binding_of(name, execution.order)
                run_id = self._newest_run(made, made) if made is not None else None
            if run_id is not None:
                found[run_id] = None
        if len(found) > 1:
            return None
        run_id = next(iter(found), None) or self._newest_run(execution.order, execution.order - 1)
        return self._saved[run_id] if run_id is not None else None

    def _changed_since(self, run: Run) -> list[RunWarning]:
        """Models of `run` that a cell of another run changed, as when two pipelines share a scaler."""
        found = []
        for model in run.models:
            for made in self.ledger.executions[model.order or 0 :]:
                if model.name in made.bound:
                    break
                if model.name in made.mutated and self._run_of.get(made.order, run.run_id) != run.run_id:
                    found.append(_refitted(model.name, made.execution_count or made.order))
                    break
        return found

    def _fitted_by(self, event: Event) -> str | None:
        """The saved run in which the event's model was fitted last."""
        for value in (event.receiver, *event.values.values(), *event.given.values()):
            known = self._makers.get(id(value))
            if known is not None and known[0]() is value and known[1] in self._saved:
                return known[1]
        return None

    def _binding_of(self, name: str, before: int) -> int | None:
        """The last execution before `before` that bound `name`."""
        if not name:
            return None
        return next(
            (
                made.order
                for made in reversed(self.ledger.executions)
                if made.order < before and name in made.bound
            ),
            None,
        )

    def _newest_run(self, order: int, latest: int) -> str | None:
        """The saved run that the execution at `order` stands on, of executions up to `latest`."""
        for made in reversed(self.ledger.lineage(order)):
            run_id = self._run_of.get(made.order)
            if made.order <= latest and run_id in self._saved:
                return run_id
        return None

    def _remember_fitted(self, run_id: str, fitted: list[Any]) -> None:
        for value in fitted:
            with contextlib.suppress(TypeError):  # what has no weak references is told by lineage alone
                self._makers[id(value)] = (weakref.ref(value), run_id)

    def _base(self, opened: Open, started: Started, status: Status) -> Run:
        cell, request = started.cell, opened.request
        code = redact(cell.code)
        return Run(
            run_id=opened.run_id,
            experiment=self.experiment,
            status=status,
            start_time=started.start_time,
            name=request.name,
            params=dict(request.params),
            tags=dict(request.tags),
            note=request.note,
            hypothesis=request.hypothesis,
            baseline_id=request.baseline_id,
            notebook=self.notebook,
            cell_id=cell.cell_id,
            source=redact(cell.source),
            code_hash=self._code_hash(started, code, frozenset(request.params)),
            session_id=self.ledger.session_id,
            orders=(started.order,),
            warnings=tuple(request.warnings),
        )

    def _code_hash(self, started: Started, code: str, overridden: frozenset[str]) -> str:
        """Asked as the cell begins and as it ends; what is overridden may have grown between."""
        key = (started.order, overridden)
        if self._hashed is None or self._hashed[0] != key:
            self._hashed = (key, code_hash(started.cell.tree, code, overridden))
        return self._hashed[1]

    def _note_seeds(self, started: Started) -> None:
        cell = started.cell
        if "seed" in cell.code or "random_state" in cell.code or "_rng" in cell.code:
            self._drafter.seeds[started.order] = seeds_in(cell.code)

    def _note_loaded(self, started: Started, execution: Execution) -> None:
        """Describe data the cell loaded from a file while it is still what the file holds."""
        if execution.status == "failed" or started.cell.tree is None or not execution.bound:
            return
        files = {use.path: use for use in execution.files if "r" in use.mode}
        for name, loader, location in loadings(started.cell.tree, self._namespace):
            if name not in execution.bound:
                continue
            described = describe_dataset(
                name,
                self._namespace.get(name),
                role="input",
                order=execution.order,
                fingerprint=self._drafter.fingerprint,
            )
            if described is None:
                continue
            use = files.get(os.path.abspath(location)) if location else None  # noqa: PTH100
            self._drafter.loaded.setdefault(execution.order, []).append(
                msgspec.structs.replace(
                    described, loader=loader, location=redact(location), file_hash=use.hash if use else ""
                )
            )


_STATUS = {"ok": Status.FINISHED, "failed": Status.FAILED, "interrupted": Status.KILLED}


def _alike(tree: ast.Module, expected: ast.Module) -> bool:
    return len(tree.body) == len(expected.body) and all(
        type(one) is type(other) and one.lineno == other.lineno and one.end_lineno == other.end_lineno
        for one, other in zip(tree.body, expected.body, strict=True)
    )


def _refitted(name: str, cell: int) -> RunWarning:
    return RunWarning(
        code="refitted_since",
        message=f"Cell [{cell}] changed `{name}` after this run had fitted it, and before it was scored.",
        hint="They share an object, such as a scaler: give each model one of its own.",
        names=(name,),
    )


def _trains(node: ast.AST) -> bool:
    """Whether a node is a call that fits something, or a loop that binds what sounds like a score."""
    if isinstance(node, ast.Call):
        function = node.func
        last = last_name(function)
        said = words(last)
        return (
            last in FITTING_CALLS
            or last == "backward"
            or (said[:1] in (("train",), ("fit",), ("cross",)) and "split" not in said)
        )
    return isinstance(node, (ast.For, ast.While)) and any(
        isinstance(found, ast.Name) and isinstance(found.ctx, ast.Store) and sounds_like_metric(found.id)
        for found in ast.walk(node)
    )


def _completed(tree: ast.Module | None, line: int | None) -> int | None:
    """How many top-level statements ended before the one that holds `line`."""
    if tree is None or line is None:
        return None
    return sum(1 for statement in tree.body if (statement.end_lineno or 0) < line)


def _may_be_a_run(opened: Open, execution: Execution) -> bool:
    return bool(opened.watch.loops or opened.probe.events or execution.bound)


def _failure(error: BaseException, line: int | None, traceback: str, text_bytes: int) -> Failure:
    return Failure(
        kind=type(error).__name__,
        message=redact(message_of(error)),
        line=line,
        traceback=redact(traceback)[-text_bytes:],
    )


def _peak_memory() -> int:
    """The process's highest resident memory so far, in bytes."""
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
