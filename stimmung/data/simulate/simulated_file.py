"""Simulate a survey file in the form of an archive's: the same variables, labels and missing codes, but nobody's answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyreadstat

from stimmung.data.surveys.coding import Conditions, resolve_codes
from stimmung.data.surveys.labelled_files import SIMULATED_MARK
from stimmung.data.surveys.respondents import needed_columns
from stimmung.data.surveys.survey_codes import code_key, code_number, find_columns
from stimmung.vocabulary.answer_options import AnswerOption, Code, MissingReason
from stimmung.vocabulary.atomic_files import atomic_write
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.layout import Layout, Variable
from stimmung.vocabulary.row_rules import RowRule
from stimmung.vocabulary.survey_item import SurveyItem

Array = npt.NDArray[Any]

# All shares are choices.
OUTSIDERS = 0.2  # rows that `where` leaves out, relative to those that it keeps
ABSENT = 0.04  # of each item's answers
# How often an item with the target's own answers, such as party identification, has the same one.
AGREEMENT = 0.65


def simulate_codes(
    codebook: Codebook,
    layout: Layout,
    *,
    where: Conditions,
    where_not: Conditions,
    weight: str | None,
    language: str,
    n: int,
    seed: int,
) -> pd.DataFrame:
    """Return codes of simulated respondents: a column for each variable of the layout.

    Respondents have a position in a plane, standard normal. The target is a multinomial logit of it, with a direction for
    each answer; nominal items are the same with smaller random slopes, ordinal and numeric ones are ranks along a random
    direction. An item with the target's own answers agrees with it more often than not. All missing codes of the codebook
    occur. `where` and `where_not` keep ``n`` rows, and leave out a fifth as many more.

    Raises
    ------
    InputError
        If the layout lacks a column, or a code for an option.
    """
    total = n + (int(OUTSIDERS * n) if where or where_not else 0)
    rng = np.random.default_rng(seed)
    table = _Table(layout, needed_columns(codebook, where, weight, where_not), total)
    places = rng.normal(size=(total, 2))
    chosen = _chosen_options(codebook, language, places, rng)
    for name, item in codebook.items.items():
        if item.is_number:
            table.put(item.own_columns[0], _ranked(places, rng, table.variable(item.own_columns[0]).range))
        else:
            _write_options(table, item, chosen[name], rng)
        # An answer that another column decides cannot be missing in this one.
        special = [number for number, option in enumerate(item.options) if option.when]
        codes = table.codes(item.own_columns[0], [code for missing in item.missing for code in missing.codes])
        codes += [missing.range[1] for missing in item.missing if missing.range is not None]
        if codes:
            removable = ~np.isin(chosen.get(name, np.zeros(total)), special)
            rows = np.flatnonzero((rng.random(total) < ABSENT) & removable)
            table.put(item.own_columns[0], rng.choice(codes, len(rows)), rows)
    if weight is not None:
        table.put(weight, np.round(rng.lognormal(-0.08, 0.4, total), 4))
    if codebook.respondent_id is not None:
        table.put(codebook.respondent_id, np.arange(1, total + 1, dtype=float))
    _apply_where(table, where, where_not, rng.permutation(total)[n:])
    return table.frame


def write_simulated_sav(codes: pd.DataFrame, layout: Layout, path: Path) -> None:
    """Write codes as an SPSS file whose label and notes say that they are simulated; the same bytes every time."""
    labels = {variable.name: layout.value_labels(variable) for variable in layout.variables}
    ranges = [{"lo": min(layout.missing), "hi": max(layout.missing)}] if layout.missing else []
    mark = f"{SIMULATED_MARK} respondents, not data of {layout.title}"
    with atomic_write(path) as draft:
        pyreadstat.write_sav(
            codes,
            str(draft),
            file_label=mark[:60],
            note=f"{SIMULATED_MARK}: written by Stimmung, nobody was asked.",
            column_labels={variable.name: variable.label for variable in layout.variables},
            variable_value_labels={name: values for name, values in labels.items() if values},
            missing_ranges={variable.name: ranges for variable in layout.variables if ranges} or None,
        )
        # The header has the time of writing, in which two runs would differ.
        content = bytearray(draft.read_bytes())
        content[92:109] = b"01 Jan 7000:00:00"
        draft.write_bytes(content)


class _Table:
    """The columns of the file while they are filled, by name or variable label, as the codebook names them."""

    def __init__(self, layout: Layout, columns: Sequence[str], n: int) -> None:
        self.layout = layout
        self._variables = {variable.name: variable for variable in layout.variables}
        labels = {name: variable.label or None for name, variable in self._variables.items()}
        self.columns = find_columns(columns, labels, f"the layout of {layout.title}")
        self.frame = pd.DataFrame(np.nan, index=range(n), columns=list(labels))

    def variable(self, column: str) -> Variable:
        """Return the layout of a column, given by name or variable label."""
        return self._variables[self.columns[column]]

    def put(self, column: str, values: Any, rows: Array | None = None) -> None:
        """Write values into a column, in all rows or some."""
        self.frame.loc[self.frame.index if rows is None else rows, self.columns[column]] = values

    def codes(self, column: str, wanted: Sequence[Code]) -> list[float]:
        """Return the codes that this column can have among ``wanted``, which are codes or value labels, sorted."""
        variable = self.variable(column)
        labels = self.layout.value_labels(variable)
        known = {code_key(code) for code in labels}
        keys = sorted(resolve_codes(wanted, labels, f"column '{column}'"))
        # A variable without value labels is a number and can have any code.
        found = [code_number(key) for key in keys if key in known or not variable.values]
        return [code for code in found if code is not None]


def _chosen_options(
    codebook: Codebook, language: str, places: Array, rng: np.random.Generator
) -> dict[str, Array]:
    """Return the index of each respondent's option, for each item that has options."""
    predicted = codebook.items[codebook.target]
    answers = [] if predicted.is_number else predicted.labels(language)
    angles = 2 * np.pi * np.arange(len(answers)) / max(len(answers), 1)
    directions = 2.5 * np.column_stack([np.cos(angles), np.sin(angles)])
    # The first options are frequent and the last ones rare, like parties.
    chosen = {}
    if answers:
        chosen[codebook.target] = _pulled(directions, places, rng, np.linspace(1, -1, len(answers)))
    for name, item in codebook.items.items():
        if name == codebook.target or item.is_number:
            continue
        labels = item.labels(language)
        if item.scale == "ordinal":
            chosen[name] = _ranked(places, rng, (0, len(labels) - 1)).astype(int)
        else:
            chosen[name] = _pulled(rng.normal(scale=0.5, size=(len(labels), 2)), places, rng)
            shared = {number: labels.index(label) for number, label in enumerate(answers) if label in labels}
            if shared and len(shared) * 2 >= len(answers):
                agreeing = np.flatnonzero(rng.random(len(places)) < AGREEMENT)
                for place, answer in zip(agreeing, chosen[codebook.target][agreeing], strict=True):
                    chosen[name][place] = shared.get(int(answer), chosen[name][place])
    return chosen


def _pulled(
    directions: Array, places: Array, rng: np.random.Generator, head_start: Array | float = 0.0
) -> Array:
    utilities = places @ directions.T + head_start + rng.gumbel(size=(len(places), len(directions)))
    return np.asarray(utilities.argmax(axis=1))


def _ranked(places: Array, rng: np.random.Generator, bounds: tuple[int, int]) -> Array:
    angle = rng.uniform(0, 2 * np.pi)
    signal = places @ np.array([np.cos(angle), np.sin(angle)]) + rng.normal(scale=0.8, size=len(places))
    share = (signal.argsort().argsort() + 0.5) / len(signal)
    low, high = bounds
    return np.asarray(np.floor(low + share * (high - low + 1)))


def _write_options(table: _Table, item: SurveyItem, chosen: Array, rng: np.random.Generator) -> None:
    for column in sorted({column for option in item.options for column in option.when}):
        others = [code for option in item.options for code in option.when.get(column, [])]
        free = set(table.variable(column).values) - set(table.codes(column, others))
        table.put(column, min(free) if free else np.nan)
    for number, option in enumerate(item.options):
        rows = np.flatnonzero(chosen == number)
        for column, codes in option.when.items():
            table.put(column, rng.choice(_codes(table, column, codes, option), len(rows)), rows)
        if option.codes:
            own = _codes(table, item.own_columns[0], option.codes, option)
            table.put(item.own_columns[0], rng.choice(own, len(rows)), rows)
        else:
            absent = [one.codes for one in item.missing if one.reason == MissingReason.FILTER]
            filter_codes = table.codes(item.own_columns[0], [code for codes in absent for code in codes])
            table.put(item.own_columns[0], filter_codes[0] if filter_codes else np.nan, rows)


def _codes(table: _Table, column: str, wanted: Sequence[Code], option: AnswerOption) -> list[float]:
    codes = table.codes(column, wanted)
    if not codes:
        raise InputError(
            f"{table.layout.title}: column '{column}' has no code for '{option.label}' ({wanted})",
            "The layout must give each answer of the codebook a code or a value label.",
        )
    return codes


def _apply_where(table: _Table, where: Conditions, where_not: Conditions, outsiders: Array) -> None:
    for column, wanted in where.items():
        if isinstance(wanted, RowRule):
            _apply_rule(table, column, wanted, outsiders, kept=True)
            continue
        inside = table.codes(column, wanted)
        values = set(table.variable(column).values) - set(inside)
        holds = table.frame[table.columns[column]].isin(inside)
        table.put(column, inside[0], np.flatnonzero(~holds))
        table.put(column, min(values) if values else inside[0] - 4, outsiders)
    for column, unwanted in where_not.items():
        if isinstance(unwanted, RowRule):
            _apply_rule(table, column, unwanted, outsiders, kept=False)
        else:
            table.put(column, table.codes(column, unwanted)[0], outsiders)


def _apply_rule(table: _Table, column: str, rule: RowRule, outsiders: Array, *, kept: bool) -> None:
    """Let a column fulfil a rule in all rows but the outsiders; not ``kept``: in the outsiders only."""
    fulfils = table.frame[table.columns[column]].map(rule.allows)
    table.put(column, _example(rule, column, kept), np.flatnonzero(fulfils != kept))
    table.put(column, _example(rule, column, not kept), outsiders)


def _example(rule: RowRule, column: str, fulfils: bool) -> float:
    """Return a value that fulfils the rule, or one that does not."""
    bounds = [float(bound) for bound in rule.bounds.values() if not isinstance(bound, str)]
    near = [bound + step for bound in bounds for step in (0, 1, -1)]
    middle = sum(bounds) / max(len(bounds), 1)
    found = next((one for one in [*near, middle, 1.0, np.nan] if rule.allows(one) == fulfils), None)
    if found is None:
        raise InputError(
            f"no made-up value of column '{column}' can fulfil its rule ({', '.join(rule.bounds)})",
            "Made-up respondents have numbers, no dates: leave the column out of `where` and `where_not`.",
        )
    return found
