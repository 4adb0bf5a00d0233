"""What is estimated from answers and predictions together, and at which price more of either could be had."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import unknown
from stimmung.vocabulary.strict import Strict


class Regression(Strict):
    """A regression of the target on other items. Respondents who lack one of these are left out of it."""

    outcome: str | None = None
    """An option of the target, in any language of the codebook: 1 if it is the answer, else 0. null: the code of the answer."""
    on: list[str] = Field(min_length=1)
    """Items of the codebook. A numeric one has one coefficient, any other one for each answer but the first that occurs."""
    model: Literal["logistic", "linear"] = "logistic"
    """logistic: log odds of the option; linear: least squares."""

    @model_validator(mode="after")
    def _codes_are_linear(self) -> Self:
        if self.outcome is None and self.model == "logistic":
            raise ValueError(
                "a logistic regression needs an 'outcome', one of the target's options; or set model: linear"
            )
        return self

    @property
    def name(self) -> str:
        """As in the column ``model`` of the estimates."""
        return f"{self.model}: {self.outcome or 'code'} on {', '.join(self.on)}"

    def problems_with(self, codebook: Codebook, place: str) -> list[str]:
        """Return the options and items that the codebook does not have, each with its place."""
        known = [word for language in codebook.languages for word in codebook.target_labels(language)]
        problems = unknown(f"{place}.outcome", "answer option", filter(None, [self.outcome]), known)
        problems += unknown(f"{place}.on", "item", self.on, codebook.items, " in the codebook")
        if codebook.target in self.on:
            problems.append(f"{place}.on: '{codebook.target}' is what is predicted")
        if self.outcome is None and codebook.target_codes is None:
            problems.append(
                f"{place}.outcome: '{codebook.target}' is not ordinal with one number for each option; name an option"
            )
        return problems

    def in_words(self, codebook: Codebook, language: str) -> "Regression":
        """Return the regression with its outcome in ``language``."""
        for other in codebook.languages:
            if self.outcome in (labels := codebook.target_labels(other)):
                return self.model_copy(
                    update={"outcome": codebook.target_labels(language)[labels.index(self.outcome)]}
                )
        return self


class Rectify(Strict):
    """Estimates from the answers of some respondents and predictions of all (prediction-powered inference), for every method."""

    regressions: list[Regression] = Field([])
    """Besides the share of each option, and the mean of the codes, or numbers, if the target is ordinal or numeric."""
    half_width: float | None = Field(None, gt=0)
    """Wanted reach of a 95 % interval to either side: of a share, 0 to 1; of a mean, this part of its codes' range. null: no plan."""
    price_interview: float = Field(1.0, gt=0)
    """Of one more interview, in any currency."""
    price_prediction: float = Field(0.001, gt=0)
    """Of one more prediction, in the same."""

    def problems_with(self, codebook: Codebook, place: str) -> list[str]:
        """Return what does not fit the codebook, each with its place."""
        problems = []
        for number, regression in enumerate(self.regressions):
            problems += regression.problems_with(codebook, f"{place}.regressions.{number}")
        names = [regression.name for regression in self.regressions]
        twice = sorted({name for name in names if names.count(name) > 1})
        return problems + [f"{place}.regressions: '{name}' is listed twice" for name in twice]
