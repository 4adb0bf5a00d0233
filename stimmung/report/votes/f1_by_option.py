"""The F1 of each answer option, and its mean, macro F1."""

import pandas as pd

from stimmung.report.option_panels import plot_f1_panels
from stimmung.report.registry import VOTES
from stimmung.report.result import Result
from stimmung.report.survey_results import (
    COLOURS,
    INTERVAL,
    WHISKERS,
    SurveyData,
    SurveyTables,
    table_by_method,
)
from stimmung.report.tables import Table


def f1_table(metrics: pd.DataFrame) -> Table:
    """Return macro F1 and the F1 of each option: a row for each method, grouped by condition."""
    named = f1_rows(metrics).fillna({"option": "Macro F1"})
    columns = ["Macro F1", *(name for name in named["option"].unique() if name != "Macro F1")]
    caption = f"F1 by answer option, mean over folds. {INTERVAL}"
    return table_by_method(named, "option", dict(zip(columns, columns, strict=True)), caption)


def f1_rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a METRICS table that are an F1."""
    return metrics[metrics["metric"].isin(("f1", "macro_f1"))]


RESULT = Result[SurveyData, SurveyTables](
    VOTES["f1_by_option"],
    table=lambda tables: f1_table(tables["metrics"]),
    rows=lambda tables: f1_rows(tables["metrics"]),
    figure=lambda tables: plot_f1_panels(tables["metrics"], tables.references),
    title="F1 by answer option",
    caption=lambda tables: (
        f"F1 of each answer option and its mean, macro F1, by method. {tables.filling}{COLOURS} {WHISKERS}"
    ),
    alt=lambda tables: f"F1 by answer option for {tables.methods_in_words}; the table below has the numbers.",
    folded=lambda tables: tables.other_conditions,
)
