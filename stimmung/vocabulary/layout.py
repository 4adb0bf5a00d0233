"""The layout of an archive's survey file: variable names, labels, codes and declared missing codes."""

import math
from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import Field, model_validator

from stimmung.vocabulary.answer_options import Code
from stimmung.vocabulary.row_rules import RowRule, Wanted
from stimmung.vocabulary.strict import Strict
from stimmung.vocabulary.survey_item import SurveyItem


class Variable(Strict):
    """One column of the file."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_.]*$")
    """The column's name."""
    label: str = ""
    """The archive's variable label."""
    values: dict[float, str] = Field({})
    """Code to value label."""
    range: tuple[int, int] = (0, 99)
    """Lowest and highest number, if it has no value labels."""


class Layout(Strict):
    """All columns of one file."""

    title: str
    """The archive's name of the study."""
    missing: dict[float, str] = Field({})
    """Codes that every variable may have; everything from the lowest to the highest is declared missing."""
    variables: list[Variable]
    """The columns, in the order of the file."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [variable.name.lower() for variable in self.variables]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"variable {', '.join(twice)} is listed twice")
        return self

    def value_labels(self, variable: Variable) -> dict[Code, str]:
        """Return all value labels of a variable, those of the missing codes too."""
        return {code: label for labels in (self.missing, variable.values) for code, label in labels.items()}


def layout_of_items(
    title: str, items: list[SurveyItem], others: Mapping[str, Wanted | Sequence[Code]]
) -> Layout:
    """Return a layout made from a codebook alone, and from ``others``, further columns with their codes; words become value labels."""
    labels: dict[str, dict[float, str]] = {}
    for item in items:
        for option in item.options:
            _add(labels.setdefault(item.own_columns[0], {}), option.codes)
            for column, codes in option.when.items():
                _add(labels.setdefault(column, {}), codes)
        for missing in item.missing:
            _add(labels.setdefault(item.own_columns[0], {}), missing.codes)
        for column in item.columns:
            labels.setdefault(column, {})
    for column, given in others.items():
        _add(labels.setdefault(column, {}), [] if isinstance(given, RowRule) else given)
    ranges = _ranges(items)
    variables = []
    for number, (column, values) in enumerate(labels.items(), 1):
        plain = column.isidentifier() and column.isascii() and not column.startswith("_")
        name = column if plain else f"v{number}"
        variables.append(Variable(name=name, label=column, values=values, range=ranges.get(column, (0, 99))))
    return Layout(title=title, missing={}, variables=variables)


def _ranges(items: list[SurveyItem]) -> dict[str, tuple[int, int]]:
    """Return the ranges of numeric columns, where the codebook gives one."""
    ranges = {
        item.own_columns[0]: (math.ceil(item.range[0]), math.floor(item.range[1]))
        for item in items
        if item.range is not None and item.age_in is None
    }
    for item in items:
        if (year := item.age_in) is None:
            continue
        # A column of years of birth, from the oldest age in the last year of the survey to the youngest in the first.
        first, last = ranges.setdefault(year, (2000, 2000)) if isinstance(year, str) else (year, year)
        youngest, oldest = item.range or (18, 90)
        ranges[item.own_columns[0]] = (math.ceil(last - oldest), math.floor(first - youngest))
    return ranges


def _add(values: dict[float, str], codes: Sequence[Code]) -> None:
    for code in codes:
        try:
            values.setdefault(float(code), str(code))
        except ValueError:
            if code not in values.values():
                # From 1001: a codebook is unlikely to have such a code.
                values[float(1001 + len(values))] = str(code)
