"""What a column of a survey file probably is: an item with options, a number, or no item at all, and why not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from stimmung.data.surveys.draft_missing import (
    is_doubtful,
    is_end_of_scale,
    missing_numbers,
    reason_in,
    reason_within,
)
from stimmung.data.surveys.draft_wording import folded, spoken, without_codes
from stimmung.data.surveys.survey_codes import SurveyFile, code_key, code_number
from stimmung.vocabulary.answer_options import Code, MissingReason

# All limits are choices.
MOST_OPTIONS = 30  # of an item that is not named
HIGHEST_UNLABELLED = 12  # a number without a label is a code up to here, and an amount above …
FEW_AMOUNTS = 5  # … unless there are no more than these, and two rows or more have each
LONGEST_WORDS = (
    40  # characters of an answer; longer ones are respondents' own words unless many gave the same
)
FEWEST_IDENTIFIERS = (
    100  # different values of a column that is taken for an identifier by its name or values only
)
_IDENTIFIER = re.compile(
    r"(^|[_. ])(id|idno|uuid|guid|lfdn(r)?|serial|ident\w*|(case|resp|respondent|person|personen|household|hh|"
    r"record|interview)[_ ]?(id|no|nr|num|number|nummer)?|nomem\w*)$"
)
_WEIGHT = re.compile(
    r"(?<![a-z])([a-z]*(weight|wei?gh?t|wght|wgt|gewicht|gewichtung)\w*|wt[a-z]*\d*|w\d*|pond\w*|poids|peso)(?![a-z])"
)
_NO_WEIGHT = re.compile(r"\b(kg|kilo\w*|lbs?|pounds?|body|korper\w*|overweight|height)\b")
_DATE = re.compile(
    r"\d{4}(-\d\d?|[qhw]\d+)|\d{4}-\d\d?-\d\d?([ T].*)?|\d\d?[./]\d\d?[./]\d{2,4}( .*)?|\d\d?:\d\d(:\d\d)?"
)
_DATE_NAME = re.compile(
    r"(^|[_ ])(date|datum|fecha|datetime|timestamp|(start|end|begin)[_ ]?(time|date)?|(int|interview)[_ ]?(time|"
    r"date|datum))($|[_ ])"
)
_NAMES = re.compile(
    r"(^|[_. ])(region\w*|state|marital|married|race|ethnic\w*|relig\w*|denom\w*|konf\w*|party|partei|vote\w*|"
    r"wahl\w*|occup\w*|job|country|cntry|land|"
    r"bundesland|language|sex|gender|gndr|geschlecht|wrkstat|district|county|city)($|[_. \d])"
)


@dataclass(frozen=True)
class DraftColumn:
    """A column of the file with its labels, and what they say of its codes."""

    name: str
    label: str  # the variable label, as it stands in the file
    n_rows: int
    counts: dict[str, int]  # rows by code, in the order of the codes
    labels: dict[str, str]  # value label by code, without interviewer's text
    missing: dict[str, MissingReason]
    guessed: frozenset[str]  # those of the missing codes that no label and no declaration calls missing
    categories: tuple[str, ...]  # in their order, if the file gives one
    rare: frozenset[str] = (
        frozenset()
    )  # those of the missing codes that are answers, of too few respondents to be predicted

    @property
    def wording(self) -> str:
        """The label as the respondent heard it, or the name in plain words."""
        return spoken(self.label) or re.sub(r"[._]+", " ", self.name).strip() or self.name

    @cached_property
    def occurring(self) -> list[str]:
        """The codes of answers that rows have."""
        return [code for code in self.counts if code not in self.missing]

    @cached_property
    def options(self) -> list[str]:
        """The codes of answers: those that occur or have a label, of long lists only those that occur."""
        every = sorted({*self.counts, *self.labels} - set(self.missing), key=in_order)
        return every if len(every) <= MOST_OPTIONS or len(self.occurring) < 2 else self.occurring

    @cached_property
    def words(self) -> dict[str, int]:
        """Rows by answer, of answers that are words without a label."""
        return {
            code: self.counts[code]
            for code in self.occurring
            if code not in self.labels and code_number(code) is None
        }

    @cached_property
    def numbers(self) -> list[float]:
        """The answers that are numbers without a word, in order."""
        codes = [
            code for code in self.occurring if code not in self.labels or says_only(self.labels[code], code)
        ]
        return sorted(number for code in codes if (number := code_number(code)) is not None)

    @property
    def is_number(self) -> bool:
        """Whether the values are amounts rather than codes: many, and a quarter of them no small whole number."""
        amounts = [
            number for number in self.numbers if not number.is_integer() or abs(number) > HIGHEST_UNLABELLED
        ]
        mostly = 2 * len(self.numbers) > len(self.occurring)
        n = len(self.numbers)
        few = n <= FEW_AMOUNTS and sum(self.counts[code] for code in self.occurring) >= 2 * len(
            self.occurring
        )
        many = n > MOST_OPTIONS or (not few and 4 * len(amounts) > n)
        return mostly and many and len(self.words) <= len(self.numbers) // 10

    def has_name_of_groups(self) -> bool:
        """Whether the column is named after something that has no order, such as a region."""
        return any(_NAMES.search(folded(text)) for text in (self.name, self.label))

    def doubtful(self, code: str) -> bool:
        """Return whether an answer may be an absent one: "none", "undecided"."""
        return is_doubtful(self.labels.get(code, code), [self.labels.get(one, one) for one in self.options])

    def no_item(self) -> str | None:
        """Return why the column is probably no item; None if it is one."""
        n_different, n_valid = len(self.occurring), sum(self.counts[code] for code in self.occurring)
        texts = [folded(text) for text in (self.name, self.label) if text]
        numbers = [number for code in self.occurring if (number := code_number(code)) is not None]
        all_numbers = bool(numbers) and len(numbers) == n_different
        if not self.occurring:
            return "it has no answer in any row"
        if (
            all_numbers
            and min(numbers) > 0
            and not all(number.is_integer() for number in numbers)
            and _is_weight(texts)
        ):
            return "it looks like a survey weight"
        if n_different == 1:
            return "all rows have the same answer"
        dates = sum(_DATE.fullmatch(code) is not None for code in self.occurring)
        if 2 * dates > n_different or (
            any(_DATE_NAME.search(text) for text in texts) and all_numbers and max(numbers) > 10**6
        ):
            return "it has dates or times"
        named = any(_IDENTIFIER.search(text) for text in texts)
        if n_different == n_valid == self.n_rows and self._is_code_like(numbers, named):
            return "it looks like an identifier: another value in every row"
        if named and n_different > max(FEWEST_IDENTIFIERS, self.n_rows / 20):
            return "it looks like an identifier, by its name"
        return None

    @property
    def has_own_words(self) -> bool:
        """Whether the column probably holds respondents' own words, which a codebook must not copy."""
        counts, n = self.words, len(self.words)
        if n == 0 or 2 * n <= len(self.occurring):
            return False
        once = sum(count == 1 for count in counts.values())
        each = sum(counts.values()) / n
        sentences = sum(len(word.split()) > 2 or len(word) > LONGEST_WORDS for word in counts)
        spelt = len({folded(word).strip(".!? ") for word in counts})
        return (
            (n > 7 and 3 * once >= n)
            or (each < 1.5 and self.n_rows >= 20)
            or (n > 2 and each < 2 and 2 * sentences >= n)
            or (n > 2 and each < 3 and any(len(word) > LONGEST_WORDS for word in counts))
            or (n > 7 and spelt < n)
        )

    def _is_code_like(self, numbers: list[float], named: bool) -> bool:
        if len(numbers) == len(self.occurring):
            whole = all(number.is_integer() for number in numbers)
            return whole and (named or len(numbers) >= FEWEST_IDENTIFIERS)
        tokens = all(" " not in code and re.search(r"\d", code) for code in self.occurring)
        return named or (tokens and len(self.occurring) >= 20)


def _is_weight(texts: Sequence[str]) -> bool:
    return any(_WEIGHT.search(text) for text in texts) and not any(_NO_WEIGHT.search(text) for text in texts)


def describe_column(survey: SurveyFile, name: str) -> DraftColumn:
    """Return a column with its labels, its missing codes, and the reasons that labels or numbers give for them."""
    column = survey.codes[name]
    counts: dict[str, int] = {}
    for code, n in column.astype(object).value_counts().items():
        if (key := code_key(code)) is not None:
            counts[key] = counts.get(key, 0) + int(n)
    counts = {key: counts[key] for key in sorted(counts, key=in_order)}
    found = {
        code_key(code): spoken(text)
        for code, text in survey.value_labels.get(name, {}).items()
        if text.strip()
    }
    labels = without_codes({code: text for code, text in found.items() if code is not None})
    said = _missing_by_label(counts, labels, survey.missing_ranges.get(name, []))
    guessed = _missing_by_number(counts, labels, said)
    label = survey.variable_labels.get(name, "")
    described = DraftColumn(
        name,
        label,
        len(column),
        counts,
        labels,
        {**said, **guessed},
        frozenset(guessed),
        tuple(survey.orders.get(name, ())),
    )
    # Words among amounts that name none, "unknown", can only be missing; "89 or older" has a number.
    nameless = [word for word in described.words if described.is_number and not re.search(r"\d", word)]
    if not nameless:
        return described
    missing = {**described.missing, **dict.fromkeys(nameless, MissingReason.NO_ANSWER)}
    return replace(described, missing=missing, guessed=described.guessed | set(nameless))


def in_order(code: str) -> tuple[bool, float, str]:
    """Return what sorts codes: numbers by size, then words."""
    number = code_number(code)
    return number is None, number or 0.0, code


def says_only(label: str, code: str) -> bool:
    """Return whether a value label is only the code again: 5 for 5."""
    return code_key(label) == code


def _missing_by_label(
    counts: Mapping[str, int], labels: Mapping[str, str], declared: list[tuple[Code, Code]]
) -> dict[str, MissingReason]:
    """Return the codes that a label, the file or Stata's extended letters call missing, with the reason."""
    every = sorted({*counts, *labels}, key=in_order)
    # The missing values of Stata and SAS are letters among numbers.
    letters = {code for code in every if re.fullmatch(r"\.?[A-Za-z]", code)}
    if len(letters) == len(every) or any(code_number(code) is None for code in every if code not in letters):
        letters = set()
    worded = {code: labels.get(code, code) for code in every if code in labels or code_number(code) is None}
    missing = {}
    for code in every:
        label = worded.get(code, "")
        reason = reason_in(label) if label and not is_end_of_scale(label, worded.values()) else None
        if _is_declared(code, declared) or code in letters:
            reason = reason or reason_within(label) or MissingReason.NO_ANSWER
        if reason is not None:
            missing[code] = reason
    return missing


def _missing_by_number(
    counts: Mapping[str, int], labels: Mapping[str, str], said: Mapping[str, MissingReason]
) -> dict[str, MissingReason]:
    codes = {
        number: code for code in {*counts, *labels} - set(said) if (number := code_number(code)) is not None
    }
    unlabelled = {number for number, code in codes.items() if code not in labels}
    # In a column of amounts, a label that names no amount says what a code means instead: "999 Pas de revenu".
    mostly = 2 * len(unlabelled) > len(codes)
    odd = {
        number
        for number, code in codes.items()
        if code in labels
        and (number < 0 or reason_within(labels[code]) or (mostly and not re.search(r"\d", labels[code])))
    }
    found = missing_numbers(sorted(codes), unlabelled | odd)
    guessed = {}
    for number, reason in found.items():
        label = labels.get(codes[number], "")
        guessed[codes[number]] = (reason_within(label) if label else None) or (
            MissingReason.NO_ANSWER if label else reason
        )
    return guessed


def _is_declared(code: str, declared: list[tuple[Code, Code]]) -> bool:
    number = code_number(code)
    return any(
        code == code_key(low) if isinstance(low, str) else number is not None and low <= number <= float(high)
        for low, high in declared
    )
