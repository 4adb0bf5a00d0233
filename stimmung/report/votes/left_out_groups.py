"""Systematic non-response: what happens when a group of respondents is left out of the training rows."""

import pandera.pandas as pa
from matplotlib.figure import Figure

from stimmung.evaluation.votes.comparisons import compare_conditions
from stimmung.evaluation.votes.condition_roles import left_out
from stimmung.report.change_panels import SHOWN, draw_changes
from stimmung.report.style import WIDTH_INCHES, add_legend_beside, looks_of_present, note_figure
from stimmung.report.survey_results import INTERVAL, WHISKERS, SurveyResult, SurveyTables
from stimmung.report.table_rows import rows_of
from stimmung.report.tables import Cell, Group, Row, Table, estimate, percentage

# What each column means: stimmung.evaluation.votes.comparisons.compare_conditions.
LEFT_OUT = pa.DataFrameSchema(
    {
        **{name: pa.Column(str) for name in ("method", "condition", "reference", "metric", "option")},
        **{name: pa.Column(float, nullable=True) for name in ("difference", "ci_low", "ci_high")},
    },
    unique=["method", "condition", "metric", "option"],
    strict=True,
    coerce=True,  # without rows, no column has a type
    name="left out",
)


def left_out_table(tables: SurveyTables) -> Table:
    """Return what leaving out a group changes of F1, and of predicted shares: a row for each method, grouped by condition."""
    changes = tables["left_out"]
    options = ["", *(name for name in changes["option"].unique() if name)]
    groups = []
    for (condition, reference), part in changes.groupby(["condition", "reference"], sort=False):
        for title, wanted in (("F1", ("macro_f1", "f1")), ("predicted share, points", ("predicted_share",))):
            rows = rows_of(part[part["metric"].isin(wanted)], "method", "option", options, _change)
            groups.append(Group(f"{condition} − {reference}: {title}", rows))
    caption = (
        "Change of F1, and of predicted shares in percentage points, when a group is left out of the training rows. "
        f"{INTERVAL}"
    )
    return Table(caption, ["Method", "Macro F1", *options[1:]], groups)


def _change(row: Row) -> Cell:
    return (percentage if row["metric"] == "predicted_share" else estimate)(row, "difference")


def plot_left_out(tables: SurveyTables) -> Figure:
    """Draw the change of each option's F1 and predicted share where a group of respondents is left out."""
    changes = tables["left_out"]
    if changes.empty:
        return note_figure(
            "Nothing to compare: this study has no condition that leaves respondents out of training."
        )
    conditions = changes[["condition", "reference"]].drop_duplicates()
    looks = looks_of_present(changes, tables.subjects)
    options = changes.loc[changes["metric"] == "f1", "option"].unique()
    height = 0.5 + len(options) * (0.1 + 0.1 * len(looks))
    figure = Figure(figsize=(WIDTH_INCHES, len(conditions) * height))
    grid = figure.subplots(len(conditions), len(SHOWN), sharex="col", sharey=True, squeeze=False)
    for pair, names in zip(grid, conditions.itertuples(), strict=True):
        part = changes[changes["condition"] == names.condition]
        labels = dict(zip(options, options, strict=True))
        draw_changes(pair, part, looks, "option", labels, f"\n{names.condition} − {names.reference}")
    add_legend_beside(figure, grid[0, 0])
    return figure


RESULT = SurveyResult(
    schema=LEFT_OUT,
    compute=lambda survey: compare_conditions(survey.folds, left_out(survey.conditions)),
    table=left_out_table,
    figure=plot_left_out,
    title="Leaving respondents out",
    text=(
        "A group of respondents is left out of the training rows, as in systematic non-response, and present in the test folds. "
        "What a method then loses, and whom it overlooks, is the change against the same method trained on everybody."
    ),
    caption=(
        "Change of each answer option's F1, and of its predicted share in percentage points, when a group is left out of the "
        "training rows, paired by fold. A model that sees no training rows does not change. "
        f"{WHISKERS}"
    ),
)
