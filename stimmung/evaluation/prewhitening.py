"""Prewhitening: what each week of a series adds to what the weeks before it already told."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.arima_process import arma_acovf

from stimmung.evaluation.series import Floats

FIRST_ORDER, SECOND_ORDER, MONTHLY = 0.2, 0.6, 0.2  # prior weights: missing a coefficient costs more than having one
MONTHLY_LAGS = (3, 4)
BLOCK, ROWS = (
    500_000,
    200,
)  # numbers in a temporary array, and series in one: bound the memory, change no result


def whiten(series: Floats) -> Floats:
    """Return the innovations of each series: its one-step prediction errors under an autoregression.

    Correlations between the innovations of two series are what a test of their independence can stand on
    (Haugh 1976, J. Am. Stat. Assoc. 71:378; Box & Jenkins 1976, ch. 11). With a few dozen weeks, what ruins
    such a test is the choice of the order and the bias of the coefficients. So none is chosen: the
    innovations are averaged over autoregressions by their posterior weight (Hoeting et al. 1999, Stat. Sci.
    14:382), with

    * the exact Gaussian likelihood, so that the first weeks are not lost and gaps are bridged exactly;
    * the mean and the variance integrated out, which removes most of the coefficients' bias in short series
      (restricted likelihood: Cheang & Reinsel 2000, J. Am. Stat. Assoc. 95:1173);
    * coefficients by partial autocorrelations (Barndorff-Nielsen & Schou 1973, J. Multivar. Anal. 3:408): the
      arcsine reference prior for the first (Berger & Yang 1994, Econom. Theory 10:461), a flat one for the
      second;
    * half of the prior weight on first-order autoregressions, a quarter on those of second order, a quarter
      on a first-order factor times one at lag 3 or 4 (a month): ``(1 - a B)(1 - b B^j)``.

    Parameters
    ----------
    series
        Shape (..., weeks), NaN where a week is missing.

    Returns
    -------
    numpy.ndarray
        Shape (..., weeks): innovations, NaN where the series is. The estimated mean is taken out, so they are
        correlated without centring them again. All NaN for a series with fewer than 3 weeks or no variation.
    """
    flat = series.reshape(-1, series.shape[-1])
    out = np.full(flat.shape, np.nan)
    masks, group = np.unique(~np.isnan(flat), axis=0, return_inverse=True)
    for number, mask in enumerate(masks):
        rows = np.flatnonzero(group == number)
        weeks = np.flatnonzero(mask)
        if weeks.size >= 3:
            out[np.ix_(rows, weeks)] = _average_innovations(flat[np.ix_(rows, weeks)], weeks)
    return out.reshape(series.shape)


def _average_innovations(series: Floats, weeks: NDArray[np.int64]) -> Floats:
    """Average the innovations of (rows, weeks) over the autoregressions, in one pass."""
    rows, n = series.shape
    centred = series - series.mean(axis=1, keepdims=True)
    spread = centred.std(axis=1, keepdims=True)
    varies = spread[:, 0] > 1e-12 * np.abs(series).max(axis=1)
    centred = np.where(varies[:, None], centred / np.where(spread > 0, spread, 1), 0)

    coefficients, log_prior = _autoregressions(int(weeks[-1] - weeks[0]) + 1)
    highest = np.full(rows, -np.inf)
    total = np.zeros(rows)
    average = np.zeros((rows, n))
    block = max(1, BLOCK // (n * max(n, min(rows, ROWS))))
    for start in range(0, len(coefficients), block):
        chosen = slice(start, start + block)
        filters, log_scale = _filters(coefficients[chosen], weeks)
        stacked = filters.reshape(-1, n).T.copy()
        for row in range(0, rows, ROWS):
            here = slice(row, row + ROWS)
            innovations = (centred[here] @ stacked).reshape(-1, len(filters), n)
            squares = np.einsum("rgt,rgt->rg", innovations, innovations)
            squares[~varies[here]] = 1
            log_weight = log_prior[chosen] + log_scale - 0.5 * (n - 1) * np.log(squares)
            raised = np.maximum(highest[here], log_weight.max(axis=1))
            weight = np.exp(log_weight - raised[:, None])
            shrink = np.exp(highest[here] - raised)
            total[here] = total[here] * shrink + weight.sum(axis=1)
            average[here] = average[here] * shrink[:, None] + np.matmul(weight[:, None, :], innovations)[:, 0]
            highest[here] = raised
    return np.where(varies[:, None], average * spread / total[:, None], np.nan)


def _filters(coefficients: Floats, weeks: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return, for each autoregression, the matrix that whitens the observed weeks and takes their mean out.

    With C the covariance of the weeks for innovations of variance 1 and C = L L', the innovations are L^-1 (y
    - m), m by generalised least squares. The second value is the part of the restricted loglikelihood that
    the series does not enter.
    """
    n, order = weeks.size, coefficients.shape[1]
    has_gaps = weeks[-1] - weeks[0] + 1 > n
    # Without gaps only the first weeks need covariances: after them the filter is the autoregression itself.
    edge = n if has_gaps else min(n, order)
    span = int(weeks[edge - 1] - weeks[0]) + 1
    covariances = np.stack([arma_acovf(np.r_[1.0, -phi], [1.0], nobs=span) for phi in coefficients])
    apart = np.abs(np.subtract.outer(weeks[:edge], weeks[:edge]))
    root = np.linalg.cholesky(covariances[:, apart])
    whitening = np.zeros((len(coefficients), n, n))
    whitening[:, :edge, :edge] = np.linalg.inv(root)
    later = np.arange(edge, n)
    whitening[:, later, later] = 1
    for lag in range(1, order + 1):
        whitening[:, later, later - lag] = -coefficients[:, lag - 1, None]
    level = whitening.sum(axis=2)
    size = (level**2).sum(axis=1)
    projection = np.einsum("gt,gts->gs", level, whitening) / size[:, None]
    log_scale = -np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1) - 0.5 * np.log(size)
    return whitening - level[:, :, None] * projection[:, None, :], log_scale


@lru_cache(maxsize=4)
def _autoregressions(span_weeks: int) -> tuple[Floats, Floats]:
    """Return coefficients at lags 1 to 5, shape (autoregressions, 5), and the logarithms of their priors.

    The grid is even in the arcsine of a partial autocorrelation, where its standard error is 1 / sqrt(weeks)
    whatever its value; steps of two standard errors make the average as good as an integral.
    """
    steps = int(np.ceil(np.pi * np.sqrt(span_weeks) / 2))
    angle = (np.arange(steps) + 0.5) * np.pi / steps - np.pi / 2
    grid, arcsine, flat = np.sin(angle), np.full(steps, 1 / steps), np.cos(angle) / np.cos(angle).sum()
    a, b = (side.ravel() for side in np.meshgrid(grid, grid, indexing="ij"))
    pair_weight = np.outer(arcsine, flat).ravel()

    first = np.zeros((steps, 5))
    first[:, 0] = grid
    second = np.zeros((steps**2, 5))
    second[:, 0], second[:, 1] = a * (1 - b), b
    coefficients, weights = [first, second], [FIRST_ORDER * arcsine, SECOND_ORDER * pair_weight]
    for lag in MONTHLY_LAGS:
        product = np.zeros((steps**2, 5))
        product[:, 0], product[:, lag - 1], product[:, lag] = a, b, -a * b
        coefficients.append(product)
        weights.append(MONTHLY / len(MONTHLY_LAGS) * pair_weight)
    return np.concatenate(coefficients), np.log(np.concatenate(weights))
