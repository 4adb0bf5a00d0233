import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.evaluation.series.dcca import detrended_by_lag, detrended_correlation
from tests.weekly_tables import autoregression


def by_hand(x, y, window_weeks, order):
    """Moments of profiles summed over the whole series, a polynomial fitted in each overlapping window."""
    profiles = np.cumsum(x), np.cumsum(y)
    moments = np.zeros(3)
    for start in range(len(x) - window_weeks):
        points = np.arange(start, start + window_weeks + 1)
        left, right = (
            side[points] - np.polyval(np.polyfit(points, side[points], order), points) for side in profiles
        )
        moments += left @ right, left @ left, right @ right
    return moments


def coefficient(moments):
    return moments[0] / np.sqrt(moments[1] * moments[2])


@pytest.mark.parametrize(("window_weeks", "order"), [(12, 1), (4, 0), (20, 2)])
def test_the_coefficient_is_the_one_computed_by_hand(window_weeks, order):
    x, y = autoregression([0.8], (2, 34), seed=1)[0]
    assert detrended_correlation(x, y, window_weeks, order) == pytest.approx(
        coefficient(by_hand(x, y, window_weeks, order))
    )


@given(scale=st.floats(0.01, 100), shift=st.floats(-50, 50))
@settings(max_examples=10, deadline=None)
def test_a_series_goes_fully_with_itself_and_against_its_mirror_image(scale, shift):
    x = autoregression([0.5], (34,), seed=2)[0]
    assert detrended_correlation(x, scale * x + shift) == pytest.approx(1)
    assert detrended_correlation(x, -scale * x + shift) == pytest.approx(-1)


def test_a_window_with_a_missing_week_is_left_out():
    x, y = autoregression([0.5], (2, 40), seed=3)[0]
    x[0] = np.nan
    assert detrended_correlation(x, y) == pytest.approx(coefficient(by_hand(x[1:], y[1:], 12, 1)))
    x[20] = np.nan
    whole = by_hand(x[1:20], y[1:20], 12, 1) + by_hand(x[21:], y[21:], 12, 1)
    assert detrended_correlation(x, y) == pytest.approx(coefficient(whole))


def test_series_too_short_or_constant_have_no_coefficient():
    x = autoregression([0.5], (30,), seed=4)[0]
    assert np.isnan(detrended_correlation(x[:12], x[:12]))
    assert np.isnan(detrended_correlation(x, np.full(30, 0.3)))


def test_lags_have_the_sign_of_all_others():
    mood = autoregression([0.5], (50,), seed=5)[0]
    assert detrended_by_lag(mood[5:45], mood[3:43], 4).argmax() - 4 == 2
