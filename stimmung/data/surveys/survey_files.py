"""Read survey files as archives ship them: codes, variable labels, value labels and declared missing codes."""

import codecs
import importlib
import importlib.metadata
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet
import pyreadstat

from stimmung.vocabulary.atomic_files import digest_of_file
from stimmung.vocabulary.codebook import Code
from stimmung.vocabulary.errors import InputError, did_you_mean

BUNDLED_PREFIX = "statsmodels:"
# The file label of simulated data begins like this, so that it is never taken for people's answers.
SIMULATED_MARK = "SIMULATED"
# An empty cell and R's NA. Not "None" or "null", which may be answers.
CSV_MISSING = ["", "NA"]
_STATA_OR_SPSS_ERRORS = (pyreadstat.ReadstatError, pyreadstat.PyreadstatError)
_CSV_ERRORS = (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, UnicodeDecodeError)
_PLAIN_NUMBER = re.compile(r"([+-]?(?:0|[1-9]\d*))(\.\d*)?")


@dataclass(frozen=True)
class SurveyFile:
    """One survey file: a row for each respondent, in codes, user-missing ones included; columns are named as requested."""

    codes: pd.DataFrame
    variable_labels: dict[str, str] = field(default_factory=dict)  # by column, where the file has one
    value_labels: dict[str, dict[Code, str]] = field(default_factory=dict)  # by column and code
    # By column: codes that the archive declares missing, lowest and highest; letters are Stata's extended ones.
    missing_ranges: dict[str, list[tuple[Code, Code]]] = field(default_factory=dict)
    simulated: bool = False  # whether the file says that its respondents are simulated


def read_survey_file(source: str, columns: Sequence[str] | None = None) -> SurveyFile:
    """Read the columns of a survey file.

    Parameters
    ----------
    source
        A .csv, .parquet, .sav, .zsav or .dta file, or ``statsmodels:NAME`` for a data set of statsmodels.
    columns
        Names or variable labels; None reads all, by name. A name takes precedence over a label.

    Raises
    ------
    InputError
        If the file is absent or unreadable, a column is absent, or several have a label that was requested.
    """
    if source.startswith(BUNDLED_PREFIX):
        return _chosen(_read_bundled(source), columns, source)
    path = Path(source)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(sorted(_READERS))
        raise InputError(
            f"{source} is not a survey file that can be read", f"Known: {known}, {BUNDLED_PREFIX}NAME."
        )
    if not path.is_file():
        raise InputError(
            f"no survey file at {source}", "A survey's `file` is a path from where snakemake is started."
        )
    try:
        return reader(path, columns)
    except (*_STATA_OR_SPSS_ERRORS, *_CSV_ERRORS, arrow.ArrowException, OSError) as error:
        raise InputError(
            f"{source} is not a readable {path.suffix.lower()} file",
            f"It may be damaged or truncated. ({error})",
        ) from error


def find_columns(wanted: Sequence[str], labels: Mapping[str, str | None], where: str) -> dict[str, str]:
    """Return the column name for each of ``wanted``, which are column names or variable labels; names take precedence.

    ``labels`` has every column's variable label, or None; ``where`` names the file in the message.

    Raises
    ------
    InputError
        With everything that is absent, and all labels that several columns have.
    """
    found, absent, several = {}, [], []
    for one in dict.fromkeys(wanted):
        named = [one] if one in labels else [name for name, label in labels.items() if label == one]
        if len(named) == 1:
            found[one] = named[0]
        elif named:
            several.append(f"{len(named)} columns have the variable label '{one}': {', '.join(named[:5])}")
        else:
            known = [*labels, *(label for label in labels.values() if label)]
            absent.append(f"no column is named or labelled '{one}'{did_you_mean(one, known)}")
    if several or absent:
        hint = "The codebook's items and the survey's `where`, `where_not` and `weight` name columns."
        if several:
            hint = f"Give a column's name instead of a label that several have. {hint}"
        raise InputError(f"{where}: {'; '.join([*several, *absent])}", hint)
    return found


def code_key(code: Any) -> str | None:
    """Return a code in the canonical form in which codes are compared, or None for an empty cell.

    1, 1.0, "1" and "1.0" are the same code, as csv, SPSS and YAML write it; "01" is a different one. Whole numbers keep all
    their digits; float64 would keep fifteen.
    """
    if isinstance(code, str):
        text = code.strip()
        number = _PLAIN_NUMBER.fullmatch(text)
        if number is None:
            return text or None
        return repr(float(text)) if (number[2] or "").strip(".0") else str(int(number[1]))
    if code is None or pd.isna(code):
        return None
    try:
        return str(int(code)) if int(code) == code else repr(float(code))
    except (TypeError, ValueError, OverflowError):
        return str(code)


def code_number(key: str) -> float | None:
    """Return a code key as a number, or None if it is a word."""
    try:
        number = float(key)
    except ValueError:
        return None
    # What Python reads as a number and no archive writes: 1_000, digits of other scripts.
    return number if number == number and key.isascii() and "_" not in key else None


def fingerprint(source: str) -> dict[str, Any]:
    """Return a survey file's name, sha256 and size in bytes, and the package of a bundled one."""
    if source.startswith(BUNDLED_PREFIX):
        package = {"package": f"statsmodels {importlib.metadata.version('statsmodels')}"}
        path = _bundled_csv(source)
    else:
        package, path = {}, Path(source)
    return {"file": source, "sha256": digest_of_file(path), "size_bytes": path.stat().st_size, **package}


def _read_csv(path: Path, columns: Sequence[str] | None) -> SurveyFile:
    text = _decoded(path.read_bytes())
    separator = max(",;\t", key=re.sub(r'"[^"]*"', "", text.split("\n", 1)[0]).count)
    # As text, so that "01" and "1" stay different codes and an identifier keeps all its digits.
    with warnings.catch_warnings():
        # pandas only warns when rows are longer than the header, and shifts or drops the answers.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        options: Any = {"dtype": str, "keep_default_na": False, "na_values": CSV_MISSING, "index_col": False}
        codes = pd.read_csv(StringIO(text), sep=separator, **options)
    return _chosen(SurveyFile(codes), columns, str(path))


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    # Text in another encoding is hardly ever valid UTF-8. Latin-1 for the five bytes that Windows leaves undefined.
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _read_parquet(path: Path, columns: Sequence[str] | None) -> SurveyFile:
    present = {name: None for name in parquet.read_schema(path).names if not name.startswith("__index_")}
    names = list(find_columns(columns or list(present), present, str(path)).values())
    table = parquet.read_table(path, columns=list(dict.fromkeys(names)))
    # Metadata would hide an index; integer_object_nulls keeps whole numbers exact in columns with empty cells.
    codes = table.to_pandas(ignore_metadata=True, integer_object_nulls=True)
    single = [one.name for one in table.schema if arrow.types.is_float32(one.type)]
    return _chosen(SurveyFile(_with_shortest(codes, single)), columns, str(path))


def _read_labelled(path: Path, columns: Sequence[str] | None) -> SurveyFile:
    try:
        # First, whatever the file declares: some declare Latin-1 and are UTF-8.
        return _labelled(path, columns, "UTF-8")
    except (pyreadstat.ReadstatError, UnicodeDecodeError):
        pass
    try:
        return _labelled(path, columns, None)
    except pyreadstat.ReadstatError as error:
        if "encoding" not in str(error):
            raise
        # Files of the nineties do not declare their encoding.
        return _labelled(path, columns, "WINDOWS-1252")


def _labelled(path: Path, columns: Sequence[str] | None, encoding: str | None) -> SurveyFile:
    read = pyreadstat.read_dta if path.suffix.lower() == ".dta" else pyreadstat.read_sav
    _, header = read(path, metadataonly=True, encoding=encoding)
    labels = {name: header.column_names_to_labels.get(name) for name in header.column_names}
    names = list(dict.fromkeys(find_columns(columns or list(labels), labels, str(path)).values()))
    codes, header = read(
        path, usecols=names, user_missing=True, disable_datetime_conversion=True, encoding=encoding
    )
    single = [name for name in names if header.readstat_variable_types[name] == "float"]
    survey = SurveyFile(
        _with_shortest(codes, single),
        {name: label for name in names if (label := labels[name])},
        {name: dict(header.variable_value_labels.get(name, {})) for name in names},
        {name: ranges for name in names if (ranges := _missing_ranges(header, name))},
        str(header.file_label or "").upper().startswith(SIMULATED_MARK),
    )
    return _chosen(survey, columns, str(path))


def _with_shortest(codes: pd.DataFrame, single: Sequence[str]) -> pd.DataFrame:
    """Return single-precision columns as the shortest decimals with the same float32: 3.7, not 3.700000047683716."""
    shortest = {
        name: codes[name].map(lambda code: float(str(np.float32(code))) if isinstance(code, float) else code)
        for name in single
    }
    return codes.assign(**shortest)


def _missing_ranges(header: Any, name: str) -> list[tuple[Code, Code]]:
    spss = [(one["lo"], one["hi"]) for one in header.missing_ranges.get(name, [])]
    return spss + [(letter, letter) for letter in header.missing_user_values.get(name, [])]


_READERS: dict[str, Callable[[Path, Sequence[str] | None], SurveyFile]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    **dict.fromkeys((".sav", ".zsav", ".dta"), _read_labelled),
}


def _chosen(survey: SurveyFile, columns: Sequence[str] | None, where: str) -> SurveyFile:
    """Return the survey with the requested columns, under the names or labels that were requested."""
    if columns is None:
        return survey
    labels = {str(name): survey.variable_labels.get(str(name)) for name in survey.codes.columns}
    names = find_columns(columns, labels, where)
    codes = survey.codes[list(names.values())].set_axis(list(names), axis=1)
    return SurveyFile(
        codes,
        {wanted: label for wanted, name in names.items() if (label := labels[name])},
        {wanted: survey.value_labels.get(name, {}) for wanted, name in names.items()},
        {wanted: ranges for wanted, name in names.items() if (ranges := survey.missing_ranges.get(name))},
        survey.simulated,
    )


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
