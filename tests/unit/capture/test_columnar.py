"""Tables of polars, Arrow and PyTorch: each has a fingerprint of its content, and a description."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import pytest

from jupyter_mlops.capture.dataset import describe_dataset
from jupyter_mlops.capture.fingerprint import fingerprint

ROWS = {
    "decimal": [decimal.Decimal("1.5"), decimal.Decimal("2.5")],
    "struct": [{"a": 1}, {"a": 2}],
    "list": [[1], [2, 3]],
    "text": ["a", "b"],
    "day": [dt.date(2020, 1, 1), dt.date(2020, 1, 2)],
    "missing": [None, True],
}


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_every_column_type_is_told_apart_by_its_cells(library: str, kind: str) -> None:
    module = pytest.importorskip(library)
    make: Any = module.DataFrame if library == "polars" else module.table
    table, turned = make({"c": ROWS[kind]}), make({"c": ROWS[kind][::-1]})
    assert fingerprint(table)
    assert fingerprint(table) == fingerprint(make({"c": ROWS[kind]})) != fingerprint(turned)
    assert fingerprint(table) != fingerprint(make({"d": ROWS[kind]}))
    described = describe_dataset("t", table)
    assert described is not None
    assert (described.rows, [column.name for column in described.columns]) == (2, ["c"])


def test_a_record_batch_is_a_table() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    batch = pyarrow.table({"c": [1, 2, 3]}).to_batches()[0]
    assert fingerprint(batch)
    described = describe_dataset("b", batch)
    assert described is not None
    assert (described.kind, described.rows) == ("pyarrow.RecordBatch", 3)


def test_a_half_precision_tensor_is_described() -> None:
    torch = pytest.importorskip("torch")
    described = describe_dataset("t", torch.arange(10).to(torch.bfloat16))
    assert described is not None
    assert described.columns[0].profile["maximum"] == 9
