"""Shares of the answer options with absent answers imputed by each method, beside those of the respondents who are left."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stimmung.evaluation.estimates.share_estimates import ALL_ANSWERS, estimate_shares
from stimmung.report.option_panels import plot_option_panels
from stimmung.report.style import INK, as_percent, method_label, note_figure
from stimmung.report.survey_results import SurveyResult, SurveyTables
from stimmung.report.tables import DASH, Cell, Group, Row, Table, number, percentage
from stimmung.vocabulary.votes_schemas import ESTIMATES

NOT_PROPER = {"seeds": "seeds alone", "none": "one model"}


def estimates_table(tables: SurveyTables) -> Table:
    """Return pooled shares in per cent: a row for each method, grouped by condition and option."""
    groups = []
    for (condition, option), part in tables["estimates"].groupby(["condition", "option"], sort=False):
        groups.append(Group(f"{condition}, {option}", [_row(row) for _, row in part.iterrows()]))
    caption = (
        "Weighted shares in per cent with absent answers imputed, pooled by Rubin's rules with the degrees of freedom of Barnard "
        "and Rubin (1999); Wilson's 95 % interval for multiply imputed data (Lott and Reiter 2020). All answers: of everybody who "
        "answered, those whom the condition hides included; complete cases: of those whom it leaves. SE in percentage points. "
        "Information: fraction of missing information. Imputed by seeds alone, or by one model: its own uncertainty is left out, "
        "and the interval is too narrow."
    )
    return Table(caption, ["Method", "Share", "SE", "df", "Information", "Imputed"], groups)


def _row(row: Row) -> list[Cell]:
    imputed = f"{row['n_imputed']} of {row['n_respondents']}"
    note = NOT_PROPER.get(str(row["uncertainty"]), "") if row["n_imputations"] else ""
    return [
        Cell(method_label(str(row["method"]))),
        percentage(row, "estimate"),
        Cell(number(100 * row["std_error"], 2)),
        Cell(number(row["df"], 0)),
        Cell(number(row["missing_information"], 2)),
        Cell(imputed if row["n_imputations"] else DASH, note=note),
    ]


def plot_estimates(tables: SurveyTables) -> Figure:
    """Draw the pooled share of each option by method, for the condition that has most to impute, against all answers."""
    estimates = tables["estimates"]
    if estimates.empty:
        return note_figure("No imputed shares: this study imputes no answers.")
    condition = most_imputed(estimates)
    shown = estimates[estimates["condition"] == condition]
    panels = {
        str(option): part[part["method"] != ALL_ANSWERS]
        for option, part in shown.groupby("option", sort=False)
    }
    figure = plot_option_panels(panels, [condition], ("estimate", "ci_low", "ci_high"))
    for axes, option in zip(figure.axes, panels, strict=True):
        row = shown[(shown["method"] == ALL_ANSWERS) & (shown["option"] == option)].iloc[0]
        axes.axvspan(row["ci_low"], row["ci_high"], color="#d9d9d9", zorder=0, linewidth=0)
        axes.axvline(row["estimate"], color=INK, linewidth=0.9, zorder=1)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(as_percent)
    figure.axes[0].set_xlim(0, 1.05 * float(np.nanmax(shown["ci_high"])))
    figure.supxlabel("Share of respondents, %", fontsize=8)
    return figure


def most_imputed(estimates: pd.DataFrame) -> str:
    """Return the condition under which most answers are imputed."""
    return str(estimates["condition"].iloc[int(estimates["n_imputed"].argmax())])


def _caption(tables: SurveyTables) -> str:
    estimates = tables["estimates"]
    condition = (
        "" if estimates.empty else f" under the condition {most_imputed(estimates)}, which hides most answers"
    )
    return (
        f"Weighted share of each answer option{condition}: absent answers imputed by each method, or their respondents left out "
        "(complete cases). Line: of all answers, and band its 95 % interval. Whiskers: 95 % interval by Rubin's rules."
    )


RESULT = SurveyResult(
    schema=ESTIMATES,
    compute=lambda survey: estimate_shares(survey.draws, survey.respondents, survey.answers, survey.splits),
    table=estimates_table,
    figure=plot_estimates,
    title="Imputed shares",
    text=(
        "What the survey's shares are once absent answers are imputed: those of respondents who did not answer, and of those whom "
        "a condition takes out of training. Where answers are hidden by a condition, the shares of all answers are the truth that "
        "a good imputation comes near to."
    ),
    caption=_caption,
)
