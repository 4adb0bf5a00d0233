"""The figure of effective respondents: how many of them a tuned language model is worth to the best baseline."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stimmung.report.style import FAINT, WIDTH_INCHES, method_label, method_looks, note_figure

SHOWN = {"macro_f1": "By macro F1", "log_loss": "By log-loss"}
# How far beyond the measured range the places of 'more than all' and 'fewer than the fewest' lie, as a factor.
BEYOND = 1.6


def plot_effective(effective: pd.DataFrame, methods: Sequence[str]) -> Figure:
    """Draw the respondents that the best baseline needs over those that the language model learned from.

    Parameters
    ----------
    effective
        An EFFECTIVE table.
    methods
        All methods of the survey, so that each looks here as it does in the other figures.
    """
    if effective.empty:
        return note_figure(
            "No effective respondents: this study has no tuned model and baselines on several training shares."
        )
    looks = method_looks(methods)
    figure = Figure(figsize=(WIDTH_INCHES, 3.0))
    row = figure.subplots(1, len(SHOWN), squeeze=False)[0]
    for axes, (metric, title) in zip(row, SHOWN.items(), strict=True):
        part = effective[effective["metric"] == metric]
        _draw(axes, part, {name: looks[name] for name in methods if name in set(part["method"])})
        axes.set_title(title)
    row[0].set_ylabel("Respondents that the best baseline needs")
    handles, labels = row[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


def _draw(axes: Axes, effective: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> None:
    low, high = float(effective["n_smallest"].min()), float(effective["n_largest"].max())
    least, most = low / BEYOND, high * BEYOND
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.axhspan(high, most * 1.15, color="#f2f2f2", zorder=0, linewidth=0)
    axes.axhspan(least / 1.15, low, color="#f2f2f2", zorder=0, linewidth=0)
    ends = [low, high]
    axes.plot(ends, ends, color=FAINT, linestyle=":", linewidth=0.9, label="as many as the model")
    for place, (method, (colour, marker)) in enumerate(looks.items()):
        rows = effective[effective["method"] == method].sort_values("n_training")
        x = rows["n_training"].to_numpy() * 1.03 ** (place - (len(looks) - 1) / 2)
        y = np.clip(rows["n_effective"].to_numpy(), least, most)
        whiskers = np.clip(rows[["ci_low", "ci_high"]].to_numpy(), least, most)
        axes.vlines(x, whiskers[:, 0], whiskers[:, 1], color=colour, linewidth=0.8)
        inside = (rows["n_effective"] > 0) & np.isfinite(rows["n_effective"])
        axes.plot(x, y, color=colour, linewidth=1.2)
        axes.plot([], [], color=colour, marker=marker, label=method_label(method))
        for within, filling in ((True, colour), (False, "white")):
            chosen = inside.to_numpy() == within
            axes.plot(x[chosen], y[chosen], marker, color=colour, markerfacecolor=filling, linestyle="none")
    axes.set_ylim(least / 1.15, most * 1.15)
    ticks = sorted({float(value) for value in effective["n_training"]})
    axes.set_xticks(ticks, [f"{value:.0f}" for value in ticks])
    axes.set_yticks(
        [least, *ticks, most], [f"< {low:.0f}", *(f"{value:.0f}" for value in ticks), f"> {high:.0f}"]
    )
    axes.minorticks_off()
    axes.set_xlabel("Respondents that the model learned from")
