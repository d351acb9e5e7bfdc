"""The order in which a tracked cell is captured: the one place that knows the rooms beside it.

`Recorder.begin` is called before a cell runs, `Recorder.rewrite` while IPython compiles it and
`Recorder.end` after it. The answer is a finished `Run` without number, its curves and the bytes of
its artifacts; where these go is not known here.
"""

from __future__ import annotations

import ast
import os
import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import (
    Curve,
    Dataset,
    Environment,
    Execution,
    Failure,
    MetricDetail,
    MetricValue,
    Model,
    ParamDetail,
    ParamValue,
    Run,
    RunWarning,
    Severity,
    Status,
    new_id,
)

from . import loops, probes
from .code import code_hash, loading, role_of
from .dataset import describe_dataset
from .doubts import find_doubts
from .environment import describe_environment, seeds_in
from .fingerprint import fingerprint
from .instrument import instrument
from .ledger import Cell, Ledger, Outcome, Started
from .loops import Loop, LoopWatch, series_of, thin
from .metrics import Observed, find_metrics, prediction_of
from .models import describe_model, final_step, fitted_scores, serialize_model
from .numbers import to_float
from .outputs import OutputWatch
from .parameters import Estimator, find_params
from .probes import Probe
from .secrets import redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mlops.config import Mlops

    from .sites import Event
from .vocabulary import sounds_like_metric

_DATASETS = 40


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


class Blob(msgspec.Struct, frozen=True):
    """The bytes of an artifact before the artifact store has given them their digest."""

    path: str
    data: bytes
    media_type: str
    kind: str


class Recorded(msgspec.Struct, kw_only=True):
    """What is kept of one cell: always its execution, and a run if it is one."""

    execution: Execution
    run: Run | None = None
    curves: dict[str, Curve] = msgspec.field(default_factory=dict)
    blobs: list[Blob] = msgspec.field(default_factory=list)


class Logged(msgspec.Struct):
    """What the cell logged by hand, with ``mlops.log_metric`` and its kin."""

    params: dict[str, ParamValue] = msgspec.field(default_factory=dict)
    points: dict[str, list[tuple[int, MetricValue, float]]] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
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
        self._on_progress = on_progress
        self._loaded: dict[int, list[Dataset]] = {}
        self._fitted_in: dict[int, int] = {}
        self._seeds: dict[str, Any] = {}
        self._started: Started | None = None

    # -- before ---------------------------------------------------------------------------------

    def begin(self, cell: Cell, request: Request | None) -> None:
        """A cell is about to run; `request` asks for a run."""
        self._started = self.ledger.begin(cell)
        if request is None:
            return
        watch = LoopWatch(self._on_progress, after=self.config.progress_seconds)
        self.open = Open(
            run_id=new_id(),
            request=request,
            probe=Probe(),
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

    def early_run(self) -> Run | None:
        """The run as far as it is known while its cell still runs."""
        if self.open is None or self._started is None:
            return None
        return self._base(self.open, self._started, Status.RUNNING)

    # -- after ----------------------------------------------------------------------------------

    def end(
        self, error: BaseException | None, *, line: int | None = None, traceback: str = ""
    ) -> Recorded | None:
        """The cell has ended, with `error` or without; `line` is where in the cell it was raised."""
        started, opened = self._started, self.open
        self._started = self.open = None
        probes.activate(None)
        loops.activate(None)
        if started is None:
            return None
        interrupted = isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError"
        status = "interrupted" if interrupted else "failed" if error is not None else "ok"
        completed = _completed(started.cell.tree, line) if error is not None else None
        outputs = opened.outputs.stop() if opened else []
        duration = perf_counter() - started.clock
        tracked = opened is not None and (opened.request.explicit or _scores_or_fits(opened.probe.events))
        execution = self.ledger.end(started, Outcome(status=status, completed=completed, tracked=tracked))
        self._note_seeds(started.cell)
        self._note_loaded(started, execution)
        recorded = Recorded(execution=execution)
        if opened is None or not (tracked or opened.watch.loops or opened.probe.events or execution.bound):
            return recorded
        failure = None
        if error is not None:
            failure = Failure(
                kind=type(error).__name__,
                message=redact(_message(error)),
                line=line,
                traceback=redact(traceback)[-self.config.text_bytes :],
            )
        recorded.blobs = [
            Blob(output.name, output.data, output.media_type, output.kind)
            for output in outputs
            if len(output.data) <= self.config.artifact_bytes
        ] + opened.logged.blobs
        base = self._base(opened, started, _STATUS[status])
        base = msgspec.structs.replace(
            base,
            status_reason="interrupted" if interrupted else "",
            duration=duration,
            cpu_time=process_time() - opened.cpu,
            peak_memory=_peak_memory(),
            failure=failure,
            cells=tuple(self.ledger.executions),
        )
        run = self._fill(base, opened, started, execution, recorded)
        if not tracked:
            # Under `%track on`, a cell without fit or scoring call may still show results of its own.
            if not (run.curves or any(sounds_like_metric(name) for name in run.metrics)):
                return Recorded(execution=execution)
            execution = self.ledger.mark_tracked(execution)
            run = msgspec.structs.replace(run, cells=tuple(self.ledger.executions))
        return Recorded(execution=execution, run=run, curves=recorded.curves, blobs=recorded.blobs)

    # -- one run --------------------------------------------------------------------------------

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
            code_hash=code_hash(cell.tree, code, frozenset(request.params)),
            session_id=self.ledger.session_id,
            orders=(started.order,),
            warnings=tuple(request.warnings),
        )

    def _fill(
        self, run: Run, opened: Open, started: Started, execution: Execution, recorded: Recorded
    ) -> Run:
        """Add, step by step, all there is to know; a step that fails costs only its own part."""
        attempt = _Attempt()
        events = opened.probe.events
        lineage = self.ledger.lineage(execution.order)
        estimators = attempt(lambda: self._estimators(events, execution), [])
        values, metric_details, curves = attempt(
            lambda: self._metrics(opened, started, execution, estimators), ({}, {}, {})
        )
        params, param_details = attempt(
            lambda: self._params(opened, started, execution, estimators), ({}, {})
        )
        self._add_logged(opened, execution, params, param_details, values, metric_details, curves)
        recorded.curves = {
            name: _bounded(curve, self.config.curve_points) for name, curve in curves.items() if curve.values
        }
        datasets = attempt(lambda: self._datasets(events, execution, lineage), ())
        models = attempt(lambda: self._models(estimators, execution, recorded), ())
        environment = attempt(self._environment, None)
        warnings = [
            *run.warnings,
            *attempt(lambda: find_doubts(lineage, self.ledger.executions, self._seeds), []),
        ]
        faults = [*attempt.faults, *opened.probe.faults, *opened.watch.faults]
        if faults:
            warnings.append(capture_fault(faults[0]))
        return msgspec.structs.replace(
            run,
            params={key: _redacted(value) for key, value in params.items()},
            param_details=param_details,
            metrics=values,
            metric_details=metric_details,
            curves=tuple(recorded.curves),
            tags={**run.tags, **opened.logged.tags},
            datasets=datasets,
            models=models,
            environment=environment,
            warnings=tuple(warnings),
        )

    def _metrics(
        self, opened: Open, started: Started, execution: Execution, estimators: list[_Fitted]
    ) -> tuple[dict[str, MetricValue], dict[str, MetricDetail], dict[str, Curve]]:
        fitted = [
            (name, expression, path, value)
            for found in estimators
            if found.fitted_here and found.name
            for name, expression, path, value in fitted_scores(found.name, found.value)
        ]
        found = find_metrics(
            Observed(
                tree=started.cell.tree or ast.Module([], []),
                code=started.cell.code,
                order=started.order,
                namespace=self._namespace,
                bound=frozenset(execution.bound),
                events=opened.probe.events,
                loops=series_of(opened.watch),
                fingerprint=self._fingerprint,
                fitted=fitted,
            )
        )
        return found.values, found.details, found.curves

    def _params(
        self, opened: Open, started: Started, execution: Execution, estimators: list[_Fitted]
    ) -> tuple[dict[str, ParamValue], dict[str, ParamDetail]]:
        described = [
            Estimator(
                name=found.name,
                kind=final_step(found.value, found.model.kind),
                settings=dict(found.model.settings),
                predicts=hasattr(type(found.value), "predict"),
                order=found.order,
            )
            for found in estimators
        ]
        return find_params(
            started.cell.names,
            self._namespace,
            execution.order,
            earlier=self.ledger.literals,
            estimators=described,
            overrides=opened.request.params,
        )

    def _add_logged(
        self,
        opened: Open,
        execution: Execution,
        params: dict[str, ParamValue],
        param_details: dict[str, ParamDetail],
        values: dict[str, MetricValue],
        details: dict[str, MetricDetail],
        curves: dict[str, Curve],
    ) -> None:
        for key, value in opened.logged.params.items():
            params[key] = value
            param_details[key] = ParamDetail(origin="logged", order=execution.order)
        for key, points in opened.logged.points.items():
            values[key] = points[-1][1]
            details[key] = MetricDetail(
                origin="logged", order=execution.order, step=points[-1][0], points=len(points)
            )
            curves.pop(key, None)
            if len(points) > 1:
                curves[key] = Curve(
                    steps=[step for step, _, _ in points],
                    values=[to_float(value) or 0.0 for _, value, _ in points],
                    times=[time for _, _, time in points],
                    count=len(points),
                )

    def _estimators(self, events: list[Event], execution: Execution) -> list[_Fitted]:
        """What was fitted in this cell and what it only scored, each once, in order of appearance."""
        found: dict[int, _Fitted] = {}
        for event in events:
            if event.site.kind not in ("fit", "predict", "call"):
                continue
            for value in (event.value, event.receiver) if event.site.kind == "fit" else (event.receiver,):
                model = describe_model(self._name_of(value), value)
                if model is None:
                    continue
                known = found.get(id(value))
                fitted_here = event.site.kind == "fit" or (known is not None and known.fitted_here)
                order = execution.order if fitted_here else self._fitted_in.get(id(value), execution.order)
                found[id(value)] = _Fitted(model.name, value, model, fitted_here, order)
                if fitted_here:
                    self._fitted_in[id(value)] = execution.order
                break
        return _outermost(list(found.values()))

    def _name_of(self, value: Any) -> str:
        return next(
            (
                name
                for name, held in self._namespace.items()
                if held is value and not name.startswith("_") and not self.ledger.is_hidden(name)
            ),
            "",
        )

    def _datasets(
        self, events: list[Event], execution: Execution, lineage: list[Execution]
    ) -> tuple[Dataset, ...]:
        found: dict[str, Dataset] = {}
        for order in [made.order for made in lineage]:
            for dataset in self._loaded.get(order, ()):
                found[dataset.name] = dataset
        roles: dict[str, tuple[str, Any]] = {}
        for event in events:
            role = {"fit": "train", "predict": "test", "call": "test"}.get(event.site.kind)
            if role is None:
                continue
            predicted = prediction_of(event) if event.site.kind == "call" else ""
            for argument, value in event.values.items():
                name = argument.rpartition("=")[2]
                if name != predicted:
                    roles.setdefault(name, (role, value))
        for name in execution.reads:
            roles.setdefault(name, (role_of(name), self._namespace.get(name)))
        for name, (role, value) in list(roles.items())[:_DATASETS]:
            if name in found or name in execution.bound:
                continue
            described = describe_dataset(
                name, value, role=role, order=execution.order, fingerprint=self._fingerprint
            )
            if described is not None:
                found[name] = described
        return tuple(found.values())

    def _models(
        self, estimators: list[_Fitted], execution: Execution, recorded: Recorded
    ) -> tuple[Model, ...]:
        models = []
        for fitted in estimators:
            if not fitted.fitted_here:
                continue
            kept = serialize_model(fitted.value, self.config.artifact_bytes)
            if kept is not None:
                data, form = kept
                path = f"models/{fitted.name or 'model'}.{form}"
                recorded.blobs.append(Blob(path, data, "application/octet-stream", "model"))
            models.append(
                msgspec.structs.replace(
                    fitted.model,
                    format=kept[1] if kept else "",
                    size=len(kept[0]) if kept else 0,
                    order=execution.order,
                )
            )
        return tuple(models)

    def _fingerprint(self, value: Any) -> str:
        return fingerprint(value, byte_budget=self.config.fingerprint_bytes)

    def _environment(self) -> Environment:
        environment = describe_environment(self._namespace, directory=os.getcwd())  # noqa: PTH109
        return msgspec.structs.replace(environment, seeds=dict(self._seeds))

    def _note_seeds(self, cell: Cell) -> None:
        if "seed" in cell.code or "random_state" in cell.code or "_rng" in cell.code:
            self._seeds.update(seeds_in(cell.code))

    def _note_loaded(self, started: Started, execution: Execution) -> None:
        """Describe data the cell loaded from a file while it is still what the file holds."""
        if execution.status == "failed" or started.cell.tree is None or not execution.bound:
            return
        files = {use.path: use for use in execution.files if "r" in use.mode}
        for statement in started.cell.tree.body:
            found = loading(statement)
            if found is None or found[0] not in execution.bound:
                continue
            name, loader, location = found
            described = describe_dataset(
                name,
                self._namespace.get(name),
                role="input",
                order=execution.order,
                fingerprint=self._fingerprint,
            )
            if described is None:
                continue
            use = files.get(os.path.abspath(location)) if location else None  # noqa: PTH100
            self._loaded.setdefault(execution.order, []).append(
                msgspec.structs.replace(
                    described, loader=loader, location=location, file_hash=use.hash if use else ""
                )
            )


class _Fitted(msgspec.Struct):
    name: str
    value: Any
    model: Model
    fitted_here: bool
    order: int


class _Attempt:
    """Runs one step of the capture; a fault of ours costs that step and becomes a warning."""

    def __init__(self) -> None:
        self.faults: list[BaseException] = []

    def __call__(self, step: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return step()
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            self.faults.append(fault)
            return otherwise


_STATUS = {"ok": Status.FINISHED, "failed": Status.FAILED, "interrupted": Status.KILLED}


def capture_fault(fault: BaseException) -> RunWarning:
    """The one warning a run carries when a part of its capture failed."""
    where = fault.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" ({os.path.basename(where.tb_frame.f_code.co_filename)}:{where.tb_lineno})" if where else ""  # noqa: PTH119
    return RunWarning(
        code="capture_fault",
        message=f"A part of this run is missing: {type(fault).__name__}: {_message(fault)[:200]}{place}.",
        hint="The cell itself ran as if untracked. Please report this.",
        severity=Severity.INFO,
    )


def _alike(tree: ast.Module, expected: ast.Module) -> bool:
    return len(tree.body) == len(expected.body) and all(
        type(one) is type(other) and one.lineno == other.lineno and one.end_lineno == other.end_lineno
        for one, other in zip(tree.body, expected.body, strict=True)
    )


def _completed(tree: ast.Module | None, line: int | None) -> int | None:
    """How many top-level statements ended before the one that holds `line`."""
    if tree is None or line is None:
        return None
    return sum(1 for statement in tree.body if (statement.end_lineno or 0) < line)


def _scores_or_fits(events: list[Event]) -> bool:
    return any(event.site.kind in ("fit", "call") for event in events)


def _bounded(curve: Curve, points: int) -> Curve:
    if len(curve.values) <= points:
        return curve
    keep = thin(curve.values, points)
    return Curve(
        steps=[curve.steps[index] for index in keep],
        values=[curve.values[index] for index in keep],
        times=[curve.times[index] for index in keep],
        count=curve.count,
    )


def _outermost(fitted: list[_Fitted]) -> list[_Fitted]:
    """Without the steps of a pipeline or search that is listed itself."""
    inner: set[int] = set()
    for found in fitted:
        state = getattr(found.value, "__dict__", {})
        for held in (state.get("steps"), state.get("transformers")):
            if type(held) is list:
                inner.update(id(step[1]) for step in held if type(step) is tuple and len(step) > 1)
        if "estimator" in state:
            inner.add(id(state["estimator"]))
    return [found for found in fitted if id(found.value) not in inner]


def _redacted(value: ParamValue) -> ParamValue:
    return redact(value) if isinstance(value, str) else value


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 — a user's exception may not be printable
        return "(its message cannot be shown)"


def _peak_memory() -> int:
    """The process's highest resident memory so far, in bytes."""
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
