"""Writes contracts.py: what the run's data looked like, as pandera schemas.

Type, missing values and the set of categories are errors; ranges are doubts, widened, because the
data a model was made from is never all the data there is.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jupyter_mlops.records import Column, Dataset

_HEAD = '''"""Contracts of the pipeline's data, made from the data of the run it was exported from.

`check` gives errors (wrong type, missing column, forbidden missing value, unknown category) and
doubts (a number outside the range seen, widened; an unusual count of rows). Edit `CONTRACTS` by hand
to allow or forbid more.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pandera.pandas as pa

CONTRACTS: dict[str, dict[str, Any]] = json.loads(
    r"""
'''
_TAIL = '''
"""
)


def schema_of(contract: dict[str, Any]) -> pa.DataFrameSchema:
    """The pandera schema of one contract: its errors only."""
    columns = {}
    for name, column in contract["columns"].items():
        checks = [pa.Check.isin(column["categories"])] if "categories" in column else []
        wanted = column["kind"]
        kind = pa.Check(lambda values, wanted=wanted: kind_of(values) == wanted, name=f"kind {wanted}")
        columns[name] = pa.Column(None, [kind, *checks], nullable=column["nullable"], required=True)
    return pa.DataFrameSchema(columns, strict=False)


def kind_of(values: pd.Series) -> str:
    """The kind of a column, the same whatever its width: number, boolean, time or text."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return "boolean"
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_timedelta64_dtype(values.dtype):
        return "time"
    return "text"


def table_of(value: Any) -> pd.DataFrame:
    """`value` as a table with text column names."""
    table = value.to_frame() if isinstance(value, pd.Series) else pd.DataFrame(value)
    return table.rename(columns=str)


def check(name: str, value: Any) -> tuple[list[str], list[str]]:
    """Errors and doubts about `value`; nothing is known, and nothing wrong, of a name without a contract."""
    contract = CONTRACTS.get(name)
    if contract is None:
        return [], []
    try:
        table = table_of(value)
    except Exception as error:  # noqa: BLE001 - whatever cannot become a table breaks the contract
        return [f"it is no table but {type(value).__name__} ({error})"], []
    errors: list[str] = []
    if contract["rows"] and not len(table):
        errors.append("it has no rows")
    try:
        schema_of(contract).validate(table, lazy=True)
    except pa.errors.SchemaErrors as found:
        for case in found.failure_cases.head(20).to_dict("records"):
            place = f" in {case['column']}" if case.get("column") else ""
            sentence = f"{case['check']}{place}: {case['failure_case']}"
            if sentence not in errors:
                errors.append(sentence)
    doubts = []
    for column, expected in contract["columns"].items():
        if "range" in expected and column in table and kind_of(table[column]) == "number" and len(table):
            low, high = expected["range"]
            least, most = float(table[column].min()), float(table[column].max())
            if not math.isnan(least) and (least < low or most > high):
                seen = f"{column} goes from {least:g} to {most:g}"
                doubts.append(f"{seen}, expected within {low:g} to {high:g}")
    if contract["rows"] and not contract["rows"] / 10 <= len(table) <= contract["rows"] * 10:
        doubts.append(f"it has {len(table)} rows, expected about {contract['rows']}")
    return errors, doubts
'''
#: The contract of what a pipeline gives; no variable can have this name.
PREDICTIONS = "predictions.csv"
_MOST_CATEGORIES = 20
_ROWS_FOR_CATEGORIES = 30


def write_contracts(datasets: Sequence[Dataset], predictions: Mapping[str, Any] | None = None) -> str:
    """The text of contracts.py for these datasets, and for what a script said of its predictions."""
    contracts = {dataset.name: contract_of(dataset) for dataset in datasets}
    if predictions is not None:
        contracts[PREDICTIONS] = contract_of_predictions(predictions)
    body = json.dumps(contracts, indent=2, ensure_ascii=True)
    return _HEAD + body + _TAIL


def contract_of(dataset: Dataset) -> dict[str, Any]:
    """What a dataset promises: rows, and of each column its kind and what is known of its values."""
    return {
        "rows": dataset.rows,
        "columns": {
            column.name: _column(column, dataset.rows, sampled=dataset.sampled)
            for column in dataset.columns
            if not dataset.sampled or not column.nullable
        },
    }


def contract_of_predictions(described: Mapping[str, Any]) -> dict[str, Any]:
    """What predictions promise, from what a script's log said of them.

    Only a model's own classes are categories: that the test rows lacked one proves nothing.
    """
    columns: dict[str, Any] = {}
    for name, column in described["columns"].items():
        found = {"kind": kind_of(column["dtype"]), "nullable": column["nullable"]}
        if column.get("categories"):
            found["categories"] = column["categories"]
        else:
            found |= _range(found["kind"], column.get("minimum"), column.get("maximum"))
        columns[name] = found
    return {"rows": described["rows"], "columns": columns}


def can_be_checked(dataset: Dataset) -> bool:
    """Whether a dataset is a table whose columns have kinds a contract knows."""
    return bool(dataset.columns) and dataset.kind.rpartition(".")[2] in ("DataFrame", "Series")


def _column(column: Column, rows: int, *, sampled: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": kind_of(column.dtype), "nullable": column.nullable}
    profile = column.profile
    top = profile.get("top") or []
    distinct = profile.get("distinct")
    if (
        found["kind"] == "text"
        and not sampled
        and top
        and distinct == len(top) <= _MOST_CATEGORIES
        and rows >= max(_ROWS_FOR_CATEGORIES, 5 * len(top))
        and all(isinstance(value, str) for value, _ in top)
    ):
        found["categories"] = sorted(value for value, _ in top)
    return found | _range(found["kind"], profile.get("minimum"), profile.get("maximum"))


def _range(kind: str, minimum: object, maximum: object) -> dict[str, Any]:
    low, high = _finite(minimum), _finite(maximum)
    if kind != "number" or low is None or high is None:
        return {}
    margin = 0.5 * (high - low) or abs(high) or 1.0
    return {"range": [low - margin, high + margin]}


def _finite(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) else None  # type: ignore[arg-type]


def kind_of(dtype: str) -> str:
    """The kind behind a library's name of a type: number, boolean, time or text."""
    name = dtype.lower()
    if name.startswith("bool"):
        return "boolean"
    if name.startswith(("int", "uint", "float", "double", "decimal", "complex", "half")):
        return "number"
    if name.startswith(("datetime", "timedelta", "date", "period", "timestamp")):
        return "time"
    return "text"
