"""How many times as likely each answer option is as it was before tuning."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stimmung.report.panel_results import PanelResult, PanelTables
from stimmung.report.series_panels import add_legend, before_tuning, draw_band, plot_weeks
from stimmung.report.style import FAINT, note_figure


def plot_relative(tables: PanelTables) -> Figure:
    """Draw, for each option, how many times as likely it is as it was before tuning, with the range over seeds.

    The axis is logarithmic and the same in all panels, so that the same change looks the same for options that
    the model finds likely and unlikely by themselves."""
    affect = tables["affect"]
    if affect["log_ratio"].isna().all():
        return note_figure("No relative probabilities: the untuned model was not asked.")
    of_week = affect.groupby(["model", "question", "option", "week"])["log_ratio"]
    ratios = affect.assign(
        **{f"ratio_{name}": np.exp(of_week.transform(name)) for name in ("mean", "min", "max")}
    )

    def draw(axes: Axes, part: pd.DataFrame, colour: str) -> None:
        axes.axhline(1, color=FAINT, linewidth=0.9, linestyle=":")
        draw_band(axes, part, ("ratio_mean", "ratio_min", "ratio_max"), colour, marker="o")
        axes.set_yscale("log", base=2)
        axes.yaxis.set_major_formatter(lambda value, _place: f"×{value:g}")

    figure = plot_weeks(tables, draw, ratios)
    add_legend(figure, tables, [before_tuning()])
    figure.supylabel("Probability, relative to the untuned model", fontsize=8)
    return figure


RESULT = PanelResult(
    figure=plot_relative,
    title="Relative to the untuned model",
    shown=lambda tables: bool(tables.subjects),
    caption=(
        "How many times as likely an answer option is as it was before tuning: the geometric mean over wordings and seeds. "
        "Band: range over seeds. Dotted: the untuned model. Options that the model finds likely by itself and options that it "
        "does not are on the same axis here."
    ),
)
