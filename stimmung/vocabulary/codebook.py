"""What a codebook says: survey items, their answer options, and the words that a respondent would have seen."""

import re
from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.answer_options import Worded, in_language
from stimmung.vocabulary.errors import did_you_mean, raise_together, unknown
from stimmung.vocabulary.select_all import NONE, SelectAll, expanded
from stimmung.vocabulary.strict import Strict
from stimmung.vocabulary.survey_item import SurveyItem


class Persona(Strict):
    """The frame of a backstory in the first person (silicon sampling, Argyle et al. 2023)."""

    instruction: Worded
    """The system message of chat models; others do not see it. {options} becomes the target's options."""
    question: Worded
    """The beginning of the last sentence, which the target's options complete, e.g. 'In 1996, I voted for'."""


class Codebook(Strict):
    """How the codes of one survey file become words."""

    title: str
    """The survey's name, for the report."""
    source: str
    """Where the file comes from and under which terms."""
    simulated: bool = False
    """Whether the data is made up; every table and figure is then marked."""
    languages: list[str] = Field(["en"])
    """The languages of the wordings."""
    instruction: Worded
    """The system message. {options} becomes the target's options, {option_list} the same in brackets."""
    question: Worded
    """The words before the answer that the model gives, e.g. 'Vote:'. {wording} becomes the target's wording, {options} its options;
    a survey with `targets` asks for any but the codebook's own with '{wording}:', unless {wording} stands here. Chat models see only a
    question with {wording}, at the end of what the user says; else the instruction alone says what is asked for."""
    respondent_id: str | None = None
    """The column of the respondent's identifier. null: the row number."""
    target: str
    """The item to predict."""
    persona: Persona | None = None
    """The frame of a backstory, for the arm `persona`."""
    gives_away: dict[str, list[str]] = Field({})
    """Item to items that it gives away, or that give it away: none of them stands in a prompt that asks for the other."""
    items: dict[str, SurveyItem]
    """All items, the target included, in the order of the prompt."""
    select_all: dict[str, SelectAll] = Field({})
    """Items of which all that apply are chosen; they are written among the `items`, where those of their options then stand."""

    @model_validator(mode="before")
    @classmethod
    def _with_select_all(cls, content: Any) -> Any:
        return expanded(content)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.target in self.select_all:
            raise ValueError(
                f"target '{self.target}' is select-all; name one of its options, such as '{self.members(self.target)[0]}', and "
                f"'{self.target}' under the survey's `targets`"
            )
        if self.target not in self.items:
            raise ValueError(f"target '{self.target}' is not among the items")
        try:
            self.items[self.target].with_options()
        except ValueError as error:
            raise ValueError(f"target '{self.target}' is numeric, and {error}") from error
        problems = []
        for name, item in self.items.items():
            if item.part_of is not None:
                problems += unknown(f"items.{name}.part_of", "item", [item.part_of], self.names)
        for name, others in self.gives_away.items():
            problems += unknown("gives_away", "item", [name], self.names)
            problems += unknown(f"gives_away.{name}", "item", others, self.names)
        problems += [
            f"{place} has no wording in '{language}'"
            for place, text in self._worded_places()
            for language in self.languages
            if isinstance(text, dict) and language not in text
        ]
        raise_together(problems + self._unknown_placeholders())
        for language in self.languages:
            said = [(name, "wording", item.labels(language)) for name, item in self.items.items()]
            for name, what, words in [*said, (self.target, "persona", self.persona_answers(language))]:
                if len(set(words)) < len(words):
                    problems.append(f"items.{name}: two options have the same {what} in '{language}'")
            for name, several in self.select_all.items():
                words = several.labels(language)
                if len(set(words)) < len(words):
                    problems.append(f"select_all.{name}: two options have the same wording in '{language}'")
        raise_together(problems)
        return self

    def _unknown_placeholders(self) -> list[str]:
        """Return which wordings name a {placeholder} that nothing replaces."""
        known = {"instruction": ("options", "option_list"), "persona.instruction": ("options",)}
        known |= {"question": ("wording", "options")}
        known |= {f"items.{name}.format": ("value",) for name in self.items}
        known |= {f"items.{name}.bin_label": ("low", "high") for name in self.items}
        known |= {f"items.{name}.persona": ("answer",) for name in self.items}
        known |= {f"select_all.{name}.option_wording": ("wording", "option") for name in self.select_all}
        problems = []
        for place, text in self._worded_places():
            wordings = [text] if isinstance(text, str) else text.values()
            named = {one for wording in wordings for one in re.findall(r"\{(\w+)\}", wording)}
            problems += [
                f"{place}: nothing replaces '{{{one}}}'{did_you_mean(one, known[place])}"
                for one in sorted(named - set(known.get(place, named)))
            ]
        return problems

    def _worded_places(self) -> list[tuple[str, Worded]]:
        places: list[tuple[str, Worded | None]] = [
            ("instruction", self.instruction),
            ("question", self.question),
        ]
        if self.persona is not None:
            places.append(("persona.instruction", self.persona.instruction))
            places.append(("persona.question", self.persona.question))
        for name, item in self.items.items():
            place = f"items.{name}"
            places += [
                (place, item.wording),
                (f"{place}.format", item.format),
                (f"{place}.bin_label", item.bin_label),
                (f"{place}.persona", item.persona),
            ]
            for option in item.options:
                which = f"{place} option {'when' if option.code is None else option.code}"
                places += [(which, option.label), (f"{which}, persona", option.persona)]
            for missing in item.missing:
                which = f"{place} missing {missing.range if missing.code is None else missing.code}"
                places += [(which, missing.label), (f"{which}, persona", missing.persona)]
        places += [
            (f"select_all.{name}{key}", text)
            for name, one in self.select_all.items()
            for key, text in one.texts()
        ]
        return [(place, text) for place, text in places if text is not None]

    @property
    def predictors(self) -> list[str]:
        """The names of all items but the target, what gives it away, and those for conditions only, in the order of the prompt."""
        return self.predictors_without([])

    def predictors_without(self, drop_items: Sequence[str]) -> list[str]:
        """Return the predictors that stay if ``drop_items`` leave, and with them what is part of them."""
        dropped = set(self.of_options([*drop_items, self.target, *self.given_away()]))
        while more := {name for name, item in self.items.items() if item.part_of in dropped} - dropped:
            dropped |= more
        return [name for name, item in self.items.items() if item.predictor and name not in dropped]

    def given_away(self) -> list[str]:
        """Return the items that give the target away, whichever of the two the codebook names first."""
        asked = [self.target, *([] if (group := self.group_of(self.target)) is None else [group])]
        named = [one for name in asked for one in self.gives_away.get(name, [])]
        named += [name for name, others in self.gives_away.items() if set(asked) & set(others)]
        # Who says which options hold is asked for all of them at once.
        return [*named, *(one for one in asked if one in self.select_all)]

    @property
    def names(self) -> list[str]:
        """The names of all items, select-all ones too."""
        return [*self.items, *self.select_all]

    def members(self, group: str) -> list[str]:
        """Return the items of a select-all item's options, in their order."""
        return [f"{group}.{option}" for option in self.select_all[group].options]

    def group_of(self, item: str) -> str | None:
        """Return the select-all item that an item is an option of, if it is one."""
        group, _, option = item.rpartition(".")
        known = self.select_all.get(group)
        return group if known is not None and option in (*known.options, NONE) else None

    def of_options(self, names: Sequence[str]) -> list[str]:
        """Return names of items with the items of its options behind each select-all one."""
        return [
            one for name in names for one in (name, *(self.members(name) if name in self.select_all else []))
        ]

    def targets_of(self, names: Sequence[str]) -> list[str]:
        """Return items to predict, with those of its options instead of each select-all one."""
        return [name for name in dict.fromkeys(self.of_options(names)) if name not in self.select_all]

    @property
    def asked(self) -> Self:
        """The codebook as it asks for its own target."""
        return self.with_target(self.target)

    def with_target(self, item: str) -> Self:
        """Return the same codebook asking for another of its items; its backstory ends as :meth:`persona_of` says."""
        asked = self.with_options([item])
        if item == self.target:
            return asked
        question = self.question if self.asks_any_target else "{wording}:"
        return asked.model_copy(
            update={"target": item, "question": question, "persona": self.persona_of(item)}
        )

    def persona_of(self, item: str) -> Persona | None:
        """Return the frame of a backstory that an item's answer completes; None if the codebook has no words for it.

        The last sentence is the codebook's `persona.question` for its own target, and for others the item's sentence up to the answer.
        """
        if item == self.target or self.persona is None:
            return self.persona
        sentence = self.items[item].persona
        if sentence is None:
            return None
        by_language = dict.fromkeys(self.languages, sentence) if isinstance(sentence, str) else sentence
        ends = {
            language: re.fullmatch(r"(.*\S)\s+\{answer\}\W?", said) for language, said in by_language.items()
        }
        beginnings = {language: found[1] for language, found in ends.items() if found}
        if len(beginnings) < len(ends):
            return None
        return self.persona.model_copy(update={"question": beginnings})

    def can_ask_for(self, item: str) -> bool:
        """Return whether an item exists, and has options or can have them."""
        return not self.problems_with_targets([item])

    def problems_with_targets(self, names: Sequence[str]) -> list[str]:
        """Return which of these items cannot be predicted, and why."""
        problems = unknown("targets", "item", names, self.items, " in the codebook")
        for name in set(names) & set(self.items):
            try:
                self.items[name].with_options()
            except ValueError as error:
                problems.append(f"targets: '{name}' is numeric, and {error}")
        return problems

    def with_options(self, targets: Sequence[str]) -> Self:
        """Return the codebook of a survey that predicts these items: numeric ones have options (:meth:`SurveyItem.with_options`)."""
        if all(self.items[name].scale != "numeric" for name in targets):
            return self
        answered = {name: one.with_options() if name in targets else one for name, one in self.items.items()}
        return self.model_copy(update={"items": answered})

    @property
    def asks_any_target(self) -> bool:
        """Whether the question names the target by its wording, so that the instruction need not."""
        wordings = [self.question] if isinstance(self.question, str) else self.question.values()
        return any("{wording}" in wording for wording in wordings)

    def question_in(self, language: str) -> str:
        """Return the words before the answer in ``language``."""
        wording = in_language(self.items[self.target].wording, language)
        options = ", ".join(self.target_labels(language))
        text = in_language(self.question, language)
        return text.replace("{wording}", wording).replace("{options}", options)

    def target_labels(self, language: str) -> list[str]:
        """Return the words of the target's options in ``language``."""
        return self.items[self.target].labels(language)

    @property
    def target_codes(self) -> list[float] | None:
        """The number of each of the target's options, in their order, if it is ordinal and each has just one; else None."""
        item = self.items[self.target].with_options()
        try:
            codes = [[float(code) for code in option.codes] for option in item.options if not option.when]
        except ValueError:
            return None
        if item.scale != "ordinal" or len(codes) < len(item.options) or any(len(one) != 1 for one in codes):
            return None
        return [one for (one,) in codes]

    @property
    def target_values(self) -> list[float] | None:
        """The number of each of the target's options if they are in order: of a numeric item its own, else the place; else None."""
        item = self.items[self.target].with_options()
        if item.scale != "ordinal":
            return None
        return self.target_codes if item.is_number else [float(place) for place in range(len(item.options))]

    def persona_answers(self, language: str) -> list[str]:
        """Return what completes the backstory's last sentence for each option of the target."""
        options = self.items[self.target].options
        return [
            in_language(option.label if option.persona is None else option.persona, language)
            for option in options
        ]
