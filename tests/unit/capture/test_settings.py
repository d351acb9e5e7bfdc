"""Settings that stand in no plain literal."""

from __future__ import annotations

import argparse
import ast
import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from observing import Notebook

from jupyter_mlops.capture.implied import implied_settings, read_implied
from jupyter_mlops.capture.names import cell_names
from jupyter_mlops.capture.parameters import Given, find_params, told_apart
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
        (
            # Which rows are scored is a setting; a model's own seed is told with the model.
            "train_test_split(X, y, test_size=0.25, random_state=3)",
            [("train_test_split", "test_size", 0.25), ("train_test_split", "random_state", 3)],
        ),
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


def test_literals_by_position_have_the_names_that_ones_own_functions_give_them() -> None:
    notebook = Notebook()
    notebook.run(
        "class Network:\n    def __init__(self, sizes, lr=0.1): self.sizes = sizes\n"
        "def train(net, epochs, rate, label): return net\n"
    )
    code = "train(Network([4, 3, 2]), 6, 0.5, 'first')"
    assert sorted(call_settings(ast.parse(code), notebook.space)) == [
        ("Network", "sizes", [4, 3, 2]),
        ("train", "epochs", 6),
        ("train", "rate", 0.5),
    ]


def test_literals_by_position_have_the_names_that_libraries_give_them() -> None:
    notebook = Notebook()
    notebook.run("from sklearn.model_selection import KFold")
    found = call_settings(ast.parse("KFold(5, shuffle=True)"), notebook.space)
    assert found == [("KFold", "n_splits", 5), ("KFold", "shuffle", True)]


def test_literals_given_to_statistical_tests_and_made_up_data() -> None:
    notebook = Notebook()
    notebook.run("from scipy import stats\nfrom sklearn import datasets\nimport numpy as np")
    code = "stats.ttest_ind(a, b, equal_var=False); datasets.make_moons(noise=0.2, random_state=1); np.full(3, fill_value=2)"
    assert call_settings(ast.parse(code), notebook.space) == [
        ("ttest_ind", "equal_var", False),
        ("make_moons", "noise", 0.2),
        ("make_moons", "random_state", 1),
    ]


HELPERS = """
def build(n_trees=80, max_depth=7, mode='sqrt'):
    return Forest(n_estimators=n_trees, max_depth=max_depth, max_features=mode)

class Factors:
    def __init__(self, n=8, lr=0.02, reg=3):
        self.lr, self.reg = lr, reg

def descend(X, rate=0.1, epochs=30):
    for epoch in range(epochs):
        w -= rate * X

def nearest(u, k=20, shrink=5):
    found = np.argsort(u)[:k]
    return found.sum() / (found.sum() + shrink * 0.1)

def plot(ax, width=5):
    ax.scatter(X, s=width)
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("build(mode=0.5)", {"n_trees": 80, "max_depth": 7}),
        ("build(100, 3)", {"mode": "sqrt"}),
        ("Factors(3)", {"lr": 0.02, "reg": 3}),
        ("descend(X, epochs=4)", {"rate": 0.1}),
        ("plot(ax)", {}),
        ("nearest(u)", {"k": 20, "shrink": 5}),
        ("cut = int(0.7 * len(X))", {"cut_fraction": 0.7}),
        ("n_train = round(X.shape[0] * 0.8)", {"n_train_fraction": 0.8}),
        ("mask = np.random.rand(len(X)) < 0.8", {"mask_fraction": 0.8}),
        ("late = X[0] < 0.8; half = 0.5 * w", {}),
        ("for lr in [0.1, 0.01]:\n    train(lr)", {"lr": [0.1, 0.01]}),
        ("for k in range(1, 8, 2):\n    m = KNN(n_neighbors=k)", {"k": [1, 3, 5, 7]}),
        ("inertia = [KMeans(k).fit(X).inertia_ for k in (2, 3)]", {"k": [2, 3]}),
        ("for i in range(3):\n    train(i)", {}),
        ("for t in (0.3, 0.4):\n    print(precision_score(y, p > t))", {}),
        ("for name in names:\n    train(name)", {}),
    ],
)
def test_what_functions_and_loops_imply(code: str, expected: dict[str, Any]) -> None:
    cells = [(2, read_implied(ast.parse(code))), (1, read_implied(ast.parse(HELPERS)))]
    assert {name: value for _, _, name, value in implied_settings(cells)} == expected


def test_what_a_search_tries_is_told_setting_by_setting() -> None:
    grid = {"svc": ["SVC"], "svc__C": [0.1, 1]}
    assert dict(told_apart({"cv": 5, "param_grid": [grid]})) == {
        "cv": 5,
        "param_grid.svc": ["SVC"],
        "param_grid.svc__C": [0.1, 1],
    }
    assert dict(told_apart({"param_distributions": {"depth": [2, 3]}})) == {
        "param_distributions.depth": [2, 3]
    }
    assert dict(told_apart({"param_grid": [grid, {"knn__k": [3]}]}))["param_grid.1.knn__k"] == [3]
