import numpy as np
import pandas as pd
import pyreadstat
import pytest
from pydantic import ValidationError

from stimmung.data.surveys.coding import code_item, describe_unknown, holds, resolve_codes
from stimmung.data.surveys.survey_codes import SurveyFile
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.row_rules import RowRule
from stimmung.vocabulary.survey_item import SurveyItem

PARTIES = {
    1: "CDU",
    2: "CSU",
    3: "CDU/CSU",
    4: "SPD",
    6: "GRÜNE",
    -97: "trifft nicht zu",
    -99: "keine Angabe",
}
MISSING = [
    {"code": -99, "reason": "refused", "label": "keine Angabe"},
    {"code": "trifft nicht zu", "reason": "filter"},
    {"range": [-96, -71], "reason": "not-applicable"},
]


def survey(**columns):
    return SurveyFile(pd.DataFrame(columns), value_labels={"vote": PARTIES, "turnout": {1: "ja", 2: "nein"}})


def coded(file, language="de", **item):
    whole = {"column": "vote", "wording": "Wahl", "missing": MISSING, **item}
    return code_item(file, file.codes, SurveyItem.model_validate(whole), language)


def listed(series):
    return series.astype(object).where(series.notna(), None).tolist()


OPTIONS = [{"code": [1, "CSU", 3], "label": "CDU/CSU"}, {"code": ["GRÜNE", "GRUENE"], "label": "Grüne"}]


def test_several_codes_make_one_answer_and_a_value_label_is_as_good_as_its_code():
    result = coded(survey(vote=[1.0, 2.0, 3.0, 6.0]), options=OPTIONS)
    assert listed(result.answers) == ["CDU/CSU"] * 3 + ["Grüne"]
    assert result.unknown.empty


def test_missing_codes_by_value_label_by_range_and_by_number_keep_their_reasons():
    result = coded(survey(vote=[-99.0, -97.0, -83.0, None, 1.0]), options=OPTIONS)
    assert listed(result.reasons) == ["refused", "filter", "not-applicable", "no-answer", None]
    assert result.answers.isna().tolist() == [True] * 4 + [False]


def test_a_code_outside_the_ranges_is_unknown_and_not_missing():
    result = coded(survey(vote=[-70.0, 4.0, 1.0]), options=OPTIONS)
    assert result.unknown.tolist() == ["-70", "4"]


def test_a_value_label_of_two_codes_is_refused_with_both():
    file = SurveyFile(pd.DataFrame({"vote": [1.0, 9.0]}), value_labels={"vote": {1: "SPD", 9: "SPD"}})
    with pytest.raises(InputError, match="column 'vote': 2 codes have the value label 'SPD': 1, 9"):
        coded(file, options=[{"code": "SPD", "label": "SPD"}, {"code": 2, "label": "CDU"}])
    both = coded(file, options=[{"code": [1, 9], "label": "SPD"}, {"code": 2, "label": "CDU"}])
    assert listed(both.answers) == ["SPD", "SPD"]


def test_a_code_is_preferred_to_a_value_label():
    labels = {1: "2", 2: "1"}
    assert resolve_codes([1, "2"], labels, "x") == {"1", "2"}
    assert resolve_codes(["1"], labels, "x") == {"1"}


def test_a_code_without_a_value_label_is_its_code():
    file = SurveyFile(pd.DataFrame({"vote": [5.0, 11.0]}), value_labels={"vote": {11: "11 rechts"}})
    result = coded(
        file, options=[{"code": 5, "label": "eher links"}, {"code": "11 rechts", "label": "rechts"}]
    )
    assert listed(result.answers) == ["eher links", "rechts"]


def test_labels_are_never_rewritten():
    labels = {1: "Frauen", 2: "Steuern", 3: "GRUENE"}
    file = SurveyFile(pd.DataFrame({"vote": [1.0, 2.0]}), value_labels={"vote": labels})
    options = [{"code": "Frauen", "label": "Frauen"}, {"code": "Steuern", "label": "Steuern"}]
    assert listed(coded(file, options=options).answers) == ["Frauen", "Steuern"]
    assert resolve_codes(["GRÜNE"], labels, "x") == {"GRÜNE"}


def test_an_answer_can_be_made_of_two_columns():
    file = survey(vote=[1.0, -97.0, -97.0, 4.0, None], turnout=[1.0, 2.0, 1.0, 2.0, 2.0])
    options = [
        *OPTIONS,
        {"code": "SPD", "label": "SPD"},
        {"when": {"turnout": ["nein"]}, "label": "Nichtwähler"},
    ]
    result = coded(file, options=options)
    # Who did not go to vote is a non-voter; a filter of somebody who went is no answer, see papers.md 1.6, 8.
    assert listed(result.answers) == ["CDU/CSU", "Nichtwähler", None, "Nichtwähler", "Nichtwähler"]
    assert listed(result.reasons) == [None, None, "filter", None, None]


def test_an_option_may_need_both_its_code_and_another_column():
    file = survey(vote=[1.0, 1.0], turnout=[1.0, 2.0])
    options = [
        {"code": 1, "label": "CDU"},
        {"code": 1, "when": {"turnout": [2]}, "label": "CDU, nicht gewählt"},
    ]
    assert listed(coded(file, options=options).answers) == ["CDU", "CDU, nicht gewählt"]


@pytest.mark.parametrize("year", [2017, "jahr"])
def test_age_is_made_of_the_year_of_birth(year):
    codes = pd.DataFrame({"vote": [1950.0, 1999.0, -99.0, 2020.0], "jahr": [2017.0] * 4})
    result = coded(SurveyFile(codes), scale="numeric", age_in=year, missing=MISSING[:1])
    np.testing.assert_array_equal(result.answers[:3], [67, 18, np.nan])
    assert listed(result.reasons)[:3] == [None, None, "refused"]
    # Born after the survey: no age.
    assert result.unknown.tolist() == ["2020"]


def test_a_number_outside_the_item_s_range_is_told_with_the_range():
    file = survey(vote=[0.0, 1.0, 5.0, 6.0, 99.0, np.nan])
    result = coded(file, scale="numeric", range=[1, 5], missing=[])
    assert result.unknown.tolist() == ["0", "6", "99"]
    item = SurveyItem.model_validate(
        {"column": "vote", "wording": "Rating", "scale": "numeric", "range": [1, 5]}
    )
    said = describe_unknown("rating", item, result.unknown, {})
    assert said.startswith("item 'rating' (column 'vote'): no number from 1 to 5: 0 in 1 rows")
    # A declared missing code may lie outside.
    missing = [{"code": 99, "reason": "dont-know"}]
    assert coded(file, scale="numeric", range=[1, 5], missing=missing).unknown.tolist() == ["0", "6"]
    for wrong in ({"scale": "numeric", "range": [5, 1]}, {"options": OPTIONS, "range": [1, 5]}):
        with pytest.raises(ValidationError, match="range"):
            SurveyItem.model_validate({"column": "vote", "wording": "Rating", **wrong})


def test_a_user_missing_code_that_the_codebook_does_not_know_is_no_number(tmp_path):
    path = tmp_path / "ages.sav"
    frame = pd.DataFrame({"vote": [30.0, -99.0, 999.0]})
    pyreadstat.write_sav(frame, str(path), missing_ranges={"vote": [{"lo": -99, "hi": -71}, 999]})
    file = read_survey_file(str(path))
    assert file.missing_ranges == {"vote": [(-99, -71), (999, 999)]}
    assert coded(file, scale="numeric", missing=[]).unknown.tolist() == ["-99", "999"]
    declared = [{"code": 999, "reason": "dont-know"}, {"range": [-99, -71], "reason": "no-answer"}]
    result = coded(file, scale="numeric", missing=declared)
    assert listed(result.reasons) == [None, "no-answer", "dont-know"] and result.unknown.empty


def test_stata_s_letters_are_missing_codes_of_a_number(tmp_path):
    path = tmp_path / "ages.dta"
    pyreadstat.write_dta(
        pd.DataFrame({"vote": [30.0, "a", "b"]}), str(path), missing_user_values={"vote": ["a", "b"]}
    )
    missing = [{"code": "a", "reason": "refused"}, {"code": "b", "reason": "dont-know"}]
    result = coded(read_survey_file(str(path)), scale="numeric", missing=missing)
    assert listed(result.reasons) == [None, "refused", "dont-know"]


def test_rows_are_chosen_by_code_or_value_label():
    file = survey(vote=[1.0, 4.0, 6.0], turnout=[1.0, 2.0, 1.0])
    assert holds(file, file.codes, {"turnout": ["ja"], "vote": [1, "SPD"]}).tolist() == [True, False, False]
    assert holds(file, file.codes, {}).tolist() == [True] * 3


def test_a_value_label_that_the_codebook_spells_otherwise_is_told_with_the_nearest_one():
    labels = {1: "nicht sehr religioes", 2: "sehr religioes"}
    file = SurveyFile(pd.DataFrame({"vote": [1.0, 2.0]}), value_labels={"vote": labels})
    options = [{"code": "nicht sehr religiös", "label": "wenig"}, {"code": "sehr religioes", "label": "sehr"}]
    item = SurveyItem.model_validate({"column": "vote", "wording": "Religiosität", "options": options})
    unknown = code_item(file, file.codes, item, "de").unknown
    said = describe_unknown("religiosity", item, unknown, labels)
    assert said.endswith("1 ('nicht sehr religioes' (did you mean 'nicht sehr religiös'?)) in 1 rows")


def test_fault_as_of_several_columns_the_first_with_a_valid_answer_counts():
    polls = [1.0, -97.0, None, -97.0, -99.0, 4.0, None]
    post = [None, 6.0, 4.0, -99.0, -97.0, 6.0, None]
    file = SurveyFile(
        pd.DataFrame({"polls": polls, "post": post}),
        value_labels={"polls": PARTIES, "post": {**PARTIES, 6: "Die Grünen"}},
    )
    options = [*OPTIONS, {"code": 4, "label": "SPD"}]
    options[1] = {"code": 6, "label": "Grüne"}
    result = coded(file, column=["polls", "post"], options=options)
    assert listed(result.answers) == ["CDU/CSU", "Grüne", "SPD", None, None, "SPD", None]
    # A refusal says more than that a question was not asked, and that more than an empty cell.
    assert listed(result.reasons) == [None, None, None, "refused", "refused", None, "no-answer"]
    # One respondent has two answers.
    assert result.n_ambiguous == 1
    assert result.unknown.empty


def test_fault_as_an_unknown_code_in_any_of_the_columns_is_told():
    file = SurveyFile(
        pd.DataFrame({"a": [1.0, None], "b": [None, 77.0]}), value_labels={"b": {77: "Sonstige"}}
    )
    whole = {
        "column": ["a", "b"],
        "wording": "Wahl",
        "options": [{"code": 1, "label": "x"}, {"code": 2, "label": "y"}],
    }
    item = SurveyItem.model_validate(whole)
    unknown = code_item(file, file.codes, item, "de").unknown
    said = describe_unknown("vote", item, unknown, file.value_labels["b"])
    assert said == "item 'vote' (column 'a' or 'b'): unknown code 77 ('Sonstige') in 1 rows"


@pytest.mark.parametrize("column", [[], ["a", "a"]])
def test_fault_as_several_columns_are_different_ones(column):
    with pytest.raises(ValidationError, match="needs a name, or several different ones"):
        SurveyItem.model_validate({"column": column, "wording": "Wahl", "options": OPTIONS})


def test_fault_as_a_top_code_of_a_numeric_item_is_a_number():
    file = SurveyFile(pd.DataFrame({"vote": ["1955 and before", "1990", "89 or older", "-99"]}))
    values = {"1955 and before": 1955, "89 or older": 1928}
    result = coded(file, scale="numeric", values=values, age_in=2017, missing=MISSING[:1])
    assert listed(result.answers) == [62, 27, 89, None]
    assert result.unknown.empty
    # By value label as well; and a number that lies outside the range is still told.
    labelled = SurveyFile(pd.DataFrame({"vote": [1.0, 2.0]}), value_labels={"vote": {1: "1955 and before"}})
    result = coded(labelled, scale="numeric", values=values, range=[1900, 1999], missing=[])
    assert listed(result.answers)[0] == 1955
    assert result.unknown.tolist() == ["2"]


def test_fault_as_without_a_number_a_top_code_is_told():
    file = SurveyFile(pd.DataFrame({"vote": ["1955 and before", "1990"]}))
    assert coded(file, scale="numeric", missing=[]).unknown.tolist() == ["1955 and before"]
    with pytest.raises(ValidationError, match="values: only for a numeric item"):
        SurveyItem.model_validate({"column": "v", "wording": "x", "options": OPTIONS, "values": {"a": 1}})


def test_fault_ah_an_age_is_made_of_dates_too():
    codes = pd.DataFrame({"vote": ["1950-03-01", "1999-12-31"], "day": ["2017-09-24", "2018-01-02"]})
    result = coded(SurveyFile(codes), scale="numeric", age_in="day", missing=[])
    assert listed(result.answers) == [67, 19]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ({"empty": False}, [True, False, True, False, True]),
        ({"empty": True}, [False, True, False, True, False]),
        ({"above": 0}, [True, False, False, False, True]),
        ({"at_least": 0, "at_most": 1.5}, [True, False, True, False, False]),
        ({"below": "2"}, [True, False, True, False, False]),
    ],
)
@pytest.mark.parametrize("kind", ["numbers", "text"])
def test_fault_ag_rows_are_chosen_by_what_a_column_holds(rule, kept, kind):
    # -99 is declared missing, and so is neither below 2 nor a value.
    numbers = [1.5, None, 0.0, -99.0, 12.0]
    text = ["1.5", " ", "0", "-99", "12"]
    file = SurveyFile(
        pd.DataFrame({"w": numbers if kind == "numbers" else text}), missing_ranges={"w": [(-99, -71)]}
    )
    assert holds(file, file.codes, {"w": RowRule(**rule)}).tolist() == kept


def test_fault_ag_dates_are_compared_as_dates():
    file = SurveyFile(pd.DataFrame({"day": ["2017-09-24", None, "2017-10-01 18:30:00", "1950-01-01"]}))
    rule = RowRule(at_least="2017-09-24", below="2018-01-01")
    assert holds(file, file.codes, {"day": rule}).tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("values", "bound"), [(["18", "89 or older"], 18), (["18", "2017-09-24"], "2017-09-24")]
)
def test_fault_ag_what_cannot_be_compared_is_an_error_and_never_left_out(values, bound):
    file = SurveyFile(pd.DataFrame({"age": values}))
    with pytest.raises(InputError, match=r"at_least .* cannot be compared with 1 of 2 values"):
        holds(file, file.codes, {"age": RowRule(at_least=bound)})
