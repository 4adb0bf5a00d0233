import copy
import re
from pathlib import Path

import pytest

from stimmung.study.reading import load_codebook, validated
from stimmung.vocabulary.answer_options import AnswerOption, MissingCode, MissingReason, in_language
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.select_all import NoneOption, SelectAll, SelectedOption
from stimmung.vocabulary.survey_item import SurveyItem

ROOT = Path(__file__).parents[3]
BOOK = {
    "title": "t",
    "source": "s",
    "languages": ["de", "en"],
    "instruction": {"de": "Eine von: {options}.", "en": "One of: {options}."},
    "question": {"de": "Wahl:", "en": "Vote:"},
    "target": "vote",
    "items": {
        "gender": {
            "column": "sex",
            "wording": {"de": "Geschlecht", "en": "Gender"},
            "options": [
                {"code": 1, "label": {"de": "Mann", "en": "man"}},
                {"code": 2, "label": {"de": "Frau", "en": "woman"}},
            ],
            "missing": [{"code": -9, "reason": "refused"}],
        },
        "age": {"column": "age", "wording": "Age", "scale": "numeric"},
        "vote": {
            "column": "v",
            "wording": "Vote",
            "options": [{"code": 1, "label": "SPD"}, {"code": 2, "label": "CDU"}],
        },
    },
}


@pytest.fixture
def book():
    return copy.deepcopy(BOOK)


def told(content):
    with pytest.raises(InputError) as error:
        validated(Codebook, content, "a codebook")
    return error.value.what


@pytest.mark.parametrize("path", sorted((ROOT / "codebooks").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_codebooks_of_this_repository_are_valid_and_name_their_source(path):
    codebook = load_codebook(path)
    assert codebook.source and codebook.predictors
    for language in codebook.languages:
        asked = in_language(codebook.instruction, language) + in_language(codebook.question, language)
        assert re.search("{options}|{option_list}", asked)
        # A question that ends in a space would split the answer's first token from its space.
        assert in_language(codebook.question, language) == in_language(codebook.question, language).strip()


def test_words_are_given_in_the_language_that_is_asked_for(book):
    codebook = validated(Codebook, book, "a codebook")
    assert codebook.items["gender"].labels("de") == ["Mann", "Frau"]
    assert codebook.items["gender"].labels("en") == ["man", "woman"]
    assert in_language("Age", "de") == "Age"
    assert codebook.target_labels("en") == ["SPD", "CDU"]
    assert codebook.predictors == ["gender", "age"]


def test_the_target_must_be_an_item_with_options(book):
    assert "target 'party' is not among the items" in told({**book, "target": "party"})
    assert "target 'age' is numeric" in told({**book, "target": "age"})


def test_a_wording_that_a_language_lacks_is_named(book):
    del book["items"]["gender"]["options"][1]["label"]["en"]
    assert "items.gender option 2 has no wording in 'en'" in told(book)


def test_options_that_read_alike_are_refused(book):
    book["items"]["vote"]["options"][1]["label"] = "SPD"
    assert "items.vote: two options have the same wording" in told(book)


def test_a_code_means_one_thing(book):
    book["items"]["gender"]["missing"][0]["code"] = 1
    assert "items.gender: code 1 is listed twice" in told(book)


@pytest.mark.parametrize("other", ["1", 1.0, "1.0", " 1"])
def test_fault_t_a_code_is_the_same_as_text_and_as_number(book, other):
    book["items"]["gender"]["options"][1]["code"] = other
    assert "items.gender: code 1 is listed twice" in told(book)
    book["items"]["gender"]["options"][1]["code"] = "01"  # another code, as in a csv
    assert validated(Codebook, book, "a codebook")


@pytest.mark.parametrize(
    ("place", "text", "message"),
    [
        (
            ["instruction"],
            "One of: {option}.",
            "instruction: nothing replaces '{option}' (did you mean 'options'?)",
        ),
        (["items", "age", "format"], "{valeu} years", "items.age.format: nothing replaces '{valeu}'"),
        (["items", "age", "persona"], "I am {anser}.", "items.age.persona: nothing replaces '{anser}'"),
    ],
)
def test_fault_ak_a_placeholder_that_nothing_replaces_is_told(book, place, text, message):
    inner = book
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = text
    assert message in told(book)


@pytest.mark.parametrize(("label", "message"), [(True, "an unquoted yes"), (5, "5 as a number")])
def test_fault_am_a_label_that_yaml_took_for_something_else_is_told_in_one_sentence(book, label, message):
    book["items"]["vote"]["options"][0]["label"] = label
    said = told(book)
    assert f"items.vote.options.0.label: YAML reads {message}" in said
    assert "Input should be" not in said and "put it in quotes" in said


@pytest.mark.parametrize(("scale", "options"), [("numeric", 2), ("ordinal", 1), ("nominal", 0)])
def test_scale_and_options_must_agree(book, scale, options):
    item = book["items"]["gender"]
    item["scale"], item["options"] = scale, item["options"][:options]
    assert told(book).startswith("a codebook: items.gender: ")


def test_a_misspelt_key_and_an_unknown_reason_are_told(book):
    book["items"]["age"]["colum"] = "x"
    book["items"]["gender"]["missing"][0]["reason"] = "secret"
    message = told(book)
    assert "unknown key 'items.age.colum' (did you mean 'column'?)" in message
    assert "items.gender.missing.0.reason" in message and "'refused'" in message


def test_an_option_needs_a_code_or_a_condition_and_a_missing_code_one_of_two(book):
    del book["items"]["gender"]["options"][0]["code"]
    assert "items.gender.options.0: needs a 'code' or a 'when'" in told(book)


def test_a_code_that_yaml_took_for_a_switch_is_told(book):
    book["items"]["vote"]["options"][0]["code"] = False
    assert "put it in quotes" in told(book)


def test_two_wordings_of_one_reason_are_refused(book):
    book["items"]["gender"]["missing"] = [
        {"code": -98, "reason": "refused", "label": {"de": "verweigert", "en": "refused"}},
        {"code": -99, "reason": "refused", "label": {"de": "keine Angabe", "en": "no answer"}},
    ]
    assert "items.gender: missing: the reason 'refused' has two wordings" in told(book)


def test_what_is_part_of_a_dropped_item_leaves_with_it(book):
    book["items"]["age"]["part_of"] = "gender"
    codebook = validated(Codebook, book, "a codebook")
    assert codebook.predictors_without(["gender"]) == []
    assert codebook.predictors_without(["age"]) == ["gender"]
    book["items"]["age"]["part_of"] = "sex"
    assert "items.age.part_of: no item 'sex'" in told(book)


def test_an_item_for_conditions_only_is_no_predictor(book):
    book["items"]["age"]["predictor"] = False
    assert validated(Codebook, book, "a codebook").predictors == ["gender"]


def test_every_key_of_a_codebook_is_explained():
    page = (ROOT / "docs/codebooks.md").read_text(encoding="utf-8")
    for model in (Codebook, SurveyItem, AnswerOption, MissingCode, SelectAll, SelectedOption, NoneOption):
        for key in model.model_fields:
            assert f"`{key}`" in page or f"{key}:" in page or f"`{key}: " in page, key
    assert all(f"`{reason}`" in page for reason in MissingReason)


def test_fault_n_codes_of_many_digits_that_differ_in_the_last_are_two():
    options = [
        {"code": -999_999_999_999_999_999, "label": "a"},
        {"code": "-1000000000000000000", "label": "b"},
    ]
    item = {"column": "v", "wording": "v", "options": options}
    assert len(SurveyItem.model_validate(item).options) == 2
