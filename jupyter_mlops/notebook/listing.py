"""The table ``%runs`` shows: what tells the listed runs apart, numbers first."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_mlops.compare.wording import format_duration

if TYPE_CHECKING:
    import pandas as pd

_METRICS = 4
_OTHERS = 4
_LONGEST = 32


def listed(
    frame: pd.DataFrame, *, by: str | None = None, experiments: bool = False, wide: bool = False
) -> tuple[pd.DataFrame, int]:
    """A short table of `frame` (from `search_runs`) for people, and how many columns it leaves out.

    Metrics stand first (`by` before the others), then the parameters and tags that differ, then when
    and how long. Missing values are empty, numbers have four significant digits; the experiment is
    shown only where several are listed. Unless it is `wide` it holds a few metrics and a few of the
    others, nested names by their ends (`model__step__depth` as `depth`) and long texts cut.
    """
    import pandas as pd

    if frame.empty:
        return pd.DataFrame(columns=["name", "status"]), 0
    metrics = [name for name in map(str, frame) if name.startswith("metrics.")]
    known = {name: sum(frame[name].notna()) for name in map(str, frame)}
    metrics.sort(key=lambda name: (name != f"metrics.{by}", -known[name]))
    others = [
        name for name in map(str, frame) if name.startswith(("params.", "tags.")) and _differs(frame[name])
    ]
    # Plain names before nested ones: those are the settings somebody wrote.
    others.sort(key=lambda name: (-known[name], "__" in name))
    shown = [*metrics, *others] if wide else [*metrics[:_METRICS], *others[:_OTHERS]]
    titles = {name: name.partition(".")[2] for name in shown}
    if not wide:
        titles = _by_ends(titles)
    table = pd.DataFrame({"name": frame["name"]})
    if experiments:
        table["experiment"] = frame["experiment"]
    if (frame["status"] != "FINISHED").any():
        table["status"] = frame["status"]
    for name in shown:
        values = frame[name].map(_short)
        table[titles[name]] = values if wide else values.map(_cut)
    local = datetime.now().astimezone().tzinfo
    table["started"] = frame["start_time"].dt.tz_convert(local).dt.strftime("%Y-%m-%d %H:%M")
    table["duration"] = [
        "" if math.isnan(seconds) else format_duration(seconds) for seconds in frame["duration"].astype(float)
    ]
    parents = frame["parent_number"] if "parent_number" in frame else [0] * len(frame)
    table.index = pd.Index(
        [
            f"#{parent}.{number}" if parent else f"#{number}"
            for number, parent in zip(frame["number"], parents, strict=True)
        ]
    )
    return table, len(metrics) + len(others) - len(shown)


def _differs(column: pd.Series[Any]) -> bool:
    return len(column) == 1 or column.map(repr).nunique() > 1


def _by_ends(titles: dict[str, str]) -> dict[str, str]:
    """Nested names by their last part, where no other title is the same."""
    ends = {name: title.rpartition("__")[2] for name, title in titles.items()}
    many = Counter(ends.values())
    return {name: ends[name] if many[ends[name]] == 1 and ends[name] else titles[name] for name in titles}


def _cut(value: Any) -> Any:
    return f"{value[: _LONGEST - 1]}…" if isinstance(value, str) and len(value) > _LONGEST else value


def _short(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else value
