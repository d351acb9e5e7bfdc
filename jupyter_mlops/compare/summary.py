"""One sentence over a comparison: what changed and what it did."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from jupyter_mlops.records import Run, Status

from .comparability import apart_groups, evaluation_of, same_rows
from .differences import Differences, code_is_same, data_is_same
from .rows import UNKNOWN_DIRECTION, best_run
from .wording import count, format_change, format_row, format_value, join_labels, join_words, run_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .findings import MetricRow, SeedGroup

_PARAMS = 3
_VALUES = 4
_NAMED = 5
_ROLES = {"train": "training ", "test": "test ", "val": "validation ", "valid": "validation "}


def summarize(
    runs: Sequence[Run],
    reference: Run,
    differences: Mapping[str, Differences],
    rows: Sequence[MetricRow],
    groups: Sequence[SeedGroup] = (),
) -> str:
    """Say what changed against `reference` and what it did to the leading metric.

    Args:
        runs: The compared runs, the reference among them.
        reference: The run the others are held against.
        differences: Differences to the reference by ``run_id`` of the others.
        rows: The metric rows of the comparison.
        groups: Runs that differ by their seeds only.
    """
    labels = run_labels(runs)
    others = [run for run in runs if run.run_id != reference.run_id]
    if not others:
        return f"{labels[reference.run_id]} alone: add another run to compare it with."
    if len(groups) == 1 and len(groups[0].run_ids) == len(runs):
        return _seeds_only(groups[0], rows)
    causes = _causes(reference, others, differences, labels)
    effect = _effect(runs, reference, others, rows, labels)
    return f"{causes}: {effect}." if effect else f"{causes}."


def _seeds_only(group: SeedGroup, rows: Sequence[MetricRow]) -> str:
    leading = leading_metric(rows)
    spread = next((s for s in group.spreads if leading is not None and s.metric == leading.name), None)
    told = f": {spread.metric} {spread.sentence}" if spread is not None else ""
    return f"Only the seed differs, everything else the same{told}."


def leading_metric(rows: Sequence[MetricRow]) -> MetricRow | None:
    """The metric a summary speaks of: shared, comparable, of known direction, off the training data."""
    shared = [row for row in rows if len(row.values) > 1 and row.changes]
    if not shared:
        return None

    def weigh(row: MetricRow) -> tuple[bool, bool, bool]:
        trained = row.name.lower().startswith("train") or "train_" in row.name.lower()
        return (not row.comparable, row.higher_is_better is None, trained)

    return min(shared, key=weigh)


def _causes(
    reference: Run,
    others: Sequence[Run],
    differences: Mapping[str, Differences],
    labels: Mapping[str, str],
) -> str:
    found = [differences[run.run_id] for run in others]
    changed = []
    same = []
    params = _param_words(others, found)
    if params:
        changed.append(params)
    else:
        same.append("parameters")
    derived = [run for run in others if differences[run.run_id].derived]
    different_data = [
        run for run in others if run not in derived and not data_is_same(differences[run.run_id].telling_data)
    ]
    unknown_data = _without_data(reference, different_data)
    if unknown_data:
        changed.append(f"data of {_labelled(unknown_data, labels)} unknown")
        different_data = [run for run in different_data if reference.datasets and run.datasets]
    if different_data:
        changed.append(_data_words(different_data, others, differences, labels))
    elif not unknown_data and all(difference.telling_data for difference in found):
        same.append("files" if derived else "data")
    if derived:
        changed.append(_derived_words(derived, others, differences, labels))
    different_code = [run for run in others if not code_is_same(differences[run.run_id].code_beyond_params)]
    if different_code:
        if len(others) == 1:
            changed.append(f"code {found[0].describe_code()}")
        else:
            changed.append(f"other code in {_these(different_code, others, labels)}")
    elif all(difference.code for difference in found):
        # Where only a parameter's literal was edited, that is said already, once.
        same.append("code" if all(code_is_same(d.code) for d in found) else "the other code")
    packages = {d.name for f in found for d in f.environment if not d.name.startswith(_PLACES)}
    if packages:
        changed.append(_environment_words(others, found, packages))
    sentence = ", ".join(changed)
    if same:
        kept = f"{join_words(same)} the same"
        sentence = f"{sentence}, {kept}" if sentence else kept
    sentence = sentence or "Nothing is known to differ"
    return sentence[0].upper() + sentence[1:]


_PLACES = ("git ", "uncommitted", "platform", "directory", "cpu", "cores", "sys.path", "seed ")


def _param_words(others: Sequence[Run], found: Sequence[Differences]) -> str:
    if len(others) == 1:
        words = [change.describe() for change in found[0].params]
    else:
        names = sorted(
            dict.fromkeys(change.name for difference in found for change in difference.params),
            key=lambda name: "__" in name,
        )
        if len(names) == 1:
            values = [format_value(run.params[names[0]]) for run in others if names[0] in run.params]
            first = next(change for difference in found for change in difference.params)
            before = first.values()[0] or "not set"
            distinct = list(dict.fromkeys(values))
            if len(distinct) > _VALUES:
                return f"`{names[0]}` varies"
            return f"`{names[0]}` {before} → {join_words(distinct, 'or') or 'not set'}"
        words = [f"`{name}`" for name in names]
    more = len(words) - _PARAMS
    if more > 0:
        words[_PARAMS:] = [f"{more} more {'parameter' if more == 1 else 'parameters'}"]
    if len(others) > 1 and words:
        return f"{join_words(words)} vary"
    return join_words(words)


def _without_data(reference: Run, others: Sequence[Run]) -> list[Run]:
    """Those whose data nobody kept: that is not known to be other data."""
    return [run for run in (reference, *others) if others and not run.datasets]


def _data_words(
    different: Sequence[Run],
    others: Sequence[Run],
    differences: Mapping[str, Differences],
    labels: Mapping[str, str],
) -> str:
    if len(others) > 1:
        return f"other data in {_these(different, others, labels)}"
    changed = [d for d in differences[different[0].run_id].telling_data if d.change != "same"]
    if all(d.change == "unknown" for d in changed):
        return "data perhaps other"
    first = next(d for d in changed if d.change != "unknown")
    told = {"added": "is new", "removed": "is gone"}.get(first.change, first.sentences[0])
    more = f" and {count(len(changed) - 1, 'more dataset')} changed" if len(changed) > 1 else ""
    return f"data {first.name} {told}{more}"


def _derived_words(
    derived: Sequence[Run],
    others: Sequence[Run],
    differences: Mapping[str, Differences],
    labels: Mapping[str, str],
) -> str:
    if len(others) > 1:
        return f"tables derived anew in {_these(derived, others, labels)}"
    tables = differences[derived[0].run_id].derived
    changes = {table.change for table in tables}
    told = "new" if changes == {"added"} else "gone" if changes == {"removed"} else "derived anew"
    if len(tables) == 1:
        [table] = tables
        how = f" ({table.sentences[0]})" if table.change == "changed" else ""
        return f"table {table.name} {told}{how}"
    if len(tables) > _PARAMS:
        return f"{len(tables)} tables {told}"
    return f"tables {join_words(table.name for table in tables)} {told}"


def _environment_words(others: Sequence[Run], found: Sequence[Differences], names: set[str]) -> str:
    if len(others) == 1 and len(names) == 1:
        only = next(d for d in found[0].environment if d.name in names)
        return f"{only.name} {only.reference or 'not imported'} → {only.value or 'not imported'}"
    return f"{count(len(names), 'package')} other"


def _effect(
    runs: Sequence[Run],
    reference: Run,
    others: Sequence[Run],
    rows: Sequence[MetricRow],
    labels: Mapping[str, str],
) -> str:
    ended = [run for run in runs if run.status in (Status.FAILED, Status.KILLED)]
    row = leading_metric(rows)
    if row is None:
        if ended:
            return join_words(f"{labels[run.run_id]} {_ending(run)}" for run in ended)
        return "no metric in common"
    scored = [run for run in runs if run.run_id in row.values]
    if not row.comparable:
        written = format_row([row.values[run.run_id] for run in scored])
        if len(scored) == 2:
            text = f"{row.name} {' and '.join(written)} not comparable, {row.reason}"
            effect = next(iter(row.effects.values()), None)
            if effect is not None:
                change = "unchanged" if effect.change == 0 else format_change(effect.change)
                text += f"; on the {effect.rows:,} rows both predicted {change}; {effect.sentence}"
            return text
        together = [run for run in scored if run.run_id not in row.apart]
        apart = [run for run in scored if run.run_id in row.apart]
        if len(together) > 1 and reference in together:
            best = _best_words(_without(row, apart), together, reference, labels)
            sure = _how_sure(_without(row, apart), reference, labels)
            where = _where(row, together, labels)
            return f"{best}{where}{sure}; {_apart_words(row, apart, labels)}"
        if apart:
            return f"{row.name} not comparable: {_apart_words(row, apart, labels)}"
        return f"{row.name} not comparable, {row.reason}"
    where = _where(row, scored, labels)
    if len(others) == 1:
        text = f"{row.name} {_change_words(row, others[0])}"
        effect = row.effects.get(others[0].run_id)
        if effect is not None:
            where += f"; {effect.sentence}"
    else:
        text = _best_words(row, scored, reference, labels)
        where += _how_sure(row, reference, labels)
    ending = "".join(f"; {labels[run.run_id]} {_ending(run)}" for run in ended)
    return f"{text}{where}{ending}"


def _how_sure(row: MetricRow, reference: Run, labels: Mapping[str, str]) -> str:
    """How sure the best is: held against the reference, or where that is the best, the next against it."""
    best = row.effects.get(row.best)
    if best is not None:
        return f"; {best.sentence}"
    others = [run_id for run_id in row.effects if math.isfinite(row.values.get(run_id, math.nan))]
    if row.best != reference.run_id or not others:
        return ""
    second = (max if row.higher_is_better else min)(others, key=lambda run_id: row.values[run_id])
    return f"; next {labels[second]}, {format_change(row.changes[second])}; {row.effects[second].sentence}"


def _apart_words(row: MetricRow, apart: Sequence[Run], labels: Mapping[str, str]) -> str:
    """Which runs stand apart, and why: each reason with the runs it holds for."""
    groups = apart_groups({run.run_id: row.apart[run.run_id] for run in apart})
    runs = {run.run_id: run for run in apart}
    return "; ".join(
        f"{_labelled([runs[run_id] for run_id in group], labels)} apart, {reason}"
        for reason, group in groups.items()
    )


def _without(row: MetricRow, runs: Sequence[Run]) -> MetricRow:
    left = {run.run_id for run in runs}
    values = {run_id: value for run_id, value in row.values.items() if run_id not in left}
    return msgspec.structs.replace(row, values=values)


def _change_words(row: MetricRow, run: Run) -> str:
    change = row.changes[run.run_id]
    return "unchanged" if change == 0 else format_change(change)


def _best_words(row: MetricRow, scored: Sequence[Run], reference: Run, labels: Mapping[str, str]) -> str:
    written = dict(
        zip((r.run_id for r in scored), format_row([row.values[r.run_id] for r in scored]), strict=True)
    )
    direction = row.higher_is_better
    numbers = {run_id: value for run_id, value in row.values.items() if math.isfinite(value)}
    if len(set(written.values())) == 1 and len(set(numbers.values())) < 2:
        which = _labelled(scored, labels) if row.apart else "every run"
        return f"{row.name} {next(iter(written.values()))} in {which}"
    if len(numbers) == 1:
        alone = next(iter(numbers))
        return f"{row.name} {written[alone]} in {labels[alone]} alone"
    if row.reason == UNKNOWN_DIRECTION or direction is None or not numbers:
        ordered = numbers or row.values
        low = min(ordered, key=lambda key: ordered[key])
        high = max(ordered, key=lambda key: ordered[key])
        return f"{row.name} from {written[low]} ({labels[low]}) to {written[high]} ({labels[high]})"
    best = row.best or best_run(row.values, direction)
    if best == reference.run_id:
        return f"{row.name} stays best in {labels[best]} ({written[best]})"
    change = f", {format_change(row.changes[best])}" if best in row.changes else ""
    return f"best {row.name} {written[best]} in {labels[best]}{change}"


def _where(row: MetricRow, scored: Sequence[Run], labels: Mapping[str, str]) -> str:
    evaluation = same_rows(row.name, scored)
    if evaluation is None:
        known = any(_is_scored_on(run, row.name) for run in scored)
        unknown = [run for run in scored if run.datasets and not _is_scored_on(run, row.name)]
        return f" (scored rows of {_labelled(unknown, labels)} unknown)" if known and unknown else ""
    if evaluation.rows is None:
        return ""
    words = evaluation.target_name.lower().replace(".", "_").split("_")
    role = next((_ROLES[word] for word in words if word in _ROLES), "")
    return f" on the same {evaluation.rows:,} {role}rows"


def _is_scored_on(run: Run, metric: str) -> bool:
    evaluation = evaluation_of(run, metric)
    return evaluation is not None and bool(evaluation.target)


def _labelled(runs: Sequence[Run], labels: Mapping[str, str]) -> str:
    return join_labels([labels[run.run_id] for run in runs], _NAMED)


def _ending(run: Run) -> str:
    if run.status is Status.KILLED:
        return {"kernel_died": "lost its kernel", "interrupted": "was interrupted"}.get(
            run.status_reason, "was stopped"
        )
    return f"failed ({run.failure.kind})" if run.failure else "failed"


def _these(runs: Sequence[Run], others: Sequence[Run], labels: Mapping[str, str]) -> str:
    if len(runs) == len(others):
        return "each" if len(runs) < 3 else "all"
    return join_labels([labels[run.run_id] for run in runs], _NAMED)
