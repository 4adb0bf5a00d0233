import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from stimmung.evaluation.series.correlation import lag_range, p_value, published_correlation
from stimmung.evaluation.series.inference import (
    adjust_p,
    best_lag,
    correlate_innovations,
    correlation_interval,
    familywise_p,
    fisher_z,
)
from stimmung.evaluation.series.prewhitening import whiten
from tests.weekly_tables import autoregression


def bound(nominal, repetitions):
    """Four standard errors above: a test that holds its level fails one time in thirty thousand."""
    return nominal + 4 * np.sqrt(nominal * (1 - nominal) / repetitions)


@pytest.mark.parametrize("coefficients", [[0.5], [0.95], [1.2, -0.5]])
def test_independent_autocorrelated_series_are_rejected_at_the_nominal_rate(coefficients):
    posts, survey = (autoregression(coefficients, (1500, 34), seed)[0] for seed in (1, 2))
    p = p_value(*correlate_innovations(whiten(posts), whiten(survey), 0))
    _, published, _ = published_correlation(posts, survey, 0, 3)
    assert 0.02 < np.mean(p <= 0.05) < bound(0.05, 1500)
    assert np.mean(published <= 0.05) > 0.2


def test_the_best_of_many_is_rejected_at_the_nominal_rate():
    posts, survey = (autoregression([0.8], (200, 4, 34), seed)[0] for seed in (3, 4))
    best = [
        familywise_p(x, y, 8, 19, seed).min() for seed, (x, y) in enumerate(zip(posts, survey, strict=True))
    ]
    naive = published_correlation(posts, survey, 8, 3)[1].min(axis=(1, 2))
    assert np.mean(np.array(best) <= 0.05) < bound(0.05, 200)
    assert np.mean(naive <= 0.05) > 0.9


def test_the_naive_procedure_rejects_as_often_as_reported():
    posts, survey = (autoregression([0.8], (4000, 34), seed)[0] for seed in (5, 6))
    _, p, _ = published_correlation(posts, survey, 0, 3)
    assert np.mean(p <= 0.05) == pytest.approx(0.42, abs=0.03)


def test_correlation_of_innovations_is_found():
    random = np.random.default_rng(7)
    posts = autoregression([0.8], (400, 34), seed=8)[0]
    survey = 0.6 * posts + 0.8 * autoregression([0.8], (400, 34), seed=9)[0] + 3 * random.random((400, 1))
    r, n = correlate_innovations(whiten(posts), whiten(survey), 0)
    assert r.mean() == pytest.approx(0.6, abs=0.05)
    assert np.mean(p_value(r, n) < 0.05) > 0.9


def test_innovations_are_correlated_without_centring_over_the_pairs_that_are_there():
    posts, survey = np.random.default_rng(10).standard_normal((2, 3, 20))
    posts[1, 4], survey[1, 9] = np.nan, np.nan
    r, n = correlate_innovations(posts, survey, 4)
    for place, lag in enumerate(lag_range(4)):
        x, y = np.array(
            [
                (posts[1, t], survey[1, t + lag])
                for t in range(20)
                if 0 <= t + lag < 20 and t != 4 and t + lag != 9
            ]
        ).T
        assert n[1, place] == len(x)
        assert r[1, place] == pytest.approx(x @ y / np.sqrt(x @ x * (y @ y)))


def test_too_few_pairs_have_no_correlation():
    r, n = correlate_innovations(np.ones(8), np.arange(8.0), 5)
    assert np.isnan(r[n < 5]).all()
    assert not np.isnan(r[n >= 5]).any()


@pytest.mark.parametrize("lag", [-3, 0, 2])
def test_the_family_names_the_lag_and_the_option_that_are_not_independent(lag):
    posts = autoregression([0.7], (3, 40), seed=11)[0]
    survey = autoregression([0.7], (3, 40), seed=12)[0]
    survey[1] = np.roll(posts[1], lag) + 0.3 * np.random.default_rng(13).standard_normal(40)
    p = familywise_p(posts, survey, 5, 199, seed=1)
    assert np.argwhere(p <= 0.05).tolist() == [[1, lag + 5]]
    assert p[1, lag + 5] == 1 / 200


def test_family_p_orders_like_the_correlations_and_is_larger_than_the_single_p():
    posts, survey = (autoregression([0.6], (4, 34), seed)[0] for seed in (14, 15))
    p = familywise_p(posts, survey, 4, 199, seed=1)
    r, n = correlate_innovations(whiten(posts), whiten(survey), 4)
    order = np.argsort(-np.abs(fisher_z(r, n)).ravel())
    assert (np.diff(p.ravel()[order]) >= 0).all()
    assert (p >= p_value(r, n) - 0.01).all()
    np.testing.assert_array_equal(p, familywise_p(posts, survey, 4, 199, seed=1))


def test_an_option_without_a_series_stays_out_of_the_family_and_gaps_are_allowed():
    posts, survey = (autoregression([0.6], (3, 34), seed)[0] for seed in (16, 17))
    posts[2] = np.nan
    posts[0, 7] = np.nan
    survey[:, 20] = np.nan
    p = familywise_p(posts, survey, 3, 39, seed=1)
    assert np.isnan(p[2]).all()
    assert not np.isnan(p[:2]).any()
    assert np.isnan(familywise_p(np.full((2, 34), np.nan), survey[:2], 3, 39, seed=1)).all()


def test_false_discovery_rate_is_benjamini_and_hochbergs_and_leaves_gaps():
    p = np.array([[0.01, np.nan, 0.04], [0.03, 0.5, np.nan]])
    expected = stats.false_discovery_control([0.01, 0.04, 0.03, 0.5])
    found = adjust_p(p)
    np.testing.assert_allclose(found[~np.isnan(p)], expected)
    assert np.isnan(found[np.isnan(p)]).all()
    assert np.isnan(adjust_p(np.full(3, np.nan))).all()


def test_without_heavy_tails_the_interval_of_independent_weeks_is_fishers_with_students_t():
    # Signs only: no tails, so that the jackknife finds less than a normal distribution has.
    x, y = np.sign(np.random.default_rng(18).standard_normal((2, 40)))
    r = np.corrcoef(x, y)[0, 1]
    low, high = correlation_interval(x, y, serial=False, level=0.9)
    reach = stats.t.ppf(0.95, 38) / np.sqrt(37)
    assert (low[0], high[0]) == pytest.approx(tuple(np.tanh(np.arctanh(r) + np.array([-reach, reach]))))


@pytest.mark.parametrize("centred", [True, False])
def test_the_jackknife_leaves_out_one_week_at_a_time(centred):
    x, y = np.random.default_rng(19).standard_normal((2, 20)) ** 5
    y += 2 * x
    x[4] = np.nan

    def z(keep):
        keep = keep & ~np.isnan(x)
        a, b = (side[keep] - side[keep].mean() * centred for side in (x, y))
        return np.arctanh(a @ b / np.sqrt(a @ a * (b @ b)))

    weeks = np.arange(20)
    others = np.array([z(weeks != week) for week in weeks if week != 4])
    variance = 18 / 19 * ((others - others.mean()) ** 2).sum()
    assert variance > 1 / 16
    reach = stats.t.ppf(0.975, 17) * np.sqrt(variance)
    found = [ends[0] for ends in correlation_interval(x, y, serial=False, centred=centred)]
    assert found == pytest.approx([np.tanh(z(weeks >= 0) - reach), np.tanh(z(weeks >= 0) + reach)])


@pytest.mark.parametrize(("phi", "tails"), [(0.5, np.inf), (0.8, np.inf), (0.95, np.inf), (0.8, 3.0)])
def test_intervals_of_correlated_series_hold(phi, tails):
    """Nominal .95, at least .92 wanted; three standard errors below at 600 pairs of 34 weeks, true correlation .8."""
    random = np.random.default_rng(20)
    noise = (
        random.standard_normal((2, 600, 234)) if np.isinf(tails) else random.standard_t(tails, (2, 600, 234))
    )
    noise[1] = 0.8 * noise[0] + 0.6 * noise[1]
    x, y = lfilter([1.0], [1.0, -phi], noise, axis=-1)[..., 200:]
    for pair, centred in (((x, y), True), ((whiten(x), whiten(y)), False)):
        low, high = correlation_interval(*pair, centred=centred)
        assert np.mean((low <= 0.8) & (high >= 0.8)) > 0.92 - 3 * 0.011


def test_a_series_that_moves_in_one_week_has_no_certain_correlation_and_a_constant_one_none():
    x, y = np.zeros(20), np.random.default_rng(21).standard_normal(20)
    assert np.isnan(correlation_interval(x, y)[0]).all()
    x[3] = 1.0
    low, high = correlation_interval(x, y)
    assert low[0] < 0 < high[0]
    assert np.isnan(correlation_interval(x[:4], y[:4])[0]).all()


def test_a_season_makes_no_discoveries_of_families():
    """Six weeks; by the order of the innovations alone a third of independent families would be rejected."""
    posts, survey = (autoregression([0, 0, 0, 0, 0, 0.6], (100, 4, 34), seed)[0] for seed in (22, 23))
    best = [
        familywise_p(x, y, 8, 19, seed).min() for seed, (x, y) in enumerate(zip(posts, survey, strict=True))
    ]
    assert np.mean(np.array(best) <= 0.05) < bound(0.07, 100)


def test_the_best_lag_is_the_surest_not_the_largest_r():
    r = np.array([0.9, 0.1, -0.85, 0.2, np.nan])
    assert best_lag(r, np.array([6.0, 30, 30, 30, 30]), 2) == 0
    assert best_lag(np.full(5, 0.5), np.full(5, 20.0), 2) == 0
