"""What a boosting library writes while it trains is told where nothing else tells of it."""

from __future__ import annotations

import contextlib
import io

import pytest

from jupyter_mlops.capture.boosting import tell_written
from jupyter_mlops.capture.evidence import Found
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
