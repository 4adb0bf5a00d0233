"""Tests of zero correlation of autocorrelated series that hold their level: at one lag, at the best of many.

All compare innovations (``prewhitening.whiten``), never the series. ``benchmarks/inference.py`` measures level and power.
"""

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from stimmung.evaluation.series.correlation import lag_range
from stimmung.evaluation.series.prewhitening import fit_whitening, same_weeks, whiten
from stimmung.evaluation.series.series_steps import MINIMUM_PAIRS, Floats

COPIES = 200  # simulations at a time: bounds the memory and changes no result


def correlate_innovations(posts: Floats, survey: Floats, max_lag_weeks: int) -> tuple[Floats, Floats]:
    """Return the correlation of innovations at each lag, and the number of pairs.

    Not centred: ``whiten`` has taken out the mean, and each mean that is estimated again costs power. Under independence,
    ``correlation.p_value`` of r and n is the test of Haugh (1976, J. Am. Stat. Assoc. 71:378) with Student's t in place of the
    normal distribution. From innovations of shape (options, weeks) or (weeks,), NaN where a week is missing, to r and n of shape
    (options, lags) or (lags,); r is NaN with fewer than ``MINIMUM_PAIRS`` pairs.
    """
    x, y = np.atleast_2d(posts), np.atleast_2d(survey)
    r, n = _correlate(x[:, None, :], y, max_lag_weeks)
    shape = (*posts.shape[:-1], r.shape[-1])
    return r.reshape(shape), n.reshape(shape)


def _correlate(x: Floats, y: Floats, max_lag_weeks: int) -> tuple[Floats, Floats]:
    """Correlate (options, copies, weeks) with (options, weeks): shape (options, copies, lags)."""
    # Matrix products with the lagged survey, because the family-wise test asks for thousands of copies.
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


def effective_interval(r: Floats, n_effective: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """Return the interval of a correlation of autocorrelated series, by Fisher's transformation with their effective number of weeks.

    ``n_effective`` of ``correlation.effective_sample_size`` takes the place of n in the standard error 1 / sqrt(n - 3) (Pyper &
    Peterman 1998, Can. J. Fish. Aquat. Sci. 55:2127, for the test), and Student's t with n - 2 degrees of freedom that of the normal
    distribution, because n is small and estimated. ``benchmarks/inference.py`` measures the coverage. With an effective number of
    3 or less nothing is known: there is no interval, NaN.
    """
    usable = n_effective > 3
    n = np.where(usable, n_effective, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = stats.t.ppf(0.5 + level / 2, n - 2) / np.sqrt(n - 3)
        centre = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
        return np.tanh(centre - half), np.tanh(centre + half)


def familywise_p(posts: Floats, survey: Floats, max_lag_weeks: int, n_simulations: int, seed: int) -> Floats:
    """Return, for each option and lag, p against the best of all options and lags.

    The single-step maximum test of Westfall & Young (1993, Resampling-Based Multiple Testing) with a sieve bootstrap (Buehlmann
    1997, Bernoulli 3:123): posts that are independent of the survey are simulated from each option's own autoregression,
    prewhitened anew as the real ones were, and correlated with the survey as it is. Their innovations are those of the real posts
    in another order, the same for all options, so that the dependence between the options of a side is kept on both sides. p is
    the share of simulations whose largest Fisher z over all options and lags reaches the observed one, the real posts counted
    among them. So among independent families 5 in 100 have any p of .05 or less.

    Both arguments are the series themselves, shape (options, weeks); NaN where a week is missing, a row of NaN where an option is
    not tested. p has shape (options, lags), NaN where there is no correlation, and is never below 1 / (n_simulations + 1).
    """
    innovations, others = whiten(posts), whiten(survey)
    observed = np.abs(fisher_z(*correlate_innovations(innovations, others, max_lag_weeks)))
    tested = ~np.isnan(observed).all(axis=1)
    if not tested.any():
        return np.full(observed.shape, np.nan)
    posts, innovations, others = posts[tested], innovations[tested], others[tested]
    random = np.random.default_rng(seed)
    largest = np.empty(n_simulations)
    for start in range(0, n_simulations, COPIES):
        copies = min(COPIES, n_simulations - start)
        simulated = whiten(_simulate(posts, innovations, copies, random))
        z = np.abs(fisher_z(*_correlate(simulated, others, max_lag_weeks)))
        largest[start : start + copies] = np.nanmax(z, axis=(0, 2))
    # With a tolerance, because an order that repeats the observed one must count despite rounding.
    reached = n_simulations - np.searchsorted(np.sort(largest), observed - 1e-9, side="left")
    return np.where(np.isnan(observed), np.nan, (1 + reached) / (n_simulations + 1))


def _simulate(posts: Floats, innovations: Floats, copies: int, random: np.random.Generator) -> Floats:
    """Return (options, copies, weeks): each option's autoregression with the innovations in another order."""
    weeks = np.flatnonzero(~np.isnan(innovations).all(axis=0))
    order = random.permuted(np.tile(weeks, (copies, 1)), axis=1)
    # Where an option lacks a week that others have, its innovation in that week is 0.
    shuffled = np.zeros((len(posts), copies, posts.shape[1]))
    shuffled[:, :, weeks] = np.nan_to_num(innovations)[:, order]
    series = np.full(shuffled.shape, np.nan)
    for rows, present in same_weeks(posts):
        whitening = fit_whitening(posts[np.ix_(rows, present)], present)
        series[np.ix_(rows, np.arange(copies), present)] = whitening.colour(
            shuffled[np.ix_(rows, np.arange(copies), present)]
        )
    return series


def adjust_p(p: Floats) -> Floats:
    """Return p adjusted for the false discovery rate (Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57:289); NaN stays."""
    adjusted = np.full(p.shape, np.nan)
    if (there := ~np.isnan(p)).any():
        adjusted[there] = multipletests(p[there], method="fdr_bh")[1]
    return adjusted


def best_lag(r: Floats, n: Floats, max_lag_weeks: int) -> int:
    """Return the lag with the largest Fisher z of ``r``, shape (lags,); of equal ones the nearest to 0."""
    lags = lag_range(max_lag_weeks)
    z = np.nan_to_num(np.abs(fisher_z(r, n)), nan=-1.0)
    return int(min(lags, key=lambda lag: (-z[lag + max_lag_weeks], abs(lag), lag)))
