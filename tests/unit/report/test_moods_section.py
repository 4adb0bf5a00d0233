from copy import deepcopy
from dataclasses import replace

import pytest

from stimmung.evaluation.series.prewhitening import SEASONS_WEEKS
from stimmung.report.moods_section import moods_section
from stimmung.report.page import Notice, Picture, Points, Shown, Text
from stimmung.report.result_registry import MOODS, names
from tests.synthetic_moods import OPTIONS
from tests.unit.report.conftest import changed

CONFIG = {
    "models": {"tiny": {"source": "built-in"}},
    "training": {"weeks": {"r": 16, "num_train_epochs": None}},
    "panels": {
        "made-up": {
            "arms": ["tiny/weekly"],
            "training": "weeks",
            "series": {"scale": "min-max", "rolling_weeks": 3, "max_lag_weeks": 2},
            "questions": {
                "mood": {
                    "stem": "How do you feel?",
                    "options": list(OPTIONS),
                    "variants": {"prefix": ["", " I felt"], "case": ["upper"]},
                }
            },
        }
    },
}
RUN = {"config": CONFIG}


@pytest.fixture
def results(panel):
    return replace(panel, mark="simulated")


def chapter(results, tmp_path, run=RUN):
    figures = {name: tmp_path / f"{name}.svg" for name in names(MOODS, "figure")}
    files = {name: [f"{name}.csv"] for name in names(MOODS, "table")}
    return moods_section("made-up", run, results, figures, files)


def titles(section):
    return [part.title for part in section.parts]


def blocks(section, kind):
    return [block for part in section.parts for block in part.blocks if isinstance(block, kind)]


def test_the_headline_is_the_recovery_of_the_known_mood_with_its_interval(results, tmp_path):
    section = chapter(results, tmp_path)
    first = section.parts[0].blocks[0].points[0]
    mean = results["recovery"][
        results["recovery"]["option"].isna() & (results["recovery"]["model"] == "tiny/weekly")
    ].iloc[0]
    assert f"{mean['r']:.2f} [{mean['ci_low']:.2f}, {mean['ci_high']:.2f}]" in first
    assert "The best of the others, words" in first


def test_the_seasons_that_prewhitening_knows_are_told(results, tmp_path):
    caveats = " ".join(chapter(results, tmp_path).parts[-1].blocks[0].points)
    assert f"knows seasons of {SEASONS_WEEKS[0]} to {SEASONS_WEEKS[-1]} weeks" in " ".join(caveats.split())


def test_counts_in_the_headlines_are_those_of_the_table(results, tmp_path):
    ccf = results["ccf"].copy()
    ccf["p"], ccf["p_prewhitened"], ccf["p_family"] = 0.001, 0.2, 0.9
    points = chapter(changed(results, ccf=ccf), tmp_path).parts[0].blocks[0].points
    told = [point for point in points if point.startswith("tiny/weekly against the survey")]
    assert (
        "3 with p ≤ .05 as published, 0 by the test that holds its level (prewhitened p), 0 after" in told[0]
    )


def test_all_figures_and_tables_are_shown_and_marked(results, tmp_path):
    section = chapter(results, tmp_path)
    assert section.simulated
    # There are no periods.
    assert len(blocks(section, Picture)) == len(names(MOODS, "figure")) - 1
    assert len(blocks(section, Shown)) == len(names(MOODS, "table")) - 1
    assert all("Simulated data." in picture.caption for picture in blocks(section, Picture))
    assert all(shown.table.simulated and shown.files for shown in blocks(section, Shown))


def test_a_missing_week_is_named(results, tmp_path):
    missing, compared = blocks(chapter(results, tmp_path), Notice)
    assert "2020-01-02" in missing.text and "19 weeks that all of them have" in compared.text


def test_fault_ll_a_small_option_mass_is_told_in_the_report(results, tmp_path):
    mass = results["wording_mass"]
    small = changed(
        results, wording_mass=mass.assign(mass=mass["variant"].map({"upper": 0.05, "lower": 1e-5}))
    )
    told = [one.text for one in blocks(chapter(small, tmp_path), Notice) if "wordings" in one.text]
    assert told and "in 1 of 2 wordings" in told[0] and "'lower' 1e-05" in told[0]
    assert "Option mass by wording" in titles(chapter(small, tmp_path))


def test_fault_oo_a_panel_of_signals_has_a_chapter_without_a_language_model(results, tmp_path):
    renamed = {"baselines/words": "signals/peer"}
    frames = {
        name: results[name][results[name]["model"] != "tiny/weekly"].replace({"model": renamed})
        for name in results.frames
        if name != "wordings"
    }
    none = {name: results[name][:0] for name in ("affect", "wordings", "wording_mass")}
    section = chapter(changed(results, **{**frames, **none}), tmp_path)
    shown = set(titles(section))
    assert {"Series and survey", "Correlations side by side", "Correlation by lag"} <= shown
    assert not {"Raw probabilities", "Option mass by wording", "Relative to the untuned model"} & shown
    text = blocks(section, Text)[0].text
    assert "There are no posts" in text and "tuned" not in text and "nan" not in str(section)


def test_options_are_said_to_compete_only_where_they_do(results, tmp_path):
    """Levels of a select-all question may all rise together."""
    compete, alone = "When one option rises, others must fall", "each option is asked for by itself"
    run = deepcopy(RUN)
    run["config"]["panels"]["made-up"]["questions"]["mood"]["select_all"] = True
    plain, select_all = (str(blocks(chapter(results, tmp_path, one), Points)) for one in (RUN, run))
    assert compete in plain and alone not in plain
    assert compete not in select_all and alone in select_all


def test_chapters_without_content_are_left_out(results, tmp_path):
    none = ("ccf", "confirmations", "recovery")
    alone = changed(replace(results, mark=None), **{name: results[name][:0] for name in none})
    section = chapter(alone, tmp_path)
    assert not section.simulated
    assert not {"Correlation by lag", "Lags confirmed", "The known mood"} & set(titles(section))
    assert "no survey" in section.parts[0].blocks[0].points[0]


def test_constructed_weeks_are_not_called_simulated(results, tmp_path):
    section = chapter(replace(results, mark="constructed", mixed=True), tmp_path)
    assert not section.simulated
    assert "Constructed data." in blocks(section, Picture)[0].caption
    assert all("Constructed weeks" in shown.table.caption for shown in blocks(section, Shown))


def test_mixes_are_shown_against_their_shares_not_against_time(results, tmp_path):
    none = {name: results[name][:0] for name in ("ccf", "confirmations")}
    mixed = changed(replace(results, mixed=True), **none)
    section = chapter(mixed, tmp_path)
    assert "in which nobody wrote" in blocks(section, Text)[0].text
    assert not [point for one in blocks(section, Points) for point in one.points if "naive p" in point]
    shown = titles(section)
    assert "Known shares and answers" in shown and "The known mood" in shown
    assert not {"Posts and survey, as published", "Correlation by lag"} & set(shown)
