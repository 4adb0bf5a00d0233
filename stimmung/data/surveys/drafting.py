"""Draft a codebook from a survey file: what its labels and codes say, and a list of questions about what they do not say."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from stimmung.data.surveys.draft_columns import MOST_OPTIONS, DraftColumn, describe_column
from stimmung.data.surveys.draft_items import Line, Question, is_numeric, item_lines, keys_of, quoted
from stimmung.data.surveys.survey_codes import SurveyFile, code_key
from stimmung.vocabulary.answer_options import MissingReason
from stimmung.vocabulary.errors import InputError

MOST_ITEMS = 40  # of a file whose items are not named; a choice
MOST_NAMED = 200  # options of an item that is named; a choice
_FEWEST_ROWS = 20  # by which two columns are said to be alike; a choice
_FOLDS = 5  # the config's default: each fold needs a respondent with each answer
_WIDTH = 120  # characters of a line of the head
_INSTRUCTIONS = {
    "en": "How does this respondent answer? One of: {options}.",
    "de": "Wie antwortet diese Person? Eine der Antworten: {options}.",
    "fr": "Que répond cette personne ? Une de ces réponses : {options}.",
    "es": "¿Qué responde esta persona? Una de: {options}.",
    "pt": "O que responde esta pessoa? Uma de: {options}.",
    "it": "Che cosa risponde questa persona? Una di: {options}.",
    "nl": "Wat antwoordt deze persoon? Een van: {options}.",
    "pl": "Jak odpowiada ta osoba? Jedna z odpowiedzi: {options}.",
    "sv": "Vad svarar den här personen? Ett av: {options}.",
}


@dataclass(frozen=True)
class Draft:
    """A drafted codebook."""

    text: str  # YAML, with its questions at the head
    left_out: dict[str, str]  # column to the reason
    n_questions: int


def draft_codebook(
    survey: SurveyFile,
    *,
    source: str,
    target: str,
    items: Sequence[str] = (),
    language: str = "en",
    leave_out: Sequence[str] = (),
) -> Draft:
    """Return a codebook in YAML, at whose head stands what a person must still decide, with the lines.

    It contains the file's codes and labels, but no row and no count. Identifiers, weights, constants, dates and what says the same
    as an earlier item are left out unless they are named, respondents' own words always.

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
        If there are too many columns to choose from, or the target has fewer than two answers, too many, or respondents' own words.
    """
    names = list(items) or [str(name) for name in survey.codes if name not in (target, *leave_out)]
    columns = {
        name: describe_column(survey, name)
        for name in dict.fromkeys([*names, target])
        if name in survey.codes
    }
    left_out = dict.fromkeys(leave_out, "named as the weight")
    for name, column in columns.items():
        if (
            reason := _why_not(column, is_named=name in items or name == target, is_target=name == target)
        ) is not None:
            left_out[name] = reason
    if target in left_out:
        raise InputError(
            f"{source}: target '{target}' cannot be predicted: {left_out[target]}",
            "A target needs two answers or more. Name another column with --target.",
        )
    kept = {name: column for name, column in columns.items() if name not in left_out}
    twins = _twins(survey, kept, target)
    if not items:
        left_out |= {
            name: f"it says the same as '{other}', code for code"
            for name, other in twins.items()
            if other != target
        }
        kept = {name: column for name, column in kept.items() if name not in left_out}
    if not items and len(kept) - 1 > MOST_ITEMS:
        raise InputError(
            f"{source} has {len(kept) - 1} columns that could be items; a prompt has a dozen items",
            "Name the columns of the items: --items COLUMN COLUMN …",
        )
    kept[target] = _without_rare(kept[target])
    keys = keys_of([*kept.values()])
    file = source.rsplit("/", 1)[-1]
    identifier = next((name for name, why in left_out.items() if "another value in every row" in why), None)
    lines = _frame(file, keys[target], columns[target].wording, language, identifier)
    seen: dict[str, str] = {}
    for name, column in kept.items():
        of_item = item_lines(keys[name], column, language, seen, as_options=name == target)
        if twins.get(name) == target:
            of_item[0] = (of_item[0][0], Question.TELLS)
        lines += of_item
    text, n_questions = _with_head(source, _without_idle_anchors(lines), left_out)
    return Draft(text, left_out, n_questions)


def _why_not(column: DraftColumn, *, is_named: bool, is_target: bool) -> str | None:
    """Return why a column cannot be an item, or, if it is not named, is probably none."""
    no_item, n = column.no_item(), len(column.options)
    if column.has_own_words:
        return no_item or "it seems to hold respondents' own words, which are never copied"
    if (
        is_target
        and is_numeric(column)
        and (n > MOST_OPTIONS or not all(one.is_integer() for one in column.numbers))
    ):
        return f"it has {n} different numbers"
    if is_numeric(column) and not is_target:
        return None if is_named else no_item
    if n < 2:
        return no_item or "all rows have the same answer"
    if n > (MOST_NAMED if is_named else MOST_OPTIONS):
        only = (
            f"one that is named has at most {MOST_NAMED}"
            if is_named
            else f"only if it is named may an item have more than {MOST_OPTIONS}"
        )
        return no_item or f"it has {n} answers; {only}"
    return None if is_named else no_item


def _without_rare(column: DraftColumn) -> DraftColumn:
    """Return a target whose answers of too few respondents for five folds are missing codes, if two answers are left."""
    rare = {
        code
        for code in column.occurring
        if column.counts[code] < _FOLDS and sum(column.counts.values()) >= _FEWEST_ROWS
    }
    if len(column.occurring) - len(rare) < 2:
        return column
    missing = {**column.missing, **dict.fromkeys(sorted(rare), MissingReason.NO_ANSWER)}
    return replace(column, missing=missing, rare=frozenset(rare))


def _twins(survey: SurveyFile, kept: Mapping[str, DraftColumn], target: str) -> dict[str, str]:
    """Return the columns that say the same as the target or an earlier column, and which."""
    answers = {name: _answers(survey, column) for name, column in kept.items()}
    twins: dict[str, str] = {}
    for place, name in enumerate(kept):
        earlier = [one for one in list(kept)[:place] if one not in twins and one != target]
        for other in [target, *earlier] if name != target else []:
            if _are_alike(answers[name], answers[other], fewest=2 if other == target else 3):
                twins[name] = other
                break
    return twins


def _answers(survey: SurveyFile, column: DraftColumn) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Return a number for each answer, by row; -1 where there is none."""
    places, codes = pd.factorize(survey.codes[column.name].astype(object))
    number = {code: place for place, code in enumerate(column.occurring)}
    numbers = [number.get(str(code_key(code)), -1) for code in codes]
    return np.array([*numbers, -1], dtype=np.int64)[places]


def _are_alike(one: "np.ndarray[Any, Any]", other: "np.ndarray[Any, Any]", fewest: int) -> bool:
    """Return whether each answer goes with one answer of the other column, in the rows that have both."""
    if abs(int(one.max()) - int(other.max())) > 1:
        return False
    both = (one >= 0) & (other >= 0)
    pairs = np.unique(one[both] * (int(other.max()) + 1) + other[both])
    sides = (len(np.unique(one[both])), len(np.unique(other[both])))
    return both.sum() >= _FEWEST_ROWS and len(pairs) >= fewest and sides == (len(pairs), len(pairs))


def _frame(file: str, target: str, wording: str, language: str, identifier: str | None) -> list[Line]:
    lines: list[Line] = [
        (f"title: {quoted(file)}", Question.FRAME),
        (f"source: {quoted(f'where {file} comes from, and under which terms')}", None),
        (f"languages: [{language}]", None),
        (f"instruction: {quoted(_INSTRUCTIONS.get(language, _INSTRUCTIONS['en']))}", None),
        (f"question: {quoted(wording.rstrip(':? ') + ':')}", None),
    ]
    if identifier is not None:
        lines.append((f"respondent_id: {quoted(identifier)}", None))
    return [*lines, (f"target: {target}", None), ("", None), ("items:", None)]


def _without_idle_anchors(lines: Sequence[Line]) -> list[Line]:
    """Return the lines without the names, ``&name``, that no other line refers to."""
    used = {text.rsplit("*", 1)[-1] for text, _ in lines if re.fullmatch(r" +\w+: \*\w+", text)}
    kept = []
    for text, question in lines:
        named = re.fullmatch(r"( +\w+:) &(\w+)", text)
        kept.append((named[1] if named and named[2] not in used else text, question))
    return kept


def _with_head(source: str, lines: Sequence[Line], left_out: Mapping[str, str]) -> tuple[str, int]:
    """Return the draft with its questions, by line, and their number."""
    asked = [question for question in Question if any(one == question for _, one in lines)]

    def head(offset: int) -> list[str]:
        said = [
            f"# Drafted from {source} by `stimmung draft-codebook`: its codes and labels, nothing of a respondent."
        ]
        said.append("# Questions, with the lines that they are about; what is not asked, the file says:")
        for number, question in enumerate(asked, 1):
            places = [place for place, (_, one) in enumerate(lines, offset + 1) if one == question]
            said += _wrapped(f"{number}. {question.value} ({_lines(places)})")
        if left_out:
            said.append("# Left out:")
        for name, reason in left_out.items():
            said += _wrapped(f"{name}: {reason}")
        said.append(
            "# docs/drafting.md tells how a draft is made, docs/codebooks.md every key. Then: stimmung check STUDY --items"
        )
        return said

    # The lines' numbers depend on the length of the head, and that a little on the numbers.
    offset, found = 0, head(0)
    while len(found) != offset:
        offset, found = len(found), head(len(found))
    return "\n".join([*found, *(text for text, _ in lines)]) + "\n", len(asked)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent="#  ",
        subsequent_indent="#     ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _lines(places: Iterable[int]) -> str:
    """Return "line 3", or "lines 3, 5–8"."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    said = [f"{run[0]}" if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    return f"{'line' if said == [f'{runs[0][0]}'] else 'lines'} {', '.join(said)}"
