"""Figures with a panel for each answer option and a row for each method: F1, and shares."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stimmung.report.conditions import Conditions, reference_conditions
from stimmung.report.style import (
    INK,
    WIDTH_INCHES,
    as_percent,
    is_baseline,
    method_label,
    method_looks,
    note_figure,
    remove_empty,
)

PANELS_IN_A_ROW = 3


def plot_f1_by_class(metrics: pd.DataFrame, conditions: Conditions) -> Figure:
    """Draw macro F1 and the F1 of each option by method, with the interval over folds.

    Parameters
    ----------
    metrics
        A METRICS table.
    conditions
        The survey's conditions. Shown are those that learn from all training rows.
    """
    wanted = metrics[metrics["metric"].isin(("macro_f1", "f1"))]
    return _f1_panels(wanted, reference_conditions(conditions))


def plot_shares(shares: pd.DataFrame, conditions: Conditions) -> Figure:
    """Draw the predicted share of each option by method against the observed share and its interval.

    Parameters
    ----------
    shares
        A SHARES table.
    conditions
        The survey's conditions. Shown are those that learn from all training rows.
    """
    panels = {str(option): part for option, part in shares.groupby("option", sort=False)}
    figure = _panels(
        panels, reference_conditions(conditions), ("predicted", "predicted_low", "predicted_high")
    )
    for axes, part in zip(figure.axes, panels.values(), strict=True):
        row = part.iloc[0]
        axes.axvspan(row["observed_low"], row["observed_high"], color="#d9d9d9", zorder=0, linewidth=0)
        axes.axvline(row["observed"], color=INK, linewidth=0.9, zorder=1)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(as_percent)
    figure.axes[0].set_xlim(
        0, 1.05 * float(np.nanmax(shares[["predicted", "predicted_high", "observed_high"]]))
    )
    figure.supxlabel("Share of respondents, %", fontsize=8)
    return figure


def plot_subgroups(subgroups: pd.DataFrame, conditions: Conditions) -> Figure:
    """Draw macro F1 and the F1 of each option by method, side by side for the subgroups of the test respondents.

    Parameters
    ----------
    subgroups
        A SUBGROUPS table.
    conditions
        The survey's conditions. Shown is the first that learns from all training rows.
    """
    if subgroups.empty:
        return note_figure("No subgroups: this study's config names none.")
    first = reference_conditions(conditions)[0]
    wanted = subgroups[(subgroups["condition"] == first) & subgroups["metric"].isin(("macro_f1", "f1"))]
    # A subgroup stands where a condition stands in the other figures: filled, open.
    wanted = wanted.assign(condition=wanted["subgroup"])
    return _f1_panels(wanted, list(wanted["subgroup"].unique()))


def _f1_panels(wanted: pd.DataFrame, conditions: Sequence[str]) -> Figure:
    panels = {"Macro F1": wanted[wanted["option"].isna()]}
    for option in wanted["option"].dropna().unique():
        panels[f"F1, {option}"] = wanted[wanted["option"] == option]
    figure = _panels(panels, conditions, ("value", "ci_low", "ci_high"))
    figure.axes[0].set_xlim(0, 1)
    figure.axes[0].set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    return figure


def _panels(
    panels: dict[str, pd.DataFrame], conditions: Sequence[str], columns: tuple[str, str, str]
) -> Figure:
    first = next(iter(panels.values()))
    shown = [name for name in conditions if name in set(first["condition"])]
    present = set(first.loc[first["condition"].isin(shown), "method"])
    looks = method_looks(list(first["method"].unique()))
    methods = {method: looks[method] for method in sorted(looks, key=is_baseline) if method in present}
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
