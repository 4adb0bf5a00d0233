"""Every metric of every method, condition and test fold."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS, Fold
from stimmung.vocabulary.arms import sees_training_rows
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import NO_FOLD, option_columns, options_of

Metrics = dict[tuple[str, str | None], float]  # (metric, answer option or None) to value


def vote_metrics(predictions: pd.DataFrame, weighted: bool = False, ordered: bool = False) -> Metrics:
    """Return ``VOTE_METRICS`` of the rows of a PREDICTIONS table that have one method, condition, seed and fold.

    ``weighted``: whether survey weights count in all metrics. Shares and what is computed from them always use the weights.
    ``ordered``: whether the options stand in their order, so that the metrics of ordered answers are computed as well.
    Raises an InputError if a target is not among the answer options.
    """
    options = options_of(predictions)
    probabilities = predictions[option_columns(predictions)].to_numpy()
    weights = predictions["weight"].to_numpy()
    target = answer_codes(predictions)
    unseen = predictions["n_unseen"].to_numpy() if "n_unseen" in predictions else np.zeros(len(weights), int)
    fold = Fold(
        target=target,
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
        survey_weights=weights,
        weights=weights if weighted else None,
        option_mass=predictions["option_mass"].to_numpy(),
        n_unseen=unseen,
    )
    values = {name: one.compute(fold) for name, one in VOTE_METRICS.items() if ordered or not one.ordered}
    by_option = [name for name, one in VOTE_METRICS.items() if one.by_option]
    metrics: Metrics = {(name, None): float(values[name]) for name in values if name not in by_option}
    for place, option in enumerate(options):
        metrics |= {(name, option): float(values[name][place]) for name in by_option}
    return metrics


def answer_codes(predictions: pd.DataFrame) -> NDArray[np.intp]:
    """Return the index of each answer among the options of a PREDICTIONS table, shape (n,); -1 for respondents without a fold.

    Raises an InputError if a target is not among the answer options.
    """
    options = options_of(predictions)
    codes = pd.Index(options).get_indexer(pd.Index(predictions["target"]))
    folds = predictions["fold"].to_numpy() if "fold" in predictions else np.zeros(len(codes))
    if (codes[folds != NO_FOLD] < 0).any():
        # The value is not named: it is a respondent's answer.
        raise InputError(
            f"the predictions have a target that is not among their answer options: {', '.join(options)}",
            "The codebook has changed since: delete the predictions and run snakemake again.",
        )
    return np.asarray(codes)


def measure_folds(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    weighted: bool = False,
    whole: bool = True,
    ordered: bool = False,
) -> pd.DataFrame:
    """Return a FOLD_METRICS table, of a PREDICTIONS table of any number of methods, conditions and seeds.

    A method that ran with several seeds has the mean over them in each fold: seeds share the test rows, so they tell how much a
    method varies, not how well the fold is known. ``splits`` is the SPLITS table with which the predictions were made;
    ``weighted`` and ``ordered`` as of :func:`vote_metrics`; ``whole`` is False for the rows of a subgroup. Raises an InputError as
    :func:`vote_metrics`, or if ``whole`` predictions are not of exactly the respondents and folds of the splits.
    """
    if whole:
        check_same_folds(predictions, splits)
    trained_on = training_rows(splits)
    rows = []
    for (method, condition), run in predictions.groupby(["method", "condition"], sort=False):
        for fold in sorted(set(run["fold"])):
            part = run[run["fold"] == fold]
            n_test = part["respondent_id"].nunique()
            n_training = trained_on[str(condition), fold] if sees_training_rows(str(method)) else 0
            by_seed = [vote_metrics(one, weighted, ordered) for _, one in part.groupby("seed")]
            for key in by_seed[0]:
                # By pandas, because a mean of nothing but NaN is NaN there, without a warning.
                value = pd.Series([metrics[key] for metrics in by_seed]).mean()
                rows.append((method, condition, *key, fold, value, n_test, n_training))
    columns = ["method", "condition", "metric", "option", "fold", "value", "n_test", "n_training"]
    return pd.DataFrame(rows, columns=columns).astype({"fold": "int8", "option": "str", "value": float})


def training_rows(splits: pd.DataFrame) -> dict[tuple[str, int], int]:
    """Return how many rows each fold of each condition trains on, by (condition, fold)."""
    answered = splits[splits["fold"] != NO_FOLD]
    return {
        (str(condition), int(fold)): int((part["in_training"] & (part["fold"] != fold)).sum())
        for condition, part in answered.groupby("condition")
        for fold in sorted(set(part["fold"]))
    }


def check_same_folds(predictions: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Raise an InputError unless every run predicts each respondent of its splits once, in the same fold."""
    tested = splits[splits["fold"] != NO_FOLD]
    for (method, condition, seed), run in predictions.groupby(["method", "condition", "seed"], sort=False):
        expected, found = (
            part.set_index("respondent_id")["fold"].sort_index()
            for part in (tested[tested["condition"] == condition], run)
        )
        if not found.equals(expected):
            raise InputError(
                f"the predictions of {method}, condition {condition}, seed {seed}, do not have the folds of the splits",
                "They were made with other splits: delete them and run snakemake again.",
            )
