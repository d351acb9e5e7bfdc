"""Loops that try several things, searches and kept predictions, in a real kernel."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from kernels import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_mlops.records import Run, RunSummary

SETUP = """
import numpy as np, pandas as pd
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
X, y = load_iris(return_X_y=True, as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
models = {"tree": DecisionTreeClassifier(max_depth=1, random_state=0), "knn": KNeighborsClassifier(3)}
def evaluate(name, m):
    m.fit(X_train, y_train)
    acc = accuracy_score(y_test, m.predict(X_test))
    print(name, "Accuracy:", acc)
    return acc
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("children"))
    kernel.load()
    assert kernel.run(f"import jupyter_mlops as mlops{SETUP}").status == "ok"
    yield kernel
    kernel.close()


def family(kernel: Kernel, code: str) -> tuple[Run, list[RunSummary]]:
    """The run of a cell and its children."""
    outcome = kernel.run(f"%%track\n{code}")
    assert outcome.status == "ok", outcome.traceback
    with kernel.store() as store:
        run = store.get_run(store.resolve("last"))
        return run, store.search(parent_id=run.run_id)


ACC = "acc = accuracy_score(y_test, m.predict(X_test))"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            f"for name, m in models.items():\n    m.fit(X_train, y_train)\n    {ACC}\n    print(name, acc)",
            [("tree", {"name": "tree", "model": "DecisionTreeClassifier", "max_depth": 1}, "acc"),
             ("knn", {"name": "knn", "model": "KNeighborsClassifier", "n_neighbors": 3}, "acc")],
        ),
        (
            ("rows = []\nfor depth in (1, 2):\n"
            "    m = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X_train, y_train)\n"
            "    rows.append({'depth': depth, 'acc': accuracy_score(y_test, m.predict(X_test))})"),
            [("depth=1", {"depth": 1, "max_depth": 1}, "acc"), ("depth=2", {"depth": 2, "max_depth": 2}, "acc")],
        ),
        (
            ("def sweep(depths):\n    for depth in depths:\n"
            "        m = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X_train, y_train)\n"
            f"        {ACC}\n        print(depth, acc)\nsweep([1, 2])"),
            [("depth=1", {"depth": 1}, "acc"), ("depth=2", {"depth": 2}, "acc")],
        ),
        (
            "for name, m in models.items():\n    evaluate(name, m)",
            [("tree", {"model": "DecisionTreeClassifier"}, "accuracy"),
             ("knn", {"model": "KNeighborsClassifier"}, "accuracy")],
        ),
        (
            ("m = DecisionTreeClassifier(random_state=0)\nfor depth in (1, 2):\n"
            f"    m.set_params(max_depth=depth).fit(X_train, y_train)\n    {ACC}"),
            [("depth=1", {"max_depth": 1}, "acc"), ("depth=2", {"max_depth": 2}, "acc")],
        ),
    ],
    ids=["models", "table", "function", "helper", "one object"],
)  # fmt: skip
def test_a_loop_that_tries_things_makes_children(kernel, code, expected):
    run, children = family(kernel, code)
    assert [child.name for child in children] == [name for name, _, _ in expected]
    assert run.children == len(expected)
    for child, (_, params, metric) in zip(children, expected, strict=True):
        assert params.items() <= child.params.items()
        assert list(child.metrics) == [metric]
        kept = kernel.run(
            f"t = mlops.get_predictions({child.run_id!r}); float((t.y_true == t.y_pred).mean())"
        )
        assert float(kept.result) == child.metrics[metric]
    assert set(run.metrics.values()) >= {children[-1].metrics[expected[-1][2]]}


def test_the_card_tells_of_its_children(kernel):
    outcome = kernel.run("%%track\nfor name, m in models.items():\n    print(name, m.fit(X, y).score(X, y))")
    number = kernel.last_run().number
    card = outcome.displays[-1]
    assert f"2 child runs, #{number}.1 to #{number}.2" in card["text/plain"]
    assert f"%compare #{number}" in card["text/html"]


def test_a_comprehension_is_a_loop(kernel):
    code = "scores = {d: cross_val_score(DecisionTreeClassifier(max_depth=d, random_state=0), X, y).mean() for d in (1, 2)}"
    _, children = family(kernel, code)
    assert [(child.params["d"], child.params["max_depth"]) for child in children] == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    "code",
    [
        (
            "scores = []\nfor fold, (tr, te) in enumerate(KFold(3).split(X)):\n"
            "    m = DecisionTreeClassifier(random_state=0).fit(X.iloc[tr], y.iloc[tr])\n"
            "    scores.append(accuracy_score(y.iloc[te], m.predict(X.iloc[te])))"
        ),
        (
            "m = SGDClassifier(random_state=0)\nfor epoch in range(4):\n"
            "    m.partial_fit(X_train, y_train, classes=[0, 1, 2])\n    acc = m.score(X_test, y_test)"
        ),
        "w = 0.0\nfor i in range(50):\n    w -= 0.1 * (w - 1)\n    loss = (w - 1) ** 2",
    ],
    ids=["folds", "epochs", "descent"],
)
def test_folds_and_epochs_stay_one_run(kernel, code):
    run, children = family(kernel, code)
    assert children == []
    assert run.curves


def test_candidates_of_a_search_are_children(kernel):
    code = "s = GridSearchCV(KNeighborsClassifier(), {'n_neighbors': [1, 3], 'p': [1, 2]}, cv=2).fit(X, y)"
    _, children = family(kernel, code)
    assert [child.name for child in children] == [f"n_neighbors={n}, p={p}" for n in (1, 3) for p in (1, 2)]
    expected = kernel.run("s.cv_results_['mean_test_score'].tolist()").result
    assert [child.metrics["mean_test_score"] for child in children] == eval(expected)
    assert "std_test_score" in children[0].metrics


def test_children_stay_behind_their_run(kernel):
    run, children = family(
        kernel, "for name, m in models.items():\n    m.fit(X, y)\n    print(name, m.score(X, y))"
    )
    listed = kernel.run("%runs -n 1").result
    assert f"#{run.number}" in listed
    assert f"#{run.number}.1" not in listed
    listed = kernel.run(f"%runs --children #{run.number}").result
    assert f"#{run.number}.1" in listed
    compared = kernel.run(f"sorted(mlops.compare('#{run.number}').metrics().columns)", timeout=120)
    assert compared.status == "ok", compared.traceback
    command = [sys.executable, "-m", "jupyter_mlops.cli", "compare", f"#{run.number}", "--json"]
    told = subprocess.run(command, env=kernel.environment, cwd=kernel.folder, capture_output=True, check=True)
    assert [found["parent_number"] for found in json.loads(told.stdout)["runs"]] == [run.number] * 2
    outcome = kernel.run(f"mlops.export('#{run.number}.1', 'x')")
    assert f"Export #{run.number}" in outcome.traceback
    assert children[0].parent_number == run.number


def test_a_new_metric_scores_old_runs_without_a_refit(kernel):
    kernel.run(
        f"%%track\nm = DecisionTreeClassifier(max_depth=1, random_state=0).fit(X_train, y_train)\n{ACC}"
    )
    kernel.run("first = mlops.get_run('last')")
    kernel.run(
        f"%%track\nm = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X_train, y_train)\n{ACC}"
    )
    outcome = kernel.run("mlops.rescore(balanced_accuracy_score, first.run_id, 'last')")
    assert outcome.status == "ok", outcome.traceback
    run = kernel.last_run()
    expected = kernel.run("balanced_accuracy_score(y_test, m.predict(X_test))").result
    assert run.metrics["balanced_accuracy_score"] == float(
        expected.removeprefix("np.float64(").removesuffix(")")
    )
    detail = run.metric_details["balanced_accuracy_score"]
    assert detail.origin == "rescored"
    assert detail.evaluation.target == run.metric_details["acc"].evaluation.target
    features = kernel.run(
        "f = mlops.get_features('last')\nf.equals(X_test) or (f.to_numpy() == X_test.to_numpy()).all()"
    )
    assert features.result.removeprefix("np.") in ("True", "True_")
    lost = kernel.run("%%track\nown = m.score(X_test, y_test)")
    assert lost.status == "ok"
    assert "kept no predictions" in kernel.run("mlops.rescore(f1_score, 'last')").traceback


def test_a_child_holds_what_its_turn_appended(kernel: Kernel) -> None:
    _, children = family(
        kernel,
        "from sklearn.cluster import KMeans\nwcss = []\nfor i in range(1, 4):\n"
        "    wcss.append(KMeans(n_clusters=i, n_init=1, random_state=0).fit(X).inertia_)",
    )
    values = [child.metrics["wcss"] for child in sorted(children, key=lambda child: child.number)]
    assert len(values) == 3
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 3


def test_a_helper_called_in_two_cells_tells_two_facts(kernel: Kernel) -> None:
    kernel.run("%track on")
    try:
        kernel.run(
            "m = KNeighborsClassifier(3).fit(X_train, y_train)\n"
            "def report(part, X, y): print('accuracy:', accuracy_score(y, m.predict(X)))\n"
            "report('train', X_train, y_train)"
        )
        kernel.run("report('first half', X_train[:50], y_train[:50])")
    finally:
        kernel.run("%track off")
    with kernel.store() as store:
        found = [run.metrics.get("accuracy") for run in store.search(max_results=2)]
    assert None not in found
