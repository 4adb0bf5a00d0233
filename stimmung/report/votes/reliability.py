"""The reliability diagram: whether a method that says .8 is right in 80 of 100 cases."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stimmung.evaluation.votes.calibration import N_BINS, bin_reliability
from stimmung.report.style import FAINT, looks_of_present, method_label, panel_figure
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.vocabulary.votes_schemas import RELIABILITY

PANELS_IN_A_ROW = 4


def plot_reliability(tables: SurveyTables) -> Figure:
    """Draw accuracy over confidence for each method under the first condition that trains on all rows."""
    reliability, metrics, condition = tables["reliability"], tables["metrics"], tables.references[0]
    bins = reliability[reliability["condition"] == condition]
    chosen = (metrics["condition"] == condition) & (metrics["metric"] == "expected_calibration_error")
    error_of = metrics[chosen].set_index("method")["value"]
    looks = looks_of_present(bins, list(reliability["method"].unique()))
    figure, grid = panel_figure(len(looks), PANELS_IN_A_ROW, 2.1, 0.2)
    for axes, (method, look) in zip(grid, looks.items(), strict=True):
        _draw(axes, bins[bins["method"] == method], *look)
        axes.set_title(method_label(method), pad=14)
        axes.text(0, 1.05, f"ECE {error_of[method]:.3f}", transform=axes.transAxes)
    figure.supxlabel("Probability of the chosen option", fontsize=8)
    figure.supylabel("Accuracy", fontsize=8)
    return figure


def _draw(axes: Axes, bins: pd.DataFrame, colour: str, marker: str) -> None:
    edges = np.linspace(0, 1, N_BINS + 1)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle="--")
    # How many predictions a bin holds, as a share of the panel's height.
    shares = bins["n"] / bins["n"].sum()
    axes.bar(
        edges[bins["bin"]], shares, width=1 / N_BINS, align="edge", color="#e0e0e0", zorder=0, linewidth=0
    )
    axes.vlines(bins["confidence"], bins["accuracy_low"], bins["accuracy_high"], color=colour, linewidth=1)
    axes.plot(bins["confidence"], bins["accuracy"], color=colour, marker=marker, linewidth=0.8, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])


RESULT = SurveyResult(
    schema=RELIABILITY,
    compute=lambda survey: bin_reliability(survey.predictions, weighted=survey.weighted),
    figure=plot_reliability,
    title="Calibration",
    caption=lambda tables: (
        f"Accuracy over the probability of the chosen option, in {N_BINS} bins of equal width, all test folds together "
        f"(condition {tables.references[0]}). On the dashed line, a probability of .8 is right in 80 of 100 cases; above it, a "
        "method is underconfident, below it, overconfident. Whiskers: Wilson's 95 % interval. Grey bars: share of the "
        "predictions in a bin. ECE: expected calibration error, mean over folds."
    ),
)
