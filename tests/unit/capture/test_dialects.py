"""How people write down what they found: each line of a notebook gives these metrics, and no others."""

from __future__ import annotations

import pytest
from observing import Notebook

SETUP = """
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import davies_bouldin_score
from sklearn.model_selection import cross_val_score

X, y = load_iris(return_X_y=True)
half = X[0, 3] * 2.5
"""


def told(code: str) -> dict[str, float]:
    notebook = Notebook()
    notebook.run(SETUP)
    return notebook.run(code).values


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            # The message is made in one statement and printed in the next.
            (
                "for name, scores in [('LR', np.array([0.5, 1.0])), ('NB', np.array([0.25, 0.5]))]:\n"
                "    msg = '%s: %f (%f)' % (name, scores.mean(), scores.std())\n"
                "    print(msg)"
            ),
            {"LR": 0.75, "LR_std": 0.25, "NB": 0.375, "NB_std": 0.125},
        ),
        (
            # Texts made in two ways, joined.
            (
                "rec = np.array([0.5, 0.75])\nfor n, genre in enumerate(['pop', 'rock']):\n    genre = genre.upper()\n"
                "    print(genre + '_recall: {}'.format(rec[n]))\n    print(genre + '_fscore: %.3f' % (rec[n] * half))"
            ),
            {"POP_recall": 0.5, "POP_fscore": 0.25, "ROCK_recall": 0.75, "ROCK_fscore": 0.375},
        ),
        (
            # Settings drawn by a search are NumPy's own numbers.
            (
                "grid = [{'depth': np.int64(2)}, {'depth': np.int64(3)}]\n"
                "for mean, sd, param in zip(np.array([0.5, 0.75]), np.array([0.1, 0.2]), grid):\n"
                "    print('%f (%f) with: %r' % (mean, sd, param))"
            ),
            {"depth_2_mean": 0.5, "depth_2_sd": 0.1, "depth_3_mean": 0.75, "depth_3_sd": 0.2},
        ),
        (
            "gains = np.array([0.125, 0.25])\nix = 1\nprint('Best Threshold=%f, J=%.3f' % (half, gains[ix] * half))",
            {"j": 0.125},
        ),
        (
            # What is tried or set is no result, what was looked for is one.
            (
                "cuts = np.array([0.25, 0.75])\nfor t in cuts:\n    print('threshold', t, 'recall', t * half)\n"
                "print('best threshold:', cuts[np.array([0.5, 1.0]).argmax()])"
            ),
            {"threshold_0.25_recall": 0.125, "threshold_0.75_recall": 0.375, "best_threshold": 0.75},
        ),
        (
            "old, new = half, half * 2\nprint('bias :', old - new, '(%.1f%%)' % (100 * (old - new) / new))",
            {"bias": -0.5, "bias_percent": -50.0},
        ),
        (
            "wrong = [1, 2, 3]\nprint(f'{len(wrong)} misclassified ({len(wrong) / len(X):.1%})')",
            {"misclassified": 3, "misclassified_share": 0.02},
        ),
        (
            "for s in np.unique(np.array(['A', 'B'])):\n    print(s, ': recall', (X[:, 0] > len(s) * half).mean())",
            {"a_recall": 1.0, "b_recall": 1.0},
        ),
        (
            "print('accuracy: {:.3f} [{:.3f}, {:.3f}]'.format(half, *np.array([half / 2, half * 2])))",
            {"accuracy": 0.5, "accuracy_low": 0.25, "accuracy_high": 1.0},
        ),
        ("beta_hat = half\nprint(f'beta = {beta_hat:.2f}')", {"beta": 0.5}),
        (
            "from scipy.optimize import minimize\nres = minimize(lambda t: (t[0] - 1) ** 2 + 0.5, [0.0])\nres.success",
            {"fun": 0.5},
        ),
        (
            "class Fitted:\n    pearson_chi2 = 3.0\n    df_resid = 4.0\nm1 = Fitted()\nm1.pearson_chi2 / m1.df_resid",
            {"pearson_chi2": 0.75},
        ),
        ("tau = half * 4\nprint('tau =', tau, '+-', half / 5, 's')", {"tau_value": 2.0, "tau_std": 0.1}),
        ("bics = [(n, n * half) for n in (2, 3)]\nbics", {"bics.0.1": 1.0, "bics.1.1": 1.5}),
        (
            "ss_res = half / 4\nss_tot = half * 2\nprint('r squared =', 1 - ss_res / ss_tot)",
            {"r_squared": 0.875},
        ),
        (
            "best = {'svr': (half, {'m__C': 10.0, 'm__gamma': 0.5})}\nprint(best)",
            {"best.svr.0": 0.5},
        ),
        (
            (
                "labels = KMeans(3, n_init=1, random_state=0).fit(X[:50]).labels_\nfound = len(set(labels))\n"
                "print('Estimated number of clusters: %d' % found)\nprint('rows: %d' % len(X))"
            ),
            {"estimated_number_of_clusters": 3},
        ),
        (
            "chosen = {'clf__C': half}\nfor name in chosen:\n    print('%s: %r' % (name, chosen[name]))",
            {},
        ),
        (
            "pd.DataFrame({'feature': ['age', 'fare'], 'gain': [half, half * 3]})",
            {},
        ),
    ],
)
def test_what_is_written_down(code: str, expected: dict[str, float]) -> None:
    found = told(code)
    assert {name: found.get(name) for name in expected} == pytest.approx(expected)
    beside = {name.partition(".")[0] for name in found.keys() - expected.keys()}
    assert beside <= {"old", "new", "gains"}  # results that are bound


def test_an_average_of_what_a_call_scored_is_told() -> None:
    found = told(
        "from sklearn.model_selection import learning_curve\n"
        "sizes, train, va_sc = learning_curve(LogisticRegression(max_iter=300), X, y, cv=3, shuffle=True,\n"
        "    train_sizes=[0.5, 1.0], random_state=0)\n"
        "va_sc.mean(axis=1)"
    )
    assert sum(name.startswith("va_sc") for name in found) >= 2


def test_a_label_like_an_index_is_a_score_where_a_score_stands() -> None:
    found = told(
        "for k in range(2, 4):\n"
        "    labels = KMeans(k, n_init=1, random_state=0).fit_predict(X)\n"
        "    print(f'clusters={k} DB index {davies_bouldin_score(X, labels):.3f}')"
    )
    assert {"clusters_2_db_index", "clusters_3_db_index"} <= found.keys()


def test_a_score_keeps_its_name_behind_a_label_that_says_nothing() -> None:
    found = told(
        "for n in (2, 3):\n"
        "    rmse = KMeans(n, n_init=1, random_state=0).fit(X).inertia_ / 100\n"
        "    print(n, 'groups ->', rmse)"
    )
    assert {"n_2_rmse", "n_3_rmse"} <= found.keys()


def test_a_function_of_ones_own_gives_a_score_whatever_it_is_called() -> None:
    notebook = Notebook()
    notebook.run(SETUP + "def cronbach_alpha(d): return d.var() / 4\n")
    assert notebook.run("cronbach_alpha(X)").values.keys() == {"cronbach_alpha"}


def test_predictions_filled_in_fold_by_fold_are_no_curve() -> None:
    found = told(
        "oof = np.zeros(len(y))\n"
        "model = LogisticRegression(max_iter=300)\n"
        "for rows in (np.arange(75), np.arange(75, 150)):\n"
        "    oof[rows] = model.fit(X, y).predict(X[rows])"
    )
    assert "oof" not in found


def test_one_curve_keeps_the_name_that_says_something() -> None:
    notebook = Notebook()
    found = notebook.run(
        "train_losses = []\n"
        "for epoch in range(4):\n"
        "    l = 1 / (epoch + 1)\n"
        "    train_losses.append(float(l))\n"
        "    print(f'{epoch} train {l:.3f}')"
    )
    assert list(found.values) == ["train_losses"]
    assert found.curves["train_losses"].values == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])


def test_of_a_table_of_tests_the_statistics_count() -> None:
    found = told(
        "pd.DataFrame({'sum_sq': [10.5, 30.5], 'df': [2.0, 57.0], 'F': [4.5, float('nan')],\n"
        "    'PR(>F)': [0.25, float('nan')]}, index=['C(group)', 'Residual'])"
    )
    assert sorted(found.values()) == [0.25, 4.5]


def test_a_count_among_the_results_of_a_test_is_none() -> None:
    found = told(
        "from scipy.stats import chi2_contingency\n"
        "chi2, p, dof, expected = chi2_contingency([[10, 20], [30, 20]])\n"
        "print(f'chi2={chi2:.3f}, p={p:.4f}, dof={dof}')"
    )
    assert {"chi2", "p"} <= found.keys()
    assert "dof" not in found
