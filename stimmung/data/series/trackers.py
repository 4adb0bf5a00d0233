"""Read a weekly survey into a series for each answer option."""

import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import openpyxl
import pandas as pd
from openpyxl.utils.exceptions import InvalidFileException

from stimmung.data.series.series_files import days_of, numbers_of, parse_day, parse_number, read_series_file
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.weeks import Weeks

logger = logging.getLogger(__name__)

# Rows of a YouGov sheet with the number of respondents.
YOUGOV_BASES = ("Unweighted base", "Base")
# Answers outside the list that respondents are shown.
YOUGOV_RESIDUAL = ("Other", "Don't know")
PER_CENT = "Write per cent with the sign: 53% or 5.5%."


def read_yougov(path: Path, sheet: str | None = None) -> pd.DataFrame:
    """Read one sheet of a tracker as downloaded from YouGov's site.

    The first row has the question and the days of the waves ('27th Jun 2019'), each further row an answer option and its
    shares ('53%'), the last rows the number of respondents. A sheet is a group of respondents, e.g. 'All adults'; None is the
    first sheet. Returns columns day, option, share (0 to 1), n (unweighted respondents of the group). 'Other' and "Don't know" are
    left out.

    Raises
    ------
    InputError
        If the file or the sheet is absent or has another layout.
    """
    rows = _sheet_rows(path, sheet)
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
            share = parse_number(cell)
            waves.append((day, str(option).strip(), share, n_of[day]))
            # A cell without a digit, such as '-', is empty.
            if share is None and re.search(r"\d", str(cell)):
                unread.append(day)
    if unread:
        raise InputError(f"{where}: {len(unread)} shares are not numbers, the first on {unread[0]}", PER_CENT)
    return _checked(pd.DataFrame(waves, columns=["day", "option", "share", "n"]), where)


def read_tidy(path: Path, question: str | None = None) -> pd.DataFrame:
    """Read a .csv or .parquet tracker with the columns week, option, share, and perhaps n and question.

    A week is given by any of its days; a share lies between 0 and 1 or ends in %. Only rows with the value ``question`` in the
    column of that name are read; None: the file is about one question. Returns columns day, option, share, n; n is NaN where
    the file does not give it.

    Raises
    ------
    InputError
        If the file is absent or unreadable, lacks a column, or a cell is not a day or a share.
    """
    table = read_series_file(path, ["week", "option", "share", *(["question"] if question else [])])
    if question:
        asked = table["question"].unique()
        table = table[table["question"] == question].reset_index(drop=True)
        if table.empty:
            raise InputError(
                f"{path} has no question '{question}'{did_you_mean(question, asked)}",
                f"It has: {', '.join(asked)}.",
            )
    waves = pd.DataFrame(
        {
            "day": days_of(table, "week", path),
            "option": table["option"].str.strip(),
            "share": numbers_of(table, "share", path),
            "n": numbers_of(table, "n", path) if "n" in table else float("nan"),
        }
    )
    return _checked(waves, str(path))


def tracker_table(
    waves: pd.DataFrame, question: str, options: Sequence[str], weeks: Weeks, where: str
) -> pd.DataFrame:
    """Return the waves of one question as a tracker table, with the answer options in the study's words.

    Waves outside the declared weeks are kept, for correlations at a lag. A wave belongs to the label on or before its day.
    Options are matched without regard to case; ``where`` names the file in messages. Returns columns week, question, option,
    share, n; sorted by week and by the order of the options.

    Raises
    ------
    InputError
        If an option is absent or its share is constant, two waves fall into one week, or none into the panel's weeks.
    """
    known = {option.casefold(): option for option in waves["option"].unique()}
    if absent := [option for option in options if option.casefold() not in known]:
        named = ", ".join(f"'{option}'{did_you_mean(option, known.values())}" for option in absent)
        raise InputError(f"{where} has no answers {named}", f"It has: {', '.join(known.values())}.")
    ours = {known[option.casefold()]: option for option in options}
    table = waves[waves["option"].isin(ours)]
    table = table.assign(
        week=[weeks.label_of(day) for day in table["day"]],
        question=question,
        option=pd.Categorical(table["option"].map(ours), list(options)),
    ).sort_values(["week", "option"], ignore_index=True)
    twice = table.loc[table.duplicated(["week", "option"]), "week"].unique()
    if len(twice):
        raise InputError(
            f"{where}: two waves in the week {twice[0]}", "A week begins on the `anchor` day; see `weeks`."
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
        logger.warning("%s: %d of %d weeks have no wave: %s", where, len(absent), len(labels), some)


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


def _sheet_rows(path: Path, sheet: str | None) -> list[tuple[Any, ...]]:
    if not path.is_file():
        raise InputError(
            f"no tracker at {path}", "A tracker's `file` is a path from where snakemake is started."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about styles
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        raise InputError(f"{path} is not a readable .xlsx file", "It may be damaged.") from error
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise InputError(
                f"{path} has no sheet '{sheet}'{did_you_mean(sheet, book.sheetnames)}",
                f"It has: {', '.join(book.sheetnames)}.",
            )
        page = book[sheet or book.sheetnames[0]]
        rows = [row for row in page.iter_rows(values_only=True) if any(cell is not None for cell in row)]
    finally:
        book.close()
    if not rows:
        raise InputError(f"{path}, sheet '{page.title}' is empty")
    width = max(place for place, cell in enumerate(rows[0], start=1) if cell is not None)
    return [(*row[:width], *[None] * (width - len(row))) for row in rows]


def _checked(waves: pd.DataFrame, where: str) -> pd.DataFrame:
    waves = waves.dropna(subset="share").reset_index(drop=True)
    beyond = waves[(waves["share"] < 0) | (waves["share"] > 1)]
    if len(beyond):
        raise InputError(
            f"{where}: {len(beyond)} shares are not between 0 and 1, the first on {beyond['day'].iloc[0]}",
            PER_CENT,
        )
    if waves.empty:
        raise InputError(f"{where} has no shares")
    return waves
