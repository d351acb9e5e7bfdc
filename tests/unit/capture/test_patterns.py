"""What real notebooks are full of: each way in which people print, keep and loop over scores."""

from __future__ import annotations

import pytest
from observing import Notebook, metrics_of

FIT = "class M:\n    def fit(self, k): self.s = k / 8; return self\n"
EPOCH = (
    "def epoch(n):\n    total = 0.0\n    for i in range(n):\n        total += i / 3\n    return total / n\n"
)
SETUP = """
import numpy as np, pandas as pd
from sklearn.metrics import accuracy_score, f1_score
y = np.array([1, 0, 1, 1]); pred = np.array([1, 0, 0, 1])
"""


def found(code: str) -> dict[str, float]:
    return metrics_of(SETUP + code)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        # Several numbers under one label, and labels that stand behind.
        ("print('Train/Test: %.3f / %.3f' % (7 / 8, 3 / 4))", {"train": 0.875, "test": 0.75}),
        ("print('train, test accuracy:', 7 / 8, 3 / 4)", {"train_accuracy": 0.875, "test_accuracy": 0.75}),
        (
            "print('%0.2f accuracy with a standard deviation of %0.2f' % (3 / 4, 1 / 8))",
            {"accuracy": 0.75, "standard_deviation": 0.125},
        ),
        ("print(f'{3 / 4:.1%} accuracy')", {"accuracy": 0.75}),
        ("print('acc %.2f ± %.2f' % (3 / 4, 1 / 8))", {"acc": 0.75, "acc_std": 0.125}),
        ("hits, n = 3, 4\nprint('accuracy: %d/%d = %.1f%%' % (hits, n, 100 * hits / n))", {"accuracy": 75.0}),
        ("w = 9\nprint(f\"{'acc':<{w}}{3 / 4:>{w}.4f}\")", {"acc": 0.75}),
        ("print('auc', 3 / 4, sep=' = ', end='\\n\\n')", {"auc": 0.75}),
        (
            "n = 360\nprint(f'Accuracy of the net on the {n} test images: {3 / 4} %')",
            {"accuracy_of_the_net_on_the_test_images": 0.75},
        ),
        ("print('90%% CI: (%.3f, %.3f)' % tuple([1 / 4, 3 / 4]))", {"90_CI": 0.25, "90_CI_2": 0.75}),
        ("test = (1 / 4, 3 / 4)\nlist(zip(['Jarque-Bera', 'Skew'], test))", {"list.jarque_bera": 0.25}),
        ("pd.DataFrame({'F': [4.5], 'PR(>F)': [0.25]}, index=['C(group)'])", {"f": 4.5, "PR_f": 0.25}),
        # Rows under a head, by a template that stands elsewhere.
        (
            (
                "row = '{:9s}\\t{:.3f}\\t{:.3f}'\nprint('init\\t\\thomo\\tARI')\n"
                "def bench(*results): print(row.format(*results))\nbench('random', 3 / 4, 1 / 2); bench('pca', 1 / 4, 1 / 8)"
            ),
            {"random_homo": 0.75, "random_ARI": 0.5, "pca_homo": 0.25, "pca_ARI": 0.125},
        ),
        (
            "print('model       acc     f1')\nfor m, a in [('svm', 3 / 4), ('knn', 1 / 4)]:\n    print(f'{m:<10} {a:.3f} {a / 2:.3f}')",
            {"svm_acc": 0.75, "svm_f1": 0.375, "knn_acc": 0.25, "knn_f1": 0.125},
        ),
        # Tuples that are unpacked.
        (
            "row = ('naive', 3 / 4, 1 / 2)\nprint('{:>9s}: RMSE {:6.2f}  sMAPE {:5.2f}'.format(*row))",
            {"naive_RMSE": 0.75, "naive_smape": 0.5},
        ),
        ("pair = (3 / 4, 1 / 2)\nprint('loss %.2f acc %.2f' % pair)", {"loss": 0.75, "acc": 0.5}),
        ("pair = (3 / 4, 1 / 2)\nprint('loss, acc:', *pair)", {"loss": 0.75, "acc": 0.5}),
        # Texts made before they are printed, or that stand in a figure.
        ("msg = f'loss {3 / 4:.2f}'\nprint(msg)", {"loss": 0.75}),
        (
            "m = {'loss': 0.5 + 1 / 4, 'auc': 1 / 4}\nprint(' | '.join(f'{k}: {v:.2f}' for k, v in m.items()))",
            {"loss": 0.75, "auc": 0.25},
        ),
        (
            "class P:\n    def title(self, t): pass\nplt = P()\nplt.title(f'ROC (AUC={3 / 4:.1f})')",
            {"ROC_AUC": 0.75},
        ),
        ("import sys\nsys.stdout.write('rmse %.2f' % (3 / 4))", {"rmse": 0.75}),
        # What only looks different.
        ("print('acc', np.float64(2 / 3).round(1))", {"acc": 2 / 3}),
        (
            "pd.DataFrame({'acc': [2 / 3, 1 / 3]}, index=['a', 'b']).round(1)",
            {"a.acc": 2 / 3, "b.acc": 1 / 3},
        ),
        ("print(pd.DataFrame({'acc': [2 / 3]}, index=['a']).to_string())", {"acc": 2 / 3}),
        # Holders that say by their keys what they hold.
        ("ev = {}\nev['valid'] = {'rmse': [2.0, 0.5]}", {"ev.valid.rmse": 0.5}),
        (
            "log = []\nfor s in range(2):\n    log.append({'loss': 1 / (s + 1)})\nlog",
            {"log.0.loss": 1.0, "log.1.loss": 0.5},
        ),
        # One fact for each thing a loop tries.
        (
            f"{FIT}for k in (2, 4):\n    m = M().fit(k)\n    print(f'k={{k}}, inertia={{m.s:.1f}}')",
            {"k_2_inertia": 0.25, "k_4_inertia": 0.5},
        ),
        (
            f"{FIT}for fold, k in enumerate([2, 4]):\n    m = M().fit(k)\n    print('Fold', fold + 1, 'auc:', m.s)",
            {"fold_1_auc": 0.25, "fold_2_auc": 0.5},
        ),
        (
            "def mae(n): return 8 / n\nfor n in (2, 4):\n    print('max_leaf_nodes: %d \\t Mean Absolute Error: %d' % (n, mae(n)))",
            {"max_leaf_nodes_2_mean_absolute_error": 4.0, "max_leaf_nodes_4_mean_absolute_error": 2.0},
        ),
        # `J` is a cost, no counter; of a step's numbers the scores count.
        (
            "J = 3.0\nfor i in range(3):\n    J = 1 / (i + 2)\n    w = J * 2\n    print(i, 'cost', J, 'w', w)",
            {"cost": 0.25},
        ),
    ],
)
def test_scores_as_people_show_them(code: str, expected: dict[str, float]) -> None:
    known = found(code)
    assert {name: known.get(name) for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("prev = 1.0\nloss = 2.0\nfor i in range(3):\n    prev_loss = loss\n    loss = loss / 2\nprint(loss)", "prev_loss"),
        ("w, b = [x / 3 for x in (4, 5)]\nprint(f'(w, b) found: ({w:.2f}, {b:.2f})')", "w"),
        ("price = 7 / 3\nprint('predicted price: %.1f' % price)", "price"),
        (
            f"{EPOCH}loss = epoch(4)",
            "total",
        ),
        ("hits, n = 3, 4\nprint('accuracy: %d/%d' % (hits, n))", "accuracy"),
        ("lams = np.array([0.1, 0.3])\nbest_lam = lams[1]\nprint('best lambda:', best_lam)", "lam"),
        ("df = pd.DataFrame({'b': np.arange(80.0)})\nmid = df.b.mean()\nmid", "mid"),
        ("df = pd.DataFrame({'b': [1.0]})\nprint('used', df.memory_usage().sum() / 1e6)", "used"),
        ("q = np.quantile(y, 0.9) + 0.5\nprint('90th percentile:', q)", "percentile"),
        ("for a, b in zip([1, 2], [3, 4]):\n    s = a / b\n    if b > 0: print('smooth loss', s)", "turn"),
        ("d = {'n': 40}\nfor k in d: print(k, ':', d[k])", "n"),
        ("path = f'model_{0.5:.2f}.pt'\nprint(path)", "model"),
    ],
)  # fmt: skip
def test_what_stands_beside_scores_is_none(code: str, name: str) -> None:
    known = found(code)
    assert not any(name in key for key in known if key != "loss")


def test_a_trainer_keeps_its_losses_on_itself() -> None:
    notebook = Notebook()
    known = notebook.run(
        "class Trainer:\n"
        "    def __init__(self):\n        self.losses, self.history = [], {'mae': []}\n"
        "    def fit(self):\n"
        "        for i in range(3):\n"
        "            loss = 1 / (i + 1)\n"
        "            self.losses.append(loss)\n"
        "            self.history['mae'].append(loss / 2)\n"
        "        return self\n"
        "trainer = Trainer().fit()"
    )
    assert known.curves["loss"].values == [1.0, 0.5, 1 / 3]
    assert known.curves["mae"].values == [0.5, 0.25, 1 / 6]


def test_an_array_that_a_loop_fills_is_a_curve() -> None:
    code = "import numpy as np\nhist = np.zeros(3)\nfor ep in range(3):\n    hist[ep] = 1 / (ep + 1)"
    known = Notebook().run(code)
    assert known.curves["hist"].values == [1.0, 0.5, 1 / 3]
    assert known.values == {"hist": 1 / 3}


def test_a_fit_gives_its_history_back() -> None:
    known = Notebook().run(
        "class History:\n    def __init__(self): self.history = {'loss': [1.0, 0.5], 'val_loss': [2.0, 0.25]}\n"
        "class Model:\n    def fit(self, X, epochs): return History()\n"
        "history = Model().fit([1.0], epochs=2)"
    )
    assert (known.values["loss"], known.values["val_loss"]) == (0.5, 0.25)
    assert known.curves["val_loss"].values == [2.0, 0.25]


def test_a_polars_table_is_read() -> None:
    pytest.importorskip("polars")
    code = "import polars as pl\npl.DataFrame({'model': ['gbr', 'chain'], 'rmse': [0.5, 0.25]})"
    assert metrics_of(code) == {"gbr.rmse": 0.5, "chain.rmse": 0.25}


def test_a_function_of_the_notebook_computes_a_result() -> None:
    known = Notebook().run("def boot(n): return n / 8\nse = boot(2)\nse")
    assert known.own
    assert known.values["se"] == 0.25
    assert not Notebook().run("x = 2 / 8\nx").own


def test_two_prints_may_stand_in_each_other() -> None:
    code = "def shown(v): return f'loss {v:.1f}'\nv = 3 / 4\nprint('acc', v / 3, shown(v), 'f1', v / 2)"
    assert metrics_of(code) == pytest.approx({"acc": 0.25, "loss": 0.75, "f1": 0.375})


def test_a_loop_over_settings_gives_a_fact_for_each(  # what is tried is told as a whole, before or behind
) -> None:
    notebook = Notebook()
    notebook.run(
        """
def search(scores):
    for p in (0, 1):
        for q in (0, 1):
            order = (p, 1, q)
            mse = scores[order]
            print('ARIMA%s MSE=%.3f' % (order, mse))
"""
    )
    found = notebook.run("search({(0, 1, 0): 4.5, (0, 1, 1): 3.5, (1, 1, 0): 2.5, (1, 1, 1): 1.5})").values
    assert found == {
        "ARIMA_0_1_0_MSE": 4.5,
        "ARIMA_0_1_1_MSE": 3.5,
        "ARIMA_1_1_0_MSE": 2.5,
        "ARIMA_1_1_1_MSE": 1.5,
    }
    found = metrics_of(
        """
for mean, stdev, param in [(.8, .01, {'C': 1, 'gamma': .1}), (.9, .02, {'C': 10, 'gamma': .1})]:
    print("%f (%f) with: %r" % (mean, stdev, param))
"""
    )
    assert found == {
        "c_1_gamma_0.1_mean": 0.8,
        "c_1_gamma_0.1_stdev": 0.01,
        "c_10_gamma_0.1_mean": 0.9,
        "c_10_gamma_0.1_stdev": 0.02,
    }


def test_predicting_row_by_row_is_no_score() -> None:
    found = Notebook().run(
        """
class Model:
    def __init__(self, history): self.mean = sum(history) / len(history)
    def fit(self): return self
    def forecast(self): return [self.mean]
test, history, predictions = [3.0, 4.5, 5.5], [1.0, 2.0], []
for t in range(len(test)):
    fitted = Model(history).fit()
    yhat = fitted.forecast()[0]
    predictions.append(yhat)
    obs = test[t]
    history.append(obs)
    print('predicted=%f, expected=%f' % (yhat, obs))
mse = sum((a - b) ** 2 for a, b in zip(test, predictions)) / len(test)
print('Test MSE: %.3f' % mse)
"""
    )
    assert found.values == {"mse": pytest.approx(5.588541666666667)}
    assert not found.curves


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("(guess == y).mean()", {"accuracy": 0.75}),
        ("np.mean(guess != y)", {"error_rate": 0.25}),
        ("(guess == 1).mean()", {}),
        ("scores = {depth: depth / 8 for depth in (2, 5)}\nscores", {"scores.2": 0.25, "scores.5": 0.625}),
        ("pd.DataFrame({'Missing Ratio': [18.5]}, index=['LotFrontage'])", {}),
        ("pd.Series({'p-value': 0.25, '#Lags Used': 3.0, 'Critical Value (5%)': -2.9})", {"p_value": 0.25}),
        (
            "print('Critical Values:')\nfor k, v in {'5%': -2.9}.items():\n    print('\\t%s: %.3f' % (k, v))",
            {},
        ),
        ("mu, sigma = 3.5, 1.5\nprint('mu = {:.2f} and sigma = {:.2f}'.format(mu + 0, sigma + 0))", {}),
        (
            "pd.DataFrame(confusion_matrix(y, guess))",
            {f"confusion_matrix.{place}": n for place, n in (("0.0", 2), ("0.1", 0), ("1.0", 1), ("1.1", 1))},
        ),
        ("np.exp(pd.Series({'TV': 1.5, 'radio': 2.5}).rename('odds') * result.params)", {}),
        ("sorted(zip(model.feature_log_prob_, ['a', 'b']), reverse=True)", {}),
        ("dict(zip(['a', 'b'], model.scores_))", {"a": 0.5, "b": 0.25}),
        (
            "display(pd.DataFrame(confusion_matrix(y, guess)))\n1",
            {f"confusion_matrix.{place}": n for place, n in (("0.0", 2), ("0.1", 0), ("1.0", 1), ("1.1", 1))},
        ),
        (
            "{'fit_time': np.array([.1, .2]), 'test_r2': np.array([.5, .75])}",
            {"test_r2.mean": 0.625, "test_r2.std": 0.125, "test_r2.0": 0.5, "test_r2.1": 0.75},
        ),
    ],
)
def test_what_a_reader_calls_a_score(code: str, expected: dict[str, float]) -> None:
    notebook = Notebook()
    notebook.run(
        "import numpy as np, pandas as pd\nfrom sklearn.metrics import confusion_matrix\n"
        "y, guess = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 0])\ndisplay = print\n"
        "class Model: feature_log_prob_, scores_, params = [-3.5, -2.5], [.5, .25], 2.0\nmodel = result = Model()"
    )
    assert notebook.run(code).values == pytest.approx(expected)


HELPER = """
from sklearn.metrics import accuracy_score, f1_score, mean_squared_error
y, guess = [0, 1, 1, 0], [0, 1, 0, 0]
def evaluate(y, guess):
    acc, f1 = accuracy_score(y, guess), f1_score(y, guess)
    print("Accuracy:", round(acc, 4))
    print(f"F1: {f1:.4f}")
    return acc, f1
def rmse(y, guess):
    return mean_squared_error(y, guess) ** .5
"""


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("a1, f1 = evaluate(y, guess)", ["a1", "f1"]),
        ("res = evaluate(y, guess)", ["accuracy", "f1"]),
        ("evaluate(y, guess)", ["accuracy", "f1"]),
        ("score_lr = rmse(y, guess)\nprint('RMSE', score_lr)\nbest = score_lr", ["score_lr"]),
        ("print('RMSE', rmse(y, guess))", ["RMSE"]),
    ],
)
def test_what_a_helper_gives_back_is_one_number_under_one_name(code: str, names: list[str]) -> None:
    notebook = Notebook()
    notebook.run(HELPER)
    found = notebook.run(code)
    assert list(found.values) == names
    told = [detail.evaluation for detail in found.details.values()]
    assert all(evaluation is not None and evaluation.target for evaluation in told)
    assert all(detail.trivial is not None for detail in found.details.values())


def test_the_last_of_many_turns_knows_what_it_was_scored_on() -> None:
    found = Notebook().run(
        """
import numpy as np
from sklearn.metrics import mean_absolute_error
y = np.arange(6.0)
for i in range(150):
    s = mean_absolute_error(y, y + 1 / (i + 1))
s
"""
    )
    assert list(found.values) == ["mean_absolute_error"]
    detail = found.details["mean_absolute_error"]
    assert detail.points == 150
    assert detail.evaluation is not None
    assert (detail.evaluation.target_name, detail.evaluation.rows, detail.trivial) == ("y", 6, 1.5)


def test_a_report_kept_as_a_dict_and_shown_is_told_once() -> None:
    found = metrics_of(
        """
from sklearn.metrics import classification_report
y, guess = ["a", "b", "b", "a"], ["a", "b", "a", "a"]
rep = classification_report(y, guess, output_dict=True)
print(classification_report(y, guess))
"""
    )
    assert found["rep.a.precision"] == pytest.approx(2 / 3)
    assert not [name for name in found if not name.startswith("rep.")]
