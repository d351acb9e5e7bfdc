"""Writes contracts.py: what the run's data looked like, held by pandera.

Type, missing values, categories and keys are errors; ranges are warnings, widened, because the data a
model was made from is never all the data there is; means, mixes and gaps are there to tell drift.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jupyter_mlops.records import Column, Dataset

#: The contract of what a pipeline gives; no variable can have this name.
PREDICTIONS = "predictions.csv"
_EMPTY = "CONTRACTS: dict[str, dict[str, Any]] = {}\n"
_MOST_CATEGORIES = 20
_ROWS_FOR_CATEGORIES = 30
_ROWS_FOR_KEYS = 20
#: Names of columns that tell rows apart.
_KEY = re.compile(r"(?:^|[^a-z])(?:id|key|uuid|guid|index|code|sku|isbn)$|[a-z]Id$|ID$", re.IGNORECASE)


def write_contracts(datasets: Sequence[Dataset], predictions: Mapping[str, Any] | None = None) -> str:
    """The text of contracts.py for these datasets, and for what a script said of its predictions."""
    contracts = {dataset.name: contract_of(dataset) for dataset in datasets}
    if predictions is not None:
        contracts[PREDICTIONS] = contract_of_predictions(predictions)
    template = (Path(__file__).parent / "script" / "contracts.py").read_text(encoding="utf-8")
    return template.replace(_EMPTY, "\n".join(_literal(contracts)) + "\n", 1)


def _literal(contracts: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """The contracts as Python, a line a column; whatever a name holds, it stays a text."""
    yield "# fmt: off"
    yield _EMPTY.rstrip("}\n")
    for name, contract in contracts.items():
        yield f"    {_python(name)}: {{"
        yield f'        "rows": {contract["rows"]},'
        yield '        "columns": {'
        for column, promised in contract["columns"].items():
            yield f"            {_python(column)}: {_python(promised)},"
        yield "        },"
        yield "    },"
    yield "}"
    yield "# fmt: on"


def _python(value: object) -> str:
    """A value of a contract as Python writes it, texts in double quotes and ASCII."""
    if isinstance(value, str):
        text = ascii(value)
        return text if '"' in text or "\\'" in text else f'"{text[1:-1]}"'
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_python(key)}: {_python(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_python, value))}]"
    return repr(value)


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
    if not sampled:
        found |= _keys(column, rows) | _categories(column, found["kind"], rows)
        if column.nullable and rows and isinstance(profile.get("missing"), int):
            found["missing"] = round(profile["missing"] / rows, 4)
    if found["kind"] in ("number", "integer"):
        mean, spread = _finite(profile.get("mean")), _finite(profile.get("std"))
        if mean is not None and spread and not found.get("key"):
            found |= {"mean": _rounded(mean), "std": _rounded(spread)}
    return (
        found
        if found.get("key")
        else found | _range(found["kind"], profile.get("minimum"), profile.get("maximum"))
    )


def _keys(column: Column, rows: int) -> dict[str, Any]:
    """``key`` where the name or a count says that it tells rows apart, ``unique`` where it happens to."""
    profile = column.profile
    if column.nullable or rows < _ROWS_FOR_KEYS or profile.get("distinct") != rows:
        return {}
    kind = kind_of(column.dtype)
    if kind not in ("integer", "text"):
        return {}
    low, high = profile.get("minimum"), profile.get("maximum")
    counted = (
        kind == "integer"
        and isinstance(low, int | float)
        and isinstance(high, int | float)
        and high - low + 1 == rows
    )
    if counted or _KEY.search(column.name):
        return {"key": True}
    return {"unique": True} if kind == "text" else {}


def _categories(column: Column, kind: str, rows: int) -> dict[str, Any]:
    top = column.profile.get("top") or []
    if (
        kind != "text"
        or not top
        or column.profile.get("distinct") != len(top)
        or len(top) > _MOST_CATEGORIES
        or rows < max(_ROWS_FOR_CATEGORIES, 5 * len(top))
        or not all(isinstance(value, str) for value, _ in top)
    ):
        return {}
    total = sum(count for _, count in top) or 1
    return {
        "categories": sorted(value for value, _ in top),
        "shares": {value: round(count / total, 4) for value, count in top},
    }


def _range(kind: str, minimum: object, maximum: object) -> dict[str, Any]:
    """What was seen, half as wide again to both sides."""
    low, high = _finite(minimum), _finite(maximum)
    if kind not in ("number", "integer") or low is None or high is None:
        return {}
    margin = 0.5 * (high - low) or abs(high) or 1.0
    return {"range": [_rounded(low - margin), _rounded(high + margin)]}


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")


def _finite(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) else None  # type: ignore[arg-type]


def kind_of(dtype: str) -> str:
    """The kind behind a library's name of a type: integer, number, boolean, time or text."""
    name = dtype.lower()
    if name.startswith("bool"):
        return "boolean"
    if name.startswith(("int", "uint")):
        return "integer"
    if name.startswith(("float", "double", "decimal", "complex", "half")):
        return "number"
    if name.startswith(("datetime", "timedelta", "date", "period", "timestamp")):
        return "time"
    return "text"
