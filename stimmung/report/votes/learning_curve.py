"""Sample efficiency: how good each method is with a share of the training respondents."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from stimmung.evaluation.votes.condition_roles import Conditions, learning_curves, share_of
from stimmung.report.style import (
    WIDTH_INCHES,
    add_legend_beside,
    is_baseline,
    method_label,
    method_looks,
    note_figure,
)
from stimmung.report.survey_results import WHISKERS, SurveyResult, SurveyTables

SHOWN = {"macro_f1": "Macro F1", "log_loss": "Log-loss (nats)"}


def plot_learning_curve(tables: SurveyTables) -> Figure:
    """Draw macro F1 and log-loss over the number of training respondents, with the interval over folds.

    A method that sees no training rows is a dotted line. Conditions that differ in more than the share have
    a row of panels of their own.
    """
    metrics, curves = tables["metrics"], learning_curves(tables.conditions)
    if not curves:
        return note_figure(
            "No learning curve: this study has no condition that trains on a share of the respondents."
        )
    figure = Figure(figsize=(WIDTH_INCHES, 2.7 * len(curves)))
    grid = figure.subplots(len(curves), len(SHOWN), squeeze=False)
    for row, names in zip(grid, curves, strict=True):
        for axes, (metric, title) in zip(row, SHOWN.items(), strict=True):
            part = metrics[metrics["metric"] == metric]
            _draw(axes, part, names, _untrained(part, tables.conditions, names[-1]))
            _share_ticks(axes, part, names, tables.conditions)
            axes.set_title(title if len(curves) == 1 else f"{title}, {names[-1]}")
    add_legend_beside(figure, grid[0, 0])
    return figure


def _untrained(metrics: pd.DataFrame, conditions: Conditions, last: str) -> dict[str, float]:
    """Return the values of methods that see no training rows, under any condition with the prompts of the curve's ``last``."""
    items = [set(one.get("drop_items") or []) for one in (*conditions.values(), conditions[last])]
    same = [name for name, dropped in zip(conditions, items, strict=False) if dropped == items[-1]]
    rows = metrics[metrics["condition"].isin(same) & (metrics["n_training"] == 0)]
    return dict(zip(rows["method"], rows["value"], strict=True))


def _draw(axes: Axes, metrics: pd.DataFrame, names: Sequence[str], untrained: dict[str, float]) -> None:
    looks = method_looks(list(metrics["method"].unique()))
    for place, (method, (colour, marker)) in enumerate(looks.items()):
        label = method_label(method)
        if method in untrained:
            axes.axhline(untrained[method], color=colour, linestyle=":", label=label)
            continue
        rows = metrics[metrics["method"] == method].set_index("condition")
        curve = rows.loc[[name for name in names if name in rows.index]]
        if curve.empty:
            continue
        # Methods stand side by side, so that no whisker hides another.
        x = curve["n_training"] * 1.025 ** (place - (len(looks) - 1) / 2)
        axes.vlines(x, curve["ci_low"], curve["ci_high"], color=colour, linewidth=0.8)
        width, order = (0.8, 2) if is_baseline(method) else (1.6, 3)
        axes.plot(x, curve["value"], color=colour, marker=marker, linewidth=width, zorder=order, label=label)


def _share_ticks(axes: Axes, metrics: pd.DataFrame, names: Sequence[str], conditions: Conditions) -> None:
    n_training = metrics[metrics["n_training"] > 0].groupby("condition")["n_training"].first()
    found = [name for name in names if name in n_training.index]
    labels = [f"{n_training[name]:.0f}\n{100 * share_of(conditions[name]):g} %" for name in found]
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks([n_training[name] for name in found], labels)
    axes.set_xlabel("Training respondents in a fold")


RESULT = SurveyResult(
    figure=plot_learning_curve,
    title="Learning from fewer respondents",
    caption=(
        "Macro F1 and log-loss over the number of training respondents in a fold (logarithmic). Dotted: a model that sees "
        f"no training rows. {WHISKERS} With few training rows they are too long rather than too short."
    ),
    shown=lambda tables: bool(learning_curves(tables.conditions)),
)
