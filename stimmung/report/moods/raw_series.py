"""The probability of each answer option in each week, neither scaled nor smoothed."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stimmung.report.panel_results import PanelResult, PanelTables
from stimmung.report.series_panels import add_legend, before_tuning, draw_band, plot_weeks
from stimmung.report.style import as_percent, note_figure


def plot_raw(tables: PanelTables) -> Figure:
    """Draw, for each option, its probability in each week with the range over seeds, and the untuned model's."""

    def draw(axes: Axes, part: pd.DataFrame, colour: str) -> None:
        draw_band(axes, part, ("value_mean", "value_min", "value_max"), colour, marker="o")
        base = part["base"].dropna()
        if len(base):
            axes.axhline(base.iloc[0], color=colour, linewidth=0.9, linestyle=":")
        axes.yaxis.set_major_formatter(as_percent)

    if not tables.subjects:
        return note_figure("No probabilities: no language model was asked.")
    figure = plot_weeks(tables, draw, sharey=False)
    add_legend(figure, tables, [before_tuning()] if tables["affect"]["base"].notna().any() else [])
    figure.supylabel("Probability, %", fontsize=8)
    return figure


RESULT = PanelResult(
    figure=plot_raw,
    title="Raw probabilities",
    shown=lambda tables: bool(tables.subjects),
    caption=(
        "Probability of each answer option in per cent, neither scaled nor smoothed: the series that the tests are about. Band: "
        "range over seeds. Dotted: the model before tuning. The axes differ: an option may vary little."
    ),
)
