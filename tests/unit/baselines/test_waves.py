import numpy as np
import pandas as pd
import pytest

from stimmung.baselines.waves import last_value, told, trend
from stimmung.vocabulary.errors import InputError

OPTIONS = ["yes", "no", "never"]
YEARS = ["1990", "1992", "1996", "1998", "2004"]


def rows(years, answers=None, weight=1.0, labels=YEARS):
    answers = ["yes"] * len(years) if answers is None else answers
    return pd.DataFrame(
        {
            "year": pd.Categorical(years, labels, ordered=True),
            "vote": pd.Categorical(answers, OPTIONS),
            "weight": np.broadcast_to(weight, len(years)).astype(float),
        }
    )


def sample(n=600, seed=1):
    rng = np.random.default_rng(seed)
    years = rng.choice(["1990", "1992", "2004"], n, p=[0.5, 0.3, 0.2])
    answers = np.where(rng.random(n) < (years.astype(int) - 1970) / 60, "yes", rng.choice(["no", "never"], n))
    return rows(years, answers, rng.uniform(0.5, 2, n))


def test_the_trend_is_the_weighted_line_through_the_respondents():
    train = sample()
    x = train.year.astype(int)
    predicted = trend(train, rows(["1996", "1998", None]), "vote", OPTIONS, "year")
    for place, option in enumerate(OPTIONS):
        slope, level = np.polyfit(x, (train.vote == option).astype(float), 1, w=np.sqrt(train.weight))
        assert predicted[:2, place] == pytest.approx([level + slope * 1996, level + slope * 1998])
        mean = np.average(train.vote == option, weights=train.weight)
        assert predicted[2, place] == pytest.approx(mean)


def test_a_trend_beyond_every_share_is_cut_and_sums_to_one():
    train = rows(["1990"] * 10 + ["1992"] * 10, ["yes"] * 5 + ["no"] * 5 + ["yes"] * 9 + ["no"])
    assert trend(train, rows(["2004"]), "vote", OPTIONS, "year").tolist() == [[1, 0, 0]]
    # One wave has no slope.
    assert trend(train[:10], rows(["2004"]), "vote", OPTIONS, "year").tolist() == [[0.5, 0.5, 0]]


def test_the_last_value_is_of_the_wave_before_and_of_the_first_where_there_is_none():
    train = rows(["1992"] * 4 + ["1998"] * 2, ["yes", "no", "no", "no", "never", "yes"], [3, 1, 1, 1, 1, 1])
    predicted = last_value(train, test := rows(["1990", "1996", "1998", "2004"]), "vote", OPTIONS, "year")
    early, late = [0.5, 0.5, 0], [0.5, 0, 0.5]
    assert predicted.tolist() == [early, early, early, late]
    assert told(train, test, "year") == [
        "1990 from 1992",
        "1996 from 1992",
        "1998 from 1992",
        "2004 from 1998",
    ]


def test_waves_that_are_no_numbers_are_in_the_order_of_the_codebook():
    labels = ["before the war", "in the war", "after"]
    train = rows([labels[0]] * 2 + [labels[1]] * 2, ["yes", "no", "yes", "yes"], labels=labels)
    assert trend(train, rows([labels[2]], labels=labels), "vote", OPTIONS, "year")[0, 0] == 1
    with pytest.raises(InputError, match="no training row has an answer to 'year'"):
        trend(rows([None]), rows(["1990"]), "vote", OPTIONS, "year")
