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
        ("rmse = 1 / 2\nmae = 1 / 4\n{'rmse': rmse, 'mae': mae}", {"rmse": 0.5, "mae": 0.25}),
        ("{'precision': 1 / 2, 'recall': 1 / 4}", {"precision": 0.5, "recall": 0.25}),
        (
            "import pandas as pd\npd.Series({'precision': 0.5, 'recall': 0.25})",
            {"precision": 0.5, "recall": 0.25},
        ),
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
        ("print('Accuracy: ' + str(round(accuracy_score(y_test, pred), 1)))", {"accuracy": 0.75}),
        ("round(accuracy_score(y_test, pred), 1)", {"accuracy_score": 0.75}),
        ("acc = (pred == y_test).mean()\nprint(f'{acc=:.1f}')", {"acc": 0.75}),
        ("print('Accuracy of the forest'); print(1 - 1 / 4)", {"accuracy_of_the_forest": 0.75}),
        ("print('sens', 3 / 4); print('spec loss', 1 / 4)", {"sens": 0.75, "spec_loss": 0.25}),
        ("h = 3 / 4\nprint(f'Entropy: {h:.1f}')", {"entropy": 0.75}),
        (
            "score = np.array([0.5, 1.0])\nprint('Lasso score: {:.2f} ({:.2f})'.format(score.mean(), score.std()))",
            {"lasso_score": 0.75, "lasso_score_std": 0.25},
        ),
        ("acc = 1 - 1 / 2\naccuracy_score(y_test, pred), acc", {"accuracy_score": 0.75, "acc": 0.5}),
        ("import logging\nlog = logging.getLogger()\nlog.info('auc %.2f', 3 / 4)", {"auc": 0.75}),
        ("def macro_f1(a, b): return f1_score(a, b)\nmacro_f1(y_test, pred)", {"macro_f1": 0.8}),
        ("np.linalg.norm(np.array([3.0, 4.0]))", {"norm": 5.0}),
        (
            "results = {}\nfor d in (1, 2):\n    results[f'depth_{d}'] = {'test': d / 4}",
            {"depth_1.test": 0.25, "depth_2.test": 0.5},
        ),
        (
            "final = {}\nfor lr in (0.1, 1.0):\n    final[lr] = lr / 2\nfinal",
            {"final.0.1": 0.05, "final.1.0": 0.5},
        ),
        (
            "for a in (0.5, 2.5):\n    print(a, a * 2, a * 4)",
            {"0.5_a": 1.0, "2.5_a": 5.0, "0.5_a_2": 2.0, "2.5_a_2": 10.0},
        ),
        (
            "for r in [{'m': 'a', 'x': 0.25, 'y': 0.5}]:\n    print(f\"{r['m']} | {r['x']:.1f} | {r['y']:.1f}\")",
            {"a_r.x": 0.25, "a_r.y": 0.5},
        ),
        (
            "def show(name):\n    print(f'--- {name}')\n    print('Accuracy:', len(name) / 4)\nshow('a'); show('bb')",
            {"a_accuracy": 0.25, "bb_accuracy": 0.5},
        ),
        ("from scipy import stats\nstats.pearsonr([1, 2, 3], [1.0, 2.0, 3.0]).statistic", {"pearsonr": 1.0}),
        (
            "for name, s in zip(['a', 'b'], [0.25, 0.5]):\n    print(f'{name}: {s:.1f}')",
            {"a": 0.25, "b": 0.5},
        ),
        (
            "for mean, std in [(0.5, 0.25)]:\n    print('AUC %.2f (+/-%.2f)' % (mean, std * 2))",
            {"AUC": 0.5, "AUC_std": 0.5},
        ),
        ("hist = [3.0, 1.5]\nprint(f'reconstruction error {hist[-1]:.1f}')", {"reconstruction_error": 1.5}),
        ("import time\nt = time.time()\nprint('Fitting used', time.time() - t)", {}),
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
        "lr = 0.1\nprint('lr', lr)\nprint(f'At {lr}: go')",
        "import numpy as np\nerrors = np.array([-1.0, 2.0])\nloss = None",
        "fit_time = 3 / 4\nfit_time",
        "import time\nsvr_fit = time.time() - 1.5\nprint(f'fitted in {svr_fit:.1f}')",
        "train_times = []\nfor i in range(3):\n    train_times.append(i / 2)",
        "w, b = [x / 3 for x in (1, 2)]",
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


def test_how_long_each_try_of_a_loop_took_is_no_metric() -> None:
    notebook = Notebook()
    notebook.run("from time import time")
    found = notebook.run(
        "for name in ['a', 'b']:\n    t0 = time()\n    print('%s: %.2fs' % (name, time() - t0))"
    )
    assert found.values == {}


def test_a_table_printed_in_a_loop_remembers_which_turn_it_was() -> None:
    notebook = Notebook()
    found = notebook.run("for part in (4, 2):\n    scores = {'acc': 1 / part}\n    print(scores)")
    turn = {0.25: "@0", 0.5: "@1"}
    for name, value in found.values.items():
        last = value == 0.5
        assert found.details[name].path[:1] == (("acc",) if last else (turn[value],))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Accuracy: ", "accuracy"),
        ("Test RMSE = ", "test_RMSE"),
        ("\n  R² score: ", "r2_score"),
        ("Epoch done | val_loss=", "val_loss"),
        ("The accuracy is ", "accuracy"),
        (" with a score of ", "score"),
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


def test_a_printed_report_gives_its_numbers_at_full_precision() -> None:
    code = "print(classification_report(y_test, pred, target_names=np.array(['no', 'yes'])))"
    found = scored(code)
    assert found["no.precision"] == pytest.approx(2 / 3, abs=1e-15)
    assert found["macro_avg.f1_score"] == pytest.approx(0.7333333)
    assert found["accuracy"] == 0.75


def test_a_shown_confusion_matrix_is_a_table() -> None:
    setup = "from sklearn.metrics import confusion_matrix\ncm = confusion_matrix(y_test, pred)\n"
    assert scored(setup + "cm") == {"cm.0.0": 2, "cm.0.1": 1, "cm.1.0": 1, "cm.1.1": 4}
    assert scored(setup) == {}


def test_shown_scores_are_facts_of_their_own() -> None:
    code = "from sklearn.dummy import DummyClassifier\nfrom sklearn.model_selection import cross_val_score\n"
    code += "s = cross_val_score(DummyClassifier(), y_test[:, None], y_test, cv=2)\ns"
    assert scored(code) == pytest.approx({"s.mean": 0.375, "s.std": 0.125, "s.0": 0.5, "s.1": 0.25})


LOOKING = """
import numpy as np, pandas as pd
df = pd.DataFrame({"age": np.arange(100.0), "error": np.arange(100.0), "y": np.arange(100.0)})
"""


@pytest.mark.parametrize(
    "code",
    [
        "df.head()",
        "df.describe()",
        "df.corr()['y']",
        "df['age'].mean()",
        "print('Mean age:', df['age'].mean())",
        "df.groupby('y')['age'].mean().head()",
        "importances = pd.Series({'a': 0.25, 'b': 0.5})\nimportances.head()",
    ],
)
def test_looking_at_data_gives_no_metric(code: str) -> None:
    notebook = Notebook()
    notebook.run(LOOKING)
    assert notebook.run(code).values == {}


def test_what_was_appended_under_a_name_that_says_nothing_is_named_by_its_score() -> None:
    code = "out = []\nfor i in range(3):\n    out.append(accuracy_score(y_test[i:], pred[i:]))"
    notebook = Notebook()
    notebook.run(SETUP)
    assert list(notebook.run(code).curves) == ["accuracy_score"]


def test_a_history_in_a_dict_is_a_curve() -> None:
    code = "evals_result = {}\nevals_result['valid'] = {'rmse': [3.5, 2.5, 1.5]}"
    found = Notebook().run(code)
    assert found.values == {"evals_result.valid.rmse": 1.5}
    assert [curve.values for curve in found.curves.values()] == [[3.5, 2.5, 1.5]]


def test_counts_that_grow_are_no_curves() -> None:
    found = Notebook().run("correct = 0\nfor i in range(4):\n    correct += i\nprint(correct)")
    assert found.curves == {}


def test_statements_on_one_line_or_written_twice_are_told_apart() -> None:
    notebook = Notebook()
    found = notebook.run("acc = 1 / 4\nprint('acc', acc * 1)\nacc = 1 / 2\nprint('acc', acc * 1)")
    lines = {detail.span.line for detail in found.details.values() if detail.origin == "printed"}
    assert set(found.values.values()) == {0.25, 0.5}
    assert lines <= {2, 4}


def test_items_set_in_a_dict_of_results_are_those_of_this_cell() -> None:
    notebook = Notebook()
    notebook.run("results = {}\nresults['first'] = 1 / 4")
    assert notebook.run("results['second'] = 1 / 2", mutated={"results"}).values == {"second": 0.5}


def test_a_loss_is_kept_without_its_graph() -> None:
    torch = pytest.importorskip("torch")
    notebook = Notebook()
    notebook.run("import torch\nw = torch.ones(2, requires_grad=True)")
    assert notebook.run("loss = torch.nn.functional.mse_loss(w, torch.zeros(2))\nloss").values == {
        "loss": 1.0
    }
    assert not any(isinstance(event.value, torch.Tensor) for event in notebook.probe.events)


def test_of_a_helper_called_in_a_loop_the_last_call_counts() -> None:
    notebook = Notebook()
    notebook.run(SETUP)
    notebook.run(
        "def evaluate(p):\n    return {'mse': mean_squared_error(y_test, p), 'acc': accuracy_score(y_test, p)}",
        tracked=False,
    )
    bound = notebook.run("for k in range(3):\n    result = evaluate(np.roll(pred, k))").values
    last = notebook.space["result"]
    assert bound == pytest.approx(last)
    shown = notebook.run("for k in range(3):\n    evaluate(np.roll(pred, k))").values
    assert shown == pytest.approx({f"evaluate.{name}": value for name, value in last.items()})
