"""Every metric of every method, condition and test fold."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS, Fold
from stimmung.vocabulary.arms import sees_training_rows
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import NO_FOLD, is_tested, option_columns, options_of

Key = tuple[str, str | None]  # metric, answer option or None
Metrics = dict[Key, float]
STEP = 0.01  # of the weight of an answer's respondents, where a metric's derivative is taken


def vote_metrics(
    predictions: pd.DataFrame,
    weighted: bool = False,
    option_values: Sequence[float] | None = None,
    factor: NDArray[np.float64] | None = None,
) -> Metrics:
    """Return ``VOTE_METRICS`` of the rows of a PREDICTIONS table that have one method, condition, seed and fold.

    ``weighted``: whether survey weights count in all metrics. Shares and what is computed from them always use the weights.
    ``option_values``: the number of each option, rising, if they stand in an order, so that the metrics of ordered answers are
    computed as well; None: they do not.
    ``factor`` multiplies the weight of each row, also where survey weights do not count, shape (n,).
    Raises an InputError if a target is not among the answer options.
    """
    options = options_of(predictions)
    probabilities = predictions[option_columns(predictions)].to_numpy()
    weights = predictions["weight"].to_numpy()
    counted = weights if weighted else None
    if factor is not None:
        weights, counted = weights * factor, factor if counted is None else counted * factor
    target = answer_codes(predictions)
    unseen = predictions["n_unseen"].to_numpy() if "n_unseen" in predictions else np.zeros(len(weights), int)
    fold = Fold(
        target=target,
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
        survey_weights=weights,
        weights=counted,
        option_mass=predictions["option_mass"].to_numpy(),
        n_unseen=unseen,
        option_values=None if option_values is None else np.asarray(option_values, dtype=float),
    )
    values = {
        name: one.compute(fold)
        for name, one in VOTE_METRICS.items()
        if option_values is not None or not one.ordered
    }
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
    option_values: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Return a FOLD_METRICS table, of a PREDICTIONS table of any number of methods, conditions and seeds.

    A method that ran with several seeds has the mean over them in each fold: seeds share the test rows, so they tell how much a
    method varies, not how well the fold is known. ``splits`` is the SPLITS table with which the predictions were made;
    ``weighted`` and ``option_values`` as of :func:`vote_metrics`; ``whole`` is False for the rows of a subgroup. Raises an InputError
    as :func:`vote_metrics`, or if ``whole`` predictions are not of exactly the respondents and folds of the splits.

    ``answer_errors`` is a list, the same in all folds: what :func:`answer_errors` returns.
    """
    if whole:
        check_same_folds(predictions, splits)
    trained_on = training_rows(splits)
    rows = []
    for (method, condition), run in predictions.groupby(["method", "condition"], sort=False):
        n_drawn = 0
        if sees_training_rows(str(method)):
            used = (splits["condition"] == condition) & splits["in_training"] & (splits["fold"] != NO_FOLD)
            n_drawn = int(used.sum())
        errors = answer_errors(run, n_drawn, weighted, option_values)
        for fold in sorted(set(run["fold"])):
            part = run[run["fold"] == fold]
            n_test = part["respondent_id"].nunique()
            n_training = trained_on[str(condition), fold] if sees_training_rows(str(method)) else 0
            by_seed = [vote_metrics(one, weighted, option_values) for _, one in part.groupby("seed")]
            for key in by_seed[0]:
                # By pandas, because a mean of nothing but NaN is NaN there, without a warning.
                value = pd.Series([metrics[key] for metrics in by_seed]).mean()
                rows.append((method, condition, *key, fold, value, n_test, n_training, errors[key]))
    columns = ["method", "condition", "metric", "option", "fold", "value", "n_test", "n_training"]
    columns.append("answer_errors")
    return pd.DataFrame(rows, columns=columns).astype({"fold": "int8", "option": "str", "value": float})


def answer_errors(
    run: pd.DataFrame, n_training: int, weighted: bool = False, option_values: Sequence[float] | None = None
) -> dict[Key, list[float]]:
    """Return what each answer's number of respondents adds to the standard error of the metrics of one method and condition.

    Folds are stratified by the answer, so that values of folds do not show how a metric varies with the numbers of respondents who
    give each answer: of a constant prediction the accuracy is the same in all folds. The delta method adds it: for each option, the
    metric's derivative by the logarithm of the weight of those who chose it, times the standard error of that logarithm. The squares
    add up to a variance; of the difference of two methods, the squared differences do.

    The last element is the error of the shares in the ``n_training`` rows trained on, which stratified folds hold constant as well: a
    method that learns reproduces them in its predicted shares. 0 for all other metrics, and for a method that sees no training rows.
    """
    values: dict[Key, list[list[float]]] = {}
    for _, rows in run.groupby("seed"):
        codes = answer_codes(rows)
        weights = rows["weight"].to_numpy() if weighted else np.ones(len(rows))
        base = vote_metrics(rows, weighted, option_values)
        parts: dict[Key, list[float]] = {key: [] for key in base}
        for option in range(len(options_of(rows))):
            own = codes == option
            error = np.sqrt((weights[own] ** 2).sum()) / weights[own].sum() if own.any() else 0.0
            moved = vote_metrics(rows, weighted, option_values, 1 + STEP * own) if own.any() else base
            for key, value in moved.items():
                parts[key].append(float(np.nan_to_num((value - base[key]) / STEP * error)))
        for key, of_key in parts.items():
            share = min(max(base[key], 0.0), 1.0) if key[0] == "predicted_share" and n_training else 0.0
            values.setdefault(key, []).append(
                [*of_key, float(np.sqrt(share * (1 - share) / max(n_training, 1)))]
            )
    return {key: [float(one) for one in np.mean(of_seeds, axis=0)] for key, of_seeds in values.items()}


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
    tested = splits[is_tested(splits)]
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
