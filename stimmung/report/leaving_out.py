"""The figure of systematic non-response: what happens when a group is left out of the training rows."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from stimmung.report.changes import SHOWN, draw_changes, looks_of_present, name_methods
from stimmung.report.style import WIDTH_INCHES, note_figure


def plot_left_out(changes: pd.DataFrame, methods: Sequence[str]) -> Figure:
    """Draw the change of each option's F1 and predicted share where a group of respondents is left out.

    Parameters
    ----------
    changes
        What ``stimmung.evaluation.votes.comparisons.compare_conditions`` returns.
    methods
        All methods of the survey, so that each looks here as it does in the other figures.
    """
    if changes.empty:
        return note_figure(
            "Nothing to compare: this study has no condition that leaves respondents out of training."
        )
    conditions = changes[["condition", "reference"]].drop_duplicates()
    looks = looks_of_present(changes, methods)
    options = changes.loc[changes["metric"] == "f1", "option"].unique()
    height = 0.5 + len(options) * (0.1 + 0.1 * len(looks))
    figure = Figure(figsize=(WIDTH_INCHES, len(conditions) * height))
    grid = figure.subplots(len(conditions), len(SHOWN), sharex="col", sharey=True, squeeze=False)
    for pair, names in zip(grid, conditions.itertuples(), strict=True):
        part = changes[changes["condition"] == names.condition]
        labels = dict(zip(options, options, strict=True))
        draw_changes(pair, part, looks, "option", labels, f"\n{names.condition} − {names.reference}")
    name_methods(figure, grid[0, 0])
    return figure
