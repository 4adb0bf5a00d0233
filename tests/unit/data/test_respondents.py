import numpy as np
import pandas as pd
import pytest

from stimmung.data.surveys.respondents import missing_counts, needed_columns, respondents_table
from stimmung.data.surveys.survey_codes import SurveyFile
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.row_rules import RowRule
from stimmung.vocabulary.votes_schemas import RESPONDENTS


def codebook(**changes):
    items = {
        "party": {
            "column": "Parteiidentifikation",
            "wording": {"de": "Partei", "en": "Party"},
            "options": [
                {"code": 4, "label": "Grüne"},
                {"code": 1, "label": "CDU"},
                {"code": 9, "label": "AfD"},
            ],
            "missing": [
                {"code": -99, "reason": "refused", "label": {"de": "keine Angabe", "en": "no answer"}},
                {"code": -97, "reason": "filter"},
            ],
        },
        "interest": {
            "column": "q2",
            "wording": "Interest",
            "scale": "ordinal",
            "options": [
                {"code": 3, "label": {"de": "wenig", "en": "little"}},
                {"code": 2, "label": {"de": "mittel", "en": "some"}},
                {"code": 1, "label": {"de": "stark", "en": "much"}},
            ],
        },
        "age": {
            "column": "age",
            "wording": "Alter",
            "scale": "numeric",
            "missing": [{"code": 999, "reason": "dont-know"}],
        },
        "vote": {
            "column": "vote",
            "wording": "Wahl",
            "options": [{"code": 0, "label": "nein"}, {"code": 1, "label": "ja"}],
            "missing": [{"code": 8, "reason": "not-applicable"}],
        },
    }
    described = {
        "title": "t",
        "source": "s",
        "languages": ["de", "en"],
        "instruction": "One of: {options}",
        "question": "Wahl:",
        "target": "vote",
        "items": items,
    }
    return Codebook.model_validate({**described, **changes})


CODES = pd.DataFrame(
    {
        "Parteiidentifikation": [1.0, 4.0, -99.0, -97.0, None],
        "q2": ["1", "3", None, "2", "2"],
        "age": [30.0, 999.0, 41.5, None, 18.0],
        "vote": [0, 1, 8, 1, 0],
        "w": [0.5, 1.5, 1.0, 2.0, 1.0],
        "id": [101.0, 102.0, 103.0, 104.0, 105.0],
        "wave": ["post", "post", "pre", "post", "post"],
    }
)
SURVEY = SurveyFile(CODES, value_labels={"Parteiidentifikation": {5.0: "FDP"}})


def table(codes=CODES, words=None, language="de", **chosen):
    return respondents_table(
        SurveyFile(codes, {}, SURVEY.value_labels), words or codebook(), language, **chosen
    )


def test_the_columns_stand_in_the_order_of_the_codebook():
    expected = ["respondent_id", "weight", "party", "party.missing", "interest", "age", "age.missing"]
    assert table().columns.tolist() == [*expected, "vote", "vote.missing"]


def test_answers_are_the_words_of_the_language_and_every_option_is_a_category_in_codebook_order():
    german, english = table(), table(language="en")
    assert german.party.cat.categories.tolist() == ["Grüne", "CDU", "AfD"]
    assert german.party.tolist()[:2] == ["CDU", "Grüne"]
    assert not german.party.cat.ordered
    assert german.interest.cat.ordered
    assert german.interest.cat.categories.tolist() == ["wenig", "mittel", "stark"]
    assert english.interest.cat.categories.tolist() == ["little", "some", "much"]
    assert english.interest.cat.codes.tolist() == german.interest.cat.codes.tolist() == [2, 0, -1, 1, 1]


def test_numbers_stay_numbers_and_their_missing_codes_do_not_become_one():
    ages = table().age
    assert ages.dtype == float
    np.testing.assert_array_equal(ages, [30, np.nan, 41.5, np.nan, 18])


def test_reasons_stay_apart_and_an_empty_cell_is_no_answer_where_reasons_are_declared():
    reasons = table()["party.missing"]
    assert reasons.astype(object).where(reasons.notna(), None).tolist() == [
        None,
        None,
        "refused",
        "filter",
        "no-answer",
    ]
    assert table()["age.missing"].tolist()[1] == "dont-know"


def test_an_item_without_missing_codes_has_no_reasons_and_its_empty_cells_are_plain_missing():
    result = table()
    assert "interest.missing" not in result
    assert result.interest.isna().tolist() == [False, False, True, False, False]


def test_missing_answers_are_counted_by_item_and_reason():
    counts = missing_counts(table(), ["party", "interest", "age", "vote"])
    assert counts == {
        "party": {"refused": 1, "filter": 1, "no-answer": 1},
        "interest": {"empty": 1},
        "age": {"dont-know": 1, "no-answer": 1},
        "vote": {"not-applicable": 1},
    }


def test_respondents_without_a_valid_target_stay():
    assert table().vote.isna().tolist() == [False, False, True, False, False]


def test_the_table_survives_the_disk_with_order_and_unused_categories(tmp_path):
    written = table()
    write_table(written, tmp_path / "r.parquet", RESPONDENTS)
    read = read_table(tmp_path / "r.parquet", RESPONDENTS)
    pd.testing.assert_frame_equal(read, written)
    assert read.interest.cat.ordered


def test_rows_are_numbered_in_the_file_so_that_where_does_not_rename_respondents():
    assert table().respondent_id.tolist() == ["1", "2", "3", "4", "5"]
    kept = table(where={"wave": ["post"], "q2": [2, 3]})
    assert kept.respondent_id.tolist() == ["2", "4", "5"]
    assert kept.index.tolist() == [0, 1, 2]


def test_identifiers_are_those_of_the_codebooks_column():
    assert table(words=codebook(respondent_id="id")).respondent_id.tolist() == [
        "101",
        "102",
        "103",
        "104",
        "105",
    ]


def test_an_identifier_that_is_absent_or_stands_twice_is_refused():
    codes = CODES.assign(id=[1, 1, 1, None, 5])
    with pytest.raises(InputError, match="'id': 1 rows have no ID and 2 repeat an earlier ID"):
        table(codes, codebook(respondent_id="id"))


def test_weights_are_those_of_the_column_or_one():
    assert table(weight="w").weight.tolist() == [0.5, 1.5, 1.0, 2.0, 1.0]
    assert table().weight.tolist() == [1.0] * 5


@pytest.mark.parametrize("bad", [0, -1, None, float("inf"), "heavy"])
def test_a_weight_that_is_not_a_positive_number_is_refused_with_the_number_of_rows(bad):
    codes = CODES.assign(w=pd.Series([bad, 1, 1, bad, 1], dtype=object))
    with pytest.raises(InputError, match="weight 'w': zero, negative or missing in 2 of 5 rows"):
        table(codes, weight="w")


def test_weights_of_rows_that_are_not_read_do_not_matter():
    codes = CODES.assign(w=[1, 1, 0, 1, 1])
    assert table(codes, where={"wave": ["post"]}, weight="w").weight.tolist() == [1.0] * 4


def test_an_unknown_code_is_refused_with_item_code_label_and_count():
    codes = CODES.assign(Parteiidentifikation=[5, 5, 1, 77, None])
    with pytest.raises(InputError) as refused:
        table(codes)
    assert refused.value.what == (
        "item 'party' (column 'Parteiidentifikation'): unknown code 5 ('FDP') in 2 rows, 77 in 1 rows"
    )


def test_unknown_codes_of_all_items_are_told_at_once():
    codes = CODES.assign(q2=["7", "1", "1", "1", "1"], age=["x", "30", "inf", "31", "32"])
    with pytest.raises(InputError) as refused:
        table(codes)
    assert "item 'interest' (column 'q2'): unknown code 7 in 1 rows" in refused.value.what
    assert "item 'age' (column 'age'): no number inf in 1 rows, x in 1 rows" in refused.value.what


def test_a_column_of_verbatim_answers_is_not_repeated_in_the_message():
    verbatim = "I told the interviewer that my neighbour is called Erika Mustermann"
    with pytest.raises(InputError) as refused:
        table(CODES.assign(q2=verbatim))
    assert "Erika" not in str(refused.value)


def test_where_that_leaves_nobody_is_refused():
    with pytest.raises(InputError, match="where: none of 5 respondents is left"):
        table(where={"wave": ["panel"]})


@pytest.mark.parametrize(
    ("votes", "said"), [([1, 1, 8, 1, 1], "only 'ja' is left"), ([8, 8, 8, 8, None], "no answer is left")]
)
def test_a_target_with_fewer_than_two_answers_is_refused(votes, said):
    with pytest.raises(InputError, match=f"target 'vote': {said} among 5 respondents"):
        table(CODES.assign(vote=votes))


def test_a_language_that_the_codebook_lacks_is_refused():
    with pytest.raises(InputError, match="no wording in 'fr'"):
        table(language="fr")


@pytest.mark.parametrize("key", ["strata", "clusters"])
def test_strata_and_clusters_are_read_in_one_form_and_a_row_without_one_is_refused(key):
    codes = CODES.assign(psu=[17, "17.0", 17, 18, "x"])
    column = {"strata": "design_stratum", "clusters": "design_cluster"}[key]
    assert table(codes, **{key: "psu"})[column].tolist() == ["17", "17", "17", "18", "x"]
    assert column not in table(codes)
    with pytest.raises(InputError, match="strata or clusters 'psu': no value in 1 of 5 rows"):
        table(codes.assign(psu=[17, None, 17, 18, 18]), **{key: "psu"})


@pytest.mark.parametrize("name", ["weight", "respondent_id", "fold_group", "design_cluster", "vote.missing"])
def test_an_item_with_the_name_of_another_column_is_refused(name):
    words = codebook()
    items = {name: words.items["party"].model_copy(update={"column": "q2"}), **words.items}
    with pytest.raises(InputError, match=f"cannot be named '{name}'"):
        table(words=words.model_copy(update={"items": items}))


def test_needed_columns_are_those_of_items_where_identifier_and_weight_each_once():
    columns = needed_columns(codebook(respondent_id="id"), {"wave": ["post"], "q2": [1]}, "w")
    assert columns == ["Parteiidentifikation", "q2", "age", "vote", "wave", "id", "w"]


def test_fault_ag_a_weight_with_empty_cells_is_usable_as_the_hint_says_and_the_rows_left_are_told(capsys):
    codes = CODES.assign(w=[0.5, None, 0, 2.0, 1.0])
    with pytest.raises(InputError) as refused:
        table(codes, weight="w")
    assert "`where: {w: {above: 0}}`" in refused.value.hint
    kept = table(codes, weight="w", where={"w": RowRule(above=0)})
    assert kept.weight.tolist() == [0.5, 2.0, 1.0]
    assert "where w: 3 of 5 rows are left" in capsys.readouterr().err
    assert len(table(codes, where_not={"w": RowRule(empty=True)})) == 4


def test_fault_as_respondents_with_two_different_answers_are_told(capsys):
    words = codebook()
    item = words.items["interest"].model_copy(update={"column": ["q2", "q3"]})
    words = words.model_copy(update={"items": {**words.items, "interest": item}})
    result = table(CODES.assign(q3=["1", "1", "2", None, "2"]), words=words)
    assert result.interest.notna().tolist() == [True] * 5
    assert "item 'interest'" in capsys.readouterr().err


def test_fault_at_a_group_is_read_in_one_form_and_a_row_without_one_is_refused():
    codes = CODES.assign(person=[17, "17", 17.0, 18, 18])
    assert table(codes, group="person")["fold_group"].tolist() == ["17", "17", "17", "18", "18"]
    assert "fold_group" not in table(codes)
    with pytest.raises(InputError, match="group 'person': no value in 2 of 5 rows"):
        table(codes.assign(person=[17, None, 17, "", 18]), group="person")
    assert needed_columns(codebook(), {}, None, None, "person")[-1] == "person"


def test_a_numeric_target_is_answered_in_its_bins_and_only_where_it_is_one():
    items = codebook().model_dump()["items"]
    items["age"] |= {
        "range": [18, 60],
        "bins": [18, 30, 45],
        "bin_label": {"de": "{low} bis {high}", "en": "{low} to {high}"},
    }
    words = codebook(items=items)
    assert table(words=words).age.dtype == float
    answered = table(words=words, targets=["vote", "age"])
    assert (
        answered.age.tolist() == ["30 bis 44", np.nan, "30 bis 44", np.nan, "18 bis 29"]
        and answered.age.cat.ordered
    )
    assert answered["age.missing"].tolist()[1] == "dont-know"
    items["age"] |= {"range": [18, 38], "bins": None}
    with pytest.raises(InputError, match=r"no whole number from 18 to 38: 41\.5 in 1 rows"):
        table(words=codebook(items=items, target="age"))
    # Also where bins were given of which each is one number.
    items["age"] |= {"range": [18, 60], "bins": list(range(18, 61))}
    with pytest.raises(InputError, match=r"no whole number from 18 to 60: 41\.5 in 1 rows"):
        table(words=codebook(items=items, target="age"))


def test_a_numeric_target_stands_by_its_options_in_the_prompt_of_another():
    from stimmung.text.prompts import survey_messages
    from stimmung.vocabulary.view import View

    items = codebook().model_dump()["items"]
    items["age"] |= {"range": [18, 60], "bins": 10}
    words = codebook(items=items, question="{wording} ({options}):")
    rows = table(words=words, targets=["vote", "age"]).to_dict("records")
    of_vote = survey_messages(rows[0], View(item="vote", others=["age"]).of(words), "de")
    assert "Alter: 28 to 37" in of_vote[1]["content"]
    own = View(item="age", others=["vote"]).of(words)
    assert own.question_in("de").startswith("Alter (18 to 27, 28 to 37") and own.target_values[0] == 22.5
