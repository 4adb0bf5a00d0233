"""What a survey's conditions mean: adapters, prompts that are shared, training rows."""

from pathlib import Path

import pytest
import yaml

from stimmung.study.reading import load_codebook, merged_config, validated
from stimmung.study.study import load_study
from stimmung.study.surveys import Survey
from stimmung.vocabulary.errors import InputError

ROOT = Path(__file__).parents[3]


def survey(conditions, **changes):
    content = {
        "file": "x.sav",
        "codebook": "x.yaml",
        "arms": ["small/tuned", "large/tuned", "large/zero-shot"],
        "training": "quick",
        "conditions": conditions,
        **changes,
    }
    return validated(Survey, content, "survey")


def told(conditions, **changes):
    with pytest.raises(InputError) as error:
        survey(conditions, **changes)
    return error.value.what


def test_there_is_an_adapter_for_each_tuned_arm_condition_seed_and_fold():
    conditions = {"full": {}, "half": {"share": 0.5, "arms": ["small/tuned"]}}
    assert survey(conditions, seeds=[1, 2, 3]).n_adapters(5) == (2 + 1) * 3 * 5


def test_a_survey_needs_a_file_or_made_up_respondents():
    assert "needs a 'file', or 'simulate'" in told({"full": {}}, file=None)
    assert survey({"full": {}}, file=None, simulate={}).simulate.n_respondents == 2000


@pytest.mark.parametrize("key", ["strata", "clusters"])
def test_made_up_respondents_were_drawn_from_no_strata_and_clusters(key):
    assert f"{key}: made-up respondents have none" in told(
        {"full": {}}, file=None, simulate={}, **{key: "psu"}
    )
    assert getattr(survey({"full": {}}, **{key: "psu"}), key) == "psu"


def test_a_file_of_predictions_is_a_method_under_the_first_condition_with_the_first_seed():
    file = {"file": "gpt.csv", "id": "id", "answer": "guess"}
    chosen = survey({"full": {}, "tenth": {"share": 0.1}}, predictions={"gpt-5": file}, seeds=[3, 4])
    paths = [path for path in chosen.prediction_files("s", ["majority"]) if "/files/" in path]
    assert paths == ["results/surveys/s/predictions/files/gpt-5/full/seed-3.parquet"]
    assert "predictions" in told({"full": {}}, predictions={"gpt/5": file})


def test_estimates_and_predictions_name_options_and_items_of_the_codebook():
    codebook = load_codebook(ROOT / "codebooks" / "gles2017.yaml")
    regressions = [{"outcome": "Grüne", "on": ["age", "agee"]}, {"on": ["vote"], "model": "linear"}]
    stated = {"file": "x.csv", "id": "id", "probabilities": {"Gruene": "p"}}
    chosen = survey({"full": {}}, predictions={"gpt": stated}, rectify={"regressions": regressions})
    problems = " ".join(chosen.problems_with(codebook))
    assert "predictions.gpt.probabilities: no answer option 'Gruene' (did you mean 'Grüne'?)" in problems
    assert "rectify.regressions.0.on: no item 'agee' in the codebook (did you mean 'age'?)" in problems
    assert "rectify.regressions.1.on: 'vote' is what is predicted" in problems
    assert "rectify.regressions.1.outcome: 'vote' is not ordinal" in problems
    assert "needs an 'outcome'" in told({"full": {}}, rectify={"regressions": [{"on": ["age"]}]})


def test_fault_at_made_up_respondents_have_no_groups():
    assert "group: made-up respondents have none" in told(
        {"full": {}}, file=None, simulate={}, group="person"
    )
    assert survey({"full": {}}, group="person").group == "person"


def test_the_size_of_another_condition_must_be_one_of_its_own():
    assert "b.same_size_as: no condition 'ful' (did you mean 'full'?)" in told(
        {"full": {}, "b": {"same_size_as": "ful"}}
    )
    conditions = {"full": {}, "b": {"same_size_as": "full"}, "c": {"same_size_as": "b"}}
    assert "'b' takes its own size from another condition" in told(conditions)
    assert "give one" in told({"full": {}, "b": {"same_size_as": "full", "share": 0.5}})


def test_a_combined_condition_is_checked_like_any_other():
    conditions = {"full": {}, "a": {"drop_items": ["x"]}, "b": {"combine": ["a"], "exclud": {}}}
    assert "unknown key 'conditions.b.exclud' (did you mean 'exclude'?)" in told(conditions)
    assert "conditions: c.combine: no condition 'd'" in told({"full": {}, "c": {"combine": ["d"]}})


def test_fault_yy_a_condition_that_names_an_arm_alone_holds_for_whatever_models_a_survey_has():
    conditions = {"full": {}, "tenth": {"share": 0.1, "arms": ["tuned"]}}
    assert survey(conditions).arms_of("tenth") == ["small/tuned", "large/tuned"]
    assert survey(conditions, arms=["mine/tuned", "mine/few-shot"]).arms_of("tenth") == ["mine/tuned"]
    assert survey(conditions, arms=["mine/zero-shot"]).arms_of("tenth") == []
    wrong = told({"full": {}, "tenth": {"arms": ["tuend"]}})
    assert "arm 'tuend' is not among the survey's arms (did you mean 'tuned'?)" in wrong


def test_fault_yy_the_demo_s_survey_takes_other_arms_and_keeps_its_conditions(tmp_path):
    study = {"models": {"mine": {"source": "./mine"}}, "run": {"panels": []}}
    study["surveys"] = {"anes1996": {"arms": ["mine/tuned"], "conditions": {"share-10": {"share": 0.2}}}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    chosen = load_study(merged_config([tmp_path / "study.yaml"], ROOT), ROOT).surveys["anes1996"]
    assert chosen.conditions["share-10"].share == 0.2 and chosen.arms_of("share-10") == ["mine/tuned"]


def test_complete_answers_are_those_of_the_prompt_of_the_condition():
    codebook = load_codebook(ROOT / "codebooks" / "gles2017.yaml")
    chosen = survey(
        {"full": {}, "all": {"complete": True}, "few": {"complete": True, "drop_items": ["party_id"]}}
    )
    assert chosen.selection("full", codebook)["complete"] == []
    assert chosen.selection("all", codebook)["complete"] == codebook.predictors
    # The vote itself is no item of the prompt, and the state is none either.
    without = set(codebook.predictors) - set(chosen.selection("few", codebook)["complete"])
    assert without == {"party_id", "party_id_strength"}


def test_only_some_conditions_are_run_if_the_study_names_them():
    conditions = {"full": {}, "a": {"drop_items": ["x"]}, "b": {"combine": ["a"]}}
    chosen = survey(conditions, only=["full", "b"])
    assert list(chosen.conditions) == ["full", "b"] and chosen.conditions["b"].drop_items == ["x"]
    assert chosen.n_adapters(5) == 2 * 2 * 5
    assert "only: no condition 'ful' (did you mean 'full'?)" in told(conditions, only=["ful"])


def test_conditions_may_be_worded_in_any_language_of_the_codebook():
    codebook = load_codebook(ROOT / "codebooks" / "gles2017.yaml")
    conditions = {
        "full": {},
        "a": {"exclude": {"party_id": ["Grüne", "AfD"]}, "keep": {"employment": ["student"]}},
    }
    english = survey(conditions, language="en")
    assert english.problems_with(codebook) == []
    selected = english.selection("a", codebook)
    assert selected["exclude"] == {"party_id": ["Greens", "AfD"]} and selected["keep"] == {
        "employment": ["student"]
    }
    german = survey(conditions, language="de").selection("a", codebook)
    assert german["exclude"] == {"party_id": ["Grüne", "AfD"]} and german["keep"] == {
        "employment": ["Student"]
    }


def test_a_classifier_is_trained_for_each_fold_as_well():
    assert survey({"full": {}}, arms=["small/tuned", "small/classifier", "small/persona"]).n_adapters(5) == 10


ANES = load_codebook(ROOT / "codebooks" / "anes1996.yaml")


def test_several_targets_are_views_and_one_is_the_survey_itself():
    alone = survey({"full": {}}, targets=["party_id"])
    assert alone.views("anes") == {"anes": alone}
    assert survey({"full": {}}).asked(ANES)[0].item == "vote"
    both = survey({"full": {}}, targets=["vote", "party_id"])
    assert list(both.views("anes")) == ["anes/targets/vote", "anes/targets/party_id"]
    assert [(view.item, view.others) for view in both.asked(ANES)] == [
        ("vote", ["party_id"]),
        ("party_id", ["vote"]),
    ]
    paths = both.views("anes")["anes/targets/vote"].prediction_files("anes/targets/vote", ["majority"])
    assert "results/surveys/anes/targets/vote/predictions/baselines/majority/full/seed-24.parquet" in paths
    assert both.n_adapters(5) == alone.n_adapters(5), "the adapters are the same for all targets"


def test_a_condition_asks_the_same_respondents_for_all_targets():
    both = survey({"full": {"complete": True}}, targets=["vote", "party_id"])
    assert {"vote", "party_id"} <= set(both.selection("full", ANES)["complete"])
    hidden = survey({"full": {"complete": True}}, targets=["vote", "party_id"], targets_see="items")
    assert not {"vote", "party_id"} & set(hidden.selection("full", ANES)["complete"])


def test_a_target_that_is_no_item_or_a_number_is_told():
    def problems(*targets):
        return survey({"full": {}}, targets=list(targets)).problems_with(ANES)

    assert problems("party_id", "voet") == ["targets: no item 'voet' in the codebook (did you mean 'vote'?)"]
    number = next(name for name, item in ANES.items.items() if item.scale == "numeric")
    assert problems("vote", number) == [
        f"targets: '{number}' is numeric, and needs a `range`, its lowest and highest value"
    ]
    assert "targets: 'vote' is named twice" in told({"full": {}}, targets=["vote", "vote"])
    assert "targets: 'a/b' names a folder" in told({"full": {}}, targets=["vote", "a/b"])


def test_a_target_that_its_own_prompt_gives_away_is_told():
    same = ANES.items["party_id"].model_copy()
    book = ANES.model_copy(update={"items": {**ANES.items, "identification": same}})
    (problem,) = survey({"full": {}}, targets=["party_id"]).problems_with(book)
    assert "target 'party_id': its own prompt gives it away, as 'identification' is read from" in problem
    mended = book.model_copy(update={"gives_away": {"identification": ["party_id"]}})
    assert survey({"full": {}}, targets=["party_id"]).problems_with(mended) == []


def test_arms_that_know_one_target_only_are_told():
    several = {"targets": ["vote", "party_id"]}
    assert "'small/classifier' learns the options of one target" in told(
        {"full": {}}, arms=["small/classifier"], **several
    )
    assert survey({"full": {}}, arms=["small/persona"], **several).problems_with(ANES) == []
    # "My household's income is {answer} a year." does not end with the answer.
    incomes = {"arms": ["small/persona"], "targets": ["vote", "income"]}
    (problem,) = survey({"full": {}}, **incomes).problems_with(ANES)
    assert "has no last sentence for 'income'" in problem


def test_isotonic_calibration_is_for_two_answer_options_and_is_refused_before_anything_runs():
    gles, anes = (load_codebook(ROOT / "codebooks" / f"{name}.yaml") for name in ("gles2017", "anes1996"))
    chosen = survey({"full": {}}, calibration="isotonic", language="en")
    (problem,) = chosen.problems_with(gles)
    assert problem.startswith("calibration: isotonic is for two answer options, and there are 8")
    assert chosen.problems_with(anes) == []
    assert survey({"full": {}}, language="en").calibration == "temperature"


IMPUTE = {"arms": ["small/tuned", "large/zero-shot", "baselines/logistic"]}


def test_an_arm_imputes_where_it_predicts_and_a_baseline_under_every_condition():
    conditions = {"full": {}, "half": {"share": 0.5, "arms": ["small/tuned"]}, "third": {"share": 0.3}}
    chosen = survey(conditions, impute={**IMPUTE, "conditions": ["half", "third"]})
    assert chosen.imputations() == [
        ("small/tuned", "half"),
        # It learns nothing, so that its predictions under `full` are those under `half`.
        ("large/zero-shot", "half"),
        ("baselines/logistic", "half"),
        ("small/tuned", "third"),
        ("large/zero-shot", "third"),
        ("baselines/logistic", "third"),
    ]
    assert chosen.predicted_in("large/zero-shot", "half") == "full"
    assert survey(conditions).imputations() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"m": 1}, "impute.m"),
        (
            {"arms": ["small/tunde"]},
            "impute.arms: no arm or baseline 'small/tunde' (did you mean 'small/tuned'?)",
        ),
        ({"conditions": ["ful"]}, "impute.conditions: no condition 'ful' (did you mean 'full'?)"),
        ({"arms": ["baselines/hot-deck"]}, "impute.cells: 'baselines/hot-deck' needs the items"),
        ({"arms": []}, "impute.arms"),
    ],
)
def test_what_is_wrong_with_an_imputation_is_told_with_its_place(changes, said):
    assert said in told({"full": {}}, impute={**IMPUTE, **changes})


def test_an_imputation_by_a_classifier_is_refused():
    both = {"arms": ["small/tuned", "small/classifier"], "impute": {"arms": ["small/classifier"]}}
    assert "'small/classifier' has a classification head" in told({"full": {}}, **both)


def test_the_items_of_a_hot_deck_s_cells_are_in_the_codebook():
    words = load_codebook(ROOT / "codebooks/anes1996.yaml")
    deck = {"arms": ["baselines/hot-deck"], "cells": ["party_id", "aeg"]}
    problems = survey({"full": {}}, impute=deck).problems_with(words)
    assert problems == ["impute.cells: no predictor 'aeg' in the codebook (did you mean 'age'?)"]


IMPUTING = {"impute": {"m": 2, "arms": ["small/tuned"]}, "arms": ["small/tuned"]}


def test_each_of_several_targets_is_imputed_by_adapters_of_its_own():
    both = survey({"full": {}}, **IMPUTING, targets=["vote", "party_id"])
    assert both.problems_with(ANES) == [] and both.n_imputation_adapters() == 2 * 2
    assert [view.imputations() for view in both.views("anes").values()] == [[("small/tuned", "full")]] * 2


def test_a_file_of_predictions_has_columns_by_target_or_a_row_for_each():
    file = {"file": "x.csv", "id": "id"}
    some = {
        "mapped": {**file, "answer": {"party_id": "guess"}},
        "long": {**file, "item": "of", "answer": "a"},
    }
    imputing = {"arms": ["files/mapped"], "m": 2}
    views = survey({"full": {}}, targets=["vote", "party_id"], predictions=some, impute=imputing).views(
        "anes"
    )
    read = {view.split("/")[-1]: one.files_of("full") for view, one in views.items()}
    assert read == {"vote": ["files/long"], "party_id": ["files/mapped", "files/long"]}
    assert views["anes/targets/party_id"].predictions["mapped"].answer == "guess"
    assert [one.imputations() for one in views.values()] == [[], [("files/mapped", "full")]]


@pytest.mark.parametrize(
    ("targets", "settings", "said"),
    [
        (["vote", "party_id"], {"answer": "a"}, "predictions.x.answer: of one target, and `targets` has 2"),
        (
            ["vote", "party_id"],
            {"answer": {"voet": "a"}},
            "predictions.x.answer: no target 'voet' (did you mean 'vote'?)",
        ),
        (
            ["vote"],
            {"probabilities": {"vote": {"Dole": "p"}}},
            "predictions.x.probabilities: columns by target",
        ),
        (["vote"], {"item": "of", "answer": "a"}, "predictions.x.item: 'of', and the survey has one target"),
    ],
)
def test_a_file_of_predictions_that_does_not_say_whose_they_are_is_refused(targets, settings, said):
    file = {"file": "x.csv", "id": "id", **settings}
    (problem,) = survey({"full": {}}, targets=targets, predictions={"x": file}).problems_with(ANES)
    assert problem.startswith(said)


def test_nothing_is_imputed_where_nobody_was_asked():
    conditions = {"full": {}, "never": {"not_asked": ["vote"]}}
    several = {"targets": ["vote", "party_id"], "arms": ["small/tuned"]}
    chosen = survey(conditions, **several, impute=IMPUTING["impute"])
    assert chosen.views("anes")["anes/targets/vote"].imputations() == [("small/tuned", "full")]
    named = {**IMPUTING["impute"], "conditions": ["never"]}
    assert "nobody was asked for the target under 'never'" in told(conditions, **several, impute=named)
