"""What only a library writes is told: curves of boosting, the tests under a summary of statsmodels."""

from __future__ import annotations

import contextlib
import io

import pytest
from observing import Notebook

from jupyter_mlops.capture.evidence import Found
from jupyter_mlops.capture.written import tell_written
from jupyter_mlops.records import MetricDetail

LIGHTGBM = """Training until validation scores don't improve for 30 rounds
[20]\ttrain's rmse: 0.309561\tvalid's rmse: 0.311904
[40]\ttrain's rmse: 0.243924\tvalid's rmse: 0.257828
[60]\ttrain's rmse: 0.229741\tvalid's rmse: 0.253568
Early stopping, best iteration is:
[44]\ttrain's rmse: 0.227984\tvalid's rmse: 0.253493
"""


def read(text: str, **known: float) -> Found:
    found = Found(values=dict(known), details={name: MetricDetail(origin="bound") for name in known})
    tell_written(found, text, 7)
    return found


def test_lines_become_curves() -> None:
    found = read(LIGHTGBM, acc=0.5)
    assert found.values == {"acc": 0.5, "train_rmse": 0.229741, "valid_rmse": 0.253568}
    curve = found.curves["valid_rmse"]
    assert (curve.steps, curve.values) == ([20, 40, 60], [0.311904, 0.257828, 0.253568])
    detail = found.details["train_rmse"]
    assert (detail.origin, detail.order, detail.step, detail.points) == ("written", 7, 60, 3)


def test_of_several_trainings_the_last_stays() -> None:
    again = LIGHTGBM + "[20]\ttrain's rmse: 0.5\tvalid's rmse: 0.75\n"
    assert read(again).values == {"train_rmse": 0.5, "valid_rmse": 0.75}


@pytest.mark.parametrize(
    "text",
    [
        "[20]\ttrain's rmse: 0.2534931234\n",  # told with all its digits
        "[12] INFO: loss: 0.5\n",
        "accuracy: 0.5\n[1, 2]\tloss: 0.5\n",
        "[3]\trows: 17\n",
        "",
    ],
)
def test_what_is_told_or_no_score_is_left_alone(text: str) -> None:
    assert read(text, validation_rmse=0.25349312338).values == {"validation_rmse": 0.25349312338}


def test_what_xgboost_writes() -> None:
    xgboost = pytest.importorskip("xgboost")
    data = xgboost.DMatrix([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        xgboost.train(
            {"max_depth": 1, "eval_metric": "rmse"}, data, 5, evals=[(data, "train")], verbose_eval=2
        )
    found = read(shown.getvalue())
    assert list(found.values) == ["train_rmse"]
    assert found.curves["train_rmse"].steps == [0, 2, 4]


def test_the_tests_under_a_summary_are_told_with_all_their_digits() -> None:
    sm = pytest.importorskip("statsmodels.api")
    notebook = Notebook()
    notebook.run(
        "import numpy as np, statsmodels.api as sm\nX = sm.add_constant(np.arange(20.0))\n"
        "y = X[:, 1] * 2 + np.sin(X[:, 1] * 3)\nr = sm.OLS(y, X).fit()"
    )
    result = notebook.space["r"]
    for code in ("print(r.summary())", "s = r.summary()\nprint(s)", "r.summary()"):
        notebook.run(code)
        found = Found()
        tell_written(found, notebook.printed.getvalue(), 2, notebook.probe.events)
        assert list(found.values) == [
            "omnibus", "durbin_watson", "prob_omnibus", "jarque_bera_jb", "skew", "prob_jb", "kurtosis", "cond_no",
        ]  # fmt: skip
        assert found.values["omnibus"] == pytest.approx(
            sm.stats.omni_normtest(result.wresid).statistic, rel=1e-12
        )
        assert found.details["skew"].origin == "written"


def test_two_probabilities_near_nothing_are_each_its_own() -> None:
    sm = pytest.importorskip("statsmodels.api")
    notebook = Notebook()
    notebook.run(
        "import numpy as np, statsmodels.api as sm\nx = np.arange(200.0)\ny = x + np.exp(x / 20) * (x % 7 == 0)\n"
        "r = sm.OLS(y, sm.add_constant(x)).fit()"
    )
    notebook.run("print(r.summary())")
    found, result = Found(), notebook.space["r"]
    tell_written(found, notebook.printed.getvalue(), 2, notebook.probe.events)
    jarque_bera = sm.stats.jarque_bera(result.wresid)
    omnibus = sm.stats.omni_normtest(result.wresid)
    assert found.values["prob_omnibus"] == pytest.approx(omnibus.pvalue, rel=1e-9, abs=0)
    assert found.values["prob_jb"] == pytest.approx(jarque_bera[1], rel=1e-9, abs=0)
    assert found.values["prob_jb"] != found.values["prob_omnibus"]
    assert found.values["cond_no"] == pytest.approx(result.condition_number, rel=1e-9)


def test_words_of_a_summary_in_other_text_tell_nothing() -> None:
    assert read("Skew: 0.5\nKurtosis: 3.0\n").values == {}


def test_where_an_optimizer_ended_is_told() -> None:
    text = "Optimization terminated successfully.\n         Current function value: 0.368666\n         Iterations 6\n"
    assert read(text).values == {"current_function_value": 0.368666}
    assert read(text, current_function_value=0.25).values["current_function_value_2"] == 0.368666
