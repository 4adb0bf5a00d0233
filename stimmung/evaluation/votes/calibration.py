"""Whether a probability of .8 comes true in 80 of 100 cases: reliability bins, expected calibration error."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.proportion import proportion_confint

from stimmung.vocabulary.votes_schemas import (
    OPTION_PREFIX,
    OPTION_RELIABILITY,
    RELIABILITY,
    option_columns,
    options_of,
)

N_BINS = 10


def bin_of(confidence: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return each confidence's bin, 0 to ``N_BINS`` - 1, shape (n,): equal width, upper edge included."""
    return np.digitize(confidence, np.linspace(0, 1, N_BINS + 1)[1:-1], right=True)


def wilson_interval(share: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of Wilson's 95 % interval (1927, J. Am. Stat. Assoc. 22:209) of shares of ``n`` respondents."""
    low, high = proportion_confint(np.multiply(share, n), n, method="wilson")
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def expected_calibration_error(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], weights: NDArray[np.float64] | None = None
) -> float:
    """Return the mean distance between confidence and accuracy over bins, weighted by their size.

    As in Guo et al. (2017, On calibration of modern neural networks, eq. 3). It is never negative, so a small test fold makes it
    too large: a perfectly calibrated model does not get 0. ``confidence`` is the probability of the most probable option,
    ``correct`` whether it was the answer, each of shape (n,), as are the ``weights`` of the rows; None: all the same.
    """
    rows = np.ones(len(confidence)) if weights is None else weights
    gaps = np.bincount(bin_of(confidence), weights=rows * (confidence - correct), minlength=N_BINS)
    return float(np.abs(gaps).sum() / rows.sum())


def bin_reliability(predictions: pd.DataFrame, weighted: bool = False) -> pd.DataFrame:
    """Return the RELIABILITY table of a PREDICTIONS table: for each bin of confidence the mean confidence and the accuracy.

    Rows of all folds and seeds are pooled. With ``weighted``, survey weights count in both means, and the interval is for
    Kish's effective number of respondents; ``n`` counts rows as they are. The interval of the accuracy is Wilson's, at 95 %, for
    the number of respondents: several seeds of one respondent are not several respondents, so rows are divided by the seeds.
    """
    probabilities = predictions[option_columns(predictions)].to_numpy()
    chosen = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(chosen)), chosen]
    weights = predictions["weight"].to_numpy() if weighted else np.ones(len(predictions))
    correct = np.array(options_of(predictions))[chosen] == predictions["target"].to_numpy()
    rows = _bin_rows(predictions, confidence, correct, weights)
    return _bin_means(rows, ["method", "condition"])[list(RELIABILITY.columns)]


def bin_option_reliability(
    predictions: pd.DataFrame, scaled: pd.DataFrame, weighted: bool = False
) -> pd.DataFrame:
    """Return the OPTION_RELIABILITY table: for each option and bin its mean probability and how many chose it, before and after.

    ``predictions`` is a PREDICTIONS table and ``scaled`` the CALIBRATED table of the same rows. As :func:`bin_reliability`, but of
    each option's own probability. Of two options, the first is there: the other's probability is the rest.
    """
    options = options_of(predictions)
    parts = []
    for stage, table in (("before", predictions), ("after", scaled)):
        weights = table["weight"].to_numpy() if weighted else np.ones(len(table))
        for option in options if len(options) > 2 else options[:1]:
            chose = (table["target"] == option).to_numpy()
            rows = _bin_rows(table, table[f"{OPTION_PREFIX}{option}"].to_numpy(), chose, weights)
            parts.append(_bin_means(rows, ["method", "condition"]).assign(option=option, stage=stage))
    names = {
        "confidence": "probability",
        "accuracy": "share",
        "accuracy_low": "share_low",
        "accuracy_high": "share_high",
    }
    return pd.concat(parts, ignore_index=True).rename(columns=names)[list(OPTION_RELIABILITY.columns)]


def _bin_rows(
    predictions: pd.DataFrame,
    confidence: NDArray[np.float64],
    correct: NDArray[np.bool_],
    weights: NDArray[np.float64],
) -> pd.DataFrame:
    """Return what a bin's means are computed from, a row for each prediction."""
    return predictions[["method", "condition", "seed"]].assign(
        bin=bin_of(confidence),
        confidence=weights * confidence,
        accuracy=weights * correct,
        weight=weights,
        weight_squared=weights**2,
    )


def _bin_means(rows: pd.DataFrame, run: list[str]) -> pd.DataFrame:
    """Return the mean confidence and the accuracy of each bin of each run, with its interval; runs in their order."""
    n_seeds = rows.groupby(run)["seed"].nunique().rename("n_seeds")
    bins = rows.drop(columns="seed").groupby([*run, "bin"], sort=False)
    table = bins.sum().assign(n=bins.size()).reset_index().join(n_seeds, on=run)
    for mean in ("confidence", "accuracy"):
        table[mean] = np.clip(table[mean] / table["weight"], 0, 1)
    n_respondents = table["weight"] ** 2 / table["weight_squared"] / table["n_seeds"]
    table["accuracy_low"], table["accuracy_high"] = wilson_interval(table["accuracy"], n_respondents)
    table["run"] = table.groupby(run, sort=False).ngroup()
    return table.sort_values(["run", "bin"], ignore_index=True)
