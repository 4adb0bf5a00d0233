"""What a method loses of the answer option whose voters are absent from the training rows."""

import numpy as np
from matplotlib.figure import Figure

from stimmung.evaluation.votes.absent_options import compare_absent
from stimmung.evaluation.votes.condition_roles import without_answers
from stimmung.report.change_panels import SHOWN, draw_changes
from stimmung.report.style import (
    WIDTH_INCHES,
    add_legend_beside,
    language_models_first,
    looks_of_present,
    method_label,
    note_figure,
)
from stimmung.report.survey_results import INTERVAL, WHISKERS, SurveyResult, SurveyTables
from stimmung.report.tables import DASH, Cell, Group, Row, Table, interval, number, p_value, percentage
from stimmung.vocabulary.votes_schemas import ABSENT

COLUMNS = [
    *("Method", "F1, all", "F1, absent", "Change", "Against the best baseline"),
    *("Share, all", "Share, absent", "Change, points"),
]


def absent_table(tables: SurveyTables) -> Table:
    """Return F1 and predicted share of the absent option, with and without its voters: a row for each method."""
    groups = []
    for (condition, option), part in tables["absent"].groupby(["condition", "option"], sort=False):
        rows = []
        for method in language_models_first(part["method"].unique()):
            own = {row["metric"]: row for _, row in part[part["method"] == method].iterrows()}
            f1, share = own["f1"], own["predicted_share"]
            change = interval(f1["ci_low"], f1["ci_high"])
            rows.append(
                [
                    Cell(method_label(method)),
                    Cell(number(f1["before"])),
                    Cell(number(f1["after"])),
                    Cell(number(f1["difference"]), change, _p(f1["p_adjusted"])),
                    _advantage(f1),
                    Cell(number(100 * share["before"], 1)),
                    Cell(number(100 * share["after"], 1)),
                    percentage(share, "difference", note=_p(share["p_adjusted"])),
                ]
            )
        groups.append(Group(f"{condition}: {option}", rows))
    caption = (
        "The answer option whose voters are absent from the training rows: its F1 and its predicted share in per cent with all "
        "training rows and without them, and the change; and the F1 without them minus that of the baseline with the highest. "
        f"{INTERVAL} p from the corrected resampled t-test, adjusted by Holm's method over methods and conditions."
    )
    return Table(caption, COLUMNS, groups)


def _p(value: float) -> str:
    return "" if np.isnan(value) else f"p {p_value(value)}"


def _advantage(row: Row) -> Cell:
    if not row["baseline"]:
        return Cell(DASH)
    note = f"{method_label(row['baseline'])}, {_p(row['advantage_p_adjusted'])}".rstrip(", ")
    return Cell(number(row["advantage"]), interval(row["advantage_low"], row["advantage_high"]), note)


def plot_absent(tables: SurveyTables) -> Figure:
    """Draw the change of the absent option's F1 and predicted share: a row for each condition, a mark for each method."""
    absent = tables["absent"]
    if absent.empty:
        return note_figure(
            "No absent party: this study has no condition that excludes respondents by an answer."
        )
    conditions = absent[["condition", "option"]].drop_duplicates()
    labels = {str(one.condition): f"{one.option}\n{one.condition}" for one in conditions.itertuples()}
    looks = looks_of_present(absent, tables.subjects)
    figure = Figure(figsize=(WIDTH_INCHES, 0.8 + len(labels) * (0.2 + 0.1 * len(looks))))
    pair = figure.subplots(1, len(SHOWN), sharey=True, squeeze=False)[0]
    draw_changes(pair, absent, looks, "condition", labels)
    add_legend_beside(figure, pair[0])
    return figure


RESULT = SurveyResult(
    schema=ABSENT,
    compute=lambda survey: compare_absent(
        survey.predictions, survey.splits, survey.folds, without_answers(survey.conditions)
    ),
    table=absent_table,
    figure=plot_absent,
    title="The absent party",
    caption=(
        "Change of F1 and of the predicted share, in percentage points, for the answer option whose voters are absent from "
        f"the training rows, paired by fold. {WHISKERS}"
    ),
)
