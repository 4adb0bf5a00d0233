import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap, optimal_block_length

from stimmung.evaluation.series.bootstrap import block_length, bootstrap_interval, resampled_counts
from tests.weekly_tables import autoregression


def test_the_interval_is_the_one_that_arch_computes():
    posts, survey = autoregression([0.6], (2, 40), seed=1)[0]
    block = max(optimal_block_length(side)["stationary"].iloc[0] for side in (posts, survey))
    assert block_length(posts, survey) == pytest.approx(max(block, 1))

    def correlation(x, y):
        return np.array([np.corrcoef(x, y)[0, 1]])

    bootstrap = StationaryBootstrap(block, posts, survey, seed=np.random.default_rng(5))
    expected = bootstrap.conf_int(correlation, reps=300, method="percentile")
    low, high = bootstrap_interval(posts, survey, 0, 300, seed=5)
    np.testing.assert_allclose([low[0], high[0]], expected[:, 0], atol=1e-9)


def test_the_interval_at_a_lag_is_that_of_the_shifted_survey():
    mood = autoregression([0.6], (44,), seed=2)[0]
    noise = 0.5 * np.random.default_rng(3).standard_normal(44)
    posts = np.full(44, np.nan)
    posts[2:42] = mood[2:42] + noise[2:42]
    low, high = bootstrap_interval(posts, mood, 2, 300, seed=5)
    shifted_low, shifted_high = bootstrap_interval(posts[2:42], mood[4:44], 0, 300, seed=5)
    # The block's length differs a little, since four more survey weeks are known.
    assert (low[4], high[4]) == pytest.approx((shifted_low[0], shifted_high[0]), abs=0.1)
    assert low.argmax() == 2


def test_every_resample_has_as_many_weeks():
    counts = resampled_counts(4.0, 30, 50, seed=1)
    assert (counts.sum(axis=1) == 30).all()
    np.testing.assert_array_equal(counts, resampled_counts(4.0, 30, 50, seed=1))


def test_gaps_are_left_out_and_constant_series_have_no_interval():
    posts, survey = autoregression([0.5], (2, 40), seed=4)[0]
    posts[10] = np.nan
    low, high = bootstrap_interval(posts, survey, 3, 200, seed=1)
    assert (low < high).all()
    assert np.isnan(bootstrap_interval(np.full(40, 0.2), survey, 3, 200, seed=1)).all()


@pytest.mark.parametrize("n_weeks", range(5, 13))
def test_series_of_a_few_weeks_have_blocks_and_no_warning(n_weeks, recwarn):
    posts, survey = np.random.default_rng(n_weeks).standard_normal((2, n_weeks))
    assert 1 <= block_length(posts, survey) < n_weeks
    low, high = bootstrap_interval(posts, survey, 0, 50, seed=0)
    assert low[0] <= high[0] and not list(recwarn)
