import numpy as np
import pandas as pd
import pytest

from stimmung.data.surveys.hidden_answers import gave_all, shown_answers
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.not_asked import NotAsked

YEARS, YES_NO = ["1996", "1998"], ["yes", "no"]


def respondents():
    return pd.DataFrame(
        {
            "respondent_id": list("abcd"),
            "year": pd.Categorical(["1996", "1998", "1996", None], YEARS),
            "rape": pd.Categorical(["yes", "no", None, "no"], YES_NO),
            "rape.missing": pd.Categorical([None, None, "refused", None], ["refused"]),
            "poor": pd.Categorical(["no", "no", "yes", "yes"], YES_NO),
            "age": [20.0, 30.0, 40.0, 50.0],
        }
    )


def test_who_was_not_asked_shows_neither_the_answer_nor_why_it_is_missing():
    shown = shown_answers(respondents(), NotAsked(items=["rape", "age"], among={"year": ["1996"]}), "poor")
    assert shown.rape.isna().tolist() == [True, False, True, False] and shown["rape.missing"].isna().all()
    assert np.isnan(shown.age).tolist() == [True, False, True, False]
    assert shown.poor.equals(respondents().poor) and shown.rape.dtype == respondents().rape.dtype


def test_an_item_that_nobody_was_asked_is_hidden_from_all_and_its_own_answers_stay_to_be_predicted():
    unasked = NotAsked(items=["rape"])
    assert shown_answers(respondents(), unasked, "poor").rape.isna().all()
    pd.testing.assert_frame_equal(shown_answers(respondents(), unasked, "rape"), respondents())
    assert shown_answers(table := respondents(), None, "poor") is table


def test_respondents_are_chosen_by_every_item_and_unknown_ones_are_named():
    table = respondents()
    assert gave_all(table, {"year": YEARS, "poor": ["no"]}, "here").tolist() == [True, True, False, False]
    for answers, told in (
        ({"yaer": ["1996"]}, "here: no item 'yaer' (did you mean 'year'?)"),
        ({"year": ["1997"]}, "here: item 'year' has no answer '1997'"),
        ({"age": ["20"]}, "'age' is numeric"),
    ):
        with pytest.raises(InputError) as error:
            gave_all(table, answers, "here")
        assert told in error.value.what
