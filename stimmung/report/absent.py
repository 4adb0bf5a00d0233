"""The figure of EQ2a: what a method loses of the party whose voters were absent from the training rows."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from stimmung.report.changes import SHOWN, draw_changes, looks_of_present, name_methods
from stimmung.report.style import WIDTH_INCHES, note_figure


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
    labels = {str(one.condition): f"{one.option}\n{one.condition}" for one in conditions.itertuples()}
    looks = looks_of_present(absent, methods)
    figure = Figure(figsize=(WIDTH_INCHES, 0.8 + len(labels) * (0.2 + 0.1 * len(looks))))
    pair = figure.subplots(1, len(SHOWN), sharey=True, squeeze=False)[0]
    draw_changes(pair, absent, looks, "condition", labels)
    name_methods(figure, pair[0])
    return figure
