import pytest
from pydantic import ValidationError

from stimmung.text.prompts import plain_text, survey_messages
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.groups import Groups, words_of_groups
from tests.workflow.workspace import CODEBOOK

WORDS = Codebook.model_validate({**CODEBOOK, "gives_away": {"party": ["vote"]}})


@pytest.mark.parametrize(
    ("by", "targets", "said"),
    [
        (["prty"], ["vote"], "groups.by: no item 'prty' in the codebook (did you mean 'party'?)"),
        (["age"], ["vote"], "groups.by: 'age' is numeric; it needs options, such as age groups"),
        (["vote"], ["vote"], "groups.by: 'vote' gives the target 'vote' away"),
        (["party"], ["vote"], "groups.by: 'party' gives the target 'vote' away"),
        (["vote"], ["party"], "groups.by: 'vote' gives the target 'party' away"),
    ],
)
def test_what_does_not_fit_the_codebook(by, targets, said):
    (problem,) = Groups.model_validate({"by": by}).problems_with(WORDS, targets)
    assert problem.startswith(said)


def test_a_group_of_one_respondent_cannot_be_allowed():
    with pytest.raises(ValidationError):
        Groups.model_validate({"by": ["party"], "min_n": 1})


def test_the_prompt_has_what_makes_the_group_and_nothing_else():
    items = {**CODEBOOK["items"], "party": {**CODEBOOK["items"]["party"], "predictor": False}}
    words = words_of_groups(Codebook.model_validate({**CODEBOOK, "items": items}), ["party"], "vote")
    text = plain_text(survey_messages({"party": "red"}, words, "en"), words.question_in("en"))
    assert text == "How does this voter vote? One of: Red, Blue.\n\nParty: red\nVote:"
