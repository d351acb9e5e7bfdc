"""This cell gives these metrics."""

from __future__ import annotations

import math

import pytest
from observing import Notebook, metrics_of

from jupyter_mlops.capture.members import members
from jupyter_mlops.capture.metric_names import canonical

SETUP = """
import numpy as np
from sklearn.metrics import accuracy_score, f1_score, mean_squared_error, classification_report
y_test = np.array([0, 1, 1, 0, 1, 0, 1, 1])
pred = np.array([0, 1, 0, 0, 1, 1, 1, 1])
"""


def scored(code: str) -> dict[str, float]:
    notebook = Notebook()
    notebook.run(SETUP)
    return notebook.run(code).values


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("acc = accuracy_score(y_test, pred)", {"acc": 0.75}),
        ("accuracy_score(y_test, pred)", {"accuracy_score": 0.75}),
        ("print(accuracy_score(y_test, pred))", {"accuracy_score": 0.75}),
        ("print('Accuracy:', accuracy_score(y_test, pred))", {"accuracy": 0.75}),
        ("print(f'Accuracy: {accuracy_score(y_test, pred):.1f}')", {"accuracy": 0.75}),
        ("print('Test accuracy = %.1f%%' % (100 * accuracy_score(y_test, pred)))", {"test_accuracy": 75.0}),
        ("print('acc {:.1f}'.format(accuracy_score(y_test, pred)))", {"acc": 0.75}),
        ("print('acc {a:.1f}'.format(a=accuracy_score(y_test, pred)))", {"acc": 0.75}),
        ("acc = accuracy_score(y_test, pred)\nprint('Accuracy:', acc)\nacc", {"acc": 0.75}),
        ("acc = accuracy_score(y_test, pred)\nprint(f'{acc:.2f}')", {"acc": 0.75}),
        ("acc = (pred == y_test).mean()", {"acc": 0.75}),
        ("acc = (pred == y_test).mean()\nn = len(pred)\nprint(f'{acc} on {n} rows')", {"acc": 0.75}),
        ("rmse = mean_squared_error(y_test, pred) ** 0.5", {"rmse": 0.5}),
        ("scores = {'acc': accuracy_score(y_test, pred), 'n': len(pred)}", {"acc": 0.75}),
        ("train = {'acc': accuracy_score(y_test, pred)}", {"train.acc": 0.75}),
        ("tmp = accuracy_score(y_test, pred) * 2\nhalf = tmp / 4", {"tmp": 1.5, "half": 0.375}),
        (
            "for name in ['a', 'b']:\n    s = len(name) / 4\n    print(f'{name}: {s:.2f}')",
            {"a": 0.25, "b": 0.25},
        ),
        (
            "for name in ['a', 'b']:\n    acc = 0.5 + len(name) / 4\n    print(f'Model {name} acc={acc} f1={acc / 2}')",
            {"a_acc": 0.75, "a_f1": 0.375, "b_acc": 0.75, "b_f1": 0.375},
        ),
        ("a, b = accuracy_score(y_test, pred), 3", {"a": 0.75}),
        (
            "print('Train: %d rows, error %.2f' % (len(pred), 1 - accuracy_score(y_test, pred)))",
            {"error": 0.25},
        ),
    ],
)
def test_scores(code: str, expected: dict[str, float]) -> None:
    assert scored(code) == pytest.approx(expected)


@pytest.mark.parametrize(
    "code",
    [
        "n = len([1, 2, 3])",
        "seed = 3",
        "loss = 0.0",
        "acc = 0.0",
        "loss_weight = 0.5",
        "from time import time\nstart = time()",
        "x = 3\nprint('rows:', x)",
        "for i in range(3):\n    pass",
        "shape = (3, 4)\nshape",
        "values = [1.0, 2.0]\nvalues",
        "best_params = {'depth': 3.0}\nbest_params",
        "half = len('abc') / 2\nprint('n_rows', half)",
    ],
)
def test_what_is_no_metric(code: str) -> None:
    assert metrics_of(code) == {}


def test_full_precision_is_kept_whatever_is_printed() -> None:
    assert scored("print(f'{f1_score(y_test, pred):.1f}')") == {"f1_score": pytest.approx(0.8, abs=1e-15)}
    assert scored("print('third: %.1f' % (1 / 3))") == {"third": 1 / 3}


def test_report_as_dict_gives_its_numbers() -> None:
    found = scored("report = classification_report(y_test, pred, output_dict=True)")
    assert found["accuracy"] == 0.75
    assert found["macro_avg.f1_score"] == pytest.approx(0.7333333)
    assert not [name for name in found if "support" in name]


def test_nan_is_a_metric_too() -> None:
    assert math.isnan(metrics_of("loss = float('nan')")["loss"])


def test_a_metric_knows_what_it_was_scored_on() -> None:
    notebook = Notebook()
    notebook.run(SETUP)
    evaluation = notebook.run("acc = accuracy_score(y_test, pred)").details["acc"].evaluation
    assert evaluation is not None
    assert evaluation.function.endswith("accuracy_score")
    assert (evaluation.target_name, evaluation.rows) == ("y_test", 8)
    assert evaluation.target == "fingerprint of ndarray"


def test_a_score_in_a_notebook_function_is_found_with_its_place() -> None:
    notebook = Notebook()
    notebook.run(SETUP)
    notebook.run("def evaluate(p):\n    print(f'Accuracy: {accuracy_score(y_test, p):.3f}')", tracked=False)
    found = notebook.run("evaluate(pred)")
    detail = found.details["accuracy"]
    assert found.values == {"accuracy": 0.75}
    assert (detail.order, detail.scope, detail.span.line) == (2, "evaluate", 2)


def test_the_same_label_in_a_loop_is_a_curve() -> None:
    notebook = Notebook()
    found = notebook.run(
        "for epoch in range(3):\n    print(f'Epoch {epoch + 1}: loss {1 / (epoch + 1):.2f}')"
    )
    assert found.values["loss"] == pytest.approx(1 / 3)
    assert found.curves["loss"].values == pytest.approx([1, 1 / 2, 1 / 3])


def test_every_label_of_a_loop_remembers_which_turn_it_was() -> None:
    notebook = Notebook()
    found = notebook.run("for name in ['a', 'bb', 'ccc']:\n    print(f'{name}: {len(name) / 4}')")
    assert [found.details[name].path for name in ("a", "bb", "ccc")] == [("@0",), ("@1",), ()]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Accuracy: ", "accuracy"),
        ("Test RMSE = ", "test_RMSE"),
        ("\n  R² score: ", "r2_score"),
        ("Epoch done | val_loss=", "val_loss"),
        ("The accuracy is ", "accuracy"),
        ("F1-score (macro): ", "f1_score_macro"),
        ("forest\x1f: ", "forest"),
        ("forest\x1f, acc=", "forest_acc"),
        ("\x1b[1mloss\x1b[0m ", "loss"),
        (" +/- ", ""),
    ],
)
def test_names_come_from_the_last_clause_of_a_label(label: str, name: str) -> None:
    assert canonical(label) == name


def test_members_reads_tables_and_series_but_nothing_large() -> None:
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"model": ["forest", "logit"], "accuracy": [0.9, 0.8], "n": [1.0, 2.0]})
    assert [(parts, value) for _, parts, value in members(frame)] == [
        (("forest", "accuracy"), 0.9),
        (("logit", "accuracy"), 0.8),
    ]
    assert [value for _, _, value in members(pd.Series({"auc": 0.5, "f1": 0.25}))] == [0.5, 0.25]
    assert [parts for _, parts, _ in members(np.array([0.5, 1.0]))] == [("mean",), ("std",)]
    assert members(np.zeros(1000)) == []
    assert members(pd.DataFrame(np.zeros((100, 3)))) == []
