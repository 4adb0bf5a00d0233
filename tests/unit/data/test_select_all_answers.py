"""What the columns of a select-all item say together."""

import pandas as pd
import pytest

from stimmung.data.surveys.respondents import respondents_table
from stimmung.data.surveys.survey_codes import SurveyFile
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from tests.unit.vocabulary.test_select_all import MEMBERS, book

# Chose; chose nothing, explicitly; said none of these; left all empty; left one empty; refused.
CODES = pd.DataFrame(
    {
        "TV": [1, 0, None, None, 1, 9],
        "RADIO": [0, 0, None, None, None, 9],
        "WEB": [1, 0, None, None, 0, 9],
        "NONE": [0, 0, 1, None, None, 9],
        "TRUST": [1] * 6,
        "V": [1, 2] * 3,
    },
    dtype=object,
)


def answers(codes=CODES, max_lost_share=0.0, **changes):
    words = Codebook.model_validate(book(**changes))
    table = respondents_table(SurveyFile(codes), words, "en", max_lost_share=max_lost_share)
    said = table[MEMBERS].astype(object).where(table[MEMBERS].notna(), None)
    return [tuple(row) for row in said.to_numpy()], table


NO, ABSENT = ("no",) * 3, (None,) * 3


def test_none_of_these_says_no_to_each_option_and_an_empty_cell_says_nothing():
    said, table = answers()
    assert said == [("yes", "no", "yes"), NO, NO, ABSENT, ("yes", None, "no"), ABSENT]
    reasons = table["media.radio.missing"].astype(object)
    assert reasons.where(reasons.notna(), None).tolist() == [
        None,
        None,
        None,
        "no-answer",
        "no-answer",
        "refused",
    ]


def test_a_codebook_says_what_empty_cells_and_a_choice_of_nothing_mean():
    assert answers(empty_is_no=True)[0] == [("yes", "no", "yes"), NO, NO, ABSENT, ("yes", "no", "no"), ABSENT]
    said, table = answers(nothing_chosen="missing")
    assert said[1] == ABSENT and said[2] == NO and table["media.radio.missing"][1] == "no-answer"
    # Without declared missing codes there are no reasons.
    assert answers(CODES.replace(9, None), missing=[])[0] == [*answers()[0][:5], ABSENT]


def test_who_chose_an_option_and_none_of_these_is_counted_and_has_no_answer(capsys):
    codes = CODES.assign(NONE=[1, *CODES["NONE"][1:]])
    with pytest.raises(
        InputError, match="item 'media': 1 of 6 respondents chose an option and \"none of these\" as well"
    ) as error:
        answers(codes)
    assert "max_lost_share" in error.value.hint
    assert answers(codes, max_lost_share=0.2)[0][0] == ABSENT
    assert "1 of 6 respondents chose an option" in capsys.readouterr().err
