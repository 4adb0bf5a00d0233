"""Select-all items of a codebook ("which of these …? all that apply"): one column of the file for each option, chosen or not."""

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from stimmung.vocabulary.answer_options import AnswerOption, MissingCode, Worded, in_language
from stimmung.vocabulary.strict import Strict

NONE = "none"  # media.none: the item of the option "none of these"


class SelectedOption(Strict):
    """One option of a select-all item."""

    column: str | list[str]
    """The column that says whether it was chosen, as of an item."""
    label: Worded
    """Its words in the prompt."""
    name: str | None = Field(None, pattern=r"^\w[\w-]*$")
    """Its name behind that of the item, which stands in paths: `media.radio`. null: made of its words."""

    @property
    def short_name(self) -> str:
        """The option's name: its own, or its words in the first language, with hyphens between them."""
        words = self.label if isinstance(self.label, str) else next(iter(self.label.values()))
        return self.name or re.sub(r"\W+", "-", words.lower()).strip("-")


class NoneOption(Strict):
    """The answer that none of the options holds."""

    column: str | None = None
    """The column that says whether it was chosen. null: it could not be."""
    label: Worded = "none of these"
    """Its words in the prompt, also for who chose nothing."""


class SelectAll(Strict):
    """A select-all item, in place of an item with one answer. Each of its options is an item of its own, `NAME.OPTION`: yes or no."""

    wording: Worded
    """The words before the answer in the prompt: the options that were chosen, with commas between them."""
    select_all: list[SelectedOption] = Field(min_length=2)
    """The options, in order."""
    chosen: AnswerOption = AnswerOption(code=1, label="yes", when={})
    """The codes of an option that was chosen, and the word for it, which is predicted."""
    not_chosen: AnswerOption = AnswerOption(code=0, label="no", when={})
    """The same of one that was not."""
    none: NoneOption = NoneOption()
    """The answer that none of them holds."""
    option_wording: Worded = "{wording} - {option}"
    """How an option is asked for as a target."""
    missing: list[MissingCode] = Field([])
    """Codes of absent answers, in the column of any option."""
    empty_is_no: bool = False
    """true: of who chose something, an empty cell is an option not chosen. Of others it stays absent: they may not have been asked."""
    nothing_chosen: Literal["none", "missing"] = "none"
    """What it means that each option, and "none of these" too, was explicitly not chosen: none holds, or there is no answer."""
    predictor: bool = True
    """false: for conditions only, neither in the prompt nor among the baselines' columns."""

    @model_validator(mode="after")
    def _is_one_form(self) -> Self:
        names = [option.short_name for option in self.select_all]
        if twice := sorted({name for name in names if names.count(name) > 1 or name in ("", NONE)}):
            raise ValueError(f"select_all: the option '{twice[0]}' needs a `name` of its own")
        if self.chosen.when or self.not_chosen.when:
            raise ValueError("chosen and not_chosen are codes; `when` is for items with one answer")
        return self

    @property
    def options(self) -> dict[str, SelectedOption]:
        """The options by name."""
        return {option.short_name: option for option in self.select_all}

    def labels(self, language: str) -> list[str]:
        """Return the words of the options and of "none of these", in their order."""
        words = [*(option.label for option in self.select_all), self.none.label]
        return [in_language(one, language) for one in words]

    def texts(self) -> list[tuple[str, Worded]]:
        """Return all words, each with its place behind the item's name."""
        own = [("", self.wording), (".option_wording", self.option_wording), (".none", self.none.label)]
        own += [(".chosen", self.chosen.label), (".not_chosen", self.not_chosen.label)]
        return own + [(f" option {option.short_name}", option.label) for option in self.select_all]

    def items(self, languages: list[str]) -> dict[str, dict[str, Any]]:
        """Return the items of the options as a codebook writes them, by the option's name; last "none of these", if it was asked."""
        answers = [self.not_chosen.model_dump(), self.chosen.model_dump()]
        about = {"options": answers, "missing": [one.model_dump() for one in self.missing]}
        made: dict[str, dict[str, Any]] = {
            name: {
                "column": option.column,
                "wording": self._asked(option.label, languages),
                **about,
                "predictor": self.predictor,
            }
            for name, option in self.options.items()
        }
        if self.none.column is not None:
            wording = self._asked(self.none.label, languages)
            made[NONE] = {"column": self.none.column, "wording": wording, **about, "predictor": False}
        return made

    def _asked(self, label: Worded, languages: list[str]) -> dict[str, str]:
        return {
            language: in_language(self.option_wording, language)
            .replace("{wording}", in_language(self.wording, language))
            .replace("{option}", in_language(label, language))
            for language in languages
        }


def expanded(content: Any) -> Any:
    """Return the content of a codebook with its select-all items under ``select_all``, and items of their options in their place.

    What is not a select-all item as it should be is left for the codebook's own checks to tell.
    """
    items = content.get("items") if isinstance(content, Mapping) else None
    if not isinstance(items, Mapping):
        return content
    found = {name: one for name, one in items.items() if isinstance(one, Mapping) and "select_all" in one}
    if not found:
        return content
    languages = content.get("languages", ["en"])
    made: dict[str, Any] = {}
    for name, one in items.items():
        if name not in found:
            made[name] = one
            continue
        try:
            made |= {
                f"{name}.{option}": item
                for option, item in SelectAll.model_validate(one).items(languages).items()
            }
        except (ValidationError, KeyError, TypeError, AttributeError):
            continue
    return {**content, "items": made, "select_all": {**content.get("select_all", {}), **found}}
