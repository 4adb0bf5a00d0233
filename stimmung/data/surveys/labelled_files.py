"""Read SPSS, Stata and SAS files: codes with their labels, declared missing codes, dates as dates."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyreadstat

from stimmung.data.surveys.survey_codes import SurveyFile, chosen_columns, find_columns, rounded_numbers
from stimmung.data.surveys.survey_texts import RAW, Decoded, decoded, replaced
from stimmung.vocabulary.answer_options import Code

Series: TypeAlias = "pd.Series[Any]"

LABELLED_ERRORS = (pyreadstat.ReadstatError, pyreadstat.PyreadstatError)
# The file label of simulated data begins like this, so that it is never taken for people's answers.
SIMULATED_MARK = "SIMULATED"
FIRST_INEXACT_SINGLE = 2.0**24  # from here on, float32 does not hold every whole number

_READ: dict[str, Callable[..., Any]] = {
    ".sav": pyreadstat.read_sav,
    ".zsav": pyreadstat.read_sav,
    ".por": pyreadstat.read_por,
    ".dta": pyreadstat.read_dta,
    ".sas7bdat": pyreadstat.read_sas7bdat,
    ".xpt": pyreadstat.read_xport,
}
LABELLED = tuple(_READ)
_KEEPS_USER_MISSING = (".sav", ".zsav", ".dta", ".sas7bdat")
_HAS_LETTERS = (".dta", ".sas7bdat", ".xpt")  # for the reasons why an answer is missing
# Days and seconds are counted from here.
_EPOCH = dict.fromkeys((".sav", ".zsav", ".por"), "1582-10-14")
_STATA_AND_SAS_EPOCH = "1960-01-01"
_SPSS_FORMATS = {
    "datetime": r"DATETIME|YMDHMS",
    "seconds-date": r"[AEJS]?DATE|MOYR|QYR|WKYR",
    "time": r"M?TIME",
}
_STATA_FORMATS = {"date": r"%-?t?d", "milliseconds": r"%-?t[cC]", "period": r"%-?t[mqhw]"}
_SAS_FORMATS = {
    "datetime": r"DATETIME|DATEAMPM|DTDATE|[EB]8601DT|IS8601DT|DTMONYY|DTYEAR|MDYAMPM",
    "date": r"DATE|(DDMMYY|MMDDYY|YYMMDD|MMYY|YYMM|YYQ)[BCDNPS]?|MONYY|JULIAN|WEEKDAT[EX]|WORDDAT[EX]|([EB]8601|IS8601)DA",
    "time": r"TIME|TOD|HHMM|([EB]8601|IS8601)TM",
}
# Record 7, subtype 20 (character encoding): bytes of size 1, how many, and the name.
_SPSS_ENCODING = re.compile(rb"\x07\0{3}\x14\0{3}\x01\0{3}.\0{3}([A-Za-z][\w-]+)", re.DOTALL)
_SPSS_HEAD_BYTES = 1 << 26
_PERIODS_A_YEAR = {"m": 12, "q": 4, "h": 2, "w": 52}


def read_labelled(path: Path, columns: Sequence[str] | None, encoding: str | None) -> SurveyFile:
    """Read the columns of an SPSS, Stata or SAS file; None: all. ``encoding``: of its texts, if the user knows better.

    Raises
    ------
    InputError
        If a column is absent.
    pyreadstat.ReadstatError
        If the file cannot be read.
    """
    suffix = path.suffix.lower()
    read = _READ[suffix]
    options: dict[str, Any] = {"disable_datetime_conversion": True}
    if suffix != ".por":
        options["encoding"] = RAW
    if suffix in _KEEPS_USER_MISSING:
        options["user_missing"] = True
    _, header = read(path, metadataonly=True, **options)
    # The head's own texts first: columns are asked for in them.
    of_head = list(_texts_of(header))
    text = _decoded(path, of_head, encoding)
    raw_of = {text(raw): raw for raw in header.column_names}
    labels = {name: text(header.column_names_to_labels.get(raw) or "") for name, raw in raw_of.items()}
    names = list(dict.fromkeys(find_columns(columns or list(labels), labels, str(path)).values()))

    used = [raw_of[name] for name in names]
    codes, header = read(path, usecols=used, **options)
    codes = codes[used].set_axis(names, axis=1)  # the library keeps the order of the file
    variables = {name: _variable(header, raw, suffix) for name, raw in zip(names, used, strict=True)}
    strings = [name for name, one in variables.items() if one.kind == "string"]
    cells = {cell for name in strings for cell in codes[name].unique() if isinstance(cell, str)}
    text = _decoded(path, [*of_head, *cells], encoding)

    single = [name for name, one in variables.items() if one.kind == "float"]
    losses = rounded_numbers(codes)
    notes = [loss.what for loss in rounded_numbers(codes[single], FIRST_INEXACT_SINGLE)]
    notes += _unkept(codes, suffix)
    codes = codes.assign(**{name: codes[name].map(text, na_action="ignore") for name in strings})
    codes = with_shortest(codes, single)
    codes = codes.assign(**{name: _with_dates(codes[name], one, suffix) for name, one in variables.items()})
    survey = SurveyFile(
        codes,
        {name: labels[name] for name in names if labels[name]},
        {
            name: {text.code(code): text(label) for code, label in one.labels.items()}
            for name, one in variables.items()
        },
        {
            name: [(text.code(low), text.code(high)) for low, high in one.missing]
            for name, one in variables.items()
            if one.missing
        },
        str(header.file_label or "").upper().startswith(SIMULATED_MARK),
        losses=(*text.losses, *losses),
        notes=(*text.notes, *notes),
    )
    return chosen_columns(survey, columns, str(path))


@dataclass(frozen=True)
class _Variable:
    """What the file says of a column; texts are raw."""

    kind: str  # the library's name of its type
    format: str  # how the file's program shows it
    labels: dict[Code, str]
    missing: list[tuple[Code, Code]]


def _variable(header: Any, raw: str, suffix: str) -> _Variable:
    kind = header.readstat_variable_types[raw]
    labels = dict(header.variable_value_labels.get(raw, {}))
    missing = [(one["lo"], one["hi"]) for one in header.missing_ranges.get(raw, [])]
    letters = list(header.missing_user_values.get(raw, []))
    if suffix in _HAS_LETTERS and kind != "string":
        # A letter that no row has is known by its label alone.
        letters += [code for code in labels if isinstance(code, str) and code not in letters]
    missing += [(letter, letter) for letter in letters]
    return _Variable(kind, header.original_variable_types[raw] or "", labels, missing)


def _texts_of(header: Any) -> Iterator[str]:
    """Yield the names and labels of a file."""
    yield from header.column_names
    yield from filter(None, header.column_names_to_labels.values())
    for labels in header.value_labels.values():
        for pair in labels.items():
            yield from (text for text in pair if isinstance(text, str))


def with_shortest(codes: pd.DataFrame, single: Sequence[str]) -> pd.DataFrame:
    """Return single-precision columns as the shortest decimals with the same float32: 3.7, not 3.700000047683716."""
    shortest = {
        name: codes[name].map(lambda code: float(str(np.float32(code))) if isinstance(code, float) else code)
        for name in single
    }
    return codes.assign(**shortest)


def _decoded(path: Path, raw_texts: Iterable[str], encoding: str | None) -> Decoded:
    if path.suffix.lower() == ".por":
        # The format has letters of its own; the library hands on what it knows of them.
        lost = replaced([text for text in raw_texts if not text.isascii()], "of .por files")
        return Decoded({}, notes=tuple(loss.what for loss in lost))
    return decoded(raw_texts, encoding, lambda: _declared_encoding(path))


def _declared_encoding(path: Path) -> str | None:
    """Return the encoding that a file declares; None if it declares none, or one that does not fit its own texts."""
    if path.suffix.lower() == ".dta":
        # From format 118 on, Stata writes UTF-8; before, what the machine had.
        release = re.match(rb"<stata_dta><header><release>(\d+)", path.open("rb").read(64))
        return "utf-8" if release and int(release[1]) >= 118 else None
    name = _named_by_spss(path)
    if name is None:
        try:
            _, header = _READ[path.suffix.lower()](path, metadataonly=True)
        except (*LABELLED_ERRORS, UnicodeDecodeError):
            return None
        name = header.file_encoding
    try:
        return codecs.lookup(name or "").name
    except LookupError:
        return None


def _named_by_spss(path: Path) -> str | None:
    """Return the encoding in an SPSS file's head, which the library hides if a text does not fit it."""
    with path.open("rb") as stream:
        found = _SPSS_ENCODING.search(stream.read(_SPSS_HEAD_BYTES))
    return found[1].decode() if found else None


def _unkept(codes: pd.DataFrame, suffix: str) -> list[str]:
    """Return what is said of a format whose kinds of missing answers the library does not hand on."""
    n_empty = int(codes.select_dtypes("number").isna().to_numpy().sum())
    if suffix in _KEEPS_USER_MISSING or not n_empty:
        return []
    what = "letters for missing answers (.A)" if suffix == ".xpt" else "codes that the file declares missing"
    other = ".sas7bdat" if suffix == ".xpt" else ".sav"
    return [f"{n_empty} cells are read as empty; {what} are among them, which {other} files would tell apart"]


def _with_dates(column: Series, variable: _Variable, suffix: str) -> Series:
    """Return a column of dates or times as in ISO 8601; labelled and declared missing codes stay what they are."""
    how = _kind_of_date(variable.format, suffix)
    if how is None or variable.kind == "string":
        return column
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    are_dates = numbers.notna() & ~numbers.isin(
        [code for code in variable.labels if not isinstance(code, str)]
    )
    for low, high in variable.missing:
        if not isinstance(low, str) and not isinstance(high, str):
            are_dates &= ~numbers.between(low, high)
    counted = numbers[are_dates].to_numpy()
    texts = column.astype(object)
    if how == "period":
        texts[are_dates] = _periods(counted, variable.format)
    else:
        texts[are_dates] = _dates(counted, how, _EPOCH.get(suffix, _STATA_AND_SAS_EPOCH))
    return texts.where(texts.notna(), None)


def _kind_of_date(shown: str, suffix: str) -> str | None:
    """Return what a format counts: days, seconds or milliseconds; None if it is of no date or time."""
    if suffix == ".dta":
        return next((how for how, pattern in _STATA_FORMATS.items() if re.match(pattern, shown)), None)
    formats = _SPSS_FORMATS if suffix in _EPOCH else _SAS_FORMATS
    name = re.sub(r"[\d.]+$", "", shown.strip().upper())  # without the width
    return next((how for how, pattern in formats.items() if re.fullmatch(pattern, name)), None)


def _dates(counted: "np.ndarray[Any, Any]", how: str, epoch: str) -> list[str]:
    start = np.datetime64(epoch, "s")
    seconds = {"date": 86_400.0, "milliseconds": 0.001}.get(how, 1.0) * counted
    moments = start + np.floor(seconds).astype("timedelta64[s]")
    if how == "time":
        return [str(one).split("T")[1] for one in moments]
    if how in ("date", "seconds-date") or not (seconds % 86_400).any():
        return [str(one) for one in moments.astype("datetime64[D]")]
    return [str(one).replace("T", " ") for one in moments]


def _periods(counted: "np.ndarray[Any, Any]", shown: str) -> list[str]:
    """Return Stata's months, quarters, half-years or weeks since 1960 as 2017-09, 2017q3, 2017h2 or 2017w39, as Stata shows them."""
    letter = shown.lstrip("%-t")[0]
    years, parts = np.divmod(counted.astype(int), _PERIODS_A_YEAR[letter])
    months = letter == "m"
    return [
        f"{1960 + year}-{part + 1:02d}" if months else f"{1960 + year}{letter}{part + 1}"
        for year, part in zip(years, parts, strict=True)
    ]
