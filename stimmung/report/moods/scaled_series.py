"""The series of posts and survey as published, scaled and smoothed; of mixes, answers against known shares."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stimmung.evaluation.series.affect import on_scale
from stimmung.evaluation.series.series_steps import rolling_mean
from stimmung.report.known_shares import plot_shares_of_mixes
from stimmung.report.panel_results import PanelResult, PanelTables
from stimmung.report.series_panels import add_legend, days_of, draw_band, plot_weeks, title_panel
from stimmung.report.style import INK, is_baseline
from stimmung.report.tables import number, p_value


def plot_series(tables: PanelTables) -> Figure:
    """Draw, for each option, the scaled series of the posts with the range over seeds, and the survey's.

    As in the figures of Ahnert et al. (2025, arXiv 2409.17990): both scaled to run from 0 to 1, then averaged over
    ``rolling_weeks``. Above each panel: r and p of the two lines, and the p of the prewhitened series. Mixes are drawn
    against their known shares instead.
    """
    if tables.mixed:
        return plot_shares_of_mixes(tables)
    tracker = tables.tracker

    def draw(axes: Axes, part: pd.DataFrame, colour: str) -> None:
        draw_band(axes, part, ("scaled_mean", "scaled_min", "scaled_max"), colour)

    def beside(axes: Axes, question: str, option: str) -> None:
        chosen = (tracker["question"] == question) & (tracker["option"] == option)
        survey = tracker[chosen].set_index("week")["share"].reindex(list(tables.weeks)).to_numpy(float)
        if not np.isnan(survey).all():
            smooth = rolling_mean(on_scale(survey, survey, tables.scale), tables.rolling_weeks)
            axes.plot(days_of(tables.weeks), smooth, color=INK, linewidth=1, linestyle=(0, (4, 1.5)))
        title_panel(axes, axes.get_title(loc="left"), _correlations(tables["ccf"], question, option))

    figure = plot_weeks(tables, draw, beside=beside)
    keys = [Line2D([], [], color=INK, linestyle=(0, (4, 1.5)), label="survey")] if len(tracker) else []
    add_legend(figure, tables, keys)
    return figure


def _correlations(ccf: pd.DataFrame, question: str, option: str) -> list[str]:
    """Return r, p and prewhitened p at lag 0, a line for each language model."""
    here = ccf[(ccf["question"] == question) & (ccf["option"] == option) & (ccf["lag_weeks"] == 0)]
    arms = here[[not is_baseline(model) for model in here["model"]]]
    lines = []
    for _, row in arms.iterrows():
        name = f"{row['model']}: " if len(arms) > 1 else ""
        numbers = f"r {number(row['r'], 2)}, p {p_value(row['p'])}"
        numbers += f", prewhitened p {p_value(row['p_prewhitened'])}"
        lines.append(name + (row["note"] or numbers))
    return lines


def caption(tables: PanelTables) -> str:
    """Return what is to be seen in the figure."""
    if tables.mixed:
        return (
            "Probability of each option against the known share of posts that speak for it. Band: range over seeds. Dotted: "
            "the model before tuning. Above each panel: Spearman's rank correlation of the mean over seeds, and of the seed "
            "that orders the mixes worst. The order is what is checked; a probability is not a share of posts."
        )
    scaled = "scaled to run from 0 to 1, then " if tables.scale == "min-max" else ""
    return (
        f"Each option's series of the posts and of the survey, {scaled}averaged over {tables.rolling_weeks} weeks. Band: range "
        "over seeds. Above each panel: r and p of the two lines as published (Ahnert et al. 2025), a naive p that takes "
        "smoothed weeks for independent; and the p of the prewhitened series, which holds its level under autocorrelation. "
        "Lag 0."
    )


RESULT = PanelResult(
    figure=plot_series,
    title=lambda tables: "Known shares and answers" if tables.mixed else "Posts and survey, as published",
    caption=caption,
)
