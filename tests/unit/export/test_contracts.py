"""contracts.py as its users meet it: written, imported, asked."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from jupyter_mlops.export.contracts import can_be_checked, contract_of_predictions, kind_of, write_contracts
from jupyter_mlops.records import Column, Dataset

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = 'a "quoted" \\ """ column\n{x}'
DATASET = Dataset(
    name="frame",
    fingerprint="",
    kind="pandas.DataFrame",
    rows=100,
    columns=(
        Column(name="size", dtype="int64", nullable=False, profile={"minimum": 0, "maximum": 10}),
        Column(
            name="kind", dtype="object", nullable=True, profile={"distinct": 2, "top": [["a", 60], ["b", 38]]}
        ),
        Column(name="free", dtype="object", nullable=False, profile={"distinct": 90, "top": [["x", 2]]}),
        Column(name=HOSTILE, dtype="float64", nullable=True),
    ),
)


@pytest.fixture
def contracts(tmp_path: Path) -> Any:
    place = tmp_path / "contracts.py"
    place.write_text(write_contracts([DATASET]), encoding="utf-8")
    found = importlib.util.spec_from_file_location("contracts_under_test", place)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def frame(**changes: Any) -> pd.DataFrame:
    columns: dict[str, Any] = {"size": [1, 2], "kind": ["a", None], "free": ["p", "q"], HOSTILE: [1.0, None]}
    return pd.DataFrame({**columns, **changes})


def test_the_data_it_was_made_from_holds(contracts: Any) -> None:
    whole = pd.concat([frame()] * 50, ignore_index=True)
    assert contracts.check("frame", whole) == ([], [])
    assert contracts.check("frame", whole.astype({"size": "float64"})) == ([], [])
    assert contracts.check("another", 3) == ([], [])


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (frame().drop(columns="size"), "size"),
        (frame(size=["x", "y"]), "kind number in size"),
        (frame(size=[1, None]), "size"),
        (frame(kind=["a", "z"]), "z"),
        (frame(free=["a", None]), "free"),
        (frame().iloc[:0], "no rows"),
        (7, "no table"),
    ],
)
def test_broken_data_is_an_error(broken: Any, said: str, contracts: Any) -> None:
    errors, _ = contracts.check("frame", broken)
    assert errors
    assert said in " ".join(errors)


def test_ranges_and_counts_are_doubts(contracts: Any) -> None:
    errors, doubts = contracts.check("frame", frame(size=[1, 99]))
    assert not errors
    assert any("size goes from 1 to 99" in doubt for doubt in doubts)
    assert any("2 rows" in doubt for doubt in doubts)


def test_what_can_be_promised() -> None:
    assert can_be_checked(DATASET)
    assert not can_be_checked(Dataset(name="x", fingerprint="", kind="numpy.ndarray", rows=2))
    assert [
        kind_of(name) for name in ("Int64", "bool", "datetime64[ns]", "category", "string", "float32")
    ] == [
        "number",
        "boolean",
        "time",
        "text",
        "text",
        "number",
    ]


def test_predictions_promise_their_kind_their_classes_and_nothing_by_chance() -> None:
    described = {
        "rows": 4,
        "columns": {
            "prediction": {"dtype": "int64", "nullable": False, "categories": [0, 1, 2]},
            "share": {"dtype": "float64", "nullable": True, "minimum": 0.0, "maximum": 1.0},
            "word": {"dtype": "object", "nullable": False},
        },
    }
    assert contract_of_predictions(described) == {
        "rows": 4,
        "columns": {
            "prediction": {"kind": "number", "nullable": False, "categories": [0, 1, 2]},
            "share": {"kind": "number", "nullable": True, "range": [-0.5, 1.5]},
            "word": {"kind": "text", "nullable": False},
        },
    }
