"""The chapter of a survey shows what the study has, and its first words are the numbers of its tables."""

from dataclasses import replace
from pathlib import Path

import pytest

from stimmung.report.page import Notice, Picture, Points, Shown
from stimmung.report.result_registry import VOTES, names
from stimmung.report.votes_section import votes_section
from tests.unit.report.conftest import changed

ARMS = ["tiny/tuned", "tiny/zero-shot", "tiny/few-shot"]


@pytest.fixture
def results(small_survey):
    return replace(small_survey, mark="simulated")


def chapter(results, models=None, name="s", **survey):
    run = {
        "config": {
            "surveys": {"s": {"arms": ARMS, "training": "t", **survey}},
            "models": models or {"tiny": {"source": "built-in"}},
            "training": {"t": {"r": 8}},
        },
        "surveys": {"s": {"title": "Made up"}},
    }
    figures = {name: Path(f"{name}.svg") for name in names(VOTES, "figure")}
    files = {name: [f"{name}.csv"] for name in names(VOTES, "table")}
    return votes_section(name, run, results, figures, files)


def blocks(section, kind):
    return [block for part in section.parts for block in part.blocks if isinstance(block, kind)]


def points(section, title):
    (part,) = [part for part in section.parts if part.title == title]
    return [point for block in part.blocks if isinstance(block, Points) for point in block.points]


def test_every_figure_and_every_table_stands_once_with_its_files_and_its_mark(results):
    section = chapter(results)
    assert sorted(picture.svg.stem for picture in blocks(section, Picture)) == sorted(names(VOTES, "figure"))
    shown = blocks(section, Shown)
    # No condition of the demo leaves waves or groups out.
    expected = set(names(VOTES, "table")) - {"left_out_shares"}
    assert sorted(path for one in shown for path in one.files) == sorted(f"{name}.csv" for name in expected)
    assert all(one.table.simulated for one in shown)


def test_the_first_words_are_the_best_model_beside_the_best_baseline(results):
    full = (
        results["metrics"].query("condition == 'full' and metric == 'macro_f1'").set_index("method")["value"]
    )
    best = full[full.index.isin(ARMS)].idxmax()
    row = (
        results["comparisons"]
        .query("condition == 'full' and metric == 'macro_f1' and method == @best")
        .iloc[0]
    )
    first = points(chapter(results), "In short")[0]
    for said in (
        best,
        f"{full[best]:.3f}",
        row["baseline"].removeprefix("baselines/"),
        f"{full[row['baseline']]:.3f}",
    ):
        assert said in first
    assert f"{abs(row['difference']):.3f}" in first and f"{abs(row['ci_low']):.3f}" in first


def test_a_study_without_a_question_has_no_part_for_it(results):
    only = {"full": results.conditions["full"]}
    none = (
        "absent",
        "effective",
        "subgroup_metrics",
        "comparisons",
        "left_out",
        "rectified",
        "sampling_design",
        "estimates",
    )
    frames = {name: results[name].iloc[:0] for name in none}
    frames |= {name: results[name].query("condition == 'full'") for name in ("metrics", "shares")}
    titles = [part.title for part in chapter(changed(replace(results, conditions=only), **frames)).parts]
    assert titles == [
        *(
            "In short",
            "Design",
            "F1 by answer option",
            "Shares",
            "Calibration",
            "Calibration by answer option",
            "Calibration before and after scaling",
            "Fidelity of the predicted answers",
            "Relations of the predicted answers to other items",
            "All metrics",
            "How to read these numbers",
        )
    ]


def test_caveats_follow_from_what_ran(results):
    title = "How to read these numbers"
    read_before = "may have read about the election"
    assert read_before not in " ".join(points(chapter(results), title))
    assert read_before in " ".join(points(chapter(results, {"tiny": {"source": "org/model"}}), title))
    weighted = points(chapter(results, weighted_metrics=True), title)
    assert len(weighted) == len(points(chapter(results), title)) + 1


def test_folds_are_called_stratified_where_they_are(results):
    """Several targets share their folds, which cannot be stratified by the answers to all of them."""
    title, said = "How to read these numbers", "Folds are stratified by the answer"
    assert any(one.startswith(said) for one in points(chapter(results), title))
    of_target = points(chapter(results, name="s/targets/vote"), title)
    assert not any(one.startswith(said) for one in of_target)
    assert any("which are not stratified by the answer" in one for one in of_target)
    assert any(
        "not for the four metrics, and not for the number of targets: of twenty" in one for one in of_target
    )
    assert any("not for the four metrics." in one for one in points(chapter(results), title))


def test_a_condition_that_leaves_respondents_out_is_said_to_test_these_alone(results, gap_survey):
    said = "A condition that leaves respondents out tests these alone."
    for tables, expected in ((results, False), (gap_survey[1], True)):
        (design,) = [part for part in chapter(tables).parts if part.title == "Design"]
        assert design.blocks[0].text.endswith(said) == expected


def test_fault_ap_a_tuned_arm_below_majority_is_told_beside_the_first_words(results):
    def warned(tables):
        (part,) = [part for part in chapter(tables).parts if part.title == "In short"]
        return [block for block in part.blocks if isinstance(block, Notice)]

    assert not warned(results)
    metrics = results["metrics"].copy()
    failed = (metrics["method"] == "tiny/tuned") & (metrics["condition"] == "full")
    metrics.loc[failed & (metrics["metric"] == "accuracy"), "value"] = 0.02
    assert len(warned(changed(results, metrics=metrics))) == 1
    told = points(chapter(changed(results, metrics=metrics)), "In short")[-1]
    assert told.startswith("tiny/tuned, condition full: accuracy 0.020 is below ")
