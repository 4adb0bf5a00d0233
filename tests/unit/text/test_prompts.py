import pandas as pd
import pytest

from stimmung.text.prompts import (
    Message,
    few_shot_messages,
    number_in_words,
    plain_text,
    prompts_table,
    survey_messages,
)
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.votes_schemas import PROMPTS

CODEBOOK = Codebook.model_validate(
    {
        "title": "t",
        "source": "s",
        "languages": ["en", "de"],
        "instruction": {"en": "One of: {options}.", "de": "Eine von: {options}."},
        "question": {"en": "Vote:", "de": "Wahl:"},
        "target": "vote",
        "items": {
            "gender": {
                "column": "g",
                "wording": {"en": "Gender", "de": "Geschlecht"},
                "options": [
                    {"code": 1, "label": {"en": "female", "de": "Frauen"}},
                    {"code": 2, "label": "male"},
                ],
                "missing": [
                    {"code": -9, "reason": "refused", "label": {"en": "no answer", "de": "keine Angabe"}},
                    {"code": -8, "reason": "filter"},
                ],
            },
            "age": {
                "column": "a",
                "wording": "Age",
                "scale": "numeric",
                "format": {"en": "{value} years", "de": "{value} Jahre"},
            },
            "vote": {
                "column": "v",
                "wording": "Vote",
                "options": [{"code": 1, "label": "CDU"}, {"code": 2, "label": "Grüne"}],
            },
        },
    }
)


def answers(**changes):
    return {"gender": "female", "gender.missing": None, "age": 44.0, "vote": "CDU", **changes}


def user(language="en", drop_items=(), **changes):
    return survey_messages(answers(**changes), CODEBOOK, language, drop_items)[1]["content"]


def test_items_stand_in_the_order_of_the_codebook_and_the_target_is_never_among_them():
    assert user() == "Gender: female\nAge: 44 years"
    assert "CDU" not in user()


def test_the_instruction_offers_all_options_in_every_language():
    assert survey_messages(answers(), CODEBOOK, "de")[0]["content"] == "Eine von: CDU, Grüne."


def test_umlauts_and_double_vowels_stay_as_they_are():
    assert user(language="de", gender="Frauen") == "Geschlecht: Frauen\nAge: 44 Jahre"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("refused", "Gender: no answer\nAge: 44 years"), ("filter", "Age: 44 years"), (None, "Age: 44 years")],
)
def test_a_missing_answer_is_worded_as_the_codebook_says_or_left_out(reason, expected):
    assert user(gender=pd.NA, **{"gender.missing": reason}) == expected


def test_a_dropped_item_leaves_no_trace():
    assert user(drop_items=["gender"], gender=pd.NA, **{"gender.missing": "refused"}) == "Age: 44 years"


@pytest.mark.parametrize(
    ("value", "shown"), [(44.0, "44"), (1.5, "1.5"), (1234567.0, "1234567"), (0.0, "0"), (-3.0, "-3")]
)
def test_numbers_are_written_in_full(value, shown):
    assert user(age=value).endswith(f"Age: {shown} years")


def test_plain_text_leaves_the_space_to_the_answer():
    text = plain_text(survey_messages(answers(), CODEBOOK, "en"), "Vote:")
    assert text == "One of: CDU, Grüne.\n\nGender: female\nAge: 44 years\nVote:"


def test_examples_stand_between_instruction_and_respondent():
    messages = few_shot_messages(
        survey_messages(answers(), CODEBOOK, "en"), [("Gender: male\nAge: 20 years", "Grüne")]
    )
    assert plain_text(messages, "Vote:") == (
        "One of: CDU, Grüne.\n\nGender: male\nAge: 20 years\nVote: Grüne\n\nGender: female\nAge: 44 years\nVote:"
    )


@pytest.mark.parametrize(
    ("value", "decimals", "said"),
    [
        (1.0, None, "1"),
        (-1.29617, None, "-1.29617"),
        (-1.29617, 1, "-1.3"),
        (-0.01, 1, "0.0"),
        (34.6, 0, "35"),
    ],
)
def test_a_number_has_as_many_digits_as_the_codebook_says(value, decimals, said):
    assert number_in_words(value, decimals) == said


def test_who_did_not_answer_has_a_prompt_and_no_target():
    respondents = pd.DataFrame({"respondent_id": ["a", "b"], "vote": pd.Categorical(["SPD", None])})
    turns = [[Message(role="user", content=name)] for name in ("one", "other")]
    table = PROMPTS.validate(prompts_table(respondents, "vote", turns, ["one", "other"]))
    assert table["target"].isna().tolist() == [False, True] and table["target"].iloc[0] == "SPD"
    assert table["text"].tolist() == ["one", "other"]
