"""A survey or panel that gives only what it must has exactly the documented defaults."""

import json
import re
from pathlib import Path

import pytest
import yaml

from stimmung.cli.check import check_study
from stimmung.study.reading import merged_config
from stimmung.study.study import load_study

ROOT = Path(__file__).parents[3]
SURVEY = {"file": "statsmodels:anes96", "codebook": "codebooks/anes1996.yaml"}
PANEL = {
    "files": ["posts.csv"],
    "weeks": {"first": "2020-01-06", "last": "2020-02-24"},
    "questions": {"mood": {"stem": "How?", "options": ["Happy", "Sad"]}},
}


def merged(tmp_path, **content):
    content = {"run": {"surveys": [], "panels": []}, **content}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(content))
    return merged_config([tmp_path / "study.yaml"], ROOT)


def documented(section):
    """Return the defaults that the page gives for the keys of a section."""
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    table = re.search(rf"^#+ `{re.escape(section)}`\n(.*?)(?=^#|\Z)", page, flags=re.M | re.S)[1]
    return dict(
        re.findall(r"^\| `(\w+)` \| .*? \| `?(.*?)`? \| [^|]* \|$", table.replace("\\|", ""), flags=re.M)
    )


def assert_documented(resolved, section, given=()):
    defaults = documented(section)
    assert set(defaults) == set(resolved)
    for key, value in resolved.items():
        place = f"{section}.{key}"
        if key in given:
            continue
        if defaults[key] == "see below":
            assert_documented(value, place)
        elif place == "surveys.NAME.conditions":
            assert json.loads(defaults[key]) == {"full": {}}
            assert_documented(value["full"], f"{place}.NAME")
        else:
            assert json.loads(defaults[key]) == value, place


def test_a_survey_of_a_file_and_a_codebook_is_a_study_with_the_documented_defaults(tmp_path):
    config = merged(tmp_path, run={"surveys": ["mine"], "panels": []}, surveys={"mine": SURVEY})
    study = load_study(config, ROOT)
    assert_documented(study.model_dump(mode="json")["surveys"]["mine"], "surveys.NAME", given=SURVEY)
    assert check_study(config, ROOT).problems == []


def test_a_panel_of_files_weeks_and_questions_is_a_study_with_the_documented_defaults(tmp_path):
    study = load_study(merged(tmp_path, run={"panels": ["mine"]}, panels={"mine": PANEL}), ROOT)
    resolved = study.model_dump(mode="json")["panels"]["mine"]
    assert_documented(resolved, "panels.NAME", given=PANEL)
    assert_documented(resolved["weeks"], "panels.NAME.weeks", given=PANEL["weeks"])
    question = resolved["questions"]["mood"]
    assert_documented(question, "panels.NAME.questions.NAME", given=PANEL["questions"]["mood"])


@pytest.mark.parametrize("section", ["engine", "scoring", "report"])
def test_a_section_that_nobody_gives_has_the_documented_defaults(section):
    assert_documented(load_study({}).model_dump(mode="json")[section], section)


def test_a_preset_that_is_not_named_is_that_of_the_model_s_kind(tmp_path):
    large = {"source": "a/b", "revision": "0" * 40}
    survey = SURVEY | {"arms": ["tiny/tuned", "large/tuned"]}
    panel = PANEL | {"arms": ["tiny/weekly", "large/weekly"]}
    config = merged(tmp_path, models={"large": large}, surveys={"mine": survey}, panels={"mine": panel})
    study = load_study(config, ROOT)
    for branch, preset in ((study.surveys["mine"], "votes"), (study.panels["mine"], "weeks")):
        assert study.training_of(branch, "large") == study.training[preset]
        assert study.training_of(branch, "tiny") == study.training[f"tiny-{preset}"]
    named = study.surveys["mine"].model_copy(update={"training": "tiny-votes"})
    assert study.training_of(named, "large") == study.training["tiny-votes"]


def test_the_preset_for_real_models_is_the_default_of_every_key():
    presets = load_study(merged_config([], ROOT), ROOT).training
    unwritten = {"target_parameters": [], "early_stopping": None}  # where they are empty
    assert_documented({**presets["votes"].model_dump(mode="json"), **unwritten}, "training.NAME")
    assert all(not getattr(presets["votes"], name) for name in unwritten)
