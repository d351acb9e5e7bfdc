"""Models by their class's library, their settings and what they say of themselves."""

from __future__ import annotations

import io
import math
from typing import Any

import joblib
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

from jupyter_mlops.capture.models import (
    class_path,
    describe_model,
    fitted_scores,
    is_fitted,
    non_default_settings,
    optimizer_settings,
    serialize_model,
)

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
    assert serialize_model(value, 10**6) is None
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
    assert kept is not None
    data, form = kept
    assert form == "joblib"
    loaded = joblib.load(io.BytesIO(data))
    assert (loaded.predict(FEATURES) == model.predict(FEATURES)).all()
    assert serialize_model(model, 100) is None


def test_a_model_that_cannot_be_pickled_is_not_kept() -> None:
    assert serialize_model(FunctionTransformer(lambda x: x), 10**6) is None


def test_strangers_are_left_alone(hostile: Any) -> None:
    assert describe_model("hostile", hostile) is None
    assert describe_model("hostile", type(hostile)) is None
    assert fitted_scores("hostile", hostile) == []
    assert serialize_model(hostile, 10**6) is None
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
    assert kept is not None
    assert kept[1] == "ubj"


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
