"""Correlation of two weekly series by lag, and what an autocorrelated series leaves of its weeks.

``lag_weeks > 0`` means that the posts lead the survey: posts of week t with the survey of week t + lag.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from stimmung.evaluation.series.series_steps import Floats, rolling_mean


def lag_range(max_lag_weeks: int) -> NDArray[np.int64]:
    """Return the lags from ``-max_lag_weeks`` to ``max_lag_weeks``, shape (2 * max_lag_weeks + 1,)."""
    return np.arange(-max_lag_weeks, max_lag_weeks + 1)


def pair_weeks(posts: Floats, survey: Floats, lag_weeks: int) -> tuple[Floats, Floats]:
    """Return the weeks of both series that meet at ``lag_weeks``, shape (..., weeks - abs(lag_weeks)).

    A week that is missing on one side is NaN on both.
    """
    weeks = posts.shape[-1]
    x = posts[..., max(0, -lag_weeks) : weeks - max(0, lag_weeks)]
    y = survey[..., max(0, lag_weeks) : weeks - max(0, -lag_weeks)]
    gap = np.isnan(x) | np.isnan(y)
    return np.where(gap, np.nan, x), np.where(gap, np.nan, y)


def correlate_lags(posts: Floats, survey: Floats, max_lag_weeks: int) -> tuple[Floats, Floats]:
    """Return Pearson's correlation of the pairs at each lag, and their number.

    Unlike the textbook estimator (``statsmodels.tsa.stattools.ccf``), which divides by the moments of the
    whole series, each lag has the mean and variance of its own pairs, so that r stays within -1 and 1 and the
    t-test applies.

    Parameters
    ----------
    posts, survey
        Shape (..., weeks), NaN where a week is missing.
    max_lag_weeks
        The largest lag on either side.

    Returns
    -------
    r, n
        Shape (..., lags). r is NaN with fewer than 3 pairs or a side that does not vary.
    """
    pairs = [_pearson(*pair_weeks(posts, survey, int(lag))) for lag in lag_range(max_lag_weeks)]
    return np.stack([r for r, _ in pairs], axis=-1), np.stack([n for _, n in pairs], axis=-1)


def _pearson(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    x, n = _centred(x)
    y, _ = _centred(y)
    product, x_square, y_square = (x * y).sum(-1), (x * x).sum(-1), (y * y).sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(
            (n >= 3) & (x_square > 0) & (y_square > 0), product / np.sqrt(x_square * y_square), np.nan
        )
    return np.clip(r, -1, 1), n


def _centred(x: Floats) -> tuple[Floats, Floats]:
    """Return deviations from the mean with 0 for missing weeks, and the number of weeks that are there."""
    there = ~np.isnan(x)
    n = there.sum(-1).astype(float)
    mean = np.where(there, x, 0).sum(-1) / np.maximum(n, 1)
    deviation = np.where(there, x - mean[..., None], 0)
    # Rounding leaves a constant series with a variance of some 1e-32; it has none.
    size = np.abs(np.where(there, x, 0)).max(-1)
    return np.where((np.abs(deviation).max(-1) > 1e-12 * size)[..., None], deviation, 0), n


def p_value(r: Floats, n: Floats) -> Floats:
    """Two-sided p of a correlation of ``n`` independent pairs: Student's t with n - 2 degrees of freedom.

    ``n`` may be an effective number of weeks. Where it leaves no degree of freedom, nothing can be rejected:
    p is 1.
    """
    freedom = n - 2
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.abs(r) * np.sqrt(np.maximum(freedom, 0) / (1 - r**2))
        p = np.where(freedom > 0, 2 * stats.t.sf(t, np.where(freedom > 0, freedom, 1)), 1.0)
    return np.where(np.isnan(r), np.nan, p)


def published_correlation(
    posts: Floats, survey: Floats, max_lag_weeks: int, rolling_weeks: int
) -> tuple[Floats, Floats, Floats]:
    """Return r, p and n of the published procedure: naive p on smoothed series.

    Both series are averaged over ``rolling_weeks`` and correlated, and p is that of as many independent weeks
    (Ahnert et al. 2025, arXiv 2409.17990, whose code for this step is not released). The min-max scaling that
    goes before it changes no correlation. Smoothed weeks are not independent: at 34 weeks of AR(1) .8 this p
    is below .05 in some 43 of 100 pairs of independent series (``benchmarks/inference.py``).

    Parameters
    ----------
    posts, survey
        Weekly series, shape (..., weeks); NaN where a week has no value.
    max_lag_weeks
        The largest lag; above 0 the posts lead.
    rolling_weeks
        Of the rolling mean. 1: none.

    Returns
    -------
    tuple of numpy.ndarray
        r, p and the number of pairs of weeks n at each lag, shape (..., 2 * max_lag_weeks + 1).
    """
    r, n = correlate_lags(
        rolling_mean(posts, rolling_weeks), rolling_mean(survey, rolling_weeks), max_lag_weeks
    )
    return r, p_value(r, n), n


def autocorrelation(series: Floats, max_lag_weeks: int) -> Floats:
    """Return the autocorrelations at lags 1 to ``max_lag_weeks``, each over the pairs that are there.

    The same as ``statsmodels.tsa.stattools.acf(adjusted=True, missing="conservative")``, for many series at
    once. A series that does not vary has none: 0.

    Parameters
    ----------
    series
        Shape (..., weeks).
    max_lag_weeks
        The largest lag.

    Returns
    -------
    numpy.ndarray
        Shape (..., max_lag_weeks).
    """
    deviation, n = _centred(series)
    there = (~np.isnan(series)).astype(float)
    variance = (deviation**2).sum(-1) / np.maximum(n, 1)
    rho = np.zeros((*series.shape[:-1], max_lag_weeks))
    for lag in range(1, max_lag_weeks + 1):
        pairs = (there[..., lag:] * there[..., :-lag]).sum(-1)
        product = (deviation[..., lag:] * deviation[..., :-lag]).sum(-1)
        usable = (pairs > 0) & (variance > 0)
        rho[..., lag - 1] = np.where(usable, product / np.where(usable, pairs * variance, 1), 0)
    return rho


def effective_sample_size(posts: Floats, survey: Floats) -> Floats:
    """Return the number of independent pairs that would give a correlation its sampling variance.

    Bartlett (1935, J. R. Stat. Soc. 98:536): the variance of r between independent series is 1/n times ``1 +
    2 sum_j (1 - j/n) rho_x(j) rho_y(j)``, with lags up to n/5 as Pyper & Peterman (1998, Can. J. Fish. Aquat.
    Sci. 55:2127) recommend. Never more than the pairs that are there.

    Parameters
    ----------
    posts, survey
        Shape (..., weeks), aligned; a week missing on one side counts for neither.

    Returns
    -------
    numpy.ndarray
        Shape (...).
    """
    x, y = pair_weeks(posts, survey, 0)
    n = (~np.isnan(x)).sum(-1).astype(float)
    lags = np.arange(1, max(1, int(n.max(initial=0)) // 5) + 1)
    weight = np.where(lags <= np.maximum(n // 5, 1)[..., None], 1 - lags / np.maximum(n, 1)[..., None], 0)
    inflation = 1 + 2 * (weight * autocorrelation(x, lags.size) * autocorrelation(y, lags.size)).sum(-1)
    return np.asarray(n / np.maximum(inflation, 1))


def effective_by_lag(posts: Floats, survey: Floats, max_lag_weeks: int) -> Floats:
    """Return the effective sample size of the pairs at each lag, shape (..., lags)."""
    sizes = [effective_sample_size(*pair_weeks(posts, survey, int(lag))) for lag in lag_range(max_lag_weeks)]
    return np.stack(sizes, axis=-1)
