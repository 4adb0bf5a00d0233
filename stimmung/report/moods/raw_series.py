"""The probability of each answer option in each week, neither scaled nor smoothed."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stimmung.report.panel_results import PanelData, PanelTables
from stimmung.report.registry import MOODS
from stimmung.report.result import Result
from stimmung.report.series_panels import Questions, add_legend, before_tuning, draw_band, plot_weeks
from stimmung.report.style import as_percent


def plot_raw(affect: pd.DataFrame, questions: Questions, weeks: Sequence[str]) -> Figure:
    """Draw, for each option, its probability in each week with the range over seeds, and the untuned model's.

    Neither scaled nor smoothed: these are the series that tests are about.

    Parameters
    ----------
    affect
        The table of this name.
    questions
        Question to its options.
    weeks
        All weeks of the panel.
    """

    def draw(axes: Axes, part: pd.DataFrame, colour: str) -> None:
        draw_band(axes, part, ("value_mean", "value_min", "value_max"), colour, marker="o")
        base = part["base"].dropna()
        if len(base):
            axes.axhline(base.iloc[0], color=colour, linewidth=0.9, linestyle=":")
        axes.yaxis.set_major_formatter(as_percent)

    figure = plot_weeks(affect, questions, weeks, draw, sharey=False)
    based = affect["base"].notna().any()
    add_legend(figure, affect, weeks, [before_tuning()] if based else [])
    figure.supylabel("Probability, %", fontsize=8)
    return figure


RESULT = Result[PanelData, PanelTables](
    MOODS["raw_series"],
    figure=lambda tables: plot_raw(tables["affect"], tables.questions, tables.weeks),
    title="Raw probabilities",
    caption=(
        "Probability of each answer option in per cent, neither scaled nor smoothed: the series that the tests are about. Band: "
        "range over seeds. Dotted: the model before tuning. The axes differ: an option may vary little."
    ),
    alt=lambda tables: f"Raw weekly probabilities of {tables.arms_in_words}.",
)
