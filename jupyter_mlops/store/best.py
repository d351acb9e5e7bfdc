"""The best run by a metric: the one answer to `best:METRIC` and to *Export the best* of a list.

A score on a few easy rows is not the best of those on all: runs that were scored on other rows, or by another
function, than most are passed over, and told.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import sqlalchemy as sa

from jupyter_mlops.errors import StoreError
from jupyter_mlops.records import MetricDetail  # noqa: TC001 — msgspec reads the annotation

from .documents import decode
from .schema import details, metric_directions, metrics, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOWER = re.compile(
    r"loss|err(or)?s?(?![a-z])|mse|rmse|mae|mape|deviance|perplexity|brier|hinge|inertia|seconds|(?<![a-z])time"
    r"|(?<![a-z])(wer|cer|fid|bic|aic)(?![a-z])",
    re.IGNORECASE,
)
_REVERSED = re.compile(r"neg_|negative_", re.IGNORECASE)
#: Of so many of the best, and of the newest, runs it is looked up what they were scored on.
_LOOKED_AT = 50


class Best(NamedTuple):
    """The best run, and the ids of those that have better numbers, on other rows than most."""

    run_id: str
    passed_over: tuple[str, ...] = ()


class _Scored(msgspec.Struct):
    """What a run's record says of its metrics."""

    metric_details: dict[str, MetricDetail] = {}


def find_extreme(
    connection: sa.Connection,
    metric: str,
    *,
    best: bool = True,
    kept: Sequence[sa.ColumnElement[bool]] = (),
    direction: Callable[[str], bool | None] | None = None,
) -> Best | None:
    """The best run by `metric`, or the worst, of those that meet the conditions `kept`; None if none has it.

    `direction` says of a metric whether higher is better, None if it does not know; it is asked where
    neither people nor the runs themselves have said so.
    """
    query = (
        sa.select(runs.c.run_id, metrics.c.higher_is_better)
        .select_from(runs.join(metrics, metrics.c.run_id == runs.c.run_id))
        .where(metrics.c.name == metric, metrics.c.number.is_not(None), runs.c.deleted_at.is_(None), *kept)
    )
    higher = _higher_is_better(connection, metric, query, direction)
    order = metrics.c.number.desc() if higher == best else metrics.c.number.asc()
    # Of equals the earliest wins: the later ones did not improve on it.
    ordered = query.order_by(order, runs.c.start_time, runs.c.run_id).limit(_LOOKED_AT)
    newest = query.order_by(runs.c.start_time.desc()).limit(_LOOKED_AT)
    # What is not finite is never best, unless there is nothing else.
    finite = metrics.c.number.between(-sys.float_info.max, sys.float_info.max)
    # A loop's turns are behind their parent: they answer only where no run of its own has the metric.
    for among in ([runs.c.parent_id == ""], []):
        for numbers in ([finite], []) if best else ([],):
            found = connection.execute(ordered.where(*among, *numbers)).scalars().all()
            if found:
                usual = connection.execute(newest.where(*among)).scalars().all()
                return _of_the_usual_rows(connection, metric, found, usual)
    return None


def _higher_is_better(
    connection: sa.Connection,
    metric: str,
    query: sa.Select[tuple[str, bool | None]],
    direction: Callable[[str], bool | None] | None,
) -> bool:
    said = sa.select(metric_directions.c.higher_is_better).where(metric_directions.c.metric == metric)
    higher = connection.execute(said).scalar()
    if higher is None:
        known = query.where(metrics.c.higher_is_better.is_not(None)).order_by(runs.c.start_time.desc())
        row = connection.execute(known.limit(1)).first()
        higher = row.higher_is_better if row is not None else direction(metric) if direction else None
    return bool(_LOWER.search(metric)) == bool(_REVERSED.match(metric)) if higher is None else bool(higher)


def _of_the_usual_rows(
    connection: sa.Connection, metric: str, found: Sequence[str], newest: Sequence[str]
) -> Best:
    """The first of the runs `found` whose `metric` was scored as in most of the `newest`, if most agree.

    Where a run does not know what it was scored on, nothing speaks against it.
    """
    if len(found) == 1:
        return Best(found[0])
    query = sa.select(details.c.run_id, details.c.document).where(details.c.run_id.in_({*found, *newest}))
    scored: dict[str, tuple[str, str, str]] = {}
    for row in connection.execute(query):
        try:
            told = decode(row.document, _Scored, f"run {row.run_id}").metric_details.get(metric)
        except StoreError:
            continue  # damaged: whoever reads the run is told
        if told is not None and told.evaluation is not None and told.evaluation.target:
            evaluation = told.evaluation
            scored[row.run_id] = (evaluation.function, evaluation.function_hash, evaluation.target)
    known = [scored[run_id] for run_id in newest if run_id in scored]
    if not known:
        return Best(found[0])
    usual, times = Counter(known).most_common(1)[0]
    if 2 * times <= len(known):
        return Best(found[0])
    place = next((place for place, run_id in enumerate(found) if scored.get(run_id, usual) == usual), 0)
    return Best(found[place], tuple(found[:place]))
