"""Many runs: whose idea each was, what it cost, how the best came about and which stands on which."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .differences import Differences, differences_between
from .findings import Descent, FrontierPoint, Hypothesis, Idea
from .wording import count, join_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mlops.records import Run

    from .findings import MetricRow

IDEA, DROPPED, HYPOTHESIS = "idea", "dropped", "hypothesis"
_TITLE = 60
_CHANGES = 3


def idea_of(run: Run) -> str:
    """What a run tries: its tag ``idea``, its hypothesis, its note's first line, its name, its model."""
    lines = [
        run.tags.get(IDEA, ""),
        run.hypothesis,
        run.tags.get(HYPOTHESIS, ""),
        run.note.strip().partition("\n")[0],
        run.name,
        join_words(dict.fromkeys(model.kind.rpartition(".")[2] for model in run.models)),
        run.experiment,
    ]
    found = next((" ".join(line.split()) for line in lines if line.strip()), "")
    return found if len(found) <= _TITLE else found[: _TITLE - 1] + "…"


def ideas_of(runs: Sequence[Run], metrics: Sequence[MetricRow]) -> tuple[Idea, ...]:
    """The runs by idea, in the order they came up."""
    by_idea: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.start_time):
        by_idea.setdefault(idea_of(run), []).append(run)
    found = []
    for name, tried in by_idea.items():
        best = {}
        for row in metrics:
            top = _best(row, [run.run_id for run in tried])
            if top:
                best[row.name] = top
        dropped = next((run.tags[DROPPED] for run in reversed(tried) if run.tags.get(DROPPED)), "")
        found.append(
            Idea(
                name=name,
                run_ids=tuple(run.run_id for run in tried),
                duration=math.fsum(run.duration or 0.0 for run in tried),
                best=best,
                dropped=dropped,
            )
        )
    return tuple(found)


def frontiers_of(runs: Sequence[Run], metrics: Sequence[MetricRow]) -> dict[str, tuple[FrontierPoint, ...]]:
    """For each metric of known direction, its comparable runs over time and which were the best so far."""
    found = {}
    ordered = sorted(runs, key=lambda run: (run.start_time, run.number))
    for row in metrics:
        if row.higher_is_better is None:
            continue
        best: float | None = None
        points = []
        for run in ordered:
            value = row.values.get(run.run_id)
            if value is None or run.run_id in row.apart or not math.isfinite(value):
                continue
            record = best is None or (value > best if row.higher_is_better else value < best)
            best = value if record else best
            points.append(
                FrontierPoint(
                    run_id=run.run_id, time=run.start_time, value=value, best=record, idea=idea_of(run)
                )
            )
        if len(points) > 1:
            found[row.name] = tuple(points)
    return found


def descents_of(runs: Sequence[Run], labels: dict[str, str]) -> tuple[Descent, ...]:
    """Which of the runs each one stands on: its parent, its baseline, else the last run of its cell."""
    ordered = sorted(runs, key=lambda run: (run.start_time, run.number))
    known = {run.run_id: run for run in ordered}
    found = []
    for place, run in enumerate(ordered):
        if run.parent_id in known:
            found.append(_descent(run, known[run.parent_id], "child", labels))
        elif run.baseline_id in known and run.baseline_id != run.run_id:
            found.append(_descent(run, known[run.baseline_id], "baseline", labels))
        else:
            before = [other for other in ordered[:place] if _same_cell(run, other)]
            if before:
                repeated = run.code_hash and before[-1].code_hash == run.code_hash
                same = repeated and before[-1].params == run.params
                found.append(_descent(run, before[-1], "repeated" if same else "edited", labels))
    return tuple(found)


def hypotheses_of(runs: Sequence[Run]) -> tuple[Hypothesis, ...]:
    """What was expected of the runs. Only what stood on the marker line was written before the result.

    A hypothesis over a cell whose result an earlier run of the same code, settings and data had already
    shown is no prediction either.
    """
    found = []
    for run in runs:
        if run.hypothesis:
            known = any(_same_result(run, other) for other in runs if other.start_time < run.start_time)
            found.append(Hypothesis(run_id=run.run_id, text=run.hypothesis, before=not known))
        later = run.tags.get(HYPOTHESIS, "")
        if later and later != run.hypothesis:
            found.append(Hypothesis(run_id=run.run_id, text=later, before=False))
    return tuple(found)


def _descent(run: Run, parent: Run, relation: str, labels: dict[str, str]) -> Descent:
    if relation == "child":
        words = f"one turn of {labels[parent.run_id]}"
    else:
        changed = _changes(differences_between(parent, run))
        verb = {"baseline": "held against", "edited": "edited from", "repeated": "again"}[relation]
        words = f"{verb} {labels[parent.run_id]}" + (f": {changed}" if changed else "")
    return Descent(run_id=run.run_id, parent_id=parent.run_id, relation=relation, sentence=words)


def _changes(differences: Differences) -> str:
    words = [change.describe() for change in differences.params]
    if len(words) > _CHANGES:
        words[_CHANGES:] = [count(len(words) - _CHANGES, "more parameter")]
    code = differences.describe_code()
    if differences.code_beyond_params and code not in ("same", "otherwise same"):
        words.append(f"code {code}")
    if any(d.change not in ("same", "unknown") for d in differences.telling_data):
        words.append("other data")
    return ", ".join(words)


def _best(row: MetricRow, run_ids: Sequence[str]) -> str:
    values = {
        run_id: row.values[run_id]
        for run_id in run_ids
        if run_id in row.values and run_id not in row.apart and math.isfinite(row.values[run_id])
    }
    if row.higher_is_better is None or not values:
        return ""
    choose = max if row.higher_is_better else min
    return choose(values, key=lambda run_id: values[run_id])


def _same_cell(run: Run, other: Run) -> bool:
    if run.experiment != other.experiment or bool(run.parent_id) is not bool(other.parent_id):
        return False
    if run.cell_id and other.cell_id:
        return run.cell_id == other.cell_id
    return bool(run.name) and run.name == other.name


def _same_result(run: Run, other: Run) -> bool:
    return (
        bool(run.code_hash)
        and run.code_hash == other.code_hash
        and run.params == other.params
        and [d.fingerprint for d in run.datasets] == [d.fingerprint for d in other.datasets]
    )
