"""Tests of zero correlation of autocorrelated series that hold their level: at one lag, at the best of many.

All of them work on innovations (``stimmung.evaluation.prewhitening.whiten``), never on the series themselves.
``benchmarks/inference.py`` measures their level and power.
"""

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from stimmung.evaluation.correlation import lag_range
from stimmung.evaluation.series import MINIMUM_PAIRS, Floats

BLOCK = 200  # permutations worked at once


def correlate_innovations(posts: Floats, survey: Floats, max_lag_weeks: int) -> tuple[Floats, Floats]:
    """Return the correlation of innovations at each lag, and the number of pairs.

    Not centred: ``whiten`` has taken out the mean, and each mean that is estimated again costs power. Under
    independence, ``correlation.p_value`` of r and n is the test of Haugh (1976, J. Am. Stat. Assoc. 71:378)
    with Student's t in place of the normal distribution.

    Parameters
    ----------
    posts, survey
        Innovations, shape (options, weeks) or (weeks,), NaN where a week is missing.
    max_lag_weeks
        The largest lag on either side.

    Returns
    -------
    r, n
        Shape (options, lags) or (lags,). r is NaN with fewer than ``MINIMUM_PAIRS`` pairs.
    """
    x, y = np.atleast_2d(posts), np.atleast_2d(survey)
    r, n = _correlate(x[:, None, :], y, max_lag_weeks)
    shape = (*posts.shape[:-1], r.shape[-1])
    return r.reshape(shape), n.reshape(shape)


def _correlate(x: Floats, y: Floats, max_lag_weeks: int) -> tuple[Floats, Floats]:
    """Correlate (options, copies, weeks) with (options, weeks): shape (options, copies, lags).

    Matrix products with the lagged survey, because a permutation test asks for thousands of copies.
    """
    x_there, y_there = (~np.isnan(x)).astype(float), (~np.isnan(y)).astype(float)
    x, y = np.nan_to_num(x), np.nan_to_num(y)
    n = x_there @ _lagged(y_there, max_lag_weeks)
    product = x @ _lagged(y, max_lag_weeks)
    squares = ((x * x) @ _lagged(y_there, max_lag_weeks)) * (x_there @ _lagged(y * y, max_lag_weeks))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where((n >= MINIMUM_PAIRS) & (squares > 0), product / np.sqrt(squares), np.nan)
    return np.clip(r, -1, 1), n


def _lagged(y: Floats, max_lag_weeks: int) -> Floats:
    """Return (options, weeks, lags): at week t and lag k the value of week t + k, 0 beyond the ends."""
    padded = np.pad(y, ((0, 0), (max_lag_weeks, max_lag_weeks)))
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * max_lag_weeks + 1, axis=1)


def fisher_z(r: Floats, n: Floats) -> Floats:
    """Return Fisher's transformation of r over its standard error, 1 / sqrt(n - 3): comparable over lags."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12)) * np.sqrt(n - 3))


def fisher_interval(r: Floats, n: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the interval of a correlation of innovations by Fisher's transformation (1921, Metron 1:3)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        half = stats.norm.ppf(0.5 + level / 2) / np.sqrt(n - 3)
        centre = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
        return np.tanh(centre - half), np.tanh(centre + half)


def familywise_p(posts: Floats, survey: Floats, max_lag_weeks: int, n_permutations: int, seed: int) -> Floats:
    """Return, for each option and lag, p against the best of all options and lags.

    The maximum test of Westfall & Young (1993, Resampling-Based Multiple Testing): the weeks of the posts'
    innovations are permuted, all options of a week together, so that what the options of a side have in
    common stays, on both sides, and only what joins the sides is broken. p is the share of permutations whose
    largest Fisher z over all options and lags reaches the observed one. So the chance that any p of
    independent families is below .05 is 5 %.

    Parameters
    ----------
    posts, survey
        Innovations, shape (options, weeks); NaN where a week is missing, a row of NaN where an option is not
        tested.
    max_lag_weeks
        The largest lag on either side.
    n_permutations
        How many; the smallest possible p is 1 / (n_permutations + 1).
    seed
        Draws the permutations.

    Returns
    -------
    numpy.ndarray
        Shape (options, lags), NaN where there is no correlation.
    """
    r, n = _correlate(posts[:, None, :], survey, max_lag_weeks)
    observed = np.abs(fisher_z(r, n))[:, 0, :]
    tested = ~np.isnan(observed).all(axis=1)
    if not tested.any():
        return np.full(observed.shape, np.nan)
    x, y = posts[tested], survey[tested]
    weeks = np.flatnonzero(~np.isnan(x).all(axis=0))
    random = np.random.default_rng(seed)
    largest = np.empty(n_permutations)
    for start in range(0, n_permutations, BLOCK):
        copies = min(BLOCK, n_permutations - start)
        order = random.permuted(np.tile(weeks, (copies, 1)), axis=1)
        shuffled = np.full((len(x), copies, x.shape[1]), np.nan)
        shuffled[:, :, weeks] = x[:, order]
        z = np.abs(fisher_z(*_correlate(shuffled, y, max_lag_weeks)))
        largest[start : start + copies] = np.nanmax(z, axis=(0, 2))
    # A tiny slack: a permutation that repeats the observed order must count, whatever the rounding.
    reached = n_permutations - np.searchsorted(np.sort(largest), observed - 1e-9, side="left")
    return np.where(np.isnan(observed), np.nan, (1 + reached) / (n_permutations + 1))


def adjust_p(p: Floats) -> Floats:
    """Return p adjusted for the false discovery rate; NaN stays.

    Benjamini & Hochberg (1995, J. R. Stat. Soc. B 57:289), by statsmodels.
    """
    adjusted = np.full(p.shape, np.nan)
    there = ~np.isnan(p)
    if there.any():
        adjusted[there] = multipletests(p[there], method="fdr_bh")[1]
    return adjusted


def best_lag(r: Floats, n: Floats, max_lag_weeks: int) -> int:
    """Return the lag with the largest Fisher z of ``r``, shape (lags,); of equal ones the nearest to 0."""
    lags = lag_range(max_lag_weeks)
    z = np.nan_to_num(np.abs(fisher_z(r, n)), nan=-1.0)
    return int(min(lags, key=lambda lag: (-z[lag + max_lag_weeks], abs(lag), lag)))
