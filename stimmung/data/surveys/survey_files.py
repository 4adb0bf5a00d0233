"""Read survey files as archives ship them: codes, variable labels, value labels and declared missing codes."""

import importlib
import importlib.metadata
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet

from stimmung.data.excel_formulas import check_formulas_have_values
from stimmung.data.surveys.delimited_files import (
    ABSENT,
    BEGINS_WITH_NAMES,
    COMPRESSED,
    DAMAGED,
    TABULAR,
    kind_of_file,
    read_delimited,
    without_head_rows,
)
from stimmung.data.surveys.labelled_files import LABELLED, LABELLED_ERRORS, read_labelled, with_shortest
from stimmung.data.surveys.survey_codes import (
    Loss,
    SurveyFile,
    chosen_columns,
    code_key,
    find_places,
    rounded_numbers,
    tell_losses,
    with_dates_as_text,
)
from stimmung.vocabulary.atomic_files import digest_of_file
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.row_rules import MAX_LOST_SHARE

BUNDLED_PREFIX = "statsmodels:"
EXCEL_DIGITS = 15  # of a number; Excel writes zeros for the rest
# Kinds of files that no library of ours reads, and how another program writes one that is read.
_CONVERTED = {
    ".rds": 'In R: arrow::write_parquet(readRDS("x.rds"), "x.parquet"), or haven::write_dta to keep labels.',
    ".rdata": 'In R: load("x.RData"), then arrow::write_parquet(NAME, "x.parquet"), or haven::write_dta to keep labels.',
    ".xls": "Save it as .xlsx or .csv.",
    ".ods": "Save it as .xlsx or .csv.",
    ".sas7bcat": "That is a catalogue of labels: name the .sas7bdat file.",
}
_CONVERTED[".rda"] = _CONVERTED[".rdata"]


def read_survey_file(
    source: str,
    columns: Sequence[str] | None = None,
    encoding: str | None = None,
    max_lost_share: float = MAX_LOST_SHARE,
) -> SurveyFile:
    """Read the columns of a survey file, and only these; what its reader guessed or lost is told on the terminal.

    Parameters
    ----------
    source
        A file of one of the kinds in docs/reading.md, or ``statsmodels:NAME`` for a data set of statsmodels.
    columns
        Names or variable labels; None reads all, by name. A name takes precedence over a label.
    encoding
        That of the file's texts. None: UTF-8 where they are, else as the file declares, else Windows-1252.
    max_lost_share
        Of rows that are left out, and of numbers and texts that are not what they were: a larger share is an error.

    Raises
    ------
    InputError
        If the file is absent or unreadable, or too much of it is lost; if a column is absent, or several have a name or
        label that was requested.
    """
    if source.startswith(BUNDLED_PREFIX):
        return chosen_columns(_read_bundled(source), columns, source)
    path = Path(source)
    kind = kind_of_file(path)
    reader = _READERS.get(kind)
    if reader is None:
        known = ", ".join(sorted(_READERS))
        raise InputError(
            f"{source} is not a survey file that can be read",
            _CONVERTED.get(kind, f"Known: {known}, {BUNDLED_PREFIX}NAME."),
        )
    if kind not in TABULAR and path.suffix.lower() in COMPRESSED:
        raise InputError(
            f"{source}: of compressed files, only {', '.join(TABULAR)} can be read", "Unpack it first."
        )
    if not path.is_file():
        raise InputError(
            f"no survey file at {source}", "A survey's `file` is a path from where snakemake is started."
        )
    try:
        survey = reader(path, columns, encoding)
    except (*LABELLED_ERRORS, *DAMAGED, OSError) as error:
        raise InputError(
            f"{source} is not a readable {kind} file", f"It may be damaged or truncated. ({error})"
        ) from error
    tell_losses(survey, source, kind, max_lost_share)
    return survey


def fingerprint(source: str) -> dict[str, Any]:
    """Return a survey file's name, sha256 and size in bytes, and the package of a bundled one."""
    if source.startswith(BUNDLED_PREFIX):
        package = {"package": f"statsmodels {importlib.metadata.version('statsmodels')}"}
        path = _bundled_csv(source)
    else:
        package, path = {}, Path(source)
    return {"file": source, "sha256": digest_of_file(path), "size_bytes": path.stat().st_size, **package}


def _read_parquet(path: Path, columns: Sequence[str] | None, _: str | None) -> SurveyFile:
    schema = parquet.read_schema(path)
    present = [name for name in schema.names if not name.startswith("__index_")]
    names = list(find_places(present, columns, str(path)))
    nested = [name for name in names if arrow.types.is_nested(schema.field(name).type)]
    if nested:
        raise InputError(
            f"{path}: column '{nested[0]}' holds {schema.field(nested[0]).type}, not one value for each respondent",
            "Write one column for each part.",
        )
    table = parquet.read_table(path, columns=names)
    # Metadata would hide an index; integer_object_nulls keeps whole numbers exact in columns with empty cells.
    codes = table.to_pandas(ignore_metadata=True, integer_object_nulls=True)
    single = [one.name for one in table.schema if arrow.types.is_float32(one.type)]
    orders = {
        one.name: [str(code_key(code)) for code in codes[one.name].cat.categories]
        for one in table.schema
        if arrow.types.is_dictionary(one.type) and one.type.ordered
    }
    codes = with_dates_as_text(with_shortest(codes, single))
    survey = SurveyFile(codes, orders=orders, losses=tuple(rounded_numbers(codes)))
    return chosen_columns(survey, columns, str(path))


def _read_excel(path: Path, columns: Sequence[str] | None, _: str | None) -> SurveyFile:
    # Imported here: it takes a moment, and most surveys are other files.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with closing(load_workbook(path, read_only=True, data_only=True)) as book:
            rows = book.worksheets[0].iter_rows(values_only=True)
            names = ["" if cell is None else str(cell) for cell in next(rows, ())]
            if not any(names):
                raise InputError(f"{path} is not a readable .xlsx file: it is empty", BEGINS_WITH_NAMES)
            places = find_places(names, columns, str(path))
            cells, n_rows = [], 0
            for row in rows:
                # A row may end before the last column.
                cells.append([row[place] if place < len(row) else None for place in places.values()])
                if any(cell is not None for cell in row):
                    n_rows = len(cells)
            sheets = book.sheetnames
        check_formulas_have_values(path, sheets[0], set(places.values()))
    except (InvalidFileException, KeyError, ValueError) as error:
        raise OSError(type(error).__name__) from error
    # Below the last row with a cell there may be others, of which only the format is stored. An empty one above it is a
    # respondent without answers, as in csv.
    codes = pd.DataFrame(cells[:n_rows], columns=list(places), dtype=object)
    codes = codes.mask(codes.isin(ABSENT), None)
    notes = [f"of its {len(sheets)} sheets the first, '{sheets[0]}', is read"] if len(sheets) > 1 else []
    survey = SurveyFile(with_dates_as_text(codes), losses=tuple(_rounded_by_excel(codes)), notes=tuple(notes))
    return chosen_columns(without_head_rows(survey), columns, str(path))


def _rounded_by_excel(codes: pd.DataFrame) -> list[Loss]:
    numbers = codes.map(lambda cell: float(cell) if isinstance(cell, int | float) else float("nan"))
    return rounded_numbers(numbers, limit=10.0**EXCEL_DIGITS + 1)


_READERS: dict[str, Callable[[Path, Sequence[str] | None, str | None], SurveyFile]] = {
    **dict.fromkeys(TABULAR, read_delimited),
    **dict.fromkeys(LABELLED, read_labelled),
    ".parquet": _read_parquet,
    ".xlsx": _read_excel,
}


def _read_bundled(source: str) -> SurveyFile:
    _bundled_csv(source)
    # Imported here: statsmodels takes a second, and most surveys are files.
    module = importlib.import_module(f"statsmodels.datasets.{source.removeprefix(BUNDLED_PREFIX)}")
    return SurveyFile(module.load_pandas().data)


def _bundled_csv(source: str) -> Path:
    import statsmodels

    name = source.removeprefix(BUNDLED_PREFIX)
    folder = Path(statsmodels.__file__).parent / "datasets"
    files = {path.parent.name: path for path in sorted(folder.glob("*/*.csv"))}
    if name not in files:
        raise InputError(
            f"statsmodels bundles no data set '{name}'{did_you_mean(name, files)}",
            "For example statsmodels:anes96.",
        )
    return files[name]
