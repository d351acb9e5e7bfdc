"""The table ``%runs`` shows: what tells the listed runs apart, numbers first."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jupyter_mlops.compare.wording import format_duration

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = 8


def listed(frame: pd.DataFrame, *, by: str | None = None, experiments: bool = False) -> pd.DataFrame:
    """A short table of `frame` (from `search_runs`) for people.

    Metrics stand first (`by` before the others), then the parameters and tags that differ, then when
    and how long. Missing values are empty, numbers have four significant digits; the experiment is
    shown only where several are listed.
    """
    import pandas as pd

    if frame.empty:
        return pd.DataFrame(columns=["name", "status"])
    metrics = [name for name in map(str, frame) if name.startswith("metrics.")]
    known = {name: sum(frame[name].notna()) for name in map(str, frame)}
    metrics.sort(key=lambda name: (name != f"metrics.{by}", -known[name]))
    others = [
        name for name in map(str, frame) if name.startswith(("params.", "tags.")) and _differs(frame[name])
    ]
    others.sort(key=lambda name: -known[name])
    table = pd.DataFrame({"name": frame["name"]})
    if experiments:
        table["experiment"] = frame["experiment"]
    if (frame["status"] != "FINISHED").any():
        table["status"] = frame["status"]
    for name in (*metrics[:_COLUMNS], *others[:_COLUMNS]):
        table[name.partition(".")[2]] = frame[name].map(_short)
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
    return table


def _differs(column: pd.Series[Any]) -> bool:
    return len(column) == 1 or column.map(repr).nunique() > 1


def _short(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else value
