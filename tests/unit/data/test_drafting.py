import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
import yaml

from stimmung.data.surveys.drafting import draft_codebook
from stimmung.data.surveys.respondents import respondents_table
from stimmung.data.surveys.survey_codes import SurveyFile
from stimmung.data.surveys.survey_files import read_survey_file
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
    draft = draft_codebook(survey, source="umfrage.sav", target="wahl", language="de", **chosen)
    return draft.text, yaml.safe_load(draft.text)


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
    assert "#  offen: it seems to hold respondents' own words, which are never copied" in text


@pytest.mark.usefixtures("survey")
def test_columns_may_be_named_by_label_and_keep_their_order(tmp_path):
    named = read_survey_file(str(tmp_path / "umfrage.sav"), ["Alter", "q1", "wahl"])
    _, content = drafted(named, items=["Alter", "q1"])
    assert [item["column"] for item in content["items"].values()] == ["Alter", "q1", "wahl"]


def test_too_many_columns_and_a_target_without_answers_are_refused(survey):
    wide = SurveyFile(pd.DataFrame({f"v{number}": [1, 2] for number in range(60)} | {"wahl": [1, 2]}))
    with pytest.raises(InputError, match=r"umfrage\.sav has 60 columns that could be items"):
        drafted(wide)
    with pytest.raises(InputError, match="target 'gewicht' cannot be predicted: it has 5 different numbers"):
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


def of_columns(columns, labels=None, wordings=None, *, target="vote", **chosen):
    """Return the draft of a file of these columns and a vote, and its content."""
    n = max(map(len, columns.values()))
    frame = pd.DataFrame(
        {name: (list(values) * n)[:n] for name, values in ({"vote": [1, 2]} | columns).items()}
    )
    survey = SurveyFile(frame, wordings or {}, labels or {})
    draft = draft_codebook(survey, source="small.sav", target=target, **chosen)
    content = yaml.safe_load(draft.text)
    # Whatever is drafted reads the file.
    codebook = Codebook.model_validate(content)
    respondents_table(survey, codebook, codebook.languages[0])
    return draft, content["items"]


def asked(draft, words):
    """Return the lines of a draft to which a question with these words points."""
    head = " ".join(line.lstrip("# ") for line in draft.text.split("\ntitle:")[0].splitlines())
    question = next(one for one in re.split(r"(?<=\))\s+(?=\d+\. |Left out|docs/)", head) if words in one)
    places = re.search(r"\(lines? ([\d, –]+)\)$", question)[1]
    lines, text = [], draft.text.splitlines()
    for place in places.split(", "):
        first, _, last = place.partition("–")
        lines += [text[number - 1] for number in range(int(first), int(last or first) + 1)]
    return lines


def codes_of(item, key="options"):
    return [one["code"] for one in item[key]]


def missing_of(item):
    return {code: one["reason"] for one in item.get("missing", []) for code in one["code"]}


def test_fault_ab_codes_that_occur_count_and_not_labels():
    party = {"vote": {code: f"Party {code}" for code in range(1, 46)}}
    _, items = of_columns({"vote": [1, 4, 22] * 10}, party)
    assert codes_of(items["vote"]) == [1, 4, 22]
    draft, items = of_columns({"vote": [1, 4, 322] * 10})
    assert codes_of(items["vote"]) == [1, 4, 322] and draft.left_out == {}


def test_fault_ab_what_is_named_is_written_with_all_its_options_and_else_the_true_reason_is_told():
    columns = {"state": list(range(1, 52)) * 2, "year": [2017] * 102}
    labels = {"state": {code: f"State {code}" for code in range(1, 52)}}
    draft, items = of_columns(columns, labels)
    assert draft.left_out["state"].startswith("it has 51 answers")
    assert draft.left_out["year"] == "all rows have the same answer"
    _, items = of_columns(columns, labels, items=["state", "year"])
    assert len(items["state"]["options"]) == 51 and items["year"]["range"] == [2017, 2017]
    _, items = of_columns(columns, labels, target="state")
    assert len(items["state"]["options"]) == 51


def test_fault_ac_a_letter_among_numbers_is_missing_also_where_no_row_has_it():
    labels = {"q": {1: "yes", 2: "no", "d": "No answer", "r": "Refused"}}
    _, items = of_columns({"q": [1, 2, 1, 2]}, labels)
    assert codes_of(items["q"]) == [1, 2] and missing_of(items["q"]) == {"d": "no-answer", "r": "refused"}


def test_fault_ae_labelled_codes_of_a_mostly_unlabelled_column_are_missing_and_a_range_is_drafted():
    labels = {"age": {998: "Refused", 999: "Pas de réponse du tout"}}
    draft, items = of_columns({"age": [*range(18, 80), 998, 999]}, labels)
    assert missing_of(items["age"]) == {998: "refused", 999: "no-answer"}
    assert items["age"]["range"] == [18, 79]
    # No label calls 999 missing: that is said.
    assert any("999" in line for line in asked(draft, "nothing calls missing"))


def test_fault_ae_negatives_beside_positives_are_missing_unless_they_are_a_scale():
    draft, items = of_columns(
        {"a": [1, 2, -99], "b": [-1, 0, 1], "c": [-2, 1, 3], "d": [0, 1, 99], "e": [5.5, -9, 2] * 9}
    )
    assert missing_of(items["a"]) == {-99: "no-answer"} and codes_of(items["a"]) == [1, 2]
    assert items["b"]["scale"] == "ordinal" and "missing" not in items["b"]
    assert list(missing_of(items["c"])) == [-2] and list(missing_of(items["d"])) == [99]
    assert len(asked(draft, "nothing calls missing")) >= 3


def test_fault_af_absent_answers_are_missing_and_what_may_be_one_is_asked():
    labels = {
        "vote": {
            1: "Reds",
            2: "Blues",
            3: "Ninguno",
            8: "Don’t know",
            9: "Refused",
            99: "NA",
            7: "NSP",
            6: "Prefer not to say",
        }
    }
    draft, items = of_columns({"vote": [1, 2, 3, 8, 9, 99, 7, 6] * 6}, labels)
    reasons = {8: "dont-know", 9: "refused", 99: "no-answer", 7: "dont-know", 6: "refused"}
    assert missing_of(items["vote"]) == reasons and codes_of(items["vote"]) == [1, 2, 3]
    assert asked(draft, "an answer, or is it missing?") == ['      - {code: 3, label: "Ninguno"}']


def test_fault_af_the_words_of_a_csv_are_read_as_labels_are():
    _, items = of_columns({"q": ["Yes", "No", "Don't know", "Refused"] * 6})
    assert codes_of(items["q"]) == ["No", "Yes"]
    assert missing_of(items["q"]) == {"Don't know": "dont-know", "Refused": "refused"}


@pytest.mark.parametrize(("n_rows", "n_words"), [(24, 20), (200, 20), (40, 5), (40, 2)])
def test_fault_ai_open_answers_are_never_copied_however_few_they_are(n_rows, n_words):
    words = [
        "taxes",
        "the war in the east",
        "my rent",
        "nobody listens to us",
        "prices",
        "the schools of my town",
    ]
    words += [f"reason number {number} of mine" for number in range(14)]
    answers = words[:n_words] + [""] * (n_rows - n_words)
    for chosen in ({}, {"items": ["why", "q"]}):
        draft, items = of_columns({"why": answers, "q": [1, 2]}, **chosen)
        assert "why" not in items and "own words" in draft.left_out["why"]
        assert not any(word in draft.text for word in words)


def test_fault_aj_an_answer_may_be_as_long_as_it_is():
    long = "I would vote, but for none of the parties that were in the last government"
    _, items = of_columns({"q": [long, "I would not vote"] * 10})
    assert codes_of(items["q"]) == ["I would not vote", long]


def test_fault_ao_order_is_proposed_where_the_labels_say_so():
    degrees = ["strongly agree", "agree", "neither agree nor disagree", "disagree", "strongly disagree"]
    labels = {
        "agree": dict(enumerate(degrees, 1)),
        "left": {1: "left", 11: "right", 99: "weiß nicht"},
        "mixed": {1: "agree", 2: "disagree", 3: "neither"},
        "faith": {1: "Protestant", 2: "Catholic", 3: "Muslim"},
    }
    columns = {
        "agree": [1, 2, 3, 4, 5],
        "left": [*range(1, 12), 99],
        "mixed": [1, 2, 3],
        "faith": [1, 1, 2, 3],
        "words": [*degrees, degrees[0]] * 4,
    }
    draft, items = of_columns(columns, labels)
    assert [items[name]["scale"] for name in columns] == [
        "ordinal",
        "ordinal",
        "ordinal",
        "nominal",
        "ordinal",
    ]
    assert codes_of(items["left"]) == list(range(1, 12)) and codes_of(items["mixed"]) == [1, 3, 2]
    assert codes_of(items["words"]) in (degrees, degrees[::-1])
    assert asked(draft, "an order that the codes do not have") == ["    scale: ordinal"]
    assert asked(draft, "no order was recognised") == ["    scale: nominal"]


def test_fault_ao_identifiers_weights_constants_and_dates_are_no_items_and_are_told():
    generator = np.random.default_rng(3)
    columns = {
        "idno": list(range(500, 560)),
        "anweight": generator.gamma(9, 1 / 9, 60).tolist(),
        "cntry": ["DE"] * 60,
        "inwdate": [f"2023-06-{1 + number % 28:02d}" for number in range(60)],
        "body": generator.normal(75, 9, 60).round(1).tolist(),
        "copy": ["red", "blue", "green"],
        "code": [7, 9, 8],
        "q": [1, 2, 2],
    }
    draft, items = of_columns(columns, wordings={"body": "Body weight in kg"})
    assert set(items) == {"body", "copy", "q", "vote"}
    assert [
        draft.left_out[name].split(":")[0] for name in ("idno", "anweight", "cntry", "inwdate", "code")
    ] == [
        "it looks like an identifier",
        "it looks like a survey weight",
        "all rows have the same answer",
        "it has dates or times",
        "it says the same as 'copy', code for code",
    ]
    assert yaml.safe_load(draft.text)["respondent_id"] == "idno"
    assert all(f"#  {name}: " in draft.text for name in draft.left_out)


def test_an_income_is_no_identifier_though_all_who_told_theirs_differ():
    labels = {"income": {99999: "Refused"}}
    _, items = of_columns({"income": [*range(1000, 9000, 70), 99999, 99999]}, labels)
    assert items["income"]["scale"] == "numeric"


def test_fault_ao_text_for_the_interviewer_is_taken_out_and_that_is_asked():
    wordings = {
        "q": "Q12a. [INTERVIEWER: SHOW CARD 4] How interested are you in politics?",
        "r": "Trust (EU)",
    }
    labels = {"q": {1: "1. Very", 2: "2. Somewhat", 3: "3. Not at all", 8: "8. [DO NOT READ] Don't know"}}
    draft, items = of_columns({"q": [1, 2, 3, 8], "r": [1, 2]}, labels, wordings)
    assert (
        items["q"]["wording"] == "How interested are you in politics?"
        and items["r"]["wording"] == "Trust (EU)"
    )
    assert [one["label"] for one in items["q"]["options"]] == ["Very", "Somewhat", "Not at all"]
    assert items["q"]["missing"][0]["label"] == "Don't know"
    assert asked(draft, "for the interviewer") == ['    wording: "How interested are you in politics?"']


def test_an_answer_of_too_few_for_five_folds_is_asked_and_the_target_can_be_split():
    draft, items = of_columns({"vote": [1] * 20 + [2] * 20 + [3] * 4})
    assert codes_of(items["vote"]) == [1, 2] and list(missing_of(items["vote"])) == [3]
    assert "[3]" in asked(draft, "fewer than five respondents")[0]


def test_the_same_options_are_written_once_and_words_that_give_away_the_target_are_asked():
    scale = {1: "never", 2: "sometimes", 3: "often"}
    draft, items = of_columns(
        {"a": [1, 2, 3, 3], "b": [3, 1, 2, 3], "recoded": [5, 6] * 20},
        {"a": scale, "b": scale},
        items=["a", "b", "recoded"],
    )
    assert "options: &options_of_a" in draft.text and "options: *options_of_a" in draft.text
    assert items["a"]["options"] == items["b"]["options"]
    assert asked(draft, "gives the answer away") == ["  recoded:"]


def test_a_draft_of_many_rows_takes_seconds():
    survey = SurveyFile(
        pd.DataFrame({"vote": [1, 2] * 30_000, "w": np.random.default_rng(2).gamma(9, 1 / 9, 60_000)})
    )
    assert (
        "w"
        not in yaml.safe_load(draft_codebook(survey, source="x.sav", target="vote", items=["vote"]).text)[
            "items"
        ]
    )


def test_words_among_numbers_get_their_number_and_an_order_that_the_file_gives_is_kept(tmp_path):
    ages = [*map(str, range(18, 89)), "89 or older", "unlucky"]
    draft, items = of_columns({"age": ages})
    assert items["age"]["values"] == {"89 or older": 89} and items["age"]["range"] == [18, 89]
    assert "89 or older" in asked(draft, "words among numbers")[0]
    assert missing_of(items["age"]) == {"unlucky": "no-answer"}
    frame = pd.DataFrame(
        {
            "vote": ["x", "y", "x", "y"],
            "size": pd.Categorical(["m", "s", "l", "m"], ["s", "m", "l"], ordered=True),
        }
    )
    frame.to_parquet(tmp_path / "x.parquet")
    draft = draft_codebook(read_survey_file(str(tmp_path / "x.parquet")), source="x.parquet", target="vote")
    size = yaml.safe_load(draft.text)["items"]["size"]
    assert size["scale"] == "ordinal" and codes_of(size) == ["s", "m", "l"]


SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.mark.parametrize(
    ("file", "target", "ordinal", "left_out"),
    [
        ("beps1997/beps1997.csv", "vote", {"Blair", "Europe", "political.knowledge"}, set()),
        ("chile1988/chile1988.csv", "vote", set(), set()),
        (
            "ess11-de/ess11_de.csv",
            "prtvgde1",
            {"lrscale", "health", "polintr", "trstprl"},
            {"unique_id", "idno", "anweight", "cntry"},
        ),
        ("gss-spending/gss_spending.csv", "natenvir", {"natspac", "degree", "polviews"}, {"id", "year"}),
    ],
)
def test_drafts_of_real_surveys_read_them(file, target, ordinal, left_out):
    if not (SHARED / file).exists():
        pytest.skip(f"{file} is not on this machine")
    survey = read_survey_file(str(SHARED / file))
    draft = draft_codebook(survey, source=file, target=target)
    codebook = Codebook.model_validate(yaml.safe_load(draft.text))
    respondents = respondents_table(survey, codebook, "en")
    assert {item.column for item in codebook.items.values() if item.scale == "ordinal"} >= ordinal
    assert set(draft.left_out) >= left_out
    assert respondents[codebook.target].value_counts().min() >= 5
