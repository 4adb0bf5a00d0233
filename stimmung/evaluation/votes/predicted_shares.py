"""Shares of the answer options: what the sample says, and what the predictions add up to."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from stimmung.evaluation.votes.fold_summary import corrected_resampled_t
from stimmung.vocabulary.votes_schemas import option_columns, options_of


def effective_n(weights: NDArray[np.float64]) -> float:
    """Return Kish's effective sample size (Kish 1965, Survey sampling, section 11.7): (sum w)^2 / sum w^2.

    Parameters
    ----------
    weights
        Shape (respondents,), positive, of any scale.
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def compare_shares(predictions: pd.DataFrame, folds: pd.DataFrame) -> pd.DataFrame:
    """Return a SHARES table: predicted and observed share of each option, for each method and condition.

    Predicted
        The weighted mean probability over all test rows and seeds; not the share of respondents for whom
        the option is the most probable one. Its interval is as long as that of the mean over folds, so it
        says how much the share moves with the training and test rows.
    Observed
        The weighted share in the sample, with Wilson's 95 % interval for the effective sample size of the
        weights. It knows of unequal weights only, not of clusters or strata.

    Parameters
    ----------
    predictions
        A PREDICTIONS table.
    folds
        Their FOLD_METRICS table.
    """
    options, columns = options_of(predictions), option_columns(predictions)
    rows = []
    for (method, condition), run in predictions.groupby(["method", "condition"], sort=False):
        predicted = np.clip(np.average(run[columns], axis=0, weights=run["weight"]), 0, 1)
        respondents = run.drop_duplicates("respondent_id")
        n_effective = effective_n(respondents["weight"].to_numpy())
        chosen = respondents.groupby("target")["weight"].sum() / respondents["weight"].sum()
        observed = np.clip([chosen.get(option, 0.0) for option in options], 0, 1)
        low, high = proportion_confint(observed * n_effective, n_effective, method="wilson")
        for place, option in enumerate(options):
            reach = _reach(folds, str(method), str(condition), option)
            rows.append(
                {
                    "method": method,
                    "condition": condition,
                    "option": option,
                    "predicted": predicted[place],
                    "predicted_low": np.clip(predicted[place] - reach, 0, 1),
                    "predicted_high": np.clip(predicted[place] + reach, 0, 1),
                    "observed": observed[place],
                    "observed_low": np.clip(low[place], 0, 1),
                    "observed_high": np.clip(high[place], 0, 1),
                    "n_effective": n_effective,
                }
            )
    return pd.DataFrame(rows)


def _reach(folds: pd.DataFrame, method: str, condition: str, option: str) -> float:
    """Return half the length of the interval of an option's predicted share over folds."""
    part = folds[
        (folds["method"] == method)
        & (folds["condition"] == condition)
        & (folds["metric"] == "predicted_share")
        & (folds["option"] == option)
    ]
    summary = corrected_resampled_t(
        part["value"].to_numpy(), part["n_test"].to_numpy(), part["n_training"].to_numpy()
    )
    return (summary.ci_high - summary.ci_low) / 2
