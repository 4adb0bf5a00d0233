"""Tests of zero correlation of autocorrelated series that hold their level: at one lag, at the best of many.

All compare innovations (``prewhitening.whiten``), never the series. ``benchmarks/inference.py`` measures level and power.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from stimmung.evaluation.series.correlation import (
    autocorrelation,
    deviations,
    effective_sample_size,
    lag_range,
    pair_weeks,
)
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


def correlation_interval(
    posts: Floats,
    survey: Floats,
    max_lag_weeks: int = 0,
    *,
    serial: bool = True,
    centred: bool = True,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Return the ends of the interval of Pearson's correlation at each lag, each of shape (..., lags).

    Fisher's transformation z (1921, Metron 1:3) with Student's t of n_e - 2 degrees of freedom and the variance
    ``v / (n_e - 3)``. n_e, the effective number of weeks, is the smaller of Bartlett's for independent series
    (``correlation.effective_sample_size``) and n over the long-run variance of z's jackknife values, which also counts what the
    series have in common; with ``serial=False`` weeks do not depend on each other, and n_e is n. v is the jackknife's variance of z
    (Hinkley 1978, Biometrika 65:13) relative to that under a normal distribution, and never below 1: heavy tails make it larger.
    With an n_e of 3 or less nothing is known: there is no interval, NaN.

    ``centred=False`` is for innovations, as in :func:`correlate_innovations`. Series have shape (..., weeks), NaN where a week is
    missing. ``benchmarks/inference.py`` measures the coverage.
    """
    pairs = [pair_weeks(posts, survey, int(lag)) for lag in lag_range(max_lag_weeks)]
    ends = [_interval(x, y, serial, centred, level) for x, y in pairs]
    low, high = (np.stack(side, axis=-1) for side in zip(*ends, strict=True))
    return low, high


def _interval(x: Floats, y: Floats, serial: bool, centred: bool, level: float) -> tuple[Floats, Floats]:
    n = (~np.isnan(x)).sum(-1).astype(float)
    z, values = _jackknife(x, y, n, centred)
    squares = np.nansum(values**2, axis=-1)
    n_effective = n
    if serial:
        lags = np.arange(1, max(1, int(n.max(initial=0)) // 5) + 1)  # as in effective_sample_size
        weight = np.where(lags <= np.maximum(n // 5, 1)[..., None], 1 - lags / np.maximum(n, 1)[..., None], 0)
        inflation = 1 + 2 * (weight * autocorrelation(values, lags.size)).sum(-1)
        n_effective = np.minimum(effective_sample_size(x, y), n / np.maximum(inflation, 1))
    n_effective = np.where((n_effective > 3) & (n >= MINIMUM_PAIRS), n_effective, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.maximum(1, (n - 3) * (n - 1) / n * squares)
        half = stats.t.ppf(0.5 + level / 2, n_effective - 2) * np.sqrt(spread / (n_effective - 3))
        return np.tanh(z - half), np.tanh(z + half)


def _jackknife(x: Floats, y: Floats, n: Floats, centred: bool) -> tuple[Floats, Floats]:
    """Return Fisher's z of all weeks, shape (...), and of all but each week minus their mean, shape (..., weeks)."""
    there = ~np.isnan(x)
    x, y = (deviations(side)[0] if centred else np.nan_to_num(side) for side in (x, y))
    n_weeks = np.maximum(n, 2)[..., None]
    # What a week takes with it: without it the mean is another one.
    taken = n_weeks / (n_weeks - 1) if centred else 1.0
    products = [x * y, x * x, y * y]
    sums = [one.sum(axis=-1, keepdims=True) for one in products]
    z = _fisher(*sums)[..., 0]
    others = _fisher(*(total - taken * one for total, one in zip(sums, products, strict=True)))
    # Without the one week in which a series moves, nothing is left to correlate.
    others = np.where(there, np.nan_to_num(others), 0.0)
    return z, np.where(there, others - others.sum(-1, keepdims=True) / n_weeks, np.nan)


def _fisher(product: Floats, x_square: Floats, y_square: Floats) -> Floats:
    """Return Fisher's z of sums of products and squares, NaN where one side does not vary."""
    with np.errstate(invalid="ignore", divide="ignore"):
        r = product / np.sqrt(np.where((x_square > 0) & (y_square > 0), x_square * y_square, np.nan))
    return np.asarray(np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12)))


def familywise_p(posts: Floats, survey: Floats, max_lag_weeks: int, n_simulations: int, seed: int) -> Floats:
    """Return, for each option and lag, p against the best of all options and lags.

    The single-step maximum test of Westfall & Young (1993, Resampling-Based Multiple Testing) with a sieve bootstrap (Buehlmann
    1997, Bernoulli 3:123): posts that are independent of the survey are simulated from each option's own autoregression,
    prewhitened anew as the real ones were, and correlated with the survey as it is. p is the share of simulations whose largest
    Fisher z over all options and lags reaches the observed one, the real posts counted among them. So among independent families 5
    in 100 have any p of .05 or less.

    The simulated innovations are those of the real posts in another order (:func:`_reordered`), which keeps their tails, and again
    with other phases (:func:`_rephased`), which keeps what autocorrelation the prewhitening has left; p is the larger of the two.
    Either changes all options alike, so that the dependence between the options of a side is kept on both sides.

    Both arguments are the series themselves, shape (options, weeks); NaN where a week is missing, a row of NaN where an option is
    not tested. p has shape (options, lags), NaN where there is no correlation, and is never below 1 / (n_simulations + 1).
    """
    innovations, others = whiten(posts), whiten(survey)
    observed = np.abs(fisher_z(*correlate_innovations(innovations, others, max_lag_weeks)))
    if np.isnan(observed).all():
        return np.full(observed.shape, np.nan)
    random = np.random.default_rng(seed)
    p = np.zeros(observed.shape)
    for largest in simulated_maxima(posts, survey, max_lag_weeks, n_simulations, random):
        # With a tolerance, because an order that repeats the observed one must count despite rounding.
        reached = n_simulations - np.searchsorted(np.sort(largest), observed - 1e-9, side="left")
        p = np.maximum(p, (1 + reached) / (n_simulations + 1))
    return np.where(np.isnan(observed), np.nan, p)


def simulated_maxima(
    posts: Floats, survey: Floats, max_lag_weeks: int, n_simulations: int, random: np.random.Generator
) -> Iterator[Floats]:
    """Yield the largest Fisher z over all options and lags of each simulation, shape (simulations,): reordered, then rephased.

    Arguments as of :func:`familywise_p`; one option at least must be tested.
    """
    innovations, others = whiten(posts), whiten(survey)
    tested = ~np.isnan(correlate_innovations(innovations, others, max_lag_weeks)[0]).all(axis=1)
    posts, innovations, others = posts[tested], innovations[tested], others[tested]
    for scrambled in (_reordered, _rephased):
        largest = np.empty(n_simulations)
        for start in range(0, n_simulations, COPIES):
            copies = min(COPIES, n_simulations - start)
            simulated = whiten(_simulate(posts, innovations, scrambled, copies, random))
            z = np.abs(fisher_z(*_correlate(simulated, others, max_lag_weeks)))
            largest[start : start + copies] = np.nanmax(z, axis=(0, 2))
        yield largest


def _simulate(
    posts: Floats,
    innovations: Floats,
    scrambled: Callable[[Floats, int, np.random.Generator], Floats],
    copies: int,
    random: np.random.Generator,
) -> Floats:
    """Return (options, copies, weeks): each option's autoregression with scrambled innovations."""
    weeks = np.flatnonzero(~np.isnan(innovations).all(axis=0))
    # Where an option lacks a week that others have, its innovation in that week is 0.
    noise = np.zeros((len(posts), copies, posts.shape[1]))
    noise[:, :, weeks] = scrambled(np.nan_to_num(innovations)[:, weeks], copies, random)
    series = np.full(noise.shape, np.nan)
    for rows, present in same_weeks(posts):
        whitening = fit_whitening(posts[np.ix_(rows, present)], present)
        series[np.ix_(rows, np.arange(copies), present)] = whitening.colour(
            noise[np.ix_(rows, np.arange(copies), present)]
        )
    return series


def _reordered(innovations: Floats, copies: int, random: np.random.Generator) -> Floats:
    """Return (options, copies, weeks): the same order of weeks for all options, another one in each copy."""
    weeks = np.arange(innovations.shape[1])
    return innovations[:, random.permuted(np.tile(weeks, (copies, 1)), axis=1)]


def _rephased(innovations: Floats, copies: int, random: np.random.Generator) -> Floats:
    """Return (options, copies, weeks) with the periodograms and cross-periodograms of ``innovations`` and random phases.

    Prichard & Theiler (1994, Phys. Rev. Lett. 73:951).
    """
    n = innovations.shape[1]
    spectrum = np.fft.rfft(innovations, axis=-1)
    turn = np.exp(2j * np.pi * random.random((copies, spectrum.shape[1])))
    # The mean, and the fastest frequency of an even number of weeks, have no phase but a sign.
    signs = [0] if n % 2 else [0, -1]
    turn[:, signs] = np.sign(turn[:, signs].real)
    return np.fft.irfft(spectrum[:, None, :] * turn, n=n, axis=-1)


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
