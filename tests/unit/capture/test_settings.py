"""Settings that stand in no plain literal."""

from __future__ import annotations

import argparse
import ast
import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from observing import Notebook

from jupyter_mlops.capture.names import cell_names
from jupyter_mlops.capture.parameters import Given, find_params
from jupyter_mlops.capture.settings import call_settings, held_settings


@dataclasses.dataclass
class Config:
    lr: float = 0.01
    hidden: tuple[int, ...] = (20,)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("args", argparse.Namespace(lr=0.1, files=object()), {"lr": 0.1}),
        ("x", SimpleNamespace(depth=3), {"depth": 3}),
        ("x", Config(lr=0.5), {"lr": 0.5, "hidden": [20]}),
        ("cfg", {"model": {"lr": 0.1}, "n": 3}, {"model.lr": 0.1, "n": 3}),
        ("index", {"a": 1}, {}),
        ("params", {"acc": 0.5}, {}),
        ("x", object(), {}),
    ],
)
def test_objects_that_hold_settings(name: str, value: Any, expected: dict[str, Any]) -> None:
    assert held_settings(name, value) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("train_test_split(X, y, test_size=0.25, random_state=3)", [("train_test_split", "test_size", 0.25)]),
        ("nn.Dropout(0.2)", [("Dropout", "Dropout", 0.2)]),
        ("Adam(model.parameters(), lr=1e-3)", [("Adam", "lr", 1e-3)]),
        (
            "xgb.train({'eta': 0.2}, data, num_boost_round=30)",
            [("train", "num_boost_round", 30), ("train", "eta", 0.2)],
        ),
        ("cross_val_score(model, X, y, cv=5)", [("cross_val_score", "cv", 5)]),
        ("lgb.early_stopping(20)", [("early_stopping", "early_stopping", 20)]),
        ("plt.plot(x, alpha=0.2, linewidth=3)", []),
        ("pd.DataFrame(x, columns=['a'])", []),
        ("model.fit(X, y, epochs=8, verbose=0)", [("fit", "epochs", 8)]),
    ],
)
def test_literals_given_to_calls(code: str, expected: list[tuple[str, str, Any]]) -> None:
    assert call_settings(ast.parse(code), {}) == expected


def test_what_a_function_that_loops_was_given_is_heard() -> None:
    notebook = Notebook()
    notebook.run(
        "def train(x, lr=0.1, epochs=3, verbose=True):\n    for e in range(epochs):\n        loss = lr / (e + 1)",
        tracked=False,
    )
    notebook.run("train(None, lr=0.5)")
    assert notebook.watch.arguments == {"train": {"lr": 0.5, "epochs": 3, "verbose": True}}
    params, details = find_params(
        cell_names("train(None, lr=0.5)"),
        notebook.space,
        2,
        earlier={},
        given=Given(called=[(2, "train", "lr", 0.5)], arguments=notebook.watch.arguments),
    )
    assert params == {"lr": 0.5, "epochs": 3}
    assert details["epochs"].origin == "argument"
