"""The figure of correlation by lag: which leads, the posts or the survey, and what survives prewhitening."""

import textwrap
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stimmung.report.panel_results import PanelResult, PanelTables
from stimmung.report.series_panels import (
    arm_colours,
    of_option,
    panel_grid,
    weeks_in_words,
    weeks_without_estimate,
)
from stimmung.report.style import FAINT, GREYS, INK, MARKERS, PALETTE, is_baseline, method_label, note_figure

SIGNIFICANT = 0.05
AS_PUBLISHED: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (3, 1.5))}
LINE_CHARACTERS, LINE_INCHES = 110, 0.15  # of a footnote across the figure


def plot_lags(tables: PanelTables) -> Figure:
    """Draw, for each option, the correlation with the survey at each lag, as published and of innovations."""
    ccf, missing = tables["ccf"], weeks_without_estimate(tables)
    if ccf.empty:
        return note_figure("No correlations: there is no survey of these weeks.")
    asked = set(ccf["question"])
    tracked = {question: options for question, options in tables.questions.items() if question in asked}
    figure, panels = panel_grid(tracked, 1.45)
    models = list(ccf["model"].unique())
    colours = arm_colours(models)
    others = [model for model in models if is_baseline(model)]
    for (question, option), axes in panels.items():
        axes.axhline(0, color=FAINT, linewidth=0.6)
        axes.axvline(0, color=FAINT, linewidth=0.6)
        here = of_option(ccf, question, option)
        for place, model in enumerate(others):
            part = here[here["model"] == model]
            axes.plot(part["lag_weeks"], part["r_prewhitened"], **_grey(place))
        for model, colour in colours.items():
            _draw_arm(axes, here[here["model"] == model], colour)
        axes.set_ylim(-1.05, 1.05)
        axes.set_yticks([-1, -0.5, 0, 0.5, 1], ["−1", "−.5", "0", ".5", "1"])
    footnote = f"Without estimate, and left out: {weeks_in_words(missing)}" if missing else ""
    axis = "Lag in weeks; above 0 the posts lead the survey"
    lines = textwrap.wrap(footnote, LINE_CHARACTERS)
    figure.set_figheight(figure.get_figheight() + LINE_INCHES * len(lines[1:]))
    figure.supxlabel("\n".join([axis, *lines]), fontsize=8)
    figure.supylabel("Correlation", fontsize=8)
    figure.legend(handles=_keys(colours, others), loc="outside upper left", ncols=3)
    return figure


def _draw_arm(axes: Axes, part: pd.DataFrame, colour: str) -> None:
    lags = part["lag_weeks"].to_numpy()
    low, high = (part[f"ci_{side}_prewhitened"].to_numpy(float) for side in ("low", "high"))
    axes.fill_between(lags, low, high, color=colour, alpha=0.2, linewidth=0)
    axes.plot(lags, part["r"], color=colour, **AS_PUBLISHED)
    axes.plot(lags, part["r_prewhitened"], color=colour)
    sure = part[part["p_family"] <= SIGNIFICANT]
    # Without points, an unclipped line has no place and breaks the layout.
    if len(sure):
        axes.plot(sure["lag_weeks"], sure["r_prewhitened"], "o", color=colour, clip_on=False)


def _keys(colours: dict[str, str], others: Sequence[str]) -> list[Line2D | Patch]:
    keys: list[Line2D | Patch] = []
    for model, colour in colours.items():
        keys.append(Line2D([], [], color=colour, label=f"{model}, innovations"))
        keys.append(Line2D([], [], color=colour, label=f"{model}, as published", **AS_PUBLISHED))
    keys.append(Patch(color=PALETTE[0], alpha=0.2, linewidth=0, label="95 % interval"))
    keys.append(Line2D([], [], color=INK, marker="o", linestyle="", label="family-wise p ≤ .05"))
    for place, model in enumerate(others):
        keys.append(Line2D([], [], label=f"{method_label(model)}, innovations", **_grey(place)))
    return keys


def _grey(place: int) -> dict[str, Any]:
    """Return how the series of a place among those without a language model looks."""
    marker = MARKERS[(place + 1) % len(MARKERS)]
    return {"color": GREYS[place % len(GREYS)], "linewidth": 0.7, "marker": marker, "markersize": 2}


RESULT = PanelResult(
    figure=plot_lags,
    title="Correlation by lag",
    caption=(
        "Correlation with the survey by lag; above 0 the posts lead. Dashed: as published, of smoothed series: neighbouring "
        "lags are alike because smoothed weeks are. Solid, with the 95 % interval: of innovations. Dots: family-wise p at most "
        ".05, against the best of all options and lags. Grey: series that need no language model."
    ),
    shown=lambda tables: not tables["ccf"].empty,
)
