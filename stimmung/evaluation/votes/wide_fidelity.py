"""Fidelity of predicted answers to many items at once: one column for each item, one row for each respondent."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.votes.distribution_measures import (
    MEASURES,
    distance_intervals,
    distribution_measures,
)
from stimmung.evaluation.votes.resampling import N_RESAMPLES, bias_corrected_interval, draw_units
from stimmung.vocabulary.errors import InputError

Floats = NDArray[np.float64]


def compare_items(
    observed: pd.DataFrame, predicted: pd.DataFrame, *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Return the measures of each item's distribution: item, measure, predicted, observed, value, ci_low, ci_high, n_respondents.

    Both tables have a numeric column for each item, with NaN for no answer, and the same index. Items are ordered: the measures are in
    units of the item. Only respondents with an answer and a prediction count. Intervals are of a bootstrap of respondents. Raises an
    InputError if rows or columns differ.
    """
    _check_same(observed, predicted)
    rng = np.random.default_rng(seed)
    rows = []
    for item in observed.columns:
        both = (observed[item].notna() & predicted[item].notna()).to_numpy()
        answers, predictions = (one[item].to_numpy(dtype=float)[both] for one in (observed, predicted))
        scores = np.unique(np.concatenate([answers, predictions]))
        n = len(answers)
        counts = draw_units(np.zeros(n, dtype="int8"), np.arange(n), n_resamples, rng)
        of_predictions, of_answers = (counts @ (one[:, None] == scores) / n for one in (predictions, answers))
        shares = of_predictions, of_answers, scores
        measures, intervals = distribution_measures(*shares), distance_intervals(*shares)
        for measure, (mine, theirs, value) in measures.items():
            low, high = intervals.get(measure) or bias_corrected_interval(value, MEASURES[measure].range)
            numbers = {
                "predicted": mine[0],
                "observed": theirs[0],
                "value": value[0],
                "ci_low": low,
                "ci_high": high,
            }
            rows.append({"item": item, "measure": measure, **numbers, "n_respondents": n})
    return pd.DataFrame(rows)


def compare_correlations(
    observed: pd.DataFrame, predicted: pd.DataFrame, *, n_resamples: int = N_RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Return how predicted items hang together against how answers do: measure, value, ci_low, ci_high, n_respondents.

    The measures are the mean absolute correlation between items, of the answers and of the predictions, and the correlation of the
    correlations over all pairs of items: 1 where predictions hang together as answers do. Tables as for :func:`compare_items`;
    respondents are those with an answer and a prediction for every item. Raises an InputError if rows or columns differ, or if there
    are fewer than three items or respondents.
    """
    _check_same(observed, predicted)
    complete = (observed.notna() & predicted.notna()).all(axis=1).to_numpy()
    n, n_items = int(complete.sum()), observed.shape[1]
    if n_items < 3 or n < 3:
        raise InputError(
            f"correlations of items need three items and three respondents with all of them, and there are {n_items} and {n}"
        )
    both = [one.to_numpy(dtype=float)[complete] for one in (observed, predicted)]
    counts = draw_units(np.zeros(n, dtype="int8"), np.arange(n), n_resamples, np.random.default_rng(seed))
    pairs = np.triu_indices(n_items, 1)
    values = np.empty((len(counts), 3))
    for row, count in enumerate(counts):
        answers, predictions = (_correlations(one, count)[pairs] for one in both)
        values[row] = (
            np.abs(answers).mean(),
            np.abs(predictions).mean(),
            np.corrcoef(answers, predictions)[0, 1],
        )
    names = ("mean_correlation_observed", "mean_correlation_predicted", "correlation_of_correlations")
    rows = []
    for place, name in enumerate(names):
        low, high = bias_corrected_interval(values[:, place], (-1.0, 1.0))
        rows.append(
            {"measure": name, "value": values[0, place], "ci_low": low, "ci_high": high, "n_respondents": n}
        )
    return pd.DataFrame(rows)


def _correlations(table: Floats, weights: Floats) -> Floats:
    centred = table - weights @ table / weights.sum()
    covariances = (centred * weights[:, None]).T @ centred
    spreads = np.sqrt(np.diag(covariances))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(covariances / np.outer(spreads, spreads))


def _check_same(observed: pd.DataFrame, predicted: pd.DataFrame) -> None:
    if list(observed.columns) != list(predicted.columns) or not observed.index.equals(predicted.index):
        raise InputError(
            "observed and predicted answers do not have the same items and respondents, in the same order"
        )
