"""A list of runs as a pandas table, column by column, with no record made for a row."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from jupyter_mlops.records import Status

from .documents import Summary, decode
from .rows import KERNEL_DIED, lived_seconds, parent_number, stale
from .schema import ESCAPE, runs, unescape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

_TEXTS = (runs.c.run_id, runs.c.name, runs.c.experiment, runs.c.status, runs.c.status_reason)


def frame_columns(now: sa.ColumnElement[int]) -> list[sa.ColumnElement[Any]]:
    """What `frame_of` needs of a row."""
    return [
        *(sa.type_coerce(column, sa.Text).label(column.name) for column in _TEXTS),
        runs.c.number,
        runs.c.start_time,
        runs.c.duration,
        runs.c.heartbeat_at,
        runs.c.summary,
        stale(now).label("stale"),
        sa.type_coerce(runs.c.parent_id, sa.Text).label("parent_id"),
        parent_number().label("parent_number"),
    ]


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the garbage collector rest, which new rows by the thousand send over all that lives."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def frame_of(rows: Sequence[Any], *, parents: bool = False) -> pd.DataFrame:
    """One row a run, in order, of rows with `frame_columns`; see `RunReader.frame` for the columns.

    `parents` adds whose child it is.
    """
    import numpy as np
    import pandas as pd

    empty: tuple[list[Any], ...] = tuple([] for _ in range(13))
    run_ids, names, experiments, statuses, reasons, *others = (
        [list(column) for column in zip(*rows, strict=True)] if rows else empty
    )
    numbers, starts, durations, heartbeats, documents, dead, parent_ids, parent_numbers = others
    for index in (index for index, is_dead in enumerate(dead) if is_dead):
        statuses[index], reasons[index] = Status.KILLED.value, KERNEL_DIED
        durations[index] = lived_seconds(heartbeats[index], starts[index])
    summaries = [decode(document, Summary, "a run") for document in documents]
    columns: dict[str, Any] = {
        "run_id": _stored_texts(run_ids),
        "number": pd.Series(numbers, dtype="int64"),
        "name": _stored_texts(names),
        "experiment": _stored_texts(experiments),
        "status": _texts(statuses),
        "status_reason": _stored_texts(reasons),
        "start_time": pd.Series(
            pd.DatetimeIndex(np.array(starts, dtype="datetime64[us]"), tz="UTC"),
            dtype="datetime64[us, UTC]",
        ),
        "duration": pd.Series(durations, dtype="float64"),
    }
    if parents:
        columns["parent_id"] = _stored_texts(parent_ids)
        columns["parent_number"] = pd.Series([number or 0 for number in parent_numbers], dtype="int64")
    kinds = (
        ("params", [summary.params for summary in summaries]),
        ("metrics", [summary.metrics for summary in summaries]),
        ("tags", [summary.tags for summary in summaries]),
    )
    for kind, mappings in kinds:
        known: dict[str, None] = {}
        for mapping in mappings:
            if not known.keys() >= mapping.keys():
                known |= dict.fromkeys(mapping)
        for name in known:
            values = [mapping.get(name) for mapping in mappings]
            columns[f"{kind}.{name}"] = _column(values)
    if _encodable(list(columns)):
        return pd.DataFrame(columns)
    # A name that is no UTF-8: pandas would make the labels its own strings and fail.
    frame = pd.DataFrame(dict(enumerate(columns.values())))
    frame.columns = pd.Index(list(columns), dtype="object")
    return frame


def _stored_texts(values: list[str]) -> pd.Series[Any]:
    """Texts as the database has them."""
    if ESCAPE in "".join(values):
        values = [unescape(value) for value in values]
    return _texts(values)


def _texts(values: list[str]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(values, dtype="str" if _encodable(values) else "object")


def _encodable(values: list[str]) -> bool:
    """Whether every string can be UTF-8, which pandas' own string type asks for."""
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return False
    return True


def _column(values: list[Any]) -> pd.Series[Any]:
    """Values of one kind in that kind's own type, mixed ones as they are."""
    import pandas as pd

    kinds = set(map(type, values))
    if kinds == {int} or (int in kinds and kinds <= {int, float, type(None)}):
        if max(abs(value) for value in values if type(value) is int) > 2**53:
            return pd.Series(values, dtype="object")
        return pd.Series(values, dtype="int64" if kinds == {int} else "float64")
    if float in kinds and kinds <= {float, type(None)}:
        return pd.Series(values, dtype="float64")
    if kinds == {bool}:
        return pd.Series(values, dtype="bool")
    if str in kinds and kinds <= {str, type(None)}:
        texts = values if kinds == {str} else [value for value in values if value is not None]
        return pd.Series(values, dtype="str" if _encodable(texts) else "object")
    return pd.Series(values, dtype="object")
