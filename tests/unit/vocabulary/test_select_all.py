"""A select-all item is an item of yes or no for each option, which one names together or alone."""

import copy

import pytest

from stimmung.study.reading import validated
from stimmung.text.prompts import survey_messages
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.view import View

BOOK = {
    "title": "t",
    "source": "s",
    "languages": ["en", "de"],
    "instruction": "Answer as this person would.",
    "question": "{wording} ({options}):",
    "target": "vote",
    "items": {
        "media": {
            "wording": {"en": "News from", "de": "Nachrichten aus"},
            "select_all": [
                {"column": "TV", "label": {"en": "television", "de": "dem Fernsehen"}},
                {"column": "RADIO", "label": {"en": "the radio", "de": "dem Radio"}, "name": "radio"},
                {"column": "WEB", "label": "the internet"},
            ],
            "none": {"column": "NONE", "label": {"en": "none of these", "de": "nichts davon"}},
            "chosen": {"code": 1, "label": {"en": "yes", "de": "ja"}},
            "not_chosen": {"code": [0, 2], "label": {"en": "no", "de": "nein"}},
            "missing": [{"code": 9, "reason": "refused", "label": "refused"}],
        },
        "trust": {
            "column": "TRUST",
            "wording": "Trust",
            "scale": "numeric",
            "range": [0, 3],
            "part_of": "media",
        },
        "vote": {
            "column": "V",
            "wording": "Vote",
            "options": [{"code": 1, "label": "Red"}, {"code": 2, "label": "Blue"}],
        },
    },
}
MEMBERS = ["media.television", "media.radio", "media.the-internet"]


def book(**changes):
    content = copy.deepcopy(BOOK)
    content["items"]["media"] |= changes
    return content


@pytest.fixture
def words():
    return Codebook.model_validate(BOOK)


def test_each_option_is_an_item_in_the_place_of_the_whole_and_is_asked_for_by_both_names(words):
    assert list(words.items) == [*MEMBERS, "media.none", "trust", "vote"]
    assert words.members("media") == words.targets_of(["media", MEMBERS[1]]) == MEMBERS
    own = View(item=MEMBERS[1], others=[MEMBERS[0], MEMBERS[2]]).of(words)
    assert own.question_in("de") == "Nachrichten aus - dem Radio (nein, ja):"
    assert Codebook.model_validate(words.model_dump()) == words, "an expanded codebook is one"


def test_an_option_never_sees_the_others_nor_what_is_part_of_the_item_and_the_item_leaves_as_a_whole(words):
    assert words.predictors == [*MEMBERS, "trust"] and words.predictors_without(["media"]) == []
    for item in MEMBERS:
        assert View(item=item, others=["vote"]).of(words).predictors == ["vote"]
    content = book()
    content["gives_away"] = {"vote": ["media"]}
    both = Codebook.model_validate(content)
    assert both.predictors == [] and both.with_target(MEMBERS[0]).predictors == []


PROMPTS = {
    ("yes", "no", "yes"): "News from: television, the internet",
    ("no", "no", "no"): "News from: none of these",
    ("yes", None, "no"): "News from: television",
    ("no", None, "no"): "",
    (None, None, None): "News from: refused",
}


@pytest.mark.parametrize("given", PROMPTS)
def test_a_prompt_names_what_was_chosen_and_nothing_that_is_not_known(words, given):
    answers = dict(zip(MEMBERS, given, strict=True)) | {"trust": None}
    answers |= {
        f"{name}.missing": None if said else "refused" for name, said in zip(MEMBERS, given, strict=True)
    }
    assert survey_messages(answers, words, "en")[1]["content"] == PROMPTS[given]


def test_what_is_wrong_with_a_select_all_item_is_told_with_its_place():
    def told(content):
        with pytest.raises(InputError) as error:
            validated(Codebook, content, "a codebook")
        return error.value.what

    assert told(book(nothing_chose="none")).startswith(
        "a codebook: unknown key 'select_all.media.nothing_chose' (did you mean"
    )
    assert "select_all.media wording has no wording in 'de'" not in told(book(wording={"en": "News from"}))
    assert "select_all.media has no wording in 'de'" in told(book(wording={"en": "News from"}))
    assert "option_wording: nothing replaces '{opt}'" in told(book(option_wording="{wording} {opt}"))
    twice = [{"column": "A", "label": "TV"}, {"column": "B", "label": "tv"}]
    assert "the option 'tv' needs a `name` of its own" in told(book(select_all=twice))
    # They would be asked alike, and results by the options' words would have one in place of the other.
    alike = [{"column": "A", "label": "TV"}, {"column": "B", "label": "TV", "name": "cable"}]
    assert "select_all.media: two options have the same wording in 'en'" in told(book(select_all=alike))
    assert "select_all.media: two options have the same wording" in told(
        book(none={"label": alike[0]["label"]}, select_all=[alike[0], {"column": "B", "label": "radio"}])
    )
    content = book()
    content["target"] = "media"
    assert "target 'media' is select-all; name one of its options, such as 'media.television'" in told(
        content
    )
