import numpy as np
import pytest

from stimmung.report.survey_results import votes_results
from stimmung.report.tables import DASH, interval, number
from stimmung.report.votes.absent_party import absent_table
from stimmung.report.votes.all_metrics import metrics_table
from stimmung.report.votes.answers_compared import fidelity_table
from stimmung.report.votes.best_baseline import comparisons_table
from stimmung.report.votes.effective_respondents import effective_table
from stimmung.report.votes.f1_by_option import f1_table
from stimmung.report.votes.imputed_shares import estimates_table
from stimmung.report.votes.left_out_groups import left_out_table
from stimmung.report.votes.option_reliability import caption
from stimmung.report.votes.rectified_shares import rectified_table
from stimmung.report.votes.relations_compared import relations_table
from stimmung.report.votes.sampling_design import sampling_design_table
from stimmung.report.votes.scaled_calibration import calibration_table, folded
from stimmung.report.votes.subgroups import caption as subgroups_caption
from stimmung.report.votes.subgroups import plot_subgroups, subgroups_table
from stimmung.report.votes.vote_shares import shares_table
from tests.unit.report.conftest import changed


def cells(table, heading):
    group = next(one for one in table.groups if one.heading == heading)
    return {row[0].text: dict(zip(table.columns[1:], row[1:], strict=True)) for row in group.rows}


def test_f1_stands_with_its_method_condition_and_option(survey):
    table = f1_table(survey)
    options = list(survey["shares"]["option"].unique())
    assert table.columns == ["Method", "Macro F1", *options]
    assert [group.heading for group in table.groups] == list(survey.conditions)
    for _, row in survey["metrics"][survey["metrics"]["metric"] == "f1"].iterrows():
        cell = cells(table, row["condition"])[row["method"].removeprefix("baselines/")][row["option"]]
        assert cell.text == number(row["value"])
        assert cell.interval == interval(row["ci_low"], row["ci_high"])


def test_language_models_stand_before_baselines(survey):
    rows = [row[0].text for row in metrics_table(survey).groups[0].rows]
    assert rows == ["tiny/tuned", "tiny/zero-shot", "tiny/few-shot", "majority", "logistic", "random-forest"]


def test_a_method_that_did_not_run_has_no_row(survey):
    assert "tiny/zero-shot" not in cells(metrics_table(survey), "share-10")


def test_shares_are_per_cent_and_the_observed_stand_first(survey):
    table = shares_table(survey)
    assert table.groups[0].rows[0][0].text == "observed"
    observed = cells(table, "full")["observed"]
    options = list(survey["shares"]["option"].unique())
    assert sum(float(observed[name].text) for name in options) == pytest.approx(100, abs=0.5)
    tuned = survey["shares"][
        (survey["shares"]["method"] == "tiny/tuned") & (survey["shares"]["condition"] == "full")
    ]
    distance = 50 * (tuned["predicted"] - tuned["observed"]).abs().sum()
    assert cells(table, "full")["tiny/tuned"]["Total variation"].text == number(distance, 1)


def test_comparisons_name_the_opponent_and_the_adjusted_p(survey):
    table = comparisons_table(survey)
    row = survey["comparisons"].iloc[0]
    cell = cells(table, row["condition"])[row["method"]]["Accuracy\u00a0↑"]
    assert cell.text == number(row["difference"])
    assert cell.note.startswith(row["baseline"].removeprefix("baselines/") + ", p ")
    assert number(row["p_adjusted"]) in cell.note or "<.001" in cell.note


def test_changes_of_shares_are_points(survey):
    table = left_out_table(survey)
    chosen = (survey["left_out"]["metric"] == "predicted_share") & (
        survey["left_out"]["method"] == "tiny/tuned"
    )
    row = survey["left_out"][chosen].iloc[0]
    cell = cells(table, "no-democrats − full: predicted share, points")["tiny/tuned"][row["option"]]
    assert cell.text == number(100 * row["difference"], 1)
    assert cells(table, "no-democrats − full: F1")["tiny/tuned"]["Macro F1"].text != "–"


def test_without_comparisons_there_is_an_empty_table(small_survey):
    assert (
        comparisons_table(changed(small_survey, comparisons=small_survey["comparisons"].iloc[:0])).groups
        == []
    )
    assert left_out_table(changed(small_survey, left_out=small_survey["left_out"].iloc[:0])).groups == []


def test_absent_stands_with_its_option_and_its_opponent(survey):
    table = absent_table(survey)
    option = survey["absent"]["option"].iloc[0]
    assert [group.heading for group in table.groups] == [f"no-democrats: {option}"]
    rows = {row[0].text: row for row in table.groups[0].rows}
    own = survey["absent"].set_index(["method", "metric"])
    tuned = rows["tiny/tuned"]
    assert tuned[3].text == number(own.difference["tiny/tuned", "f1"]) and tuned[3].note.startswith("p ")
    assert own.baseline["tiny/tuned", "f1"].removeprefix("baselines/") in tuned[4].note
    assert rows["logistic"][4].text == "–"
    assert float(tuned[6].text) == pytest.approx(100 * own.after["tiny/tuned", "predicted_share"], abs=0.06)


def test_effective_respondents_out_of_range_are_said_so_and_not_made_up(small_survey):
    effective = small_survey["effective"][small_survey["effective"]["method"] == "tiny/tuned"].copy()
    effective = effective[effective["metric"] == "macro_f1"]
    effective[["n_effective", "ci_low", "ci_high"]] = [
        [40.0, 20.0, np.inf],
        [np.inf, 90.0, np.inf],
        [0.0, 0.0, 30.0],
    ]
    rows = (
        effective_table(changed(small_survey, effective=effective.sort_values("n_training"))).groups[0].rows
    )
    by_condition = {row[0].text: row for row in rows}
    largest, smallest = (f"{effective[name].iloc[0]:.0f}" for name in ("n_largest", "n_smallest"))
    shown = {row.condition: row.n_effective for row in effective.itertuples()}
    for condition, value in shown.items():
        cell, times = by_condition[condition][2:4]
        if np.isinf(value):
            assert cell.text == f"> {largest}" and times.text == "–"
        elif value == 0:
            assert cell.text == f"< {smallest}" and times.text == "–"
        else:
            assert cell.text == "40" and cell.interval == f"[20, > {largest}]"


def test_subgroups_name_how_many_respondents_they_have(survey):
    table = subgroups_table(survey)
    assert [group.heading for group in table.groups][:2] == [
        "full, with-party (80 respondents)",
        "full, no-party (80 respondents)",
    ]
    assert len(table.columns) == 3 + survey["shares"]["option"].nunique()


def test_subgroups_stand_under_the_conditions_that_test_them(gap_survey):
    """Of two conditions that leave respondents out, the first may test nobody of a subgroup."""
    _, tables = gap_survey
    elsewhere = changed(tables, subgroup_metrics=tables["subgroup_metrics"].assign(condition="other"))
    (group,) = subgroups_table(elsewhere).groups
    assert group.heading == "other, no-party (80 respondents)" and "(condition other)" in subgroups_caption(
        elsewhere
    )
    assert any(axes.lines for axes in plot_subgroups(elsewhere).axes)


def test_what_a_server_left_out_has_a_column_only_where_one_did(small_survey):
    assert not any("shown" in column for column in metrics_table(small_survey).columns)
    some = small_survey["metrics"].copy()
    some.loc[(some["metric"] == "unseen") & (some["method"] == "tiny/zero-shot"), "value"] = 0.25
    table = metrics_table(changed(small_survey, metrics=some))
    place = next(number for number, column in enumerate(table.columns) if "shown" in column)
    cells = {row[0].text: row[place].text for row in table.groups[0].rows}
    assert cells["tiny/zero-shot"] == "0.250" and cells["tiny/tuned"] == "0.000"


def test_calibration_stands_before_and_after_with_what_calibrated_it(survey):
    table = calibration_table(survey)
    row = survey["calibration"].iloc[0]
    assert (row["method"], row["metric"]) == ("tiny/tuned", "expected_calibration_error")
    shown = cells(table, "full")["tiny/tuned"]
    assert shown["ECE"].text == number(row["before"]) and shown["ECE, scaled"].text == number(row["after"])
    assert shown["ECE, scaled"].interval == interval(row["after_low"], row["after_high"])
    assert (shown["Learned from"].text, shown["Learned from"].note) == ("temperature", "128")
    headings = {group.heading for group in table.groups}
    assert {"full, with-party", "full, no-party"} <= headings
    # Of two options, one says all.
    options = list(survey["shares"]["option"].unique())
    of_options = {f"full: {option}" for option in (options if len(options) > 2 else options[:1])}
    assert {one for one in headings if one.startswith("full: ")} == of_options
    assert folded(survey) == headings - {"full", "without-party"}


def test_the_figure_of_reliability_by_option_names_what_calibrated(survey):
    assert caption(survey).endswith("Calibrated by: temperature, 128 respondents of the other folds.")


def test_fidelity_stands_with_its_reading_and_relations_with_the_answers(survey):
    table = fidelity_table(survey)
    row = survey["fidelity"].iloc[0]
    assert (row["method"], row["condition"], row["measure"]) == ("tiny/tuned", "full", "variance_ratio")
    shown = cells(table, "full")["tiny/tuned"]["Variance ratio"]
    assert shown.text == number(row["value"]) and shown.interval == interval(row["ci_low"], row["ci_high"])
    assert "Variance ratio: below 1, predictions vary less than people do" in table.caption
    relations = relations_table(survey)
    rows = cells(relations, "full: Cramér's V")
    parts = survey["fidelity_parts"].query("condition == 'full' and part == 'cramers_v'").set_index("method")
    assert list(rows) == ["party_id"]
    assert rows["party_id"]["Answers"].text == number(parts["observed"].iloc[0])
    assert rows["party_id"]["tiny/tuned"].text == number(parts["predicted"]["tiny/tuned"])
    assert "full: share in the subgroup, " + survey["shares"]["option"].iloc[0] in [
        group.heading for group in relations.groups
    ]


def test_rectified_estimates_stand_beside_those_by_answers_alone_and_say_for_whom_they_are_valid(
    small_survey,
):
    table = rectified_table(small_survey)
    headings = [group.heading for group in table.groups]
    assert "no-democrats: a group is not labelled: not valid for everybody" in headings
    assert "share-30: labelled drawn from all" in headings
    shown = table.groups[headings.index("share-30: labelled drawn from all")].rows[0]
    row = small_survey["rectified"].query("condition == 'share-30'").iloc[0]
    assert (
        shown[4].text == f"{100 * row['estimate']:.1f}" and shown[2].text == f"{100 * row['classical']:.1f}"
    )
    assert shown[6].text == str(row["n_labelled"]) and shown[7].interval


def test_the_sampling_design_names_respondents_and_what_their_weights_cost(small_survey):
    (group,) = sampling_design_table(small_survey).groups
    assert group.heading == "160 respondents"
    row = small_survey["sampling_design"].iloc[0]
    assert [group.rows[0][place].text for place in (0, 4)] == [row["option"], f"{row['kish_effect']:.2f}"]


def test_strata_and_clusters_of_the_sample_are_counted_and_lonely_ones_named(small_survey):
    design = small_survey["sampling_design"].assign(n_strata=9, n_clusters=40, n_lonely=2)
    (group,) = sampling_design_table(changed(small_survey, sampling_design=design)).groups
    assert group.heading == "160 respondents, 9 strata, 40 clusters; 2 strata have one cluster only"


def test_imputed_shares_stand_beside_all_answers_and_say_whose_intervals_are_too_narrow(survey):
    table = estimates_table(survey)
    options = list(survey["estimates"]["option"].unique())
    assert [group.heading for group in table.groups] == [f"share-10, {name}" for name in options]
    rows = {row[0].text: row for row in table.groups[0].rows}
    assert list(rows) == ["all answers", "complete-cases", "tiny/tuned", "tiny/zero-shot"]
    assert rows["tiny/tuned"][-1].note == "" and rows["tiny/zero-shot"][-1].note == "one model"
    assert rows["tiny/tuned"][-1].text.endswith("of 160") and rows["all answers"][-1].text == DASH
    truth = survey["shares"].drop_duplicates("option").set_index("option")["observed"]
    found = survey["estimates"].query("method == 'all answers'").set_index("option")["estimate"]
    # The made-up respondents have no weights, and their predictions do.
    assert found.to_dict() == pytest.approx(truth.to_dict(), abs=0.03)


def test_whom_no_condition_tests_still_count_in_imputed_shares_and_the_sampling_design(gap_survey):
    data, tables = gap_survey
    people = data.respondents
    by_weight = people.groupby("vote", observed=True)["weight"].sum() / people["weight"].sum()
    donors = people[people["party_id"] != "none"]
    of_donors = donors.groupby("vote", observed=True)["weight"].sum() / donors["weight"].sum()
    found = tables["estimates"].set_index(["method", "option"])
    assert found.loc["all answers", "estimate"].to_dict() == pytest.approx(by_weight.to_dict())
    assert found.loc["baselines/complete-cases", "estimate"].to_dict() == pytest.approx(of_donors.to_dict())
    assert (found.loc["tiny/tuned", "n_respondents"] == 160).all()
    design = tables["sampling_design"].set_index("option")
    assert design["share"].to_dict() == pytest.approx(by_weight.to_dict()) and (design["n"] == 160).all()


def test_shares_where_answers_were_left_out_are_per_cent_beside_the_observed_ones(gap_survey):
    _, tables = gap_survey
    made = {one.files.table: one.table(tables) for one in votes_results() if one.table}
    (group,) = made["left_out_shares"].groups
    assert group.heading == "gap, party_id none (80 respondents)"
    rows = {row[0].text: row for row in group.rows}
    shares = tables["left_out_shares"]
    own = shares[shares["method"] == "tiny/tuned"].iloc[0]
    ends = interval(100 * own["observed_low"], 100 * own["observed_high"], 1)
    assert (rows["observed"][1].text, rows["observed"][1].interval) == (
        number(100 * own["observed"], 1),
        ends,
    )
    assert (rows["tiny/tuned"][1].text, rows["tiny/tuned"][1].interval) == (
        number(100 * own["predicted"], 1),
        "",
    )
