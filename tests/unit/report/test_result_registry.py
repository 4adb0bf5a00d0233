"""A reported result is a module and a line of the registry, which all files, scripts and chapters follow."""

from pathlib import Path

import pytest

from stimmung.report.group_results import group_results
from stimmung.report.panel_results import moods_results
from stimmung.report.result_registry import DISTRIBUTIONS, MOODS, VOTES, names
from stimmung.report.survey_results import votes_results
from stimmung.report.votes.all_metrics import metrics_table
from stimmung.workflow.code_digest import code_files
from tests.unit.report.conftest import changed

REPOSITORY = Path(__file__).parents[3]
BRANCHES = [
    ("votes", VOTES, votes_results),
    ("distributions", DISTRIBUTIONS, group_results),
    ("moods", MOODS, moods_results),
]


@pytest.mark.parametrize(("folder", "registered", "load"), BRANCHES, ids=[name for name, *_ in BRANCHES])
def test_every_module_is_registered_and_has_what_its_entry_promises(folder, registered, load):
    modules = {path.stem for path in (REPOSITORY / "stimmung/report" / folder).glob("[!_]*.py")}
    assert modules == set(registered)
    for result in load():
        files = result.files
        assert bool(files.data) == (result.compute is not None) == (result.schema is not None), files
        assert bool(files.table) == (result.table is not None), files
        assert bool(files.figure) == (result.figure is not None) == bool(result.caption), files
        assert bool(result.title) == bool(files.table or files.figure), files
        assert not files.table or files.data or result.rows, files


@pytest.mark.parametrize("kind", ["data", "table", "figure"])
def test_no_two_results_write_the_same_file(kind):
    for registered in (VOTES, MOODS):
        assert len(names(registered, kind)) == len(set(names(registered, kind))) > 0


def test_an_edit_of_a_result_reruns_the_scripts_of_its_branch_and_the_report_only(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    needed = {path.stem: set(code_files(path)) for path in Path("scripts").glob("*.py")}
    shares, lags = Path("stimmung/report/votes/vote_shares.py"), Path("stimmung/report/moods/lags.py")
    votes = {"evaluate_votes", "tabulate_votes", "plot_votes", "render_report"}
    moods = {"cross_correlate", "tabulate_moods", "plot_moods", "render_report"}
    assert {name for name, files in needed.items() if shares in files} == votes
    assert {name for name, files in needed.items() if lags in files} == moods


def test_a_metric_without_a_label_is_an_error_and_not_dropped(small_survey):
    some = small_survey["metrics"].replace({"metric": {"brier": "made_up"}})
    with pytest.raises(KeyError, match="made_up"):
        metrics_table(changed(small_survey, metrics=some))
