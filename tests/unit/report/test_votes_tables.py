import pytest
from stimmung.report.votes_tables import (
    comparisons_table,
    f1_table,
    left_out_table,
    metrics_table,
    shares_table,
)

from stimmung.report.tables import interval, number


def cells(table, heading):
    group = next(one for one in table.groups if one.heading == heading)
    return {row[0].text: dict(zip(table.columns[1:], row[1:], strict=True)) for row in group.rows}


def test_f1_stands_with_its_method_condition_and_option(survey):
    table = f1_table(survey.metrics)
    options = list(survey.shares["option"].unique())
    assert table.columns == ["Method", "Macro F1", *options]
    assert [group.heading for group in table.groups] == list(survey.conditions)
    for _, row in survey.metrics[survey.metrics["metric"] == "f1"].iterrows():
        cell = cells(table, row["condition"])[row["method"].removeprefix("baselines/")][row["option"]]
        assert cell.text == number(row["value"])
        assert cell.interval == interval(row["ci_low"], row["ci_high"])


def test_language_models_stand_before_baselines(survey):
    rows = [row[0].text for row in metrics_table(survey.metrics).groups[0].rows]
    assert rows == ["tiny/tuned", "tiny/zero-shot", "tiny/few-shot", "majority", "logistic", "random-forest"]


def test_a_method_that_did_not_run_has_no_row(survey):
    assert "tiny/zero-shot" not in cells(metrics_table(survey.metrics), "share-10")


def test_shares_are_per_cent_and_the_observed_stand_first(survey):
    table = shares_table(survey.shares)
    assert table.groups[0].rows[0][0].text == "observed"
    observed = cells(table, "full")["observed"]
    options = list(survey.shares["option"].unique())
    assert sum(float(observed[name].text) for name in options) == pytest.approx(100, abs=0.5)
    tuned = survey.shares[(survey.shares["method"] == "tiny/tuned") & (survey.shares["condition"] == "full")]
    distance = 50 * (tuned["predicted"] - tuned["observed"]).abs().sum()
    assert cells(table, "full")["tiny/tuned"]["Total variation"].text == number(distance, 1)


def test_comparisons_name_the_opponent_and_the_adjusted_p(survey):
    table = comparisons_table(survey.comparisons)
    row = survey.comparisons.iloc[0]
    cell = cells(table, row["condition"])[row["method"]]["Accuracy\u00a0↑"]
    assert cell.text == number(row["difference"])
    assert cell.note.startswith(row["baseline"].removeprefix("baselines/") + ", p ")
    assert number(row["p_adjusted"]) in cell.note or "<.001" in cell.note


def test_changes_of_shares_are_points(survey):
    table = left_out_table(survey.changes)
    chosen = (survey.changes["metric"] == "predicted_share") & (survey.changes["method"] == "tiny/tuned")
    row = survey.changes[chosen].iloc[0]
    cell = cells(table, "no-democrats − full: predicted share, points")["tiny/tuned"][row["option"]]
    assert cell.text == number(100 * row["difference"], 1)
    assert cells(table, "no-democrats − full: F1")["tiny/tuned"]["Macro F1"].text != "–"


def test_without_comparisons_there_is_an_empty_table(small_survey):
    assert comparisons_table(small_survey.comparisons.iloc[:0]).groups == []
    assert left_out_table(small_survey.changes.iloc[:0]).groups == []
