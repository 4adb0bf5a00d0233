"""How far the predicted shares of groups are from the observed ones."""

import pandas as pd
from matplotlib.figure import Figure

from stimmung.baselines.group_baselines import MEAN_OF_OTHERS
from stimmung.evaluation.votes.group_distances import DISTANCES, compare_groups
from stimmung.report.group_results import GroupResult, GroupTables
from stimmung.report.option_panels import plot_option_panels
from stimmung.report.style import INK, language_models_first, method_label
from stimmung.report.tables import Cell, Group, Row, Table, interval, number
from stimmung.vocabulary.group_schemas import ALL_ITEMS, DISTRIBUTIONS

_IN_WORDS = {ALL_ITEMS: "All items"}
_OF_WHAT_LEARNS = "Those of methods that learn, and of differences from one, are longer: folds learn from groups that they share."


def distances_table(tables: GroupTables) -> Table:
    """Return a row for each method, grouped by item, with each distance and its difference from the mean of the other groups."""
    table = tables["distributions"]
    shown = [name for name in DISTANCES if (table["metric"] == name).any()]
    groups = []
    for item, part in table.groupby("item", sort=False):
        by_method = {str(name): own.set_index("metric") for name, own in part.groupby("method", sort=False)}
        first = next(iter(by_method.values()))
        noise = [_noise(first, name) for name in shown]
        rows = [[Cell("sampling noise"), *(cell for pair in noise for cell in pair)]]
        for method in language_models_first(by_method):
            cells = [cell for name in shown for cell in _distance(by_method[method], name)]
            rows.append([Cell(method_label(method)), *cells])
        heading = f"{_IN_WORDS.get(str(item), str(item))}, {part['n_groups'].max()} groups"
        groups.append(Group(heading, rows))
    columns = ["Method"]
    for name in shown:
        columns += [f"{DISTANCES[name].label} ↓", f"− {method_label(MEAN_OF_OTHERS)}"]
    caption = (
        "Distance of the predicted from the observed shares, mean over groups, each counting once, with 95 % intervals over groups. "
        f"{_OF_WHAT_LEARNS} Jensen–Shannon: the distance (square root of the divergence), base 2. Total variation: half the sum of "
        "the absolute differences. Wasserstein: of ordered items only, by the numbers of a numeric item, else in equal steps, the "
        "whole scale being 1. Beside each the difference from the mean of the other groups, in the same groups. Sampling noise: "
        "what a perfect prediction would have, drawn from the observed shares with each group's effective number of respondents."
    )
    return Table(caption, columns, groups)


def _noise(part: pd.DataFrame, metric: str) -> list[Cell]:
    return [Cell(number(part["sampling_noise"][metric])) if metric in part.index else Cell(""), Cell("")]


def _distance(part: pd.DataFrame, metric: str) -> list[Cell]:
    if metric not in part.index:
        return [Cell(""), Cell("")]
    row: Row = part[part.index == metric].iloc[0]
    compared = interval(row["difference_low"], row["difference_high"])
    return [
        Cell(number(row["value"]), interval(row["ci_low"], row["ci_high"])),
        Cell(number(row["difference"]), compared),
    ]


def plot_distances(tables: GroupTables) -> Figure:
    """Draw each distance of all items by method, with its interval, and the sampling noise as a line."""
    table = tables["distributions"]
    every = table[table["item"] == ALL_ITEMS].assign(condition="")
    panels = {
        DISTANCES[name].label: every[every["metric"] == name]
        for name in DISTANCES
        if (every["metric"] == name).any()
    }
    figure = plot_option_panels(panels, [""], ("value", "ci_low", "ci_high"))
    for axes, part in zip(figure.axes, panels.values(), strict=True):
        axes.axvline(part["sampling_noise"].iloc[0], color=INK, linewidth=0.9, linestyle=":", zorder=1)
    figure.axes[0].set_xlim(left=0)
    figure.supxlabel("Distance from the observed shares", fontsize=8)
    return figure


RESULT = GroupResult(
    schema=DISTRIBUTIONS,
    compute=lambda data: compare_groups(
        data.predictions, data.shares, data.option_values, MEAN_OF_OTHERS, data.seed
    ),
    table=distances_table,
    figure=plot_distances,
    title="Predicted and observed shares",
    caption=(
        "Distance of the predicted from the observed shares of a group's answers, mean over items and groups. Whiskers: 95 % "
        f"interval over groups. {_OF_WHAT_LEARNS} Dotted: what a perfect prediction would have, because the observed shares are of "
        "samples."
    ),
)
