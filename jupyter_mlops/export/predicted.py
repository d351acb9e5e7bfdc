"""The predictions behind equal numbers: whether the script's are those that the notebook's run kept.

Coarse scores are equal by luck. A run keeps what its scoring calls compared (`records.Evaluation`); a process
of the proof holds what the same calls compare there against it (script/proof_predictions.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.records import Record

from .plan import Compared

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from jupyter_mlops.records import Run

#: What solvers that stop when they are near enough may be apart, where chance is known to move them.
_NEAR = 1e-3
_SHOWN = 4


class Judged(Record, frozen=True, kw_only=True):
    """What follows: sentences for people, and why equal numbers are none where `cause` is not empty."""

    said: tuple[str, ...] = ()
    cause: str = ""
    metric: str = ""
    by_chance: bool = False


class Predicted:
    """What a run kept of its predictions.

    Args:
        run: The run.
        proved: The metrics that are proved.
        read: Gives an artifact's bytes by its digest.
    """

    def __init__(self, run: Run, proved: Collection[str], read: Callable[[str], bytes]) -> None:
        self.read = read
        #: The metrics by table and function, as ``digest function``.
        self.metrics: dict[str, list[str]] = {}
        #: Why the predictions behind a metric cannot be compared.
        self.untold: dict[str, str] = {}
        left_out = [found.message for found in run.warnings if found.code == "predictions_not_kept"]
        for name in proved:
            detail = run.metric_details.get(name)
            found = detail.evaluation if detail is not None else None
            if found is None or detail is None or detail.origin == "rescored":
                continue
            word = found.function.rpartition(".")[2]
            if found.predictions:
                self.metrics.setdefault(f"{found.predictions} {word}", []).append(name)
            elif found.prediction_name or found.target_name:
                names = (f" {found.function} ", f" {word} ")
                why = next((text for text in left_out if any(known in text for known in names)), "")
                self.untold[name] = why.partition(": ")[2].rstrip(".") or "the run kept none"

    def lay_out(self, folder: Path) -> bool:
        """Put the tables into `folder` for a proof's processes; False if there are none."""
        wanted, known = [], set()
        for key in list(self.metrics):
            digest, function = key.split(" ")
            if digest not in known:
                try:
                    (folder / f"{digest}.npz").write_bytes(self.read(digest))
                except (MlopsError, OSError):
                    for name in self.metrics.pop(key):
                        self.untold[name] = "the store no longer has them"
                    continue
                known.add(digest)
            wanted.append([digest, function])
        (folder / "wanted.json").write_text(json.dumps(wanted), encoding="utf-8")
        return bool(wanted)

    def judge(
        self, first: Mapping[str, Compared], second: Mapping[str, Compared], *, near: bool = False
    ) -> Judged:
        """Read what two processes said of the tables.

        Args:
            first: What one process said, by table and function.
            second: What the other said.
            near: Whether a solver is known to stop at another place each time, near enough.
        """
        equal: dict[str, int] = {}
        untold = dict(self.untold)
        for key, names in self.metrics.items():
            one, two = first.get(key, Compared(state="unheard")), second.get(key, Compared(state="unheard"))
            states = {one.state, two.state}
            if "unheard" in states:
                untold |= dict.fromkeys(names, "the script makes the score in another way")
            elif states == {"equal"} or (
                near and states <= {"equal", "differ"} and max(one.by, two.by) <= _NEAR
            ):
                equal |= dict.fromkeys(names, one.rows)
            else:
                return _differing(names, one, two)
        return Judged(said=tuple(_said(equal, untold)))


def _differing(names: Sequence[str], one: Compared, two: Compared) -> Judged:
    behind = f"the predictions behind {_listed(names)} are"
    if one != two:
        cause = f"The numbers are equal by chance: {behind} others in each process."
        return Judged(metric=names[0], by_chance=True, cause=cause)
    how = "they were made for other rows"
    if one.state == "differ":
        how = f"{one.differ:,} of {one.rows:,} rows differ"
    cause = f"The numbers are equal, and {behind} not those of the notebook: {how}."
    return Judged(metric=names[0], cause=cause)


def _said(equal: Mapping[str, int], untold: Mapping[str, str]) -> Iterable[str]:
    if equal:
        rows = sorted(set(equal.values()))
        count = f"{rows[0]:,}" if len(rows) == 1 else f"{rows[0]:,} to {rows[-1]:,}"
        behind = _listed(list(equal))
        yield f"The predictions behind {behind} are those of the notebook, row by row ({count} rows)."
    for why in dict.fromkeys(untold.values()):
        names = [name for name, reason in untold.items() if reason == why]
        yield f"The predictions behind {_listed(names)} were not compared with the notebook's: {why}."


def _listed(names: Sequence[str]) -> str:
    shown = [f"`{name}`" for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        return f"{', '.join(shown)} and {len(names) - _SHOWN} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
