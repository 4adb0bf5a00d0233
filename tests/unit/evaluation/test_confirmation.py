import numpy as np
import pytest

from stimmung.evaluation.series.confirmation import confirm_lags, one_sided
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.moods_schemas import CONFIRMATIONS
from tests.weekly_tables import autoregression, posts_table, survey_table, week_labels

OPTIONS = ["Bored", "Happy", "Sad"]
LABELS = week_labels(50)


def tables(lag=2, seed=1, weeks=34):
    """Posts of week t hold the mood that the survey shows in week t + lag."""
    mood = autoregression([0.6], (3, 50), seed)[0]
    survey = 0.3 + 0.05 * (mood + 0.2 * np.random.default_rng(seed).standard_normal(mood.shape))
    return (
        posts_table(mood[:, 8 + lag : 8 + lag + weeks], OPTIONS, LABELS[8 : 8 + weeks]),
        survey_table(survey, OPTIONS, LABELS),
    )


@pytest.mark.parametrize("lag", [-2, 0, 3])
def test_a_true_lag_is_found_and_confirmed(lag):
    table = CONFIRMATIONS.validate(confirm_lags(*tables(lag)))
    assert table["lag_weeks"].tolist() == [lag] * 3
    assert (table["p_adjusted"] < 0.01).all()
    assert (table["r_confirmed"] > 0.5).all()


def test_what_is_found_depends_on_the_first_part_only():
    posts, survey = tables()
    late = posts["week"] >= LABELS[8 + 17]
    later = posts.assign(value=posts["value"].where(~late, -(posts["value"] ** 3)))
    before, after = confirm_lags(posts, survey), confirm_lags(later, survey)
    columns = ["lag_weeks", "r_found", "n_found"]
    assert before[columns].equals(after[columns])
    assert not before["r_confirmed"].equals(after["r_confirmed"])


def test_the_lag_that_was_searched_for_does_not_make_its_own_confirmation():
    p = []
    for seed in range(60):
        posts = posts_table(autoregression([0.8], (3, 34), seed)[0], OPTIONS, LABELS[8:42])
        survey = survey_table(0.3 + 0.01 * autoregression([0.8], (3, 50), 1000 + seed)[0], OPTIONS, LABELS)
        p += confirm_lags(posts, survey)["p_confirmed"].tolist()
    assert np.mean(np.array(p) < 0.05) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 180)
    assert 0.4 < np.mean(p) < 0.6


def test_an_opposite_sign_is_no_confirmation():
    assert one_sided(0.02, True) == 0.01
    assert one_sided(0.02, False) == 0.99


def test_short_parts_search_fewer_lags_and_very_short_ones_are_refused():
    assert (confirm_lags(*tables(weeks=16))["max_lag_weeks"] == 3).all()
    with pytest.raises(InputError, match="too few to confirm"):
        confirm_lags(*tables(weeks=10))
