"""Detrended cross-correlation: how two series move together once local trends are taken out."""

import numpy as np

from stimmung.evaluation.series.correlation import by_lag, pair_weeks
from stimmung.evaluation.series.series_steps import Floats


def detrended_correlation(posts: Floats, survey: Floats, window_weeks: int = 12, order: int = 1) -> Floats:
    """Return the detrended cross-correlation coefficient of two aligned series.

    Zebende (2011, Physica A 390:614) after Podobnik & Stanley (2008, Phys. Rev. Lett. 100:084102): both series are summed up to
    profiles; in every window of ``window_weeks + 1`` points of the profiles a polynomial is taken out; the coefficient is the
    mean covariance of what is left over the root of the two mean variances. Windows overlap, as in R's ``DCCA::rhodcca``; Garcia
    et al. (2021, arXiv 2107.13236) used 12 and 1 for the same tracker. It describes; it is not a test.

    From series of shape (..., weeks) to shape (...), -1 to 1; NaN without a whole window or without variation. A window with a
    missing week is left out: a profile starts anew in each window, which changes it by a constant only, and that is part of the
    polynomial. ``order`` is the degree of the polynomial, at least 0.
    """
    x, y = pair_weeks(posts, survey, 0)
    if x.shape[-1] <= window_weeks:
        return np.full(x.shape[:-1], np.nan)
    left, right = _detrended_profiles(x, window_weeks, order), _detrended_profiles(y, window_weeks, order)
    covariance = np.nansum(left * right, axis=(-2, -1))
    size = np.sqrt(np.nansum(left**2, axis=(-2, -1)) * np.nansum(right**2, axis=(-2, -1)))
    x_size, y_size = (np.nanmax(np.abs(side), axis=-1, initial=0) for side in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(size > 1e-12 * (window_weeks**2 * x_size * y_size), covariance / size, np.nan)


def _detrended_profiles(x: Floats, window_weeks: int, order: int) -> Floats:
    """Return (..., windows, window_weeks + 1): each window's profile less its polynomial."""
    points = window_weeks + 1
    profile = np.cumsum(np.lib.stride_tricks.sliding_window_view(x, points, axis=-1), axis=-1)
    basis, _ = np.linalg.qr(np.vander(np.linspace(-1, 1, points), order + 1))
    return np.asarray(profile - (profile @ basis) @ basis.T)


def detrended_by_lag(posts: Floats, survey: Floats, max_lag_weeks: int, window_weeks: int = 12) -> Floats:
    """Return :func:`detrended_correlation` at each lag, shape (..., lags)."""
    return by_lag(lambda x, y: detrended_correlation(x, y, window_weeks), posts, survey, max_lag_weeks)
