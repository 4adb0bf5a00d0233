"""Figures with a panel for each answer option and a row for each method."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stimmung.report.style import (
    INK,
    WIDTH_INCHES,
    language_models_first,
    method_label,
    method_looks,
    remove_empty,
)

PANELS_IN_A_ROW = 3


def plot_f1_panels(metrics: pd.DataFrame, conditions: Sequence[str]) -> Figure:
    """Draw macro F1 and the F1 of each option by method, with the interval over folds.

    Parameters
    ----------
    metrics
        A METRICS table.
    conditions
        The conditions that stand side by side.
    """
    wanted = metrics[metrics["metric"].isin(("macro_f1", "f1"))]
    panels = {"Macro F1": wanted[wanted["option"].isna()]}
    for option in wanted["option"].dropna().unique():
        panels[f"F1, {option}"] = wanted[wanted["option"] == option]
    figure = plot_option_panels(panels, conditions, ("value", "ci_low", "ci_high"))
    figure.axes[0].set_xlim(0, 1)
    figure.axes[0].set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    return figure


def plot_option_panels(
    panels: dict[str, pd.DataFrame], conditions: Sequence[str], columns: tuple[str, str, str]
) -> Figure:
    """Draw a panel for each table, with a row for each method and a mark for each condition.

    Parameters
    ----------
    panels
        Title to table, which has the columns method and condition.
    conditions
        The conditions that stand side by side; the marks of the first are filled.
    columns
        Of the value and of the ends of its interval.
    """
    first = next(iter(panels.values()))
    shown = [name for name in conditions if name in set(first["condition"])]
    present = set(first.loc[first["condition"].isin(shown), "method"])
    looks = method_looks(list(first["method"].unique()))
    methods = {method: looks[method] for method in language_models_first(looks) if method in present}
    across = min(PANELS_IN_A_ROW, len(panels))
    down = math.ceil(len(panels) / across)
    height = down * (0.45 + len(methods) * (0.14 + 0.1 * len(shown)))
    figure = Figure(figsize=(WIDTH_INCHES, height + 0.3 * (len(shown) > 1)))
    grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    for axes, (title, part) in zip(grid.flat, panels.items(), strict=False):
        axes.set_title(title)
        _rows(axes, part, methods, shown, columns)
    remove_empty(grid, len(panels))
    if len(shown) > 1:
        figure.legend(handles=_condition_keys(shown), loc="outside upper left", ncols=len(shown))
    return figure


def _rows(
    axes: Axes,
    part: pd.DataFrame,
    methods: Mapping[str, tuple[str, str]],
    conditions: Sequence[str],
    columns: tuple[str, str, str],
) -> None:
    value, low, high = columns
    for place, (method, (colour, marker)) in enumerate(methods.items()):
        for nth, condition in enumerate(conditions):
            row = part[(part["method"] == method) & (part["condition"] == condition)]
            if row.empty or row[value].isna().all():
                continue
            y = place + (nth - (len(conditions) - 1) / 2) * 0.3
            axes.hlines(y, row[low], row[high], color=colour, linewidth=1)
            axes.plot(
                row[value], [y], marker, color=colour, markerfacecolor=_filling(nth, colour), clip_on=False
            )
    axes.set_yticks(range(len(methods)), [method_label(method) for method in methods])
    axes.set_ylim(len(methods) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)


def _filling(nth: int, colour: str) -> str:
    return colour if nth == 0 else "white"


def _condition_keys(conditions: Sequence[str]) -> list[Line2D]:
    return [
        Line2D([], [], color=INK, marker="o", markerfacecolor=_filling(nth, INK), label=condition)
        for nth, condition in enumerate(conditions)
    ]
