"""Runs that differ from the reference in the very same way stand together, in every view."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from .findings import CodeDifference, DataDifference, EnvironmentDifference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Difference = TypeVar("Difference", CodeDifference, DataDifference, EnvironmentDifference)


def alike(
    run_ids: Iterable[str], differences: Sequence[Difference]
) -> list[tuple[list[str], list[Difference]]]:
    """Runs with what is said of each, those of which the very same is said together."""
    groups: dict[str, tuple[list[str], list[Difference]]] = {}
    for run_id in run_ids:
        own = [difference for difference in differences if difference.run_id == run_id]
        if own:
            said = repr([msgspec.structs.replace(one, run_id="") for one in own])
            groups.setdefault(said, ([], own))[0].append(run_id)
    return list(groups.values())
