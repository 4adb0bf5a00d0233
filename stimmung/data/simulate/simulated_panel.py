"""A simulated panel: weekly posts, a survey with sampling noise, and the known mood behind both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.data.simulate.mood_sentences import MOODS, mood_sentences, off_topic_sentence
from stimmung.vocabulary.weeks import DAYS_IN_WEEK, Weeks

QUESTION = "mood"
PERSISTENCE = 0.7  # of the latent mood from week to week
SPREAD = 0.8  # standard deviation of a mood's log-odds over the weeks
MOODS_PER_RESPONDENT = 3
OFF_TOPIC_SHARE = 0.2
RETWEET_SHARE = 0.02
POSTS_PER_AUTHOR = 5
_MOOD, _POSTS, _SURVEY = range(3)

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SimulatedWeek:
    """One week of a simulated panel; ``mood`` and ``survey`` have a share for each of ``MOODS``, shape (12,)."""

    label: str
    # As from a platform, in order of time: time (ISO 8601, UTC), author, text with mentions, links and hashtags.
    posts: pd.DataFrame
    mood: Shares  # the latent mood: expected shares among posts that express a mood, sum 1
    survey: Shares  # of respondents who chose the mood


def simulate_week(
    weeks: Weeks, label: str, *, posts_per_week: int, n_respondents: int, seed: int
) -> SimulatedWeek:
    """Simulate one week, which does not depend on the number of weeks.

    Each post expresses a mood drawn from the latent mood of its week. Each respondent draws three moods from it and chooses
    those, so that a mood with the latent share m is chosen with probability 1 - (1 - m)^3, and the observed share has the
    noise of a sample of ``n_respondents``. The posts include retweets and some that express no mood.
    """
    place = weeks.labels().index(label)
    mood = latent_mood(place + 1, seed)[place]
    posts = _posts(weeks, label, mood, posts_per_week, np.random.default_rng([seed, _POSTS, place]))
    rng = np.random.default_rng([seed, _SURVEY, place])
    drawn = rng.choice(len(MOODS), size=(n_respondents, MOODS_PER_RESPONDENT), p=mood)
    chosen = np.zeros((n_respondents, len(MOODS)), bool)
    chosen[np.arange(n_respondents)[:, None], drawn] = True
    return SimulatedWeek(label, posts, mood, chosen.mean(axis=0))


def latent_mood(n_weeks: int, seed: int) -> Shares:
    """Return the latent mood of the first weeks, shape (n_weeks, 12), rows sum to 1.

    The log-odds of each mood follow a stationary AR(1) around a random level.
    """
    level = np.random.default_rng([seed, _MOOD]).normal(0, SPREAD / 4, len(MOODS))
    deviation = np.zeros(len(MOODS))
    rows = []
    for week in range(n_weeks):
        # A generator for each week, so that a longer panel begins like a shorter one.
        shock = np.random.default_rng([seed, _MOOD, week + 1]).standard_normal(len(MOODS))
        weight = np.sqrt(1 - PERSISTENCE**2) if week else 1.0
        deviation = PERSISTENCE * deviation + weight * shock
        rows.append(np.exp(level + SPREAD * deviation))
    odds = np.array(rows)
    shares: Shares = odds / odds.sum(axis=1, keepdims=True)
    return shares


def tracker_table(weeks: Sequence[SimulatedWeek], n_respondents: int) -> pd.DataFrame:
    """Return the simulated survey as a tracker table: columns week, question, option, share (0 to 1) and n (respondents)."""
    table = _long(weeks, "share", [week.survey for week in weeks])
    return table.assign(question=QUESTION, n=float(n_respondents))[
        ["week", "question", "option", "share", "n"]
    ]


def truth_table(weeks: Sequence[SimulatedWeek]) -> pd.DataFrame:
    """Return the latent mood as a table of signals, under the name 'latent': columns week, signal, option, value and n (posts)."""
    n_posts = np.repeat([float(len(week.posts)) for week in weeks], len(MOODS))
    table = _long(weeks, "value", [week.mood for week in weeks])
    return table.assign(signal="latent", n=n_posts)[["week", "signal", "option", "value", "n"]]


def _long(weeks: Sequence[SimulatedWeek], value: str, shares: Sequence[Shares]) -> pd.DataFrame:
    labels = np.repeat([week.label for week in weeks], len(MOODS))
    return pd.DataFrame({"week": labels, "option": [*MOODS] * len(weeks), value: np.concatenate(shares)})


def _posts(weeks: Weeks, label: str, mood: Shares, n_posts: int, rng: np.random.Generator) -> pd.DataFrame:
    start = pd.Timestamp(weeks.days(label)[0], tz=weeks.time_zone)
    end = pd.Timestamp(weeks.days(label)[0] + pd.Timedelta(days=DAYS_IN_WEEK), tz=weeks.time_zone)
    seconds = np.sort(rng.integers(0, int((end - start).total_seconds()), n_posts))
    times = start.tz_convert("UTC") + pd.to_timedelta(seconds, unit="s")
    authors = rng.integers(0, max(1, n_posts // POSTS_PER_AUTHOR), n_posts)
    moods = rng.choice(len(MOODS), size=n_posts, p=mood)
    return pd.DataFrame(
        {
            "time": times.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "author": [f"author-{number}" for number in authors],
            "text": [_post(rng, MOODS[place]) for place in moods],
        }
    )


def _post(rng: np.random.Generator, mood: str) -> str:
    text = off_topic_sentence(rng) if rng.random() < OFF_TOPIC_SHARE else mood_sentences(rng, mood)
    decoration = rng.random()
    if decoration < RETWEET_SHARE:
        return f"RT @somebody: {text}"
    if decoration < 0.1:
        return f"@friend{rng.integers(100)} {text}"
    if decoration < 0.15:
        return f"{text} https://example.org/{rng.integers(10**6)}"
    return f"{text} #monday" if decoration < 0.18 else text
