"""Where one run gains and where it loses against another: kinds of outcome, slices, single rows."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .chance import LEVEL, normal_quantile, paired_share_interval
from .findings import ErrorBucket, Examples, Losses, Slice
from .resampling import interval_of_change
from .row_query import quoted_name, rows_where
from .scoring import Measure, general_measure
from .wording import NOTHING, count, format_change, format_interval, format_number, format_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from .paired import Predictions

    Mask = npt.NDArray[np.bool_]

SHOWN = 8
_FEWEST = 15
_VALUES = 12
_QUARTERS = 4
_COLUMNS = 60
_BUCKETS = 10
TRUTH, REFERENCE, RUN = "truth", "reference", "run"


@dataclass(frozen=True)
class Pair:
    """The reference and a run over the same rows, and what their difference is measured by."""

    reference: Predictions
    run: Predictions
    measure: Measure
    higher_is_better: bool | None

    def table(self) -> pd.DataFrame:
        """What a query can name: features, ``truth``, ``reference``, ``run`` and ``error`` columns."""
        import numpy as np
        import pandas as pd

        features = self.reference.features if self.reference.features is not None else self.run.features
        table = pd.DataFrame(index=range(len(self.reference)))
        if features is not None:
            table = features.iloc[:, :_COLUMNS].reset_index(drop=True)
            table.columns = [str(column) for column in table.columns]
        told: dict[str, Any] = {
            TRUTH: self.reference.truth,
            REFERENCE: self.reference.predicted,
            RUN: self.run.predicted,
        }
        if self.reference.discrete:
            told["reference_right"] = self.reference.predicted == self.reference.truth
            told["run_right"] = self.run.predicted == self.run.truth
        else:
            truth = self.reference.truth.astype(float)
            told["reference_error"] = np.abs(self.reference.predicted.astype(float) - truth)
            told["run_error"] = np.abs(self.run.predicted.astype(float) - truth)
        added = pd.DataFrame(told)
        return pd.concat([table[[c for c in table.columns if c not in added]], added], axis=1)


def pair_of(
    reference: Predictions, run: Predictions, measure: Measure | None, higher_is_better: bool | None
) -> Pair:
    """The pair; a measure that is no average over rows is told by right and wrong, or by errors."""
    if measure is None:
        measure = general_measure(reference)
        higher_is_better = measure.binary
    return Pair(reference, run, measure, higher_is_better)


def losses_of(pair: Pair, run_id: str, metric: str) -> Losses:
    """Where the two differ: kinds of outcome, and the slices in which they differ most."""
    table = pair.table()
    first, second = pair.measure.moments(pair.reference), pair.measure.moments(pair.run)
    masks = list(_candidates(pair, table))
    found = [
        part
        for name, query, mask in masks
        if (part := _slice(pair, first, second, name, query, mask, len(masks))) is not None
    ]
    found.sort(key=lambda part: -_surprise(part))
    shown = tuple(part for part in found if part.change != 0)[:SHOWN]
    return Losses(
        run_id=run_id,
        metric=metric,
        measure=pair.measure.name,
        rows=len(pair.reference),
        buckets=tuple(_buckets(pair)),
        slices=shown,
        tried=len(masks),
        columns=tuple(table.columns),
        sentence=_sentence(pair, shown, len(masks)),
    )


def slice_of(pair: Pair, query: str) -> Slice | None:
    """How both did on the rows that meet `query`; None when no row does.

    Raises:
        FilterError: The query is not understood.
    """
    table = pair.table()
    mask = rows_where(table, query)
    first, second = pair.measure.moments(pair.reference), pair.measure.moments(pair.run)
    return _slice(pair, first, second, query or "all rows", query, mask, 1, fewest=1)


def examples_of(pair: Pair, query: str, *, limit: int = 20, offset: int = 0) -> Examples:
    """Rows that meet `query`, those on which the two disagree most first.

    Raises:
        FilterError: The query is not understood.
    """
    import numpy as np

    table = pair.table()
    places = np.flatnonzero(rows_where(table, query))
    if pair.reference.discrete:
        wrong = ~np.asarray(table["run_right"], dtype=bool), ~np.asarray(table["reference_right"], dtype=bool)
        # lost first, then won, then wrong in both, then right in both
        rank = np.select([wrong[0] & ~wrong[1], ~wrong[0] & wrong[1], wrong[0]], [0, 1, 2], 3)
    else:
        rank = -np.abs(np.asarray(table["run_error"] - table["reference_error"], dtype=float))
    ordered = places[np.argsort(rank[places], kind="stable")][offset : offset + limit]
    told = [TRUTH, REFERENCE, RUN]
    features = [c for c in table.columns if c not in told and not c.endswith(("_right", "_error"))]
    shown = table.iloc[ordered][[*told, *features]]
    rows = tuple(
        (format_value(label), *(_cell(value) for value in row))
        for label, row in zip(
            pair.reference.labels[ordered].tolist(), shown.itertuples(index=False), strict=True
        )
    )
    return Examples(
        query=query,
        count=len(places),
        columns=("row", *(str(column) for column in shown.columns)),
        rows=rows,
        slice=slice_of(pair, query),
    )


def _slice(
    pair: Pair,
    first: Any,
    second: Any,
    name: str,
    query: str,
    mask: Mask,
    tried: int,
    *,
    fewest: int = _FEWEST,
) -> Slice | None:
    rows = int(mask.sum())
    if rows < fewest:
        return None
    one, two = first[mask], second[mask]
    before = float(pair.measure.value(one.mean(axis=0)))
    after = float(pair.measure.value(two.mean(axis=0)))
    level = 1 - (1 - LEVEL) / max(1, tried)
    if pair.measure.binary:
        lost, won = int((one > two)[:, 0].sum()), int((two > one)[:, 0].sum())
        low, high = paired_share_interval(lost, won, rows, level)
    elif pair.measure.additive:
        gap = (two - one)[:, 0]
        reach = normal_quantile((1 + level) / 2) * float(gap.std(ddof=1) if rows > 1 else 0) / rows**0.5
        low, high = after - before - reach, after - before + reach
    else:
        low, high, _ = interval_of_change(pair.measure.value, one, two, level=level, draws=300)
    sure = rows >= _FEWEST and not low <= 0 <= high
    return Slice(
        name=name,
        query=query,
        rows=rows,
        reference=before,
        run=after,
        change=after - before,
        low=low,
        high=high,
        sure=sure,
        interval=format_interval(low, high),
    )


def _surprise(part: Slice) -> float:
    width = part.high - part.low
    return abs(part.change) / width if width > 0 else 0.0


def _candidates(pair: Pair, table: pd.DataFrame) -> Iterator[tuple[str, str, Mask]]:
    """Every slice worth a look: each value of a column of few values, each quarter of one of numbers."""
    import numpy as np
    import pandas as pd

    told = {REFERENCE, RUN, "reference_right", "run_right", "reference_error", "run_error"}
    for column in table.columns:
        if column in told:
            continue
        values, name = table[column], quoted_name(column)
        missing = values.isna().to_numpy()
        kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else "O"
        try:
            distinct = values.nunique()
        except TypeError:  # lists and the like have no distinct values
            continue
        if missing.any():
            yield f"{column} is missing", f"not ({name} == {name})", missing
        if kind in "fiu" and distinct > _VALUES:
            numbers = (
                values.to_numpy(dtype=float, na_value=np.nan) if missing.any() else values.to_numpy(float)
            )
            edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, _QUARTERS + 1)))
            for place, (low, high) in enumerate(itertools.pairwise(edges)):
                last = place == len(edges) - 2
                with np.errstate(invalid="ignore"):
                    mask = (numbers >= low) & ((numbers <= high) if last else (numbers < high))
                sign = "<=" if last else "<"
                shown = f"{format_number(low)} to {format_number(high)}"
                yield f"{column} {shown}", f"{float(low)!r} <= {name} {sign} {float(high)!r}", mask
        elif kind in "OUbiufSM" and distinct <= max(_VALUES, 30):
            for value in list(values.value_counts().index)[:_VALUES]:
                plain = value.item() if isinstance(value, np.generic) else value
                if not isinstance(plain, (str, bool, int, float)):
                    continue
                mask = np.asarray((values == value).fillna(False), dtype=bool)
                yield f"{column} = {plain}", f"{name} == {plain!r}", mask
        elif isinstance(values.dtype, pd.DatetimeTZDtype) or kind == "M":
            continue


def _buckets(pair: Pair) -> Iterator[ErrorBucket]:
    """Kinds of outcome: who is right and which classes are mixed up, or how large an error is."""
    import numpy as np

    table = pair.table()
    if not pair.reference.discrete:
        first, second = (np.asarray(table[c], dtype=float) for c in ("reference_error", "run_error"))
        every = np.concatenate([first, second])
        edges = np.unique(np.quantile(every[np.isfinite(every)], [0, 0.5, 0.75, 0.9, 1.0]))
        for place, (low, high) in enumerate(itertools.pairwise(edges)):
            last = place == len(edges) - 2
            inside = [(e >= low) & ((e <= high) if last else (e < high)) for e in (first, second)]
            sign = "<=" if last else "<"
            yield ErrorBucket(
                name=f"error {format_number(float(low))} to {format_number(float(high))}",
                query=f"{float(low)!r} <= run_error {sign} {float(high)!r}",
                rows=int((inside[0] | inside[1]).sum()),
                reference=int(inside[0].sum()),
                run=int(inside[1].sum()),
            )
        return
    first, second = (np.asarray(table[c], dtype=bool) for c in ("reference_right", "run_right"))
    for name, query, mask in (
        ("right in both", "reference_right and run_right", first & second),
        ("lost: right in the reference only", "reference_right and not run_right", first & ~second),
        ("won: right in this run only", "run_right and not reference_right", second & ~first),
        ("wrong in both", "not reference_right and not run_right", ~first & ~second),
    ):
        rows = int(mask.sum())
        one_sided = name.startswith(("lost", "won"))
        yield ErrorBucket(
            name=name,
            query=query,
            rows=rows,
            reference=int(first[mask].sum()) if one_sided else rows,
            run=int(second[mask].sum()) if one_sided else rows,
        )
    mixed: dict[tuple[Any, Any], list[int]] = {}
    truth = pair.reference.truth.tolist()
    for place, predictions in enumerate((pair.reference, pair.run)):
        for true, said in zip(truth, predictions.predicted.tolist(), strict=True):
            if true != said:
                mixed.setdefault((true, said), [0, 0])[place] += 1
    by_size = sorted(mixed.items(), key=lambda item: (-abs(item[1][1] - item[1][0]), -sum(item[1])))
    for (true, said), (before, after) in by_size[:_BUCKETS]:
        query = f"truth == {true!r} and (run == {said!r} or reference == {said!r})"
        yield ErrorBucket(
            name=f"{true} taken for {said}",
            query=query,
            rows=sum(
                truly == true and said in (one, two)
                for truly, one, two in zip(
                    truth, pair.reference.predicted.tolist(), pair.run.predicted.tolist(), strict=True
                )
            ),
            reference=before,
            run=after,
        )


def _sentence(pair: Pair, shown: tuple[Slice, ...], tried: int) -> str:
    sure = [part for part in shown if part.sure]
    if not sure:
        return f"No slice stands out beyond chance, of {count(tried, 'slice')} looked at."
    part = sure[0]
    better = pair.higher_is_better is not None and (part.change > 0) is pair.higher_is_better
    verb = "differs" if pair.higher_is_better is None else "gains" if better else "loses"
    return (
        f"It {verb} most where {part.name}: {pair.measure.name} {format_change(part.change)} on "
        f"{count(part.rows, 'row')} (interval {part.interval}, "
        f"widened for {count(tried, 'slice')} looked at)."
    )


def _cell(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124  (NaN and NaT)
        return NOTHING
    return format_value(value.item() if hasattr(value, "item") else value, 80)
