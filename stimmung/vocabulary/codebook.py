"""What a codebook says: survey items, their answer options, and the words a respondent would have seen."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from stimmung.vocabulary.strict import Strict


def _no_switch(code: Any) -> Any:
    # YAML reads an unquoted yes, no, on or off as a switch, which would then be the code 1 or 0.
    if isinstance(code, bool):
        raise ValueError("YAML takes an unquoted yes, no, on or off as a switch; put the code in quotes")
    return code


Code = Annotated[int | float | str, BeforeValidator(_no_switch)]
Worded = str | dict[str, str]  # one wording for all languages, or one for each


class MissingReason(StrEnum):
    """Why an answer is absent. Kept apart, because a refusal says something that a filter does not."""

    REFUSED = "refused"
    DONT_KNOW = "dont-know"
    NOT_APPLICABLE = "not-applicable"
    FILTER = "filter"
    NO_ANSWER = "no-answer"


class AnswerOption(Strict):
    """One answer that a respondent could give: the codes in the file and the words in the prompt.

    Several codes make one answer of several, as CDU and CSU make CDU/CSU.
    """

    code: Code | list[Code] | None = Field(
        None, description="The value in the data file, or several; a value label is as good as its code."
    )
    label: Worded = Field(
        description="The words in the prompt; a map from language to words, or one for all."
    )
    when: dict[str, list[Code]] = Field(
        {}, description="Column to codes: the answer is given only where every one of these columns has one."
    )
    persona: Worded | None = Field(
        None,
        description="The words in a first-person backstory, if others; a whole sentence if the item has none.",
    )

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if not self.codes and not self.when:
            raise ValueError("needs a 'code' or a 'when'")
        return self

    @property
    def codes(self) -> list[Code]:
        """All codes of this answer."""
        return _listed(self.code)


class MissingCode(Strict):
    """Codes that stand for an absent answer."""

    code: Code | list[Code] | None = Field(
        None, description="The value in the data file, or several; a value label is as good as its code."
    )
    range: tuple[float, float] | None = Field(
        None, description="Instead of codes: the lowest and the highest, both included."
    )
    reason: MissingReason = Field(description="Why the answer is absent.")
    label: Worded | None = Field(None, description="The words in the prompt; none leaves the item out.")
    persona: Worded | None = Field(
        None, description="A sentence of the first-person backstory; none leaves the item out."
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.code is None) == (self.range is None):
            raise ValueError("needs either a 'code' or a 'range'")
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError("a range goes from the lowest code to the highest")
        return self

    @property
    def codes(self) -> list[Code]:
        """The codes, none if it is a range."""
        return _listed(self.code)


class SurveyItem(Strict):
    """One question of the survey, as a column of the file and as a line of the prompt."""

    column: str = Field(description="The column of the data file, by name or by variable label.")
    wording: Worded = Field(description="What stands before the answer in the prompt.")
    scale: Literal["nominal", "ordinal", "numeric"] = Field(
        "nominal", description="ordinal: the options stand in their order; numeric: the value itself."
    )
    options: list[AnswerOption] = Field([], description="The answers, in order. None for a numeric item.")
    format: Worded = Field("{value}", description="How a numeric value is worded, e.g. '{value} years'.")
    decimals: int | None = Field(
        None, ge=0, description="Digits after the point in the prompt; baselines see the number as it is."
    )
    range: tuple[float, float] | None = Field(
        None,
        description="Lowest and highest value of a numeric item, both included: another is an error, and nobody made up has one.",
    )
    missing: list[MissingCode] = Field([], description="Codes of absent answers.")
    age_in: int | str | None = Field(
        None,
        description="The column is a year of birth, the answer the age: in this year, or that of this column.",
    )
    part_of: str | None = Field(
        None, description="An item without which this one tells nothing or too much: it leaves with it."
    )
    predictor: bool = Field(
        True,
        description="false: for conditions only, neither in the prompt nor among the baselines' columns.",
    )
    persona: Worded | None = Field(
        None,
        description="The sentence of a first-person backstory, e.g. 'Politically, I am a {answer}.'; none leaves the item out.",
    )

    @model_validator(mode="after")
    def _options_fit_scale(self) -> Self:
        if self.scale == "numeric" and self.options:
            raise ValueError("a numeric item has no options")
        if self.scale != "numeric" and len(self.options) < 2:
            raise ValueError("needs at least two options")
        if self.scale != "numeric" and self.age_in is not None:
            raise ValueError("age_in makes a number: the scale must be numeric")
        if self.scale != "numeric" and self.range is not None:
            raise ValueError("range: only a numeric item has one")
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError("a range goes from the lowest value to the highest")
        plain = [code for option in self.options if not option.when for code in option.codes]
        codes = plain + [code for missing in self.missing for code in missing.codes]
        twice = sorted({str(code) for code in codes if codes.count(code) > 1})
        if twice:
            raise ValueError(f"code {', '.join(twice)} stands twice")
        for reason in MissingReason:
            labels = [one.label for one in self.missing if one.reason == reason]
            if any(label != labels[0] for label in labels):
                raise ValueError(
                    f"missing: '{reason}' has two wordings; the prompt needs one for each reason"
                )
        return self

    @property
    def columns(self) -> list[str]:
        """All columns that the answer is made of, each once."""
        others = [column for option in self.options for column in option.when]
        year = [self.age_in] if isinstance(self.age_in, str) else []
        return list(dict.fromkeys([self.column, *others, *year]))

    @property
    def has_persona(self) -> bool:
        """Whether the item can be said in the first person."""
        return self.persona is not None or any(option.persona is not None for option in self.options)

    def labels(self, language: str) -> list[str]:
        """Return the options' words in ``language``, in the order of the codebook."""
        return [worded(option.label, language) for option in self.options]


class Persona(Strict):
    """How a backstory in the first person is framed (silicon sampling, Argyle et al. 2023)."""

    instruction: Worded = Field(
        description="The system message of chat models; others do not see it. {options} becomes the target's."
    )
    question: Worded = Field(
        description="The beginning of the last sentence, which the target's options complete, e.g. 'In 1996, I voted for'."
    )


class Codebook(Strict):
    """How the codes of one survey file become words."""

    title: str = Field(description="What the survey is, for the report.")
    source: str = Field(description="Where the file comes from and under which terms.")
    simulated: bool = Field(False, description="Marks every table and figure of made-up data.")
    languages: list[str] = Field(["en"], description="The languages that the wordings are given in.")
    instruction: Worded = Field(
        description="The system message. {options} becomes the target's options, {option_list} the same in brackets."
    )
    question: Worded = Field(description="What stands before the answer that the model gives, e.g. 'Vote:'.")
    respondent_id: str | None = Field(None, description="The column of the identifier; none: the row number.")
    target: str = Field(description="The item to predict.")
    persona: Persona | None = Field(None, description="The frame of a backstory, for the arm `persona`.")
    items: dict[str, SurveyItem] = Field(description="All items, the target too, in the order of the prompt.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.target not in self.items:
            raise ValueError(f"target '{self.target}' is not among the items")
        if self.items[self.target].scale == "numeric":
            raise ValueError(f"target '{self.target}' is numeric; it needs options")
        wholes = {name: item.part_of for name, item in self.items.items() if item.part_of is not None}
        lost = [
            f"items.{name}.part_of: no item '{whole}'"
            for name, whole in wholes.items()
            if whole not in self.items
        ]
        if lost:
            raise ValueError("; ".join(lost))
        problems = [
            f"{place} has no wording in '{language}'"
            for place, text in self._worded_places()
            for language in self.languages
            if isinstance(text, dict) and language not in text
        ]
        for language in self.languages if not problems else []:
            for name, item in self.items.items():
                labels = item.labels(language)
                if len(set(labels)) < len(labels):
                    problems.append(f"items.{name}: two options have the same wording in '{language}'")
            said = self.persona_answers(language)
            if len(set(said)) < len(said):
                problems.append(f"items.{self.target}: two options have the same persona in '{language}'")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _worded_places(self) -> list[tuple[str, Worded]]:
        places: list[tuple[str, Worded]] = [("instruction", self.instruction), ("question", self.question)]
        if self.persona is not None:
            places += [
                ("persona.instruction", self.persona.instruction),
                ("persona.question", self.persona.question),
            ]
        for name, item in self.items.items():
            places += [(f"items.{name}", item.wording), (f"items.{name}.format", item.format)]
            said = [(_named(one.code), one.persona) for one in item.options]
            said += [(_named(one.code or one.range), one.persona) for one in item.missing]
            places += [(f"items.{name} {code}, persona", text) for code, text in said if text is not None]
            if item.persona is not None:
                places.append((f"items.{name}.persona", item.persona))
            places += [
                (f"items.{name} option {_named(option.code)}", option.label) for option in item.options
            ]
            places += [
                (f"items.{name} missing {_named(missing.code or missing.range)}", missing.label)
                for missing in item.missing
                if missing.label is not None
            ]
        return places

    @property
    def predictors(self) -> list[str]:
        """The names of all items but the target and those for conditions only, in the order of the prompt."""
        return [name for name, item in self.items.items() if name != self.target and item.predictor]

    def predictors_without(self, drop_items: Sequence[str]) -> list[str]:
        """Return the predictors that stay if ``drop_items`` leave, and with them what is part of them."""
        dropped = set(drop_items)
        while more := {name for name, item in self.items.items() if item.part_of in dropped} - dropped:
            dropped |= more
        return [name for name in self.predictors if name not in dropped]

    def target_labels(self, language: str) -> list[str]:
        """Return the words of the target's options in ``language``."""
        return self.items[self.target].labels(language)

    def persona_answers(self, language: str) -> list[str]:
        """Return what completes the backstory's last sentence for each option of the target."""
        options = self.items[self.target].options
        return [
            worded(option.label if option.persona is None else option.persona, language) for option in options
        ]


def worded(text: Worded, language: str) -> str:
    """Return ``text`` in ``language``."""
    return text if isinstance(text, str) else text[language]


def _listed(code: Code | list[Code] | None) -> list[Code]:
    return [] if code is None else code if isinstance(code, list) else [code]


def _named(code: object) -> str:
    return "when" if code is None else str(code)
