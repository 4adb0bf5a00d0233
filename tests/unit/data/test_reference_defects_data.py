"""The defects of study A's code (reference/papers.md, 1.6), by number: ours does not have them. The data side only."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stimmung.baselines.design import design_matrix
from stimmung.baselines.predict_folds import predict_folds
from stimmung.data.simulate.simulated_file import simulate_codes, write_simulated_sav
from stimmung.data.surveys.coding import code_item
from stimmung.data.surveys.respondents import needed_columns, respondents_table
from stimmung.data.surveys.splits import split_condition
from stimmung.data.surveys.survey_codes import SurveyFile
from stimmung.data.surveys.survey_files import read_survey_file
from stimmung.study.reading import load_codebook, load_layout, merged_config
from stimmung.study.study import load_study
from stimmung.text.prompts import survey_messages
from stimmung.vocabulary.errors import InputError

ROOT = Path(__file__).parents[3]
STUDY = load_study(merged_config([ROOT / "studies/gles2017.yaml"], ROOT), ROOT)
SURVEY = STUDY.surveys["gles2017"]
CODEBOOK = load_codebook(ROOT / SURVEY.codebook)


@pytest.fixture(scope="module")
def respondents(tmp_path_factory):
    """Made-up respondents by way of a file with the archive's labels."""
    layout = load_layout(ROOT / "codebooks/layouts/za6835.yaml")
    codes = simulate_codes(
        CODEBOOK,
        layout,
        where=SURVEY.where,
        where_not={},
        weight=SURVEY.weight,
        language="de",
        n=500,
        seed=11,
    )
    path = tmp_path_factory.mktemp("gles") / "simulated.sav"
    write_simulated_sav(codes, layout, path)
    survey = read_survey_file(str(path), needed_columns(CODEBOOK, SURVEY.where, SURVEY.weight))
    return respondents_table(survey, CODEBOOK, "de", SURVEY.where, SURVEY.weight)


def prompts(respondents, drop_items=(), language="de"):
    rows = respondents.to_dict("records")
    return [survey_messages(row, CODEBOOK, language, drop_items)[1]["content"] for row in rows]


def split(respondents, condition):
    chosen = SURVEY.selection(condition, CODEBOOK)
    return split_condition(respondents, "vote", condition, **chosen, n_folds=5, seed=24)


def test_3_options_are_spelt_as_models_spell_them_and_the_prompt_offers_just_these(respondents):
    assert "AfD" in CODEBOOK.target_labels("de") and "AFD" not in CODEBOOK.target_labels("de")
    system = survey_messages(respondents.iloc[0].to_dict(), CODEBOOK, "de")[0]["content"]
    assert str(CODEBOOK.target_labels("de")) in system


@pytest.mark.parametrize("condition", ["students", "no-afd"])
def test_5_an_answer_that_is_absent_from_training_can_still_be_predicted(respondents, condition):
    splits = split(respondents, condition)
    # The hardest case: nobody in training voted for the party at all.
    splits["in_training"] &= (respondents.vote != "AfD").to_numpy()
    predicted = predict_folds(
        "logistic",
        respondents,
        splits,
        predictors=["age", "party_id"],
        target="vote",
        options=CODEBOOK.target_labels("de"),
        grid={"C": [1.0]},
        inner_folds=2,
        condition=condition,
        seed=24,
    )
    assert [name for name in predicted if name.startswith("p_")] == [
        f"p_{option}" for option in CODEBOOK.target_labels("de")
    ]
    # And it is tested: the test folds are those of everybody.
    assert (predicted.target == "AfD").sum() == (respondents.vote == "AfD").sum() > 0


def test_7_no_umlaut_is_made_by_rule():
    words = ["Frauen", "Steuern", "Vertrauen", "Quelle", "Bauer", "GRÜNE", "weiß"]
    labels = dict(enumerate(words))
    codes = pd.DataFrame({"x": [float(code) for code in labels]})
    item = CODEBOOK.items["sex"].model_copy(
        update={
            "column": "x",
            "options": [
                option.model_copy(update={"code": word, "label": word})
                for option, word in zip([CODEBOOK.items["sex"].options[0]] * len(words), words, strict=True)
            ],
            "missing": [],
        }
    )
    coded = code_item(SurveyFile(codes, value_labels={"x": labels}), codes, item, "de")
    assert coded.answers.tolist() == words


def test_8_a_filter_code_is_no_non_voter(respondents):
    filtered = respondents["vote.missing"] == "filter"
    assert filtered.any() and respondents.vote[filtered].isna().all()
    assert (respondents.vote == "Nichtwähler").any()


def test_8_an_absent_age_is_no_crash_and_no_number(respondents):
    absent = respondents.age.isna()
    assert absent.any() and respondents.age.min() > 0
    reasons = respondents["age.missing"][absent]
    texts = [text for text, gone in zip(prompts(respondents), absent, strict=True) if gone]
    for text, reason in zip(texts, reasons, strict=True):
        said = {
            "refused": "Alter: keine Angabe",
            "dont-know": "Alter: weiß nicht",
            "filter": "Alter: trifft nicht zu",
        }
        assert said.get(reason, "") in text and "nan" not in text
        assert reason != "not-applicable" or "Alter: " not in text


def test_9_order_and_numbers_stay_order_and_numbers_in_the_baselines(respondents):
    design = design_matrix(respondents, CODEBOOK.predictors)
    for item in ("age", "income", "left_right", "immigration", "party_id_strength", "income_differences"):
        assert item in design and design[item].dropna().nunique() > 3
        assert not [name for name in design if name.startswith(f"{item}=")]
    ranks = respondents.left_right.cat.codes
    np.testing.assert_array_equal(design.left_right.dropna(), ranks[ranks >= 0])


@pytest.mark.parametrize("condition", ["without-party", "students-without-party"])
def test_10_without_party_identification_its_strength_is_gone_from_prompts_and_baselines(
    respondents, condition
):
    dropped = SURVEY.conditions[condition].drop_items
    assert not [text for text in prompts(respondents, dropped) if "Parteiidentifikation" in text]
    columns = design_matrix(respondents, CODEBOOK.predictors_without(dropped))
    assert not [name for name in columns if name.startswith("party_id")]


def test_11_prompts_and_baselines_hold_the_same_information(respondents):
    design = design_matrix(respondents, CODEBOOK.predictors).fillna(-1)
    by_prompt = pd.factorize(pd.Series(prompts(respondents)))[0]
    by_design = pd.factorize(pd.Series([tuple(row) for row in design.to_numpy()]))[0]
    np.testing.assert_array_equal(by_prompt, by_design)
    # And item by item, where many respondents are alike: an answer, a reason or nothing.
    for item in CODEBOOK.predictors:
        others = [name for name in CODEBOOK.predictors if name != item]
        single = respondents.copy()
        for name in others:
            single[name], single[f"{name}.missing"] = None, "not-applicable"
        words = pd.Series(prompts(single))
        columns = design_matrix(respondents, [item]).fillna(-1)
        pairs = pd.DataFrame({"words": words, "columns": [tuple(row) for row in columns.to_numpy()]})
        assert pairs.words.nunique() == pairs["columns"].nunique() == len(pairs.drop_duplicates())


def test_14_every_hub_model_of_a_study_has_a_pinned_revision():
    hub = [
        model
        for path in sorted((ROOT / "studies").glob("*.yaml"))
        for model in merged_config([path], ROOT)["models"].values()
        if "/" in model["source"] and not model["source"].startswith("package:")
    ]
    assert hub
    assert [model["source"] for model in hub if len(model.get("revision") or "") != 40] == []


def test_16_no_pickle_is_read(tmp_path):
    path = tmp_path / "argyle.pkl"
    pd.DataFrame({"vote": [1]}).to_pickle(path)
    with pytest.raises(InputError, match=r"argyle\.pkl is not a survey file that can be read"):
        read_survey_file(str(path))
