"""A list of runs as a pandas table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from jupyter_mlops.records import RunSummary


def frame_of(summaries: Sequence[RunSummary], *, parents: bool = False) -> pd.DataFrame:
    """One row a run, in order; see `RunReader.frame` for the columns. `parents` adds whose child it is."""
    import pandas as pd

    columns: dict[str, Any] = {
        "run_id": _texts([run.run_id for run in summaries]),
        "number": pd.Series([run.number for run in summaries], dtype="int64"),
        "name": _texts([run.name for run in summaries]),
        "experiment": _texts([run.experiment for run in summaries]),
        "status": _texts([run.status.value for run in summaries]),
        "status_reason": _texts([run.status_reason for run in summaries]),
        "start_time": pd.Series(
            pd.to_datetime([run.start_time for run in summaries], utc=True), dtype="datetime64[us, UTC]"
        ),
        "duration": pd.Series([run.duration for run in summaries], dtype="float64"),
    }
    if parents:
        columns["parent_id"] = _texts([run.parent_id for run in summaries])
        columns["parent_number"] = pd.Series([run.parent_number for run in summaries], dtype="int64")
    for kind in ("params", "metrics", "tags"):
        mappings = [getattr(run, kind) for run in summaries]
        names = dict.fromkeys(name for mapping in mappings for name in mapping)
        for name in names:
            values = [mapping.get(name) for mapping in mappings]
            columns[f"{kind}.{name}"] = _numbers(values) if kind == "metrics" else _objects(values)
    return pd.DataFrame(columns)


def _texts(values: list[str]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(values, dtype="str" if _encodable(values) else "object")


def _encodable(values: list[Any]) -> bool:
    """Whether every string can be UTF-8, which pandas' own string type asks for."""
    try:
        for value in values:
            if isinstance(value, str):
                value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _numbers(values: list[int | float | None]) -> pd.Series[Any]:
    import pandas as pd

    if any(isinstance(value, int) and abs(value) > 2**53 for value in values):
        return pd.Series(values, dtype="object")
    if all(isinstance(value, int) for value in values):
        return pd.Series(values, dtype="int64")
    return pd.Series(values, dtype="float64")


def _objects(values: list[Any]) -> pd.Series[Any]:
    """Values of one kind in that kind's own type, mixed ones as they are."""
    import pandas as pd

    kinds = {type(value) for value in values}
    if kinds <= {int, float, type(None)} and kinds != {type(None)}:
        return _numbers(values)
    if kinds == {bool}:
        return pd.Series(values, dtype="bool")
    if kinds <= {str, type(None)} and str in kinds and _encodable(values):
        return pd.Series(values, dtype="str")
    return pd.Series(values, dtype="object")
