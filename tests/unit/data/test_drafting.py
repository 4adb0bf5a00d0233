import pandas as pd
import pyreadstat
import pytest
import yaml

from stimmung.data.surveys.drafting import draft_codebook
from stimmung.data.surveys.respondents import respondents_table
from stimmung.data.surveys.survey_files import SurveyFile, read_survey_file
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError

FRAME = pd.DataFrame(
    {
        "q1": [1.0, 2, 3, -99, -98, 2],
        "alter": [34.0, 51, -99, 18, 77, 42],
        "skala": [1.0, 5, 11, 6, -99, 1],
        "partei": ["CDU", "SPD", "CDU", "", "SPD", "SPD"],
        "offen": [
            f"Ich habe {number} Mal lange darüber nachgedacht, was ich hier schreibe" for number in range(6)
        ],
        "gewicht": [0.5, 1.25, 1, 1, 0.75, 1.1],
        "wahl": [1.0, 2, 2, 1, 9, 1],
    }
)
LABELS = {
    "q1": {
        1: "gut",
        2: "mittel",
        3: "mittel",
        -99: "keine Angabe",
        -98: "weiß nicht",
        -97: "trifft nicht zu",
    },
    "alter": {-99: "keine Angabe"},
    "skala": {1: "1 links", 11: "11 rechts", -99: "keine Angabe"},
    "wahl": {1: "ja", 2: "nein", 9: "verweigert"},
}


@pytest.fixture
def survey(tmp_path):
    path = tmp_path / "umfrage.sav"
    pyreadstat.write_sav(
        FRAME,
        str(path),
        column_labels={"q1": 'Wie ist: die "Lage"?', "alter": "Alter"},
        variable_value_labels=LABELS,
        missing_ranges={"wahl": [9]},
    )
    return read_survey_file(str(path))


def drafted(survey, **chosen):
    text = draft_codebook(survey, source="umfrage.sav", target="wahl", language="de", **chosen)
    return text, yaml.safe_load(text)


def test_the_draft_is_a_codebook_by_which_the_file_can_be_read(survey):
    _, content = drafted(survey, leave_out=["gewicht"])
    codebook = Codebook.model_validate(content)
    assert list(codebook.items) == ["q1", "alter", "skala", "partei", "wahl"]
    respondents = respondents_table(survey, codebook, "de")
    assert respondents.wahl.astype(object).where(respondents.wahl.notna(), None).tolist() == [
        "ja",
        "nein",
        "nein",
        "ja",
        None,
        "ja",
    ]
    assert respondents["q1.missing"].dropna().tolist() == ["refused", "dont-know"]
    assert respondents.alter.tolist()[1] == 51 and pd.isna(respondents.alter[2])


def test_a_label_of_two_codes_becomes_one_option_and_says_so(survey):
    text, content = drafted(survey)
    assert content["items"]["q1"]["options"][1] == {"code": [2, 3], "label": "mittel"}
    assert 'label: "mittel"}   # several codes have this value label' in text


def test_a_value_without_a_label_is_its_code_and_says_so(survey):
    text, content = drafted(survey)
    options = content["items"]["skala"]["options"]
    assert [option["label"] for option in options] == ["1 links", "5", "6", "11 rechts"]
    assert '{code: 5, label: "5"}   # no value label in the file' in text


def test_reasons_are_proposed_by_label_and_what_the_file_declares_as_missing_is_missing(survey):
    _, content = drafted(survey)
    reasons = {tuple(one["code"]): one["reason"] for one in content["items"]["q1"]["missing"]}
    assert reasons == {(-99,): "refused", (-98,): "dont-know", (-97,): "filter"}
    assert content["items"]["wahl"]["missing"] == [{"code": [9], "reason": "refused", "label": "verweigert"}]


def test_nobody_s_own_words_and_no_number_of_rows_stand_in_the_draft(survey):
    text, content = drafted(survey)
    assert "nachgedacht" not in text and "offen" not in content["items"]
    assert "# Left out, because it has words, only one value, or too many: offen" in text


@pytest.mark.usefixtures("survey")
def test_columns_may_be_named_by_label_and_keep_their_order(tmp_path):
    named = read_survey_file(str(tmp_path / "umfrage.sav"), ["Alter", "q1", "wahl"])
    _, content = drafted(named, items=["Alter", "q1"])
    assert [item["column"] for item in content["items"].values()] == ["Alter", "q1", "wahl"]


def test_too_many_columns_and_a_target_without_answers_are_refused(survey):
    wide = SurveyFile(pd.DataFrame({f"v{number}": [1, 2] for number in range(60)} | {"wahl": [1, 2]}))
    with pytest.raises(InputError, match=r"umfrage\.sav has 60 columns"):
        drafted(wide)
    with pytest.raises(InputError, match="target 'gewicht' has no answers to choose from"):
        draft_codebook(survey, source="umfrage.sav", target="gewicht")


def test_words_that_yaml_would_read_as_something_else_stay_words():
    frame = pd.DataFrame({"wahl": ["no", "yes", "null", "1e3"], "x": ["01", "1", "01", "on"]})
    _, content = drafted(SurveyFile(frame))
    assert {option["code"] for option in content["items"]["wahl"]["options"]} == {"no", "yes", "null", "1e3"}
    assert {str(option["code"]) for option in content["items"]["x"]["options"]} == {"01", "1", "on"}


def test_columns_with_odd_names_get_keys_that_yaml_keeps():
    frame = pd.DataFrame({name: [1, 2] for name in ("no", "2017", "weight", "Q 1", "q-1", "Größe", "wahl")})
    _, content = drafted(SurveyFile(frame))
    keys = ["item_no", "item_2017", "item_weight", "q_1", "q_1_2", "größe", "wahl"]
    assert list(content["items"]) == keys
    assert [item["column"] for item in content["items"].values()] == list(frame)
    Codebook.model_validate(content)
