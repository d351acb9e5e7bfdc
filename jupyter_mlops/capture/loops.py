"""Curves and progress of loops, sampled between their steps.

A ``for`` over ``iterate(iter(x), …)`` runs over ``chain.from_iterable(slices)``: CPython pulls the
items through C code alone and comes back to our generator only between slices. There the names the
loop rebinds are read from the frame that runs the loop, so a sample is what stood at the end of a
step. Slices are one item long for the first steps (short loops are recorded exactly) and then grow
with the speed of the loop, so that an empty loop of ten million steps costs a few per cent.
"""

from __future__ import annotations

import contextlib
import math
import re
import sys
from itertools import chain, islice, repeat
from operator import length_hint
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .numbers import is_number, module_of, own_state, to_float, to_number
from .sites import FILLED, LoopSeries, arguments_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, FrameType

#: (key, order, scope, label, line, names, lists): see `instrument`.
What = tuple[str, int, str, str, int, tuple[str, ...], tuple[tuple[str, str, str], ...]]

_EXACT = 4_000
#: Sampling may cost at most about one part in this many of the loop's own time.
_SHARE = 40
#: A loop entered this often is a function's inner loop, not a training loop.
_ENTERED = 2_000
_KEPT = 20_000
#: How often the arguments of a function that loops are looked at.
_GIVEN = 100
#: Of so many turns of a loop it is remembered what they ran over.
_TURNS = 1_000
_TEXT = 200
_NAME = re.compile(r"[^\W\d]\w*")
#: Iterators that say how much is left. Those of a list can be handed more while they run.
_FIXED = frozenset(
    {id(type(iter(()))), id(type(iter(""))), id(type(iter(range(0)))), id(type(iter(range(2**70))))}
)
_SIZED = _FIXED | {
    id(type(iter([]))),
    id(type(iter({}))),
    id(type(iter({}.values()))),
    id(type(iter({}.items()))),
}


class Series:
    """The values one name took over the steps of a loop."""

    __slots__ = ("dropped", "steps", "times", "values")

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.values: list[float] = []
        self.times: list[float] = []
        self.dropped = 0

    @property
    def count(self) -> int:
        """How many points there were, kept or not."""
        return len(self.values) + self.dropped

    def thin(self) -> None:
        """Beyond a bound thin the points to half."""
        if len(self.values) > _KEPT:
            keep = thin(self.values, _KEPT // 2)
            self.dropped += len(self.values) - len(keep)
            # In place: whoever samples holds the lists themselves.
            self.steps[:] = [self.steps[index] for index in keep]
            self.times[:] = [self.times[index] for index in keep]
            self.values[:] = [self.values[index] for index in keep]


Watched = tuple[tuple[str, Series], ...]


class Loop:
    """One loop of the cell, over all the times it was entered."""

    def __init__(self, what: What) -> None:
        self.key, self.order, self.scope, self.label, self.line, self.names, self.lists = what
        self.steps = 0
        self.total: int | None = None
        self.entered = 0
        self.series: dict[str, Series] = {name: Series() for name in self.names}
        self.appended: dict[tuple[str, str], tuple[str, list[float]]] = {}
        #: What the loop runs over, of its first turns: their plain values and when each ended.
        self.targets = () if self.label == "while" else tuple(_NAME.findall(self.label))
        self.turns: dict[int, tuple[dict[str, Any], float]] = {}


class LoopWatch:
    """Everything the loops of one tracked cell said.

    `on_progress` is called from the user's thread, at most every `every` seconds after the first
    `after` seconds, with the loop that just took a step.
    """

    def __init__(
        self,
        on_progress: Callable[[Loop, LoopWatch], None] | None = None,
        *,
        after: float = 1.0,
        every: float = 0.5,
    ) -> None:
        self.loops: dict[str, Loop] = {}
        #: The loops that run now, outermost first.
        self.running: list[Loop] = []
        #: What functions of the notebook's own that loop were given, by function.
        self.arguments: dict[str, dict[str, Any]] = {}
        self.started = perf_counter()
        self.faults: list[BaseException] = []
        self._on_progress = on_progress
        self._next = self.started + after
        self._every = every

    def where(self) -> tuple[tuple[str, int], ...]:
        """The turn each running loop is in, outermost first."""
        return tuple([(loop.key, loop.steps) for loop in self.running])

    def slices(self, iterator: Iterator[Any], what: What, code: CodeType) -> Iterator[Iterable[Any]]:
        """Cut `iterator` into slices, sampling the loop that runs in `code` between them."""
        try:
            frame = sys._getframe(1)
            loop, begun = self._enter(iterator, what, frame, code)
            watched = tuple(loop.series.items())
            note = self._noter(loop, watched, frame, code)
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            self._fault(fault)
            yield iterator
            return
        base = loop.steps
        step = 0
        over = False

        def end() -> Iterator[Any]:
            nonlocal over
            over = True
            return
            yield

        # The iterator of a range or a tuple tells how much is left, and runs nobody's code. The end of a
        # foreign one can't be asked for without running it in our own frame, so a generator is chained
        # behind it: its being reached is the end.
        sized = id(type(iterator)) in _FIXED
        source = iterator if sized else chain(iterator, end())
        try:
            # The first steps one by one.
            for item in islice(iterator, _EXACT) if sized else repeat(None, _EXACT):
                yield (item,) if sized else islice(source, 1)
                if over:
                    return
                try:
                    note(base + step)
                except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
                    self._fault(fault)
                step += 1
            if step < _EXACT:
                return
            # Then as many at once as pass in the time that sampling may take.
            clock = perf_counter
            left = length_hint(iterator) if sized else 0
            take = 1
            last = clock()
            while not over:
                yield islice(source, take)
                if sized:
                    remaining = length_hint(iterator)
                    if remaining == left:
                        return
                    step += left - remaining
                    left = remaining
                else:
                    if over and take == 1:
                        return
                    step += take
                time = clock()
                try:
                    note(base + step - 1, over)
                    for _, series in watched:
                        series.thin()
                except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
                    self._fault(fault)
                after = clock()
                pace = max((time - last) / take, 1e-9)
                take = min(max(1, int((after - time) * _SHARE / pace)), take * 2, 1_000_000)
                last = after
        except GeneratorExit:
            # Left by break, return or an exception: the frame still stands at its last step,
            # unless it is the test of a `while` that ended it.
            frame = sys._getframe(1)
            if loop.label != "while" or frame.f_lineno != loop.line:
                step = (loop.total or 0) - length_hint(iterator) if sized else step + 1
                with contextlib.suppress(Exception):
                    self._noter(loop, watched, frame, code)(base + step - 1, True)
        finally:
            if loop in self.running:
                self.running.remove(loop)
            with contextlib.suppress(Exception):
                for _, series in watched:
                    series.thin()
                if loop.lists:
                    self._collect(loop, sys._getframe(1), code, begun)

    def _enter(
        self, iterator: Iterator[Any], what: What, frame: FrameType, code: CodeType
    ) -> tuple[Loop, dict[tuple[str, str], int]]:
        """The loop that begins, and how long its lists are so far."""
        loop = self.loops.get(what[0])
        if loop is None:
            loop = self.loops[what[0]] = Loop(what)
        loop.entered += 1
        if loop.scope and loop.entered <= _GIVEN and frame.f_code is code:
            self.arguments[loop.scope.rpartition(".")[2]] = arguments_of(frame)
        try:
            loop.total = _length(iterator)
        except Exception as fault:  # noqa: BLE001 — a loop without an end in sight is one all the same
            self._fault(fault)
        begun = _lengths(loop, frame) if loop.lists else {}
        self.running.append(loop)
        return loop, begun

    def _noter(self, loop: Loop, watched: Watched, frame: FrameType, code: CodeType) -> Callable[..., None]:
        """What remembers a step that has ended, by its number, from the `frame` that runs the loop.

        Made once for a loop, since it is called at every step: what can be looked up before, is.
        """
        targets, turns, started, clock = loop.targets, loop.turns, self.started, perf_counter
        # A comprehension has a frame of its own.
        mine = watched if frame.f_code is code else ()
        series = [(name, one.steps.append, one.values.append, one.times.append) for name, one in mine]
        top_level = frame.f_globals if frame.f_locals is frame.f_globals else None

        def note(step: int, last: bool = False) -> None:
            time = clock()
            loop.steps = step + 1
            space = frame.f_locals if top_level is None else top_level
            elapsed = time - started
            if step < _TURNS and targets:
                turns[step] = _turn(targets, space), elapsed
            for name, add_step, add_value, add_time in series:
                value = space.get(name)
                if type(value) is not float:
                    value = to_float(value)
                    if value is None:
                        continue
                add_step(step)
                add_value(value)
                add_time(elapsed)
            if time > self._next and not last:
                self._tell(loop, time)

        return note

    def _collect(
        self, loop: Loop, frame: FrameType, code: CodeType, begun: dict[tuple[str, str], int]
    ) -> None:
        try:
            if frame.f_code is not code:
                return
            for owner, key, value_name in loop.lists:
                values = _list_at(frame, owner, key)
                if values is None:
                    continue
                begin = 0 if key == FILLED else begun.get((owner, key), 0)
                numbers = [to_float(value) for value in values[begin:]]
                if key == FILLED:
                    loop.appended.pop((owner, key), None)
                if numbers and all(number is not None for number in numbers):
                    loop.appended.setdefault((owner, key), (value_name, []))[1].extend(numbers)  # type: ignore[arg-type]
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            self._fault(fault)

    def _tell(self, loop: Loop, time: float) -> None:
        self._next = time + self._every
        if self._on_progress is None:
            return
        try:
            self._on_progress(loop, self)
        except Exception as fault:  # noqa: BLE001 — our fault must never become the user's
            self._fault(fault)
            self._on_progress = None

    def _fault(self, fault: BaseException) -> None:
        if len(self.faults) < 5:
            self.faults.append(fault)


_active: LoopWatch | None = None


def activate(watch: LoopWatch | None) -> None:
    """Make `watch` the one that samples loops, or nobody."""
    global _active  # noqa: PLW0603
    _active = watch


def iterate(iterator: Iterator[Any], what: What) -> Iterator[Any]:
    """Give back an iterator over the same items; the active watch samples between them."""
    watch = _active
    if watch is None:
        return iterator
    loop = watch.loops.get(what[0])
    if loop is not None and loop.entered > _ENTERED and loop.steps < loop.entered * 1_000:
        return iterator
    try:
        slices = watch.slices(iterator, what, sys._getframe(1).f_code)
    except Exception:  # noqa: BLE001 — our fault must never become the user's
        return iterator
    return chain.from_iterable(slices)


def series_of(watch: LoopWatch) -> list[LoopSeries]:
    """What the loops of a cell said of each name, in the order in which they were entered."""
    found = []
    for loop in watch.loops.values():
        for name, series in loop.series.items():
            found.append(
                LoopSeries(
                    name=name,
                    scope=loop.scope,
                    order=loop.order,
                    line=loop.line,
                    expression=name,
                    steps=series.steps,
                    values=series.values,
                    times=series.times,
                    count=series.count,
                    loop=loop.key,
                )
            )
        for (owner, key), (value_name, values) in loop.appended.items():
            found.append(
                LoopSeries(
                    name=(key if key != FILLED else "") or value_name or owner.rpartition(".")[2],
                    scope=loop.scope,
                    order=loop.order,
                    line=loop.line,
                    expression=f"{owner}[{key!r}]" if key and key != FILLED else owner,
                    steps=list(range(len(values))),
                    values=values,
                    times=[0.0] * len(values),
                    count=len(values),
                    appended=True,
                    value_name=value_name,
                    loop=loop.key,
                    repeats=loop.targets == ("_",),
                )
            )
    return found


#: What a ``while`` becomes runs over ``repeat(())``; it is watched in the same way.
spin = iterate


def thin(values: list[float], points: int) -> list[int]:
    """Indices of about `points` values that keep the curve's shape, extremes, first and last point.

    The values are cut into ``points / 2`` buckets; of each the lowest and the highest stay.
    """
    count = len(values)
    if count <= points:
        return list(range(count))
    buckets = max(1, points // 2 - 1)
    kept = {0, count - 1}
    for bucket in range(buckets):
        begin, end = bucket * count // buckets, (bucket + 1) * count // buckets
        finite = [index for index in range(begin, end) if not math.isnan(values[index])]
        if not finite:
            kept.add(begin)
            continue
        kept.add(min(finite, key=values.__getitem__))
        kept.add(max(finite, key=values.__getitem__))
    return sorted(kept)


def _turn(targets: tuple[str, ...], space: dict[str, Any]) -> dict[str, Any]:
    """The plain values that a turn of a loop ran over."""
    values: dict[str, Any] = {}
    for name in targets:
        value: Any = space.get(name)
        kind: Any = type(value)
        if kind is int or kind is bool or kind is float:
            values[name] = value
        elif kind is str:
            values[name] = value[:_TEXT]
        elif is_number(value):
            values[name] = to_number(value)
    return values


def _length(iterator: Iterator[Any]) -> int | None:
    # Only iterators of built-in containers: a foreign __length_hint__ is the user's code.
    return length_hint(iterator) if id(type(iterator)) in _SIZED else None


def _lengths(loop: Loop, frame: FrameType) -> dict[tuple[str, str], int]:
    found = {}
    for owner, key, _ in loop.lists:
        values = _list_at(frame, owner, key)
        found[owner, key] = len(values) if values is not None else 0
    return found


def _list_at(frame: FrameType, owner: str, key: str) -> list[Any] | None:
    root, *attributes = owner.split(".")
    for space in (frame.f_locals, frame.f_globals):
        if root in space:
            value = space[root]
            for attribute in attributes:
                value = own_state(value).get(attribute)
            if key == FILLED:
                return _filled(value)
            if key:
                value = dict.get(value, key) if isinstance(value, dict) else None
            return value if type(value) is list else None
    return None


def _filled(value: Any) -> list[Any] | None:
    """The numbers of a list or a small vector whose items a loop sets."""
    kind = type(value)
    if kind is list:
        return value if len(value) <= _KEPT else None
    if module_of(kind) == "numpy" and kind.__name__ == "ndarray" and value.ndim == 1:
        return value.tolist() if value.dtype.kind == "f" and value.size <= _KEPT else None
    return None
