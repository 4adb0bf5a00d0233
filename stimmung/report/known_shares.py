"""The figure of the internal check: what adapters answer against the known share of posts of a kind."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stimmung.report.panel_results import PanelTables
from stimmung.report.series_panels import arm_colours, before_tuning, panel_grid, seed_range, title_panel
from stimmung.report.style import as_percent, is_baseline
from stimmung.report.tables import number


def plot_shares_of_mixes(tables: PanelTables) -> Figure:
    """Draw each option's raw probability against the known share of posts that speak for it.

    A perfect order rises from left to right; the probability need not equal the share. Above each panel: the rank
    correlation of the mean over seeds, and of the seed that orders the mixes worst."""
    tracker = tables.tracker
    questions = {
        str(question): list(part["option"].unique())
        for question, part in tracker.groupby("question", sort=False)
    }
    figure, panels = panel_grid(questions, 2.2, sharey=True)
    series = tables["affect"].drop_duplicates(["model", "question", "option", "week"])
    colours = arm_colours(tables.subjects)
    for (question, option), axes in panels.items():
        asked = (tracker["question"] == question) & (tracker["option"] == option)
        shares = tracker[asked].set_index("week")["share"]
        title_panel(
            axes, axes.get_title(loc="left"), _rank_correlations(tables["recovery"], question, option)
        )
        for model, colour in colours.items():
            chosen = (
                (series["question"] == question) & (series["option"] == option) & (series["model"] == model)
            )
            part = series[chosen].assign(share=series["week"].map(shares)).sort_values("share")
            axes.fill_between(
                part["share"], part["value_min"], part["value_max"], color=colour, alpha=0.25, linewidth=0
            )
            axes.plot(part["share"], part["value_mean"], color=colour, marker="o", markersize=3)
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


def _rank_correlations(recovery: pd.DataFrame, question: str, option: str) -> list[str]:
    here = recovery[(recovery["question"] == question) & (recovery["option"] == option)]
    arms = here[[not is_baseline(model) for model in here["model"]]]
    lines = []
    for _, row in arms.iterrows():
        name = f"{row['model']}: " if len(arms) > 1 else ""
        worst = "" if np.isnan(row["rho_worst_seed"]) else f", worst seed {number(row['rho_worst_seed'], 2)}"
        lines.append(f"{name}ρ {number(row['rho'], 2)}{worst}")
    return lines
