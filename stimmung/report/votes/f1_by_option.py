"""The F1 of each answer option, and its mean, macro F1."""

import pandas as pd

from stimmung.report.option_panels import plot_f1_panels
from stimmung.report.survey_results import INTERVAL, WHISKERS, SurveyResult, SurveyTables
from stimmung.report.table_rows import table_by_method
from stimmung.report.tables import Table


def f1_rows(tables: SurveyTables) -> pd.DataFrame:
    """Return the rows of the METRICS table that are an F1."""
    return tables["metrics"][tables["metrics"]["metric"].isin(("f1", "macro_f1"))]


def f1_table(tables: SurveyTables) -> Table:
    """Return macro F1 and the F1 of each option: a row for each method, grouped by condition."""
    named = f1_rows(tables).fillna({"option": "Macro F1"})
    columns = ["Macro F1", *(name for name in named["option"].unique() if name != "Macro F1")]
    caption = f"F1 by answer option, mean over folds. {INTERVAL}"
    return table_by_method(named, "option", {name: name for name in columns}, caption)


RESULT = SurveyResult(
    table=f1_table,
    rows=f1_rows,
    figure=lambda tables: plot_f1_panels(tables["metrics"], tables.references),
    title="F1 by answer option",
    caption=lambda tables: (
        f"F1 of each answer option and its mean, macro F1, by method. {tables.filling}{WHISKERS}"
    ),
)
