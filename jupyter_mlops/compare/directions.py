"""Which way a metric is good, by the words in its name.

A metric that says so itself (`MetricDetail.higher_is_better`) is believed first; a name that no word
here knows has no direction, and then nothing is called best.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jupyter_mlops.records import Run

# fmt: off
_LOWER = frozenset(
    [
        "loss", "losses", "error", "errors", "err", "rmse", "mse", "mae", "mape", "smape", "wape",
        "rmsle", "msle", "medae", "rse", "nrmse", "logloss", "perplexity", "ppl", "deviance", "aic",
        "bic", "aicc", "nll", "cost", "wer", "cer", "mer", "fid", "kid", "brier", "hinge",
        "crossentropy", "entropy", "bce", "kl", "kld", "divergence", "ece", "mce", "fpr", "fnr", "fdr",
        "eer", "residual", "residuals", "regret", "misclassified", "misclassification", "mistakes",
        "davies", "bouldin", "daviesbouldin", "latency", "lpips", "chamfer", "hausdorff", "inertia",
        "wasserstein", "mmd", "bpc", "bpb", "rmsd", "impurity",
    ]
)
_HIGHER = frozenset(
    [
        "accuracy", "acc", "f1", "f2", "f05", "fbeta", "fscore", "fmeasure", "auc", "auroc", "auprc",
        "aucpr", "rocauc", "prauc", "roc", "ap", "map", "map50", "r2", "d2", "rsquared", "precision",
        "prec", "recall", "score", "sensitivity", "specificity", "tpr", "tnr", "ppv", "npv", "kappa",
        "mcc", "matthews", "jaccard", "iou", "miou", "dice", "bleu", "rouge", "meteor", "chrf", "ndcg",
        "dcg", "mrr", "hits", "silhouette", "calinski", "harabasz", "ari", "ami", "nmi", "homogeneity",
        "completeness", "purity", "rand", "vmeasure", "correlation", "corr", "pearson", "spearman",
        "kendall", "likelihood", "loglikelihood", "loglik", "elbo", "evidence", "explained", "reward",
        "rewards", "lift", "gini", "psnr", "ssim", "cindex", "concordance", "improvement", "reduction",
        "oob", "em", "balanced", "hitrate", "winrate",
    ]
)
# fmt: on
# These settle the matter whatever stands beside them: d2_absolute_error_score, error_reduction.
_SURELY_HIGHER = frozenset(
    {"d2", "r2", "rsquared", "improvement", "reduction", "likelihood", "loglikelihood"}
)
# The spread of a score says nothing about the model's quality.
_SPREAD = frozenset({"std", "stdev", "stderr", "sem", "sd", "ci", "pvalue"})
_NEGATED = frozenset({"neg", "negative", "negated", "minus"})


def higher_is_better(name: str) -> bool | None:
    """Whether more of the metric called `name` is better; None when its name does not say.

    scikit-learn's negated scorers (``neg_log_loss``) are higher-is-better.
    """
    words = _words(name)
    if words & _SPREAD:
        return None
    direction: bool | None = None
    if words & _SURELY_HIGHER:
        direction = True
    elif words & _LOWER:
        direction = False
    elif words & _HIGHER:
        direction = True
    if direction is not None and words & _NEGATED:
        return not direction
    return direction


def metric_direction(name: str, runs: Iterable[Run]) -> bool | None:
    """The direction of a metric over `runs`: the first run that says so, else by its name."""
    for run in runs:
        detail = run.metric_details.get(name)
        if detail is not None and detail.higher_is_better is not None:
            return detail.higher_is_better
    return higher_is_better(name)


def known_direction(name: str, runs: Iterable[Run], said: Mapping[str, bool]) -> tuple[bool | None, str]:
    """The direction of a metric, and how it is known: ``you``, ``code``, ``name`` or nothing.

    `said` is what people said of metrics, which is believed before all else.
    """
    if name in said:
        return said[name], "you"
    for run in runs:
        detail = run.metric_details.get(name)
        if detail is not None and detail.higher_is_better is not None:
            return detail.higher_is_better, "code"
    direction = higher_is_better(name)
    return direction, "" if direction is None else "name"


def _words(name: str) -> set[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name.replace("²", "2"))
    words = re.findall(r"[^\W_]+", spaced.lower())
    # log_loss, cross-entropy, R^2, f_0.5: the parts may mean something only together.
    joined = {"".join(words[i : i + 2]) for i in range(len(words) - 1)}
    return {*words, *joined, *(word.rstrip("0123456789") for word in words if len(word) > 3)}
