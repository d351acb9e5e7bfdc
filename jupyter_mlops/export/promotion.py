"""An alias moves only to a version that is as it was exported, is proved, and scores no worse.

The gate compares the numbers that both runs measured, the direction of each as the run or the metric's
name says; a metric of unknown direction is not held.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jupyter_mlops.errors import PromotionError, RunNotFoundError
from jupyter_mlops.store.versions import UNSET, Unset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_mlops.records import AliasMove, MetricValue, PipelineVersion
    from jupyter_mlops.store import Store

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
    expected: int | Unset | None = UNSET,
    reason: str = "",
    tolerance: float = TOLERANCE,
    force: bool = False,
) -> AliasMove:
    """Point `alias` at a version.

    Args:
        store: Where versions are registered.
        name: The pipeline.
        version: The version.
        alias: Such as ``champion``.
        changes: How a version's folder differs from what was exported.
        direction: Whether more of a metric is better, by its name; None when it does not say.
        expected: Where the alias must stand now; not given, where it is found.
        reason: Why, for the log.
        tolerance: How much worse a metric may be, relative to its size.
        force: Move it although the gate is missed; the log says so.

    Raises:
        PipelineNotFoundError: There is no such version.
        PromotionError: A file of the version has changed, it is not proved, it scores worse, or the
            alias stands elsewhere than `expected`.
    """
    found = store.get_version(name, version)
    if found.status == "validated":
        _check_files(found, changes(found))
    standing = next((other for other in store.versions(name) if alias in other.aliases), None)
    if standing is None or standing.version == version or found.status != "validated":
        return store.move_alias(name, alias, version, expected=expected, reason=reason)
    if expected is UNSET:
        # The gate is held against this version, so the move is meant from here only.
        expected = standing.version
    if expected == standing.version:
        worse = list(_worse(store, standing, found, direction, tolerance))
        if worse and not force:
            raise PromotionError(
                f"Version {version} of {name} is worse than version {standing.version}, which is {alias}: "
                f"{'; '.join(worse)}.",
                f"Allow more with --tolerance (now {tolerance:g}, relative), or move it with --force.",
            )
        if worse:
            reason = f"{reason} (forced: {'; '.join(worse)})".strip()
    return store.move_alias(name, alias, version, expected=expected, reason=reason)


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
    tolerance: float,
) -> Iterator[str]:
    known = _directions(store, standing) | _directions(store, found)
    for name, before in standing.metrics.items():
        higher = known[name] if known.get(name) is not None else direction(name)
        if higher is None:
            continue
        after = found.metrics.get(name)
        if after is None:
            yield f"it has no {name}"
        elif _is_worse(before, after, higher=higher, tolerance=tolerance):
            yield f"{name} is {after:g}, not {before:g}"


def _is_worse(before: MetricValue, after: MetricValue, *, higher: bool, tolerance: float) -> bool:
    if math.isnan(before):
        return False
    if math.isnan(after):
        return True
    lost = before - after if higher else after - before
    return lost > tolerance * abs(before) + 1e-12


def _directions(store: Store, version: PipelineVersion) -> dict[str, bool | None]:
    try:
        details = store.get_run(version.run_id).metric_details
    except RunNotFoundError:
        return {}
    return {
        name: detail.higher_is_better
        for name, detail in details.items()
        if detail.higher_is_better is not None
    }
