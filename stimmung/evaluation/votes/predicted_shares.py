"""Shares of the answer options: observed in the sample, and predicted by each method."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stimmung.evaluation.votes.calibration import wilson_interval
from stimmung.evaluation.votes.fold_summary import summarize_fold_values
from stimmung.vocabulary.votes_schemas import option_columns, options_of


class DrawnShare(NamedTuple):
    """The effective number of respondents behind a share, and the ends of its 95 % interval, with Student's t for the clusters."""

    n_effective: float
    low: float
    high: float


def effective_n(weights: NDArray[np.float64]) -> float:
    """Return Kish's effective sample size of weights of any scale (1965, Survey sampling, 11.7): (sum w)^2 / sum w^2."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def compare_shares(
    predictions: pd.DataFrame, folds: pd.DataFrame, drawn: Mapping[str, DrawnShare] | None = None
) -> pd.DataFrame:
    """Return a SHARES table: predicted and observed share of each option, for each method and condition.

    The predicted share is the weighted mean probability over all test rows and seeds; not the share of respondents for whom the
    option is the most probable one. Its interval is as long as that of the mean over folds, so it says how much the share varies
    with the training and test rows. The observed share is the weighted one in the sample, with Wilson's 95 % interval for the
    effective sample size of the weights, or, of an option in ``drawn``, the interval there, which allows for clusters and strata.
    ``folds`` is the FOLD_METRICS table of the predictions.
    """
    options, columns = options_of(predictions), option_columns(predictions)
    of_shares = folds[folds["metric"] == "predicted_share"].groupby(["method", "condition", "option"])
    over_folds = {key: summarize_fold_values(part) for key, part in of_shares}
    tables = []
    for (method, condition), run in predictions.groupby(["method", "condition"], sort=False):
        predicted = np.clip(np.average(run[columns], axis=0, weights=run["weight"]), 0, 1)
        respondents = run.drop_duplicates("respondent_id")
        by_weights = effective_n(respondents["weight"].to_numpy())
        chosen = respondents.groupby("target")["weight"].sum() / respondents["weight"].sum()
        observed = np.clip([chosen.get(option, 0.0) for option in options], 0, 1)
        simple = zip(*wilson_interval(observed, by_weights), strict=True)
        known = [
            (drawn or {}).get(option, DrawnShare(by_weights, *ends))
            for option, ends in zip(options, simple, strict=True)
        ]
        n_effective, low, high = np.array(known).T
        summaries = [over_folds[method, condition, option] for option in options]
        reach = np.array([(one.ci_high - one.ci_low) / 2 for one in summaries])
        columns_of_run = {
            "method": method,
            "condition": condition,
            "option": options,
            "predicted": predicted,
            "predicted_low": np.clip(predicted - reach, 0, 1),
            "predicted_high": np.clip(predicted + reach, 0, 1),
            "observed": observed,
            "observed_low": low,
            "observed_high": high,
            "n_effective": n_effective,
        }
        tables.append(pd.DataFrame(columns_of_run))
    return pd.concat(tables, ignore_index=True)
