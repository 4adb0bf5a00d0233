import pandas as pd
import pytest
from stimmung.report.moods_tables import confirmations_table, correlations_table, recovery_table

from tests.synthetic_moods import OPTIONS


def cells(table, group):
    (found,) = (one for one in table.groups if one.heading == group)
    return {
        (row[0].text, column): cell
        for row in found.rows
        for column, cell in zip(table.columns[1:], row[1:], strict=True)
    }


def test_each_number_of_the_correlations_is_where_it_belongs(panel):
    table = correlations_table(panel.ccf, 3)
    assert table.columns == ["Option", "tiny/weekly", "words"]
    row = panel.ccf.query("lag_weeks == 0 and option == 'Sad' and model == 'baselines/words'").iloc[0]
    published = cells(table, "mood: as published (means of 3 weeks)")["Sad", "words"]
    raw = cells(table, "mood: raw series")["Sad", "words"]
    innovations = cells(table, "mood: innovations")["Sad", "words"]
    assert float(published.text) == pytest.approx(row["r"], abs=0.005)
    assert float(raw.text) == pytest.approx(row["r_raw"], abs=0.005)
    assert float(innovations.text) == pytest.approx(row["r_prewhitened"], abs=0.005)
    assert "fam." in innovations.note and "adj." in innovations.note and innovations.interval


def test_changes_and_the_detrended_coefficient_stand_beside_the_rest(panel):
    ccf = panel.ccf.copy()
    here = (ccf["lag_weeks"] == 0) & (ccf["option"] == "Sad") & (ccf["model"] == "tiny/weekly")
    ccf.loc[here, ["r_differences", "p_differences", "r_detrended"]] = [0.31, 0.21, -0.41]
    cell = cells(correlations_table(ccf, 3), "mood: changes from week to week")["Sad", "tiny/weekly"]
    assert (cell.text, cell.note) == ("0.31", "p 0.210, detrended −0.41")


def test_a_series_without_numbers_says_why(panel):
    ccf = panel.ccf.copy()
    ccf.loc[(ccf["option"] == "Sad") & (ccf["model"] == "baselines/words"), "note"] = "constant series"
    for group in correlations_table(ccf, 3).groups:
        cell = cells(correlations_table(ccf, 3), group.heading)["Sad", "words"]
        assert (cell.text, cell.note) == ("–", "constant series")


def test_confirmations_are_grouped_by_series_language_models_first(panel):
    table = confirmations_table(panel.confirmations)
    assert [group.heading for group in table.groups] == ["mood: tiny/weekly", "mood: words"]
    assert all([row[0].text for row in group.rows] == sorted(OPTIONS) for group in table.groups)


def test_the_mean_over_options_is_the_first_row_of_the_recovery(panel):
    table = recovery_table(panel.recovery)
    (group,) = table.groups
    assert [row[0].text for row in group.rows] == ["mean over options", *sorted(OPTIONS)]
    mean = panel.recovery[panel.recovery["option"].isna() & (panel.recovery["model"] == "tiny/weekly")].iloc[
        0
    ]
    assert float(group.rows[0][1].text) == pytest.approx(mean["r"], abs=0.005)


@pytest.mark.parametrize(
    "constructed, simulated", [(None, False), ("constructed", False), ("simulated", True)]
)
def test_made_up_and_constructed_data_is_marked(panel, constructed, simulated):
    tables = [
        correlations_table(panel.ccf, 3, constructed),
        confirmations_table(panel.confirmations, constructed),
        recovery_table(panel.recovery, constructed),
    ]
    for table in tables:
        assert table.simulated == simulated
        assert ("Constructed weeks" in table.caption) == (constructed == "constructed")


def test_no_rows_are_no_groups(panel):
    assert correlations_table(panel.ccf[:0], 3).groups == []
    assert isinstance(recovery_table(panel.recovery[:0]).columns, list)
    assert confirmations_table(pd.DataFrame(panel.confirmations[:0])).groups == []
