"""Predicted shares of the answer options against observed ones."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stimmung.evaluation.estimates.observed_shares import drawn_shares
from stimmung.evaluation.votes.predicted_shares import compare_shares
from stimmung.report.option_panels import plot_option_panels
from stimmung.report.style import INK, as_percent, language_models_first, method_label
from stimmung.report.survey_results import WHISKERS, SurveyResult, SurveyTables
from stimmung.report.tables import DASH, Cell, Group, Row, Table, number, percentage
from stimmung.vocabulary.votes_schemas import SHARES


def shares_table(tables: SurveyTables) -> Table:
    """Return observed and predicted shares in per cent: a row for each method, grouped by condition."""
    shares = tables["shares"]
    options = list(shares["option"].unique())
    groups = []
    for condition, part in shares.groupby("condition", sort=False):
        by_method = {str(name): own.set_index("option") for name, own in part.groupby("method", sort=False)}
        first = next(iter(by_method.values()))
        rows = [[Cell("observed"), *(_share(first.loc[name], "observed") for name in options), Cell(DASH)]]
        for method in language_models_first(by_method):
            own = by_method[method]
            distance = (own["predicted"] - own["observed"]).abs().sum() / 2
            cells = [_share(own.loc[name], "predicted") for name in options]
            rows.append([Cell(method_label(method)), *cells, Cell(number(100 * distance, 1))])
        groups.append(Group(str(condition), rows))
    caption = (
        "Shares of the answer options in per cent: observed, weighted, with Wilson's 95 % interval for the effective sample "
        "size; predicted, the weighted mean probability, with the 95 % interval over folds. Total variation: half the sum "
        "of the absolute differences, over all respondents together."
    )
    return Table(caption, ["Method", *options, "Total variation"], groups)


def _share(row: Row, kind: str) -> Cell:
    return percentage(row, kind, f"{kind}_low", f"{kind}_high")


def plot_shares(tables: SurveyTables) -> Figure:
    """Draw the predicted share of each option by method against the observed share and its interval."""
    shares = tables["shares"]
    panels = {str(option): part for option, part in shares.groupby("option", sort=False)}
    figure = plot_option_panels(panels, tables.references, ("predicted", "predicted_low", "predicted_high"))
    for axes, part in zip(figure.axes, panels.values(), strict=True):
        row = part[part["condition"] == tables.references[0]].iloc[0]
        axes.axvspan(row["observed_low"], row["observed_high"], color="#d9d9d9", zorder=0, linewidth=0)
        axes.axvline(row["observed"], color=INK, linewidth=0.9, zorder=1)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(as_percent)
    largest = float(np.nanmax(shares[["predicted", "predicted_high", "observed_high"]]))
    figure.axes[0].set_xlim(0, 1.05 * largest)
    figure.supxlabel("Share of respondents, %", fontsize=8)
    return figure


RESULT = SurveyResult(
    schema=SHARES,
    compute=lambda survey: survey.by_part(
        lambda part: compare_shares(
            part.predictions, part.folds, drawn_shares(part.predictions, part.respondents)
        )
    ),
    table=shares_table,
    figure=plot_shares,
    title="Shares",
    caption=lambda tables: (
        "Predicted share of each answer option (mean probability, weighted) against the observed share (line) with Wilson's "
        f"95 % interval for the effective sample size (band). {tables.filling}{WHISKERS}"
    ),
)
