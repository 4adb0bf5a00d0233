"""Which rows of a survey file are kept: rules of `where` and `where_not` beyond a list of codes, and how many may be lost."""

import math
import operator
from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from stimmung.vocabulary.answer_options import Code
from stimmung.vocabulary.strict import Strict

MAX_LOST_SHARE = 0.01  # a choice: of what a reader may leave out before that is an error
# A number, or a date as text: 2017-09-24.
Bound = Annotated[Code | None, Field(None)]
COMPARISONS = {"at_least": operator.ge, "above": operator.gt, "at_most": operator.le, "below": operator.lt}


class RowRule(Strict):
    """What the cell of a column must be. With several keys, all must hold. A code that the file declares missing is empty."""

    empty: bool | None = None
    """false: the column has a value; true: it has none."""
    at_least: Bound
    """The value, a number or an ISO date, is this or more."""
    above: Bound
    """The value is more than this."""
    at_most: Bound
    """The value is this or less."""
    below: Bound
    """The value is less than this."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.empty is None and not self.bounds:
            raise ValueError(f"needs one of empty, {', '.join(COMPARISONS)}")
        if self.empty and self.bounds:
            raise ValueError("an empty cell cannot be compared; give either 'empty: true' or the bounds")
        return self

    @property
    def bounds(self) -> dict[str, Code]:
        """The comparisons that are given, by their key."""
        given = {name: getattr(self, name) for name in COMPARISONS}
        return {name: bound for name, bound in given.items() if bound is not None}

    def allows(self, number: float) -> bool:
        """Return whether a number fulfils the rule; NaN is an empty cell."""
        if math.isnan(number):
            return bool(self.empty)
        return not self.empty and all(
            not isinstance(bound, str) and COMPARISONS[name](number, bound)
            for name, bound in self.bounds.items()
        )


def _kind(value: Any) -> str:
    return "dict[rule]" if isinstance(value, RowRule | Mapping) else "list[code]"


# Codes or value labels, or a rule. The tags keep a mistake's message to the one that was meant.
Wanted: TypeAlias = Annotated[
    Annotated[list[Code], Tag("list[code]")] | Annotated[RowRule, Tag("dict[rule]")], Discriminator(_kind)
]
