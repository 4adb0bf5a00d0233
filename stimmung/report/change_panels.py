"""Figures of changes between conditions: F1 and predicted share side by side, with a mark for each method."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from stimmung.report.style import INK, as_percent, label_rows, method_label

SHOWN = {"f1": "Change of F1", "predicted_share": "Change of predicted share, points"}


def draw_changes(
    pair: Sequence[Axes],
    changes: pd.DataFrame,
    looks: Mapping[str, tuple[str, str]],
    key: str,
    labels: Mapping[str, str],
    suffix: str = "",
) -> None:
    """Draw changes and their intervals side by side, each metric of ``SHOWN`` on its own axes.

    ``changes`` has columns metric, method, difference, ci_low, ci_high and ``key``, whose values are the rows of the figure;
    ``labels`` names these from top to bottom. ``looks`` are each method's colour and marker, and ``suffix`` follows the titles.
    """
    for axes, (metric, title) in zip(pair, SHOWN.items(), strict=True):
        axes.axvline(0, color=INK, linewidth=0.8)
        for place, (method, (colour, marker)) in enumerate(looks.items()):
            chosen = (changes["metric"] == metric) & (changes["method"] == method)
            rows = changes[chosen].set_index(key).reindex(list(labels))
            y = [nth + (place - (len(looks) - 1) / 2) * 0.8 / len(looks) for nth in range(len(labels))]
            axes.hlines(y, rows["ci_low"], rows["ci_high"], color=colour, linewidth=1)
            axes.plot(rows["difference"], y, marker, color=colour, label=method_label(method), markersize=3.5)
        label_rows(axes, list(labels.values()), margin=0.5)
        axes.set_title(title + suffix)
    pair[1].xaxis.set_major_formatter(as_percent)
