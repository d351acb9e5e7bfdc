"""One run from what was observed of its cell: each step of the capture, put in order.

A step that fails costs only its own part of the run and becomes one warning on it.
"""

from __future__ import annotations

import ast
import os
from collections import ChainMap
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mlops.records import (
    Artifact,
    Curve,
    Dataset,
    Environment,
    Execution,
    MetricDetail,
    MetricValue,
    Model,
    ParamDetail,
    ParamValue,
    Run,
    RunWarning,
    Severity,
    as_float,
)

from .children import Children, Heard, candidates_of, find_children, with_tables
from .code import role_of
from .common_sense import find_nonsense, find_time_leaks
from .confusion import MEDIA_TYPE as CONFUSION_TYPE
from .confusion import ConfusionTable, find_confusions
from .dataset import Profiled, describe_dataset, describe_input
from .doubts import find_doubts
from .draws import draws_for_nothing
from .environment import describe_environment
from .evaluation import prediction_of
from .fitted import fitted_curves, fitted_scores, learnt_input, summary_scores
from .implied import Implied, implied_settings, read_implied
from .leakage import leak_warnings, read_workflow
from .loops import LoopWatch, series_of, thin
from .metrics import Found, Observed, find_metrics
from .models import (
    best_settings,
    describe_model,
    final_step,
    is_fitted,
)
from .notebook_file import NotebookFile
from .parameters import Estimator, Given, find_params, told_apart
from .predictions import PredictionTables
from .scorings import Fitting, Verdicts, descends, fits_unknown, fittings_of, scorings_of
from .secrets import redact
from .serialization import serialize_model
from .settings import call_settings
from .sites import Subject
from .trivial import describe_target
from .written import tell_written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jupyter_mlops.config import Mlops

    from .ledger import Ledger, Started
    from .probes import Probe
    from .sites import Event

_DATASETS = 40
_REMEMBERED = 500
_PROFILES = 5_000
_ESTIMATORS = 20


class Blob(msgspec.Struct, frozen=True):
    """The bytes of an artifact before the artifact store has given them their digest."""

    path: str
    data: bytes
    media_type: str
    kind: str


class Logged(msgspec.Struct):
    """What the cell logged by hand, with ``mlops.log_metric`` and its kin."""

    params: dict[str, ParamValue] = msgspec.field(default_factory=dict)
    points: dict[str, list[tuple[int, MetricValue, float]]] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    blobs: list[Blob] = msgspec.field(default_factory=list)
    models: list[Model] = msgspec.field(default_factory=list)
    datasets: list[Dataset] = msgspec.field(default_factory=list)


class Observation(msgspec.Struct, kw_only=True):
    """What is known of a tracked cell that has ended; `text` is what it showed as text."""

    started: Started
    execution: Execution
    probe: Probe
    watch: LoopWatch
    logged: Logged
    overrides: Mapping[str, ParamValue]
    text: str = ""


class Filled(msgspec.Struct, kw_only=True):
    """A run with everything the observation gave, its curves and the bytes of its artifacts.

    `fits` tells whether the cell fitted something that predicts, `own` whether a function of the
    notebook's own computed one of its metrics; `children` are the turns of its loops, `fitted` the live
    objects it fitted.
    """

    run: Run
    curves: dict[str, Curve]
    blobs: list[Blob]
    fits: bool
    own: bool = False
    children: list[Run] = []
    fitted: list[Any] = []


class _Fitted(msgspec.Struct):
    name: str
    value: Any
    model: Model
    fitted_here: bool
    order: int

    @property
    def predicts(self) -> bool:
        """False for a transformer, which prepares and does not predict."""
        kind = type(self.value)
        return hasattr(kind, "predict") or not hasattr(kind, "transform")


def describe_subject(value: Any) -> Subject | None:
    """The estimator a value is, as it is set now; None for anything else."""
    model = describe_model("", value)
    if model is None:
        return None
    kind = type(value)
    predicts = hasattr(kind, "predict") or not hasattr(kind, "transform")
    return Subject(final_step(value, model.kind), dict(told_apart(model.settings)), predicts)


class Drafter:
    """Fills runs of one session: knows its namespace, its executions and the data it loaded."""

    def __init__(self, namespace: dict[str, Any], ledger: Ledger, config: Mlops, notebook: str = "") -> None:
        self.config = config
        self.loaded: dict[int, list[Dataset]] = {}
        #: Seeds that cells set, by execution.
        self.seeds: dict[int, dict[str, Any]] = {}
        #: Tables of features kept so far, by their fingerprint.
        self.features: dict[str, Artifact] = {}
        self._trees: dict[int, ast.Module | None] = {}
        self._called: dict[int, list[tuple[str, str, Any]]] = {}
        self._implied: dict[int, Implied] = {}
        self._described: dict[tuple[str, str], Dataset] = {}
        self._profiled: Profiled = {}
        self._verdicts = Verdicts(ledger.known)
        self._namespace = namespace
        self._ledger = ledger
        self._notebook = NotebookFile(notebook)

    def fill(self, run: Run, seen: Observation) -> Filled:
        """Add, step by step, all there is to know."""
        attempt = _Attempt()
        events, execution = seen.probe.events, seen.execution
        lineage = self._ledger.lineage(execution.order)
        cell = seen.started.cell
        if cell.tree is not None and execution.code == cell.code:
            self._trees[execution.order] = cell.tree
        estimators: list[_Fitted] = attempt(lambda: self._estimators(events, execution, lineage), [])
        tables = attempt(lambda: self._tables(events), None)
        measured: Found = attempt(lambda: self._metrics(seen, estimators, tables), Found())
        values, metric_details, curves = measured.values, measured.details, measured.curves
        params, param_details = attempt(lambda: self._params(seen, estimators, lineage), ({}, {}))
        _add_logged(seen, params, param_details, values, metric_details, curves)
        kept = {
            name: _bounded(curve, self.config.curve_points) for name, curve in curves.items() if curve.values
        }
        datasets = attempt(lambda: self._datasets(events, execution, lineage), ())
        models, blobs, unkept = attempt(lambda: self._models(events, estimators, execution), ((), [], []))
        environment = attempt(lambda: self._environment(lineage), None)
        doubts = [
            *attempt(lambda: self._doubts(lineage), []),
            *attempt(lambda: self._nonsense(events, lineage, values, metric_details), []),
            *unkept,
        ]
        faults = [*attempt.faults, *seen.probe.faults, *seen.watch.faults]
        run = msgspec.structs.replace(
            run,
            params={key: redact(value) if isinstance(value, str) else value for key, value in params.items()},
            param_details=param_details,
            metrics=values,
            metric_details=metric_details,
            curves=tuple(kept),
            tags={**run.tags, **seen.logged.tags},
            datasets=(*datasets, *seen.logged.datasets),
            models=(*_others(models, seen.logged.models), *seen.logged.models),
            environment=environment,
            warnings=(*run.warnings, *doubts, *(capture_fault(fault) for fault in faults[:1])),
        )
        fits = any(fitted.fitted_here and fitted.predicts for fitted in estimators) or any(
            fits_unknown(event) for event in events
        )
        fits = fits or attempt(lambda: cell.tree is not None and descends(cell.tree, self._namespace), False)
        children = attempt(lambda: self._children(run, seen, estimators, tables), Children())
        kept_tables = tables.artifacts if tables is not None else {}
        artifacts = {digest: artifact for digest, (artifact, _) in kept_tables.items()}
        blobs += [
            Blob(made.path, data, made.media_type, made.kind) for made, data in kept_tables.values() if data
        ]
        confusions: list[ConfusionTable] = attempt(lambda: find_confusions(events, describe_target), [])
        blobs += [Blob(made.path, made.csv(), CONFUSION_TYPE, "table") for made in confusions]
        more = [
            *(tables.notes() if tables else ()),
            *children.notes,
            *(capture_fault(fault) for fault in attempt.faults[len(faults) :][:1]),
        ]
        run = msgspec.structs.replace(
            run,
            artifacts=tuple(artifact for artifact, data in kept_tables.values() if not data),
            warnings=(*run.warnings, *more),
        )
        return Filled(
            run=run,
            curves=kept,
            blobs=[*blobs, *seen.logged.blobs],
            fits=fits,
            own=measured.own,
            fitted=[found.value for found in estimators if found.fitted_here and found.predicts],
            children=[with_tables(child, artifacts) for child in children.runs],
        )

    def _children(
        self, run: Run, seen: Observation, estimators: list[_Fitted], tables: PredictionTables | None
    ) -> Children:
        """The turns of the cell's loops that tried different things, else the candidates of its searches."""
        found = Children()
        if any(event.loops for event in seen.probe.events):
            tree = seen.started.cell.tree or ast.Module([], [])
            series = series_of(seen.watch)

            def metrics_in(
                events: list[Event], namespace: Mapping[str, Any]
            ) -> tuple[dict[str, MetricValue], dict[str, MetricDetail]]:
                held = namespace.maps[0] if isinstance(namespace, ChainMap) else {}
                observed = Observed(
                    tree=tree,
                    code=seen.started.cell.code,
                    order=seen.started.order,
                    namespace=namespace,
                    bound=frozenset(held) & frozenset(seen.started.cell.names.bound),
                    events=events,
                    loops=[],
                    fingerprint=self.fingerprint,
                    settings=frozenset(self._ledger.literals),
                    kept=tables.of if tables is not None else None,
                )
                in_turn = find_metrics(observed)
                return in_turn.values, in_turn.details

            found = find_children(
                Heard(
                    events=seen.probe.events,
                    turns={key: loop.turns for key, loop in seen.watch.loops.items()},
                    series=series,
                    tree=tree,
                    run=run,
                    namespace=self._namespace,
                    find_metrics=metrics_in,
                )
            )
        if not found.runs:
            for fitted in estimators:
                if fitted.fitted_here:
                    state = getattr(fitted.value, "__dict__", {})
                    more = candidates_of(run, fitted.name, fitted.name or fitted.model.kind, state)
                    found.runs += more.runs
                    found.notes += more.notes
        return found

    def _metrics(
        self, seen: Observation, estimators: list[_Fitted], tables: PredictionTables | None
    ) -> Found:
        fitted = [
            score
            for found in estimators
            if found.fitted_here and found.name
            for score in fitted_scores(found.name, found.value)
        ]
        for event in seen.probe.events:
            if event.site.kind == "summary":
                fitted += summary_scores(event.site.expression, event.value)
        cell = seen.started.cell
        measured = find_metrics(
            Observed(
                tree=cell.tree or ast.Module([], []),
                code=cell.code,
                order=seen.started.order,
                namespace=self._namespace,
                bound=frozenset(seen.execution.bound),
                events=seen.probe.events,
                loops=series_of(seen.watch),
                fingerprint=self.fingerprint,
                fitted=fitted,
                fitted_curves={
                    label: numbers
                    for found in estimators
                    if found.fitted_here
                    for label, numbers in fitted_curves(found.value).items()
                },
                mutated=frozenset(seen.execution.mutated),
                settings=frozenset(self._ledger.literals),
                kept=tables.of if tables is not None else None,
            )
        )
        tell_written(measured, seen.text, seen.started.order, seen.probe.events)
        return measured

    def _tables(self, events: list[Event]) -> PredictionTables:
        return PredictionTables(
            events,
            limit=self.config.predictions_bytes,
            features_limit=self.config.features_bytes,
            known=self.features,
            fingerprint=self.fingerprint,
        )

    def _params(
        self, seen: Observation, estimators: list[_Fitted], lineage: list[Execution]
    ) -> tuple[dict[str, ParamValue], dict[str, ParamDetail]]:
        described = [
            Estimator(
                name=found.name,
                kind=final_step(found.value, found.model.kind),
                settings={**found.model.settings, **best_settings(found.value)},
                predicts=found.predicts,
                order=found.order,
            )
            for found in estimators
        ]
        return find_params(
            seen.started.cell.names,
            self._namespace,
            seen.execution.order,
            earlier=self._ledger.literals,
            estimators=described,
            given=Given(
                reads=frozenset(name for made in lineage for name in (*made.reads, *made.bound)),
                called=[
                    *((made.order, *given) for made in reversed(lineage) for given in self._given_in(made)),
                    *implied_settings((made.order, self._implied_by(made)) for made in reversed(lineage)),
                ],
                arguments={**seen.watch.arguments, **seen.probe.arguments},
                overrides=dict(seen.overrides),
            ),
        )

    def _implied_by(self, made: Execution) -> Implied:
        """What an execution's text implies, read once."""
        known = self._implied.get(made.order)
        if known is None:
            tree = self._tree_of(made)
            known = self._implied[made.order] = read_implied(tree) if tree is not None else Implied()
        return known

    def _given_in(self, made: Execution) -> list[tuple[str, str, Any]]:
        """The literals an execution gave to calls, parsed once."""
        known = self._called.get(made.order)
        if known is None:
            try:
                tree = self._tree_of(made)
                known = call_settings(tree, self._namespace) if tree is not None else []
            except (ValueError, RecursionError):
                known = []
            self._called[made.order] = known
        return known

    def _estimators(
        self, events: list[Event], execution: Execution, lineage: list[Execution]
    ) -> list[_Fitted]:
        """What was fitted in this cell, what it scored, and what else it stands on, each once."""
        found: dict[int, _Fitted] = {}
        for event in events:
            if event.site.kind not in ("fit", "predict", "call"):
                continue
            # `cross_val_score(model, …)` is given the model it scores.
            given = (*event.values.values(), *event.given.values()) if event.occurrence < _ESTIMATORS else ()
            fits = event.site.kind == "fit"
            for value in (event.value, event.receiver) if fits else (event.receiver, *given):
                model = describe_model(self._name_of(value), value)
                if model is None:
                    continue
                known = found.get(id(value))
                here = event.site.kind == "fit" or (known is not None and known.fitted_here)
                found[id(value)] = _Fitted(model.name, value, model, here, execution.order)
                break
        for made in reversed(lineage):
            for name in (*made.bound, *made.mutated):
                value = self._namespace.get(name)
                known = found.get(id(value))
                if known is not None and not known.fitted_here and known.order == execution.order:
                    known.order = made.order
                if known is not None or len(found) >= _ESTIMATORS or made.order == execution.order:
                    continue
                model = describe_model(name, value)
                if model is not None and is_fitted(value):
                    found[id(value)] = _Fitted(name, value, model, False, made.order)
        return _outermost(list(found.values()))

    def _name_of(self, value: Any) -> str:
        return next(
            (
                name
                for name, held in self._namespace.items()
                if held is value and not name.startswith("_") and not self._ledger.is_hidden(name)
            ),
            "",
        )

    def _datasets(
        self, events: list[Event], execution: Execution, lineage: list[Execution]
    ) -> tuple[Dataset, ...]:
        found: dict[str, Dataset] = {}
        read = {name for made in lineage for name in made.reads}
        for made in lineage:
            for dataset in self.loaded.get(made.order, ()):
                if made.order == execution.order or dataset.name in read or self._uses(made, dataset.name):
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
        used = frozenset(roles)
        for name in execution.reads:
            roles.setdefault(name, (role_of(name), self._namespace.get(name)))
        for name, (role, value) in list(roles.items())[:_DATASETS]:
            if name in found or (name in execution.bound and name not in used):
                continue
            described = self._describe(name, value, role, execution.order)
            if described is not None:
                found[name] = described
        return tuple(found.values())

    def _uses(self, made: Execution, name: str) -> bool:
        """Whether an execution reads a name itself, such as one it has just bound."""
        try:
            tree = self._tree_of(made)
        except (ValueError, RecursionError):
            return True
        return tree is None or any(
            isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            for node in ast.walk(tree)
        )

    def _describe(self, name: str, value: Any, role: str, order: int) -> Dataset | None:
        """The dataset, those of its columns profiled anew whose content is not known from an earlier run."""
        content = self.fingerprint(value)
        known = self._described.get((name, content)) if content else None
        if known is not None:
            return msgspec.structs.replace(known, role=role, order=order)
        if len(self._profiled) > _PROFILES:
            self._profiled.clear()
        described = describe_dataset(
            name,
            value,
            role=role,
            order=order,
            fingerprint=lambda _: content,
            columns=self._ledger.columns(value),
            profiled=self._profiled,
        )
        if described is not None and content:
            if len(self._described) >= _REMEMBERED:
                self._described.clear()
            self._described[name, content] = described
        return described

    def _models(
        self, events: list[Event], estimators: list[_Fitted], execution: Execution
    ) -> tuple[tuple[Model, ...], list[Blob], list[RunWarning]]:
        models, blobs, notes = [], [], []
        inputs: dict[int, tuple[str, Any]] = {}
        for event in events:
            if event.site.kind == "fit":
                argument, value = next(iter(event.values.items()), ("", None))
                first = event.given.get("0", value)
                for fitted_object in (event.receiver, event.value):
                    inputs[id(fitted_object)] = (argument.rpartition("=")[2], first)
        for fitted in estimators:
            if not (fitted.fitted_here and fitted.predicts):
                continue
            made = serialize_model(fitted.value, self.config.artifact_bytes, self.config.model_seconds)
            if made.data:
                path = model_path(fitted.name, made.form)
                blobs.append(Blob(path, made.data, "application/octet-stream", "model"))
            else:
                notes.append(_unkept(fitted, made.why))
            models.append(
                msgspec.structs.replace(
                    fitted.model,
                    format=made.form,
                    size=len(made.data),
                    order=execution.order,
                    input=describe_input(*inputs.get(id(fitted.value), ("", None)))
                    or learnt_input(fitted.value),
                )
            )
        return tuple(models), blobs, notes

    def _doubts(self, lineage: list[Execution]) -> list[RunWarning]:
        def idle(made: Execution) -> bool:
            tree = self._tree_of(made)
            return tree is not None and draws_for_nothing(tree, self._namespace)

        return find_doubts(
            lineage, self._ledger.executions, self._all_seeds(), idle=idle, notebook=self._notebook.read()
        )

    def _nonsense(
        self,
        events: list[Event],
        lineage: list[Execution],
        values: Mapping[str, MetricValue],
        details: Mapping[str, MetricDetail],
    ) -> list[RunWarning]:
        """Leaks and impossible scores: of what was heard in this cell, and what the code before says."""
        scorings = scorings_of(events, values, details)
        fittings = fittings_of(events)
        if not (fittings or scorings):
            return []
        known = [tree for made in lineage if (tree := self._tree_of(made)) is not None]
        workflow = read_workflow(known, self._namespace)
        for count, (model, features, target) in enumerate(workflow.fits[-20:]):
            fitted, value = self._namespace.get(model), self._namespace.get(features)
            if fitted is None or value is None or any(id(fitted) in made.models for made in fittings):
                continue
            fittings.insert(
                0,
                Fitting(
                    features_name=features,
                    features=value,
                    target_name=target,
                    target=self._namespace.get(target),
                    models=frozenset({id(fitted)}),
                    at=count - 100,
                ),
            )
        read = dict.fromkeys(name for made in lineage for name in made.reads)
        in_time = find_time_leaks(workflow.random_splits, self._namespace, list(read))
        told = {warning.code for warning in in_time}
        return [
            *leak_warnings(workflow),
            *(
                warning
                for warning in find_nonsense(
                    fittings, scorings, resampled=workflow.resampled, verdicts=self._verdicts
                )
                if warning.code not in told
            ),
            *in_time,
        ]

    def _tree_of(self, made: Execution) -> ast.Module | None:
        """An execution's code, parsed once; the tree is nobody's to change."""
        if made.order not in self._trees:
            try:
                self._trees[made.order] = ast.parse(made.code)
            except (SyntaxError, ValueError, RecursionError):
                self._trees[made.order] = None
        return self._trees[made.order]

    def _all_seeds(self) -> dict[str, Any]:
        return {name: value for seeds in self.seeds.values() for name, value in seeds.items()}

    def _environment(self, lineage: list[Execution]) -> Environment:
        environment = describe_environment(self._namespace, directory=os.getcwd())  # noqa: PTH109
        used = {name: value for made in lineage for name, value in self.seeds.get(made.order, {}).items()}
        general = {name: value for name, value in self._all_seeds().items() if "." not in name}
        return msgspec.structs.replace(environment, seeds={**general, **used})

    def fingerprint(self, value: Any) -> str:
        """The fingerprint of a value, within the configured budget."""
        return self._ledger.fingerprint(value)


def _others(models: tuple[Model, ...], logged: list[Model]) -> Iterator[Model]:
    """The models that were not logged by hand under the same name."""
    names = {model.name for model in logged}
    return (model for model in models if model.name not in names)


def model_path(name: str, form: str) -> str:
    """Where a model lies among a run's artifacts."""
    return f"models/{name or 'model'}.{form}"


def _unkept(fitted: _Fitted, why: str) -> RunWarning:
    return RunWarning(
        code="model_not_kept",
        message=f"The model {fitted.name or fitted.model.kind} was not kept: {why}.",
        hint="Its class, settings and scores are; mlops.load_model cannot give it back.",
        severity=Severity.INFO,
    )


def _add_logged(
    seen: Observation,
    params: dict[str, ParamValue],
    param_details: dict[str, ParamDetail],
    values: dict[str, MetricValue],
    details: dict[str, MetricDetail],
    curves: dict[str, Curve],
) -> None:
    """What the user logged by hand wins over what was found."""
    order = seen.execution.order
    for key, value in seen.logged.params.items():
        params[key] = value
        param_details[key] = ParamDetail(origin="logged", order=order)
    for key, points in seen.logged.points.items():
        values[key] = points[-1][1]
        details[key] = MetricDetail(origin="logged", order=order, step=points[-1][0], points=len(points))
        curves.pop(key, None)
        if len(points) > 1:
            curves[key] = Curve(
                steps=[step for step, _, _ in points],
                values=[float(as_float(value)) for _, value, _ in points],
                times=[time for _, _, time in points],
                count=len(points),
            )


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


def capture_fault(fault: BaseException) -> RunWarning:
    """The one warning a run carries when a part of its capture failed."""
    where = fault.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f" ({os.path.basename(where.tb_frame.f_code.co_filename)}:{where.tb_lineno})" if where else ""  # noqa: PTH119
    return RunWarning(
        code="capture_fault",
        message=f"A part of this run is missing: {type(fault).__name__}: {message_of(fault)[:200]}{place}.",
        hint="The cell itself ran as if untracked. Please report this.",
        severity=Severity.INFO,
    )


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


def message_of(error: BaseException) -> str:
    """An exception's message, also when the exception cannot be printed."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 — a user's exception may not be printable
        return "(its message cannot be shown)"
