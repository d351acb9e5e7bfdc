"""Whether a metric of one run may be held against the same metric of another.

Two numbers compare when the same function scored the same rows. Where a run does not know how its
number came to be, nothing speaks against comparing it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .wording import join_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jupyter_mlops.records import Evaluation, Run


def evaluation_of(run: Run, metric: str) -> Evaluation | None:
    """What `run` knows about how `metric` was scored."""
    detail = run.metric_details.get(metric)
    return detail.evaluation if detail is not None else None


def judge_metric(metric: str, runs: Sequence[Run]) -> tuple[bool, str]:
    """Whether `metric` compares over those of `runs` that have it, and if not, why not.

    The reason is empty when the metric is comparable, or when too little is known to say.
    """
    known = [
        evaluation
        for run in runs
        if metric in run.metrics and (evaluation := evaluation_of(run, metric)) is not None
    ]
    reason = judge_evaluations(known)
    return not reason, reason


def judge_pair(metric: str, one: Run, other: Run) -> str:
    """Why `metric` of two runs does not compare; empty when it does, or when too little is known to say."""
    return judge_metric(metric, [one, other])[1]


def judge_apart(metric: str, runs: Sequence[Run], reference: Run) -> dict[str, str]:
    """The runs whose `metric` does not compare with the reference's, by ``run_id``, and why not.

    Where the reference does not know how it was scored, the first run that does stands for it.
    """
    anchor = evaluation_of(reference, metric) if metric in reference.metrics else None
    found: dict[str, str] = {}
    for run in runs:
        evaluation = evaluation_of(run, metric) if metric in run.metrics else None
        if evaluation is None:
            continue
        anchor = anchor or evaluation
        reason = judge_evaluations([anchor, evaluation])
        if reason:
            found[run.run_id] = reason
    return found


def judge_evaluations(known: Sequence[Evaluation]) -> str:
    """Why these evaluations do not compare; empty when they do."""
    functions = _distinct(e.function for e in known)
    if len(functions) > 1:
        return f"scored by another function: {' vs '.join(_short(functions))}"
    if len(_distinct(e.function_hash for e in known)) > 1:
        return f"the code of {functions[0] if functions else 'the metric'} changed"
    if len(_distinct(e.target for e in known)) > 1:
        rows = _distinct(f"{e.rows:,}" for e in known if e.rows is not None)
        if len(rows) > 1:
            return f"scored on other rows: {' vs '.join(rows)}"
        names = _distinct(e.target_name for e in known)
        if len(names) > 1:
            return f"scored on other data: {' vs '.join(names)}"
        where = f" of {join_words(names)}" if names else ""
        size = f" ({rows[0]} in each)" if rows else ""
        return f"scored on other rows{where}{size}"
    return ""


def same_rows(metric: str, runs: Sequence[Run]) -> Evaluation | None:
    """The evaluation that every one of `runs` is known to share for `metric`, or None."""
    known = [evaluation_of(run, metric) for run in runs if metric in run.metrics]
    first = known[0] if known else None
    if first is None or not first.target:
        return None
    return first if all(e is not None and e.target == first.target for e in known) else None


def fitting_reference(runs: Sequence[Run]) -> Run:
    """The run that most of `runs` can be held against: the first of those whose scores most others share.

    Scores are shared where they have a name and were made on the same rows.
    """
    scores = [
        {
            (name, evaluation.target if (evaluation := evaluation_of(run, name)) else "")
            for name in run.metrics
        }
        for run in runs
    ]
    shared = Counter(score for held in scores for score in held)
    return max(zip(runs, scores, strict=True), key=lambda held: sum(shared[score] for score in held[1]))[0]


def apart_groups(apart: Mapping[str, str]) -> dict[str, list[str]]:
    """The runs that stand apart for one and the same reason, by the reason (`MetricRow.apart` turned)."""
    found: dict[str, list[str]] = {}
    for run_id, reason in apart.items():
        found.setdefault(reason, []).append(run_id)
    return found


def _short(functions: Sequence[str]) -> list[str]:
    """Without the modules they come from, where that still tells them apart."""
    names = [function.rpartition(".")[2] for function in functions]
    return names if len(set(names)) == len(names) else list(functions)


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))
