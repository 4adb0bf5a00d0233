import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_triangular, toeplitz
from statsmodels.tsa.arima_process import ArmaProcess

from stimmung.evaluation.series.prewhitening import ORDER, _autoregressions, fit_whitening, whiten
from tests.weekly_tables import autoregression


def averaged_by_hand(series):
    """The posterior average over the same autoregressions, one by one, by covariances of observed weeks."""
    weeks = np.flatnonzero(~np.isnan(series))
    y, n = series[weeks], weeks.size
    span = weeks[-1] - weeks[0] + 1
    innovations, logs = [], []
    for coefficients, log_prior in zip(*_autoregressions(int(span)), strict=True):
        covariance = toeplitz(ArmaProcess(np.r_[1, -coefficients]).acovf(span))[
            np.ix_(weeks - weeks[0], weeks - weeks[0])
        ]
        root = np.linalg.cholesky(covariance)
        white, level = (solve_triangular(root, side, lower=True) for side in (y, np.ones(n)))
        white = white - level * (level @ white) / (level @ level)
        logs.append(
            log_prior
            - np.log(np.diag(root)).sum()
            - 0.5 * np.log(level @ level)
            - 0.5 * (n - 1) * np.log(white @ white)
        )
        innovations.append(white)
    weight = np.exp(np.array(logs) - max(logs))
    out = np.full(series.size, np.nan)
    out[weeks] = weight @ np.array(innovations) / weight.sum()
    return out


@pytest.mark.parametrize("gaps", [[], [11], [0, 1, 7, 8, 19], [3, 4]])
def test_innovations_are_the_posterior_average_done_by_hand(gaps):
    series = autoregression([0.7], (24,), seed=1)[0] * 3 + 10
    series[gaps] = np.nan
    np.testing.assert_allclose(whiten(series), averaged_by_hand(series), atol=1e-9)


@pytest.mark.parametrize("weeks", [3, 4, 5, 9, 10])
def test_very_short_series_are_whitened_the_same_way(weeks):
    series = autoregression([0.5], (weeks,), seed=2)[0]
    np.testing.assert_allclose(whiten(series), averaged_by_hand(series), atol=1e-9)


@pytest.mark.parametrize(
    ("coefficients", "least"),
    [
        ([0.8], 0.99),
        ([-0.5], 0.99),
        ([1.2, -0.5], 0.99),
        ([0.5, 0.3], 0.99),
        ([0, 0, 0, 0.6], 0.985),
        ([*[0] * 5, 0.6], 0.985),
        ([*[0] * 7, 0.6], 0.985),
        ([0.6, 0, 0, 0.3], 0.95),  # none of the autoregressions that are averaged, but near to some
    ],
)
def test_a_long_series_gives_its_true_innovations(coefficients, least):
    series, innovations = autoregression(coefficients, (20, 300), seed=3)
    found = whiten(series)
    assert np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(found, innovations, strict=True)]) > least
    assert abs(np.mean([np.corrcoef(row[1:], row[:-1])[0, 1] for row in found])) < 0.05


@given(scale=st.floats(0.001, 1000), shift=st.floats(-1000, 1000))
@settings(max_examples=15, deadline=None)
def test_units_do_not_matter(scale, shift):
    series = autoregression([0.6], (30,), seed=4)[0]
    np.testing.assert_allclose(whiten(scale * series + shift), scale * whiten(series), atol=1e-6 * scale)


def test_rows_do_not_depend_on_one_another():
    series = autoregression([0.6], (300, 20), seed=5)[0]
    series[1::3, 4] = np.nan
    together = whiten(series.reshape(3, 100, 20)).reshape(300, 20)
    np.testing.assert_allclose(
        together[[0, 1, 299]], np.stack([whiten(series[row]) for row in (0, 1, 299)]), atol=1e-12
    )


def test_missing_weeks_stay_missing_and_constant_or_short_series_give_nothing():
    series = autoregression([0.6], (4, 20), seed=6)[0]
    series[0, 9] = np.nan
    series[1] = 0.3
    series[2, 2:] = np.nan
    found = whiten(series)
    assert np.isnan(found[0]).nonzero()[0].tolist() == [9]
    assert np.isnan(found[1:3]).all()
    assert not np.isnan(found[3]).any()


@pytest.mark.parametrize("gaps", [[], [6, 7, 15]])
def test_colouring_undoes_whitening(gaps):
    weeks = np.delete(np.arange(30), gaps)
    series = autoregression([0.8], (3, 30), seed=7)[0][:, weeks]
    whitening = fit_whitening(series, weeks)
    assert whitening.coefficients.shape == (3, ORDER)
    coloured = whitening.colour((whitening.innovations(series) + whitening.level)[:, None, :])
    np.testing.assert_allclose(coloured[:, 0], series, atol=1e-9)
