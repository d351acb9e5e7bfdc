"""Where data came from, as the code says it, and what a score is held against."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from observing import Notebook

from jupyter_mlops.capture.code import loadings
from jupyter_mlops.capture.dataset import describe_dataset

SPACE: dict[str, Any] = {
    "folder": Path("data"),
    "name": "churn",
    "year": 2024,
    "query": "select * from orders",
    "url": "https://example.org/d.csv",
    "frame": object(),
}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("df = pd.read_csv('d.csv', sep=';')", [("df", "pd.read_csv", "d.csv")]),
        ("df = pd.read_csv(url, sep=';').dropna()", [("df", "pd.read_csv", "https://example.org/d.csv")]),
        ("df = pd.read_csv(f'{name}_{year}.csv')", [("df", "pd.read_csv", "churn_2024.csv")]),
        ("df = pd.read_csv(f'http://h:{srv.port}/d.csv')", [("df", "pd.read_csv", "http://h:…/d.csv")]),
        ("df = pd.read_parquet(folder / 'a.parquet')", [("df", "pd.read_parquet", "data/a.parquet")]),
        ("df = pd.read_csv(os.path.join('data', name + '.csv'))", [("df", "pd.read_csv", "data/churn.csv")]),
        ("df = pd.read_csv(os.getenv('PLACE'))", [("df", "pd.read_csv", "")]),
        ("df: pd.DataFrame = pd.read_sql(query, con)", [("df", "pd.read_sql", "select * from orders")]),
        (
            "with engine.connect() as c:\n    df = pd.read_sql(text(query), c)",
            [("df", "pd.read_sql", "select * from orders")],
        ),
        (
            "try:\n    df = pd.read_sql_query(con=c, sql='select 1')\nexcept OSError:\n    df = None",
            [("df", "pd.read_sql_query", "select 1")],
        ),
        ("X, y = load_iris(return_X_y=True)", [("X", "load_iris", ""), ("y", "load_iris", "")]),
        ("p = sns.load_dataset('penguins')", [("p", "sns.load_dataset", "penguins")]),
        ("b = fetch_openml(name='titanic', version=1)", [("b", "fetch_openml", "titanic")]),
        ("X, _ = make_moons(200)", [("X", "make_moons", ""), ("_", "make_moons", "")]),
        ("def f():\n    df = pd.read_csv('d.csv')", []),
        ("x = compute('d.csv')", []),
    ],
)
def test_where_data_comes_from(code: str, found: list[tuple[str, str, str]]) -> None:
    assert [tuple(loading) for loading in loadings(ast.parse(code), SPACE)] == found


def test_what_a_loader_of_example_data_gives_is_a_table() -> None:
    from sklearn.datasets import load_iris

    whole = describe_dataset("iris", load_iris(as_frame=True))
    assert whole is not None
    assert (whole.rows, [column.name for column in whole.columns][-1]) == (150, "target")
    plain = describe_dataset("iris", load_iris())
    assert plain is not None
    assert (plain.kind, plain.shape) == ("sklearn.Bunch", (150, 4))


@pytest.mark.parametrize(
    ("code", "trivial"),
    [
        ("model.score(X[:4], y[:4])", 0.75),
        ("model.score(X=X[:4], y=y[:4])", 0.75),
        ("s = model.score(data['X'], data['y'])", 4 / 6),
        ("model.score(X, y)", 4 / 6),
    ],
)
def test_a_models_own_score_has_a_baseline_whatever_it_is_given(code: str, trivial: float) -> None:
    notebook = Notebook()
    notebook.run(
        "import numpy as np\nfrom sklearn.tree import DecisionTreeClassifier\n"
        "X = np.arange(12.0).reshape(6, 2)\ny = np.array([1, 1, 0, 1, 0, 1])\ndata = {'X': X, 'y': y}\n"
        "model = DecisionTreeClassifier(max_depth=1).fit(X, y)"
    )
    (detail,) = notebook.run(code).details.values()
    assert detail.trivial == pytest.approx(trivial)
