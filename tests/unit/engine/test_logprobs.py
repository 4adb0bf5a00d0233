import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.engine.endpoint.logprobs import first_tokens

PARTIES = ("CDU", "SPD", "AfD", "Grüne", "Linke", "FDP", "andere Partei", "Nichtwähler")


def logs(**shown):
    return {token.replace("_", " "): math.log(value) for token, value in shown.items()}


def test_a_token_counts_for_the_one_option_that_begins_with_it_with_or_without_a_space():
    said = first_tokens(logs(_CD=0.5, CDU=0.2, Gr=0.1), PARTIES)
    assert math.exp(said.loglikelihoods[0]) == pytest.approx(0.7)
    assert math.exp(said.loglikelihoods[3]) == pytest.approx(0.1)
    assert said.unseen == [False, True, True, False, True, True, True, True]


def test_a_token_that_begins_two_options_is_halved_between_them_and_shows_neither():
    said = first_tokens(logs(_Lib=0.6, Lab=0.3), ("Liberal Democrats", "Libertarians", "Labour"))
    assert said.unseen == [True, True, False]
    assert said.seen_mass == pytest.approx(0.3)
    # What is left, .1, is halved too.
    assert [math.exp(score) for score in said.loglikelihoods] == pytest.approx([0.35, 0.35, 0.3])


def test_an_option_with_a_token_of_its_own_takes_no_part_of_a_shared_one():
    said = first_tokens(logs(C=0.3, CDU=0.5), ("CDU", "CSU"))
    assert said.unseen == [False, True]
    assert [math.exp(score) for score in said.loglikelihoods] == pytest.approx([0.5, 0.15 + 0.2])


def test_another_spelling_is_not_taken_for_the_option():
    said = first_tokens(logs(AFD=0.9), PARTIES)
    assert all(said.unseen) and said.seen_mass == 0


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["CD", " SPD", "Af", " Gr", "x", "Die", "F"]), st.floats(1e-6, 0.14), min_size=1
    )
)
def test_what_is_not_shown_is_never_0_and_never_more_than_it_can_be(shown):
    said = first_tokens({token: math.log(value) for token, value in shown.items()}, PARTIES)
    left = 1 - sum(shown.values())
    hidden = [
        math.exp(score) for score, unseen in zip(said.loglikelihoods, said.unseen, strict=True) if unseen
    ]
    assert all(0 < value <= min(shown.values()) + 1e-12 for value in hidden)
    assert sum(hidden) <= left + 1e-9
    assert said.seen_mass <= sum(shown.values()) + 1e-12
