"""The reliability of each answer option's probability, as predicted and calibrated."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stimmung.evaluation.votes.calibration import N_BINS, bin_option_reliability
from stimmung.report.style import (
    FAINT,
    add_legend_beside,
    is_baseline,
    looks_of_present,
    method_label,
    panel_figure,
)
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.vocabulary.votes_schemas import OPTION_RELIABILITY

PANELS_IN_A_ROW = 4


def plot_option_reliability(tables: SurveyTables) -> Figure:
    """Draw how many chose an option over its probability: a panel for each option, or, of two options, for each method.

    Baselines are drawn only where no language model ran.
    """
    bins = shown_bins(tables)
    looks = looks_of_present(bins, tables.subjects)
    options = bins["option"].unique()
    by = "option" if len(options) > 1 else "method"
    panels = {str(name): part for name, part in bins.groupby(by, sort=False)}
    figure, grid = panel_figure(len(panels), PANELS_IN_A_ROW, 2.1, 0.2)
    for axes, (name, part) in zip(grid, panels.items(), strict=True):
        axes.set_title(name if by == "option" else method_label(name))
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle="--")
        for method in part["method"].unique():
            _draw(axes, part[part["method"] == method], method, *looks[method])
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_aspect("equal")
        axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
    if by == "option":
        add_legend_beside(figure, grid[0])
    figure.supxlabel(f"Probability of {'the option' if by == 'option' else options[0]}", fontsize=8)
    figure.supylabel("Share who chose it", fontsize=8)
    return figure


def shown_bins(tables: SurveyTables) -> pd.DataFrame:
    """Return the bins of language models under the first condition that trains on all rows; of baselines if there are no others."""
    bins = tables["option_reliability"]
    bins = bins[bins["condition"] == tables.references[0]]
    models = bins[[not is_baseline(method) for method in bins["method"]]]
    return bins if models.empty else models


def _draw(axes: Axes, bins: pd.DataFrame, method: str, colour: str, marker: str) -> None:
    before, after = (bins[bins["stage"] == stage] for stage in ("before", "after"))
    axes.plot(before["probability"], before["share"], color=colour, linewidth=0.8, linestyle=":", alpha=0.8)
    axes.vlines(after["probability"], after["share_low"], after["share_high"], color=colour, linewidth=0.8)
    label = method_label(method)
    axes.plot(
        after["probability"],
        after["share"],
        color=colour,
        marker=marker,
        linewidth=0.8,
        label=label,
        clip_on=False,
    )


def caption(tables: SurveyTables) -> str:
    """Return what is to be seen, and what calibrated the probabilities."""
    gain = tables["calibration"]
    methods = set(shown_bins(tables)["method"])
    chosen = gain[(gain["condition"] == tables.references[0]) & gain["method"].isin(methods)]
    return (
        f"Share of the respondents who chose an option over its probability, in {N_BINS} bins of equal width, all test folds "
        f"together (condition {tables.references[0]}). On the dashed line, of those with a probability of .8 there are 80 in 100 who "
        "chose the option. Dotted: as predicted; marks: calibrated. Whiskers: Wilson's 95 % interval. "
        f"Calibrated by: {'; '.join(chosen['calibrated_on'].unique())}."
    )


RESULT = SurveyResult(
    schema=OPTION_RELIABILITY,
    compute=lambda survey: bin_option_reliability(
        survey.predictions, survey.scaled, weighted=survey.weighted
    ),
    figure=plot_option_reliability,
    title="Calibration by answer option",
    caption=caption,
)
