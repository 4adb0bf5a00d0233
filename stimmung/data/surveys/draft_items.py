"""The lines of one item of a drafted codebook, each with what a person must still decide about it."""

import math
import re
from collections.abc import Callable, Sequence
from enum import Enum

import yaml

from stimmung.data.surveys.draft_columns import DraftColumn, says_only
from stimmung.data.surveys.draft_order import is_scale_of_numbers, order_of
from stimmung.data.surveys.draft_wording import folded
from stimmung.data.surveys.survey_codes import code_number
from stimmung.vocabulary.answer_options import MissingReason

_YEARS = (1800, 2100)
_AGE = re.compile(
    r"(^|[_. ])(age[a-z]?|alter|edad|idade|eta|leeftijd|wiek|alder|age of respondent|how old)($|[_. ])"
)
_BIRTH = re.compile(r"birth|geburt|born|naissance|nacimiento|nascimento|nascita|geboorte|urodz|yrbrn|f[oø]d")
_YEARS_OLD = {
    "en": "years",
    "de": "Jahre",
    "fr": "ans",
    "es": "años",
    "pt": "anos",
    "it": "anni",
    "nl": "jaar",
    "pl": "lat",
}
_YEARS_OLD |= dict.fromkeys(("sv", "da", "no"), "år")


class Question(Enum):
    """What the draft cannot know, in the order in which it is asked."""

    FRAME = "title, source, instruction and question are ours: are they what the respondent was told?"
    TELLS = "the same as the target, code for code: an item that gives the answer away? Then delete it"
    NO_WORDING = "the file has no wording for this column, and its name stands here: what was asked?"
    REWORDED = "a question number, or text for the interviewer, was taken out: is the rest what the respondent heard?"
    BIRTH = "a year of birth? Then `age_in` with the year of the survey makes it an age"
    VALUES = "words among numbers: are these their numbers?"
    NUMBERS = "the file has no words for these numbers: which are they, and is the scale right?"
    UNORDERED = "no order was recognised in these words: is the scale nominal?"
    REORDERED = "the words have an order that the codes do not have: is this the order?"
    GUESSED = "codes that stand apart and that nothing calls missing: are they, and is the reason right?"
    RARE = "an answer of fewer than five respondents, too few for five folds: left out; or does it belong to another, `code: [8, 9]`?"
    DOUBTFUL = "an answer, or is it missing? If missing: move the code to `missing`"
    MERGED = "several codes have the same value label: one answer?"
    SHORTENED = "the file has labels for more codes than any respondent has; only those that occur stand here: enough?"


Line = tuple[str, Question | None]


def item_lines(
    key: str, column: DraftColumn, language: str, seen: dict[str, str], as_options: bool
) -> list[Line]:
    """Return the lines of an item: with ``as_options`` never as a number.

    ``seen`` remembers blocks of options and of missing codes, so that the same one is only referred to.
    """
    wording = Question.NO_WORDING if not column.label else None
    if column.label and column.wording != " ".join(column.label.split()):
        wording = Question.REWORDED
    lines: list[Line] = [
        (f"  {key}:", None),
        (f"    column: {quoted(column.name)}", None),
        (f"    wording: {quoted(column.wording)}", wording),
    ]
    lines += (
        _number(column, language) if is_numeric(column) and not as_options else _options(key, column, seen)
    )
    return lines + _missing(key, column, seen)


def is_numeric(column: DraftColumn) -> bool:
    """Return whether an item is drafted as a number: amounts, or more numbers without words than a list of options has."""
    return column.is_number or (len(column.occurring) < 2 and bool(column.numbers))


def quoted(text: str) -> str:
    """Return text in YAML, in quotes."""
    return str(yaml.safe_dump(text, allow_unicode=True, default_style='"', width=10**6)).strip()


def _number(column: DraftColumn, language: str) -> list[Line]:
    texts = [folded(text) for text in (column.name, column.label)]
    numbers = [number for code in column.occurring if (number := code_number(code)) is not None]
    worded = {
        word: re.sub(r"\D", "", found[0]) for word in column.words if (found := re.search(r"\d[\d.,]*", word))
    }
    numbers += [float(number) for number in worded.values()]
    low, high = min(numbers), max(numbers)
    is_year = _YEARS[0] <= low and high <= _YEARS[1] and all(number.is_integer() for number in numbers)
    asked = Question.BIRTH if is_year and any(_BIRTH.search(text) for text in texts) else None
    lines: list[Line] = [("    scale: numeric", asked)]
    if not asked:  # the range of an age is not that of the years of birth
        lines.append((f"    range: [{_outward(low, math.floor)}, {_outward(high, math.ceil)}]", None))
    if worded:
        pairs = ", ".join(f"{quoted(word)}: {number}" for word, number in worded.items())
        lines.append((f"    values: {{{pairs}}}", Question.VALUES))
    if any(round(number, 2) != number for number in numbers):
        lines.append(("    decimals: 2", None))
    if (
        any(_AGE.search(text) for text in texts)
        and low >= 0
        and high <= 130
        and not asked
        and language in _YEARS_OLD
    ):
        lines.append((f"    format: {quoted(f'{{value}} {_YEARS_OLD[language]}')}", None))
    return lines


def _options(key: str, column: DraftColumn, seen: dict[str, str]) -> list[Line]:
    by_label: dict[str, list[str]] = {}
    for code in column.options:
        by_label.setdefault(column.labels.get(code, code), []).append(code)
    scale, labels, asked = _arranged(column, by_label)
    every = {*column.counts, *column.labels} - set(column.missing)
    shortened = Question.SHORTENED if len(every) > len(column.options) else None
    lines: list[Line] = []
    for label in labels:
        codes = by_label[label]
        code = _code(codes[0]) if len(codes) == 1 else f"[{', '.join(map(_code, codes))}]"
        note = "" if codes[0] in column.labels or not column.labels else "   # no value label in the file"
        note = "   # several codes have this value label" if len(codes) > 1 else note
        doubt = (
            Question.DOUBTFUL if column.doubtful(codes[0]) else Question.MERGED if len(codes) > 1 else None
        )
        lines.append((f"      - {{code: {code}, label: {quoted(label)}}}{note}", doubt))
    # The words of a battery's scale are then edited in one place; numbers without words may mean something else in each item.
    anchor = _anchor(lines, f"options_of_{key}", seen) if len(labels) > 2 and column.labels else ""
    of_options = [] if anchor.startswith(" *") else lines
    return [(f"    scale: {scale}", asked), (f"    options:{anchor}", shortened), *of_options]


def _arranged(column: DraftColumn, by_label: dict[str, list[str]]) -> tuple[str, list[str], Question | None]:
    """Return the scale, the labels in their order, and what is uncertain about it."""
    labels = list(by_label)
    if column.categories:
        place = {code: number for number, code in enumerate(column.categories)}
        return "ordinal", sorted(labels, key=lambda label: place.get(by_label[label][0], len(place))), None
    bare = {
        label
        for label in labels
        if by_label[label][0] not in column.labels or says_only(label, by_label[label][0])
    }
    numbers = [code_number(by_label[label][0]) for label in labels]
    if bare and all(number is not None for number in numbers):
        values = [number for number in numbers if number is not None]
        worded = [value for value, label in zip(values, labels, strict=True) if label not in bare]
        is_scale = is_scale_of_numbers(values, worded) and (bool(worded) or not column.has_name_of_groups())
        return "ordinal" if is_scale else "nominal", labels, None if is_scale and worded else Question.NUMBERS
    places = order_of(labels)
    if places is None:
        asked = Question.UNORDERED if len(labels) > 2 and not column.has_name_of_groups() else None
        return "nominal", labels, asked
    in_order_of_codes = places == list(range(len(labels)))
    # Words of a csv have no codes that could have another order.
    told = None if in_order_of_codes or None in numbers else Question.REORDERED
    return "ordinal", [labels[place] for place in places], told


def _missing(key: str, column: DraftColumn, seen: dict[str, str]) -> list[Line]:
    """Return the missing codes of an item, or a reference to the item that has the same."""
    lines: list[Line] = []
    for reason in MissingReason:
        codes = [code for code, why in column.missing.items() if why == reason]
        if not codes:
            continue
        words = list(dict.fromkeys(column.labels[code] for code in codes if code in column.labels))
        # One wording for several labels would be wrong for most of them, so none is proposed.
        label = f", label: {quoted(words[0])}" if len(words) == 1 and not column.rare & set(codes) else ""
        note = f"   # {'; '.join(words)}" if words and not label else ""
        code = ", ".join(map(_code, sorted(codes, key=_by_size)))
        asked = Question.GUESSED if column.guessed & set(codes) else None
        asked = Question.RARE if column.rare & set(codes) else asked
        lines.append((f"      - {{code: [{code}], reason: {reason.value}{label}}}{note}", asked))
    if not lines:
        return []
    anchor = _anchor(lines, f"missing_of_{key}", seen)
    if anchor.startswith(" *"):
        return [(f"    missing:{anchor}", Question.GUESSED if column.guessed else None)]
    return [(f"    missing:{anchor}", None), *lines]


def _anchor(lines: Sequence[Line], name: str, seen: dict[str, str]) -> str:
    """Return YAML's reference to lines that an earlier item has, or the name by which later ones may refer to these."""
    block = "\n".join(text for text, _ in lines)
    if block in seen:
        return f" *{seen[block]}"
    seen[block] = name
    return f" &{name}"


def _by_size(code: str) -> tuple[float, str]:
    return code_number(code) or 0.0, code


def _outward(number: float, to_whole: Callable[[float], int]) -> str:
    """Return an end of a range. Amounts are rounded outward to two digits: the highest income would tell whose it is."""
    if number.is_integer() and (abs(number) < 1000 or _YEARS[0] <= number <= _YEARS[1]):
        return f"{number:.0f}"
    step = 0.01 if abs(number) < 1000 else 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    return f"{round(to_whole(number / step) * step, 2):.15g}"


def _code(key: str) -> str:
    """Return a code in YAML that is read back as the same code."""
    return key if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", key) else quoted(key)


def keys_of(columns: Sequence[DraftColumn]) -> dict[str, str]:
    """Return a unique key for each column that is a plain word in YAML."""
    keys: dict[str, str] = {}
    for column in columns:
        plain = re.sub(r"\W+", "_", column.name.lower()).strip("_") or "item"
        # Columns of the respondents table, and what YAML would read as a boolean or a number.
        taken = plain in ("weight", "respondent_id") or not isinstance(yaml.safe_load(plain), str)
        plain = f"item_{plain}" if taken else plain
        key, number = plain, 2
        while key in keys.values():
            key, number = f"{plain}_{number}", number + 1
        keys[column.name] = key
    return keys
