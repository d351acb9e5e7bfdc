"""Code as executed, cell by cell, against the reference run's."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from itertools import groupby, islice
from typing import TYPE_CHECKING

from .findings import CodeDifference
from .lineage import cell_lines, cell_title, standing_cells
from .settings import Change, explained_by_params

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_mlops.records import Execution, Run

Pair = tuple[int, int]

#: Cells with so much in common are one, edited.
_ALIKE = 0.6
_COPY = 0.75


def code_differences(
    reference: Run, run: Run, changes: Sequence[Change] = ()
) -> tuple[tuple[CodeDifference, ...], tuple[CodeDifference, ...]]:
    """How the cells `run` stands on differ from those of `reference`, in the order they ran.

    Cells that are the same are listed too (``same``); removed ones come last.

    Returns:
        All differences, and those of them that are more than the parameter `changes` (old value,
        new value) written in the code.
    """
    old, new = standing_cells(reference), standing_cells(run)
    old_lines = [cell_lines(cell.source) for cell in old]
    new_lines = [cell_lines(cell.source) for cell in new]
    own_old, own_new = set(reference.orders), set(run.orders)
    pairs = _match(
        old,
        new,
        old_lines,
        new_lines,
        own=lambda a, b: old[a].order in own_old and new[b].order in own_new,
    )
    partner = {b: a for a, b in pairs}
    moved = _moved(pairs)
    everything: list[CodeDifference] = []
    explained: set[int] = set()
    for index, cell in enumerate(new):
        lines = new_lines[index]
        if index not in partner:
            if lines in old_lines:  # a cell this run stands on that the reference *is*
                everything.append(_difference(run, "same", cell, []))
            elif lines:
                everything.append(_difference(run, "added", cell, [f"+{line}" for line in lines]))
            continue
        before = old_lines[partner[index]]
        if before != lines:
            if explained_by_params(before, lines, changes):
                explained.add(len(everything))
            went = _move(partner[index], index) if index in moved else ""
            everything.append(_difference(run, "changed", cell, unified_lines(before, lines), went))
        elif index in moved:
            everything.append(_difference(run, "moved", cell, [], _move(partner[index], index)))
        else:
            everything.append(_difference(run, "same", cell, []))
    matched = {a for a, _ in pairs}
    everything += [
        _difference(run, "removed", cell, [f"-{line}" for line in old_lines[index]])
        for index, cell in enumerate(old)
        if index not in matched and old_lines[index] and old_lines[index] not in new_lines
    ]
    beyond = tuple(item for index, item in enumerate(everything) if index not in explained)
    return tuple(everything), beyond


def unified_lines(before: Sequence[str], after: Sequence[str], context: int = 3) -> list[str]:
    """A unified diff without its headers: each line begins with a space, ``+`` or ``-``.

    Hunks far apart are told apart by a line `` ⋯``.
    """
    lines: list[str] = []
    # The two file headers come first; code may look like them (a line of SQL that begins with --).
    for line in islice(difflib.unified_diff(before, after, lineterm="", n=context), 2, None):
        if not line.startswith("@@"):
            lines.append(line)
        elif lines:
            lines.append(" ⋯")
    return lines


def changed_line_count(differences: Sequence[CodeDifference]) -> int:
    """How many lines a person would say were changed: a replaced line counts once, a blank one not."""
    total = 0
    for difference in differences:
        for _, block in groupby(difference.lines, key=lambda line: line.startswith(" ")):
            signs = [line[0] for line in block if line[1:].strip() and not line.startswith(" ")]
            total += max(signs.count("+"), signs.count("-"))
    return total


def _difference(
    run: Run, change: str, cell: Execution, lines: Sequence[str], moved: str = ""
) -> CodeDifference:
    return CodeDifference(
        run_id=run.run_id, change=change, title=cell_title(cell), lines=tuple(lines), moved=moved
    )


def _move(before: int, after: int) -> str:
    return f"ran as cell {before + 1}, now as cell {after + 1}"


def _match(
    old: Sequence[Execution],
    new: Sequence[Execution],
    old_lines: Sequence[list[str]],
    new_lines: Sequence[list[str]],
    *,
    own: Callable[[int, int], bool],
) -> list[Pair]:
    """Pair the cells of two runs, surest evidence first: their part, id, text, likeness."""
    free_old, free_new = set(range(len(old))), set(range(len(new)))
    pairs: list[Pair] = []

    def pair_where(agree: Callable[[int, int], bool]) -> None:
        for b in sorted(free_new):
            a = next((a for a in sorted(free_old) if agree(a, b)), None)
            if a is not None:
                pairs.append((a, b))
                free_old.discard(a)
                free_new.discard(b)

    def like(a: int, b: int, least: float) -> bool:
        matcher = difflib.SequenceMatcher(None, old_lines[a], new_lines[b], autojunk=False)
        if (
            matcher.real_quick_ratio() >= least
            and matcher.quick_ratio() >= least
            and matcher.ratio() >= least
        ):
            return True
        # Short cells share few whole lines; compare their characters, unless they are huge.
        first, second = "\n".join(old_lines[a]), "\n".join(new_lines[b])
        if len(first) + len(second) > 4000:
            return False
        matcher = difflib.SequenceMatcher(None, first, second, autojunk=False)
        return matcher.quick_ratio() >= least and matcher.ratio() >= least

    # The runs' own cells first: a copy of a tracked cell is that cell, edited.
    pair_where(lambda a, b: own(a, b) and like(a, b, 0.5))
    pair_where(lambda a, b: bool(old[a].cell_id) and old[a].cell_id == new[b].cell_id)
    pair_where(lambda a, b: old_lines[a] == new_lines[b])
    # A cell with an id of its own may be a copy that was typed anew: that takes more likeness.
    pair_where(lambda a, b: like(a, b, _COPY if old[a].cell_id and new[b].cell_id else _ALIKE))
    return sorted(pairs, key=lambda pair: pair[1])


def _moved(pairs: Sequence[Pair]) -> set[int]:
    """Which new cells left their place: those outside the longest run of pairs in the same order."""
    tails: list[int] = []
    tail_at: list[int] = []
    before: dict[int, int | None] = {}
    for position, (a, _) in enumerate(pairs):
        slot = bisect_left(tails, a)
        before[position] = tail_at[slot - 1] if slot else None
        if slot == len(tails):
            tails.append(a)
            tail_at.append(position)
        else:
            tails[slot], tail_at[slot] = a, position
    stayed = set()
    at = tail_at[-1] if tail_at else None
    while at is not None:
        stayed.add(at)
        at = before[at]
    return {b for position, (_, b) in enumerate(pairs) if position not in stayed}
