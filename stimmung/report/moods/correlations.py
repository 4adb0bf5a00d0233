"""Correlations of all weekly series with the survey, at every lag; the table shows lag 0."""

from collections.abc import Callable, Sequence

import pandas as pd

from stimmung.evaluation.series.cross_correlation import cross_correlate_series
from stimmung.evaluation.series.weekly_series import in_order_asked
from stimmung.report.panel_results import PanelData, PanelResult, PanelTables
from stimmung.report.style import method_label
from stimmung.report.table_rows import models_in_order, rows_of
from stimmung.report.tables import DASH, Cell, Group, Row, Table, interval, number, p_value
from stimmung.vocabulary.moods_schemas import CCF
from stimmung.vocabulary.parquet_tables import empty_table

RAW, CHANGES = "raw series", "changes from week to week"


def correlate(panel: PanelData) -> pd.DataFrame:
    """Return the CCF table; no rows for a panel without a survey."""
    if panel.tracked.empty:
        return empty_table(CCF)
    return correlated(panel, panel.tracked, panel.survey)


def correlated(panel: PanelData, series: pd.DataFrame, survey: pd.DataFrame) -> pd.DataFrame:
    """Return the CCF table of some series and a survey, as the panel's config wants it."""
    table = cross_correlate_series(
        series,
        survey,
        max_lag_weeks=panel.max_lag_weeks,
        rolling_weeks=panel.rolling_weeks,
        n_simulations=panel.n_simulations,
        seed=panel.seed,
    )
    return in_order_asked(table, panel.questions)


def correlations_table(tables: PanelTables) -> Table:
    """Return correlations at lag 0, of four kinds for each question: a row for each option, a column for each series."""
    here = tables["ccf"][tables["ccf"]["lag_weeks"] == 0]
    models = models_in_order(here)
    caption = (
        "Correlation of each weekly series with the survey at lag 0. As published: of smoothed series, with a "
        "naive p that takes their n weeks for independent. Raw series: with p for the effective number of weeks, "
        "which is eff. of n. Innovations: of prewhitened series; p holds its level under autocorrelation; adj.: adjusted for the "
        "false discovery rate over all options and lags; fam.: against the best of all options and lags. Changes: of "
        "first differences, with p for their effective number, and the detrended coefficient of the raw series. In brackets 95 % "
        "intervals, which allow for heavy tails and for autocorrelation that is left, as p does not."
    )
    groups = correlation_groups(here, tables.rolling_weeks, models)
    return Table(caption, ["Option", *map(method_label, models)], groups)


def correlation_groups(ccf: pd.DataFrame, rolling_weeks: int, models: Sequence[str]) -> list[Group]:
    """Return the four groups of each question from the rows of a CCF table at one lag."""
    groups = []
    for question, part in ccf.groupby("question", sort=False):
        for title, cell in (
            (f"as published (means of {rolling_weeks} weeks)", _published),
            (RAW, _raw),
            ("innovations", _innovations),
            (CHANGES, _changes),
        ):
            groups.append(
                Group(f"{question}: {title}", rows_of(part, "option", "model", models, _unless_noted(cell)))
            )
    return groups


def _published(row: Row) -> Cell:
    return Cell(number(row["r"], 2), note=f"n {row['n']}, p {p_value(row['p'])}")


def _raw(row: Row) -> Cell:
    note = f"n {row['n_raw']}, eff. {number(row['n_effective_raw'], 0)}, p {p_value(row['p_raw'])}"
    return Cell(number(row["r_raw"], 2), interval(row["ci_low_raw"], row["ci_high_raw"], 2), note)


def _innovations(row: Row) -> Cell:
    span = interval(row["ci_low_prewhitened"], row["ci_high_prewhitened"], 2)
    allowed = f"adj. {p_value(row['p_adjusted'])}, fam. {p_value(row['p_family'])}"
    return Cell(number(row["r_prewhitened"], 2), span, f"p {p_value(row['p_prewhitened'])}, {allowed}")


def _changes(row: Row) -> Cell:
    note = f"p {p_value(row['p_differences'])}, detrended {number(row['r_detrended'], 2)}"
    return Cell(number(row["r_differences"], 2), note=note)


def _unless_noted(cell: Callable[[Row], Cell]) -> Callable[[Row], Cell]:
    """Return what makes a cell, or says why there is no number."""
    return lambda row: Cell(DASH, note=f"{row['note']}, n {row['n_raw']}") if row["note"] else cell(row)


def folded(tables: PanelTables) -> set[str]:
    """Return the headings of the groups that the report folds away: of changes from week to week."""
    return {f"{question}: {CHANGES}" for question in tables["ccf"]["question"].unique()}


RESULT = PanelResult(
    schema=CCF, compute=correlate, table=correlations_table, title="Correlations side by side", folded=folded
)
