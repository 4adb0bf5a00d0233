"""Correlations within named parts of the panel: whether a relation holds before, during and after something."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stimmung.report.moods.correlations import RAW, correlated, correlation_groups
from stimmung.report.panel_results import PanelData, PanelResult, PanelTables
from stimmung.report.series_panels import of_option, panel_grid
from stimmung.report.style import FAINT, label_rows, method_label, method_looks, note_figure
from stimmung.report.table_rows import models_in_order
from stimmung.report.tables import Group, Table
from stimmung.vocabulary.moods_schemas import PERIODS
from stimmung.vocabulary.parquet_tables import empty_table


def correlate_periods(panel: PanelData) -> pd.DataFrame:
    """Return the PERIODS table: for each period the correlations of its weeks, those of posts and survey alike."""
    parts = []
    for period, weeks in panel.periods.items():
        series = panel.tracked[panel.tracked["week"].isin(weeks)]
        if len(series):
            survey = panel.survey.assign(share=panel.survey["share"].where(panel.survey["week"].isin(weeks)))
            parts.append(correlated(panel, series, survey).assign(period=period))
    return pd.concat(parts, ignore_index=True)[list(PERIODS.columns)] if parts else empty_table(PERIODS)


def periods_table(tables: PanelTables) -> Table:
    """Return correlations at lag 0 in each period: a row for each option, a column for each series."""
    here = tables["periods"][tables["periods"]["lag_weeks"] == 0]
    groups = []
    for period, part in here.groupby("period", sort=False):
        for group in correlation_groups(part, tables.rolling_weeks, models_in_order(here)):
            groups.append(Group(f"{period}, {group.heading}", group.rows))
    caption = (
        "Correlation with the survey at lag 0 within each period, of its weeks only; columns as in the table of all weeks. "
        "Periods were named beforehand or they are an exploration: no p allows for the number of periods."
    )
    return Table(caption, ["Option", *map(method_label, models_in_order(here))], groups)


def plot_periods(tables: PanelTables) -> Figure:
    """Draw, for each option, the correlation of the raw series in each period with its interval, a mark for each series."""
    here = tables["periods"][tables["periods"]["lag_weeks"] == 0]
    if here.empty:
        return note_figure("No periods: the panel's config names none.")
    looks, periods = method_looks(models_in_order(here)), list(here["period"].unique())
    asked = {
        str(question): list(part["option"].unique())
        for question, part in here.groupby("question", sort=False)
    }
    figure, panels = panel_grid(asked, 0.5 + 0.12 * len(looks) * len(periods))
    for (question, option), axes in panels.items():
        axes.axvline(0, color=FAINT, linewidth=0.6)
        for place, (model, (colour, marker)) in enumerate(looks.items()):
            rows = (
                of_option(here[here["model"] == model], question, option).set_index("period").reindex(periods)
            )
            y = [nth + (place - (len(looks) - 1) / 2) * 0.8 / len(looks) for nth in range(len(periods))]
            axes.hlines(y, rows["ci_low_raw"], rows["ci_high_raw"], color=colour, linewidth=1)
            axes.plot(rows["r_raw"], y, marker, color=colour, markersize=3)
        axes.set_xlim(-1.05, 1.05)
        label_rows(axes, periods, margin=0.6)
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=3, label=method_label(model))
        for model, (colour, marker) in looks.items()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=4)
    figure.supxlabel("Correlation of the raw series with the survey, lag 0", fontsize=8)
    return figure


RESULT = PanelResult(
    schema=PERIODS,
    compute=correlate_periods,
    table=periods_table,
    figure=plot_periods,
    title="By period",
    caption=(
        "Correlation of each raw series with the survey within each period, at lag 0, with its 95 % interval. A period "
        "has few weeks: intervals are wide."
    ),
    folded=lambda tables: {
        group.heading for group in periods_table(tables).groups if not group.heading.endswith(f": {RAW}")
    },
)
