"""Which words of a printed line belong to which of its numbers.

A number is mostly named by the text before it. Not always: ``0.93 accuracy with a deviation of 0.02``,
``Train/Test: 0.99 / 0.93``, ``Correct: 198/200 (99.0 %)``, ``AUC 0.91 ± 0.03``.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from .metric_names import BETWEEN
from .numbers import is_number, to_number
from .vocabulary import counts_outcomes, is_part, is_setting, sounds_like_metric, sounds_like_size, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .sites import Event

_OUT_OF = frozenset({"/", "of", "out of", "//"})
_NEXT = frozenset({",", "-", "\u2013", "to", ";", "..."})
_AROUND = re.compile(r"±|\+\s?/?\s?[-\u2013]|\u00b1")
_LISTED = re.compile(r"\s*(?:/|,|\||&|\band\b)\s*")
_CLAUSE = re.compile(r"[\n;]|\s{3,}|\t")
#: Ends what is said of the number before it.
_GOES_ON = re.compile(r"\s+(?:with|and|at|for|on|in|after|using|over|from)\b|[,;(\n|±]|[-=]>|→")
_SPREAD = frozenset({"std", "sd", "sem", "stddev", "stdev", "err", "ci", "sigma"})


def settle(events: Iterable[Event]) -> list[Event]:
    """The printed events without mere counts (``198/200``), each with the label that is its own."""
    kept: list[Event] = []
    for _, line in groupby(events, key=lambda event: event.line):
        kept += _settle_line(list(line))
    return kept


def _settle_line(line: list[Event]) -> list[Event]:
    _name_by_columns(line)
    if len(line) == 1 and not line[0].site.after:
        return line
    contexts = [event.label.rpartition(BETWEEN)[0] for event in line]
    texts = [event.label.rpartition(BETWEEN)[2] for event in line]
    after = [*texts[1:], line[-1].site.after]
    dropped = _drop_counts(line, texts)
    for index, event in enumerate(line):
        if index in dropped or not is_number(event.value):
            continue
        if _stands_inside(event, index, texts):
            dropped.add(index)
            continue
        if texts[index].endswith("@") and _is_whole(event) and index + 1 < len(line):
            texts[index + 1] = f"{texts[index]}{to_number(event.value)}{texts[index + 1]}"
            dropped.add(index)  # `precision@{k}`: the number is part of the name
            continue
        _deal_out(index, texts)
        _look_behind(index, texts, after)
        _name_spread(index, line, texts, contexts)
        _name_share(index, line, texts, after)
        _name_interval(index, texts)
        _carry(index, event, texts, dropped)
    for event, context, text in zip(line, contexts, texts, strict=True):
        event.label = f"{context}{BETWEEN}{text}" if context else text
    return [event for index, event in enumerate(line) if index not in dropped]


def _name_by_columns(line: list[Event]) -> None:
    """Rows under a printed head, ``model  acc  f1``: a number without a label has its column's."""
    places = line[-1].place + 1
    if places < 2 or any(words(event.label.rpartition(BETWEEN)[2]) for event in line):
        return
    heading = line[0].heading.strip()
    for columns in (re.split(r"\t+|\s{2,}|\s*\|\s*", heading), heading.split()):
        if len(columns) == places:
            for event in line:
                context = event.label.rpartition(BETWEEN)[0]
                label = f"{columns[event.place]}: "
                event.label = f"{context}{BETWEEN}{label}" if context else label
            return


def _drop_counts(line: list[Event], texts: list[str]) -> set[int]:
    """Of ``Correct: 198/200 = 99.0 %`` the label goes to the share; ``198 out of 200 correct`` is a count."""
    dropped: set[int] = set()
    for index in range(len(line) - 1):
        one, other = line[index], line[index + 1]
        if texts[index + 1].strip().lower() not in _OUT_OF or not (_is_whole(one) and _is_whole(other)):
            continue
        dropped.add(index + 1)
        if index + 2 < len(line) and not words(texts[index + 2]):
            texts[index + 2] = texts[index]
            dropped.add(index)
        elif not words(texts[index]):
            behind = texts[index + 2] if index + 2 < len(line) else line[-1].site.after
            texts[index] = _CLAUSE.split(behind.partition("(")[0])[0]
        if sounds_like_metric(texts[index]) and not counts_outcomes(texts[index]):
            dropped.add(index)  # `accuracy: 3/4` is no accuracy of 3
    return dropped


def _stands_inside(event: Event, index: int, texts: list[str]) -> bool:
    """``Accuracy on the 360 test images: 91.1``: a count inside the label of the next number."""
    if index + 1 >= len(texts) or not _is_whole(event):
        return False
    before, behind = texts[index], texts[index + 1]
    if (
        not sounds_like_metric(_CLAUSE.split(before)[-1])
        or before.rstrip().endswith((":", "=", "("))
        or not behind.rstrip().endswith((":", "="))
        or not words(behind)
        or sounds_like_metric(behind)
        or any(mark in behind for mark in ",;|/\n")
    ):
        return False
    texts[index + 1] = f"{before.rstrip()} {behind.lstrip()}"
    return True


def _carry(index: int, event: Event, texts: list[str], dropped: set[int]) -> None:
    """``CI: (0.31, 0.52)``: the second bound is called as the first is."""
    if index == 0 or index - 1 in dropped or texts[index].strip() not in _NEXT:
        return
    if words(texts[index - 1]) and not sounds_like_metric(event.site.expression):
        texts[index] = texts[index - 1]


def _is_whole(event: Event) -> bool:
    return is_number(event.value) and type(to_number(event.value)) is int


def _deal_out(index: int, texts: list[str]) -> None:
    """``train/test accuracy: `` before two bare numbers names both."""
    clause = _CLAUSE.split(texts[index].rstrip(" :=-([\n"))[-1]
    parts = [part.strip(" :=-([]){}") for part in _LISTED.split(clause)]
    following = texts[index + 1 : index + len(parts)]
    if len(parts) < 2 or len(following) < len(parts) - 1 or any(words(text) for text in following):
        return
    if not all(words(part) and len(words(part)) <= 4 for part in parts):
        return
    shared, (*_, last) = "", parts
    first, _, rest = last.partition(" ")
    if rest and sounds_like_metric(rest) and not any(map(sounds_like_metric, (*parts[:-1], first))):
        shared, parts[-1] = f" {rest}", first
    head, _, own = parts[0].rpartition(" ")
    if head and own.startswith("(") and sounds_like_metric(head):
        # "F1 (macro/micro)"
        parts = [own.lstrip("("), *parts[1:]]
        shared_before = f"{head} "
    elif head and (is_part(own) or sounds_like_metric(own)) and all(" " not in part for part in parts[1:]):
        # "Random forest train/test": what stands before the first is said of all.
        parts = [own, *parts[1:]]
        shared_before = f"{head} "
    else:
        shared_before = ""
    for offset, part in enumerate(parts):
        texts[index + offset] = f"{shared_before}{part}{shared}: "


def _look_behind(index: int, texts: list[str], after: list[str]) -> None:
    """``0.93 accuracy``: a number without a label of its own is named by what follows it."""
    if words(texts[index]):
        return
    behind = after[index].lstrip(" %")
    ends = _GOES_ON.search(behind)
    clause = behind[: ends.start()] if ends else behind
    last = index + 1 == len(after) or (index + 1 == len(texts))
    if not (ends or last) or clause.rstrip().endswith((":", "=")) or len(words(clause)) > 4:
        return
    if not (sounds_like_metric(clause) or counts_outcomes(clause)) or sounds_like_size(clause):
        return
    texts[index] = clause
    if index + 1 < len(texts):
        texts[index + 1] = behind[len(clause) :]
        after[index] = texts[index + 1]


def _name_interval(index: int, texts: list[str]) -> None:
    """``0.91 [0.88, 0.94]``: two numbers in brackets are the bounds of the one before."""
    if index == 0 or index + 1 >= len(texts) or texts[index].strip() not in ("[", "("):
        return
    before = texts[index - 1].rstrip(" :=")
    clause = _CLAUSE.split(before)[-1] if words(before) else ""
    if clause and texts[index + 1].strip() in (",", ";", "-", "\u2013", "to"):
        texts[index], texts[index + 1] = f"{clause} low: ", f"{clause} high: "


def _name_share(index: int, line: list[Event], texts: list[str], after: list[str]) -> None:
    """``bias: -0.02 (-8.1 %)``, ``12 wrong (3.1%)``: what stands in brackets is the same, relatively."""
    if index == 0 or words(texts[index]) or not texts[index].rstrip().endswith("("):
        return
    behind, before = after[index].lstrip(), texts[index - 1].rstrip(" :=")
    clause = _CLAUSE.split(before)[-1] if words(before) else ""
    if not clause or not behind.startswith(("%", ")")) or not is_number(line[index - 1].value):
        return
    counted = _is_whole(line[index - 1]) and not _is_whole(line[index])
    if behind.startswith("%") or (counted and "/" in line[index].site.expression):
        texts[index] = f"{clause} {'percent' if behind.startswith('%') else 'share'}: "


def _name_spread(index: int, line: list[Event], texts: list[str], contexts: list[str]) -> None:
    """``0.91 ± 0.03``: the second is the first's spread."""
    if index == 0 or words(texts[index]) or not is_number(line[index - 1].value):
        return
    if not (
        _AROUND.search(texts[index])
        or (texts[index].strip() == "(" and _SPREAD & set(words(line[index].site.expression)))
    ):
        return
    before = texts[index - 1].rstrip(" :=")
    clause = _CLAUSE.split(before)[-1] if words(before) else ""
    if clause:
        texts[index] = f"{clause} std: "
        if is_setting(clause):
            texts[index - 1] = f"{clause} value: "  # with a spread it was found, not set: a time constant
    elif contexts[index]:
        texts[index] = "std: "
