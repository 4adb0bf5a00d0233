"""Prewhitening: the part of each week of a series that the weeks before it do not predict."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from statsmodels.tsa.arima_process import arma_acovf

from stimmung.evaluation.series.series_steps import Floats

# The lags and prior weights are our own choice and from no paper. They were chosen by the level and power of the tests on the
# processes of PROCESSES in benchmarks/processes.py, which are therefore no independent check of them; those of UNSEEN are, and
# VALIDATION.md has both, with a plain AR(p) by AICc beside.
# Lags of a second factor, up to a quarter of a year. Each makes the average longer to compute; a longer season is not known.
SEASONS_WEEKS = range(3, 14)
# Most weight on the second order: a second coefficient that is missed costs the level, one too many a little power.
FIRST_ORDER_WEIGHT, SECOND_ORDER_WEIGHT, SEASON_WEIGHT = 0.2, 0.5, 0.3
ORDER = max(SEASONS_WEEKS) + 1  # coefficients of the longest autoregression
LAG_PAIRS = [*combinations_with_replacement(range(ORDER + 1), 2)]
# Numbers in a temporary array, and series in one: they bound the memory and change no result.
BLOCK, ROWS = 2_000_000, 128


@dataclass(frozen=True)
class Whitening:
    """The filters that turn series into innovations, and back."""

    head: Floats  # (rows, edge, edge): makes the innovations of the first weeks; ``edge`` is all weeks if there are gaps
    coefficients: Floats  # (rows, ORDER): the autoregression of the weeks after them
    level: Floats  # (rows, weeks): the filtered mean, which is subtracted from the innovations

    def innovations(self, series: Floats) -> Floats:
        """Return the innovations of ``series``, shape (rows, weeks)."""
        edge = self.head.shape[1]
        out = np.concatenate([np.einsum("rts,rs->rt", self.head, series[:, :edge]), series[:, edge:]], axis=1)
        for lag in range(1, ORDER + 1):
            before = series[:, edge - lag : series.shape[1] - lag]
            out[:, edge:] -= self.coefficients[:, lag - 1, None] * before
        return np.asarray(out - self.level)

    def colour(self, innovations: Floats) -> Floats:
        """Return series of mean 0 with the given innovations, shape (rows, copies, weeks)."""
        edge = self.head.shape[1]
        series = np.empty_like(innovations)
        back = np.linalg.inv(self.head)
        series[..., :edge] = np.einsum("rts,rcs->rct", back, innovations[..., :edge])
        backwards = self.coefficients[:, ::-1]
        for week in range(edge, innovations.shape[-1]):
            before = series[..., week - ORDER : week]
            series[..., week] = innovations[..., week] + np.einsum("rcl,rl->rc", before, backwards)
        return series


def whiten(series: Floats) -> Floats:
    """Return the innovations of each series: its one-step prediction errors under an autoregression.

    A test of the independence of two series can be based on correlations of their innovations (Haugh 1976, J. Am. Stat. Assoc.
    71:378; Box & Jenkins 1976, ch. 11). With a few dozen weeks, such a test is spoilt by the choice of the order and the bias of
    the coefficients. So no order is chosen: the autoregression is the average over many by their posterior weight (Hoeting et al.
    1999, Stat. Sci. 14:382), with

    * the exact Gaussian likelihood, so that the first weeks are not lost and gaps are bridged exactly;
    * the mean and the variance integrated out, which removes most of the coefficients' bias in short series (restricted
      likelihood: Cheang & Reinsel 2000, J. Am. Stat. Assoc. 95:1173);
    * coefficients by partial autocorrelations (Barndorff-Nielsen & Schou 1973, J. Multivar. Anal. 3:408): the arcsine reference
      prior for the first (Berger & Yang 1994, Econom. Theory 10:461), a flat one for the second;
    * .2 of the prior weight on first-order autoregressions, .5 on those of second order, .3 on a first-order factor times one at a
      lag of 3 to 13 weeks, a season: ``(1 - a B)(1 - b B^j)``. These weights are our own.

    Series and innovations have shape (..., weeks), NaN where a week is missing. The estimated mean is taken out, so innovations
    are correlated without centring them again. All NaN for a series with fewer than 3 weeks or no variation.
    """
    flat = series.reshape(-1, series.shape[-1])
    out = np.full(flat.shape, np.nan)
    for rows, weeks in same_weeks(flat):
        for start in range(0, rows.size, ROWS):
            chosen = np.ix_(rows[start : start + ROWS], weeks)
            out[chosen] = fit_whitening(flat[chosen], weeks).innovations(flat[chosen])
    return out.reshape(series.shape)


def same_weeks(series: Floats) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the rows that have the same weeks, and those weeks; rows that cannot be fitted are left out."""
    there = ~np.isnan(series)
    size = np.where(there, np.abs(series), 0).max(axis=1)
    spread = np.where(there, series, -np.inf).max(axis=1) - np.where(there, series, np.inf).min(axis=1)
    usable = np.flatnonzero((spread > 1e-12 * size) & (there.sum(axis=1) >= 3))
    for mask in np.unique(there[usable], axis=0):
        yield usable[(there[usable] == mask).all(axis=1)], np.flatnonzero(mask)


def fit_whitening(series: Floats, weeks: NDArray[np.int64]) -> Whitening:
    """Fit the average autoregression of ``whiten`` to each of (rows, weeks), which have no gaps and vary.

    ``weeks``, shape (weeks,), are the numbers of the weeks, in increasing order.
    """
    rows, n = series.shape
    mean = series.mean(axis=1, keepdims=True)
    spread = series.std(axis=1, keepdims=True)
    y = (series - mean) / spread
    edge = _edge(weeks)
    moments, sums = _later_moments(y, edge)

    # One pass over the autoregressions, with the highest weight so far as the unit of all others.
    highest, total = np.full(rows, -np.inf), np.zeros(rows)
    filters, levels = np.zeros((rows, edge * edge + ORDER)), np.zeros((rows, n))
    for head, coefficients, log_prior in _autoregressions_at(weeks):
        polynomial = np.concatenate([np.ones((len(head), 1)), -coefficients], axis=1)
        level = np.empty((len(head), n))  # what a constant 1 becomes
        level[:, :edge], level[:, edge:] = head.sum(axis=2), polynomial.sum(axis=1)[:, None]
        size = (level**2).sum(axis=1)

        first = (y[:, :edge] @ head.reshape(-1, edge).T).reshape(rows, -1, edge)
        squares = np.einsum("rgt,rgt->rg", first, first) + moments @ _products(polynomial).T
        with_level = np.einsum("rgt,gt->rg", first, level[:, :edge]) + (sums @ polynomial.T) * level[:, -1]
        means = with_level / size
        log_weight = log_prior - 0.5 * np.log(size) - 0.5 * (n - 1) * np.log(squares - means * with_level)

        raised = np.maximum(highest, log_weight.max(axis=1))
        weight = np.exp(log_weight - raised[:, None])
        shrink = np.exp(highest - raised)
        highest, total = raised, total * shrink + weight.sum(axis=1)
        features = np.concatenate([head.reshape(len(head), -1), coefficients], axis=1)
        filters = filters * shrink[:, None] + weight @ features
        levels = levels * shrink[:, None] + (weight * means) @ level
    filters /= total[:, None]
    levels *= spread / total[:, None]
    head = filters[:, : edge * edge].reshape(rows, edge, edge)
    coefficients = filters[:, edge * edge :]
    centred = Whitening(head, coefficients, np.zeros((rows, n)))
    return Whitening(head, coefficients, levels + centred.innovations(np.repeat(mean, n, axis=1)))


def _edge(weeks: NDArray[np.int64]) -> int:
    """Return how many first weeks need covariances: after them the filter is the autoregression itself."""
    has_gaps = weeks[-1] - weeks[0] + 1 > weeks.size
    return weeks.size if has_gaps else min(weeks.size, ORDER)


def _later_moments(y: Floats, edge: int) -> tuple[Floats, Floats]:
    """Return sums over weeks t from ``edge``: of products of weeks t - i and t - j, and of weeks t - i."""
    n = y.shape[1]
    lagged = [y[:, edge - lag : n - lag] if n > edge else y[:, :0] for lag in range(ORDER + 1)]
    moments = [(lagged[i] * lagged[j]).sum(axis=1) for i, j in LAG_PAIRS]
    return np.stack(moments, axis=1), np.stack([values.sum(axis=1) for values in lagged], axis=1)


def _products(polynomial: Floats) -> Floats:
    """Return the factors of ``_later_moments`` in the sum of squares of innovations."""
    factors = [polynomial[:, i] * polynomial[:, j] * (1 if i == j else 2) for i, j in LAG_PAIRS]
    return np.stack(factors, axis=1)


def _autoregressions_at(weeks: NDArray[np.int64]) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield autoregressions: head filters, coefficients, and the part of the loglikelihood that is the same for all series.

    With C the covariance of the first weeks for innovations of variance 1 and C = L L', the head filter is L^-1.
    """
    edge, span = _edge(weeks), int(weeks[-1] - weeks[0]) + 1
    coefficients, log_prior = _autoregressions(span)
    block = max(1, BLOCK // (edge * max(edge, ROWS)))
    if weeks.size == span:  # small and often needed, so they are cached
        head, log_scale = _gapless_heads(span, edge)
        yield head, coefficients, log_prior - log_scale
        return
    for start in range(0, len(coefficients), block):
        here = slice(start, start + block)
        head, log_scale = _heads(_autocovariances(span)[here], weeks)
        yield head, coefficients[here], log_prior[here] - log_scale


def _heads(covariances: Floats, weeks: NDArray[np.int64]) -> tuple[Floats, Floats]:
    root = np.linalg.cholesky(covariances[:, np.abs(np.subtract.outer(weeks, weeks))])
    return np.linalg.inv(root), np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)


@lru_cache(maxsize=8)
def _gapless_heads(span_weeks: int, edge: int) -> tuple[Floats, Floats]:
    return _heads(_autocovariances(span_weeks), np.arange(edge))


@lru_cache(maxsize=4)
def _autocovariances(span_weeks: int) -> Floats:
    coefficients, _ = _autoregressions(span_weeks)
    return np.stack([arma_acovf(np.r_[1.0, -phi], [1.0], nobs=span_weeks) for phi in coefficients])


@lru_cache(maxsize=4)
def _autoregressions(span_weeks: int) -> tuple[Floats, Floats]:
    """Return coefficients at lags 1 to ORDER, shape (autoregressions, ORDER), and their log priors.

    The grid is even in the arcsine of a partial autocorrelation, where its standard error is 1 / sqrt(weeks) whatever its value;
    with steps of two standard errors the average is as good as an integral.
    """
    steps = int(np.ceil(np.pi * np.sqrt(span_weeks) / 2))
    angle = (np.arange(steps) + 0.5) * np.pi / steps - np.pi / 2
    grid, arcsine, flat = np.sin(angle), np.full(steps, 1 / steps), np.cos(angle) / np.cos(angle).sum()
    a, b = (side.ravel() for side in np.meshgrid(grid, grid, indexing="ij"))
    pair_weight = np.outer(arcsine, flat).ravel()

    first = np.zeros((steps, ORDER))
    first[:, 0] = grid
    second = np.zeros((steps**2, ORDER))
    second[:, 0], second[:, 1] = a * (1 - b), b
    coefficients, weights = [first, second], [FIRST_ORDER_WEIGHT * arcsine, SECOND_ORDER_WEIGHT * pair_weight]
    for lag in SEASONS_WEEKS:
        product = np.zeros((steps**2, ORDER))
        product[:, 0], product[:, lag - 1], product[:, lag] = a, b, -a * b
        coefficients.append(product)
        weights.append(SEASON_WEIGHT / len(SEASONS_WEEKS) * pair_weight)
    return np.concatenate(coefficients), np.log(np.concatenate(weights))
