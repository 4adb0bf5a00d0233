"""Code one survey item: from the codes of its columns to answers, and to the reasons why some are missing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from stimmung.data.surveys.survey_codes import SurveyFile, code_key, code_number
from stimmung.vocabulary.answer_options import Code, MissingReason
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.number_bins import bin_of
from stimmung.vocabulary.row_rules import COMPARISONS, RowRule, Wanted
from stimmung.vocabulary.survey_item import SurveyItem

Conditions = Mapping[str, Wanted]  # column to codes or value labels, or to a rule
Series: TypeAlias = "pd.Series[Any]"

_SHOWN = 5  # unknown codes in one message
# Of several columns' reasons, what the respondent said counts before what was not asked.
_BY_CONTENT = (
    MissingReason.REFUSED,
    MissingReason.DONT_KNOW,
    MissingReason.NO_ANSWER,
    MissingReason.NOT_APPLICABLE,
    MissingReason.FILTER,
)
_CODE_LENGTH = 24  # a column of verbatim answers must not end up in a message


@dataclass(frozen=True)
class Coded:
    """One item of all respondents; series of shape (n_respondents,), but for ``unknown``."""

    answers: Series  # a categorical of all option labels, or floats; NA where the answer is absent
    # A categorical of MissingReason values, NA where there is an answer; None if the item declares no missing code.
    reasons: "Series | None"
    unknown: Series  # the codes, by respondent, that are not in the codebook
    n_ambiguous: int = 0  # respondents with another valid answer in a later column of the item


def code_item(survey: SurveyFile, codes: pd.DataFrame, item: SurveyItem, language: str) -> Coded:
    """Return the answers to one item.

    ``codes`` are the rows of the file that are kept; value labels and declared missing codes come from ``survey``.

    Raises
    ------
    InputError
        If the codebook names a value label that several codes have.
    """
    columns = [_code_column(survey, codes, item, column, language) for column in item.own_columns]
    answers, n_ambiguous = columns[0][0], 0
    for later, _, _ in columns[1:]:
        both = answers.notna() & later.notna()
        n_ambiguous += int((answers[both] != later[both]).sum())
        answers = answers.where(answers.notna(), later)
    unknown = pd.concat([odd for _, _, odd in columns])
    if item.options and item.is_number:
        labels = pd.CategoricalDtype(item.labels(language), ordered=True)
        places = bin_of(answers, item.number_bins)
        answers = pd.Series(pd.Categorical.from_codes(places, dtype=labels), index=answers.index)
    if not item.missing:
        return Coded(answers, None, unknown, n_ambiguous)
    reasons = pd.Series(None, index=codes.index, dtype=object)
    for reason in _BY_CONTENT:
        given = np.any([found == reason.value for _, found, _ in columns], axis=0)
        reasons = reasons.mask(given & reasons.isna(), reason.value)
    reasons = reasons.mask(reasons.isna() & ~reasons.index.isin(unknown.index), MissingReason.NO_ANSWER.value)
    # An answer that other columns decide takes precedence over a missing code in the item's own column.
    reasons = reasons.mask(answers.notna())
    kinds = pd.CategoricalDtype([reason.value for reason in MissingReason])
    return Coded(answers, reasons.astype(kinds), unknown, n_ambiguous)


def _code_column(
    survey: SurveyFile, codes: pd.DataFrame, item: SurveyItem, column: str, language: str
) -> tuple[Series, Series, Series]:
    """Return an item's answers in one of its columns, the reasons of missing codes, and the unknown codes."""
    keys = codes[column].map(code_key).astype(object)
    labels = survey.value_labels.get(column, {})
    reasons = _reasons(keys, item, column, labels)
    if item.is_number:
        numbers = {
            key: number
            for code, number in item.values.items()
            for key in resolve_codes([code], labels, f"column '{column}'")
        }
        answers, unknown = _numbers(codes, keys, reasons, item, numbers)
        declared = _declared_missing(keys, survey.missing_ranges.get(column, []))
        unknown |= reasons.isna() & declared & ~keys.isin(list(numbers))
    else:
        answers = _words(survey, codes, keys, reasons, item, column, language)
        unknown = keys.notna() & reasons.isna() & answers.isna()
    return answers, reasons, keys[unknown]


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


def places_of_options(
    item: SurveyItem, labels: Mapping[Code, str], languages: Iterable[str], where: str
) -> dict[str | None, int]:
    """Return the place of each option of an item by its codes and by its words in all ``languages``; errors as of resolve_codes."""
    place_of: dict[str | None, int] = {}
    for place, option in enumerate(item.options):
        place_of |= dict.fromkeys(resolve_codes(option.codes, labels, where), place)
    for language in languages:
        for place, words in enumerate(item.labels(language)):
            place_of.setdefault(code_key(words), place)
    return place_of


def holds(survey: SurveyFile, codes: pd.DataFrame, conditions: Conditions) -> "pd.Series[bool]":
    """Return which rows of ``codes`` have, in every column of ``conditions``, one of its codes or value labels, or fulfil its rule.

    Raises
    ------
    InputError
        If several codes have a value label, or a rule compares numbers with words.
    """
    kept = pd.Series(True, index=codes.index)
    for column, wanted in conditions.items():
        keys = codes[column].map(code_key).astype(object)
        if isinstance(wanted, RowRule):
            kept &= _fulfils(keys, wanted, column, survey.missing_ranges.get(column, []))
        else:
            kept &= keys.isin(
                resolve_codes(wanted, survey.value_labels.get(column, {}), f"column '{column}'")
            )
    return kept


def _fulfils(
    keys: Series, rule: RowRule, column: str, missing: Sequence[tuple[Code, Code]]
) -> "pd.Series[bool]":
    has_value = keys.notna() & ~_declared_missing(keys, missing)
    kept = ~has_value if rule.empty else has_value
    numbers = pd.to_numeric(keys, errors="coerce")
    for name, bound in rule.bounds.items():
        number = code_number(str(bound))
        # ISO dates are in their order as texts.
        values, limit = (keys, str(bound)) if number is None else (numbers, number)
        odd = keys[has_value & (numbers.isna() if number is not None else numbers.notna())]
        if not odd.empty:
            raise InputError(
                f"column '{column}': {name} {bound} cannot be compared with {len(odd)} of {int(has_value.sum())} values, "
                f"such as '{shortened(odd.iloc[0])}'",
                "Bounds are numbers, or dates as 2017-09-24. Name codes or value labels in a list instead.",
            )
        kept &= COMPARISONS[name](values[has_value], limit).reindex(keys.index, fill_value=False)
    return kept


def describe_unknown(name: str, item: SurveyItem, unknown: Series, value_labels: Mapping[Code, str]) -> str:
    """Return a message about codes that are not in the codebook: each with its value label and the number of rows."""
    label_of = {code_key(code): label for code, label in value_labels.items()}
    by_code = unknown.value_counts().sort_index(key=lambda keys: keys.astype(str))
    counts = by_code.sort_values(ascending=False, kind="stable")
    named = [code for option in item.options for code in option.codes if isinstance(code, str)]
    shown = []
    for code, count in counts.head(_SHOWN).items():
        text = shortened(code)
        label = label_of.get(str(code))
        if label is not None:
            # The codebook may spell the value label differently.
            text += f" ('{label}'{did_you_mean(label, named)})"
        shown.append(f"{text} in {count} rows")
    more = f" and {len(counts) - _SHOWN} more codes" if len(counts) > _SHOWN else ""
    kind = "unknown code"
    if item.is_number:
        kind = "no whole number" if item.options and item.has_single_numbers else "no number"
    if item.range is not None:
        kind += f" from {item.range[0]:g} to {item.range[1]:g}:"
    columns = "' or '".join(item.own_columns)
    return f"item '{name}' (column '{columns}'): {kind} {', '.join(shown)}{more}"


def shortened(code: object) -> str:
    """Return a code as it may stand in a message: verbatim answers are cut."""
    return str(code) if len(str(code)) <= _CODE_LENGTH else f"{str(code)[:_CODE_LENGTH]}…"


def _reasons(keys: Series, item: SurveyItem, column: str, labels: Mapping[Code, str]) -> Series:
    reasons = pd.Series(None, index=keys.index, dtype=object)
    for missing in reversed(item.missing):
        if missing.range is not None:
            absent = _declared_missing(keys, [missing.range])
        else:
            absent = keys.isin(resolve_codes(missing.codes, labels, f"column '{column}'"))
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
    codes: pd.DataFrame, keys: Series, reasons: Series, item: SurveyItem, numbers: Mapping[str, float]
) -> tuple["pd.Series[float]", "pd.Series[bool]"]:
    """Return the values, and which are invalid; ``numbers``: those of words and top codes."""
    absent = keys.isna() | reasons.notna()
    if numbers:
        keys = keys.map(lambda key: numbers.get(key, key))
    if item.age_in is not None:
        keys = keys.map(_year)
    values = pd.to_numeric(keys.mask(absent), errors="coerce").astype(float)
    if isinstance(item.age_in, str):
        years = codes[item.age_in].map(code_key).astype(object).map(_year)
        values = pd.to_numeric(years, errors="coerce") - values
    elif item.age_in is not None:
        values = float(item.age_in) - values
    low, high = item.range or (0 if item.age_in is not None else -np.inf, np.inf)
    valid = np.isfinite(values) & values.between(low, high)
    if item.options and item.has_single_numbers:
        valid &= values % 1 == 0  # the answers are whole numbers
    return values, ~absent & ~valid


def _year(key: Any) -> Any:
    """Return the year of a date, or what is no date as it is."""
    date = re.match(r"(\d{4})-\d\d", key) if isinstance(key, str) else None
    return key if date is None else date[1]


def _words(
    survey: SurveyFile,
    codes: pd.DataFrame,
    keys: Series,
    reasons: Series,
    item: SurveyItem,
    column: str,
    language: str,
) -> Series:
    value_labels = survey.value_labels.get(column, {})
    labels = item.labels(language)
    words = pd.Series(None, index=keys.index, dtype=object)
    # An option with conditions is the special case: it comes last and overrides the others.
    in_order = sorted(zip(item.options, labels, strict=True), key=lambda option: bool(option[0].when))
    for option, label in in_order:
        given = holds(survey, codes, option.when)
        if option.codes:
            given &= keys.isin(resolve_codes(option.codes, value_labels, f"column '{column}'"))
        elif not option.when:
            continue
        words = words.mask(given & (reasons.isna() | bool(option.when)), label)
    return words.astype(pd.CategoricalDtype(labels, ordered=item.scale == "ordinal"))
