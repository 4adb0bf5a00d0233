"""The figure of the internal check: what adapters answer against the known share of posts of a kind."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stimmung.report.mood_series import arm_colours, panel_grid, title_panel
from stimmung.report.style import FAINT, PALETTE, as_percent, is_baseline
from stimmung.report.tables import number


def plot_shares_of_mixes(affect: pd.DataFrame, tracker: pd.DataFrame, recovery: pd.DataFrame) -> Figure:
    """Draw each option's raw probability against the known share of posts that speak for it.

    A perfect order rises from left to right; the probability need not equal the share. Over each panel stands
    the rank correlation of the mean over seeds, and of the seed that orders the mixes worst.

    Parameters
    ----------
    affect
        The table of this name; a week is a mix.
    tracker
        The known share of each kind of post, by the option that goes with it.
    recovery
        The table of this name.
    """
    questions = {
        str(question): list(part["option"].unique())
        for question, part in tracker.groupby("question", sort=False)
    }
    figure, panels = panel_grid(questions, 2.2, sharey=True)
    series = affect.drop_duplicates(["model", "question", "option", "week"])
    colours = arm_colours(list(affect["model"].unique()))
    for (question, option), axes in panels.items():
        asked = (tracker["question"] == question) & (tracker["option"] == option)
        shares = tracker[asked].set_index("week")["share"]
        lines = _captions(recovery, question, option)
        title_panel(axes, axes.get_title(loc="left"), lines)
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
    handles.append(Patch(color=PALETTE[0], alpha=0.25, linewidth=0, label="range over seeds"))
    handles.append(Line2D([], [], color=FAINT, linestyle=":", label="the model before tuning"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return figure


def _captions(recovery: pd.DataFrame, question: str, option: str) -> list[str]:
    here = recovery[(recovery["question"] == question) & (recovery["option"] == option)]
    arms = here[[not is_baseline(model) for model in here["model"]]]
    name = [f"{model}: " if len(arms) > 1 else "" for model in arms["model"]]
    return [
        f"{start}ρ {number(row['rho'], 2)}"
        + (
            ""
            if np.isnan(row["rho_worst_seed"])
            else f", of the worst seed {number(row['rho_worst_seed'], 2)}"
        )
        for start, (_, row) in zip(name, arms.iterrows(), strict=True)
    ]
