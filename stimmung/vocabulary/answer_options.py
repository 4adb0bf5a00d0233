"""The words and codes that a codebook is made of: what an answer is called, and which values of the file stand for it."""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from stimmung.vocabulary.strict import Strict


def _not_a_switch(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("YAML reads an unquoted yes, no, on or off as true or false; put it in quotes")
    # YAML reads 2017-09-24 as a date; in a data file it is that text.
    return str(value) if isinstance(value, date) else value


def _is_text(value: Any) -> Any:
    if isinstance(_not_a_switch(value), int | float):
        raise ValueError(f"YAML reads {value} as a number; put it in quotes")
    return value


Code = Annotated[int | float | str, BeforeValidator(_not_a_switch)]
Words = Annotated[str, BeforeValidator(_is_text)]
# One wording for all languages, or one for each.
Worded = Annotated[str | dict[str, Words], BeforeValidator(_is_text)]


class MissingReason(StrEnum):
    """Why an answer is absent. Kept apart, because a refusal says something that a filter does not."""

    REFUSED = "refused"
    DONT_KNOW = "dont-know"
    NOT_APPLICABLE = "not-applicable"
    FILTER = "filter"
    NO_ANSWER = "no-answer"


class Coded(Strict):
    """Values of a data file that stand for one thing."""

    code: Code | list[Code] | None = None
    """The value in the data file, or several. A value label is as good as its code."""

    @property
    def codes(self) -> list[Code]:
        """All codes of this answer; none if it is given by a range or by other columns."""
        return [] if self.code is None else self.code if isinstance(self.code, list) else [self.code]


class AnswerOption(Coded):
    """One answer that a respondent could give: the codes in the file, such as those of CDU and CSU, and the words in the prompt."""

    label: Worded
    """The words in the prompt: a map from language to words, or one text for all languages."""
    when: dict[str, list[Code]] = Field({})
    """Column to codes: the answer is given only where every one of these columns has one of its codes."""
    persona: Worded | None = None
    """The words in a first-person backstory, if they differ; a whole sentence if the item has none."""

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if not self.codes and not self.when:
            raise ValueError("needs a 'code' or a 'when'")
        return self


class MissingCode(Coded):
    """Codes that stand for an absent answer."""

    range: tuple[float, float] | None = None
    """Instead of codes: the lowest and the highest, both included."""
    reason: MissingReason
    """Why the answer is absent."""
    label: Worded | None = None
    """The words in the prompt. null: the item is left out for that respondent."""
    persona: Worded | None = None
    """A sentence of the first-person backstory. null: the item is left out."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.code is None) == (self.range is None):
            raise ValueError("needs either a 'code' or a 'range'")
        check_range(self.range, "code")
        return self


def in_language(text: Worded, language: str) -> str:
    """Return ``text`` in ``language``."""
    return text if isinstance(text, str) else text[language]


def in_one_form(code: Code) -> str:
    """Return a code in the form in which a codebook's codes are compared."""
    # 1, 1.0 and "1" are the same code in a data file; "01" is another. Whole numbers keep all their digits.
    if isinstance(code, str):
        text = code.strip()
        if re.fullmatch(r"[+-]?(0|[1-9]\d*)(\.0*)?", text):
            return str(int(text.split(".")[0]))
        if not re.fullmatch(r"[+-]?(0|[1-9]\d*)\.\d+", text):
            return text
        code = float(text)
    return str(int(code)) if code == code // 1 else repr(float(code))


def check_range(range_: tuple[float, float] | None, what: str) -> None:
    """Raise a ValueError if the lowest ``what`` of a range is above the highest."""
    if range_ is not None and range_[0] > range_[1]:
        raise ValueError(f"range: {range_[0]:g} is above {range_[1]:g}; give the lowest {what} first")
