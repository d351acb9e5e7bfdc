"""What makes a result doubtful is on its card: leaks over several cells, chance, and the baseline beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kernels import Kernel

from jupyter_mlops.terminal import run_text

if TYPE_CHECKING:
    from collections.abc import Iterator

IMPORTS = """
import numpy as np, pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
"""
SCORE = """%%track
model = LogisticRegression(max_iter=2000).fit(X_train, y_train)
acc = accuracy_score(y_test, model.predict(X_test))
"""
SPLIT = "X_train, X_test, y_train, y_test = train_test_split({}, y, random_state=0)"


@pytest.fixture
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    kernel.load()
    kernel.run(IMPORTS)
    yield kernel
    kernel.close()


def codes(kernel: Kernel) -> list[str]:
    run = kernel.last_run()
    assert all(warning.hint for warning in run.warnings)
    return [warning.code for warning in run.warnings]


def test_leaks_are_named_over_cells_and_clean_work_is_not(kernel: Kernel) -> None:
    kernel.run(SPLIT.format("X"))
    kernel.run("scaler = StandardScaler().fit(X_train)\nX_train = scaler.transform(X_train)")
    kernel.run("X_test = scaler.transform(X_test)")
    outcome = kernel.run(SCORE)
    assert codes(kernel) == []
    detail = kernel.last_run().metric_details["acc"]
    assert detail.trivial == pytest.approx(90 / 143)
    assert "trivial 0.629" in outcome.displays[-1]["text/html"]

    kernel.run("scaler = StandardScaler()\nscaled = scaler.fit_transform(X)")
    kernel.run(SPLIT.format("scaled"))
    outcome = kernel.run(SCORE)
    assert codes(kernel) == ["fitted_before_split"]
    assert "StandardScaler was fitted on all of" in outcome.displays[-1]["text/html"]

    kernel.run("X['copy'] = y.map({0: 'benign', 1: 'malignant'}).astype('category').cat.codes")
    kernel.run(SPLIT.format("X"))
    kernel.run(SCORE)
    assert codes(kernel) == ["target_among_features"]

    kernel.run("X = X.drop(columns='copy').set_index(pd.date_range('2020', periods=len(X)))")
    kernel.run(SPLIT.format("X"))
    kernel.run(SCORE)
    assert codes(kernel) == ["split_over_time"]


def test_shared_rows_are_those_of_the_model_that_was_scored(kernel: Kernel) -> None:
    kernel.run("first, second, y1, y2 = train_test_split(X, y, test_size=0.5, random_state=0)")
    kernel.run("whole = LogisticRegression(max_iter=3000).fit(X, y)")
    kernel.run("half = LogisticRegression(max_iter=3000).fit(first, y1)")
    kernel.run("%%track\nacc = accuracy_score(y2, half.predict(second))")
    assert codes(kernel) == []
    kernel.run("%%track\nacc = accuracy_score(y2, whole.predict(second))")
    assert codes(kernel) == ["rows_shared"]


UNSEEDED = "from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.svm import SVC"


def test_a_draw_that_reaches_nothing_is_no_doubt(kernel: Kernel) -> None:
    kernel.run(UNSEEDED + "\n" + SPLIT.format("X"))
    kernel.run("%%track\nlasso = Lasso().fit(X_train, y_train)\nr2 = r2_score(y_test, lasso.predict(X_test))")
    assert codes(kernel) == []
    kernel.run("%%track\nsvc = SVC().fit(X_train, y_train)\nacc = svc.score(X_test, y_test)")
    assert codes(kernel) == []
    kernel.run("svc2 = SVC()")
    kernel.run("%%track\nsvc2.fit(X_train, y_train)\nacc = svc2.score(X_test, y_test)")
    assert codes(kernel) == []
    kernel.run(
        "%%track\nlasso = Lasso(selection='random').fit(X_train, y_train)\nr2 = lasso.score(X_test, y_test)"
    )
    assert codes(kernel) == ["unseeded_randomness"]
    kernel.run(
        "%%track\nlasso = Lasso().fit(X_train + np.random.rand(), y_train)\nr2 = lasso.score(X_test, y_test)"
    )
    assert codes(kernel) == ["unseeded_randomness"]
    kernel.run("%%track\nf = RandomForestClassifier(3).fit(X_train, y_train)\nacc = f.score(X_test, y_test)")
    assert codes(kernel) == ["unseeded_randomness"]


def test_a_kept_model_is_loaded_when_asked(kernel: Kernel) -> None:
    kernel.run(SPLIT.format("X"))
    kernel.run("import jupyter_mlops as mlops\n" + SPLIT.format("X"))
    kernel.run(SCORE)
    same = "(mlops.load_model('last').predict(X_test) == model.predict(X_test)).all()"
    assert kernel.run(same).result in ("True", "np.True_")
    refused = kernel.run("mlops.load_model('last', 'other')")
    assert refused.error["ename"] == "UsageError"
    assert "model" in refused.error["evalue"]


def test_a_model_says_what_it_was_fitted_on(kernel: Kernel) -> None:
    kernel.run(
        "import pandas as pd\nfrom sklearn.dummy import DummyClassifier\nfrom sklearn.linear_model import Ridge"
    )
    token = "ghp_a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5"
    kernel.run(f"X = pd.DataFrame({{'size': [1.5, 2], 'api_token': ['{token}'] * 2}})")
    kernel.run("%%track\nmodel = DummyClassifier().fit(X, [0, 1])\nacc = model.score(X, [0, 1])")
    (model,) = kernel.last_run().models
    assert model.input is not None
    assert (model.input.name, model.input.kind) == ("X", "pandas.DataFrame")
    assert list(model.input.columns) == ["size", "api_token"]
    assert model.input.columns["size"] == "float64"
    assert model.input.example["size"] == 1.5
    assert "ghp_" not in str(kernel.last_run().models)
    assert "ghp_" not in str(kernel.last_run().datasets)
    shown = run_text(kernel.last_run())
    assert "size float64 = 1.5" in shown
    assert f"joblib, {model.size} bytes" in shown
    kernel.run("%%track\nmodel = Ridge().fit(X[['size']], [0, 1])\nr2 = model.score(X[['size']], [0, 1])")
    (model,) = kernel.last_run().models
    assert model.input is not None
    assert list(model.input.columns) == ["size"]


def test_a_large_model_is_kept_as_it_was_when_its_cell_ended(kernel: Kernel) -> None:
    kernel.run(
        "import jupyter_mlops as mlops, numpy as np\nfrom sklearn.neighbors import KNeighborsRegressor"
    )
    kernel.run("X = np.arange(400_000.).reshape(-1, 2)\ny = X[:, 0].copy()")
    kernel.run("%%track\nmodel = KNeighborsRegressor(1).fit(X, y)\nr2 = model.score(X[:9], y[:9])")
    kernel.run("model._y[:] = -1")
    assert kernel.run("float(mlops.load_model('last').predict([[10, 11]])[0])").result == "10.0"
    (model,) = kernel.last_run().models
    assert model.size > 1_000_000
    kernel.restart()
    with kernel.store() as store:
        assert len(store.get_artifact(model.digest)) == model.size


def test_a_model_that_takes_too_long_is_not_kept_and_says_so(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nfrom sklearn.neighbors import KNeighborsRegressor")
    kernel.run("X = np.arange(400_000.).reshape(-1, 2)\ny = X[:, 0].copy()")
    kernel.run("get_ipython().config.Mlops.model_seconds = 0.0\n%reload_ext jupyter_mlops")
    kernel.run("%%track\nmodel = KNeighborsRegressor(1).fit(X, y)\nr2 = model.score(X[:9], y[:9])")
    run = kernel.last_run()
    assert "model_not_kept" in [warning.code for warning in run.warnings]
    assert (run.models[0].digest, run.models[0].input is not None) == ("", True)


SECRETS = {
    "environment": "zQ7envkey93Kd02LmPq8",
    "password": "dotEnvVal8812kkXz",
    "header": "hdr9Xk2mmQp0aZs81LwE",
    "basic": "YmFzaWM6c2VjcmV0cHc5OTg4",
    "url": "urlPw55kkTTee1",
    "error": "tbSecret4411kkLLpp",
    "setting": "prmSecr3t9911mmNN",
    "shell": "curlTok3n88xxYYzz11",
    "location": "locPassw0rd771",
    "cell": "ghp_a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5",
    "figure": "figT1tle99kk22pwd",
    "magic": "magicT0ken99aabb",
    "marker": "argvT0ken9922kk",
    "logged": "loggedKey77Aa91",
    "formatted": "fstr1ngTok99kkaa22",
}
LEAKY_CELLS = [
    "import os\nprint(os.environ)",
    "%%track\nprint(os.environ['MY_API_KEY'])\nos.environ['MY_API_KEY']",
    "%%track\nprint(open('.env').read())\nacc = 0.7",
    "%%track\nheaders = {{'Authorization': 'Bearer {header}'}}\nprint(headers)\nheaders",
    "%%track\nheaders = {{'Authorization': 'Basic {basic}'}}\nprint(headers)",
    "%%track\nurl = 'postgresql://me:{url}@h/db'\nprint(url)\nraise ValueError('no answer of ' + url)",
    "%%track\npassword = '{error}'\ndef connect(p): raise RuntimeError('no login with ' + p)\nconnect(password)",
    "%%track\nconfig = {{'lr': 0.1, 'password': '{setting}'}}\nacc = 0.5",
    "%%track\n!echo curl -H 'Authorization: Bearer {shell}' https://x.y\nacc = 0.5",
    "%%track\ntable = pd.io.sql.pandasSQL_builder('postgresql://u:{location}@127.0.0.1:1/d')",
    "%%track\ntable = pd.DataFrame({{'note': ['{cell}'] * 3, 'v': 1.5}})\nmean = table.v.mean()\ntable",
    "%%track\nfrom IPython.display import SVG\nSVG('<svg><text>password={figure}</text></svg>')",
    "%env MY_TOKEN={magic}",
    "%%track api_key={marker}\nacc = 0.5",
    "%%track\nimport jupyter_mlops as mlops\nmlops.log_param('api_key', '{logged}')\nmlops.set_tag('t', '{logged}')",
    "%%track\nwho = 'x'\napi_token = f'{{who}}{formatted}'\nprint(api_token)",
    "%%track\n!env\nacc = 0.5",
]


def test_no_secret_reaches_the_store(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("kernel")
    (folder / ".env").write_text(f"DB_PASSWORD={SECRETS['password']}\n")
    kernel = Kernel(folder, MY_API_KEY=SECRETS["environment"], DB_PASSWORD=SECRETS["password"])
    try:
        kernel.load()
        kernel.run("import pandas as pd")
        for cell in LEAKY_CELLS:
            kernel.run(cell.format(**SECRETS) if "{" in cell else cell)
        runs = kernel.runs()
    finally:
        kernel.close()
    assert len(runs) == len([cell for cell in LEAKY_CELLS if cell.startswith("%%track")])
    assert not [warning for run in runs for warning in run.warnings if warning.code == "capture_fault"]
    files = [path for path in (folder / "store").rglob("*") if path.is_file()]
    found = {
        name: path.name
        for name, value in SECRETS.items()
        for path in files
        if value.encode() in path.read_bytes()
    }
    assert files
    assert found == {}
    with kernel.store() as store:
        for run in runs:
            kept = str(store.get_run(run.run_id))
            kept += "".join(str(store.get_artifact(artifact.digest)) for artifact in run.artifacts)
            assert not [name for name, value in SECRETS.items() if value in kept]
    assert "•••" in kept
