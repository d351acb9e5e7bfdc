"""The data of two runs: contents, rows, columns, types, missing values and distributions."""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from .distributions import TELLING, column_difference
from .findings import ColumnDifference, DataDifference
from .statistics import (
    MEAN_SHIFT,
    SHARE_SHIFT,
    SPREAD_RATIO,
    mean_shift,
    missing_rate,
    shares,
    spread_ratio,
)
from .wording import MINUS, count, format_number, join_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mlops.records import Column, Dataset, Run

Sentence = tuple[float, str]
_SENTENCES = 12
_PICTURES = 12
_ONE_SIDED = ("added", "removed")


def data_differences(
    reference: Run, run: Run
) -> tuple[tuple[DataDifference, ...], tuple[DataDifference, ...], tuple[DataDifference, ...]]:
    """How the datasets of `run` differ from those of `reference`, what changed first.

    `change` is ``same``, ``changed``, ``added``, ``removed`` or, when contents could not be
    fingerprinted and nothing else differs, ``unknown``.

    Returns:
        All differences; those that tell of other data; and, where every file is known to be the same, the
        tables that code made otherwise of them. A table that code made on the way and that only one of the
        runs looked at tells nothing of the data, as long as they share some.
    """
    free = _latest(reference)
    found: list[tuple[Dataset, DataDifference]] = []
    files: list[bool] = []  # of each dataset that came from somewhere, whether that is the same
    for dataset in _latest(run).values():
        partner = _partner(dataset, free)
        if partner is None:
            only = _difference(run, dataset, "added", (f"only here: {describe_size(dataset)}",))
            found.append((dataset, only))
            files += [False] if dataset.location else []
            continue
        free.pop((partner.name, partner.role))
        change, sentences = compare_datasets(partner, dataset)
        columns = column_differences(partner, dataset) if change != "same" else ()
        found.append((dataset, _difference(run, dataset, change, sentences, columns)))
        if dataset.location or partner.location:
            unchanged = bool(dataset.file_hash) and dataset.file_hash == partner.file_hash
            files.append(unchanged or change == "same")
    for dataset in free.values():
        only = _difference(run, dataset, "removed", (f"only in the reference: {describe_size(dataset)}",))
        found.append((dataset, only))
        files += [False] if dataset.location else []
    found.sort(key=lambda pair: pair[1].change == "same")
    shared = any(difference.change not in _ONE_SIDED for _, difference in found)
    telling = [
        difference
        for dataset, difference in found
        if difference.change not in _ONE_SIDED or dataset.location or not shared
    ]
    every = tuple(difference for _, difference in found)
    anew = tuple(d for d in every if d.change not in ("same", "unknown"))
    derived = anew if files and all(files) else ()
    return every, tuple(telling), derived


def column_differences(before: Dataset, after: Dataset) -> tuple[ColumnDifference, ...]:
    """The columns both have whose values are spread otherwise, the furthest first, at most a dozen."""
    new = {column.name: column for column in after.columns}
    alike = before.rows == after.rows
    found = [
        difference
        for column in before.columns
        if column.name in new
        and not (alike and column == new[column.name])
        and (difference := column_difference(column, new[column.name], before.rows, after.rows)) is not None
        and difference.distance >= TELLING
    ]
    return tuple(sorted(found, key=lambda difference: -difference.distance)[:_PICTURES])


def dataset_label(dataset: Dataset) -> str:
    """What to call a dataset: its variable and, when loaded from a file, the file's name."""
    file = PurePosixPath(dataset.location.replace("\\", "/")).name
    if not dataset.name:
        return file or "data"
    return f"{dataset.name} ({file})" if file and file != dataset.name else dataset.name


def describe_size(dataset: Dataset) -> str:
    """Write ``344 rows × 7 columns``, or the shape of an array."""
    if dataset.columns:
        return f"{count(dataset.rows, 'row')} × {count(len(dataset.columns), 'column')}"
    if dataset.shape:
        return " × ".join(f"{size:,}" for size in dataset.shape)
    return count(dataset.rows, "row")


def compare_datasets(before: Dataset, after: Dataset) -> tuple[str, tuple[str, ...]]:
    """The change and its sentences, largest first, between two datasets."""
    known = bool(before.fingerprint and after.fingerprint)
    if known and before.fingerprint == after.fingerprint:
        return "same", (("compared by a sample",) if before.sampled or after.sampled else ())
    sentences = [*_shape_sentences(before, after), *_column_sentences(before, after)]
    if not sentences and not known:
        return "unknown", ("the contents could not be fingerprinted; size and columns are equal",)
    if not sentences:
        sentences = [(0, "other contents, with the same size, columns and statistics")]
    if before.file_hash and after.file_hash:
        if before.file_hash == after.file_hash:
            sentences.append((-1, "the file itself is the same"))
        else:
            sentences.append((-1, "the file itself changed"))
    ordered = [text for _, text in sorted(sentences, key=lambda pair: -pair[0])]
    if len(ordered) > _SENTENCES:
        ordered[_SENTENCES:] = [f"and {len(ordered) - _SENTENCES} smaller changes"]
    return "changed", tuple(ordered)


def _shape_sentences(before: Dataset, after: Dataset) -> list[Sentence]:
    sentences: list[Sentence] = []
    if before.rows != after.rows:
        change = after.rows - before.rows
        signed = f"{'+' if change > 0 else MINUS}{abs(change):,}"
        sentences.append((1000, f"rows {before.rows:,} → {after.rows:,} ({signed})"))
    elif before.shape != after.shape and not (before.columns and after.columns):
        sentences.append((1000, f"shape {_shape(before)} → {_shape(after)}"))
    if before.kind != after.kind:
        sentences.append((900, f"now a {after.kind}, was a {before.kind}"))
    return sentences


def _column_sentences(before: Dataset, after: Dataset) -> list[Sentence]:
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    sentences: list[Sentence] = []
    if added := [name for name in new if name not in old]:
        sentences.append((800, f"new {_columns(added)}"))
    if removed := [name for name in old if name not in new]:
        sentences.append((810, f"without {_columns(removed)}"))
    shared = [name for name in old if name in new]
    if not added and not removed and list(old) != list(new):
        sentences.append((10, "columns in another order"))
    alike = before.rows == after.rows
    for name in shared:
        if alike and old[name] == new[name]:
            continue
        if old[name].dtype != new[name].dtype:
            sentences.append((700, f"`{name}` is {new[name].dtype}, was {old[name].dtype}"))
        sentences += _profile_sentences(name, old[name], new[name], before.rows, after.rows)
    return sentences


def _profile_sentences(name: str, old: Column, new: Column, rows: int, new_rows: int) -> list[Sentence]:
    sentences: list[Sentence] = []
    before, after = missing_rate(old, rows), missing_rate(new, new_rows)
    if before is not None and after is not None and abs(after - before) >= 0.001:
        text = f"`{name}` missing {_percent(before)} → {_percent(after)}"
        sentences.append((500 * abs(after - before) + 100, text))
    shift = mean_shift(old, new)
    if shift is not None and abs(shift) >= MEAN_SHIFT:
        sizes = f"{format_number(old.profile['mean'])} → {format_number(new.profile['mean'])}"
        far = f" ({'+' if shift > 0 else MINUS}{abs(shift):.1f} sd)" if math.isfinite(shift) else ""
        sentences.append((100 * min(abs(shift), 4), f"`{name}` mean {sizes}{far}"))
    ratio = spread_ratio(old, new)
    if ratio is not None and not 1 / SPREAD_RATIO < ratio < SPREAD_RATIO:
        sizes = f"{format_number(old.profile['std'])} → {format_number(new.profile['std'])}"
        sentences.append((50, f"`{name}` spread {sizes}"))
    if shift is None:
        sentences += _category_sentences(name, old, new, rows, new_rows)
    return sentences


def _category_sentences(name: str, old: Column, new: Column, rows: int, new_rows: int) -> list[Sentence]:
    before, after = shares(old, rows), shares(new, new_rows)
    if not before or not after:
        return []
    # Only a complete list of values shows which are new; a list of the top ten does not.
    complete = all(
        column.profile.get("distinct") == len(listed) for column, listed in ((old, before), (new, after))
    )
    sentences: list[Sentence] = []
    if complete and (fresh := [value for value in after if value not in before]):
        sentences.append((300, f"`{name}` has new values {_quoted(fresh)}"))
    if complete and (gone := [value for value in before if value not in after]):
        sentences.append((300, f"`{name}` lost values {_quoted(gone)}"))
    moved = {value: after[value] - before[value] for value in before if value in after}
    if moved:
        value = max(moved, key=lambda key: abs(moved[key]))
        if abs(moved[value]) >= SHARE_SHIFT:
            text = f"`{name}` '{value}' {_percent(before[value])} → {_percent(after[value])} of rows"
            sentences.append((100 * abs(moved[value]), text))
    return sentences


def _latest(run: Run) -> dict[tuple[str, str], Dataset]:
    """The run's datasets by name and role; of several versions of one, the last seen."""
    return {(dataset.name, dataset.role): dataset for dataset in run.datasets}


def _partner(dataset: Dataset, free: dict[tuple[str, str], Dataset]) -> Dataset | None:
    if (dataset.name, dataset.role) in free:
        return free[dataset.name, dataset.role]
    agree: tuple[Callable[[Dataset], bool], ...] = (
        lambda other: bool(dataset.fingerprint) and dataset.fingerprint == other.fingerprint,
        lambda other: bool(dataset.name) and dataset.name == other.name,
        lambda other: bool(dataset.location) and dataset.location == other.location,
    )
    return next((other for test in agree for other in free.values() if test(other)), None)


def _difference(
    run: Run,
    dataset: Dataset,
    change: str,
    sentences: tuple[str, ...],
    columns: tuple[ColumnDifference, ...] = (),
) -> DataDifference:
    return DataDifference(
        run_id=run.run_id, name=dataset_label(dataset), change=change, sentences=sentences, columns=columns
    )


def _shape(dataset: Dataset) -> str:
    return "(" + ", ".join(str(size) for size in dataset.shape) + ")"


def _columns(names: list[str]) -> str:
    shown = [f"`{name}`" for name in names[:5]]
    if len(names) > 5:
        shown.append(f"{len(names) - 5} more")
    return f"{'column' if len(names) == 1 else 'columns'} {join_words(shown)}"


def _quoted(values: list[str]) -> str:
    shown = [f"'{value}'" for value in values[:4]]
    if len(values) > 4:
        shown.append(f"{len(values) - 4} more")
    return join_words(shown)


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
