import pytest
from pydantic import ValidationError

from stimmung.text.prompts import plain_text, survey_messages
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.groups import Groups, words_of_groups
from tests.workflow.workspace import CODEBOOK

TWO = [{"code": 1, "label": "one"}, {"code": 2, "label": "two"}]
MORE = {
    "place": {"column": "PLACE", "wording": "Place", "options": TWO},
    "party_group": {"column": "PARTY", "wording": "Party, grouped", "options": TWO},
    "vote_part": {"column": "VOTE2", "wording": "Second vote", "options": TWO, "part_of": "vote"},
    "media": {
        "wording": "News from",
        "select_all": [{"column": "TV", "label": "tv"}, {"column": "WEB", "label": "web"}],
    },
}
WORDS = Codebook.model_validate(
    {**CODEBOOK, "items": {**CODEBOOK["items"], **MORE}, "gives_away": {"party": ["vote"]}}
)


@pytest.mark.parametrize(
    ("by", "targets", "said"),
    [
        (["prty"], ["vote"], "groups.by: no item 'prty' in the codebook (did you mean 'party'?)"),
        (["age"], ["vote"], "groups.by: 'age' is numeric; it needs options, such as age groups"),
        (["vote"], ["vote"], "groups.by: 'vote' gives the target 'vote' away"),
        (["party"], ["vote"], "groups.by: 'party' gives the target 'vote' away"),
        (["vote"], ["party"], "groups.by: 'vote' gives the target 'party' away"),
        (["place", "place"], ["vote"], "groups.by: 'place' is named twice"),
        (["party_group"], ["party"], "groups.by: 'party_group' gives the target 'party' away"),
        (["vote_part"], ["vote"], "groups.by: 'vote_part' gives the target 'vote' away"),
        (["media.web"], ["media.tv"], "groups.by: 'media.web' gives the target 'media.tv' away"),
    ],
)
def test_what_does_not_fit_the_codebook(by, targets, said):
    (problem,) = Groups.model_validate({"by": by}).problems_with(WORDS, targets)
    assert problem.startswith(said)


def test_a_group_may_be_made_by_an_option_of_a_select_all_item():
    words = words_of_groups(WORDS, ["media.tv"], "vote")
    text = plain_text(survey_messages({"media.tv": "yes"}, words, "en"), words.question_in("en"))
    assert "tv" in text and text.endswith("Vote:")


def test_a_group_of_one_respondent_cannot_be_allowed():
    with pytest.raises(ValidationError):
        Groups.model_validate({"by": ["party"], "min_n": 1})


def test_the_prompt_has_what_makes_the_group_and_nothing_else():
    items = {**CODEBOOK["items"], "party": {**CODEBOOK["items"]["party"], "predictor": False}}
    words = words_of_groups(Codebook.model_validate({**CODEBOOK, "items": items}), ["party"], "vote")
    text = plain_text(survey_messages({"party": "red"}, words, "en"), words.question_in("en"))
    assert text == "How does this voter vote? One of: Red, Blue.\n\nParty: red\nVote:"
