import re

import numpy as np
import pandas as pd
import pytest

from stimmung.data.simulate.mood_sentences import MOODS, mood_interview, mood_sentences
from stimmung.data.simulate.simulated_panel import latent_mood, simulate_week, tracker_table, truth_table
from stimmung.vocabulary.moods_schemas import SIGNALS, TRACKER
from stimmung.vocabulary.weeks import Weeks

WEEKS = Weeks(first="2019-11-07", last="2020-02-20", anchor="THU", time_zone="Europe/London")


def simulate(weeks=WEEKS, labels=None, **changes):
    chosen = {"posts_per_week": 200, "n_respondents": 2000, "seed": 1, **changes}
    return [simulate_week(weeks, label, **chosen) for label in labels or weeks.labels()]


def test_everything_follows_from_the_seed_and_a_longer_panel_begins_like_a_shorter_one():
    longer = Weeks(first="2019-11-07", last="2020-02-27", anchor="THU", time_zone="Europe/London")
    for one, other in zip(simulate(), simulate(longer), strict=False):
        pd.testing.assert_frame_equal(one.posts, other.posts)
        assert np.array_equal(one.survey, other.survey) and np.array_equal(one.mood, other.mood)
    assert not np.array_equal(simulate(seed=2)[0].mood, simulate()[0].mood)


def test_posts_lie_in_the_days_of_their_week():
    weeks = WEEKS.model_copy(update={"shift_days": -3})
    for week in simulate(weeks, weeks.labels()[:3]):
        days = pd.to_datetime(week.posts["time"]).dt.tz_convert("Europe/London").dt.date
        assert {weeks.label_of_posts(day) for day in days} == {week.label}


def test_the_survey_has_the_expected_share_and_the_noise_of_its_sample():
    weeks = simulate(posts_per_week=1)
    mood = np.array([week.mood for week in weeks])
    expected = 1 - (1 - mood) ** 3
    noise = (np.array([week.survey for week in weeks]) - expected) / np.sqrt(expected * (1 - expected) / 2000)
    assert 0.85 < noise.std() < 1.15 and abs(noise.mean()) < 0.2


def test_the_posts_express_the_latent_mood():
    week = simulate(labels=WEEKS.labels()[:1], posts_per_week=20_000)[0]
    lower = week.posts["text"].str.lower()
    counts = np.array([lower.str.contains(rf"\b{mood.lower()}\b").sum() for mood in MOODS])
    assert np.abs(counts / counts.sum() - week.mood).max() < 0.015


def test_the_mood_moves_enough_to_be_found_and_slowly_enough_to_be_a_mood():
    mood = np.log(latent_mood(400, 3))
    mood = mood - mood.mean(axis=1, keepdims=True)
    persistence = [np.corrcoef(series[1:], series[:-1])[0, 1] for series in mood.T]
    assert 0.6 < np.mean(persistence) < 0.8
    assert latent_mood(16, 1).std(axis=0).min() > 0.01


def test_tables_are_valid_and_the_tracker_follows_the_truth():
    weeks = simulate(posts_per_week=1)
    tracker = TRACKER.validate(tracker_table(weeks, 2000)).pivot(
        index="week", columns="option", values="share"
    )
    truth = SIGNALS.validate(truth_table(weeks)).pivot(index="week", columns="option", values="value")
    assert list(tracker.index) == WEEKS.labels()
    assert tracker.corrwith(truth).min() > 0.95


@pytest.mark.parametrize("mood", MOODS)
def test_sentences_name_their_own_mood_or_none(mood):
    rng = np.random.default_rng(0)
    sentences = [mood_sentences(rng, mood) for _ in range(300)]
    words = [set(re.findall(r"\w+", sentence.lower())) for sentence in sentences]
    named = [{other for other in MOODS if other.lower() in found} for found in words]
    assert set().union(*named) <= {mood}
    assert 0.5 < sum(mood.lower() in sentence.lower() for sentence in sentences) / 300 < 0.9
    assert len(set(sentences)) > 100
    assert f"{mood.lower()}, " in mood_interview(rng, mood, "How?").lower().split("how? ")[1]
