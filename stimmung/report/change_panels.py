"""Figures of changes between conditions: F1 and predicted share side by side, with a mark for each method."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stimmung.report.style import INK, as_percent, language_models_first, method_label, method_looks

SHOWN = {"f1": "Change of F1", "predicted_share": "Change of predicted share, points"}


def looks_of_present(changes: pd.DataFrame, methods: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return colour and marker of the methods that have changes, language models first.

    ``methods`` are all of the survey, so that each looks as in the other figures.
    """
    looks, present = method_looks(methods), set(changes["method"])
    return {method: looks[method] for method in language_models_first(methods) if method in present}


def draw_changes(
    pair: Sequence[Axes],
    changes: pd.DataFrame,
    looks: Mapping[str, tuple[str, str]],
    key: str,
    labels: Mapping[str, str],
    suffix: str = "",
) -> None:
    """Draw changes and their intervals side by side, each metric of ``SHOWN`` on its own axes.

    Parameters
    ----------
    pair
        The axes, one for each metric.
    changes
        Columns metric, method, difference, ci_low, ci_high and ``key``.
    looks
        Colour and marker of each method.
    key
        The column whose values are the rows of the figure.
    labels
        The label of each row, from top to bottom.
    suffix
        Follows the titles.
    """
    for axes, (metric, title) in zip(pair, SHOWN.items(), strict=True):
        _draw(axes, changes[changes["metric"] == metric], looks, key, labels)
        axes.set_title(title + suffix)
    pair[1].xaxis.set_major_formatter(as_percent)


def name_methods(figure: Figure, axes: Axes) -> None:
    """Put the legend of the methods drawn on ``axes`` beside the figure."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")


def _draw(
    axes: Axes,
    changes: pd.DataFrame,
    looks: Mapping[str, tuple[str, str]],
    key: str,
    labels: Mapping[str, str],
) -> None:
    axes.axvline(0, color=INK, linewidth=0.8)
    for place, (method, (colour, marker)) in enumerate(looks.items()):
        rows = changes[changes["method"] == method].set_index(key).reindex(list(labels))
        y = [nth + (place - (len(looks) - 1) / 2) * 0.8 / len(looks) for nth in range(len(labels))]
        axes.hlines(y, rows["ci_low"], rows["ci_high"], color=colour, linewidth=1)
        axes.plot(rows["difference"], y, marker, color=colour, label=method_label(method), markersize=3.5)
    axes.set_yticks(range(len(labels)), list(labels.values()))
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
