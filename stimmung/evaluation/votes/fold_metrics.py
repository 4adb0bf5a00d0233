"""Every metric of every method, condition and test fold."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from stimmung.evaluation.votes.vote_metrics import VOTE_METRICS, Fold
from stimmung.vocabulary.arms import sees_training_rows
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import NO_FOLD, is_tested, option_columns, options_of

Key = tuple[str, str | None]  # metric, answer option or None
Metrics = dict[Key, float]
FAR = 3.0  # standard errors; a choice: beyond, training rows that name another option are too rare to move a mean over them
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
    return _metrics_of(_fold_of(predictions, weighted, option_values, factor), options_of(predictions))


def _fold_of(
    predictions: pd.DataFrame,
    weighted: bool,
    option_values: Sequence[float] | None,
    factor: NDArray[np.float64] | None = None,
) -> Fold:
    """Return what :func:`vote_metrics` computes metrics from."""
    probabilities = predictions[option_columns(predictions)].to_numpy()
    weights = predictions["weight"].to_numpy()
    counted = weights if weighted else None
    if factor is not None:
        weights, counted = weights * factor, factor if counted is None else counted * factor
    unseen = predictions["n_unseen"].to_numpy() if "n_unseen" in predictions else np.zeros(len(weights), int)
    return Fold(
        target=answer_codes(predictions),
        probabilities=probabilities / probabilities.sum(axis=1, keepdims=True),
        survey_weights=weights,
        weights=counted,
        option_mass=predictions["option_mass"].to_numpy(),
        n_unseen=unseen,
        option_values=None if option_values is None else np.asarray(option_values, dtype=float),
    )


def _metrics_of(fold: Fold, options: Sequence[str]) -> Metrics:
    values = {
        name: one.compute(fold)
        for name, one in VOTE_METRICS.items()
        if fold.option_values is not None or not one.ordered
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
    groups: "pd.Series[str] | None" = None,
) -> pd.DataFrame:
    """Return a FOLD_METRICS table, of a PREDICTIONS table of any number of methods, conditions and seeds.

    A method that ran with several seeds has the mean over them in each fold: seeds share the test rows, so they tell how much a
    method varies, not how well the fold is known. ``splits`` is the SPLITS table with which the predictions were made;
    ``weighted`` and ``option_values`` as of :func:`vote_metrics`; ``whole`` is False for the rows of a subgroup; ``groups`` are what
    each respondent belongs to, by respondent_id, where rows of a group stand in one fold. Raises an InputError as
    :func:`vote_metrics`, or if ``whole`` predictions are not of exactly the respondents and folds of the splits.

    ``answer_errors`` is a list, the same in all folds: what :func:`answer_errors` returns.
    """
    if whole:
        check_same_folds(predictions, splits)
    trained_on = training_rows(splits)
    rows = []
    for (method, condition), run in predictions.groupby(["method", "condition"], sort=False):
        used = splits[
            (splits["condition"] == condition) & splits["in_training"] & (splits["fold"] != NO_FOLD)
        ]
        n_drawn = len(used) if sees_training_rows(str(method)) else 0
        apart = not used["respondent_id"].isin(run["respondent_id"]).any()
        errors = answer_errors(run, n_drawn, weighted, option_values, groups, apart)
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
    run: pd.DataFrame,
    n_training: int,
    weighted: bool = False,
    option_values: Sequence[float] | None = None,
    groups: "pd.Series[str] | None" = None,
    apart: bool = False,
) -> dict[Key, list[float]]:
    """Return what the number of respondents who gave each answer adds to the standard error of the metrics of a method and condition.

    Folds are stratified by the answer, so that values of folds do not show how a metric varies with these numbers: of a constant
    prediction the accuracy is the same in all folds. The delta method adds it: for each option, the metric's derivative by the
    logarithm of the weight of those who chose it, times the standard error of that logarithm and the root of the share of the
    variance that these folds hide (:func:`hidden_share`): 1 where they are stratified exactly, little where they are not at all.
    Where rows of ``groups`` stand in one fold, a group counts as one, for the option that most of its rows chose. The squares of the
    list add up to a variance; of the difference of two methods, the squared differences do.

    The second half of the list is the error of the shares in the ``n_training`` rows trained on, which folds hold constant as well: a
    method that learns reproduces them in its predicted shares, and where two options are about as probable they decide which of them
    it names (:func:`_named_by_chance`). It is 0 for all other metrics, whose error by the training rows' shares is that by the tested
    ones, and for a method that sees no training rows. ``apart``: whether nobody who is tested is among the training rows of any fold,
    as of a wave that is left out; then these shares are others, and their error moves every metric (:func:`_moved_by_shares`).
    """
    options = options_of(run)
    values: dict[Key, list[NDArray[np.float64]]] = {}
    for _, rows in run.groupby("seed"):
        fold = _fold_of(rows, weighted, option_values)
        weights = np.ones(len(rows)) if fold.weights is None else fold.weights
        units = rows["respondent_id"] if groups is None else groups.loc[rows["respondent_id"]]
        unit_of = pd.factorize(units.to_numpy())[0]
        answers = np.eye(len(options))[fold.target]
        by_unit = _sums(unit_of, answers * weights[:, None])
        class_of, size = by_unit.argmax(axis=1), by_unit.sum(axis=1)
        hidden, clustering = hidden_share(rows["fold"].to_numpy(), unit_of, class_of, answers, weights)
        base = _metrics_of(fold, options)
        errors: dict[Key, list[float]] = {key: [] for key in base}
        for option in range(len(options)):
            own = class_of == option
            error = np.sqrt(hidden * (size[own] ** 2).sum()) / size[own].sum() if own.any() else 0.0
            moved = (
                vote_metrics(rows, weighted, option_values, 1 + STEP * own[unit_of]) if own.any() else base
            )
            for key, value in moved.items():
                errors[key].append(float(np.nan_to_num((value - base[key]) / STEP * error)))
        # One group alone, in one fold, has no design effect; there is no interval either.
        n_independent = n_training / np.where(clustering > 0, clustering, 1.0)
        by_chance = _named_by_chance(fold, n_independent)
        moved_by = _moved_by_shares(fold, options, n_independent) if apart and n_training else {}
        for key in base:
            learned = np.zeros(len(options))
            if key[0] in ("f1", "macro_f1"):
                learned = by_chance[:, -1 if key[1] is None else options.index(key[1])]
            elif apart and n_training:
                learned = moved_by[key]
            elif n_training and key[0] == "predicted_share":
                place, share = options.index(str(key[1])), min(max(base[key], 0.0), 1.0)
                learned[place] = np.sqrt(share * (1 - share) / n_training * clustering[place])
            values.setdefault(key, []).append(np.append(errors[key], learned))
    return {key: [float(one) for one in np.mean(of_seeds, axis=0)] for key, of_seeds in values.items()}


def hidden_share(
    fold_of: NDArray[Any],
    unit_of: NDArray[np.intp],
    class_of: NDArray[np.intp],
    answers: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Return which share, 0 to 1, of the sampling variance of the numbers of answers the folds do not show, and its design effects.

    The share is 1 less the variance of these numbers over folds against what it would be had each unit (a respondent, or the rows of
    a group) been put into a fold at random. It is divided by the share that the units' classes explain, shape (units,), the option
    that most of a unit's rows chose: folds also hide what is left. The design effect of each option, shape (options,), is the variance
    of its share against that of as many independent rows. ``answers`` are indicators, shape (n, options). Both are 1 where each row is
    a unit and folds are stratified.
    """
    apart = weights[:, None] * (answers - weights @ answers / weights.sum())
    units = _sums(unit_of, apart)
    of_rows, of_units = (apart**2).sum(axis=0), (units**2).sum(axis=0)
    in_class = np.bincount(class_of, minlength=1)[:, None]
    explained = (_sums(class_of, units) ** 2 / np.maximum(in_class, 1)).sum() / max(of_units.sum(), 1e-300)
    folds = pd.factorize(fold_of)[0]
    by_chance = of_units.sum() * (1 - 1 / (folds.max() + 1))
    shown = (_sums(folds, apart) ** 2).sum() / by_chance if by_chance > 0 else 1.0
    effects = np.divide(of_units, of_rows, out=np.ones_like(of_rows), where=of_rows > 0)
    return float(np.clip(1 - shown, 0, 1) / explained if explained > 0 else 0.0), effects


def _sums(belongs: NDArray[np.intp], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of the rows that belong together, shape (groups, columns)."""
    sums = np.zeros((belongs.max(initial=-1) + 1, rows.shape[1]))
    np.add.at(sums, belongs, rows)
    return sums


def _named_by_chance(fold: Fold, n_training: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the error of the F1 of each option, and last of macro F1, from how often each option is among the rows trained on.

    ``n_training``, shape (options,), counts independent rows. As if a method had learned an option and one that is about as probable
    as often as at the ends of the 95 % interval of their odds: the option's probabilities are multiplied by the same factor. The F1
    may then jump, so the larger change of both ends counts, as so many standard errors as the end is away. Where it jumps further out,
    up to ``FAR`` standard errors, what is more than in proportion counts as if it were there: chance has then named the other option
    often enough to move the mean over training rows. Shape (options, options + 1), the moved option first.
    """
    n_options = len(fold.every_option)
    found = np.zeros((n_options, n_options + 1))
    if not n_training.any():
        return found
    reach = float(special.ndtri(0.975))

    def values(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        f1 = fold.f1_of(probabilities.argmax(axis=1))
        return np.nan_to_num(np.append(f1, np.nanmean(f1)))

    base = values(fold.probabilities)
    error = np.sqrt(2 / np.maximum(n_training * fold.predicted_shares, 1))

    def change(option: int, away: float) -> NDArray[np.float64]:
        """Return the larger of the changes where the option's odds are so many standard errors away."""
        factor = np.exp(away * error[option] * (fold.every_option == option))
        up, down = values(fold.probabilities * factor) - base, base - values(fold.probabilities / factor)
        return np.asarray(np.where(np.abs(up) >= np.abs(down), up, down))

    for option in range(n_options):
        near, far = change(option, reach), change(option, FAR)
        beyond = np.abs(far) - np.abs(near) * FAR / reach
        found[option] = np.where(beyond > np.abs(near), np.sign(far) * beyond, near) / reach
    return found


def _moved_by_shares(
    fold: Fold, options: Sequence[str], n_training: NDArray[np.float64]
) -> dict[Key, NDArray[np.float64]]:
    """Return the error of each metric from how often each option is among the rows trained on, shape (options,).

    As if there had been as many training rows of an option as at the ends of the 95 % interval of that number: the option's
    probabilities are multiplied by the same factor. The logarithm of the number has the standard error 1 / sqrt(n p), so that the
    errors by all options together are those of multinomial shares. Of both ends the larger change counts, as so many standard errors
    as the end is away. ``n_training`` as of :func:`_named_by_chance`.
    """
    reach = float(special.ndtri(0.975))
    base = _metrics_of(fold, options)
    found = {key: np.zeros(len(options)) for key in base}
    errors = 1 / np.sqrt(np.maximum(n_training * fold.predicted_shares, 1.0))
    for option, error in enumerate(errors):
        ends = []
        for sign in (1, -1):
            odds = fold.probabilities * np.exp(sign * reach * error * (fold.every_option == option))
            moved = replace(fold, probabilities=odds / odds.sum(axis=1, keepdims=True))
            ends.append(_metrics_of(moved, options))
        for key, value in base.items():
            changes = np.nan_to_num([ends[0][key] - value, value - ends[1][key]])
            found[key][option] = changes[np.abs(changes).argmax()] / reach
    return found


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
