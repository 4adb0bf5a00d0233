"""Published series: small csv and parquet files with a day in each row."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from stimmung.vocabulary.errors import InputError, did_you_mean

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_WORDED_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s+([A-Za-z]{3,9})\.?,?\s+(\d{4})")


def read_series_file(path: Path, needed: Sequence[str]) -> pd.DataFrame:
    """Read a .csv or .parquet file as text cells, empty where a value is missing.

    Raises
    ------
    InputError
        If the file is absent, unreadable, of an unknown kind or lacks a column.
    """
    if not path.is_file():
        raise InputError(f"no file at {path}", "It is a path from where snakemake is started.")
    try:
        if path.suffix.lower() == ".csv":
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        elif path.suffix.lower() == ".parquet":
            table = pd.read_parquet(path)
            table = table.astype(object).where(table.notna(), "").astype(str)
        else:
            raise InputError(f"{path} is neither .csv nor .parquet")
    except (pa.ArrowException, ValueError, OSError) as error:
        raise InputError(
            f"{path} is not a readable {path.suffix} file", f"It may be damaged. ({error})"
        ) from error
    table.columns = [str(name) for name in table.columns]
    absent = [f"'{name}'{did_you_mean(name, table.columns)}" for name in needed if name not in table]
    if absent:
        raise InputError(f"{path} has no column {', '.join(absent)}", f"It has: {', '.join(table.columns)}.")
    return table


def parse_day(cell: Any) -> date | None:
    """Return the day in a cell, or None: a date, '2019-06-27', also with a time, or '27th Jun 2019'."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = str(cell).strip()
    worded = _WORDED_DAY.fullmatch(text)
    try:
        if worded:
            return date(int(worded[3]), _MONTHS.index(worded[2][:3].lower()) + 1, int(worded[1]))
        return datetime.fromisoformat(text).date()
    except ValueError:
        return None


def parse_number(cell: Any) -> float | None:
    """Return the number in a cell, or None: .53, '0.53', '53%' (.53), '5,5' (5.5), '1,931' (1931).

    A comma before three digits separates thousands; any other is a decimal comma. '1,931%' could be either, and is None.
    """
    if isinstance(cell, int | float):
        return float(cell)
    text = str(cell).strip()
    percent = text.endswith("%")
    text = text.removesuffix("%").rstrip()
    if _THOUSANDS.fullmatch(text):
        text = "" if percent else text.replace(",", "")
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        return float(text) / (100 if percent else 1)
    except ValueError:
        return None


def days_of(table: pd.DataFrame, column: str, path: Path) -> list[date]:
    """Return the days of a column.

    Raises
    ------
    InputError
        If a cell is not a day, with the number of its row.
    """
    days = [parse_day(cell) for cell in table[column]]
    bad = [row for row, day in enumerate(days, start=1) if day is None]
    if bad:
        raise InputError(
            f"{path}: no day in column '{column}' of {_rows(bad)}",
            "Write days as 2019-06-27 or 27th Jun 2019.",
        )
    return [day for day in days if day is not None]


def numbers_of(table: pd.DataFrame, column: str, path: Path) -> list[float | None]:
    """Return the numbers of a column, None where a cell is empty.

    Raises
    ------
    InputError
        If a cell is neither empty nor a number, with the number of its row.
    """
    cells = [str(cell).strip() for cell in table[column]]
    numbers = [parse_number(cell) for cell in cells]
    pairs = zip(cells, numbers, strict=True)
    bad = [row for row, (cell, number) in enumerate(pairs, start=1) if cell and number is None]
    if bad:
        raise InputError(f"{path}: no number in column '{column}' of {_rows(bad)}")
    return numbers


def _rows(rows: Sequence[int]) -> str:
    return f"row {rows[0]}" + (f" and {len(rows) - 1} more" if len(rows) > 1 else "")
