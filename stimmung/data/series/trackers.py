"""Read a weekly or daily survey into a series for each answer option."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from stimmung.data.series.series_files import (
    SeriesFile,
    parse_day,
    parse_number,
    read_series_file,
    sheet_rows,
)
from stimmung.vocabulary.errors import InputError, did_you_mean, warn
from stimmung.vocabulary.weeks import Weeks

logger = logging.getLogger(__name__)

# Rows of a YouGov sheet with the number of respondents.
YOUGOV_BASES = ("Unweighted base", "Base")
# Answers outside the list that respondents are shown.
YOUGOV_RESIDUAL = ("Other", "Don't know")
PER_CENT = "Write per cent with the sign, 53% or 5.5%, or say `unit: percent`."
Unit = Literal["share", "percent"]


def read_yougov(path: Path, sheet: str | None = None, unit: Unit = "share") -> pd.DataFrame:
    """Read one sheet of a tracker as downloaded from YouGov's site.

    The first row has the question and the days of the waves ('27th Jun 2019'), each further row an answer option and its
    shares ('53%'), the last rows the number of respondents. A sheet is a group of respondents, e.g. 'All adults'; None is the
    first sheet. Returns columns day, option, share (0 to 1), n (unweighted respondents of the group). 'Other' and "Don't know" are
    left out. With the ``unit`` percent, numbers without the sign are per cent.

    Raises
    ------
    InputError
        If the file or the sheet is absent or has another layout.
    """
    rows = sheet_rows(path, sheet)
    where = f"{path}, sheet '{sheet}'" if sheet else str(path)
    days = [parse_day(cell) for cell in rows[0][1:]]
    if not days or None in days:
        place = days.index(None) + 2 if days else 2
        raise InputError(
            f"{where}: the first row has no day in column {place}",
            "The header of a wave looks like '27th Jun 2019'.",
        )
    n_of = dict.fromkeys(days, float("nan"))
    for base in reversed(YOUGOV_BASES):
        counts = next((row[1:] for row in rows[1:] if row[0] == base), ())
        numbers = zip(days, map(parse_number, counts), strict=False)
        n_of |= {day: n for day, n in numbers if n is not None}
    answers = [row for row in rows[1:] if row[0] and row[0] not in (*YOUGOV_BASES, *YOUGOV_RESIDUAL)]
    waves, unread = [], []
    for option, *cells in answers:
        for day, cell in zip(days, cells, strict=True):
            share = _share(cell, parse_number(cell), unit)
            waves.append((day, str(option).strip(), share, n_of[day]))
            # A cell without a digit, such as '-', is empty.
            if share is None and re.search(r"\d", str(cell)):
                unread.append(day)
    if unread:
        raise InputError(f"{where}: {len(unread)} shares are not numbers, the first on {unread[0]}", PER_CENT)
    return _checked(pd.DataFrame(waves, columns=["day", "option", "share", "n"]), where)


def read_tidy(
    path: Path,
    question: str | None = None,
    *,
    day: str = "week",
    sheet: str | None = None,
    unit: Unit = "share",
) -> pd.DataFrame:
    """Read a table with a row for each wave and option: the columns ``day``, option, share, and perhaps n and question.

    A week is given by any of its days; a share lies between 0 and 1 or ends in %; with the ``unit`` percent, numbers without
    the sign are per cent. Only rows with the value ``question`` in the column of that name are read; None: the file is about one
    question. Returns columns day, option, share, n; n is NaN where the file does not give it.

    Raises
    ------
    InputError
        If the file is absent or unreadable, lacks a column, or a cell is not a day or a share.
    """
    file = read_series_file(path, [day, "option", "share", *(["question"] if question else [])], sheet)
    if question:
        asked = dict.fromkeys(file.column("question"))
        file = file.rows_where("question", question)
        if file.cells.empty:
            raise InputError(
                f"{path} has no question '{question}'{did_you_mean(question, asked)}",
                f"It has: {', '.join(map(str, asked))}.",
            )
    waves = {
        "day": file.days(day),
        "option": [str(option).strip() for option in file.column("option")],
        "share": _shares(file, "share", unit),
        "n": _respondents(file),
    }
    return _checked(pd.DataFrame(waves), str(path))


def read_wide(
    path: Path,
    columns: Mapping[str, str],
    *,
    day: str = "week",
    sheet: str | None = None,
    unit: Unit = "share",
) -> pd.DataFrame:
    """Read a table with a row for each wave and a column for each answer option, and perhaps n.

    ``columns`` is each option's column, which is also the option's name in the result; see ``read_tidy`` for the rest.
    """
    file = read_series_file(path, [day, *columns.values()], sheet)
    days, n = file.days(day), _respondents(file)
    parts = [
        pd.DataFrame({"day": days, "option": column, "share": _shares(file, column, unit), "n": n})
        for column in columns.values()
    ]
    return _checked(pd.concat(parts, ignore_index=True), str(path))


def days_to_weeks(waves: pd.DataFrame, weeks: Weeks, where: str) -> pd.DataFrame:
    """Return a daily survey by week: the mean of the days' shares, weighted by their respondents n where all days have them.

    A day belongs to the label on or before it, as waves do. The result has a row for each week and option, with the label as its
    day and n the sum of the days'. That a week has fewer than seven days is said.
    """
    table = waves.assign(week=[weeks.label_of(day) for day in waves["day"]])
    by = ["option", "week"]
    twice = table.duplicated(["option", "day"])
    if twice.any():
        raise InputError(
            f"{where}: two rows of '{table.loc[twice, 'option'].iloc[0]}' on {table.loc[twice, 'day'].iloc[0]}",
            "A daily tracker has one row for each day and option.",
        )
    sized = table["n"].notna() & (table["n"] > 0)
    weight = table["n"].where(sized.groupby([table[one] for one in by]).transform("all"), 1.0)
    sums = table.assign(weight=weight, weighted=weight * table["share"]).groupby(by)
    found = sums.agg(weighted=("weighted", "sum"), weight=("weight", "sum"), n_days=("day", "size"))
    found["n"] = sums["n"].agg(lambda n: n.sum(min_count=len(n)))
    inside = found[found.index.get_level_values("week").isin(weeks.labels())]
    if len(partial := inside[inside["n_days"] < 7]):
        first = partial.index.get_level_values("week").min()
        warn(
            logger,
            f"{where}: {len(partial)} of {len(inside)} weekly shares are means of fewer than seven days, the first "
            f"{first}",
        )
    found = found.assign(share=found["weighted"] / found["weight"]).reset_index()
    found["day"] = pd.to_datetime(found["week"]).dt.date
    return found[["day", "option", "share", "n"]]


def tracker_table(
    waves: pd.DataFrame,
    question: str,
    options: Sequence[str],
    weeks: Weeks,
    where: str,
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Return the waves of one question as a tracker table, with the answer options in the study's words.

    Waves outside the declared weeks are kept, for correlations at a lag. A wave belongs to the label on or before its day.
    ``columns`` is what the file calls an option, where that is not the option itself; case does not matter. ``where`` names the
    file in messages. Returns columns week, question, option, share, n; sorted by week and by the order of the options.

    Raises
    ------
    InputError
        If an option is absent or its share is constant, two waves fall into one week, or none into the panel's weeks.
    """
    called = {option: (columns or {}).get(option, option) for option in options}
    known = {option.casefold(): option for option in waves["option"].unique()}
    if absent := [name for name in called.values() if name.casefold() not in known]:
        named = ", ".join(f"'{option}'{did_you_mean(option, known.values())}" for option in absent)
        raise InputError(
            f"{where} has no answers {named}",
            f"It has: {', '.join(known.values())}. A tracker's `columns` says what the file calls an option.",
        )
    ours = {known[name.casefold()]: option for option, name in called.items()}
    if len(ours) < len(called):
        raise InputError(
            f"{where}: two options have the same answers of the tracker", "See the tracker's `columns`."
        )
    table = waves[waves["option"].isin(ours)]
    table = table.assign(
        week=[weeks.label_of(day) for day in table["day"]],
        question=question,
        option=pd.Categorical(table["option"].map(ours), list(options)),
    ).sort_values(["week", "option"], ignore_index=True)
    twice = table.loc[table.duplicated(["week", "option"]), "week"].unique()
    if len(twice):
        raise InputError(
            f"{where}: two waves in the week {twice[0]}",
            "A week begins on the `anchor` day; see `weeks`. If each day has a row, say `frequency: daily`.",
        )
    _require_meeting(set(table["week"]), weeks, where)
    _require_change(table, where)
    return table.astype({"option": str, "share": float, "n": float})[
        ["week", "question", "option", "share", "n"]
    ]


def _require_meeting(present: set[str], weeks: Weeks, where: str) -> None:
    labels = weeks.labels()
    absent = [label for label in labels if label not in present]
    if len(absent) == len(labels):
        raise InputError(
            f"{where}: no wave falls into the panel's weeks {labels[0]} to {labels[-1]}",
            f"The waves run from {min(present)} to {max(present)}.",
        )
    if absent:
        some = ", ".join(absent[:5])
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        warn(logger, f"{where}: {len(absent)} of {len(labels)} weeks have no wave: {some}{more}")


def _require_change(table: pd.DataFrame, where: str) -> None:
    """Raise, before anything is trained, if a series of several waves is constant."""
    by_option = table.groupby("option", observed=True)["share"]
    frozen = by_option.nunique().eq(1) & by_option.size().gt(1)
    if frozen.any():
        names = ", ".join(f"'{option}'" for option in frozen.index[frozen])
        raise InputError(
            f"{where}: the same share in all weeks for {names}",
            "A constant series has no correlation. Leave the option out, or check the file.",
        )


def _share(cell: object, number: float | None, unit: Unit) -> float | None:
    """Return a number as a share: per cent without the sign are divided by 100."""
    plain = unit == "percent" and not str(cell).strip().endswith("%")
    return number / 100 if plain and number is not None else number


def _shares(file: SeriesFile, column: str, unit: Unit) -> list[float | None]:
    pairs = zip(file.column(column), file.numbers(column), strict=True)
    return [_share(cell, number, unit) for cell, number in pairs]


def _respondents(file: SeriesFile) -> Sequence[float | None]:
    return file.numbers("n") if "n" in file.cells else [np.nan] * len(file.cells)


def _checked(waves: pd.DataFrame, where: str) -> pd.DataFrame:
    waves = waves.astype({"share": float}).dropna(subset="share").reset_index(drop=True)
    beyond = waves[(waves["share"] < 0) | (waves["share"] > 1)]
    if len(beyond):
        raise InputError(
            f"{where}: {len(beyond)} shares are not between 0 and 1, the first on {beyond['day'].iloc[0]}",
            PER_CENT,
        )
    if waves.empty:
        raise InputError(f"{where} has no shares")
    return waves
