"""Draw the figures of one survey, from its tables. The suffix of a path is the format: svg, pdf or png.

A figure that a study has no conditions for is written all the same, and says so.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stimmung.report.result import plot_results, read_results
from stimmung.report.survey_results import SurveyTables, votes_results
from stimmung.workflow.run import run


def plot_votes(
    *, results: list[Path], figures: list[Path], conditions: Mapping[str, Mapping[str, Any]], simulated: bool
) -> None:
    """Draw each figure of ``figures``, named in the registry, from the stored ``results``."""
    registered = votes_results()
    frames = read_results(registered, results)
    mark = "simulated" if simulated else None
    plot_results(registered, SurveyTables(frames=frames, mark=mark, conditions=conditions), figures)


if __name__ == "__main__":
    run(plot_votes, snakemake)
