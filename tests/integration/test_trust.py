"""What makes a result doubtful is on its card: leaks over several cells, chance, and the baseline beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kernels import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPORTS = """
import numpy as np, pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
"""
SCORE = """%%track
model = LogisticRegression(max_iter=2000).fit(X_train, y_train)
acc = accuracy_score(y_test, model.predict(X_test))
"""
SPLIT = "X_train, X_test, y_train, y_test = train_test_split({}, y, random_state=0)"


@pytest.fixture
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    kernel.load()
    kernel.run(IMPORTS)
    yield kernel
    kernel.close()


def codes(kernel: Kernel) -> list[str]:
    run = kernel.last_run()
    assert all(warning.hint for warning in run.warnings)
    return [warning.code for warning in run.warnings]


def test_leaks_are_named_over_cells_and_clean_work_is_not(kernel: Kernel) -> None:
    kernel.run(SPLIT.format("X"))
    kernel.run("scaler = StandardScaler().fit(X_train)\nX_train = scaler.transform(X_train)")
    kernel.run("X_test = scaler.transform(X_test)")
    outcome = kernel.run(SCORE)
    assert codes(kernel) == []
    detail = kernel.last_run().metric_details["acc"]
    assert detail.trivial == pytest.approx(90 / 143)
    assert "trivial 0.629" in outcome.displays[-1]["text/html"]

    kernel.run("scaler = StandardScaler()\nscaled = scaler.fit_transform(X)")
    kernel.run(SPLIT.format("scaled"))
    outcome = kernel.run(SCORE)
    assert codes(kernel) == ["fitted_before_split"]
    assert "StandardScaler was fitted on all of" in outcome.displays[-1]["text/html"]

    kernel.run("X['copy'] = y.map({0: 'benign', 1: 'malignant'}).astype('category').cat.codes")
    kernel.run(SPLIT.format("X"))
    kernel.run(SCORE)
    assert codes(kernel) == ["target_among_features"]

    kernel.run("X = X.drop(columns='copy').set_index(pd.date_range('2020', periods=len(X)))")
    kernel.run(SPLIT.format("X"))
    kernel.run(SCORE)
    assert codes(kernel) == ["split_over_time"]
