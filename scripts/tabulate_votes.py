"""Write the tables of one survey for a paper (LaTeX) and for a program (CSV)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stimmung.report.result import read_results, tabulate_results
from stimmung.report.survey_results import SurveyTables, votes_results
from stimmung.workflow.run import run


def tabulate_votes(
    *, results: list[Path], tables: list[Path], conditions: Mapping[str, Mapping[str, Any]], simulated: bool
) -> None:
    """Write each table of ``tables``, named in the registry, from the stored ``results``."""
    registered = votes_results()
    frames = read_results(registered, results)
    mark = "simulated" if simulated else None
    tabulate_results(registered, SurveyTables(frames=frames, mark=mark, conditions=conditions), tables)


if __name__ == "__main__":
    run(tabulate_votes, snakemake)
