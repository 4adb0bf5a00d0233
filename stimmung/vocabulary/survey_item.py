"""A survey item: its column of the file, its answer options, and its line of the prompt."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.answer_options import (
    AnswerOption,
    Code,
    Coded,
    MissingCode,
    MissingReason,
    Worded,
    check_range,
    in_language,
    in_one_form,
)
from stimmung.vocabulary.number_bins import NumberBin, number_bins
from stimmung.vocabulary.strict import Strict


class SurveyItem(Strict):
    """One survey item: a column of the file and a line of the prompt."""

    column: str | list[str]
    """The column of the data file, by name or by variable label; of several, the first that has a valid answer counts."""
    wording: Worded
    """The words before the answer in the prompt."""
    scale: Literal["nominal", "ordinal", "numeric"] = "nominal"
    """ordinal: the options are listed in their order. numeric: the value itself, without options."""
    options: list[AnswerOption] = Field([])
    """The answers, in order. None for a numeric item."""
    format: Worded = "{value}"
    """How a numeric value is worded, e.g. '{value} years'."""
    decimals: int | None = Field(None, ge=0)
    """Digits after the decimal point in the prompt. Baselines see the number as it is."""
    range: tuple[float, float] | None = None
    """Lowest and highest value of a numeric item, both included. Another value is an error."""
    bins: float | list[float] | None = None
    """Options of a numeric target: bins of this width, or that begin at these numbers. null: each whole number of its range."""
    bin_label: Worded = "{low} to {high}"
    """The words of a bin; they take the place of {value} in `format`."""
    missing: list[MissingCode] = Field([])
    """Codes of absent answers."""
    values: dict[Code, float] = Field({})
    """Codes or value labels of a numeric item that stand for a number, such as a top code: {1955 and before: 1955}."""
    age_in: int | str | None = None
    """The column is a year or date of birth and the answer the age: in this year, or in the year of this column."""
    part_of: str | None = None
    """An item without which this one says nothing or too much: it leaves the prompt with that item."""
    predictor: bool = True
    """false: for conditions only, neither in the prompt nor among the baselines' columns."""
    persona: Worded | None = None
    """The sentence of a first-person backstory, e.g. 'Politically, I am a {answer}.' null: the item is left out."""

    @model_validator(mode="after")
    def _options_fit_scale(self) -> Self:
        if self.scale == "numeric" and self.options:
            raise ValueError("a numeric item has no options")
        if self.scale != "numeric" and len(self.options) < 2:
            raise ValueError(f"needs at least two options, and has {len(self.options)}")
        if self.scale != "numeric" and self.age_in is not None:
            raise ValueError("age_in turns a year of birth into an age: set scale: numeric")
        if self.scale != "numeric" and self.range is not None:
            raise ValueError(f"range: only for a numeric item, and this one is {self.scale}")
        if self.scale != "numeric" and self.bins is not None:
            raise ValueError(f"bins: only for a numeric item, and this one is {self.scale}")
        if self.bins is not None:
            number_bins(self.range, self.bins, self.decimals)
        if self.scale != "numeric" and self.values:
            raise ValueError(f"values: only for a numeric item, and this one is {self.scale}")
        if not self.own_columns or len(set(self.own_columns)) < len(self.own_columns):
            raise ValueError("column: needs a name, or several different ones")
        check_range(self.range, "value")
        answers: list[Coded] = [*(option for option in self.options if not option.when), *self.missing]
        codes = [in_one_form(code) for code in self.values]
        codes += [in_one_form(code) for answer in answers for code in answer.codes]
        repeated = sorted({code for code in codes if codes.count(code) > 1})
        if repeated:
            raise ValueError(f"code {', '.join(repeated)} is listed twice")
        for reason in MissingReason:
            labels = [one.label for one in self.missing if one.reason == reason]
            if any(label != labels[0] for label in labels):
                raise ValueError(f"missing: the reason '{reason}' has two wordings; give each reason one")
        return self

    @property
    def columns(self) -> list[str]:
        """All columns that the answer is made of, each once."""
        others = [column for option in self.options for column in option.when]
        year = [self.age_in] if isinstance(self.age_in, str) else []
        return list(dict.fromkeys([*self.own_columns, *others, *year]))

    @property
    def own_columns(self) -> list[str]:
        """The columns with the answer itself, in the order in which they are asked."""
        return self.column if isinstance(self.column, list) else [self.column]

    @property
    def is_number(self) -> bool:
        """Whether the file has numbers: also if they are answered in the options of :meth:`with_options`."""
        return self.scale == "numeric" or self.range is not None

    @property
    def number_bins(self) -> list[NumberBin]:
        """The numbers of each option that a numeric item has as a target; errors as of :func:`number_bins`."""
        return number_bins(self.range, self.bins, self.decimals)

    @property
    def has_single_numbers(self) -> bool:
        """Whether each option of a numeric target is one number; errors as of :func:`number_bins`."""
        return all(one.is_one_number for one in self.number_bins)

    def with_options(self) -> Self:
        """Return the item as it is answered as a target: a numeric one is ordinal, and its options are its values or bins.

        An option's code is its number: the value, or the bin's midpoint. Raises a ValueError as of :func:`number_bins`.
        """
        if self.scale != "numeric":
            return self
        options = [
            AnswerOption(code=one.value, label=self._worded_bin(one), when={}) for one in self.number_bins
        ]
        return self.model_copy(update={"scale": "ordinal", "options": options})

    def _worded_bin(self, one: NumberBin) -> Worded:
        low, high = (f"{number:.15g}" for number in (one.low, one.high))

        def worded(language: str) -> str:
            label = low if one.is_one_number else in_language(self.bin_label, language)
            return (
                in_language(self.format, language)
                .replace("{value}", label)
                .replace("{low}", low)
                .replace("{high}", high)
            )

        texts = [text for text in (self.format, self.bin_label) if isinstance(text, dict)]
        return {language: worded(language) for language in texts[0]} if texts else worded("")

    @property
    def has_persona(self) -> bool:
        """Whether the item can be part of a first-person backstory."""
        return self.persona is not None or any(option.persona is not None for option in self.options)

    def labels(self, language: str) -> list[str]:
        """Return the options' words in ``language``, in the order of the codebook."""
        return [in_language(option.label, language) for option in self.options]
