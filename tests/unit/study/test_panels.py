from pathlib import Path

import pytest
import yaml

from stimmung.study.panels import Panel
from stimmung.study.reading import validated
from stimmung.study.study import Study
from stimmung.vocabulary.errors import InputError

ROOT = Path(__file__).parents[3]
STUDY_B = {
    "files": ["posts/*.parquet"],
    "weeks": {"first": "2019-11-07", "last": "2020-06-25", "anchor": "THU"},
    "questions": {"mood": {"stem": "How?", "options": ["Happy", "Sad"]}},
    "trackers": {"mood": {"file": "t.xlsx", "format": "yougov-xlsx", "sheet": "All adults"}},
    "arms": ["llama-3-8b/weekly"],
    "training": "moods",
    "seeds": [42, 99, 13],
}
SIMULATED = {**STUDY_B, "files": [], "trackers": {}, "simulate": {}}
MIXED = {
    **SIMULATED,
    "simulate": None,
    "weeks": {"first": "2000-01-03", "last": "2000-01-17"},
    "mix": {"source": "simulated", "joy_shares": [0, 0.5, 1], "n_posts": 10},
}


def told(content):
    with pytest.raises(InputError) as error:
        validated(Panel, content, "panels.b")
    return error.value.what


def test_a_panel_has_study_b_s_defaults():
    panel = validated(Panel, STUDY_B, "panels.b")
    assert len(panel.weeks.labels()) == 34
    assert panel.series.model_dump() == {
        "scale": "min-max",
        "rolling_weeks": 3,
        "max_lag_weeks": 8,
        "wordings": "equal",
        "periods": {},
    }
    assert panel.models() == ["llama-3-8b"]
    assert panel.constructed is None


def test_what_scripts_are_given_is_plain_and_reads_back():
    panel = validated(Panel, STUDY_B, "panels.b")
    plain = panel.model_dump(mode="json")
    assert plain["weeks"]["first"] == "2019-11-07"
    assert Panel.model_validate(plain) == panel


def test_study_b_is_set_up_as_its_code_has_it():
    """Facts of dess-mannheim/temporal-adapters, commit d821ce7."""
    study = yaml.safe_load((ROOT / "studies" / "temporal-adapters.yaml").read_text(encoding="utf-8"))
    model = study["models"]["llama-3-8b"]
    assert model["source"] == "meta-llama/Meta-Llama-3-8B" and len(model["revision"]) == 40
    one = study["training"]["weeks-as-published"]
    assert (one["r"], one["lora_alpha"], one["lora_dropout"]) == (128, 128, 0)
    assert one["target_modules"] == ["q_proj", "v_proj"]
    assert (one["learning_rate"], one["max_steps"], one["block_size"]) == (5e-6, 300, 512)
    assert one["per_device_train_batch_size"] * one["gradient_accumulation_steps"] == 24
    panel = Panel.model_validate(study["panels"]["british-twitter"])
    assert panel.seeds == [42, 99, 13] and len(panel.weeks.labels()) == 34
    assert len(panel.questions["mood"].worded()) == 4 and panel.series.rolling_weeks == 3
    # Attitudes and PANAS-X have no survey here; the mood has.
    assert set(panel.trackers) == {"mood"} < set(panel.questions)


def test_made_up_panels_say_so():
    assert validated(Panel, SIMULATED, "panels.b").constructed == "simulated"
    assert validated(Panel, MIXED, "panels.b").constructed == "simulated"
    real = {**MIXED, "mix": {**MIXED["mix"], "source": "goemotions"}}
    assert validated(Panel, real, "panels.b").constructed == "constructed"


def test_all_mistakes_are_told_at_once():
    message = told(
        {
            **STUDY_B,
            "files": ["posts/{week}.csv"],
            "columns": {"author": None},
            "filters": {"languages": ["en"], "max_posts_per_author": 5},
            "trackers": {"moods": STUDY_B["trackers"]["mood"]},
            "arms": ["llama-3-8b/tuned"],
            "seeds": [1, 1],
        }
    )
    for part in (
        "columns.time: must be null, because",
        "filters.max_posts_per_author: needs columns.author",
        "filters.languages: needs columns.language",
        "trackers.moods: no question 'moods' (did you mean 'mood'?)",
        "arm 'llama-3-8b/tuned' is not MODEL/weekly",
        "seeds: a seed is listed twice",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"files": []}, "exactly one of files, simulate and mix"),
        ({"simulate": {}}, "exactly one of files, simulate and mix"),
        ({"columns": {"time": None}}, "columns.time: needed"),
        (
            {"files": ["{week}.csv", "a.csv"], "columns": {"time": None}},
            "some have {week} in their names and some do not",
        ),
        ({"weeks": {"first": "2019-11-08", "last": "2020-06-25", "anchor": "THU"}}, "is a FRI, not a THU"),
        ({"format": {"time_zone": "Mars"}}, "format: time_zone: 'Mars' is no(t a)? time zone"),
        ({"columns": {"names": ["time", "author", "txt"]}}, "columns: not among names: text"),
        (
            {"trackers": {"mood": {"file": "t.csv", "format": "tidy", "sheet": "x"}}},
            "only an .xlsx file has sheets",
        ),
        ({"filters": {"retweet": "drop"}}, "unknown key 'filters.retweet' .did you mean 'retweets'"),
    ],
)
def test_a_mistake_is_told_with_its_place(change, message):
    with pytest.raises(InputError, match=message):
        validated(Panel, {**STUDY_B, **change}, "panels.b")


def test_a_mix_has_a_week_for_each_share_and_no_tracker_file():
    shorter = {**MIXED, "weeks": {"first": "2000-01-03", "last": "2000-01-10"}}
    assert "mix.joy_shares: 3 shares for 2 weeks" in told(shorter)
    assert "bring their own" in told({**MIXED, "trackers": STUDY_B["trackers"]})


def study_with(panel=None, **changes):
    """A study of this panel alone; ``changes`` are keys inside its sections, as section__key."""
    content = {
        "run": {"panels": ["b"]},
        "models": {"llama-3-8b": {"source": "built-in"}, "other": {"source": "built-in"}},
        "training": {"moods": {"max_steps": 1, "num_train_epochs": None}},
        "engine": {},
        "scoring": {},
        "panels": {"b": {**STUDY_B, **(panel or {})}},
        "report": {"title": "t"},
    }
    for place, value in changes.items():
        section, key = place.split("__")
        content[section][key] = value
    return validated(Study, content, "config")


def test_a_study_of_panels_alone_needs_their_models_only():
    study = study_with()
    assert list(study.selected_panels()) == ["b"]
    assert list(study.selected_models()) == ["llama-3-8b"]
    assert study.selected_surveys() == {}
    assert list(study_with(run__panels=[]).selected_models()) == []


@pytest.mark.parametrize(
    ("panel", "changes", "message"),
    [
        ({}, {"run__panels": ["bb"]}, "run.panels: no panel 'bb' .did you mean 'b'"),
        (
            {"arms": ["llama-3-8/weekly"]},
            {},
            "panels.b.arms: no model 'llama-3-8' .did you mean 'llama-3-8b'",
        ),
        ({"training": "mood"}, {}, "panels.b.training: no preset 'mood' .did you mean 'moods'"),
        ({}, {"scoring__normalization": "pmi"}, "scoring.normalization: pmi"),
    ],
)
def test_a_name_in_a_panel_that_nothing_has_is_told(panel, changes, message):
    with pytest.raises(InputError, match=message):
        study_with(panel, **changes)


def test_a_panel_of_days_is_refused_with_what_days_can_be():
    message = told({**STUDY_B, "weeks": {**STUDY_B["weeks"], "period": "day"}})
    assert "a panel's period is the week" in message and "frequency: daily" in message


def test_a_period_holds_the_weeks_from_its_first_to_its_last_day():
    named = {"series": {"periods": {"lockdown": {"first": "2020-03-23", "last": "2020-04-08"}}}}
    panel = validated(Panel, {**STUDY_B, **named}, "panels.b")
    assert panel.weeks_of(panel.series.periods["lockdown"]) == ["2020-03-19", "2020-03-26", "2020-04-02"]
    for days, message in (
        ({"first": "2021-01-01", "last": "2021-02-01"}, "none of the panel's weeks"),
        ({"first": "2020-02-01", "last": "2020-01-01"}, "is after last"),
    ):
        assert message in told({**STUDY_B, "series": {"periods": {"x": days}}})


def test_an_option_of_a_tracker_that_nobody_asks_is_told():
    tracker = {"file": "t.csv", "format": "wide", "columns": {"Hapy": "happy_pct"}}
    assert "trackers.mood.columns: no option 'Hapy' (did you mean 'Happy'?)" in told(
        {**STUDY_B, "trackers": {"mood": tracker}}
    )
