"""The best lag of each series, confirmed on weeks that it was not found on."""

import logging

import pandas as pd

from stimmung.evaluation.series.confirmation import TooFewWeeksError, confirm_lags
from stimmung.evaluation.series.weekly_series import in_order_asked
from stimmung.report.panel_results import PanelData, PanelResult, PanelTables
from stimmung.report.style import is_baseline, method_label
from stimmung.report.table_rows import models_in_order
from stimmung.report.tables import Cell, Group, Table, number, p_value
from stimmung.vocabulary.moods_schemas import CONFIRMATIONS
from stimmung.vocabulary.parquet_tables import empty_table

logger = logging.getLogger(__name__)


def confirm(panel: PanelData) -> pd.DataFrame:
    """Return the CONFIRMATIONS table of all series that have enough weeks to be split."""
    parts = []
    for _, series in panel.tracked.groupby(["model", "question"]):
        try:
            parts.append(confirm_lags(series, panel.survey, max_lag_weeks=panel.max_lag_weeks))
        except TooFewWeeksError as error:
            logger.warning("%s", error.what)
    filled = [part for part in parts if not part.empty]
    table = pd.concat(filled, ignore_index=True) if filled else empty_table(CONFIRMATIONS)
    return in_order_asked(table, panel.questions)


def confirmations_table(tables: PanelTables) -> Table:
    """Return the lags found on the first half of the weeks and tested on the second: grouped by series."""
    groups, confirmations = [], tables["confirmations"]
    for model in models_in_order(confirmations):
        for question, part in confirmations[confirmations["model"] == model].groupby("question", sort=False):
            rows = [
                [
                    Cell(str(row["option"])),
                    Cell(number(row["lag_weeks"], 0)),
                    Cell(number(row["r_found"], 2), note=f"n {row['n_found']}"),
                    Cell(number(row["r_confirmed"], 2), note=f"n {row['n_confirmed']}"),
                    Cell(p_value(row["p_confirmed"])),
                    Cell(p_value(row["p_adjusted"])),
                ]
                for _, row in part.iterrows()
            ]
            groups.append(Group(_heading(question, model), rows))
    caption = (
        "The lag with the largest correlation of innovations on the first half of the weeks, and the correlation "
        "at that lag on the second half, on which it was not chosen. p: one test, one-sided in the direction "
        "found; adjusted for the false discovery rate over options. A lag above 0: the posts lead the survey."
    )
    columns = ["Option", "Lag in weeks", "r, first half", "r, second half", "p", "adjusted p"]
    return Table(caption, columns, groups)


def _heading(question: object, model: str) -> str:
    return f"{question}: {method_label(model)}"


def folded(tables: PanelTables) -> set[str]:
    """Return the headings of the groups that the report folds away beside a language model: of series that need none."""
    series = tables["confirmations"][["question", "model"]].drop_duplicates()
    pairs = zip(series["question"], series["model"], strict=True)
    return {_heading(question, model) for question, model in pairs if tables.subjects and is_baseline(model)}


RESULT = PanelResult(
    schema=CONFIRMATIONS, compute=confirm, table=confirmations_table, title="Lags confirmed", folded=folded
)
