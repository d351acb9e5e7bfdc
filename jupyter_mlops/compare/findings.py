"""What a comparison finds: the records that a notebook, the browser and a terminal all show.

Mappings go from ``run_id`` to a value, unless they say otherwise. Sentences are ready to be read; every
place shows the same ones, so that nobody has to ask which of two wordings is right.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  (msgspec reads it)

import msgspec

from jupyter_mlops.records import (
    Artifact,
    Curve,
    MetricValue,
    ParamValue,
    Record,
    RunSummary,
    RunWarning,
)


class Effect(Record, frozen=True, kw_only=True):
    """How sure the change of one metric from the reference to one run is, from the rows both predicted.

    `low` and `high` bound the change at `level`, widened for as many runs as were held against the
    reference. `p_value` is McNemar's (mid-p) where a row is right or wrong, else None. `verdict` is
    ``better``, ``worse``, ``other`` (sure, but the direction is not known), ``noise`` (the interval
    holds zero) or ``too few`` (too few rows to tell). `rows` are those both runs predicted. `interval`
    is the bounds in words, as `sentence` has them.
    """

    change: float
    low: float
    high: float
    verdict: str
    method: str
    rows: int
    level: float = 0.95
    p_value: float | None = None
    interval: str = ""
    sentence: str = ""


class MetricRow(Record, frozen=True, kw_only=True):
    """One metric across the compared runs; mappings go from ``run_id`` to the number.

    `changes` are differences to the reference run. `best` is empty when the runs are not
    comparable on this metric or its direction is unknown; `reason` says which. `apart` holds the
    runs that do not compare with the others, and why. `direction_from` says how the direction is
    known: ``you``, ``code``, ``name`` or nothing. `effects` say how sure a change is, where both runs
    kept their predictions. `rescored` are numbers computed from kept predictions, on rows all share.
    """

    name: str
    values: dict[str, MetricValue]
    changes: dict[str, float]
    higher_is_better: bool | None
    best: str = ""
    comparable: bool = True
    reason: str = ""
    apart: dict[str, str] = msgspec.field(default_factory=dict)
    direction_from: str = ""
    effects: dict[str, Effect] = msgspec.field(default_factory=dict)
    rescored: dict[str, float] = msgspec.field(default_factory=dict)


class ParamRow(Record, frozen=True, kw_only=True):
    """One parameter across the compared runs; a run without it is absent from `values`."""

    name: str
    values: dict[str, ParamValue]
    differs: bool


class CodeDifference(Record, frozen=True, kw_only=True):
    """One cell's source against the reference's: ``same``, ``changed``, ``added``, ``removed`` or ``moved``.

    `lines` is a unified diff: each line begins with a space, ``+`` or ``-``. `moved` says from where
    to where a cell went that is in another place, changed or not.
    """

    run_id: str
    change: str
    title: str
    lines: tuple[str, ...] = ()
    moved: str = ""


class ColumnDifference(Record, frozen=True, kw_only=True):
    """How the values of one column are spread, before and after, in the same bins.

    `kind` is ``numbers`` (`edges` are one more than the bins) or ``values`` (`labels` name the bins).
    `before` and `after` are shares of the rows, 0 to 1. `distance` is half the sum of what moved: 0
    for equal spreads, 1 for spreads that share nothing.
    """

    name: str
    kind: str
    distance: float
    before: tuple[float, ...]
    after: tuple[float, ...]
    edges: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()


class DataDifference(Record, frozen=True, kw_only=True):
    """One dataset against the reference's: what changed, in sentences, largest first.

    `columns` are those whose values are spread otherwise, the furthest first.
    """

    run_id: str
    name: str
    change: str
    sentences: tuple[str, ...] = ()
    columns: tuple[ColumnDifference, ...] = ()


class EnvironmentDifference(Record, frozen=True, kw_only=True):
    """One package, seed, commit or interpreter that differs from the reference's."""

    run_id: str
    name: str
    reference: str
    value: str


class FigureRow(Record, frozen=True, kw_only=True):
    """One figure of the compared runs, side by side: by its place among the figures of its run."""

    name: str
    figures: dict[str, Artifact]
    same: bool


class Hypothesis(Record, frozen=True, kw_only=True):
    """What somebody expected of a run. `before` is whether it was written before there was a result."""

    run_id: str
    text: str
    before: bool


class Spread(Record, frozen=True, kw_only=True):
    """A metric over runs that differ by chance alone: its mean and, from three runs on, t's interval."""

    metric: str
    count: int
    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    sentence: str
    level: float = 0.95


class SeedGroup(Record, frozen=True, kw_only=True):
    """Runs that differ by their seeds only. `name` is what to call them, `seeds` what each had."""

    name: str
    run_ids: tuple[str, ...]
    seeds: dict[str, str]
    spreads: tuple[Spread, ...]


class Influence(Record, frozen=True, kw_only=True):
    """How a parameter and a metric went together over the compared runs.

    `strength` is Spearman's rank correlation (-1 to 1) of numbers, or the share of the metric's
    spread between the values of a word (0 to 1, corrected for their count); `low` and `high` bound
    it at 95 %. It says what went together, not what caused what.
    """

    metric: str
    param: str
    kind: str
    strength: float
    low: float
    high: float
    runs: int
    sentence: str


class Idea(Record, frozen=True, kw_only=True):
    """Runs of one idea: what they cost, in seconds, and the best each metric came to.

    `best` goes from a metric to the ``run_id`` that has it. `dropped` is why somebody gave it up.
    """

    name: str
    run_ids: tuple[str, ...]
    duration: float
    best: dict[str, str]
    dropped: str = ""


class Descent(Record, frozen=True, kw_only=True):
    """Which of the compared runs another one stands on.

    `relation` is ``child`` (an iteration of it), ``baseline`` (somebody said so), ``edited`` (the same
    cell, changed) or ``repeated`` (the same cell, unchanged). `sentence` says what changed on the way.
    """

    run_id: str
    parent_id: str
    relation: str
    sentence: str


class FrontierPoint(Record, frozen=True, kw_only=True):
    """One run on the way to the best: `best` is whether it was the best until then."""

    run_id: str
    time: datetime
    value: MetricValue
    best: bool
    idea: str


class ErrorBucket(Record, frozen=True, kw_only=True):
    """One kind of outcome, such as ``right in both``, counted in rows; `query` finds these rows."""

    name: str
    query: str
    rows: int
    reference: int
    run: int


class Slice(Record, frozen=True, kw_only=True):
    """Rows that share something, and how both runs did on them.

    `reference` and `run` are the metric on these `rows`, `change` their difference with its interval,
    widened for as many slices as were looked at. `sure` is whether it excludes zero.
    """

    name: str
    query: str
    rows: int
    reference: float
    run: float
    change: float
    low: float
    high: float
    sure: bool
    interval: str = ""


class Losses(Record, frozen=True, kw_only=True):
    """Where a run gains and loses against the reference, row by row, on one metric.

    `slices` are those where the two differ most, the surest first, out of `tried`; `columns` can be
    named in a query.
    """

    run_id: str
    metric: str
    measure: str
    rows: int
    buckets: tuple[ErrorBucket, ...]
    slices: tuple[Slice, ...]
    tried: int
    columns: tuple[str, ...] = ()
    sentence: str = ""


class Examples(Record, frozen=True, kw_only=True):
    """Rows of a slice: their label, truth, what each run said, and their features, as text.

    The most telling ones first: where the runs disagree most. `count` is how many there are in all.
    """

    query: str
    count: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    slice: Slice | None = None


class RunComparison(Record, frozen=True, kw_only=True):
    """The substance of a comparison, the same in a notebook, the browser and a terminal.

    `summary` is one sentence: what changed and what it did. Curves map metric to ``run_id`` to
    `Curve`, frontiers metric to the runs in the order they were made. `styles` gives each run a number
    that means its colour and dash pattern: see `palette`.
    """

    runs: tuple[RunSummary, ...]
    reference: str
    summary: str
    metrics: tuple[MetricRow, ...] = ()
    params: tuple[ParamRow, ...] = ()
    code: tuple[CodeDifference, ...] = ()
    data: tuple[DataDifference, ...] = ()
    environment: tuple[EnvironmentDifference, ...] = ()
    curves: dict[str, dict[str, Curve]] = msgspec.field(default_factory=dict)
    warnings: dict[str, tuple[RunWarning, ...]] = msgspec.field(default_factory=dict)
    leading_metric: str = ""
    figures: tuple[FigureRow, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    groups: tuple[SeedGroup, ...] = ()
    losses: tuple[Losses, ...] = ()
    influences: tuple[Influence, ...] = ()
    frontiers: dict[str, tuple[FrontierPoint, ...]] = msgspec.field(default_factory=dict)
    ideas: tuple[Idea, ...] = ()
    descents: tuple[Descent, ...] = ()
    styles: dict[str, int] = msgspec.field(default_factory=dict)
