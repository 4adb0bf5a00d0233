"""The figure of systematic non-response: what happens when a group is left out of the training rows."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stimmung.report.style import (
    INK,
    WIDTH_INCHES,
    as_percent,
    is_baseline,
    method_label,
    method_looks,
    note_figure,
)

SHOWN = {"f1": "Change of F1", "predicted_share": "Change of predicted share, points"}


def plot_left_out(changes: pd.DataFrame, methods: Sequence[str]) -> Figure:
    """Draw the change of each option's F1 and predicted share where a group of respondents is left out.

    Parameters
    ----------
    changes
        What ``stimmung.evaluation.comparisons.compare_conditions`` returns.
    methods
        All methods of the survey, so that each looks here as it does in the other figures.
    """
    if changes.empty:
        return note_figure(
            "Nothing to compare: this study has no condition that leaves respondents out of training."
        )
    conditions = changes[["condition", "reference"]].drop_duplicates()
    looks = method_looks(methods)
    shown = [method for method in sorted(methods, key=is_baseline) if method in set(changes["method"])]
    options = changes.loc[changes["metric"] == "f1", "option"].unique()
    height = 0.5 + len(options) * (0.1 + 0.1 * len(shown))
    figure = Figure(figsize=(WIDTH_INCHES, len(conditions) * height))
    grid = figure.subplots(len(conditions), len(SHOWN), sharex="col", sharey=True, squeeze=False)
    for row, pair in zip(grid, conditions.itertuples(), strict=True):
        for axes, (metric, title) in zip(row, SHOWN.items(), strict=True):
            part = changes[(changes["condition"] == pair.condition) & (changes["metric"] == metric)]
            _draw(axes, part, {method: looks[method] for method in shown}, list(options))
            axes.set_title(f"{title}\n{pair.condition} − {pair.reference}")
        row[1].xaxis.set_major_formatter(as_percent)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


def _draw(axes: Axes, changes: pd.DataFrame, looks: dict[str, tuple[str, str]], options: list[str]) -> None:
    axes.axvline(0, color=INK, linewidth=0.8)
    for place, (method, (colour, marker)) in enumerate(looks.items()):
        rows = changes[changes["method"] == method].set_index("option").reindex(options)
        y = [nth + (place - (len(looks) - 1) / 2) * 0.8 / len(looks) for nth in range(len(options))]
        axes.hlines(y, rows["ci_low"], rows["ci_high"], color=colour, linewidth=1)
        axes.plot(rows["difference"], y, marker, color=colour, label=method_label(method), markersize=3.5)
    axes.set_yticks(range(len(options)), options)
    axes.set_ylim(len(options) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
