"""How well the votes of subgroups of the test respondents are predicted."""

from matplotlib.figure import Figure

from stimmung.evaluation.votes.subgroup_metrics import measure_subgroups
from stimmung.report.option_panels import plot_f1_panels
from stimmung.report.style import note_figure
from stimmung.report.survey_results import INTERVAL, WHISKERS, SurveyResult, SurveyTables
from stimmung.report.table_rows import table_by_method
from stimmung.report.tables import Table
from stimmung.vocabulary.votes_schemas import SUBGROUPS


def subgroups_table(tables: SurveyTables) -> Table:
    """Return macro F1, the F1 of each option and accuracy of each subgroup, under the conditions of :func:`shown_conditions`."""
    subgroups, references = tables["subgroup_metrics"], shown_conditions(tables)
    shown = subgroups[
        subgroups["condition"].isin(references) & subgroups["metric"].isin(("macro_f1", "f1", "accuracy"))
    ]
    # One condition after the other, so that its subgroups stand together.
    shown = shown.sort_values("condition", key=lambda names: names.map(references.index), kind="stable")
    n = shown.groupby(["condition", "subgroup"])["n_respondents"].transform("max")
    named = shown.assign(
        column=shown["option"].where(shown["metric"] == "f1", shown["metric"]),
        heading=shown["condition"] + ", " + shown["subgroup"] + " (" + n.astype(str) + " respondents)",
    )
    labels = {"macro_f1": "Macro F1", "accuracy": "Accuracy"}
    columns = labels | {name: name for name in named["column"].unique() if name not in labels}
    caption = (
        f"F1 by answer option and accuracy of subgroups of the test respondents, mean over folds. {INTERVAL}"
    )
    return table_by_method(named, "column", columns, caption, by="heading")


def plot_subgroups(tables: SurveyTables) -> Figure:
    """Draw macro F1 and the F1 of each option by method, subgroups side by side, under the first of :func:`shown_conditions`."""
    subgroups = tables["subgroup_metrics"]
    if subgroups.empty:
        return note_figure("No subgroups: this study's config names none.")
    wanted = subgroups[subgroups["condition"] == shown_conditions(tables)[0]]
    # A subgroup takes the place that a condition has in the other figures: filled, open.
    wanted = wanted.assign(condition=wanted["subgroup"])
    return plot_f1_panels(wanted, list(wanted["subgroup"].unique()))


def shown_conditions(tables: SurveyTables) -> list[str]:
    """Return the conditions that train on all rows; where these test nobody of a subgroup, those that do."""
    tested = list(tables["subgroup_metrics"]["condition"].unique())
    return [name for name in tables.references if name in tested] or tested


def caption(tables: SurveyTables) -> str:
    """Return what is to be seen in the figure."""
    subgroups, condition = tables["subgroup_metrics"], shown_conditions(tables)[0]
    first, *others = subgroups["subgroup"][subgroups["condition"] == condition].unique()
    filling = f"Filled: {first}" + (f"; open: {', '.join(others)}" if others else "")
    return (
        "F1 of subgroups of the test respondents; all are trained on together (condition "
        f"{condition}). {filling}. {WHISKERS}"
    )


RESULT = SurveyResult(
    schema=SUBGROUPS,
    compute=lambda survey: measure_subgroups(
        survey.predictions,
        survey.splits,
        survey.respondents,
        survey.subgroups,
        survey.weighted,
        survey.option_values,
    ),
    table=subgroups_table,
    figure=plot_subgroups,
    title="Subgroups of respondents",
    caption=caption,
)
