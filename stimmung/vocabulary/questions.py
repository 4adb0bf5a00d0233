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
    continuations: tuple[
        str, ...
    ]  # the answer options as scored, each with its leading space, in their order

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

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        folded = [option.casefold().strip() for option in self.options]
        repeated = sorted({option for option in folded if folded.count(option) > 1})
        problems = [f"options: '{option}' is listed twice" for option in repeated if option]
        problems += ["options: one is empty"] if "" in folded else []
        for name, values in (("prefix", self.variants.prefix), ("case", self.variants.case)):
            if len(set(values)) < len(values):
                problems.append(f"variants.{name}: a value is listed twice")
        raise_together(problems)
        return self

    def worded(self) -> list[Variant]:
        """Return the question in all its variants."""
        return [
            Variant(
                f"{case} + {prefix.strip()}" if prefix.strip() else case,
                self.stem,
                prefix,
                tuple(f" {_in_case(option, case)}" for option in self.options),
            )
            for prefix in self.variants.prefix
            for case in self.variants.case
        ]


def _in_case(option: str, case: Case) -> str:
    if case == "as-is":
        return option
    if case == "upper":
        return option[0].upper() + option[1:]
    # An acronym, such as "NHS", is not lowered.
    return option if option[1:2].isupper() else option[0].lower() + option[1:]
