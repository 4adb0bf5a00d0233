"""Write the tables of one panel for a paper (LaTeX) and for a program (CSV)."""

from pathlib import Path

from stimmung.report.panel_results import PanelTables, moods_results
from stimmung.report.result import read_results, tabulate_results
from stimmung.workflow.run import run


def tabulate_moods(
    *, results: list[Path], tables: list[Path], rolling_weeks: int, constructed: str | None
) -> None:
    """Write each table of ``tables``, named in the registry, from the stored ``results``.

    ``constructed`` is 'simulated', 'constructed' or nothing, and is shown in each.
    """
    registered = moods_results()
    frames = read_results(registered, results)
    tabulate_results(
        registered, PanelTables(frames=frames, mark=constructed, rolling_weeks=rolling_weeks), tables
    )


if __name__ == "__main__":
    run(tabulate_moods, snakemake)
