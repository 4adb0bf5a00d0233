import numpy as np
import pandas as pd
import pytest

from stimmung.evaluation.series.series_steps import align_families, differences, is_constant, rolling_mean
from stimmung.vocabulary.errors import InputError
from tests.weekly_tables import posts_table, survey_table, week_labels


def test_a_gap_ends_the_rolling_mean_and_the_differences():
    series = np.array([1.0, 2.0, 4.0, np.nan, 3.0, 5.0, 7.0, 8.0])
    pandas = pd.Series(series)
    np.testing.assert_allclose(rolling_mean(series, 3), pandas.rolling(3).mean())
    np.testing.assert_allclose(differences(series), pandas.diff())
    assert np.isnan(differences(series)[[3, 4]]).all()


def test_more_weeks_in_the_window_than_there_are_leave_nothing():
    assert np.isnan(rolling_mean(np.ones((2, 3)), 4)).all()


def test_rounding_does_not_make_a_constant_series_vary():
    assert is_constant(np.full(10, 0.1) + np.array([0, 1e-17] * 5))
    assert not is_constant(np.array([0.1, 0.1 + 1e-6]))


def test_weeks_of_posts_meet_their_weeks_of_the_survey_and_gaps_stay_gaps():
    labels = week_labels(20)
    values = np.arange(20.0)
    posts = posts_table(values[None, 4:16], ["Happy"], labels[4:16]).drop(index=3)
    survey = survey_table(values[None] / 100, ["Happy"], labels)
    (family,) = align_families(posts, survey, max_lag_weeks=3)
    assert [f"{day:%Y-%m-%d}" for day in family.weeks] == labels[1:19]
    np.testing.assert_allclose(family.survey[0] * 100, values[1:19])
    expected = np.full(18, np.nan)
    expected[3:15] = values[4:16]
    expected[6] = np.nan
    np.testing.assert_allclose(family.posts[0], expected)


def test_seeds_are_averaged():
    labels = week_labels(12)
    one = posts_table(np.zeros((1, 12)), ["Happy"], labels)
    other = posts_table(np.ones((1, 12)), ["Happy"], labels)
    survey = survey_table(np.linspace(0, 1, 12)[None], ["Happy"], labels)
    (family,) = align_families(pd.concat([one, other]), survey, max_lag_weeks=0)
    assert (family.posts == 0.5).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, s: (p.assign(week="soon"), s), "a value that is not a date"),
        (
            lambda p, s: (p, s.assign(week=(pd.to_datetime(s["week"]) + pd.Timedelta(days=1)))),
            "different days",
        ),
        (lambda p, s: (p, s.assign(option="Sad")), "no option 'Happy'"),
        (lambda p, s: (p, s.assign(question="attitude")), "not in the survey"),
    ],
)
def test_tables_that_do_not_fit_are_refused_in_one_line(change, message):
    labels = week_labels(34)
    random = np.random.default_rng(1)
    posts = posts_table(random.random((1, 34)), ["Happy"], labels)
    survey = survey_table(random.random((1, 34)), ["Happy"], labels)
    with pytest.raises(InputError, match=message):
        list(align_families(*change(posts, survey), max_lag_weeks=8))
