"""Correlation of two weekly series by lag, and what an autocorrelated series leaves of its weeks.

``lag_weeks > 0`` means that the posts lead the survey: posts of week t with the survey of week t + lag.
"""

from collections.abc import Callable

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


def by_lag(
    statistic: Callable[[Floats, Floats], Floats], posts: Floats, survey: Floats, max_lag_weeks: int
) -> Floats:
    """Return a statistic of the pairs of weeks at each lag, shape (..., lags).

    Both series have shape (..., weeks), NaN where a week is missing. ``statistic`` goes from two aligned series to shape (...).
    """
    pairs = [pair_weeks(posts, survey, int(lag)) for lag in lag_range(max_lag_weeks)]
    return np.stack([statistic(x, y) for x, y in pairs], axis=-1)


def correlate_lags(posts: Floats, survey: Floats, max_lag_weeks: int) -> tuple[Floats, Floats]:
    """Return Pearson's correlation of the pairs at each lag, and their number, each of shape (..., lags).

    Unlike the textbook estimator (``statsmodels.tsa.stattools.ccf``), which divides by the moments of the whole series, each lag
    has the mean and variance of its own pairs, so that r stays within -1 and 1 and the t-test applies. r is NaN with fewer than
    3 pairs or a side that does not vary. Series as of :func:`by_lag`.
    """
    n = by_lag(lambda x, _: (~np.isnan(x)).sum(-1).astype(float), posts, survey, max_lag_weeks)
    return by_lag(_pearson, posts, survey, max_lag_weeks), n


def _pearson(x: Floats, y: Floats) -> Floats:
    (x, n), (y, _) = deviations(x), deviations(y)
    product, x_square, y_square = (x * y).sum(-1), (x * x).sum(-1), (y * y).sum(-1)
    usable = (n >= 3) & (x_square > 0) & (y_square > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(np.where(usable, product / np.sqrt(x_square * y_square), np.nan), -1, 1)


def deviations(x: Floats) -> tuple[Floats, Floats]:
    """Return deviations from the mean, with 0 for missing weeks, and the number of weeks that are not missing."""
    there = ~np.isnan(x)
    n = there.sum(-1).astype(float)
    mean = np.where(there, x, 0).sum(-1) / np.maximum(n, 1)
    deviation = np.where(there, x - mean[..., None], 0)
    # Rounding leaves a constant series with a variance of some 1e-32; it has none.
    size = np.abs(np.where(there, x, 0)).max(-1)
    return np.where((np.abs(deviation).max(-1) > 1e-12 * size)[..., None], deviation, 0), n


def p_value(r: Floats, n: Floats) -> Floats:
    """Two-sided p of a correlation of ``n`` independent pairs: Student's t with n - 2 degrees of freedom.

    ``n`` may be an effective number of weeks. Where it leaves no degree of freedom, nothing can be rejected: p is 1.
    """
    freedom = n - 2
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.abs(r) * np.sqrt(np.maximum(freedom, 0) / (1 - r**2))
        p = np.where(freedom > 0, 2 * stats.t.sf(t, np.where(freedom > 0, freedom, 1)), 1.0)
    return np.where(np.isnan(r), np.nan, p)


def published_correlation(
    posts: Floats, survey: Floats, max_lag_weeks: int, rolling_weeks: int
) -> tuple[Floats, Floats, Floats]:
    """Return r, p and n of the published procedure at each lag, each of shape (..., lags): naive p on smoothed series.

    Both series are averaged over ``rolling_weeks`` (1: not smoothed) and correlated, and p is that of as many independent weeks
    (Ahnert et al. 2025, arXiv 2409.17990, whose code for this step is not released). The min-max scaling that goes before it
    changes no correlation. Smoothed weeks are not independent: at 34 weeks of AR(1) .8 this p is below .05 in some 43 of 100
    pairs of independent series (``benchmarks/inference.py``). Series as of :func:`by_lag`.
    """
    smooth = rolling_mean(posts, rolling_weeks), rolling_mean(survey, rolling_weeks)
    r, n = correlate_lags(*smooth, max_lag_weeks)
    return r, p_value(r, n), n


def autocorrelation(series: Floats, max_lag_weeks: int) -> Floats:
    """Return the autocorrelations of (..., weeks) at lags 1 to ``max_lag_weeks``, shape (..., max_lag_weeks).

    Each over the pairs of weeks without a gap, as ``statsmodels.tsa.stattools.acf(adjusted=True, missing="conservative")``, for
    many series at once. 0 for a series that does not vary.
    """
    deviation, n = deviations(series)
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
    """Return the number of independent pairs that would give a correlation of (..., weeks) its sampling variance, shape (...).

    Bartlett (1935, J. R. Stat. Soc. 98:536): the variance of r between independent series is 1/n times
    ``1 + 2 sum_j (1 - j/n) rho_x(j) rho_y(j)``, with lags up to n/5 as Pyper & Peterman (1998, Can. J. Fish. Aquat. Sci.
    55:2127) recommend. Never more than the number of pairs; a week missing on one side counts for neither.
    """
    x, y = pair_weeks(posts, survey, 0)
    n = (~np.isnan(x)).sum(-1).astype(float)
    lags = np.arange(1, max(1, int(n.max(initial=0)) // 5) + 1)
    weight = np.where(lags <= np.maximum(n // 5, 1)[..., None], 1 - lags / np.maximum(n, 1)[..., None], 0)
    inflation = 1 + 2 * (weight * autocorrelation(x, lags.size) * autocorrelation(y, lags.size)).sum(-1)
    return np.asarray(n / np.maximum(inflation, 1))


def effective_by_lag(posts: Floats, survey: Floats, max_lag_weeks: int) -> Floats:
    """Return the effective sample size of the pairs at each lag, shape (..., lags)."""
    return by_lag(effective_sample_size, posts, survey, max_lag_weeks)
