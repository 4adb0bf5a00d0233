"""A question that is asked of every week: its wording, its answer options and its variants."""

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.strict import Strict

Case = Literal["as-is", "upper", "lower"]


@dataclass(frozen=True)
class Variant:
    """One wording of a question, as a model reads it.

    Attributes
    ----------
    name
        What stands in the tables, e.g. 'upper', or 'lower + I felt' with a prefix.
    context
        The question and what is put before the answer.
    continuations
        The answer options as they are scored, each with its leading space, in the order of the options.
    """

    name: str
    context: str
    continuations: tuple[str, ...]


class Variants(Strict):
    """How a question is varied. Every prefix is combined with every case."""

    prefix: list[str] = Field(
        [""], min_length=1, description="What stands between question and answer, e.g. ' I felt'."
    )
    case: list[Case] = Field(
        ["as-is"],
        min_length=1,
        description="upper: 'Happy', lower: 'happy', as-is: as the option is written.",
    )


class Question(Strict):
    """A question with a closed list of answers."""

    stem: str = Field(min_length=1, description="The wording, as respondents read it.")
    options: list[str] = Field(min_length=2, description="The answers, in the order of the survey.")
    variants: Variants = Field(
        default_factory=lambda: Variants.model_validate({}),
        description="The wordings that are averaged over.",
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        folded = [option.casefold().strip() for option in self.options]
        twice = sorted({option for option in folded if folded.count(option) > 1})
        if twice or "" in folded:
            raise ValueError(
                f"options: {', '.join(twice) or 'one'} {'stands twice' if twice else 'is empty'}"
            )
        for name, values in (("prefix", self.variants.prefix), ("case", self.variants.case)):
            if len(set(values)) < len(values):
                raise ValueError(f"variants.{name}: a value stands twice")
        return self

    def worded(self) -> list[Variant]:
        """Return the question in all its variants."""
        return [
            Variant(
                f"{case} + {prefix.strip()}" if prefix.strip() else case,
                self.stem + prefix,
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
    # "NHS" stays what it is.
    return option if option[1:2].isupper() else option[0].lower() + option[1:]
