"""The words by which a metric, a fit or a throw-away number is recognised.

Names decide only what is *looked at*; whether something is a metric is decided by what the value
is and how the cell uses it (`metrics`). The lists follow scikit-learn, Keras, PyTorch, XGBoost,
LightGBM and statsmodels.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

#: Last name of a call whose value is a score, besides everything ending in one of `_SCORE_ENDINGS`.
SCORING_CALLS = frozenset(
    """
    score evaluate accuracy auc log_loss brier_score_loss mean_squared_error r2_score roc_auc_score
    cross_val_score cross_validate classification_report confusion_matrix matthews_corrcoef
    cohen_kappa_score det_curve hamming_loss zero_one_loss hinge_loss max_error jaccard_score
    precision_recall_fscore_support silhouette_score calinski_harabasz_score
    davies_bouldin_score adjusted_rand_score normalized_mutual_info_score explained_variance_score
    cross_entropy mse_loss l1_loss nll_loss binary_cross_entropy pearsonr spearmanr kendalltau
    permutation_test_score learning_curve validation_curve rmse mse mae mape bleu rouge perplexity
    f1 precision recall ttest_ind ttest_rel ttest_1samp mannwhitneyu wilcoxon kruskal f_oneway
    chi2_contingency shapiro ks_2samp kstest levene bartlett linregress fisher_exact normaltest adfuller kpss
    jarque_bera durbin_watson proportions_ztest pointbiserialr somersd corrcoef proportion_confint
    pred_table variance_inflation_factor solve_power tt_solve_power tt_ind_solve_power zt_ind_solve_power
    """.split()
)
_SCORE_ENDINGS = ("_test", "_score", "_error", "_loss", "_accuracy", "_auc", "_deviance", "_coef")

#: Last name of a call that fits something.
FITTING_CALLS = frozenset(
    {"fit", "fit_transform", "fit_predict", "partial_fit", "fit_resample", "fit_generator", "train"}
)

#: Functions that fit, which are no methods.
FITTING_FUNCTIONS = frozenset({"curve_fit", "least_squares", "leastsq", "minimize", "differential_evolution"})

#: Last name of a call that predicts.
PREDICTING_CALLS = frozenset({"predict", "predict_proba", "decision_function", "predict_log_proba"})

#: Last name of a method that shows text to a reader, beside ``print`` and ``display``.
PRINTING_CALLS = frozenset(
    {"info", "warning", "debug", "write", "set_description", "set_postfix", "set_postfix_str"}
)

#: Scoring calls all of whose arguments are heard: what they show can only be had again with these.
TOLD_ARGUMENTS = frozenset(
    {"classification_report", "cross_val_score", "cross_validate", "cross_val_predict"}
)

_METRIC_WORDS = frozenset(
    """
    acc accuracy auc auroc auprc roc aupr ap map f1 fbeta f2 precision prec recall rec sensitivity
    specificity tpr fpr tnr fnr loss losses err error errors errs rmse mse mae mape smape rmsle msle medae r2
    rsq rsquared score scores metric metrics nll bce ce xent logloss perplexity ppl bleu rouge wer cer iou
    dice kappa mcc corr correlation pearson spearman likelihood loglik ll aic bic hqic deviance residual
    gini ks lift baseline ndcg mrr hit silhouette inertia purity nmi ari ami brier calibration
    cost objective reward regret gain improvement delta gap pvalue accuracies aucs
    tp fp tn fn mase wape nrmse rms sharpe coherence modularity stat statistic fvalue pval success winrate
    sse rss wcss wss ci difference vif
    perda custo acuracia precisao erro perdida exactitud precision perte exactitude erreur verlust
    genauigkeit fehler perdita accuratezza errore
    squared slope uplift cohen cohens corrcoef confint misclassified mislabeled rvalue zscore effect
    se stderr sem hamming jaccard entropy kl divergence elbo fid psnr ssim chi2 variance_explained explained
    """.split()
)
_SIZE_WORDS = frozenset(
    """
    n num len length size sizes count counts nrows ncols rows cols shape dim dims idx index i j k ii jj
    epoch epochs step steps iter iters iteration iterations batch batches seed seeds random_state fold
    time times t0 t1 start end begin stop tic toc now elapsed duration seconds ms total_time
    time_taken started finished
    counter offset took nobs lags used dof ndof ddof
    """.split()
)
_ENDINGS_OF_SIZES = frozenset(
    """
    time times seconds secs duration elapsed epoch epochs iteration iterations idx index size count
    counts
    """.split()
)
_SCORES = frozenset(
    """
    acc accuracy auc f1 rmse mse mae mape smape r2 loss nll precision recall sensitivity specificity iou dice
    silhouette perplexity bleu rouge wer cer mase wape rmsle logloss cost
    """.split()
)
_SHOWING = frozenset(
    "plot print draw show make set add log update reset save display build create get_plot".split()
)
_MAKING = frozenset("fn func function factory layer module curve plot class".split())
_SETTINGS = frozenset(
    """
    lr eps epsilon threshold thr thresh cutoff alpha beta gamma momentum dropout temperature tau lam lambda
    """.split()
)
#: Rates that are set or measured, no share of anything.
_SET_RATES = frozenset(
    """
    learning drop dropout sample sampling frame decay interest tax heart exchange bit mutation crossover
    exploration discount refresh poll growth birth flow pulse update subsample masking base lr
    """.split()
)
_TIMES = frozenset("time times elapsed duration durations seconds secs".split())
_CUTOFFS = frozenset({"threshold", "thr", "thresh", "cutoff"})
#: What was best among several is a setting, if it is no score.
_CHOSEN = frozenset("best optimal chosen selected opt".split())
_HOLDERS = frozenset(
    """
    config conf cfg args kwargs settings options opts hyper hp grid hparams defaults parameter parameters
    hyperparameters
    """.split()
)
_LEARNT = frozenset(
    """
    w b w0 w1 w2 b0 b1 weight weights biases theta theta0 theta1 coef coefs coefficient coefficients
    intercept beta0 beta1 grad grads gradient gradients dw db dtheta prediction predictions predicted
    predict pred preds forecast yhat estimate params percentile quantile percentiles quantiles memory
    expected actual observed obs mu sigma estimated
    """.split()
)
#: ``TruePositive``, ``false negatives``
_SIGNS = frozenset("positive positives negative negatives".split())
_PARTS = frozenset("train training test testing val valid validation cv dev oof holdout mean avg".split())
#: What a model or a test finds, and so a reader counts.
_OUTCOMES = frozenset(
    """
    clusters noise outliers anomalies significant misclassified wrong correct incorrect mistakes detected
    flagged
    """.split()
)
#: A name of so many letters says nothing of what it holds.
_SHORT = 2
_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")


def words(name: str) -> tuple[str, ...]:
    """The lower-case words of an identifier or label: ``valLoss_1`` gives ``val``, ``loss``, ``1``.

    Accents are no boundaries: ``précision`` is one word, ``precision``.
    """
    if not name.isascii():
        name = "".join(
            part for part in unicodedata.normalize("NFKD", name) if not unicodedata.combining(part)
        )
    return tuple(part.lower() for part in _SPLIT.split(name) if part)


def is_scoring_call(name: str) -> bool:
    """Whether a call of `name` (its last part, without module or receiver) gives a score."""
    return name in SCORING_CALLS or name.endswith(_SCORE_ENDINGS) or names_a_score(name)


def names_a_score(name: str) -> bool:
    """Whether a function of the notebook's own gives a score, by its name: ``compute_loss``, ``mape``."""
    found = words(name)
    if not found or name[:1].isupper() or found[0] in _SHOWING or found[-1] in _MAKING:
        return False
    if found[-1] == "samples":
        return False  # `score_samples`: one number a row
    return any(word in _SCORES for word in found) or (
        len(found) > 1 and found[0] in ("evaluate", "eval", "score", "validate")
    )


def is_setting(name: str) -> bool:
    """Whether a label or name is that of a hyperparameter a program shows: ``lr``, ``epsilon``."""
    found = words(name)
    if len(found) > 1 and found[0] in _CHOSEN and not sounds_like_metric(name):
        return True
    if len(found) > 1 and found[-1] == "rate" and found[-2] in _SET_RATES:
        return True
    return bool(found) and found[-1] in _SETTINGS


def is_rate(name: str) -> bool:
    """Whether a label says what share of them did: ``approval rate``; a ``learning rate`` is set."""
    return any(last == "rate" and of not in _SET_RATES for of, last in pairwise(words(name)))


def is_time(name: str) -> bool:
    """Whether a name holds how long something took: ``cv_time``, ``elapsed``."""
    return bool(_TIMES & set(words(name))) and not sounds_like_metric(name)


def is_cutoff(name: str) -> bool:
    """Whether a label is that of a cut-off, which is a result where it was looked for: ``best_threshold``."""
    return bool(_CUTOFFS & set(words(name)[-1:]))


def sounds_like_holder(name: str) -> bool:
    """Whether a name is that of settings: ``params``, ``cfg``, ``train_args``."""
    return any(word in _HOLDERS or word.endswith(("param", "params")) for word in words(name))


def sounds_like_metric(name: str) -> bool:
    """Whether a name or label has a metric's word in it: ``val_acc``, ``Test accuracy``, ``rmse2``."""
    found = words(name)
    if found and found[-1] in _ENDINGS_OF_SIZES:
        return False
    if any(of in ("true", "false") and what in _SIGNS for of, what in pairwise(found)):
        return True
    return any(
        word in _METRIC_WORDS
        or word.rstrip("0123456789") in _METRIC_WORDS
        or (len(word) > 2 and word.removesuffix("s") in _METRIC_WORDS)
        for word in found
    )


def says_nothing(name: str) -> bool:
    """Whether a name is too short to tell what it holds: ``l``, ``v2``; ``r2`` does."""
    return len(name) <= _SHORT and not sounds_like_metric(name)


def is_learnt(name: str) -> bool:
    """Whether a name or label is that of what a model learns or predicts, or of data, and so no score."""
    found = words(name)
    if not found or sounds_like_metric(name):
        return False
    return bool(_LEARNT & set(found)) or (len(found) > 1 and found[-1] in ("kb", "mb", "gb"))


def counts_outcomes(label: str) -> bool:
    """Whether a label counts what a model or a test found: ``Estimated number of clusters``."""
    return bool(_OUTCOMES & set(words(label)))


def is_limit(name: str) -> bool:
    """Whether a label is that of a value a test's statistic is held against: ``Critical Value (5%)``."""
    return "critical" in words(name)


def is_stale(name: str) -> bool:
    """Whether a name keeps the value of the step before: ``prev_loss``."""
    return bool({"prev", "previous", "old", "prior"} & set(words(name)))


def is_aside(name: str) -> bool:
    """Whether a name is that of a size, a setting or of what a model learns: no score."""
    return sounds_like_size(name) or is_setting(name) or is_learnt(name)


def is_part(name: str) -> bool:
    """Whether a name only says which part of the data is meant: ``train``, ``val``."""
    found = words(name)
    return bool(found) and all(word in _PARTS for word in found)


def names_a_result(name: str) -> bool:
    """Whether a name can only be a result, even where a literal is bound to it: ``acc``, ``test_rmse``."""
    found = words(name)
    return bool(found) and found[-1] in _METRIC_WORDS and all(word in _PARTS for word in found[:-1])


def sounds_like_size(name: str) -> bool:
    """Whether a name counts, indexes or times something: ``n_rows``, ``i``, ``elapsed``, ``seed``.

    A single capital letter counts nothing: ``J`` is a cost.
    """
    found = words(name)
    if len(name) == 1 and name.isupper():
        return name == "N"
    return bool(found) and (
        found[0] in ("n", "num", "number", "df", "dof")
        or found[-1] in _SIZE_WORDS
        or name.lower() in _SIZE_WORDS
    )
