"""Models by their class's library, their settings and what they say of themselves."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from jupyter_mlops.capture.dataset import describe_input
from jupyter_mlops.capture.fitted import fitted_scores
from jupyter_mlops.capture.loading import load_bytes
from jupyter_mlops.capture.models import (
    class_path,
    describe_model,
    is_fitted,
    non_default_settings,
    optimizer_settings,
)
from jupyter_mlops.capture.serialization import serialize_model

FEATURES = pd.DataFrame({"a": np.arange(30.0), "b": ["x", "y", "z"] * 10})
LABELS = np.arange(30) % 2


def pipeline() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = ColumnTransformer(
        [("num", numbers, ["a"]), ("cat", OneHotEncoder(handle_unknown="ignore"), ["b"])]
    )
    return Pipeline([("prep", columns), ("clf", LogisticRegression(C=0.5))])


@pytest.mark.parametrize(
    ("estimator", "settings"),
    [
        (LogisticRegression(), {}),
        (LogisticRegression(C=1.0, max_iter=100), {}),
        (LogisticRegression(C=1), {"C": 1}),
        (LogisticRegression(C=0.1, class_weight={0: 1, 1: 2}), {"C": 0.1, "class_weight": {"0": 1, "1": 2}}),
        (RandomForestClassifier(random_state=0, max_depth=np.int64(3)), {"random_state": 0, "max_depth": 3}),
        (RandomForestClassifier(random_state=np.random.RandomState(0)), {"random_state": "RandomState"}),
        (SimpleImputer(missing_values=math.nan), {}),
        (FunctionTransformer(np.log1p), {"func": "ufunc"}),
        (FunctionTransformer(lambda x: x), {"func": "<lambda>"}),
        (
            make_pipeline(StandardScaler(), Ridge(alpha=2)),
            {"steps": ["standardscaler", "ridge"], "ridge__alpha": 2},
        ),
        (
            Pipeline([("scale", StandardScaler()), ("reduce", "passthrough"), ("fit", Ridge())]),
            {
                "steps": ["scale", "reduce", "fit"],
                "scale": "StandardScaler",
                "reduce": "passthrough",
                "fit": "Ridge",
            },
        ),
        (
            StackingClassifier([("lr", LogisticRegression(C=3))], final_estimator=Ridge(alpha=2)),
            {
                "estimators": ["lr"],
                "lr": "LogisticRegression",
                "lr__C": 3,
                "final_estimator": "Ridge",
                "final_estimator__alpha": 2,
            },
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_was_set_is_a_setting(estimator: Any, settings: dict[str, Any]) -> None:
    assert non_default_settings(estimator) == settings


def test_nested_settings_have_nested_names() -> None:
    found = non_default_settings(pipeline())
    assert found["prep__num__simpleimputer__strategy"] == "median"
    assert found["prep__cat__handle_unknown"] == "ignore"
    assert (found["clf"], found["clf__C"]) == ("LogisticRegression", 0.5)
    searched = non_default_settings(GridSearchCV(pipeline(), {"clf__C": [0.1, 1]}, cv=3))
    assert searched["param_grid"] == {"clf__C": [0.1, 1]}
    assert (searched["cv"], searched["estimator"], searched["estimator__clf__C"]) == (3, "Pipeline", 0.5)


def test_fitting_changes_no_setting() -> None:
    model = pipeline()
    before = non_default_settings(model)
    assert not is_fitted(model)
    assert non_default_settings(model.fit(FEATURES, LABELS)) == before
    assert is_fitted(model)


def test_a_model_has_its_public_class() -> None:
    found = describe_model("model", LogisticRegression(C=2))
    assert found is not None
    assert (found.name, found.kind, found.settings) == (
        "model",
        "sklearn.linear_model.LogisticRegression",
        {"C": 2},
    )


class Mean(BaseEstimator):
    """An estimator as people write one."""

    def __init__(self, shrink: float = 0.5, *, columns: tuple[str, ...] = ("a",)) -> None:
        self.shrink = shrink
        self.columns = columns


def test_an_estimator_of_the_notebook() -> None:
    assert non_default_settings(Mean(0.1)) == {"shrink": 0.1}
    assert non_default_settings(Mean(columns=("a", "b"))) == {"columns": ["a", "b"]}
    Mean.__module__ = "__main__"
    assert class_path(Mean) == "Mean"


@pytest.mark.parametrize("value", [1, None, "model", [Ridge()], Ridge, np, FEATURES, lambda: 0, object()])
def test_what_is_no_model_is_none(value: Any) -> None:
    assert describe_model("value", value) is None
    assert fitted_scores("value", value) == []
    assert not serialize_model(value, 10**6).data
    assert optimizer_settings(value) == {}


def test_scores_of_fitted_objects() -> None:
    forest = RandomForestClassifier(50, oob_score=True, random_state=0)
    assert fitted_scores("forest", forest) == []
    forest.fit(FEATURES[["a"]], LABELS)
    assert fitted_scores("forest", forest) == [("oob_score", "forest.oob_score_", (), forest.oob_score_)]
    search = GridSearchCV(pipeline(), {"clf__C": [0.1, 1]}, cv=3).fit(FEATURES, LABELS)
    assert ("best_score", "search.best_score_", (), search.best_score_) in fitted_scores("search", search)
    steps = make_pipeline(StandardScaler(), forest).fit(FEATURES[["a"]], LABELS)
    assert [score[1] for score in fitted_scores("steps", steps)] == ["steps[-1].oob_score_"]


class History:
    """Like Keras' own: what `fit` gives back."""

    def __init__(self) -> None:
        self.history = {"loss": [0.9, 0.5], "val_loss": [1.0, 0.75], "lr": []}


def test_the_last_numbers_of_a_history() -> None:
    found = fitted_scores("history", History())
    assert found == [
        ("loss", "history.history", ("loss", 1), 0.5),
        ("val_loss", "history.history", ("val_loss", 1), 0.75),
    ]


def test_a_model_is_kept_within_its_limit() -> None:
    model = pipeline().fit(FEATURES, LABELS)
    kept = serialize_model(model, 10**6)
    loaded = load_bytes(kept.data, kept.form)
    assert (loaded.predict(FEATURES) == model.predict(FEATURES)).all()
    refused = serialize_model(model, 100)
    assert (refused.data, refused.form) == (b"", "")
    assert "larger than 100 bytes" in refused.why


class Slow(BaseEstimator):
    """Its parts make themselves ready for a pickle at their leisure."""

    def __init__(self) -> None:
        self.parts_ = [Part() for _ in range(1000)]


class Part:
    asked = 0

    def __reduce__(self) -> Any:
        Part.asked += 1
        time.sleep(0.001)
        # More than one frame of a pickle, so that something is written now and then.
        return bytes, (b"x" * 100_000,)


def test_a_model_is_kept_within_its_time() -> None:
    refused = serialize_model(Slow(), 10**9, seconds=0.01)
    assert not refused.data
    assert "too long" in refused.why
    assert Part.asked < 1000


def test_skops_is_used_where_it_is_loaded_and_trusts_every_type() -> None:
    assert serialize_model(Ridge().fit(FEATURES[["a"]], LABELS), 10**6).form == "joblib"
    pytest.importorskip("skops.io")
    ridge = Ridge(alpha=2).fit(FEATURES[["a"]], LABELS)
    kept = serialize_model(ridge, 10**6)
    assert kept.form == "skops"
    loaded = load_bytes(kept.data, kept.form)
    assert loaded.get_params() == ridge.get_params()
    assert (loaded.predict(FEATURES[["a"]]) == ridge.predict(FEATURES[["a"]])).all()
    forest = RandomForestClassifier(3).fit(FEATURES[["a"]], LABELS)
    assert serialize_model(forest, 10**6).form == "joblib"


def test_a_network_is_kept_as_its_weights() -> None:
    torch = pytest.importorskip("torch")
    network = torch.nn.Linear(2, 1)
    kept = serialize_model(network, 10**6)
    assert kept.form == "pt"
    assert torch.equal(load_bytes(kept.data, kept.form)["weight"], network.weight)


def test_what_a_model_was_fitted_on() -> None:
    frame = FEATURES.assign(when=pd.Timestamp("2020-01-02"), kind=pd.Categorical(["u"] * 30), text="t" * 500)
    found = describe_input("X", frame)
    assert found is not None
    assert (found.name, found.kind, found.shape, found.dtype) == ("X", "pandas.DataFrame", (), "")
    assert found.columns == {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert (found.example["a"], found.example["b"], found.example["kind"]) == (0.0, "x", "u")
    assert found.example["when"] == "2020-01-02 00:00:00"
    assert len(found.example["text"]) == 101


def test_what_a_model_was_fitted_on_as_an_array() -> None:
    found = describe_input("X", np.arange(12, dtype=np.float32).reshape(4, 3))
    assert found is not None
    assert (found.columns, found.shape, found.dtype) == ({}, (3,), "float32")
    assert found.example == {"0": 0.0, "1": 1.0, "2": 2.0}
    images = describe_input("X", np.zeros((5, 28, 28), np.uint8))
    assert images is not None
    assert (images.shape, images.dtype, len(images.example)) == ((28, 28), "uint8", 200)
    assert describe_input("X", [[1, 2]]) is None
    empty = describe_input("X", FEATURES[:0])
    assert empty is not None
    assert (list(empty.columns), empty.example) == (["a", "b"], {})


@pytest.mark.parametrize("library", ["polars", "pyarrow", "torch", "scipy"])
def test_what_a_model_was_fitted_on_elsewhere(library: str) -> None:
    pytest.importorskip(library)
    if library == "polars":
        import polars as pl

        found = describe_input("X", pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}))
    elif library == "pyarrow":
        import pyarrow as pa

        found = describe_input("X", pa.table({"a": [1, 2], "b": ["x", "y"]}))
    elif library == "torch":
        import torch

        found = describe_input("X", torch.ones(3, 2))
    else:
        import scipy.sparse

        found = describe_input("X", scipy.sparse.csr_matrix([[0, 2.0], [1, 0]]))
    assert found is not None
    if library in ("polars", "pyarrow"):
        assert list(found.columns) == ["a", "b"]
        assert found.example == {"a": 1, "b": "x"}
    else:
        assert (found.columns, found.shape) == ({}, (2,))
        assert list(found.example) == ["0", "1"]


def test_a_model_that_cannot_be_pickled_is_not_kept() -> None:
    kept = serialize_model(FunctionTransformer(lambda x: x), 10**6)
    assert not kept.data
    assert "cannot be pickled" in kept.why


def test_strangers_are_left_alone(hostile: Any) -> None:
    assert describe_model("hostile", hostile) is None
    assert describe_model("hostile", type(hostile)) is None
    assert fitted_scores("hostile", hostile) == []
    assert not serialize_model(hostile, 10**6).data
    assert describe_input("hostile", hostile) is None
    assert non_default_settings(Ridge(alpha=hostile)) == {"alpha": "Hostile"}


class Broken(BaseEstimator):
    """An estimator whose parameters cannot be asked for."""

    def __init__(self, *things: Any, **more: Any) -> None:
        self.things = things

    def get_params(self, deep: bool = True) -> Any:
        raise RuntimeError

    def __repr__(self, *_: Any) -> str:
        raise RuntimeError


def test_a_broken_estimator_is_still_a_model() -> None:
    found = describe_model("broken", Broken(1))
    assert found is not None
    assert found.settings == {}


# ---- libraries that need not be there


def test_xgboost() -> None:
    xgboost = pytest.importorskip("xgboost")
    numbers = FEATURES[["a"]]
    model = xgboost.XGBClassifier(n_estimators=5, max_depth=3, eval_metric="logloss")
    assert not is_fitted(model)
    model.fit(numbers, LABELS, eval_set=[(numbers, LABELS)], verbose=False)
    assert is_fitted(model)
    found = describe_model("model", model)
    assert found is not None
    assert found.settings == {"n_estimators": 5, "max_depth": 3, "eval_metric": "logloss"}
    last = model.evals_result()["validation_0"]["logloss"][-1]
    assert fitted_scores("model", model) == [
        ("validation_0_logloss", "model.evals_result_", ("validation_0", "logloss", 4), last)
    ]
    kept = serialize_model(model.get_booster(), 10**6)
    assert kept.form == "ubj"


def test_lightgbm() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    numbers = FEATURES[["a"]]
    model = lightgbm.LGBMClassifier(n_estimators=5, num_leaves=7, verbose=-1, max_bin=31)
    assert not is_fitted(model)
    model.fit(numbers, LABELS, eval_set=[(numbers, LABELS)])
    found = describe_model("model", model)
    assert found is not None
    assert found.settings == {"n_estimators": 5, "num_leaves": 7, "verbose": -1, "max_bin": 31}
    (last,) = [told for told in fitted_scores("model", model) if told[1] == "model.evals_result_"]
    label, _, path, value = last
    assert label == "training_binary_logloss"
    assert value == model.evals_result_["training"]["binary_logloss"][path[-1]]


def test_statsmodels() -> None:
    formula = pytest.importorskip("statsmodels.formula.api")
    result = formula.ols("a ~ C(b)", data=FEATURES).fit()
    found = describe_model("result", result)
    assert found is not None
    assert found.settings == {"model": "OLS", "formula": "a ~ C(b)"}
    scores = {label: value for label, _, _, value in fitted_scores("result", result)}
    assert scores["rsquared"] == result.rsquared
    assert scores["aic"] == result.aic
