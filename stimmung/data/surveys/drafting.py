"""Draft a codebook from the labels in a survey file: a starting point that a person must edit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

import yaml

from stimmung.data.surveys.survey_files import SurveyFile, code_key, code_number
from stimmung.vocabulary.codebook import Code, MissingReason
from stimmung.vocabulary.errors import InputError

# All limits are choices.
MOST_COLUMNS = 40  # of a file whose items are not named
MOST_OPTIONS = 30  # of one item; a column with more values has words or numbers
HIGHEST_UNLABELLED = 12  # a number without a label is a code up to here, and an amount above
LONGEST_UNLABELLED = 40  # characters of a word without a label; longer ones are open answers
# How archives label missing answers, in English and German; used only to propose a reason.
_REASONS = [
    (MissingReason.REFUSED, r"refus|verweiger|keine angabe|no answer given|\bk\.?a\.?\b"),
    (MissingReason.DONT_KNOW, r"don'?t know|do not know|wei(ss|ß) (es )?nicht|not sure|\bdk\b"),
    (MissingReason.FILTER, r"trifft nicht zu|filter|skip|\binap"),
    (
        MissingReason.NOT_APPLICABLE,
        r"not applicable|nicht teilgenommen|nicht in auswahl|not asked|\bsplit\b|\bmodus\b|no post",
    ),
    (MissingReason.NO_ANSWER, r"missing|no answer|abgebrochen|breakoff|fehler in daten|technical error"),
]
_HEAD = Template("""\
# Drafted from ${source} by `stimmung draft-codebook`.
# Still to be decided, by a person who has the questionnaire:
#  1. the instruction, and each item's wording as the respondent heard it (languages: more than one is possible)
#  2. scale: ordinal where the options have an order; list them in that order
#  3. missing codes: whether the reason is right, and its wording in the prompt (no label: the item is left out)
#  4. codes that belong together: `code: [1, 2]`; an answer that another column decides: `when: {COLUMN: [codes]}`
#     docs/codebooks.md explains every key.
# Then: stimmung check STUDY, and stimmung prompts STUDY --show 3
${left_out}title: ${title}
source: ${origin}   # to do
languages: [${language}]
instruction: "How does this respondent answer? One of: {options}."   # to do
question: ${question}
target: ${target}

items:
""")


@dataclass(frozen=True)
class _Column:
    """A column of the file, with its labels."""

    name: str
    label: str
    values: list[str]  # the codes that occur, as keys, in order
    labels: dict[str, str]  # key to value label
    missing: dict[str, MissingReason]

    @property
    def options(self) -> list[str]:
        """The codes of answers: those that occur or have a label."""
        return sorted({*self.values, *self.labels} - set(self.missing), key=_in_order)

    @property
    def scale(self) -> str | None:
        """The likely scale; None for a column of words."""
        unlabelled = [code for code in self.options if code not in self.labels]
        numbers = [number for code in unlabelled if (number := code_number(code)) is not None]
        if len(numbers) == len(unlabelled) and any(
            not number.is_integer() or abs(number) > HIGHEST_UNLABELLED for number in numbers
        ):
            return "numeric"
        if any(len(code) > LONGEST_UNLABELLED for code in unlabelled):
            return None
        return "nominal" if 2 <= len(self.options) <= MOST_OPTIONS else None


def draft_codebook(
    survey: SurveyFile,
    *,
    source: str,
    target: str,
    items: Sequence[str] = (),
    language: str = "en",
    leave_out: Sequence[str] = (),
) -> str:
    """Return a codebook in YAML, with comments that say what a person must still decide.

    It contains the file's codes and labels, but no row and no count; columns of words are left out.

    Parameters
    ----------
    source
        The file, for the header.
    items
        The columns of the items other than the target, in the order of the prompt. Empty: all, if the file has few.
    leave_out
        Columns that are not items, such as the weight.

    Raises
    ------
    InputError
        If there are too many columns to choose from, or the target is numeric or has fewer than two answers.
    """
    names = list(items) or [str(name) for name in survey.codes if name not in (target, *leave_out)]
    if not items and len(names) > MOST_COLUMNS:
        raise InputError(
            f"{source} has {len(names)} columns; a prompt has a dozen items",
            "Name the columns of the items: --items COLUMN COLUMN …",
        )
    columns = {name: _described(survey, name) for name in [*names, target]}
    if columns[target].scale != "nominal":
        raise InputError(
            f"{source}: target '{target}' has no answers to choose from",
            f"A target needs 2 to {MOST_OPTIONS} codes. Name another column with --target.",
        )
    kept = {name: column for name, column in columns.items() if column.scale is not None}
    seen: dict[str, str] = {}
    keys = _keys([*kept.values()])
    wording = columns[target].label or target
    file = source.rsplit("/", 1)[-1]
    dropped = [name for name in columns if name not in kept]
    header = _HEAD.substitute(
        source=source,
        left_out="".join(
            f"# Left out, because it has words, only one value, or too many: {name}\n" for name in dropped
        ),
        title=_quoted(file),
        origin=_quoted(f"where {file} comes from, and under which terms"),
        language=language,
        question=_quoted(wording.rstrip(":? ") + ":"),
        target=keys[target],
    )
    lines: list[str] = []
    for name, column in kept.items():
        lines += [*_item(keys[name], column), *_missing(keys[name], column, seen)]
    return header + "\n".join(lines) + "\n"


def _described(survey: SurveyFile, name: str) -> _Column:
    keys = survey.codes[name].map(code_key)
    values = sorted(keys.dropna().unique(), key=_in_order)
    labels = {str(code_key(code)): label.strip() for code, label in survey.value_labels.get(name, {}).items()}
    declared = survey.missing_ranges.get(name, [])
    missing = {
        code: reason
        for code in {*values, *labels}
        if (reason := _reason(code, labels.get(code, ""), declared, values)) is not None
    }
    return _Column(name, survey.variable_labels.get(name, ""), values, labels, missing)


def _reason(
    code: str, label: str, declared: Sequence[tuple[Code, Code]], values: Sequence[str]
) -> MissingReason | None:
    """Return why the code means a missing answer; None if it seems to be an answer."""
    number = code_number(code)
    is_declared = any(
        code == code_key(low) if isinstance(low, str) else number is not None and low <= number <= float(high)
        for low, high in declared
    )
    # Archives use negative codes for missing answers to items whose other codes are positive.
    has_positive = any((code_number(one) or 0) > 0 for one in values)
    is_odd = number is not None and number < 0 and bool(label) and has_positive
    if not (is_declared or is_odd):
        return None
    said = (reason for reason, pattern in _REASONS if re.search(pattern, label, re.IGNORECASE))
    return next(said, MissingReason.NO_ANSWER)


def _item(key: str, column: _Column) -> list[str]:
    lines = [f"  {key}:", f"    column: {_quoted(column.name)}"]
    lines.append(f"    wording: {_quoted(column.label or column.name)}")
    if column.scale == "numeric":
        lines.append("    scale: numeric")
    else:
        lines += ["    scale: nominal", "    options:"]
        by_label: dict[str, list[str]] = {}
        for code in column.options:
            by_label.setdefault(column.labels.get(code, code), []).append(code)
        for label, codes in by_label.items():
            code = _code(codes[0]) if len(codes) == 1 else f"[{', '.join(map(_code, codes))}]"
            note = "" if codes[0] in column.labels or not column.labels else "   # no value label in the file"
            note = "   # several codes have this value label" if len(codes) > 1 else note
            lines.append(f"      - {{code: {code}, label: {_quoted(label)}}}{note}")
    return lines


def _missing(key: str, column: _Column, seen: dict[str, str]) -> list[str]:
    """Return the missing codes of an item, or a reference to the item that has the same."""
    lines = []
    for reason in MissingReason:
        codes = sorted((code for code, why in column.missing.items() if why == reason), key=_in_order)
        if not codes:
            continue
        words = list(dict.fromkeys(column.labels[code] for code in codes if code in column.labels))
        # One wording for several labels would be wrong for most of them, so none is proposed.
        label = f", label: {_quoted(words[0])}" if len(words) == 1 else ""
        note = f"   # {'; '.join(words)}" if len(words) > 1 else ""
        code = ", ".join(map(_code, codes))
        lines.append(f"      - {{code: [{code}], reason: {reason.value}{label}}}{note}")
    if not lines:
        return []
    block = "\n".join(lines)
    if block in seen:
        return [f"    missing: *{seen[block]}"]
    seen[block] = f"missing_of_{key}"
    return [f"    missing: &{seen[block]}", *lines]


def _keys(columns: Sequence[_Column]) -> dict[str, str]:
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


def _in_order(code: str) -> tuple[bool, float, str]:
    number = code_number(code)
    return number is None, number or 0.0, code


def _code(key: str) -> str:
    """Return a code in YAML that is read back as the same code."""
    return key if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", key) else _quoted(key)


def _quoted(text: str) -> str:
    line = yaml.safe_dump(text, allow_unicode=True, default_style='"', width=10**6)
    return str(line).strip()
