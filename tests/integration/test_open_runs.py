"""Under ``%track on``: which run a later cell's score belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kernels import Kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

SETUP = """
import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
X, y = load_iris(return_X_y=True)
def report(model):
    print("acc", accuracy_score(y, model.predict(X)))
"""
TREE = "DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, y)"
LOGIT = "LogisticRegression(C=0.5, max_iter=1000).fit(X, y)"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("open"))
    kernel.load()
    assert kernel.run(SETUP).status == "ok"
    kernel.run("%track on")
    yield kernel
    kernel.close()


@pytest.mark.parametrize(
    ("cells", "owners"),
    [
        ((f"a = {TREE}", f"b = {LOGIT}", "report(a)", "report(b)"), {"a": [3, 5], "b": [4, 6]}),
        ((f"a = {TREE}\nbest = a", f"a = {LOGIT}", "report(best)"), {"a": [3, 5], "": [4]}),
        ((f"m = {TREE}", f"m = {LOGIT}", "acc = accuracy_score(y, m.predict(X))"), {"": [3], "m": [4, 5]}),
        (
            (f"a = {TREE}", f"b = {LOGIT}", "p = a.predict(X)", "acc = accuracy_score(y, p)"),
            {"a": [3, 6], "": [4]},
        ),
        (
            (
                "s = StandardScaler()\na = make_pipeline(s, LogisticRegression(C=0.1)).fit(X, y)",
                "b = make_pipeline(s, LogisticRegression(C=10)).fit(X * 3, y)",
                "acc = accuracy_score(y, a.predict(X))",
            ),
            {"a": [3, 5], "": [4]},
        ),
        (
            (
                f"a = {TREE}\njoblib.dump(a, 'a.joblib')",
                f"b = {LOGIT}",
                "loaded = joblib.load('a.joblib')",
                "acc = accuracy_score(y, loaded.predict(X))",
            ),
            {"": [3], " ": [4], "loaded": [6]},
        ),
        (
            (
                f"a = {TREE}",
                f"b = {LOGIT}",
                "accs = {'a': accuracy_score(y, a.predict(X)), 'b': accuracy_score(y, b.predict(X))}",
            ),
            {"": [3], " ": [4], "both": [5]},
        ),
    ],
    ids=[
        "alternately",
        "two names",
        "refitted",
        "predictions",
        "shared scaler",
        "from a file",
        "both at once",
    ],
)
def test_a_score_belongs_to_the_run_that_fitted_the_model(kernel: Kernel, cells, owners) -> None:
    known = {run.run_id for run in kernel.runs()}
    for cell in cells:
        outcome = kernel.run(cell)
        assert outcome.status == "ok", outcome.traceback
    runs = [run for run in kernel.runs() if run.run_id not in known]
    before = min(run.orders[0] for run in runs) - 3
    orders = {run.run_id: [order - before for order in run.orders] for run in runs}
    assert sorted(orders.values()) == sorted(owners.values())
    shared = "s = StandardScaler()" in cells[0]
    warned = [warning.code for run in runs for warning in run.warnings]
    assert warned.count("refitted_since") == int(shared)
    scored = [found for name, found in owners.items() if name.strip()]
    assert [orders[run.run_id] in scored for run in runs] == [bool(run.metrics) for run in runs]
