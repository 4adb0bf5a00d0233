"""Draw the figures of one panel, from its tables. The suffix of a path is the format: svg, pdf or png."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from stimmung.report.mood_lags import plot_lags
from stimmung.report.mood_series import plot_raw, plot_relative, plot_series, weeks_without_estimate
from stimmung.report.mood_shares import plot_shares_of_mixes
from stimmung.report.style import figure_style, save_figure
from stimmung.vocabulary.moods_schemas import AFFECT, CCF, RECOVERY, TRACKER
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def plot_moods(
    *,
    affect: Path,
    ccf: Path,
    recovery: Path,
    tracker: Path | None = None,
    tracker_is_truth: bool = False,
    questions: Mapping[str, Sequence[str]],
    weeks: Sequence[str],
    scale: Literal["min-max", "none"],
    rolling_weeks: int,
    constructed: str | None,
    figures: Mapping[str, Path],
) -> None:
    """Write the figures series, lags, raw and relative to their paths.

    ``weeks`` are all of the panel, so that a missing one is seen. ``constructed`` is 'simulated', 'constructed'
    or nothing, and is shown on each. If ``tracker_is_truth``, weeks are mixes with known shares, and the figure
    series has these shares in place of time.
    """
    estimated, correlated = read_table(affect, AFFECT), read_table(ccf, CCF)
    survey = pd.DataFrame(columns=list(TRACKER.columns)) if tracker is None else read_table(tracker, TRACKER)
    with figure_style():
        series = (
            plot_shares_of_mixes(estimated, survey, read_table(recovery, RECOVERY))
            if tracker_is_truth
            else plot_series(
                estimated, survey, correlated, questions, weeks, scale=scale, rolling_weeks=rolling_weeks
            )
        )
        drawn = {
            "series": series,
            "lags": plot_lags(correlated, questions, weeks_without_estimate(estimated, weeks)),
            "raw": plot_raw(estimated, questions, weeks),
            "relative": plot_relative(estimated, questions, weeks),
        }
        for name, figure in drawn.items():
            save_figure(figure, figures[name], bool(constructed), f"{constructed} data")


if __name__ == "__main__":
    with job(snakemake):
        tracker = snakemake.input.tracker
        plot_moods(
            affect=Path(snakemake.input.affect),
            ccf=Path(snakemake.input.ccf),
            recovery=Path(snakemake.input.recovery),
            tracker_is_truth=snakemake.params.tracker_is_truth,
            tracker=Path(tracker) if isinstance(tracker, str) else next(map(Path, tracker), None),
            questions=snakemake.params.questions,
            weeks=snakemake.params.weeks,
            scale=snakemake.params.scale,
            rolling_weeks=snakemake.params.rolling_weeks,
            constructed=snakemake.params.constructed,
            figures={name: Path(path) for name, path in snakemake.output.items()},
        )
