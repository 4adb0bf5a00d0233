import numpy as np
import pandas as pd
import pytest

from stimmung.data.surveys.prediction_files import file_predictions, read_prediction_file
from stimmung.study.reading import validated
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.prediction_file import PredictionFile

CODEBOOK = Codebook.model_validate(
    {
        "title": "t",
        "source": "s",
        "languages": ["en", "de"],
        "instruction": "i",
        "question": "q",
        "respondent_id": "id",
        "target": "trust",
        "items": {
            "trust": {
                "column": "T",
                "wording": "Trust",
                "scale": "ordinal",
                "options": [
                    {"code": 1, "label": {"en": "none", "de": "keins"}},
                    {"code": [2, 3], "label": {"en": "some", "de": "etwas"}},
                    {"code": 4, "label": {"en": "much", "de": "viel"}},
                ],
                "missing": [{"code": 8, "reason": "dont-know"}, {"range": [77, 99], "reason": "refused"}],
            }
        },
    }
)
NUMERIC = {
    "column": "T",
    "wording": "Trust",
    "scale": "numeric",
    "range": [0, 10],
    "missing": [{"code": 8, "reason": "dont-know"}],
}
PEOPLE = ["a", "b", "c", "d"]
STATED = {"none": "p1", "etwas": "p2", "much": "p3"}


def read(folder, rows, head="id,guess", max_lost_share=0.0, others=(), codebook=CODEBOOK, **settings):
    path = folder / "gpt.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    kind = {} if "probabilities" in settings else {"answer": "guess"}
    chosen = PredictionFile(file=str(path), id="id", **kind | settings)
    found = read_prediction_file(chosen, max_lost_share)
    return file_predictions(chosen, found, codebook, "de", PEOPLE, others, max_lost_share)


def stated(folder, rows, **more):
    return read(folder, rows, head="id,p1,p2,p3", probabilities=STATED, **more)


def test_codes_and_words_of_any_language_are_certain_answers_in_the_order_of_the_respondents(
    tmp_path, capsys
):
    table = read(tmp_path, ["d,4.0", "c,some", "b,etwas", "a,1"])
    assert list(table.columns) == ["respondent_id", "p_keins", "p_etwas", "p_viel", "n_unseen"]
    assert list(table.respondent_id) == PEOPLE and not table.n_unseen.any()
    np.testing.assert_array_equal(table.iloc[:, 1:4], [[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]])
    assert "counts as certain" in capsys.readouterr().err


def test_probabilities_are_taken_as_they_are_and_rounded_ones_are_scaled_which_is_said(tmp_path, capsys):
    table = stated(tmp_path, ["a,.5,.25,.25", "b,0,1,0", "c,.33,.33,.33", "d,1,0,0"])
    np.testing.assert_allclose(table.iloc[:, 1:4].sum(axis=1), 1)
    assert table.p_keins[0] == 0.5 and table.p_etwas[2] == pytest.approx(1 / 3)
    assert "scaled to sum to 1 in 1 of 4 rows" in capsys.readouterr().err


def test_who_has_no_prediction_counts_as_equal_probabilities_is_marked_and_said(tmp_path, capsys):
    table = read(tmp_path, ["a,", "b,Sorry", "c,88"], max_lost_share=1, no_answer=["Sorry"])
    assert (table.n_unseen == 3).all() and np.allclose(table.iloc[:, 1:4], 1 / 3)
    assert "4 of 4 respondents have no prediction" in capsys.readouterr().err


def test_a_model_that_refuses_in_many_words_has_no_prediction_there_if_the_study_says_so(tmp_path, capsys):
    rows = ["a,1", "b,Sorry I cannot", "c,I am afraid not", "d,4"]
    table = read(tmp_path, rows, max_lost_share=0.5, unknown_answers="drop")
    assert list(table.n_unseen) == [0, 3, 3, 0] and table.p_viel[3] == 1
    said = capsys.readouterr().err
    assert (
        "2 of 4 predictions are no answer option" in said and "2 of 4 respondents have no prediction" in said
    )
    with pytest.raises(InputError, match="2 of 4 respondents have no prediction"):
        read(tmp_path, rows, max_lost_share=0.4, unknown_answers="drop")


def test_predictions_of_whom_where_leaves_out_are_dropped_and_counted(tmp_path, capsys):
    table = read(tmp_path, ["a,1", "b,1", "c,1", "d,1", "x,2"], others=["x", "a"])
    assert list(table.respondent_id) == PEOPLE
    assert "1 of 5 predictions are of respondents whom `where` leaves out" in capsys.readouterr().err


BAD_ANSWERS = {
    "unknown identifier": (["a,1", "b,1", "c,1", "d,1", "e,1"], "1 of 5 identifiers are of no respondent"),
    "doubled identifier": (["a,1", "a,2", "b,1", "c,1", "d,1"], "1 of 5 rows repeat the identifier"),
    "no identifier": (["a,1", "b,1", "c,1", "d,1", ",1"], "1 of 5 rows have no identifier"),
    "value outside the options": (
        ["a,1", "b,5", "c,1", "d,Sorry"],
        "2 of 4 predictions are no answer option: '5' in 1",
    ),
    "no prediction": (["a,1", "b,1", "c,1"], "1 of 4 respondents have no prediction"),
    "missing code": (["a,1", "b,1", "c,1", "d,8"], "1 of 4 respondents have no prediction"),
}
BAD_PROBABILITIES = {
    "sum": (
        ["a,.5,.3,.1", "b,0,1,0", "c,1,0,0", "d,1,0,0"],
        "do not sum to 1 in 1 of 4 rows; sums are 0.9 to 1",
    ),
    "per cent": (["a,50,30,20", "b,0,100,0", "c,1,0,0", "d,1,0,0"], "below 0 or above 1 in 2 of 4 rows"),
    "negative": (["a,-.1,.6,.5", "b,0,1,0", "c,1,0,0", "d,1,0,0"], "below 0 or above 1 in 1 of 4 rows"),
    "no number": (["a,x,.5,.5", "b,0,1,0", "c,1,0,0", "d,1,0,0"], "no number in 1 of 4 rows"),
    "gap": (
        ["a,,.5,.5", "b,0,1,0", "c,1,0,0", "d,1,0,0"],
        "some options have one and others do not in 1 of 4",
    ),
    "no prediction": (["a,,,", "b,0,1,0", "c,1,0,0", "d,1,0,0"], "1 of 4 respondents have no prediction"),
}


@pytest.mark.parametrize("mistake", BAD_ANSWERS)
def test_a_mistake_in_answers_is_one_line_with_numbers(tmp_path, mistake):
    rows, said = BAD_ANSWERS[mistake]
    with pytest.raises(InputError) as error:
        read(tmp_path, rows)
    assert said in error.value.what and error.value.hint


@pytest.mark.parametrize("mistake", BAD_PROBABILITIES)
def test_a_mistake_in_probabilities_is_one_line_with_numbers(tmp_path, mistake):
    rows, said = BAD_PROBABILITIES[mistake]
    with pytest.raises(InputError) as error:
        stated(tmp_path, rows)
    assert said in error.value.what and error.value.hint


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path):
    with pytest.raises(InputError, match=r"no column is named 'gess' \(did you mean 'guess'\?\)"):
        read(tmp_path, ["a,1"], answer="gess")


def test_value_labels_of_the_file_are_codes_as_in_a_survey_file(tmp_path):
    import pyreadstat

    path = tmp_path / "gpt.sav"
    frame = pd.DataFrame({"id": PEOPLE, "guess": [1.0, 2, 3, 4]})
    pyreadstat.write_sav(frame, str(path), variable_value_labels={"guess": {1: "gar keins"}})
    chosen = PredictionFile(file=str(path), id="id", answer="guess")
    table = file_predictions(chosen, read_prediction_file(chosen, 0), CODEBOOK, "en", PEOPLE, (), 0)
    np.testing.assert_array_equal(table.iloc[:, 1:4].to_numpy().argmax(axis=1), [0, 1, 1, 2])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "needs either 'answer' or 'probabilities'"),
        ({"answer": "x", "probabilities": {"none": "p"}}, "needs either 'answer' or 'probabilities'"),
        ({"probabilities": {"none": "p"}, "no_answer": ["Sorry"]}, "no_answer: only with 'answer'"),
    ],
)
def test_a_file_is_of_one_kind(settings, said):
    with pytest.raises(InputError, match=said):
        validated(PredictionFile, {"file": "x.csv", "id": "id", **settings}, "config")


def test_every_option_needs_a_column_and_unknown_ones_are_named():
    chosen = PredictionFile(file="x.csv", id="id", probabilities={"none": "p1", "mcuh": "p3"})
    assert chosen.problems_with(CODEBOOK, "predictions.gpt") == [
        "predictions.gpt.probabilities: no answer option 'mcuh' (did you mean 'much'?)",
        "predictions.gpt.probabilities: no column for 'some'",
        "predictions.gpt.probabilities: no column for 'much'",
    ]


def numeric(folder, rows, **more):
    item = {**NUMERIC, **more}
    codebook = Codebook.model_validate({**CODEBOOK.model_dump(), "items": {"trust": item}}).asked
    return read(folder, rows, codebook=codebook)


def test_a_number_between_two_values_is_shared_by_them_and_one_in_a_bin_is_the_bins(tmp_path):
    table = numeric(tmp_path, ["a,6.7", "b,10", "c,0.25", "d,7"]).filter(like="p_")
    np.testing.assert_allclose(table @ np.arange(11), [6.7, 10, 0.25, 7])
    assert table.loc[0, ["p_6", "p_7"]].tolist() == pytest.approx([0.3, 0.7])
    binned = numeric(tmp_path, ["a,6.7", "b,10", "c,0.25", "d,5"], bins=[0, 5])
    np.testing.assert_array_equal(binned[["p_0 to 4", "p_5 to 10"]], [[0, 1], [0, 1], [1, 0], [0, 1]])
    single = numeric(tmp_path, ["a,1.5", "b,3", "c,0", "d,2"], range=[0, 3], bins=[0, 1, 2, 3])
    np.testing.assert_allclose(single.filter(like="p_") @ np.arange(4), [1.5, 3, 0, 2])
    with pytest.raises(InputError, match="'11' in 1 rows"):
        numeric(tmp_path, ["a,11", "b,10", "c,0", "d,7"])


def test_a_file_with_a_row_for_each_target_is_read_by_target(tmp_path):
    rows = ["a,trust,1", "a,other,4", "b,trust,4", "c,trust,2", "d,trust,", "b,other,1"]
    head = "id,of,guess"
    table = read(tmp_path, rows, head=head, item="of", max_lost_share=0.5)
    np.testing.assert_allclose(table.iloc[:, 1:4], [[1, 0, 0], [0, 0, 1], [0, 1, 0], [1 / 3] * 3])
    with pytest.raises(InputError, match="no row is of the target 'trust'; there are 'other'"):
        read(tmp_path, ["a,other,1"], head=head, item="of")
    with pytest.raises(InputError, match="no column is named 'off'"):
        read(tmp_path, rows, head=head, item="off")
    with pytest.raises(InputError, match="repeat the identifier"):
        read(tmp_path, [*rows, "a,trust,2"], head=head, item="of")
