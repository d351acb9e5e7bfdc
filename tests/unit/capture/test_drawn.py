"""Numbers that only a figure, a cross table or a table of rates shows."""

from __future__ import annotations

import pytest
from observing import Notebook

SETUP = """
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    ConfusionMatrixDisplay, RocCurveDisplay, confusion_matrix, mean_squared_error, precision_recall_curve
)

class Drawing:
    def heatmap(self, values, annot=None, **more):
        return None

sns = Drawing()
y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
p = np.array([0, 0, 1, 1, 1, 1, 1, 0])
scored = np.array([0.1, 0.2, 0.6, 0.9, 0.8, 0.7, 0.6, 0.3])
accs = [0.5, 0.75, 0.875]
df = pd.DataFrame({
    "version": list("ab") * 4, "town": list("xxyy") * 2, "bought": y == 1, "clicked": p, "spent": np.arange(8) / 8,
    "correct": y == p, "abs_err": np.abs(y - scored),
})
many = pd.concat([df] * 10, ignore_index=True)
boot = pd.DataFrame({"diff": np.arange(41) / 40})
"""
COUNTS = {"0.0": 2, "0.1": 1, "1.0": 1, "1.1": 4}


def told(code: str) -> dict[str, float]:
    notebook = Notebook()
    notebook.run(SETUP)
    return notebook.run(code).values


def cells(name: str) -> dict[str, float]:
    return {f"{name}.{key}": count for key, count in COUNTS.items()}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("cm = confusion_matrix(y, p)\nsns.heatmap(cm, annot=True);", cells("cm")),
        ("sns.heatmap(confusion_matrix(y, p), annot=True);", cells("confusion_matrix")),
        # Of more than two classes the figure shows a table, which is kept as one.
        ("cm = confusion_matrix(y + p, y * 2)\nsns.heatmap(cm, annot=True);", {}),
        ("ConfusionMatrixDisplay.from_predictions(y + p, y * 2);", {}),
        # Without the numbers in it a picture shows none.
        ("cm = confusion_matrix(y, p)\nsns.heatmap(cm);", {}),
        ("cm = confusion_matrix(y, p)\nsns.heatmap(cm, annot=False);", {}),
        (
            "cm = confusion_matrix(y, p, normalize='true')\nsns.heatmap(cm, annot=True);",
            {"cm.0.0": 2 / 3, "cm.0.1": 1 / 3, "cm.1.0": 0.2, "cm.1.1": 0.8},
        ),
        ("ConfusionMatrixDisplay.from_predictions(y, p);", cells("confusion_matrix")),
        ("ConfusionMatrixDisplay(confusion_matrix(y, p)).plot();", cells("confusion_matrix")),
        ("disp = RocCurveDisplay.from_predictions(y, scored)", {"roc_auc": 0.9}),
        ("pd.crosstab(y, p, rownames=['actual'], colnames=['predicted'])", cells("confusion_matrix")),
        ("pd.crosstab(y, p, rownames=['y'], colnames=['pred'], margins=True)", cells("confusion_matrix")),
        (
            (
                "cm = pd.DataFrame(confusion_matrix(y, p), index=['no', 'yes'], columns=['no', 'yes'])\n"
                "sns.heatmap(cm, annot=True);"
            ),
            {
                f"confusion_matrix.{key}": value
                for key, value in zip(("no.no", "no.yes", "yes.no", "yes.yes"), COUNTS.values(), strict=True)
            },
        ),
        # Two columns of data counted by each other predict nothing.
        ("pd.crosstab(df.bought, df.clicked == 1)", {}),
        ("sns.heatmap(df[['spent', 'abs_err']].corr(), annot=True);", {}),
        (
            (
                "found = pd.DataFrame({'C': [1, 1, 9, 9], 'gamma': [0.1, 0.5, 0.1, 0.5],\n"
                "    'mean_test_score': [0.5, 0.625, 0.75, 0.875]})\n"
                "found.pivot_table(index='C', columns='gamma', values='mean_test_score')"
            ),
            {
                "mean_test_score.C_1.gamma_0.1": 0.5,
                "mean_test_score.C_1.gamma_0.5": 0.625,
                "mean_test_score.C_9.gamma_0.1": 0.75,
                "mean_test_score.C_9.gamma_0.5": 0.875,
            },
        ),
    ],
)
def test_a_figure_shows(code: str, expected: dict[str, float]) -> None:
    assert told(code) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "df.groupby('version')[['bought', 'clicked']].mean()",
            {"bought_rate.a": 0.5, "bought_rate.b": 0.75, "clicked_rate.a": 0.75, "clicked_rate.b": 0.5},
        ),
        ("df.groupby('version').bought.mean()", {"bought_rate.a": 0.5, "bought_rate.b": 0.75}),
        (
            "df.groupby('version')['bought'].agg(['mean', 'count', 'std'])",
            {"bought_rate.a": 0.5, "bought_rate.b": 0.75},
        ),
        (
            "df.groupby('version').agg(n=('bought', 'size'), cr=('bought', 'mean'), arpu=('spent', 'mean'))",
            {"cr_rate.a": 0.5, "cr_rate.b": 0.75, "arpu.a": 0.375, "arpu.b": 0.5},
        ),
        # By town they describe the data, and so does what was spent.
        ("df.groupby('town')[['bought', 'clicked']].mean()", {}),
        ("df.groupby('version').spent.mean()", {"spent.a": 0.375, "spent.b": 0.5}),
        ("many.groupby('version').spent.mean()", {}),
        ("many.groupby('town').correct.mean()", {"correct.x": 1.0, "correct.y": 0.5}),
        ("many.groupby('town')['abs_err'].mean()", {"abs_err.x": 0.2, "abs_err.y": 0.45}),
        # One arm at a time; the town is none, and what was spent no rate.
        ("df.query(\"version == 'a'\")['bought'].mean()", {"a.bought_rate": 0.5}),
        ("df[df['version'] == 'b'].bought.mean()", {"b.bought_rate": 0.75}),
        ("df.loc[df.version == 'b', 'bought'].mean()", {"b.bought_rate": 0.75}),
        ("p_new = df[df.version == 'b'].bought.mean()\nprint('new:', p_new)", {"p_new": 0.75}),
        ("many[many.town == 'x'].bought.mean()", {}),
        ("many[many.bought == 1].shape[0] / many.shape[0]", {"bought_rate": 0.625}),
        ("many.query('bought == 1').town.nunique() / many.town.nunique()", {"bought_rate": 1.0}),
        ("many[many.version == 'a'].spent.mean()", {}),
    ],
)
def test_a_table_by_group_shows(code: str, expected: dict[str, float]) -> None:
    assert told(code) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("# null accuracy\nmany.bought.value_counts().head(1) / len(many)", {"null_accuracy.True": 0.625}),
        ("# baseline = nobody buys\n1 - many.bought.mean()", {"baseline": 0.375}),
        ("# how many spent it\nmany.spent.mean()", {}),
        ("boot['diff'].quantile([0.025, 0.975])", {"boot.diff_ci_low": 0.025, "boot.diff_ci_high": 0.975}),
        ("boot['diff'].quantile([0.25, 0.5])", {}),
        ("np.percentile(boot['diff'], [5, 95])", {"boot.diff_ci_low": 0.05, "boot.diff_ci_high": 0.95}),
        ("np.sqrt(np.mean((y - scored) ** 2))", {"rmse": 0.387298}),
        ("np.mean(np.abs(y - scored))", {"mae": 0.325}),
        ("((y - scored) ** 2).mean()", {"mse": 0.15}),
        ("mean_squared_error(y, scored) ** 0.5", {"rmse": 0.387298}),
        ("print([f'{a:.3f}' for a in accs])", {"acc": 0.5, "acc_2": 0.75, "acc_3": 0.875}),
        (
            "for i, a in enumerate(accs):\n    print(f'Fold {i + 1}: {a:.3f}')",
            {"fold_1_acc": 0.5, "fold_2_acc": 0.75, "fold_3_acc": 0.875, "acc": 0.875},
        ),
        (
            "for name, rmse in zip(['tree', 'line'], [half, half * 2]):\n    print(name, rmse)",
            {"tree_rmse": 0.5, "line_rmse": 1.0},
        ),
        ("print('Correct:', (y == p).sum(), 'out of', len(y))", {"correct": 6}),
        ("print(f'{(y == p).sum()} of {len(y)} correct')", {"correct": 6}),
        ("print(f'Correct: {(y == p).sum()}/{len(y)} = {100 * (y == p).mean():.1f} %')", {"correct": 75.0}),
        ("from scipy import stats\nr, pv = stats.pearsonr(y, scored)\nprint('corr', r)", {"corr": 0.639064}),
        (
            "from scipy import stats\nr, pv = stats.pearsonr(y, scored)\nprint('corr', r, 'p', pv)",
            {"corr": 0.639064, "pv": 0.088027},
        ),
        ("print(np.cumsum([0.5, 0.25]))", {}),
        ("(np.abs(y - scored) < half).mean()", {"y_scored.abs.mean": 0.75}),
        (
            "print('item mean      RMSE', half)\nprint('user mean      RMSE', half * 2)",
            {"item_mean_RMSE": 0.5, "user_mean_RMSE": 1.0},
        ),
        # In the company of a score what is said of the data is its baseline.
        (
            (
                "from sklearn.metrics import accuracy_score\nacc = accuracy_score(y, p)\n"
                "print(f'{acc:.2f} correct (always yes: {many.bought.mean():.2f})')"
            ),
            {"acc": 0.75, "always_yes": 0.625},
        ),
        ("print(f'always yes: {many.bought.mean():.2f}')", {}),
        (
            (
                "for name, accs in [('a', np.array([0.5, 1.0])), ('b', np.array([0.25, 0.75]))]:\n"
                "    print(name, accs.round(3), '->', round(accs.mean(), 2))"
            ),
            {
                "a_accs.mean": 0.75,
                "a_accs.std": 0.25,
                "a_accs.0": 0.5,
                "a_accs.1": 1.0,
                "b_accs.mean": 0.5,
                "b_accs.std": 0.25,
                "b_accs.0": 0.25,
                "b_accs.1": 0.75,
            },
        ),
        (
            (
                "from sklearn.metrics import mean_absolute_error\nerrors = []\nfor part in np.split(scored, 2):\n"
                "    errors.append(mean_absolute_error(y[:4], part))\nerrors"
            ),
            {"errors": 0.7, "errors.0": 0.25, "errors.1": 0.7},
        ),
        ("many.spent.iloc[0] * half + half  # lift of the top", {"lift_of_the_top": 0.5}),
        ("print(f'approval rate: {many.bought.mean():.1%}')", {"approval_rate": 0.625}),
        ("print(f'learning rate: {half:.1%}')", {}),
        ("print('GB', half * 2)", {"GB": 1.0}),
        ("print('size_mb', half)", {}),
        # How often one sample beats another is found out; how many are old describes the data.
        ("a, b = y, y[::-1]\nprint('P(B > A) =', np.mean(b > a))", {"p_b_a": 0.375}),
        ("a, b = y, y[::-1]\n(b > a).mean()", {"share_b_above_a": 0.375}),
        (
            "d = pd.DataFrame({'diff': y - 0.5})\nshare = (d['diff'] > 0).mean()\nprint(share)",
            {"share": 0.625},
        ),
        ("a, b = y, p\nb.mean() - a.mean()", {"difference_b_a": 0.0}),
        ("(y > 0.5).mean()", {}),
        ("corr = many[['bought', 'spent']].astype(float).corr()\ncorr['spent'].sort_values()", {}),
        ("TruePositive = int((y & p).sum())\nprint('TruePositive = ', TruePositive)", {"TruePositive": 4}),
        (
            "cv_time = np.array([half, 1.0])\nfor name in ('Tree', 'KNN'):\n    print(name, '(', np.mean(cv_time), 'ms)')",
            {},
        ),
        (
            "from time import time as now\nstart = now()\nend = now() + 1\nprint('Trained model in', end - start)",
            {},
        ),
        (
            "rows = y.reshape(2, 4)\nprint('Average per thousand:')\nprint(sum(rows[0] / 2))",
            {"average_per_thousand": 0.5},
        ),
        (
            "exploration_rate = 1.0\nfor _ in range(5):\n    exploration_rate *= half\nprint(exploration_rate)",
            {},
        ),
        (
            "t = pd.DataFrame({'C': [half, 1.0], 'accuracy': [half, 0.75]})\nscores = t\nscores",
            {"C_0.5.accuracy": 0.5, "C_1.0.accuracy": 0.75},
        ),
        ("many[['spent']].var()", {}),
        ("ranked = pd.Series({'104': half, '72': 1.0})\nranked", {}),
        ("top = [('104', half), ('72', half * 2)]\ntop", {}),
        ("rmse, level = half * 2, np.mean(many['spent'])\nrmse, level", {"rmse": 1.0}),
        ("person = {'age': 45, 'bmi': 30.5}\nprint(person)", {}),
        (
            (
                "diffs, seen = [], half\nfor _ in range(200):\n    diffs.append(np.random.rand() - 2)\n"
                "(np.array(diffs) < seen).mean()"
            ),
            {"share_diffs_below_seen": 1.0},
        ),
        ("N = 2\nprint(f'precision@{N}: {half}')", {"precision@2": 0.5}),
        (
            "from sklearn.metrics import accuracy_score\nprint(f'{accuracy_score(y, p) = }')",
            {"accuracy_score": 0.75},
        ),
        (
            "from sklearn.metrics import accuracy_score, recall_score\n[accuracy_score(y, p), recall_score(y, p)]",
            {"accuracy_score": 0.75, "recall_score": 0.8},
        ),
        (
            "print(f'mean {np.mean(accs):.2f} worst {min(accs):.2f}')",
            {"accs.mean": 0.708333, "accs_worst": 0.5},
        ),
        ("best = dict(depth=int(half * 8), acc=half)\nbest", {"best.acc": 0.5}),
        (
            "t = pd.DataFrame({'depth': [2, 2, 4], 'acc': [half, 1.0, 1.0]})\nt.groupby('depth').acc.mean()",
            {"acc.depth_2": 0.75, "acc.depth_4": 1.0},
        ),
        ("sum(y == p) / len(y)", {"accuracy": 0.75}),
        ("(y != p).sum() / y.shape[0]", {"error_rate": 0.25}),
        ("(y != p).sum()", {"errors": 2}),
        ("print((y == p).sum())", {"correct": 6}),
        ("(y == 1).sum()", {}),
        (
            (
                "from dataclasses import dataclass\n@dataclass\nclass Scores:\n    acc: float\n    name: str\n"
                "Scores(half, 'tree')"
            ),
            {"acc": 0.5},
        ),
        (
            (
                "from collections import namedtuple\nScores = namedtuple('Scores', 'acc f1')\n"
                "print('tree', Scores(half, half * 2))"
            ),
            {"tree.acc": 0.5, "tree.f1": 1.0},
        ),
        (
            "e = []\nfor t in (1, 2, 3):\n    a = t * half\n    e.append(a)\nprint('backtest MAE', np.mean(e))",
            {"backtest_MAE": 1.0},
        ),
        ("chi2 = half\nndof = 2\nprint('chi2/ndof =', chi2/ndof)", {"chi2": 0.5, "chi2_ndof": 0.25}),
        (
            "wrong = [1, 2]\nprint(len(wrong), 'wrong ->', 'error rate', len(wrong) / len(y))",
            {"wrong": 2, "error_rate": 0.25},
        ),
        ("rej = y == 1\nprint(rej.sum(), 'genes significant at FDR 5%')", {"genes_significant": 5}),
        (
            "resid = many.spent - half / 2\nresid.abs().median(), half",
            {"resid.abs.median": 0.25, "half": 0.5},
        ),
        ("many.spent.median()", {}),
        (
            "pd.DataFrame({'feature': ['age', 'fare'], 'VIF': [half * 4, 1.5], 'gain': [0.1, 0.2]})",
            {"age.VIF": 2.0, "fare.VIF": 1.5},
        ),
        (
            ("print('accuracy by class:')\nprint(pd.Series(y == p).groupby(y).mean().rename_axis(None))"),
            {"accuracy_by_class.0": 0.666667, "accuracy_by_class.1": 0.8},
        ),
        (
            "print(f'F1 (macro/micro/weighted): {half} / {half * 2} / {half * 3}')",
            {"f1_macro": 0.5, "f1_micro": 1.0, "f1_weighted": 1.5},
        ),
        ("found = {'a': half}\nmax(found.values())", {"found.max": 0.5}),
        (
            "for epoch in range(3):\n    vl = half / (epoch + 1)\n    print(f'[{epoch}/3] val {vl:.3f}')",
            {"val_vl": 0.166667},
        ),
        ("perda = half\nprint('Acurácia:', perda)", {"perda": 0.5}),
        ("aov = pd.DataFrame({'eta_sq': [half]}, index=['g'])\naov['eta_sq'].round(3)", {"eta_sq.g": 0.5}),
        (
            "pd.DataFrame({'k': [2, 3], 'auc': [half, 1.0]}).set_index('k')",
            {"k_2.auc": 0.5, "k_3.auc": 1.0},
        ),
        (
            "res = pd.DataFrame({'threshold': [0.25, 0.5], 'precision': [half, 1.0]})\nres",
            {"threshold_0.25.precision": 0.5, "threshold_0.5.precision": 1.0},
        ),
    ],
)
def test_a_line_tells(code: str, expected: dict[str, float]) -> None:
    assert told(f"half = len(y) / 16\n{code}") == pytest.approx(expected, rel=1e-4)


def test_a_table_that_is_bound_and_displayed_is_told_once() -> None:
    found = told("board = pd.DataFrame({'name': ['a', 'b'], 'acc': [0.5, 0.75]}).set_index('name')\nboard")
    assert sorted(found.values()) == [0.5, 0.75]


def test_a_test_of_statsmodels_tells_its_pvalues() -> None:
    pytest.importorskip("statsmodels")
    setup = (
        "import numpy as np, pandas as pd\nimport statsmodels.formula.api as smf\n"
        "from statsmodels.stats.multicomp import pairwise_tukeyhsd\n"
        "d = pd.DataFrame({'y': [1.0, 2, 3, 2, 3, 4, 8, 9, 10], 'x': range(9), 'g': list('aaabbbccc')})\n"
    )
    notebook = Notebook()
    found = notebook.run(f"{setup}tukey = pairwise_tukeyhsd(d.y, d.g)\nprint(tukey)").values
    assert found["a_c.mean_diff"] == pytest.approx(7.0)
    assert [name for name in found if name.endswith("pvalue_adj")] == [
        "a_b.pvalue_adj", "a_c.pvalue_adj", "b_c.pvalue_adj",
    ]  # fmt: skip
    assert notebook.run("tukey.summary()").values == found
    tested = notebook.run("smf.ols('y ~ x', d).fit().f_test('x = 0')").values
    assert {"statistic", "pvalue"} <= tested.keys()
