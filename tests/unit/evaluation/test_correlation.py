from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.tsa.stattools import acf, ccf

from stimmung.evaluation.series.correlation import (
    autocorrelation,
    correlate_lags,
    effective_by_lag,
    effective_sample_size,
    lag_range,
    p_value,
    pair_weeks,
    published_correlation,
)
from tests.weekly_tables import autoregression

YOUGOV = Path(__file__).parents[4] / "shared/data/yougov-mood/britains-mood-measured-weekly.xlsx"


@given(lag=st.integers(-8, 8), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_posts_that_lead_by_k_weeks_are_found_at_lag_plus_k(lag, seed):
    mood = np.random.default_rng(seed).standard_normal(60)
    posts, survey = (
        mood[10:50],
        mood[10 - lag : 50 - lag],
    )  # the survey shows at t + lag what the posts show at t
    r, n = correlate_lags(posts, survey, 8)
    assert lag_range(8)[np.nanargmax(r)] == lag
    assert np.nanmax(r) == pytest.approx(1)
    assert n.tolist() == [40 - abs(one) for one in range(-8, 9)]


def test_each_lag_is_pearsons_correlation_of_the_pairs_that_are_there():
    random = np.random.default_rng(2)
    posts, survey = random.standard_normal((2, 30))
    posts[[4, 20]], survey[11] = np.nan, np.nan
    r, n = correlate_lags(posts, survey, 5)
    p = p_value(r, n)
    for place, lag in enumerate(range(-5, 6)):
        pairs = [
            (posts[t], survey[t + lag])
            for t in range(30)
            if 0 <= t + lag < 30 and not np.isnan(posts[t]) and not np.isnan(survey[t + lag])
        ]
        expected = stats.pearsonr(*np.array(pairs).T)
        assert n[place] == len(pairs)
        assert r[place] == pytest.approx(expected.statistic)
        assert p[place] == pytest.approx(expected.pvalue)


def test_lags_have_the_sign_and_almost_the_size_of_statsmodels_ccf():
    series, _ = autoregression([0.6], (600,), seed=3)
    posts, survey = series[3:], series[:-3] + np.random.default_rng(4).standard_normal(597)
    r, _ = correlate_lags(posts, survey, 8)
    np.testing.assert_allclose(r[8:], ccf(survey, posts, adjusted=True)[:9], atol=0.02)
    np.testing.assert_allclose(r[8::-1], ccf(posts, survey, adjusted=True)[:9], atol=0.02)
    assert lag_range(8)[r.argmax()] == 3


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_a_constant_series_has_no_correlation(constant):
    r, _ = correlate_lags(np.full(20, constant), np.random.default_rng(1).random(20), 2)
    assert np.isnan(r).all()
    assert np.isnan(p_value(r, np.full(5, 18.0))).all()


def test_a_missing_week_is_missing_on_both_sides():
    x, y = pair_weeks(np.array([1.0, np.nan, 3.0, 4.0]), np.array([5.0, 6.0, 7.0, np.nan]), 1)
    np.testing.assert_array_equal(x, [1, np.nan, np.nan])
    np.testing.assert_array_equal(y, [6, np.nan, np.nan])


def test_the_published_procedure_is_naive_p_on_smoothed_series():
    posts, survey = autoregression([0.8], (2, 34), seed=5)[0]
    r, p, n = published_correlation(posts, survey, 4, 3)
    smooth = [pd.Series(side).rolling(3).mean().dropna().to_numpy() for side in (posts, survey)]
    expected = stats.pearsonr(smooth[0][:-2], smooth[1][2:])
    assert (r[6], p[6], n[6]) == pytest.approx((expected.statistic, expected.pvalue, 30))


def test_autocorrelation_is_that_of_statsmodels_with_gaps_too():
    series, _ = autoregression([0.7], (40,), seed=6)
    np.testing.assert_allclose(autocorrelation(series, 6), acf(series, nlags=6, adjusted=True)[1:])
    series[[5, 6, 22]] = np.nan
    expected = acf(series, nlags=6, adjusted=True, missing="conservative")[1:]
    np.testing.assert_allclose(autocorrelation(series, 6), expected)


@pytest.mark.parametrize(("first", "second"), [(0.8, 0.8), (0.5, 0.9)])
def test_effective_sample_size_of_two_autoregressions_is_bartletts(first, second):
    posts, _ = autoregression([first], (200, 1000), seed=7)
    survey, _ = autoregression([second], (200, 1000), seed=8)
    expected = 1000 * (1 - first * second) / (1 + first * second)
    assert np.median(effective_sample_size(posts, survey)) == pytest.approx(expected, rel=0.1)


def test_effective_sample_size_is_the_sampling_variance_of_r():
    posts, _ = autoregression([0.8], (4000, 60), seed=9)
    survey, _ = autoregression([0.8], (4000, 60), seed=10)
    r, _ = correlate_lags(posts, survey, 0)
    assert 1 / r.var() == pytest.approx(60 * (1 - 0.64) / (1 + 0.64), rel=0.2)
    assert np.median(effective_sample_size(posts, survey)) == pytest.approx(1 / r.var(), rel=0.3)


def test_white_noise_keeps_its_weeks_and_none_are_added():
    posts, survey = np.random.default_rng(11).standard_normal((2, 500, 100))
    size = effective_sample_size(posts, survey)
    assert size.max() <= 100
    assert np.median(size) > 90


def test_effective_weeks_are_counted_at_each_lag():
    posts, survey = autoregression([0.5], (2, 40), seed=12)[0]
    assert effective_by_lag(posts, survey, 3)[5] == effective_sample_size(posts[:-2], survey[2:])


@pytest.mark.parametrize(
    ("r", "n", "p", "places"),
    [  # reference/papers.md 2.5: YouGov against signals of Garcia et al., 34 weeks and the effective ones
        (0.65, 34, 3e-5, 5),
        (0.65, 24, 0.001, 3),
        (0.79, 34, 3e-8, 8),
        (0.51, 34, 0.002, 3),
        (0.51, 18, 0.031, 3),
        (0.66, 34, 2e-5, 5),
        (0.66, 4, 0.34, 2),
    ],
)
def test_p_with_effective_weeks_is_the_published_one(r, n, p, places):
    assert round(float(p_value(np.array(r), np.array(n))), places) == p


def test_no_degrees_of_freedom_reject_nothing():
    assert p_value(np.array([0.99, -0.99]), np.array([2.0, 1.4])).tolist() == [1, 1]


def test_the_tracker_has_the_published_autocorrelations():
    if not YOUGOV.is_file():
        pytest.skip(f"no {YOUGOV}")
    sheet = pd.read_excel(YOUGOV, sheet_name="All adults", index_col=0)
    days = pd.to_datetime([str(label) for label in sheet.columns], format="mixed", dayfirst=True)
    shares = sheet.set_axis(days, axis=1).loc[:, "2019-11-07":"2020-06-25"]
    assert shares.shape[1] == 34
    published = {  # mean, sd, lag-1 autocorrelation in reference/papers.md 2.5
        "Happy": (0.44, 0.076, 0.76),
        "Sad": (0.27, 0.024, 0.36),
        "Energetic": (0.14, 0.016, 0.50),
        "Frustrated": (0.37, 0.054, 0.84),
        "Bored": (0.26, 0.088, 0.92),
        "Scared": (0.15, 0.069, 0.85),
    }
    for option, (mean, sd, first) in published.items():
        series = shares.loc[option].astype(str).str.rstrip("%").astype(float).to_numpy()
        series = series / 100 if series.max() > 1 else series
        assert series.mean() == pytest.approx(mean, abs=0.006)
        assert series.std(ddof=1) == pytest.approx(sd, abs=0.0016)
        assert autocorrelation(series, 1)[0] == pytest.approx(first, abs=0.03)
