"""Published series: small csv, Excel and parquet files with a day in each row."""

import csv
import logging
import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import openpyxl
import pandas as pd
import pyarrow as pa
from openpyxl.utils.exceptions import InvalidFileException

from stimmung.data.excel_formulas import check_formulas_have_values
from stimmung.data.series.delimited_text import decoded_text, separator_of
from stimmung.vocabulary.errors import InputError, did_you_mean, warn

logger = logging.getLogger(__name__)

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_WORDED_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\s+([A-Za-z]{3,9})\.?,?\s+(\d{4})")
_DOTTED_DAY = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")  # never month first
_ONE_COMMA = re.compile(r"[+-]?\d+,\d+\s*%?")
_EITHER = re.compile(
    r"[+-]?[1-9]\d{0,2},\d{3}\s*%?"
)  # 1,931: a decimal comma, or one that separates thousands
_MISSING = ("", "NA")  # an empty cell and R's
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SUFFIXES = (*TEXT_SUFFIXES, ".xlsx", ".parquet")


@dataclass(frozen=True)
class SeriesFile:
    """A file of series: its cells by column, as text or as a program wrote them, empty where a value is missing."""

    path: Path
    cells: pd.DataFrame
    # Whether numbers are written with a comma: semicolons separate the columns, or some comma can be nothing else.
    decimal_commas: bool = False

    def rows_where(self, column: str, value: str) -> "SeriesFile":
        """Return the rows with a value in a column."""
        cells = self.cells[self.cells[column] == value].reset_index(drop=True)
        return SeriesFile(self.path, cells, self.decimal_commas)

    def column(self, name: str) -> list[Any]:
        """Return the cells of a column. Raises an InputError if several columns have the name."""
        if list(self.cells.columns).count(name) > 1:
            raise InputError(f"{self.path} has several columns '{name}'", "Rename all but one.")
        return list(self.cells[name])

    def days(self, column: str) -> list[date]:
        """Return the days of a column. Raises an InputError with the number of its row if a cell is not a day."""
        cells = self.column(column)
        days = [parse_day(cell) for cell in cells]
        bad = [row for row, day in enumerate(days, start=1) if day is None]
        if bad:
            raise InputError(
                f"{self.path}: no day in column '{column}' of {_rows(bad)}: '{cells[bad[0] - 1]}'",
                "Write days as 2019-06-27, 27.06.2019 or 27th Jun 2019.",
            )
        return [day for day in days if day is not None]

    def numbers(self, column: str) -> list[float | None]:
        """Return the numbers of a column, None where a cell is empty or NA.

        Raises
        ------
        InputError
            If a cell is neither empty nor a number, or its comma may mean two things, with the number of its row.
        """
        cells = [str(cell).strip() for cell in self.column(column)]
        cells = ["" if cell in _MISSING else cell for cell in cells]
        if any(_is_decimal(cell) for cell in cells):
            cells = [cell.replace(",", ".") if _ONE_COMMA.fullmatch(cell) else cell for cell in cells]
        elif self.decimal_commas:
            either = [row for row, cell in enumerate(cells, start=1) if _EITHER.fullmatch(cell)]
            if either:
                cell = cells[either[0] - 1]
                thousands, decimal = cell.replace(",", ""), cell.replace(",", ".")
                raise InputError(
                    f"{self.path}: '{cell}' in column '{column}' of {_rows(either)} may be {thousands} or {decimal}",
                    "Write it without the comma, or with a point.",
                )
        numbers = [parse_number(cell) for cell in cells]
        pairs = zip(cells, numbers, strict=True)
        bad = [row for row, (cell, number) in enumerate(pairs, start=1) if cell and number is None]
        if bad:
            raise InputError(
                f"{self.path}: no number in column '{column}' of {_rows(bad)}: '{cells[bad[0] - 1]}'"
            )
        return numbers


def read_series_file(path: Path, needed: Sequence[str], sheet: str | None = None) -> SeriesFile:
    """Read a .csv, .tsv, .txt, .xlsx or .parquet file; of an Excel file one sheet, the first by default.

    Text is in UTF-8, UTF-16 or cp1252, its columns are separated by commas, semicolons or tabs.

    Raises
    ------
    InputError
        If the file is absent, unreadable, of an unknown kind or lacks a column.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise InputError(f"no file at {path}", "It is a path from where snakemake is started.")
    if suffix not in SUFFIXES:
        raise InputError(f"{path} is none of {', '.join(SUFFIXES)}")
    try:
        if suffix in TEXT_SUFFIXES:
            text, guessed = decoded_text(path.read_bytes())
            if guessed:
                warn(
                    logger,
                    f"{path} is not UTF-8, and is read as Windows-1252; look at its umlauts and accents",
                )
            cells, semicolons = _text_cells(text, path), separator_of(text) == ";"
        elif suffix == ".xlsx":
            cells, semicolons = _table(sheet_rows(path, sheet), path), False
        else:
            cells, semicolons = pd.read_parquet(path), False
            cells = cells.reset_index() if any(cells.index.names) else cells
            cells = cells.astype(object).where(cells.notna(), "").astype(str)
    except (pa.ArrowException, csv.Error, ValueError, OSError) as error:
        raise InputError(
            f"{path} is not a readable {path.suffix} file", f"It may be damaged. ({error})"
        ) from error
    cells.columns = [str(name).strip() for name in cells.columns]
    absent = [f"'{name}'{did_you_mean(name, cells.columns)}" for name in needed if name not in cells]
    if absent:
        raise InputError(f"{path} has no column {', '.join(absent)}", f"It has: {', '.join(cells.columns)}.")
    decimal_commas = semicolons or any(_is_decimal(str(cell).strip()) for cell in cells.to_numpy().ravel())
    return SeriesFile(path, cells, decimal_commas)


def sheet_rows(path: Path, sheet: str | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of a sheet of an Excel file that are not empty, all as long as the first; None is the first sheet.

    Raises
    ------
    InputError
        If the file or the sheet is absent, unreadable or empty.
    """
    if not path.is_file():
        raise InputError(f"no file at {path}", "It is a path from where snakemake is started.")
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
    check_formulas_have_values(path, page.title)
    if not rows:
        raise InputError(f"{path}, sheet '{page.title}' is empty")
    width = max(place for place, cell in enumerate(rows[0], start=1) if cell is not None)
    return [(*row[:width], *[None] * (width - len(row))) for row in rows]


def parse_day(cell: Any) -> date | None:
    """Return the day in a cell, or None: a date, '2019-06-27', also with a time, '27.06.2019' or '27th Jun 2019'."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    text = str(cell).strip()
    worded, dotted = _WORDED_DAY.fullmatch(text), _DOTTED_DAY.fullmatch(text)
    try:
        if worded:
            return date(int(worded[3]), _MONTHS.index(worded[2][:3].lower()) + 1, int(worded[1]))
        if dotted:
            return date(int(dotted[3]), int(dotted[2]), int(dotted[1]))
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
        number = float(text) / (100 if percent else 1)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _is_decimal(cell: str) -> bool:
    """Return whether a cell has a comma that cannot separate thousands."""
    return bool(_ONE_COMMA.fullmatch(cell)) and not _EITHER.fullmatch(cell)


def _text_cells(text: str, path: Path) -> pd.DataFrame:
    rows = [row for row in csv.reader(StringIO(text, newline=""), delimiter=separator_of(text)) if any(row)]
    if not rows:
        raise InputError(f"{path} is not a readable {path.suffix} file", "It is empty.")
    return _table(rows, path)


def _table(rows: Sequence[Sequence[Any]], path: Path) -> pd.DataFrame:
    """Return rows as a table whose column names are the first row."""
    head, width = list(rows[0]), len(rows[0])
    for number, row in enumerate(rows[1:], start=1):
        if any(cell not in (None, "") for cell in row[width:]):
            raise InputError(
                f"{path}: row {number} has {len(row)} cells, and the first line {width} columns",
                "Text that contains the separator needs quotes.",
            )
    filled = [
        ["" if cell is None else cell for cell in [*row[:width], *[""] * (width - len(row))]]
        for row in rows[1:]
    ]
    return pd.DataFrame(filled, columns=[str("" if name is None else name) for name in head], dtype=object)


def _rows(rows: Sequence[int]) -> str:
    return f"row {rows[0]}" + (f" and {len(rows) - 1} more" if len(rows) > 1 else "")
