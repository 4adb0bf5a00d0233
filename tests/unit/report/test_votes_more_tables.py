import numpy as np
import pytest
from stimmung.report.votes_more_tables import absent_table, effective_table, subgroups_table
from stimmung.report.votes_tables import metrics_table

from stimmung.report.tables import number


def test_absent_stands_with_its_option_and_its_opponent(survey):
    table = absent_table(survey.absent)
    option = survey.absent["option"].iloc[0]
    assert [group.heading for group in table.groups] == [f"no-democrats: {option}"]
    rows = {row[0].text: row for row in table.groups[0].rows}
    own = survey.absent.set_index(["method", "metric"])
    tuned = rows["tiny/tuned"]
    assert tuned[3].text == number(own.difference["tiny/tuned", "f1"]) and tuned[3].note.startswith("p ")
    assert own.baseline["tiny/tuned", "f1"].removeprefix("baselines/") in tuned[4].note
    assert rows["logistic"][4].text == "–"
    assert float(tuned[6].text) == pytest.approx(100 * own.after["tiny/tuned", "predicted_share"], abs=0.06)


def test_effective_respondents_out_of_range_are_said_so_and_not_made_up(small_survey):
    effective = small_survey.effective[small_survey.effective["method"] == "tiny/tuned"].copy()
    effective = effective[effective["metric"] == "macro_f1"]
    effective[["n_effective", "ci_low", "ci_high"]] = [
        [40.0, 20.0, np.inf],
        [np.inf, 90.0, np.inf],
        [0.0, 0.0, 30.0],
    ]
    rows = effective_table(effective.sort_values("n_training")).groups[0].rows
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
    table = subgroups_table(survey.conditions, survey.subgroups)
    assert [group.heading for group in table.groups][:2] == [
        "full, with-party (80 respondents)",
        "full, no-party (80 respondents)",
    ]
    assert len(table.columns) == 3 + survey.shares["option"].nunique()


def test_what_a_server_left_out_has_a_column_only_where_one_did(small_survey):
    assert not any("shown" in column for column in metrics_table(small_survey.metrics).columns)
    some = small_survey.metrics.copy()
    some.loc[(some["metric"] == "unseen") & (some["method"] == "tiny/zero-shot"), "value"] = 0.25
    table = metrics_table(some)
    place = next(number for number, column in enumerate(table.columns) if "shown" in column)
    cells = {row[0].text: row[place].text for row in table.groups[0].rows}
    assert cells["tiny/zero-shot"] == "0.250" and cells["tiny/tuned"] == "0.000"
