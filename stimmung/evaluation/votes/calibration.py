"""Whether a probability of .8 comes true in 80 of 100 cases: reliability bins, expected calibration error."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.proportion import proportion_confint

from stimmung.vocabulary.votes_schemas import RELIABILITY, option_columns, options_of

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
    rows = predictions[["method", "condition"]].assign(
        bin=bin_of(confidence),
        confidence=weights * confidence,
        accuracy=weights * correct,
        weight=weights,
        weight_squared=weights**2,
    )
    n_seeds = predictions.groupby(["method", "condition"])["seed"].nunique().rename("n_seeds")
    bins = rows.groupby(["method", "condition", "bin"], sort=False)
    table = bins.sum().assign(n=bins.size()).reset_index().join(n_seeds, on=["method", "condition"])
    for mean in ("confidence", "accuracy"):
        table[mean] = np.clip(table[mean] / table["weight"], 0, 1)
    n_respondents = table["weight"] ** 2 / table["weight_squared"] / table["n_seeds"]
    table["accuracy_low"], table["accuracy_high"] = wilson_interval(table["accuracy"], n_respondents)
    table["run"] = table.groupby(["method", "condition"], sort=False).ngroup()
    return table.sort_values(["run", "bin"], ignore_index=True)[list(RELIABILITY.columns)]
