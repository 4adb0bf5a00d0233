"""The figure of EQ2a: what a method loses of the party whose voters were absent from the training rows."""

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


def plot_absent(absent: pd.DataFrame, methods: Sequence[str]) -> Figure:
    """Draw the change of the absent option's F1 and predicted share: a row for each condition, a mark for each method.

    Parameters
    ----------
    absent
        An ABSENT table.
    methods
        All methods of the survey, so that each looks here as it does in the other figures.
    """
    if absent.empty:
        return note_figure("Nobody is absent: this study has no condition that excludes who gave an answer.")
    conditions = absent[["condition", "option"]].drop_duplicates()
    looks = method_looks(methods)
    shown = [method for method in sorted(methods, key=is_baseline) if method in set(absent["method"])]
    figure = Figure(figsize=(WIDTH_INCHES, 0.8 + len(conditions) * (0.2 + 0.1 * len(shown))))
    row = figure.subplots(1, len(SHOWN), sharey=True, squeeze=False)[0]
    for axes, (metric, title) in zip(row, SHOWN.items(), strict=True):
        part = absent[absent["metric"] == metric]
        _draw(axes, part, {method: looks[method] for method in shown}, conditions)
        axes.set_title(title)
    row[1].xaxis.set_major_formatter(as_percent)
    handles, labels = row[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


def _draw(
    axes: Axes, absent: pd.DataFrame, looks: dict[str, tuple[str, str]], conditions: pd.DataFrame
) -> None:
    axes.axvline(0, color=INK, linewidth=0.8)
    for place, (method, (colour, marker)) in enumerate(looks.items()):
        rows = absent[absent["method"] == method].set_index("condition").reindex(conditions["condition"])
        y = [nth + (place - (len(looks) - 1) / 2) * 0.8 / len(looks) for nth in range(len(rows))]
        axes.hlines(y, rows["ci_low"], rows["ci_high"], color=colour, linewidth=1)
        axes.plot(rows["difference"], y, marker, color=colour, label=method_label(method), markersize=3.5)
    labels = [f"{one.option}\n{one.condition}" for one in conditions.itertuples()]
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
