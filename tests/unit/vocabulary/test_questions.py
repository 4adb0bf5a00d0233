import pytest
from pydantic import ValidationError

from stimmung.vocabulary.questions import Question


def test_prefixes_and_cases_are_combined_and_words_keep_their_capitals_inside():
    question = Question(
        stem="How?",
        options=["Happy", "NHS good"],
        variants={"prefix": ["", " I felt"], "case": ["upper", "lower"]},
    )
    worded = {variant.name: variant for variant in question.worded()}
    assert list(worded) == ["upper", "lower", "upper + I felt", "lower + I felt"]
    assert worded["lower + I felt"].context == "How? I felt"
    assert worded["lower"].continuations == (" happy", " NHS good")
    assert worded["upper"].continuations == (" Happy", " NHS good")


@pytest.mark.parametrize("options", [["Happy"], ["Happy", "happy "], ["Happy", ""]])
def test_options_are_at_least_two_and_differ(options):
    with pytest.raises(ValidationError):
        Question(stem="How?", options=options)


def test_each_option_of_a_select_all_question_is_asked_for_by_itself():
    question = Question(
        stem="Which of these fit?",
        options=["Happy", "NHS good"],
        variants={"prefix": ["", " Answer:"], "case": ["lower"]},
        select_all=True,
    )
    first, second, *of_other = question.worded()
    assert (first.name, second.name) == ("lower", "lower + Answer:") == tuple(one.name for one in of_other)
    assert second.context == "Which of these fit? happy? Answer:" and second.continuations == (" Yes", " No")
    assert [one.options for one in question.worded()] == [("Happy",)] * 2 + [("NHS good",)] * 2
    with pytest.raises(ValidationError, match=r"needs \{option\}"):
        Question(stem="s", options=["a", "b"], select_all=True, option_question="{stem}")
