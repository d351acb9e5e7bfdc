"""contracts.py as its users meet it: written, imported, asked."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from jupyter_mlops.capture.dataset import describe_dataset
from jupyter_mlops.export.contracts import can_be_checked, contract_of_predictions, kind_of, write_contracts
from jupyter_mlops.records import Dataset

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = 'a "quoted" \\ """ column\n{x}'


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "size": [number % 10 for number in range(100)],
            "bird_id": [3 * number for number in range(100)],
            "kind": ["a"] * 60 + ["b"] * 38 + [None] * 2,
            "free": [f"w{number}" for number in range(100)],
            HOSTILE: [1.5] * 99 + [None],
        }
    )


DATASET = describe_dataset("frame", frame(), order=1)
assert DATASET is not None


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


def found(contracts: Any, data: Any, severity: str) -> list[str]:
    return [one.message for one in contracts.check("frame", data) if one.severity == severity]


def test_the_data_it_was_made_from_holds(contracts: Any) -> None:
    whole = frame()
    assert contracts.check("frame", whole) == []
    assert contracts.check("frame", whole.astype({"size": "float64"})) == []
    assert contracts.check("another", 3) == []


def changed(**changes: Any) -> pd.DataFrame:
    """The frame with the first rows of columns changed."""
    data = frame()
    for name, values in changes.items():
        column = data[name].astype(object).tolist()
        column[: len(values)] = values
        data[name] = pd.Series(column) if any(isinstance(v, str) or v is None for v in column) else column
    return data


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (frame().drop(columns="size"), "the column 'size' is missing"),
        (frame().assign(size=["x"] + ["4"] * 99), "'size' should hold whole numbers, but holds text ('x')"),
        (
            frame().assign(size=[1.5] + [4.0] * 99),
            "'size' should hold whole numbers, but holds numbers (1.5)",
        ),
        (
            frame().assign(size=[None] + [4.0] * 99),
            "'size' has no value in 1 row, in the run it had one everywhere",
        ),
        (changed(kind=["z", "z"]), "'kind' holds 'z' in 2 rows, known are 'a', 'b'"),
        (changed(free=[None]), "'free' has no value in 1 row, in the run it had one everywhere"),
        (
            frame().assign(bird_id=[7] * 100),
            "'bird_id' should tell rows apart, but some values stand in several (7)",
        ),
        (frame().assign(kind=5), "'kind' should hold text, but holds numbers (5)"),
        (frame().iloc[:0], "it has no rows, the run had 100"),
        (7, "it is no table but int"),
    ],
)
def test_broken_data_is_an_error_in_words(broken: Any, said: str, contracts: Any) -> None:
    errors = found(contracts, broken, "error")
    assert len(errors) == 1
    assert errors[0].startswith(said)


def test_ranges_and_counts_are_warnings(contracts: Any) -> None:
    data = frame()
    data.loc[:1, "size"] = 99
    assert found(contracts, data, "error") == []
    assert found(contracts, data, "warning") == ["'size' lies outside -4.5 to 13.5 in 2 rows (99)"]
    assert found(contracts, data.iloc[2:5], "warning") == ["it has 3 rows, the run had 100"]
    assert found(contracts, changed(free=["w1", "w1"]), "warning") == [
        "'free' has 1 values twice, the run had none"
    ]


def test_moved_distributions_are_drift(contracts: Any) -> None:
    assert found(contracts, frame().assign(size=[9] * 90 + [4] * 10), "drift") == [
        "the mean of 'size' is 8.5, it was 4.5, 1.4 standard deviations away"
    ]
    assert found(contracts, frame().assign(kind="a"), "drift") == ["the mix of 'kind' has moved by 39%"]
    gaps = frame()
    gaps.loc[:49, HOSTILE] = None
    assert found(contracts, gaps, "drift") == [f"{HOSTILE!r} is missing in 51% of the rows, it was in 1%"]


def test_what_can_be_promised() -> None:
    assert can_be_checked(DATASET)
    assert not can_be_checked(Dataset(name="x", fingerprint="", kind="numpy.ndarray", rows=2))
    assert [
        kind_of(name) for name in ("Int64", "bool", "datetime64[ns]", "category", "string", "float32")
    ] == [
        "integer",
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
            "prediction": {"kind": "integer", "nullable": False, "categories": [0, 1, 2]},
            "share": {"kind": "number", "nullable": True, "range": [-0.5, 1.5]},
            "word": {"kind": "text", "nullable": False},
        },
    }
