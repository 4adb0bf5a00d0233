"""Draw the figures of one panel, from its tables. The suffix of a path is the format: svg, pdf or png."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from stimmung.report.panel_results import PanelTables, moods_results, series_without_a_model
from stimmung.report.result import plot_results, read_results
from stimmung.vocabulary.moods_schemas import AFFECT, TRACKER, WORDINGS
from stimmung.vocabulary.parquet_tables import read_tables
from stimmung.workflow.run import run


def plot_moods(
    *,
    results: list[Path],
    tracker: list[Path],
    words: list[Path],
    signals: list[Path],
    figures: list[Path],
    tracker_is_truth: bool,
    questions: Mapping[str, Sequence[str]],
    weeks: Sequence[str],
    scale: Literal["min-max", "none"],
    rolling_weeks: int,
    constructed: str | None,
) -> None:
    """Draw each figure of ``figures``, named in the registry, from affect.parquet, wordings.parquet and the stored ``results``.

    ``weeks`` are all of the panel, so that a missing one is seen. ``constructed`` is 'simulated', 'constructed' or nothing, and is
    shown on each. If ``tracker_is_truth``, weeks are mixes with known shares, and the figure series has these shares in place of
    time.
    """
    registered = moods_results()
    tables = PanelTables(
        frames=read_results(registered, results, affect=AFFECT, wordings=WORDINGS),
        mark=constructed,
        rolling_weeks=rolling_weeks,
        scale=scale,
        weeks=weeks,
        questions=questions,
        tracker=read_tables(tracker, TRACKER),
        mixed=tracker_is_truth,
        others=series_without_a_model(words, signals, questions, weeks),
    )
    plot_results(registered, tables, figures)


if __name__ == "__main__":
    run(plot_moods, snakemake)
