"""Figures with a panel for each answer option and a row for each method."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stimmung.report.style import INK, label_rows, looks_of_present, method_label, panel_figure

PANELS_IN_A_ROW = 3


def plot_f1_panels(metrics: pd.DataFrame, conditions: Sequence[str]) -> Figure:
    """Draw macro F1 and the F1 of each option by method from a METRICS table, ``conditions`` side by side."""
    wanted = metrics[metrics["metric"].isin(("macro_f1", "f1"))]
    panels = {"Macro F1": wanted[wanted["option"].isna()]}
    for option in wanted["option"].dropna().unique():
        panels[f"F1, {option}"] = wanted[wanted["option"] == option]
    figure = plot_option_panels(panels, conditions, ("value", "ci_low", "ci_high"))
    figure.axes[0].set_xlim(0, 1)
    figure.axes[0].set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    return figure


def plot_option_panels(
    panels: dict[str, pd.DataFrame],
    conditions: Sequence[str],
    columns: tuple[str, str, str],
    sharex: bool = True,
) -> Figure:
    """Draw a panel for each table, with a row for each method and a mark for each condition.

    ``panels`` is title to table with the columns method and condition, and ``columns`` name those of the value and of the ends of
    its interval. The marks of the first of ``conditions`` are filled. ``sharex``: whether all panels have one scale.
    """
    first, (value, low, high) = next(iter(panels.values())), columns
    shown = [name for name in conditions if name in set(first["condition"])]
    looks = looks_of_present(first[first["condition"].isin(shown)], list(first["method"].unique()))
    height = 0.45 + len(looks) * (0.14 + 0.1 * len(shown))
    legend = 0.3 * (len(shown) > 1)
    figure, grid = panel_figure(len(panels), PANELS_IN_A_ROW, height, legend, sharex=sharex)
    for axes, (title, part) in zip(grid, panels.items(), strict=True):
        axes.set_title(title)
        for place, (method, (colour, marker)) in enumerate(looks.items()):
            for nth, condition in enumerate(shown):
                row = part[(part["method"] == method) & (part["condition"] == condition)]
                if row.empty or row[value].isna().all():
                    continue
                y = place + (nth - (len(shown) - 1) / 2) * 0.3
                axes.hlines(y, row[low], row[high], color=colour, linewidth=1)
                face = _filling(nth, colour)
                axes.plot(row[value], [y], marker, color=colour, markerfacecolor=face, clip_on=False)
        label_rows(axes, [method_label(method) for method in looks], margin=0.6)
    if len(shown) > 1:
        keys = [
            Line2D([], [], color=INK, marker="o", markerfacecolor=_filling(nth, INK), label=condition)
            for nth, condition in enumerate(shown)
        ]
        figure.legend(handles=keys, loc="outside upper left", ncols=len(shown))
    return figure


def _filling(nth: int, colour: str) -> str:
    return colour if nth == 0 else "white"
