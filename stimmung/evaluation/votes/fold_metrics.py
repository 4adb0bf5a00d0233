"""How well votes are predicted: the metrics of one test fold, and of all folds."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, precision_recall_fscore_support

from stimmung.evaluation.votes.calibration import expected_calibration_error
from stimmung.vocabulary.arms import sees_training_rows
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import NO_FOLD, option_columns, options_of

Metrics = dict[tuple[str, str | None], float]  # (metric, answer option or None) to value

HIGHER_IS_BETTER = {
    "accuracy": True,
    "balanced_accuracy": True,
    "macro_f1": True,
    "f1": True,
    "log_loss": False,
    "brier": False,
    "expected_calibration_error": False,
    "total_variation": False,
    "jensen_shannon": False,
    "option_mass": True,
    "unseen": False,
}


def vote_metrics(predictions: pd.DataFrame, weighted: bool = False) -> Metrics:
    """Return all metrics of one test fold.

    accuracy, balanced_accuracy (mean recall), macro_f1 and f1 of each option
        For the most probable option; of equals the one that stands first. An option that nobody in the fold
        chose and that is predicted for nobody has no F1 (NaN) and no part in the macro F1; one that nobody
        chose and that is predicted has an F1 of 0, as in scikit-learn. Balanced accuracy is over the
        options that somebody chose.
    log_loss
        In nats. A probability of 0 counts as 2.2e-16 (the float's resolution), as in scikit-learn: a method
        that was certain and wrong pays 36 nats for it.
    brier
        Sum over options of the squared error, mean over respondents: 0 to 2, also for two options (Brier
        1950).
    expected_calibration_error
        See ``calibration``: 10 bins of equal width.
    total_variation, jensen_shannon
        Distance between the predicted shares (mean probabilities) and the observed ones, 0 to 1: half the
        sum of absolute differences; square root of the Jensen-Shannon divergence in bits. A fold's observed
        shares carry sampling error, so neither is 0 for a perfect model, and the fewer respondents a fold
        has, the larger they are.
    predicted_share, share_error
        Of each option: mean probability, and that minus the observed share. Unlike the distances, the error
        has no bias.
    option_mass
        Probability on any valid option, before it is scaled to 1.
    unseen
        Share of the respondents of whom a server did not show every option. Their option mass is a lower bound.

    Parameters
    ----------
    predictions
        Rows of a PREDICTIONS table: one method, condition, seed and fold.
    weighted
        Whether survey weights count in all metrics. Shares and what is computed from them always use the
        weights.
    """
    options = options_of(predictions)
    probabilities = predictions[option_columns(predictions)].to_numpy()
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    target = _codes(predictions["target"], options)
    chosen = probabilities.argmax(axis=1)
    survey_weights = predictions["weight"].to_numpy()
    weights = survey_weights if weighted else None
    every = np.arange(len(options))
    _, recall, f1, _ = precision_recall_fscore_support(
        target, chosen, labels=every, sample_weight=weights, zero_division=np.nan
    )
    correct = chosen == target
    confidence = probabilities[np.arange(len(target)), chosen]
    predicted = np.average(probabilities, axis=0, weights=survey_weights)
    observed = np.bincount(target, weights=survey_weights, minlength=len(options)) / survey_weights.sum()
    metrics: Metrics = {
        ("accuracy", None): accuracy_score(target, chosen, sample_weight=weights),
        ("balanced_accuracy", None): recall[np.unique(target)].mean(),
        ("macro_f1", None): np.nanmean(f1),
        ("log_loss", None): log_loss(target, probabilities, labels=every, sample_weight=weights),
        ("brier", None): brier_score_loss(
            target, probabilities, labels=every, sample_weight=weights, scale_by_half=False
        ),
        ("expected_calibration_error", None): expected_calibration_error(confidence, correct, weights),
        ("total_variation", None): np.abs(predicted - observed).sum() / 2,
        ("jensen_shannon", None): jensenshannon(predicted, observed, base=2),
        ("option_mass", None): np.average(predictions["option_mass"], weights=weights),
        ("unseen", None): np.average(_unseen(predictions), weights=weights),
    }
    for place, option in enumerate(options):
        metrics["f1", option] = f1[place]
        metrics["predicted_share", option] = predicted[place]
        metrics["share_error", option] = predicted[place] - observed[place]
    return {key: float(value) for key, value in metrics.items()}


def measure_folds(
    predictions: pd.DataFrame, splits: pd.DataFrame, weighted: bool = False, whole: bool = True
) -> pd.DataFrame:
    """Return a FOLD_METRICS table: every metric of every method, condition and fold.

    A method that ran with several seeds has the mean over them in each fold: seeds share the test rows, so
    they tell how much a method varies, not how well the fold is known.

    Parameters
    ----------
    predictions
        A PREDICTIONS table, of any number of methods, conditions and seeds.
    splits
        The SPLITS table that they were made with; it says how many rows each fold trained on.
    weighted
        See ``vote_metrics``.
    whole
        Whether the predictions must be of all respondents of the splits, and not of a subgroup.

    Raises
    ------
    InputError
        If the predictions are not of exactly the respondents and folds of the splits.
    """
    if whole:
        check_same_folds(predictions, splits)
    trained_on = training_rows(splits)
    rows = []
    for (method, condition), run in predictions.groupby(["method", "condition"], sort=False):
        for fold in sorted(set(run["fold"])):
            part = run[run["fold"] == fold]
            row = {
                "method": method,
                "condition": condition,
                "fold": fold,
                "n_test": part["respondent_id"].nunique(),
                "n_training": trained_on[str(condition), fold] if sees_training_rows(str(method)) else 0,
            }
            rows += [
                {**row, "metric": metric, "option": option, "value": value}
                for (metric, option), value in _mean_over_seeds(part, weighted).items()
            ]
    columns = ["method", "condition", "metric", "option", "fold", "value", "n_test", "n_training"]
    return pd.DataFrame(rows)[columns].astype({"fold": "int8", "option": "str", "value": float})


def _mean_over_seeds(predictions: pd.DataFrame, weighted: bool) -> Metrics:
    by_seed = [vote_metrics(one, weighted) for _, one in predictions.groupby("seed")]
    # By pandas, because a mean of nothing but NaN is NaN there, without a warning.
    return {key: float(pd.Series([metrics[key] for metrics in by_seed]).mean()) for key in by_seed[0]}


def training_rows(splits: pd.DataFrame) -> dict[tuple[str, int], int]:
    """Return how many rows each fold of each condition trains on, by (condition, fold)."""
    counts = {}
    for condition, part in splits.groupby("condition"):
        for fold in sorted(set(part["fold"]) - {NO_FOLD}):
            others = part["in_training"] & (part["fold"] != fold) & (part["fold"] != NO_FOLD)
            counts[str(condition), int(fold)] = int(others.sum())
    return counts


def check_same_folds(predictions: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Raise an InputError unless every run predicts each respondent of its splits once, in the same fold.

    Methods can only be compared fold by fold if their folds are the same.
    """
    tested = splits[splits["fold"] != NO_FOLD]
    expected = {
        str(condition): part.set_index("respondent_id")["fold"].sort_index()
        for condition, part in tested.groupby("condition")
    }
    for (method, condition, seed), run in predictions.groupby(["method", "condition", "seed"], sort=False):
        found = run.set_index("respondent_id")["fold"].sort_index()
        if condition not in expected or not found.equals(expected[condition]):
            raise InputError(
                f"predictions of {method}, condition {condition}, seed {seed}, are not those of the splits",
                "They were made with other splits: delete them and run snakemake again.",
            )


def _unseen(predictions: pd.DataFrame) -> NDArray[np.bool_]:
    if "n_unseen" not in predictions:
        return np.zeros(len(predictions), dtype=bool)
    return predictions["n_unseen"].to_numpy() > 0


def _codes(target: "pd.Series[str]", options: list[str]) -> NDArray[np.intp]:
    codes: NDArray[np.intp] = pd.Index(options).get_indexer(pd.Index(target))
    if (codes < 0).any():
        # The value is not named: it is a respondent's answer.
        raise InputError(
            f"predictions hold a target that is none of the answer options {', '.join(options)}",
            "The codebook has changed since: delete the predictions and run snakemake again.",
        )
    return codes
