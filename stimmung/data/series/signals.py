"""Aggregate any other daily or weekly series to the panel's weeks: published estimates, search volumes."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from stimmung.data.series.series_files import read_series_file
from stimmung.vocabulary.errors import InputError, warn
from stimmung.vocabulary.weeks import DAYS_IN_WEEK, Weeks

logger = logging.getLogger(__name__)


def read_signal(
    path: Path,
    *,
    name: str,
    day: str,
    columns: Mapping[str, str],
    frequency: Literal["daily", "weekly"],
    aggregate: Literal["mean", "sum"],
    weeks: Weeks,
    sheet: str | None = None,
) -> pd.DataFrame:
    """Read a file with a row for each day or week into a weekly series for each answer option.

    Returns columns week, signal, option, value, n (days or weeks behind the value); sorted by option and week. Rows outside the
    panel's weeks are kept, for correlations at a lag.

    Parameters
    ----------
    day
        The column of the day, or of any day of the week.
    columns
        Answer option to column. Empty: every column but ``day`` is the option of its own name.
    frequency
        daily: a day counts for the week whose posts are of that day (``shift_days`` applies). weekly: a row counts for the
        label on or before its day, as a survey wave does.
    aggregate
        How the days of a week become one value. A week with fewer than seven days, as the first and last may be, has the value of
        those it has; the column n says how many. A sum over fewer days would be too small, so with ``sum`` such a week is left
        out, and this is said.
    sheet
        The sheet of an Excel file; None is the first.

    Raises
    ------
    InputError
        If the file is absent or unreadable, lacks a column, a cell is not a day or a number, or a weekly file has two rows
        for a week.
    """
    file = read_series_file(path, [day, *columns.values()], sheet)
    columns = dict(columns) or {column: column for column in file.cells.columns if column != day}
    days = file.days(day)
    labels = [weeks.label_of_posts(one) if frequency == "daily" else weeks.label_of(one) for one in days]
    parts = [
        pd.DataFrame({"week": labels, "option": option, "value": file.numbers(column)})
        for option, column in columns.items()
    ]
    if not parts:
        raise InputError(
            f"{path} has no column but '{day}'",
            "It needs a column for each answer option; see the signal's `columns`.",
        )
    values = pd.concat(parts, ignore_index=True).dropna(subset="value").astype({"value": float})
    if values.empty:
        raise InputError(f"{path} has no numbers")
    twice = values.duplicated(["week", "option"])
    if frequency == "weekly" and twice.any():
        raise InputError(
            f"{path}: two rows for the week {values.loc[twice, 'week'].iloc[0]}",
            "If the rows are days, say `frequency: daily`.",
        )
    weekly = values.groupby(["option", "week"], sort=True)["value"].agg([aggregate, "size"]).reset_index()
    weekly = weekly.rename(columns={aggregate: "value", "size": "n"}).assign(signal=name)
    if frequency == "daily" and aggregate == "sum":
        weekly = _whole_weeks(weekly, path)
    return weekly.astype({"n": float})[["week", "signal", "option", "value", "n"]]


def _whole_weeks(weekly: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Return the weeks that have a row for each day; more rows than days, as for regions, are summed."""
    partial = weekly["n"] < DAYS_IN_WEEK
    if partial.all():
        raise InputError(
            f"{path}: no week has {DAYS_IN_WEEK} days to be summed",
            "If the rows are weeks, say `frequency: weekly`.",
        )
    if partial.any():
        warn(
            logger,
            f"{path}: {int(partial.sum())} of {len(weekly)} sums are left out, because their weeks have fewer than "
            f"{DAYS_IN_WEEK} days, the first {weekly.loc[partial, 'week'].min()}",
        )
    return weekly[~partial].reset_index(drop=True)
