"""What a run *is*.

Frozen records that every room of the package passes around and that the store, the server and the
browser spell the same way. Nothing here knows a database, a notebook or a browser.

Times are timezone-aware UTC datetimes, durations are seconds, sizes are bytes. Numbers keep their
kind: an ``int`` stays an ``int`` and NaN stays NaN; only `as_json` turns what JSON cannot hold into
the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.
"""

from __future__ import annotations

import math
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

ParamValue = bool | int | float | str | list[Any] | dict[str, Any] | None
MetricValue = int | float


class Status(StrEnum):
    """How a run stands. `Run.status_reason` says why a run is ``KILLED``."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class Severity(StrEnum):
    """How much a warning weighs: a note, a doubt about the result, or a result not to trust."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every record: immutable, named fields only."""


class RunWarning(Record, frozen=True, kw_only=True):
    """Something a reader of the run should know.

    `code` is stable and machine-readable (``unseeded_randomness``), `message` says what was seen
    and `hint` what to do about it.
    """

    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.WARNING
    names: tuple[str, ...] = ()


class Span(Record, frozen=True, kw_only=True):
    """A piece of source in an executed cell: 1-based lines, 0-based UTF-8 byte columns, as `ast`."""

    line: int
    column: int
    end_line: int
    end_column: int


class ParamDetail(Record, frozen=True, kw_only=True):
    """Where a parameter came from.

    `origin` is ``literal`` (bound in the run's cell), ``inherited`` (bound from a literal by an
    earlier cell), ``estimator`` (what a fitted estimator was set to), ``override`` (the magic
    line) or ``logged``. `order` is the execution that bound it; `default` the literal an override
    replaced.
    """

    origin: str = "literal"
    order: int | None = None
    span: Span | None = None
    default: ParamValue = None


class Evaluation(Record, frozen=True, kw_only=True):
    """What a metric was scored on and by what: two metrics compare only if these are equal.

    `function` is the qualified name of the metric function and `function_hash` its code's hash;
    `target` is the fingerprint of ``y_true``, `target_name` its variable and `rows` its length;
    `prediction_name` is the variable of what it was compared with.

    `predictions` and `features` are digests of kept tables (see `Artifact`), empty where none was
    kept: what was compared, and the rows that were predicted. `features_name` is the variable of
    those rows and `features_fingerprint` their content's; `model` the variable that predicted.
    """

    function: str
    function_hash: str = ""
    target: str = ""
    target_name: str = ""
    prediction_name: str = ""
    rows: int | None = None
    predictions: str = ""
    features: str = ""
    features_name: str = ""
    features_fingerprint: str = ""
    model: str = ""


class MetricDetail(Record, frozen=True, kw_only=True):
    """How a metric came to be.

    `origin` is ``call`` (a scoring call), ``bound`` (a name the cell bound), ``displayed`` (the cell's
    last expression), ``printed``, ``curve`` (rebound or appended in a loop), ``fitted`` (a fitted
    object's own score), ``logged``, ``written`` (by a library while it trained: no code gives it again)
    or ``rescored`` (computed later from kept predictions, without the model). `trivial` is what always
    predicting the most frequent class, or the mean, would have scored on the same rows, None where that
    is not known. `order` and `span` locate `expression` in the executed source; `path` leads from the
    expression's value to the number (keys of a dict, a column, an index). `step` is the last step of a
    curve, `points` how many its curve holds.
    """

    origin: str
    expression: str = ""
    order: int | None = None
    span: Span | None = None
    scope: str = ""
    path: tuple[str | int, ...] = ()
    step: int | None = None
    points: int = 0
    time: datetime | None = None
    evaluation: Evaluation | None = None
    higher_is_better: bool | None = None
    trivial: float | None = None


class Curve(Record, frozen=True, kw_only=True):
    """A metric over the steps of a loop: three sequences of equal length.

    `times` are seconds since the run began. `count` is how many points there were before
    thinning; it equals ``len(values)`` when nothing was thinned.
    """

    steps: list[int]
    values: list[float]
    times: list[float]
    count: int


class Column(Record, frozen=True, kw_only=True):
    """One column of a dataset: its type as the library names it and a bounded profile.

    `profile` may hold ``missing``, ``distinct``, ``minimum``, ``maximum``, ``mean``, ``std``,
    ``quantiles`` (0, 25, 50, 75, 100 %), ``histogram`` (``{"edges": […], "counts": […]}``) and
    ``top`` (``[[value, count], …]``).
    """

    name: str
    dtype: str
    nullable: bool
    profile: dict[str, Any] = msgspec.field(default_factory=dict)


class Dataset(Record, frozen=True, kw_only=True):
    """Data a run read or made: its content's fingerprint, schema, profile and provenance.

    `role` is by use: ``input``, ``train``, ``test``, ``validation`` or ``features``. `location` is
    the path or URL as the code has it and `file_hash` the hash of that file's bytes.
    """

    name: str
    fingerprint: str
    kind: str
    rows: int
    columns: tuple[Column, ...] = ()
    shape: tuple[int, ...] = ()
    role: str = "input"
    location: str = ""
    loader: str = ""
    file_hash: str = ""
    order: int | None = None
    sampled: bool = False


class ModelInput(Record, frozen=True, kw_only=True):
    """What a model was fitted on: the variable, its class, and what one row of it is.

    `columns` holds name and dtype of each column of a table, in order. For an array it is empty, and
    `dtype` and `shape` (without the rows) stand for it. `example` is the first row by column, or by
    position for an array, cut after so many values; without it where no row could be read.
    """

    name: str
    kind: str
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    shape: tuple[int, ...] = ()
    dtype: str = ""
    example: dict[str, Any] = msgspec.field(default_factory=dict)


class Model(Record, frozen=True, kw_only=True):
    """A fitted model: its variable, class, non-default settings and, when kept, its artifact.

    `format` is ``skops``, ``joblib``, ``pt``, ``ubj`` or ``txt``; `input` is what it was fitted on, if known.
    """

    name: str
    kind: str
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
    digest: str = ""
    format: str = ""
    size: int = 0
    order: int | None = None
    input: ModelInput | None = None


class Artifact(Record, frozen=True, kw_only=True):
    """A stored file: `digest` (sha-256 of its bytes) finds it in the artifact store.

    `kind` is ``figure``, ``text``, ``model``, ``predictions``, ``features``, ``table`` or ``file``.
    A table is a CSV file a person reads, such as a confusion matrix.

    Predictions and features are tables as NumPy archives (``.npz``) without pickles: an array a
    column, read with ``numpy.load``. ``columns`` holds the columns' names in order and ``0``, ``1``,
    … their values; ``index`` (and ``index_1``, …) the row labels where pandas gave some. A column
    with missing texts or integers has a mask beside it, ``0?``. Columns of predictions are
    ``y_true``, ``y_pred``, ``y_score`` or, a class, ``y_score_<class>``.
    """

    path: str
    digest: str
    size: int
    media_type: str
    kind: str = "file"


class FileUse(Record, frozen=True, kw_only=True):
    """A file a cell read or wrote: `path` is absolute, `hash` the xxh3 of its bytes, or empty."""

    path: str
    mode: str
    hash: str = ""
    size: int = 0

    @property
    def writes(self) -> bool:
        """Whether the cell made, changed or removed it."""
        return not {"w", "a", "x", "+"}.isdisjoint(self.mode)


class Execution(Record, frozen=True, kw_only=True):
    """One cell as it was executed, tracked or not.

    `source` is what the user wrote, `code` the Python that ran (magics transformed, overrides
    applied). `order` counts executions in the kernel session from 1. `status` is ``ok``,
    ``failed`` or ``interrupted``; `completed` counts the top-level statements that ended.

    Names are those of the notebook's top level: `reads` are used before the cell binds them,
    `bound` are really rebound, `mutated` keep their object but changed inside (aliases included),
    `opaque` were touched and cannot be fingerprinted, `deleted` are gone. `ambient_reads` and
    `ambient_writes` name state outside the namespace: ``rng:random``, ``rng:numpy``,
    ``rng:torch``, ``cwd``, ``environ``, ``sys.path``, ``options:pandas`` … `fingerprints` are
    those after the cell, of every name it touched; `types` are annotations of the bound names, by the
    path one would import (``pandas.DataFrame``, ``list[float]``), where there is one.
    """

    execution_id: str
    session_id: str
    order: int
    source: str
    code: str
    execution_count: int | None = None
    cell_id: str = ""
    start_time: datetime | None = None
    duration: float = 0.0
    status: str = "ok"
    completed: int | None = None
    tracked: bool = False
    scratch: bool = False
    from_history: bool = False
    reads: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()
    mutated: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    ambient_reads: tuple[str, ...] = ()
    ambient_writes: tuple[str, ...] = ()
    files: tuple[FileUse, ...] = ()
    fingerprints: dict[str, str] = msgspec.field(default_factory=dict)
    heading: str = ""
    types: dict[str, str] = msgspec.field(default_factory=dict)


class Environment(Record, frozen=True, kw_only=True):
    """Where a run ran. `packages` maps imported distributions to versions; `seeds` what set them.

    `git` may hold ``commit``, ``branch``, ``dirty`` and ``remote``; `hardware` ``cpu``, ``cores``
    and ``memory``.
    """

    python: str
    executable: str
    platform: str
    directory: str
    packages: dict[str, str] = msgspec.field(default_factory=dict)
    git: dict[str, Any] = msgspec.field(default_factory=dict)
    seeds: dict[str, Any] = msgspec.field(default_factory=dict)
    hardware: dict[str, Any] = msgspec.field(default_factory=dict)
    path_additions: tuple[str, ...] = ()


class Failure(Record, frozen=True, kw_only=True):
    """The exception that ended a run: its class, message, the cell's line and a bounded traceback."""

    kind: str
    message: str
    line: int | None = None
    traceback: str = ""


class RunSummary(Record, frozen=True, kw_only=True):
    """What a list of runs shows of one. `number` counts runs within the experiment from 1.

    A child (one turn of a loop, one candidate of a search) has a `parent_id`; its `number` counts the
    children of that parent, whose own is `parent_number`. `children` counts a parent's.
    """

    run_id: str
    number: int
    name: str
    experiment: str
    status: Status
    start_time: datetime
    status_reason: str = ""
    duration: float | None = None
    params: dict[str, ParamValue] = msgspec.field(default_factory=dict)
    metrics: dict[str, MetricValue] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    note: str = ""
    notebook: str = ""
    cell_id: str = ""
    parent_id: str = ""
    curves: tuple[str, ...] = ()
    warning_count: int = 0
    parent_number: int = 0
    children: int = 0

    @property
    def reference(self) -> str:
        """How people refer to it: ``#14``, or ``#14.2`` for the second child of that."""
        return reference_of(self.number, self.parent_id, self.parent_number)


def reference_of(number: int, parent_id: str, parent_number: int) -> str:
    """``#14``, or ``#14.2`` for a child."""
    return f"#{parent_number}.{number}" if parent_id and parent_number else f"#{number}"


class RunInfo(Record, frozen=True, kw_only=True):
    """What is known of a run from its beginning, as MLflow calls it; an experiment's id is its name."""

    run_id: str
    run_name: str
    experiment: str
    experiment_id: str
    status: Status
    start_time: datetime
    end_time: datetime | None = None


class Run(Record, frozen=True, kw_only=True):
    """One tracked try, complete: everything a colleague would ask about it.

    `params` and `metrics` are plain mappings of name to value; what is known about each stands
    under the same name in `param_details` and `metric_details`. `source` is the run's own cell as
    executed, `cells` every execution of its kernel session up to the run's last own one
    (`orders`), oldest first. `parent_id`, `parent_number` and `children` are as in `RunSummary`; a
    child has the cells, data and environment of its parent.
    """

    run_id: str
    experiment: str
    status: Status
    start_time: datetime
    number: int = 0
    name: str = ""
    status_reason: str = ""
    duration: float | None = None
    cpu_time: float | None = None
    peak_memory: int | None = None
    params: dict[str, ParamValue] = msgspec.field(default_factory=dict)
    param_details: dict[str, ParamDetail] = msgspec.field(default_factory=dict)
    metrics: dict[str, MetricValue] = msgspec.field(default_factory=dict)
    metric_details: dict[str, MetricDetail] = msgspec.field(default_factory=dict)
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    note: str = ""
    hypothesis: str = ""
    baseline_id: str = ""
    parent_id: str = ""
    notebook: str = ""
    cell_id: str = ""
    source: str = ""
    code_hash: str = ""
    session_id: str = ""
    orders: tuple[int, ...] = ()
    cells: tuple[Execution, ...] = ()
    curves: tuple[str, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    models: tuple[Model, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    warnings: tuple[RunWarning, ...] = ()
    environment: Environment | None = None
    failure: Failure | None = None
    parent_number: int = 0
    children: int = 0

    @property
    def info(self) -> RunInfo:
        """Its id, name, experiment, status and times, for code written for MLflow."""
        ended = None if self.duration is None else self.start_time + timedelta(seconds=self.duration)
        return RunInfo(
            run_id=self.run_id,
            run_name=self.name,
            experiment=self.experiment,
            experiment_id=self.experiment,
            status=self.status,
            start_time=self.start_time,
            end_time=ended,
        )

    @property
    def data(self) -> Run:
        """The run itself, which has `params`, `metrics` and `tags`, for code written for MLflow."""
        return self

    @property
    def reference(self) -> str:
        """How people refer to it: ``#14``, or ``#14.2`` for the second child of that."""
        return reference_of(self.number, self.parent_id, self.parent_number)


class MetricCheck(Record, frozen=True, kw_only=True):
    """One metric of the proof: the run's number against those of two fresh processes."""

    name: str
    expected: MetricValue
    first: MetricValue | None
    second: MetricValue | None
    equal: bool
    tolerance: float = 0.0


class Attempt(Record, frozen=True, kw_only=True):
    """One rung of the widening ladder: which cells were kept and how its proof ended."""

    rung: str
    orders: tuple[int, ...]
    verdict: str
    cause: str = ""


class ValidationReport(Record, frozen=True, kw_only=True):
    """The proof of an exported version.

    `verdict` is ``validated`` or ``rejected``; `cause` is one sentence for people, `diverging` the
    metric or name that differs, `code` the kind of cause (``metrics_differ``, ``data_changed``,
    ``step_failed``, ``non_deterministic``, ``contract_failed``, ``missing_input``, ``unprovable``,
    ``environment_failed``, ``predictions_differ``: equal numbers of other predictions than the run kept).
    `predictions` says whether those behind the numbers are the notebook's own. `notes` are sentences worth
    knowing whatever the verdict, `settings` says of each setting which steps read it in the proof and what
    another value of it changed. `environment` says in what new environment the proof ran; empty is the
    kernel's own.
    """

    verdict: str
    cause: str = ""
    code: str = ""
    diverging: str = ""
    hint: str = ""
    metrics: tuple[MetricCheck, ...] = ()
    contracts: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    deterministic: bool = True
    duration: float = 0.0
    log: str = ""
    notes: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    environment: str = ""
    predictions: tuple[str, ...] = ()


class PipelineVersion(Record, frozen=True, kw_only=True):
    """One immutable version of a pipeline. `status` is ``validated`` or ``rejected``.

    `manifest_hash` is the SHA-256 of its manifest.json, which holds those of its other files; `changed`
    says how the folder differs from that, a sentence a file, where somebody looked. `fallback` is the
    version to go back to, as things stood when this one was made: the champion, else the newest proved one.
    """

    name: str
    version: int
    path: str
    status: str
    run_id: str
    created_at: datetime
    report: ValidationReport
    run_number: int = 0
    experiment: str = ""
    metrics: dict[str, MetricValue] = msgspec.field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    manifest_hash: str = ""
    changed: tuple[str, ...] = ()
    fallback: int | None = None


class AliasMove(Record, frozen=True, kw_only=True):
    """One line of the append-only log of an alias: where it stood, where it went, when."""

    pipeline: str
    alias: str
    from_version: int | None
    to_version: int | None
    moved_at: datetime
    reason: str = ""


class VersionChange(Record, frozen=True, kw_only=True):
    """One thing that differs between two versions; `lines` is a unified diff or the two values.

    `section` is ``config``, ``data contract``, ``code``, ``metrics`` or ``environment``; `layer` is
    ``run``, ``pipeline``, ``component`` or ``infrastructure``.
    """

    section: str
    layer: str
    name: str
    lines: tuple[str, ...]


class MetricChange(Record, frozen=True, kw_only=True):
    """One metric in both versions; None where a version does not have it."""

    name: str
    first: MetricValue | None
    second: MetricValue | None


class FileChange(Record, frozen=True, kw_only=True):
    """A file that differs; `lines` is a unified diff without line ends."""

    path: str
    lines: tuple[str, ...]


class VersionDifference(Record, frozen=True, kw_only=True):
    """From version `first` to version `second` of the pipeline `name`.

    `changes` are in the order of their sections; `metrics` are all metrics, equal ones too.
    """

    name: str
    first: int
    second: int
    first_status: str
    second_status: str
    changes: tuple[VersionChange, ...] = ()
    metrics: tuple[MetricChange, ...] = ()
    files: tuple[FileChange, ...] = ()


class ExportJob(Record, frozen=True, kw_only=True):
    """An export the server is working on: ``queued``, ``running``, ``done`` or ``failed``.

    `progress` are the sentences so far, oldest first. `failed` means there is no version at all
    (bad input or our own fault); a version that could not be proved is ``done`` and rejected.
    """

    job_id: str
    state: str
    run_id: str
    name: str
    progress: tuple[str, ...] = ()
    version: PipelineVersion | None = None
    error: dict[str, str] | None = None


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_last_id = 0


def new_id() -> str:
    """Make an opaque id of 26 characters that sorts by the time it was made.

    48 bits of milliseconds and 80 random bits in Crockford's base 32, as a ULID; ids of one
    process never go backwards, even when the clock does.
    """
    global _last_id  # noqa: PLW0603
    stamp = int(time.time() * 1000) << 80
    value = stamp | int.from_bytes(os.urandom(10))
    if value <= _last_id:
        value = _last_id + 1
    _last_id = value
    characters = []
    for _ in range(26):
        characters.append(_ALPHABET[value & 31])
        value >>= 5
    return "".join(reversed(characters))


def now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(UTC)


def as_json(record: object) -> Any:
    """Turn records (or containers of them) into what strict JSON can hold.

    Non-finite floats become ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, integers beyond 2**53 a
    decimal string, datetimes ISO 8601 with ``Z``.
    """
    return _strict(msgspec.to_builtins(record))


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) > 2**53:
        return digits_of(value)
    if isinstance(value, dict):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return value


def digits_of(value: int) -> str:
    """An integer in decimal, also one of more digits than `str` writes."""
    try:
        return str(value)
    except ValueError:
        return f"{Decimal(value):f}"


_S = TypeVar("_S", Run, RunSummary)


def within_floats(run: _S) -> _S:
    """`run` with infinity for each metric that is an integer beyond a float's range, to reckon with."""
    metrics = {name: as_float(value) for name, value in run.metrics.items()}
    return run if metrics == run.metrics else msgspec.structs.replace(run, metrics=metrics)


def as_float(value: MetricValue) -> MetricValue:
    """`value`, or infinity for an integer beyond a float's range."""
    if type(value) is float or -_LARGEST < value < _LARGEST:
        return value
    return value if isinstance(value, float) else math.inf if value > 0 else -math.inf


_LARGEST = int(sys.float_info.max)
_R = TypeVar("_R")


def from_json(data: Any, kind: type[_R]) -> _R:
    """Build a record of `kind` from what `as_json` made; inverse up to number kinds."""
    return msgspec.convert(data, kind, strict=False)
