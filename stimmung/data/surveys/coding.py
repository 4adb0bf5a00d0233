"""Code one survey item: from the codes of its columns to answers, and to the reasons why some are missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from stimmung.data.surveys.survey_files import SurveyFile, code_key
from stimmung.vocabulary.codebook import Code, MissingReason, SurveyItem
from stimmung.vocabulary.errors import InputError, did_you_mean

Conditions = Mapping[str, Sequence[Code]]  # column to codes or value labels
Series: TypeAlias = "pd.Series[Any]"

_SHOWN = 5  # unknown codes in one message
_CODE_LENGTH = 24  # a column of verbatim answers must not end up in a message


@dataclass(frozen=True)
class Coded:
    """One item of all respondents; series of shape (n_respondents,), but for ``unknown``."""

    answers: Series  # a categorical of all option labels, or floats; NA where the answer is absent
    # A categorical of MissingReason values, NA where there is an answer; None if the item declares no missing code.
    reasons: "Series | None"
    unknown: Series  # the codes, by respondent, that are not in the codebook


def code_item(survey: SurveyFile, codes: pd.DataFrame, item: SurveyItem, language: str) -> Coded:
    """Return the answers to one item.

    ``codes`` are the rows of the file that are kept; value labels and declared missing codes come from ``survey``.

    Raises
    ------
    InputError
        If the codebook names a value label that several codes have.
    """
    column, labels = item.column, survey.value_labels.get(item.column, {})
    keys = codes[column].map(code_key).astype(object)
    reasons = _reasons(keys, item, labels)
    if item.scale == "numeric":
        answers, unknown = _numbers(codes, keys, reasons, item)
        unknown |= reasons.isna() & _declared_missing(keys, survey.missing_ranges.get(column, []))
    else:
        answers = _words(survey, codes, keys, reasons, item, language)
        unknown = keys.notna() & reasons.isna() & answers.isna()
    # An answer that other columns decide takes precedence over a missing code in the item's own column.
    reasons = reasons.mask(answers.notna())
    if item.missing:
        reasons = reasons.mask(keys.isna() & answers.isna(), MissingReason.NO_ANSWER.value)
        reasons = reasons.astype(pd.CategoricalDtype([reason.value for reason in MissingReason]))
    return Coded(answers, reasons if item.missing else None, keys[unknown])


def resolve_codes(codes: Iterable[Code], value_labels: Mapping[Code, str], where: str) -> set[str]:
    """Return the keys (:func:`code_key`) of codes, each of which may be given by its value label instead.

    A code takes precedence over a label. What is neither is kept: it may be a code without a label. ``where`` names the column
    in the error.

    Raises
    ------
    InputError
        If several codes have the label.
    """
    labelled = {code_key(code): label.strip() for code, label in value_labels.items()}
    found = set()
    for code in codes:
        key = code_key(code)
        named = [one for one, label in labelled.items() if isinstance(code, str) and label == code.strip()]
        if key in labelled or not named:
            found.add(key)
        elif len(named) == 1:
            found.add(named[0])
        else:
            raise InputError(
                f"{where}: {len(named)} codes have the value label '{code}': {', '.join(map(str, named))}",
                "Give the code instead of the label, or a list of all the codes.",
            )
    return {key for key in found if key is not None}


def holds(survey: SurveyFile, codes: pd.DataFrame, conditions: Conditions) -> "pd.Series[bool]":
    """Return which rows of ``codes`` have, in every column of ``conditions``, one of its codes or value labels.

    Raises
    ------
    InputError
        If several codes have a value label.
    """
    kept = pd.Series(True, index=codes.index)
    for column, wanted in conditions.items():
        keys = resolve_codes(wanted, survey.value_labels.get(column, {}), f"column '{column}'")
        kept &= codes[column].map(code_key).isin(keys)
    return kept


def describe_unknown(name: str, item: SurveyItem, unknown: Series, value_labels: Mapping[Code, str]) -> str:
    """Return a message about codes that are not in the codebook: each with its value label and the number of rows."""
    label_of = {code_key(code): label for code, label in value_labels.items()}
    by_code = unknown.value_counts().sort_index(key=lambda keys: keys.astype(str))
    counts = by_code.sort_values(ascending=False, kind="stable")
    named = [code for option in item.options for code in option.codes if isinstance(code, str)]
    shown = []
    for code, count in counts.head(_SHOWN).items():
        text = str(code) if len(str(code)) <= _CODE_LENGTH else f"{str(code)[:_CODE_LENGTH]}…"
        label = label_of.get(str(code))
        if label is not None:
            # The codebook may spell the value label differently.
            text += f" ('{label}'{did_you_mean(label, named)})"
        shown.append(f"{text} in {count} rows")
    more = f" and {len(counts) - _SHOWN} more codes" if len(counts) > _SHOWN else ""
    kind = "no number" if item.scale == "numeric" else "unknown code"
    if item.range is not None:
        kind += f" from {item.range[0]:g} to {item.range[1]:g}:"
    return f"item '{name}' (column '{item.column}'): {kind} {', '.join(shown)}{more}"


def _reasons(keys: Series, item: SurveyItem, labels: Mapping[Code, str]) -> Series:
    reasons = pd.Series(None, index=keys.index, dtype=object)
    for missing in reversed(item.missing):
        if missing.range is not None:
            absent = _declared_missing(keys, [missing.range])
        else:
            absent = keys.isin(resolve_codes(missing.codes, labels, f"column '{item.column}'"))
        reasons = reasons.mask(absent, missing.reason.value)
    return reasons


def _declared_missing(keys: Series, ranges: Sequence[tuple[Code, Code]]) -> "pd.Series[bool]":
    numbers = pd.to_numeric(keys, errors="coerce")
    absent = pd.Series(False, index=keys.index)
    for lowest, highest in ranges:
        if isinstance(lowest, str) or isinstance(highest, str):
            absent |= keys == code_key(lowest)
        else:
            absent |= (numbers >= lowest) & (numbers <= highest)
    return absent


def _numbers(
    codes: pd.DataFrame, keys: Series, reasons: Series, item: SurveyItem
) -> tuple["pd.Series[float]", "pd.Series[bool]"]:
    """Return the values, and which are invalid."""
    absent = keys.isna() | reasons.notna()
    values = pd.to_numeric(keys.mask(absent), errors="coerce").astype(float)
    if isinstance(item.age_in, str):
        values = pd.to_numeric(codes[item.age_in].map(code_key), errors="coerce") - values
    elif item.age_in is not None:
        values = float(item.age_in) - values
    low, high = item.range or (0 if item.age_in is not None else -np.inf, np.inf)
    return values, ~absent & ~(np.isfinite(values) & values.between(low, high))


def _words(
    survey: SurveyFile, codes: pd.DataFrame, keys: Series, reasons: Series, item: SurveyItem, language: str
) -> Series:
    value_labels = survey.value_labels.get(item.column, {})
    labels = item.labels(language)
    words = pd.Series(None, index=keys.index, dtype=object)
    # An option with conditions is the special case: it comes last and overrides the others.
    in_order = sorted(zip(item.options, labels, strict=True), key=lambda option: bool(option[0].when))
    for option, label in in_order:
        given = holds(survey, codes, option.when)
        if option.codes:
            given &= keys.isin(resolve_codes(option.codes, value_labels, f"column '{item.column}'"))
        elif not option.when:
            continue
        words = words.mask(given & (reasons.isna() | bool(option.when)), label)
    return words.astype(pd.CategoricalDtype(labels, ordered=item.scale == "ordinal"))
