"""Which way a metric is good."""

from __future__ import annotations

import pytest
from sample_runs import sample_run

from jupyter_mlops.compare import higher_is_better
from jupyter_mlops.compare.directions import metric_direction
from jupyter_mlops.records import MetricDetail


@pytest.mark.parametrize(
    "name",
    [
        "accuracy", "test_accuracy", "acc", "val_acc", "f1", "f1-score", "f1_macro", "roc_auc", "auc", "AUC",
        "r2", "R²", "R^2", "r2_score", "rSquared", "precision", "recall", "precision@5", "best_score_",
        "score", "train.score", "neg_mean_squared_error", "neg_log_loss", "NegRootMeanSquaredError",
        "d2_absolute_error_score", "explained_variance", "mcc", "IoU", "mAP50", "log_likelihood",
        "error_reduction", "balanced_accuracy_score",
    ],
)  # fmt: skip
def test_higher_is_better(name: str) -> None:
    assert higher_is_better(name) is True


@pytest.mark.parametrize(
    "name",
    [
        "loss", "val_loss", "valLoss", "log_loss", "logloss", "rmse", "test_rmse", "mse", "mae", "MAPE",
        "mean_squared_error", "max_error", "error_rate", "perplexity", "deviance", "aic", "BIC", "best_loss",
        "brier_score_loss", "brier_score", "davies_bouldin_score", "neg_log_likelihood", "nll", "wer",
        "cross-entropy", "crossEntropy", "hinge_loss", "zero_one_loss",
    ],
)  # fmt: skip
def test_lower_is_better(name: str) -> None:
    assert higher_is_better(name) is False


@pytest.mark.parametrize(
    "name", ["n_iter", "answer", "", "x", "alpha", "accuracy_std", "std_loss", "µ", "42"]
)
def test_unknown(name: str) -> None:
    assert higher_is_better(name) is None


def test_what_a_run_says_wins_over_the_name() -> None:
    run = sample_run(
        metrics={"loss": 1.0}, metric_details={"loss": MetricDetail(origin="logged", higher_is_better=True)}
    )
    assert metric_direction("loss", [sample_run(), run]) is True
    assert metric_direction("loss", [sample_run()]) is False
