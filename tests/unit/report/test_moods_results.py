import pandas as pd
import pytest

from stimmung.report.moods.confirmed_lags import confirmations_table, folded
from stimmung.report.moods.correlations import correlations_table
from stimmung.report.moods.known_mood import recovery_table
from tests.synthetic_moods import OPTIONS
from tests.unit.report.conftest import changed


def cells(table, group):
    (found,) = (one for one in table.groups if one.heading == group)
    return {
        (row[0].text, column): cell
        for row in found.rows
        for column, cell in zip(table.columns[1:], row[1:], strict=True)
    }


def test_each_number_of_the_correlations_is_where_it_belongs(panel):
    table = correlations_table(panel)
    assert table.columns == ["Option", "tiny/weekly", "words"]
    row = panel["ccf"].query("lag_weeks == 0 and option == 'Sad' and model == 'baselines/words'").iloc[0]
    published = cells(table, "mood: as published (means of 3 weeks)")["Sad", "words"]
    raw = cells(table, "mood: raw series")["Sad", "words"]
    innovations = cells(table, "mood: innovations")["Sad", "words"]
    assert float(published.text) == pytest.approx(row["r"], abs=0.005)
    assert float(raw.text) == pytest.approx(row["r_raw"], abs=0.005)
    assert float(innovations.text) == pytest.approx(row["r_prewhitened"], abs=0.005)
    assert "fam." in innovations.note and "adj." in innovations.note and innovations.interval


def test_changes_and_the_detrended_coefficient_stand_beside_the_rest(panel):
    ccf = panel["ccf"].copy()
    here = (ccf["lag_weeks"] == 0) & (ccf["option"] == "Sad") & (ccf["model"] == "tiny/weekly")
    ccf.loc[here, ["r_differences", "p_differences", "r_detrended"]] = [0.31, 0.21, -0.41]
    cell = cells(correlations_table(changed(panel, ccf=ccf)), "mood: changes from week to week")[
        "Sad", "tiny/weekly"
    ]
    assert (cell.text, cell.note) == ("0.31", "p 0.210, detrended −0.41")


def test_a_series_without_numbers_says_why(panel):
    ccf = panel["ccf"].copy()
    ccf.loc[(ccf["option"] == "Sad") & (ccf["model"] == "baselines/words"), "note"] = "constant series"
    for group in correlations_table(changed(panel, ccf=ccf)).groups:
        cell = cells(correlations_table(changed(panel, ccf=ccf)), group.heading)["Sad", "words"]
        assert (cell.text, cell.note) == ("–", "constant series, n 19")


def test_confirmations_are_grouped_by_series_language_models_first(panel):
    table = confirmations_table(panel)
    assert [group.heading for group in table.groups] == ["mood: tiny/weekly", "mood: words"]
    assert all([row[0].text for row in group.rows] == list(OPTIONS) for group in table.groups)


def test_series_without_a_model_are_folded_and_no_question_of_a_language_model(panel):
    """What was folded once was all but the first groups, as many as there are language models."""
    one = panel["confirmations"]
    both = changed(panel, confirmations=pd.concat([one, one.assign(question="other")]))
    headings = {group.heading for group in confirmations_table(both).groups}
    assert headings - folded(both) == {"mood: tiny/weekly", "other: tiny/weekly"}


def test_the_mean_over_options_is_the_first_row_of_the_recovery(panel):
    table = recovery_table(panel)
    (group,) = table.groups
    assert [row[0].text for row in group.rows] == ["mean over options", *list(OPTIONS)]
    mean = panel["recovery"][
        panel["recovery"]["option"].isna() & (panel["recovery"]["model"] == "tiny/weekly")
    ].iloc[0]
    assert float(group.rows[0][1].text) == pytest.approx(mean["r"], abs=0.005)


@pytest.mark.parametrize(
    "constructed, simulated", [(None, False), ("constructed", False), ("simulated", True)]
)
def test_made_up_and_constructed_data_is_marked(panel, constructed, simulated):
    tables = [
        table(panel).marked(constructed)
        for table in (correlations_table, confirmations_table, recovery_table)
    ]
    for table in tables:
        assert table.simulated == simulated
        assert ("Constructed weeks" in table.caption) == (constructed == "constructed")


def test_no_rows_are_no_groups(panel):
    names = ("ccf", "recovery", "confirmations")
    none = changed(panel, **{name: panel[name][:0] for name in names})
    for table in (correlations_table, confirmations_table, recovery_table):
        assert table(none).groups == [] and isinstance(table(none).columns, list)
