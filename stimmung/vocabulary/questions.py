"""A question that the adapters of every week answer: its wording, its answer options and its variants."""

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.errors import raise_together
from stimmung.vocabulary.strict import Strict

Case = Literal["as-is", "upper", "lower"]
WordingWeights = Literal["equal", "option-mass"]


@dataclass(frozen=True)
class Variant:
    """One wording of a question, as a model reads it."""

    name: str  # in tables, e.g. 'upper', or 'lower + I felt' with a prefix
    stem: str  # the question
    prefix: str  # of the answer
    # What is scored, each with its leading space: the answer options in their order, or, of a single option, yes and no.
    continuations: tuple[str, ...]
    options: tuple[str, ...]  # the answer options that the first of these stand for

    @property
    def context(self) -> str:
        """The question and the prefix of the answer, as running text."""
        return self.stem + self.prefix


class Variants(Strict):
    """The wordings of a question that are averaged over: every prefix with every case."""

    prefix: list[str] = Field([""], min_length=1)
    """Texts between question and answer, e.g. ' I felt'."""
    case: list[Case] = Field(["as-is"], min_length=1)
    """How an option is written. upper: 'Happy', lower: 'happy', as-is: as in `options`."""


class Question(Strict):
    """A question with a closed list of answers."""

    stem: str = Field(min_length=1)
    """The wording, as respondents read it."""
    options: list[str] = Field(min_length=2)
    """The answer options, in the order of the survey."""
    variants: Variants = Variants.model_validate({})
    """The wordings that are averaged over."""
    select_all: bool = False
    """true: all options that apply are chosen, so each is asked for by itself, yes or no; their probabilities do not sum to 1."""
    option_question: str = "{stem} {option}?"
    """How that is asked. `variants.case` writes the option, and a `variants.prefix` stands before the yes."""
    yes_no: tuple[str, str] = ("Yes", "No")
    """The answers to that, the first of which chooses the option."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        folded = [option.casefold().strip() for option in self.options]
        repeated = sorted({option for option in folded if folded.count(option) > 1})
        problems = [f"options: '{option}' is listed twice" for option in repeated if option]
        problems += ["options: one is empty"] if "" in folded else []
        for name, values in (("prefix", self.variants.prefix), ("case", self.variants.case)):
            if len(set(values)) < len(values):
                problems.append(f"variants.{name}: a value is listed twice")
        if self.select_all and "{option}" not in self.option_question:
            problems.append("option_question: needs {option}, the option that is asked for")
        raise_together(problems)
        return self

    def worded(self) -> list[Variant]:
        """Return the question in all its variants; of a select-all one, all variants of each option."""
        asked = [(option,) for option in self.options] if self.select_all else [tuple(self.options)]
        return [self._worded(options, prefix, case) for options in asked for prefix, case in self._variants()]

    def _variants(self) -> list[tuple[str, Case]]:
        return [(prefix, case) for prefix in self.variants.prefix for case in self.variants.case]

    def _worded(self, options: tuple[str, ...], prefix: str, case: Case) -> Variant:
        name = f"{case} + {prefix.strip()}" if prefix.strip() else case
        said = [_in_case(option, case) for option in options]
        if not self.select_all:
            return Variant(name, self.stem, prefix, tuple(f" {one}" for one in said), options)
        stem = self.option_question.replace("{stem}", self.stem).replace("{option}", said[0])
        return Variant(name, stem, prefix, tuple(f" {one.strip()}" for one in self.yes_no), options)


def _in_case(option: str, case: Case) -> str:
    if case == "as-is":
        return option
    if case == "upper":
        return option[0].upper() + option[1:]
    # An acronym, such as "NHS", is not lowered.
    return option if option[1:2].isupper() else option[0].lower() + option[1:]
