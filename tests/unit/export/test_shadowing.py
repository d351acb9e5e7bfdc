"""An import whose name is bound anew later stands at the top all the same, under a name of its own."""

from __future__ import annotations

import pytest

from jupyter_mlops.export.plan import KeptCell, Slice
from jupyter_mlops.export.shadowing import set_apart
from jupyter_mlops.export.steps import prepare_cells
from jupyter_mlops.records import Execution


def rewritten(*codes: str) -> list[str]:
    executions = [
        Execution(execution_id=str(n), session_id="s", order=n, source=code, code=code)
        for n, code in enumerate(codes, start=1)
    ]
    kept = tuple(KeptCell(order=cell.order, reason="") for cell in executions)
    cells = prepare_cells(executions, Slice(kept=kept))
    set_apart(cells)
    return [cell.source.render(0, len(cell.source.data)) for cell in cells]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (
            ["import xgboost as xgb", "xgb = xgb.XGBRegressor()", "xgb.fit(X)"],
            ["import xgboost", "xgb = xgboost.XGBRegressor()", "xgb.fit(X)"],
        ),
        (
            [
                "from sklearn.metrics import (f1_score, r2_score)",
                "r2_score = r2_score(y, p)",
                "print(r2_score)",
            ],
            [
                "from sklearn.metrics import f1_score, r2_score as imported_r2_score",
                "r2_score = imported_r2_score(y, p)",
                "print(r2_score)",
            ],
        ),
        (
            ["import random", "a = f'{random.random()}'\nrandom = 3", "b = random"],
            [
                "import random as imported_random",
                "a = f'{imported_random.random()}'\nrandom = 3",
                "b = random",
            ],
        ),
        # Another thing has the module's own name.
        (
            ["import xgboost as xgb", "xgboost = 1\nxgb = xgb.X()"],
            ["import xgboost as imported_xgboost", "xgboost = 1\nxgb = imported_xgboost.X()"],
        ),
    ],
)
def test_what_is_imported_and_what_is_bound_have_two_names(codes: list[str], expected: list[str]) -> None:
    assert rewritten(*codes) == expected


@pytest.mark.parametrize(
    "codes",
    [
        ["import xgboost as xgb", "model = xgb.X()"],
        ["import a as m", "def f():\n    return m.x", "m = 1"],  # what it reads depends on when it is called
        ["import a as m", "m = m.x", "import a as m", "m.y"],
        ["import a as m", "for m in m.items:\n    print(m)"],
        ["m = 1", "import a as m", "m.x"],
        ["import a as m", "import b as m", "m = m.x"],
    ],
)
def test_what_cannot_be_told_apart_stays(codes: list[str]) -> None:
    assert rewritten(*codes) == codes
