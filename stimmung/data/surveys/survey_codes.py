"""What every survey file becomes: a table of codes with its labels, and the one form in which codes are compared."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any

import numpy as np
import pandas as pd

from stimmung.vocabulary.answer_options import Code
from stimmung.vocabulary.errors import InputError, did_you_mean, warn

logger = logging.getLogger(__name__)

_PLAIN_NUMBER = re.compile(r"([+-]?(?:0|[1-9]\d*))(\.\d*)?")
FIRST_INEXACT = 2.0**53  # from here on, float64 does not hold every whole number


@dataclass(frozen=True)
class Loss:
    """Something of the file that its reader could not keep."""

    what: str
    n: int
    of: int  # the rows, or texts, that there are

    @property
    def share(self) -> float:
        """What part was lost, from 0 to 1."""
        return self.n / max(self.of, 1)


@dataclass(frozen=True)
class SurveyFile:
    """One survey file: a row for each respondent, in codes, user-missing ones included; columns are named as requested."""

    codes: pd.DataFrame  # the index is the number of the row in the file, from 0
    variable_labels: dict[str, str] = field(default_factory=dict)  # by column, where the file has one
    value_labels: dict[str, dict[Code, str]] = field(default_factory=dict)  # by column and code
    # By column: codes that the archive declares missing, lowest and highest; letters are Stata's and SAS's.
    missing_ranges: dict[str, list[tuple[Code, Code]]] = field(default_factory=dict)
    simulated: bool = False  # whether the file says that its respondents are simulated
    orders: dict[str, list[str]] = field(default_factory=dict)  # by ordered column: its codes, lowest first
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()  # what was guessed or skipped, without a loss


def tell_losses(survey: SurveyFile, source: str, kind: str, max_lost_share: float) -> None:
    """Say what the reader of a file guessed and what it lost; ``kind`` is its suffix.

    Raises
    ------
    InputError
        If a larger share than ``max_lost_share`` of something was lost.
    """
    for note in survey.notes:
        warn(logger, f"{source}: {note}")
    too_many = [loss for loss in survey.losses if loss.share > max_lost_share]
    if too_many:
        raise InputError(
            f"{source} is not a readable {kind} file without loss: {'; '.join(loss.what for loss in too_many)}",
            f"The survey's `max_lost_share` allows a share of {max_lost_share:g}. Mend the file, or allow more.",
        )
    for loss in survey.losses:
        warn(logger, f"{source}: {loss.what}")


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


def find_places(names: Sequence[str], columns: Sequence[str] | None, where: str) -> dict[str, int]:
    """Return the place in ``names``, a file's head row, of each column; None: of all that have a name.

    Raises
    ------
    InputError
        If a column stands there twice; otherwise as in :func:`find_columns`.
    """
    wanted = [name for name in names if name] if columns is None else columns
    found = find_columns(wanted, dict.fromkeys(names), where)
    twice = [name for name in found if list(names).count(name) > 1]
    if twice:
        raise InputError(
            f"{where}: {len(twice)} column names stand in the head row more than once: {', '.join(twice[:5])}",
            "Rename them in the file: which one is meant cannot be known.",
        )
    return {name: list(names).index(name) for name in found}


def chosen_columns(survey: SurveyFile, columns: Sequence[str] | None, where: str) -> SurveyFile:
    """Return the survey with the requested columns, under the names or labels that were requested; None: as it is."""
    if columns is None:
        return survey
    labels = {str(name): survey.variable_labels.get(str(name)) for name in survey.codes.columns}
    names = find_columns(columns, labels, where)
    return replace(
        survey,
        codes=survey.codes[list(names.values())].set_axis(list(names), axis=1),
        variable_labels={wanted: label for wanted, name in names.items() if (label := labels[name])},
        value_labels={wanted: survey.value_labels.get(name, {}) for wanted, name in names.items()},
        missing_ranges={
            wanted: ranges for wanted, name in names.items() if (ranges := survey.missing_ranges.get(name))
        },
        orders={wanted: order for wanted, name in names.items() if (order := survey.orders.get(name))},
    )


def code_key(code: Any) -> str | None:
    """Return a code in the canonical form in which codes are compared, or None for an empty cell.

    1, 1.0, "1" and "1.0" are the same code, as csv, SPSS and YAML write it; "01" is a different one, and so is true. Whole
    numbers keep all their digits; float64 would keep fifteen. A date is as in ISO 8601.
    """
    if isinstance(code, str):
        text = code.strip()
        number = _PLAIN_NUMBER.fullmatch(text)
        if number is None:
            return text or None
        return repr(float(text)) if (number[2] or "").strip(".0") else str(int(number[1]))
    if code is None or pd.isna(code):
        return None
    if isinstance(code, bool | np.bool_):
        return str(code).lower()
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


def with_dates_as_text(codes: pd.DataFrame) -> pd.DataFrame:
    """Return the table with dates and times as in ISO 8601; a column of times that are all midnight has dates."""
    texts: dict[str, Any] = {}
    for name, column in codes.items():
        if isinstance(column.dtype, np.dtype | pd.DatetimeTZDtype) and column.dtype.kind == "M":
            texts[str(name)] = _iso(column.astype(object))
        elif column.dtype == object and any(isinstance(one, date | time) for one in column):
            texts[str(name)] = _iso(column)
    return codes.assign(**texts)


def _iso(column: "pd.Series[Any]") -> "pd.Series[Any]":
    times = [one for one in column if isinstance(one, datetime) and not pd.isna(one)]
    whole_days = all(one.time() == time() for one in times)

    def text(code: Any) -> Any:
        if isinstance(code, datetime):
            return None if pd.isna(code) else str(code.date()) if whole_days else str(code)
        return str(code) if isinstance(code, date | time) else code

    return pd.Series([text(code) for code in column], index=column.index, dtype=object)


def rounded_numbers(codes: pd.DataFrame, limit: float = FIRST_INEXACT) -> list[Loss]:
    """Return the columns of floats with whole numbers of so many digits that the file may have rounded them."""
    losses = []
    for name, column in codes.items():
        if column.dtype.kind == "f" and (n := int((column.abs() >= limit).sum())):
            what = f"column '{name}': {n} of {len(column)} numbers have more digits than the file's kind of number holds"
            losses.append(Loss(f"{what}, and may have been rounded in it", n, len(column)))
    return losses
