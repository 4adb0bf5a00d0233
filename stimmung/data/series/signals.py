"""Aggregate any other daily or weekly series to the panel's weeks: published estimates, search volumes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pandas as pd

from stimmung.data.series.series_files import days_of, numbers_of, read_series_file
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.weeks import Weeks


def read_signal(
    path: Path,
    *,
    name: str,
    day: str,
    columns: Mapping[str, str],
    frequency: Literal["daily", "weekly"],
    aggregate: Literal["mean", "sum"],
    weeks: Weeks,
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
        How the days of a week become one value.

    Raises
    ------
    InputError
        If the file is absent or unreadable, lacks a column, a cell is not a day or a number, or a weekly file has two rows
        for a week.
    """
    table = read_series_file(path, [day, *columns.values()])
    columns = dict(columns) or {column: column for column in table.columns if column != day}
    days = days_of(table, day, path)
    labels = [weeks.label_of_posts(one) if frequency == "daily" else weeks.label_of(one) for one in days]
    parts = [
        pd.DataFrame({"week": labels, "option": option, "value": numbers_of(table, column, path)})
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
    return weekly.astype({"n": float})[["week", "signal", "option", "value", "n"]]
