"""The series of posts and survey as published, scaled and smoothed; of mixes, answers against known shares."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stimmung.evaluation.series.affect import on_scale
from stimmung.evaluation.series.series_steps import rolling_mean
from stimmung.report.moods.known_mood import rank_correlation
from stimmung.report.panel_results import PanelResult, PanelTables
from stimmung.report.series_panels import (
    add_legend,
    arm_colours,
    before_tuning,
    days_of,
    draw_band,
    of_option,
    panel_grid,
    plot_weeks,
    seed_range,
    title_panel,
)
from stimmung.report.style import INK, PALETTE, as_percent, is_baseline, method_label
from stimmung.report.tables import Row, number, p_value


def plot_series(tables: PanelTables) -> Figure:
    """Draw, for each option, the scaled series of the posts with the range over seeds, and the survey's.

    As in the figures of Ahnert et al. (2025, arXiv 2409.17990). Mixes are drawn against their known shares instead.
    """
    if tables.mixed:
        return plot_shares_of_mixes(tables)
    tracker, lag_0 = tables.tracker, tables["ccf"][tables["ccf"]["lag_weeks"] == 0]
    # Where no language model was asked, the other series are what there is to be seen.
    names = [] if tables.subjects else sorted(tables.others["model"].unique())
    others = {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(names)}

    def draw(axes: Axes, part: pd.DataFrame, colour: str) -> None:
        draw_band(axes, part, ("scaled_mean", "scaled_min", "scaled_max"), colour)

    def beside(axes: Axes, question: str, option: str) -> None:
        shares = of_option(tracker, question, option).set_index("week")["share"]
        survey = shares.reindex(list(tables.weeks)).to_numpy(float)
        if not np.isnan(survey).all():
            smooth = rolling_mean(on_scale(survey, survey, tables.scale), tables.rolling_weeks)
            axes.plot(days_of(tables.weeks), smooth, color=INK, linewidth=1, linestyle=(0, (4, 1.5)))
        for model, colour in others.items():
            rows = of_option(tables.others[tables.others["model"] == model], question, option)
            if len(rows):
                series = rows.set_index("week")["value"].reindex(list(tables.weeks)).to_numpy(float)
                smooth = rolling_mean(on_scale(series, series, tables.scale), tables.rolling_weeks)
                axes.plot(days_of(tables.weeks), smooth, color=colour)
        title_panel(axes, axes.get_title(loc="left"), _lines(lag_0, question, option, _correlation))

    figure = plot_weeks(tables, draw, beside=beside)
    keys = [Line2D([], [], color=INK, linestyle=(0, (4, 1.5)), label="survey")] if len(tracker) else []
    keys += [Line2D([], [], color=colour, label=method_label(name)) for name, colour in others.items()]
    add_legend(figure, tables, keys)
    return figure


def plot_shares_of_mixes(tables: PanelTables) -> Figure:
    """Draw each option's raw probability against the known share of posts that speak for it, with the rank correlation."""
    tracker = tables.tracker
    questions = {
        str(question): list(part["option"].unique())
        for question, part in tracker.groupby("question", sort=False)
    }
    figure, panels = panel_grid(questions, 2.2, sharey=True)
    series = tables["affect"].drop_duplicates(["model", "question", "option", "week"])
    colours = arm_colours(tables.subjects)
    for (question, option), axes in panels.items():
        shares = of_option(tracker, question, option).set_index("week")["share"]
        answers = of_option(series, question, option)
        ranks = _lines(tables["recovery"], question, option, rank_correlation)
        title_panel(axes, axes.get_title(loc="left"), ranks)
        for model, colour in colours.items():
            part = (
                answers[answers["model"] == model]
                .assign(share=answers["week"].map(shares))
                .sort_values("share")
            )
            x, low, high = part["share"], part["value_min"], part["value_max"]
            axes.fill_between(x, low, high, color=colour, alpha=0.25, linewidth=0)
            axes.plot(x, part["value_mean"], color=colour, marker="o", markersize=3)
            if part["base"].notna().any():
                axes.axhline(part["base"].iloc[0], color=colour, linewidth=0.9, linestyle=":")
        axes.xaxis.set_major_formatter(as_percent)
        axes.yaxis.set_major_formatter(as_percent)
    figure.supxlabel("Known share of posts that speak for the option, %", fontsize=8)
    figure.supylabel("Probability, %", fontsize=8)
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker="o", markersize=3, label=model)
        for model, colour in colours.items()
    ]
    handles += [seed_range(), before_tuning()]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def _lines(table: pd.DataFrame, question: str, option: str, told: Callable[[Row], str]) -> list[str]:
    """Return what is told of the rows of an option, a line for each language model."""
    here = of_option(table, question, option)
    arms = here[[not is_baseline(model) for model in here["model"]]]
    return [(f"{row['model']}: " if len(arms) > 1 else "") + told(row) for _, row in arms.iterrows()]


def _correlation(row: Row) -> str:
    numbers = f"r {number(row['r'], 2)}, p {p_value(row['p'])}, prewhitened p {p_value(row['p_prewhitened'])}"
    return str(row["note"] or numbers)


def caption(tables: PanelTables) -> str:
    """Return what is to be seen in the figure."""
    if tables.mixed:
        return (
            "Probability of each option against the known share of posts that speak for it. Band: range over seeds. Dotted: "
            "the model before tuning. Above each panel: Spearman's rank correlation of the mean over seeds, and of the seed "
            "that orders the mixes worst. The order is what is checked; a probability is not a share of posts."
        )
    scaled = "scaled to run from 0 to 1, then " if tables.scale == "min-max" else ""
    if not tables.subjects:
        return (
            f"Each option's series and the survey's, {scaled}averaged over {tables.rolling_weeks} weeks. No language model was "
            "asked."
        )
    return (
        f"Each option's series of the posts and of the survey, {scaled}averaged over {tables.rolling_weeks} weeks. Band: range "
        "over seeds. Above each panel: r and p of the two lines as published (Ahnert et al. 2025), a naive p that takes "
        "smoothed weeks for independent; and the p of the prewhitened series, which holds its level under autocorrelation. "
        "Lag 0."
    )


def title(tables: PanelTables) -> str:
    """Return the heading in the report."""
    if tables.mixed:
        return "Known shares and answers"
    return "Posts and survey, as published" if tables.subjects else "Series and survey"


RESULT = PanelResult(figure=plot_series, title=title, caption=caption)
