"""A bootstrap of respondents that all methods share, and the intervals that come of it."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

LEVEL = 0.95
N_RESAMPLES = 200  # enough for a standard error (Efron and Tibshirani 1993, An introduction to the bootstrap, section 6.4)


def draw_respondents(
    fold_of: NDArray[np.int8], group_of: NDArray[Any], n_resamples: int, rng: np.random.Generator
) -> Floats:
    """Return how often each respondent is drawn, shape (1 + resamples, n), the sample itself first.

    Respondents are drawn with replacement within their test fold; those of a group, which is within a fold, together.
    """
    counts = np.ones((1 + n_resamples, len(fold_of)))
    for fold in np.unique(fold_of):
        members, found = pd.factorize(group_of[fold_of == fold])
        n = len(found)
        counts[1:, fold_of == fold] = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples)[:, members]
    return counts


def bias_corrected_interval(values: Floats, range: tuple[float, float]) -> tuple[Floats, Floats]:
    """Return the ends of 95 % intervals, of ``values`` (1 + resamples, …) whose first row is the sample's.

    The normal approximation, corrected for the bias that the resamples show (Davison and Hinkley 1997, Bootstrap methods and their
    application, section 5.2.1), cut at the ends of the ``range``. The correction matters for what is never negative, such as a
    distance: in every resample it is larger than in the sample. The interval always holds the sample's value. NaN where that is, or
    the values of a tenth of the resamples.
    """
    sample, resamples = values[0], values[1:]
    with np.errstate(invalid="ignore"):
        defined = np.isfinite(sample) & (np.isfinite(resamples).mean(axis=0) > 0.9)
    kept = np.where(np.isfinite(resamples) & defined, resamples, np.where(defined, sample, 0.0))
    centre = np.where(defined, 2 * sample - kept.mean(axis=0), np.nan)
    reach = stats.norm.ppf((1 + LEVEL) / 2) * kept.std(axis=0, ddof=1)
    low, high = np.minimum(centre - reach, sample), np.maximum(centre + reach, sample)
    return np.clip(low, *range), np.clip(high, *range)
