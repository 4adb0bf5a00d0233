"""Conditions that leave waves out, or an item as if nobody had been asked: what they mean, and which cannot be."""

import pytest

from stimmung.study.reading import validated
from stimmung.study.surveys import Survey
from stimmung.study.unasked_targets import baselines_beside, problems_with_unasked, without_baseline
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError

YES_NO = [{"code": 1, "label": {"en": "yes", "de": "ja"}}, {"code": 0, "label": {"en": "no", "de": "nein"}}]
YEARS = [{"code": year, "label": f"{year}"} for year in (1996, 1998, 2000)]
PLACES = [{"code": 1, "label": "north"}, {"code": 2, "label": "south"}]
TARGETS = ["rape", "poor", "any_reason"]
WAVES = {"year": ["1996", "1998"]}


def codebook(**changes):
    items = {name: {"column": name, "wording": name, "options": YES_NO} for name in TARGETS}
    items["year"] = {"column": "year", "wording": "Year", "scale": "ordinal", "options": YEARS}
    items["region"] = {"column": "region", "wording": "Region", "options": PLACES}
    content = {"title": "t", "source": "s", "instruction": "i", "question": "{wording}:", "target": "rape"}
    return Codebook.model_validate(content | {"items": items, "languages": ["en", "de"]} | changes)


def survey(conditions, **changes):
    content = {"file": "x.csv", "codebook": "x.yaml", "targets": TARGETS, "conditions": conditions}
    return validated(Survey, content | {"arms": ["m/tuned", "m/zero-shot", "m/few-shot"]} | changes, "survey")


def problems(conditions, words=None, **changes):
    return problems_with_unasked(survey(conditions, **changes), words or codebook())


def test_each_is_a_condition_for_each_target_also_in_combinations_and_by_the_first_name():
    conditions = {"full": {}, "never": {"not_asked": "each"}, "few": {"combine": ["never"], "share": 0.5}}
    chosen = survey(conditions)
    assert list(chosen.conditions) == [
        "full",
        *(f"{one}-{item}" for one in ("never", "few") for item in TARGETS),
    ]
    assert chosen.conditions["few-poor"].not_asked == ["poor"] and chosen.conditions["few-poor"].share == 0.5
    assert list(survey(conditions, only=["never", "few-rape"]).conditions) == [
        *(f"never-{item}" for item in TARGETS),
        "few-rape",
    ]
    for wrong, told in (
        ({"never": {"not_asked": "each"}, "never-rape": {}}, "there is one of this name"),
        ({"a": {"not_asked": "each"}, "b": {"combine": ["a"], "not_asked": ["rape"]}}, "another names items"),
    ):
        with pytest.raises(InputError, match=told):
            survey(wrong)
    with pytest.raises(InputError, match="needs two items under `targets`"):
        survey({"never": {"not_asked": "each"}}, targets=["rape"])


def test_a_target_is_tested_where_it_is_left_out_and_learned_nowhere_else_in_other_folds():
    chosen = survey(
        {"full": {}, "never": {"not_asked": ["rape"]}, "south": {"left_out": {"region": ["south"]}}}
    )
    views = chosen.views("s")
    assert list(views["s/targets/rape"].conditions) == ["full", "never", "south"]
    assert list(views["s/targets/poor"].conditions) == ["full", "south"]
    assert chosen.n_adapters(5) == 3 * 5


def test_what_learns_nothing_runs_once_for_the_same_prompts_and_tested_respondents():
    view = survey(
        {"full": {}, "never": {"not_asked": "each"}, "gap": {"left_out": WAVES}, "few": {"share": 0.5}}
    )
    view = view.views("s")["s/targets/rape"]
    arms = {name: view.arms_of(name) for name in view.conditions}
    assert (
        "m/zero-shot" in arms["gap"]
        and "m/zero-shot" in arms["never-rape"]
        and "m/zero-shot" not in arms["few"]
    )
    # There are no examples of what nobody was asked for, and no tabular baseline learns it.
    assert "m/few-shot" not in arms["never-rape"] and "m/few-shot" in arms["gap"]
    beside = baselines_beside(view, view.asked(codebook())[0], codebook())
    paths = view.prediction_files("s", ["majority"], beside=beside)
    baselines = {path.split("/baselines/")[1].rsplit("/", 1)[0] for path in paths if "/baselines/" in path}
    assert {one for one in baselines if "never" in one or "gap" in one} == {
        *("majority/gap", "trend/gap", "last-value/gap"),
        *("nearest-item/never-rape", "nearest-item-shares/never-rape"),
    }


def test_prompts_are_shared_by_the_conditions_that_hide_the_same_answers():
    chosen = survey(
        {"full": {}, "never": {"not_asked": ["rape"]}, "gap": {"not_asked": ["rape"], "left_out": WAVES}}
    )
    assert chosen.prompt_twin("never", "rape") == chosen.prompt_twin("gap", "rape") == "full"
    assert chosen.prompt_twin("never", "poor") == "never" and chosen.prompt_twin("gap", "poor") == "gap"


def test_answers_that_were_not_asked_for_go_with_what_gives_them_away_in_the_survey_s_language():
    words = codebook(gives_away={"rape": ["poor"]})
    chosen = survey({"never": {"not_asked": ["rape"], "left_out": {"any_reason": ["no"]}}}, language="de")
    assert chosen.not_asked("never", words).model_dump() == {
        "items": ["rape", "poor"],
        "among": {"any_reason": ["nein"]},
    }
    assert chosen.selection("never", words)["left_out"] == {}
    # A single target has no others to keep: who is left out is left out altogether.
    alone = survey({"gap": {"not_asked": ["rape"], "left_out": WAVES}}, targets=None)
    assert alone.not_asked("gap", words) is None and alone.selection("gap", words)["left_out"] == WAVES


def test_the_whole_name_of_a_select_all_item_is_left_out_with_those_options_that_are_targets():
    media = {
        "wording": "News",
        "select_all": [{"column": one, "label": one} for one in ("tv", "web", "radio")],
    }
    items = codebook().model_dump(exclude_unset=True)["items"]
    words = codebook(items={**items, "media": media})
    chosen = survey({"never": {"not_asked": ["media"]}}, targets=["media.tv", "media.web", "rape"])
    assert chosen.expanded(words).conditions["never"].not_asked == ["media.tv", "media.web"]


def test_who_was_asked_for_what_counts_as_never_asked_does_not_decide_who_is_learned_from():
    conditions = {"full": {"complete": True}, "never": {"not_asked": ["rape"], "complete": True}}
    chosen, words = survey(conditions), codebook(gives_away={"rape": ["poor"]})
    every = chosen.selection("full", words)["complete"]
    assert {"rape", "poor"} <= set(every)
    kept = chosen.selection("never", words)["complete"]
    assert kept == [item for item in every if item not in ("rape", "poor")]


def test_the_baselines_of_waves_need_an_order_and_that_of_an_unasked_item_another_with_its_options():
    chosen = survey({"full": {}, "gap": {"left_out": WAVES}, "south": {"left_out": {"region": ["south"]}}})
    (view, *_) = chosen.asked(codebook())
    assert baselines_beside(chosen, view, codebook()) == {
        "full": [],
        "gap": ["trend", "last-value"],
        "south": [],
    }
    never = survey({"full": {}, "never": {"not_asked": ["rape"], "drop_items": ["any_reason"]}})
    words = codebook(gives_away={"rape": ["poor"]})
    assert baselines_beside(never, never.asked(words)[0], words) == {"full": [], "never": []}
    assert "no baseline for 'rape'" in without_baseline(never, never.asked(words)[0], words)[0]
    assert without_baseline(never, never.asked(codebook())[0], codebook()) == []


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        (
            {"full": {}, "a": {"not_asked": ["rap"]}},
            "conditions.a.not_asked: no target 'rap' among the survey's targets",
        ),
        ({"a": {"not_asked": TARGETS}}, "nothing is left to learn; of 3 targets none stays"),
        (
            {"full": {}, "a": {"left_out": {"rape": ["yes"]}}},
            "'rape' is a target; leave respondents out by another",
        ),
        ({"a": {"not_asked": ["rape", "poor"]}}, "'any_reason' is tested under no condition"),
    ],
)
def test_what_cannot_be_left_out_is_told_with_its_place(conditions, told):
    (problem,) = problems(conditions)
    assert told in problem


def test_an_unasked_item_that_the_other_targets_give_away_leaves_nothing_to_learn():
    words = codebook(gives_away={"rape": ["poor", "any_reason"]})
    (problem,) = problems({"full": {}, "a": {"not_asked": ["rape"]}}, words)
    assert "none stays (poor, any_reason would give them away)" in problem
    assert problems({"full": {}, "a": {"not_asked": ["poor"]}}, words) == []


def test_rectified_estimates_need_answers_and_a_single_target_others_to_learn():
    (problem,) = problems({"full": {}, "a": {"not_asked": ["rape"]}}, rectify={})
    assert "`rectify` needs answers to rape" in problem
    assert "nothing is left to learn" in problems({"a": {"not_asked": ["rape"]}}, targets=None)[0]
    assert problems({"a": {"not_asked": ["rape"], "left_out": WAVES}}, targets=None) == []


def test_an_unknown_wave_is_told_as_in_other_keys_and_two_items_of_left_out_are_one_too_many():
    found = survey({"gap": {"left_out": {"year": ["1997"]}}}).problems_with(codebook())
    assert (
        found == ["conditions.gap.left_out.year: no answer '1997' (did you mean '1998'?)"]
        or "1997" in found[0]
    )
    with pytest.raises(InputError, match="left_out"):
        survey({"gap": {"left_out": {"year": ["1996"], "region": ["south"]}}})
    with pytest.raises(InputError, match="the parts name year and region"):
        survey({"a": {"left_out": WAVES}, "b": {"combine": ["a"], "left_out": {"region": ["south"]}}})
