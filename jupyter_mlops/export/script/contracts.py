"""Contracts of the pipeline's data, made from the data of the run it was exported from.

Three severities, as three answers are needed. An error (a missing column, another type, a missing value
or an unknown category where there was none, a doubled key, no rows) stops the pipeline. A warning (values
outside the range seen, widened; an unusual count of rows) counts and goes on. Drift (a mean, a mix or a
share of gaps that has moved) suggests to fit the model anew. Edit `CONTRACTS` to allow or forbid more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa

CONTRACTS: dict[str, dict[str, Any]] = {}

# ---- how they are held: the same in every pipeline

KINDS = {
    "number": "numbers",
    "integer": "whole numbers",
    "boolean": "true or false",
    "time": "times",
    "text": "text",
}
#: How far a mean may move, in standard deviations; how much of a mix, and of the gaps, may.
MEAN_MOVED = 0.5
MIX_MOVED = 0.2
GAPS_MOVED = 0.1
ROWS_FOR_DRIFT = 30


class Finding(NamedTuple):
    """What is not as the contract says: `severity` is ``error``, ``warning`` or ``drift``."""

    severity: str
    message: str


def check(name: str, value: Any) -> list[Finding]:
    """All findings about `value`; nothing is known, and nothing wrong, of a name without a contract."""
    contract = CONTRACTS.get(name)
    if contract is None:
        return []
    try:
        table = table_of(value)
    except Exception as error:  # noqa: BLE001 - whatever cannot become a table breaks the contract
        return [Finding("error", f"it is no table but {type(value).__name__} ({error})")]
    if contract["rows"] and not len(table):
        return [Finding("error", f"it has no rows, the run had {contract['rows']}")]
    errors = [Finding("error", sentence) for sentence in broken(contract, table)]
    return [*errors, *warnings_about(contract, table), *drift_of(contract, table)]


def table_of(value: Any) -> pd.DataFrame:
    """`value` as a table with text column names."""
    table = value.to_frame() if isinstance(value, pd.Series) else pd.DataFrame(value)
    return table.rename(columns=str)


# ---- errors


def schema_of(contract: dict[str, Any]) -> pa.DataFrameSchema:
    """The pandera schema of one contract: its errors."""
    columns = {}
    for name, column in contract["columns"].items():
        wanted = column["kind"]
        checks = [pa.Check(lambda values, wanted=wanted: is_kind(values, wanted), error="kind")]
        if "categories" in column:
            checks.append(pa.Check.isin(column["categories"], error="categories"))
        columns[name] = pa.Column(
            None, checks, nullable=column["nullable"], unique=column.get("key", False), required=True
        )
    return pa.DataFrameSchema(columns, strict=False)


def broken(contract: dict[str, Any], table: pd.DataFrame) -> list[str]:
    """What breaks the schema, a sentence a column and kind of break."""
    try:
        schema_of(contract).validate(table, lazy=True)
    except pa.errors.SchemaErrors as found:
        cases: dict[tuple[str, str], list[Any]] = {}
        for case in found.failure_cases.to_dict("records"):
            column = case["failure_case"] if case["check"] == "column_in_dataframe" else case["column"]
            cases.setdefault((str(column), str(case["check"])), []).append(case["failure_case"])
        other = {column for column, kind in cases if kind == "kind"}
        return [
            sentence(column, kind, values, contract["columns"].get(column, {}), table)
            for (column, kind), values in cases.items()
            if kind == "kind" or column not in other
        ]
    return []


def sentence(column: str, kind: str, cases: list[Any], expected: dict[str, Any], table: pd.DataFrame) -> str:
    """One break of the schema in words."""
    rows = f"{len(cases)} row{'s' if len(cases) > 1 else ''}"
    if kind == "column_in_dataframe":
        return f"the column {column!r} is missing"
    if kind == "kind":
        instead = found_instead(table[column], expected)
        return f"{column!r} should hold {KINDS[expected['kind']]}, but holds {instead}"
    if kind == "not_nullable":
        return f"{column!r} has no value in {rows}, in the run it had one everywhere"
    if kind == "field_uniqueness":
        return f"{column!r} should tell rows apart, but some values stand in several ({listed(cases)})"
    if kind == "categories":
        known = listed(expected["categories"], most=8)
        return f"{column!r} holds {listed(cases)} in {rows}, known are {known}"
    return f"{column!r} breaks {kind} in {rows} ({listed(cases)})"


def is_kind(values: pd.Series, wanted: str) -> bool:
    """Whether a column is of a kind, whatever its width; one without any value may be of every kind."""
    known = values.dropna()
    if not len(known):
        return True
    dtype = values.dtype
    loose = isinstance(dtype, np.dtype) and dtype.kind == "O"
    if wanted in ("number", "integer"):
        plain = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
        if not plain and not (
            loose
            and pd.api.types.infer_dtype(known) in ("integer", "floating", "decimal", "mixed-integer-float")
        ):
            return False
        return wanted == "number" or not pd.api.types.is_float_dtype(dtype) or bool((known % 1 == 0).all())
    if wanted == "boolean":
        return pd.api.types.is_bool_dtype(dtype) or (loose and pd.api.types.infer_dtype(known) == "boolean")
    if wanted == "time":
        times = pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype)
        return (
            times
            or isinstance(dtype, pd.PeriodDtype)
            or (loose and not pd.api.types.infer_dtype(known).startswith("str"))
        )
    return not (pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype))


def found_instead(values: pd.Series, expected: dict[str, Any]) -> str:
    """What a column of the wrong kind holds, with an example."""
    known = values.dropna()
    if expected["kind"] in ("number", "integer"):
        numbers = pd.to_numeric(known, errors="coerce")
        odd = known[numbers.isna()] if numbers.isna().any() else known[numbers % 1 != 0]
        known = odd if len(odd) else known
    kind = next(
        (words for name, words in KINDS.items() if name != "integer" and is_kind(known, name)),
        "something else",
    )
    return f"{kind} ({listed(known.head(50).tolist())})"


# ---- warnings and drift


def warnings_about(contract: dict[str, Any], table: pd.DataFrame) -> Iterator[Finding]:
    """Values outside the widened ranges, doubled values, and an unusual count of rows."""
    for name, column in contract["columns"].items():
        if name not in table:
            continue
        values = table[name]
        if "range" in column and is_kind(values, "number"):
            low, high = column["range"]
            outside = values[(values < low) | (values > high)].dropna()
            if len(outside):
                span = f"{low:g} to {high:g}"
                rows = f"{len(outside)} row" if len(outside) == 1 else f"{len(outside)} rows"
                yield Finding(
                    "warning",
                    f"{name!r} lies outside {span} in {rows} ({listed(outside.tolist())})",
                )
        if column.get("unique") and values.duplicated().any():
            yield Finding(
                "warning", f"{name!r} has {int(values.duplicated().sum())} values twice, the run had none"
            )
    rows = contract["rows"]
    if rows and not rows / 10 <= len(table) <= rows * 10:
        yield Finding("warning", f"it has {len(table)} rows, the run had {rows}")


def drift_of(contract: dict[str, Any], table: pd.DataFrame) -> Iterator[Finding]:
    """Distributions that have moved since the run."""
    if len(table) < ROWS_FOR_DRIFT:
        return
    for name, column in contract["columns"].items():
        if name not in table:
            continue
        values = table[name]
        if "mean" in column and is_kind(values, "number") and len(values.dropna()):
            mean, before, spread = float(values.mean()), column["mean"], column["std"]
            if math.isfinite(mean) and abs(mean - before) > MEAN_MOVED * spread:
                far = f", {abs(mean - before) / spread:.1f} standard deviations away" if spread else ""
                yield Finding("drift", f"the mean of {name!r} is {mean:.4g}, it was {before:.4g}{far}")
        if "shares" in column:
            now = values.dropna().astype(str).value_counts(normalize=True)
            known = {*column["shares"], *now.index}
            moved = sum(abs(float(now.get(key, 0.0)) - column["shares"].get(key, 0.0)) for key in known) / 2
            if moved > MIX_MOVED:
                yield Finding("drift", f"the mix of {name!r} has moved by {moved:.0%}")
        gaps = float(values.isna().mean())
        if column["nullable"] and gaps > column.get("missing", gaps) + GAPS_MOVED:
            yield Finding(
                "drift", f"{name!r} is missing in {gaps:.0%} of the rows, it was in {column['missing']:.0%}"
            )


def listed(values: list[Any], most: int = 3) -> str:
    """The first few different values, in words."""
    shown = [
        str(value) if isinstance(value, int | float) else repr(value)[:40] for value in dict.fromkeys(values)
    ]
    return ", ".join([*shown[:most], *(["…"] if len(shown) > most else [])])
