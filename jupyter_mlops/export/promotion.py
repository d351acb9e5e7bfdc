"""An alias moves only to a version that is as it was exported, is proved, and scores no worse.

The gate compares the numbers that both runs measured, the direction of each as the run or the metric's
name says; a metric of unknown direction is not held. A metric that was scored on other rows, or by another
function, says nothing about which version is better, so it does not pass.
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Protocol

from jupyter_mlops.errors import ArtifactError, GateError, PromotionError, RunNotFoundError, UsageError
from jupyter_mlops.store.versions import UNSET, Unset

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from jupyter_mlops.records import AliasMove, MetricValue, PipelineVersion, Run
    from jupyter_mlops.store import Store


class SliceScore(Protocol):
    """A score on a slice of rows."""

    @property
    def measure(self) -> str:
        """What was measured, such as ``accuracy``."""

    @property
    def value(self) -> float:
        """The number."""

    @property
    def rows(self) -> int:
        """How many rows it is of."""

    @property
    def higher_is_better(self) -> bool:
        """Its direction."""


#: How much worse than the version an alias stands at a metric may be, relative to its size.
TOLERANCE = 0.01


def promote(
    store: Store,
    name: str,
    version: int,
    alias: str,
    *,
    changes: Callable[[PipelineVersion], tuple[str, ...]],
    direction: Callable[[str], bool | None],
    apart: Callable[[str, Run, Run], str] = lambda *_: "",
    expected: int | Unset | None = UNSET,
    reason: str = "",
    tolerance: float = TOLERANCE,
    force: bool = False,
    protect: Collection[str] = (),
    unprotect: Collection[str] = (),
    score: Callable[[Run, str], SliceScore] | None = None,
) -> AliasMove:
    """Point `alias` at a version.

    Args:
        store: Where versions are registered.
        name: The pipeline.
        version: The version.
        alias: Such as ``champion``.
        changes: How a version's folder differs from what was exported.
        direction: Whether more of a metric is better, by its name; None when it does not say.
        apart: Why a metric of two runs does not compare, such as that it was scored on other rows; ``""``
            where it does.
        expected: Where the alias must stand now; not given, where it is found.
        reason: Why, for the log.
        tolerance: How much worse a metric may be, relative to its size.
        force: Move it although the gate is missed; the log says so.
        protect: Conditions of slices to protect from now on, in this and every later move of the alias.
        unprotect: Conditions to protect no more.
        score: The score of a run on a slice; UsageError when it cannot be had.

    Raises:
        PipelineNotFoundError: There is no such version.
        PromotionError: A file of the version has changed, it is not proved, or the alias stands elsewhere
            than `expected`.
        GateError: It scores worse, or on other rows; `force` moves it all the same.
    """
    found = store.get_version(name, version)
    if found.status == "validated":
        _check_files(found, changes(found))
    conditions = dict.fromkeys([*store.protected_slices(name, alias), *protect])
    conditions = dict.fromkeys(one for one in conditions if one not in unprotect)
    standing = next((other for other in store.versions(name) if alias in other.aliases), None)
    if score is not None and found.status == "validated":
        # A slice that cannot be scored now would never be held: say so at once.
        for condition in protect:
            score(store.get_run(found.run_id), condition)
    if standing is None or standing.version == version or found.status != "validated":
        move = store.move_alias(name, alias, version, expected=expected, reason=reason)
        store.protect_slices(name, alias, protect, unprotect)
        return move
    if expected is UNSET:
        # The gate is held against this version, so the move is meant from here only.
        expected = standing.version
    if expected == standing.version:
        worse = list(_worse(store, standing, found, direction, apart, tolerance))
        if score is not None:
            worse += _worse_on_slices(store, standing, found, conditions, score, tolerance)
        if worse and not force:
            raise GateError(
                f"Version {version} of {name} is not known to be as good as version {standing.version}, "
                f"which is {alias}: {'; '.join(worse)}.",
                f"Allow more with --tolerance (now {tolerance:g}, relative), or move it with --force.",
            )
        if worse:
            reason = f"{reason} (forced: {'; '.join(worse)})".strip()
    move = store.move_alias(name, alias, version, expected=expected, reason=reason)
    store.protect_slices(name, alias, protect, unprotect)
    return move


def _worse_on_slices(
    store: Store,
    standing: PipelineVersion,
    found: PipelineVersion,
    conditions: Iterable[str],
    score: Callable[[Run, str], SliceScore],
    tolerance: float,
) -> Iterator[str]:
    """On which protected slices a version scores worse than where the alias stands, or cannot be scored."""
    for condition in conditions:
        try:
            after = score(store.get_run(found.run_id), condition)
            before = score(store.get_run(standing.run_id), condition)
        except (UsageError, ArtifactError, RunNotFoundError) as error:
            yield f"the protected slice {condition!r} cannot be scored ({error.message.rstrip('.')})"
            continue
        if after.measure != before.measure or _is_worse(
            before.value, after.value, higher=after.higher_is_better, tolerance=tolerance
        ):
            yield (
                f"on the protected slice {condition!r} {after.measure} is {after.value:.4g} "
                f"({after.rows} rows), not {before.value:.4g}"
            )


def _check_files(version: PipelineVersion, changed: tuple[str, ...]) -> None:
    if changed:
        more = [f"{len(changed) - 3} more files differ."] if len(changed) > 3 else []
        said = " ".join([*changed[:3], *more])
        raise PromotionError(
            f"Version {version.version} of {version.name} is not what was proved: {said}",
            f"Put {version.path} back as it was, or export the run again.",
        )


def _worse(
    store: Store,
    standing: PipelineVersion,
    found: PipelineVersion,
    direction: Callable[[str], bool | None],
    apart: Callable[[str, Run, Run], str],
    tolerance: float,
) -> Iterator[str]:
    runs = _runs_of(store, standing, found)
    known = {name: higher for run in runs for name, higher in _directions(run).items()}
    for name, before in standing.metrics.items():
        higher = known[name] if name in known else direction(name)
        if higher is None:
            continue
        after = found.metrics.get(name)
        reason = apart(name, *runs) if after is not None and len(runs) == 2 else ""
        if after is None:
            yield f"it has no {name}"
        elif reason:
            yield f"its {name} of {after:g} cannot be held against {before:g}, {reason}"
        elif _is_worse(before, after, higher=higher, tolerance=tolerance):
            yield f"{name} is {after:g}, not {before:g}"


def _is_worse(before: MetricValue, after: MetricValue, *, higher: bool, tolerance: float) -> bool:
    if math.isnan(before):
        return False
    if math.isnan(after):
        return True
    lost = before - after if higher else after - before
    return lost > tolerance * abs(before) + 1e-12


def _runs_of(store: Store, *versions: PipelineVersion) -> list[Run]:
    """The runs that versions were made from, as far as they are still there."""
    runs = []
    for version in versions:
        with contextlib.suppress(RunNotFoundError):
            runs.append(store.get_run(version.run_id))
    return runs


def _directions(run: Run) -> dict[str, bool]:
    return {
        name: detail.higher_is_better
        for name, detail in run.metric_details.items()
        if detail.higher_is_better is not None
    }
