"""A respondent as a backstory in the first person, whose last sentence the model completes: silicon sampling.

Argyle et al. 2023 (Out of one, many, Political Analysis 31) give GPT-3 such sentences as 'Politically, I am a Democrat. I am
a woman. In 2016, I voted for' and read the probability of each candidate's name. The codebook has the sentences.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stimmung.text.chat import chat_text
from stimmung.text.prompts import Message, item_texts, worded_answer
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.answer_options import in_language
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.survey_item import SurveyItem


def persona_messages(
    answers: Mapping[str, Any], codebook: Codebook, language: str, drop_items: Sequence[str] = ()
) -> list[Message]:
    """Return the system message and the backstory of one respondent.

    An item without a sentence for the answer is left out, as Argyle et al. leave out what a respondent did not say. Arguments as
    of :func:`survey_messages`; an InputError if the codebook has no `persona`.
    """
    frame = _frame(codebook)
    sentences = filter(None, item_texts(_sentence, answers, codebook, language, drop_items).values())
    options = ", ".join(codebook.persona_answers(language))
    instruction = in_language(frame.instruction, language).replace("{options}", options)
    return [Message(role="system", content=instruction), Message(role="user", content=" ".join(sentences))]


def _frame(codebook: Codebook) -> Any:
    if codebook.persona is None:
        raise InputError(
            f"the codebook '{codebook.title}' has no `persona`",
            "The arm `persona` needs its instruction and question, and a sentence for each item.",
        )
    return codebook.persona


def _sentence(item: SurveyItem, value: Any, reason: Any, language: str) -> str | None:
    if pd.isna(value):
        absent = next((missing.persona for missing in item.missing if missing.reason == reason), None)
        return None if absent is None else in_language(absent, language)
    said = str(worded_answer(item, value, reason, language))
    own = next((one.persona for one in item.options if in_language(one.label, language) == said), None)
    if own is not None:
        said = in_language(own, language)
    if item.persona is None:
        return None if own is None else said
    return in_language(item.persona, language).replace("{answer}", said)


class PersonaRendering(Rendering):
    """How a model reads backstories: the question is the beginning of the sentence that it completes."""

    def text(self, messages: Sequence[Message]) -> str:
        """Return the text up to where the answer begins. A base model sees the backstory alone, as in Argyle et al."""
        turns = self.turns(messages)
        return chat_text(self.tokenizer, turns) if self.chat else turns[-1]["content"]

    def turns(self, messages: Sequence[Message]) -> list[Message]:
        """Return the turns that a chat model gets: the sentence to be completed ends the user's."""
        system, user = messages
        said = f"{user['content']} {self.question}".strip()
        return [system, Message(role="user", content=said)]


def rendering_of(codebook: Codebook, language: str, tokenizer: Any, chat: bool, persona: bool) -> Rendering:
    """Return how a model reads this survey, as lists of answers or, for a ``persona``, as backstories.

    The tokenizer is None where nothing is tokenised here: a model behind a server. Raises an InputError if a backstory is asked
    for and the codebook has no `persona`.
    """
    if persona:
        return PersonaRendering(tokenizer, chat, in_language(_frame(codebook).question, language))
    return Rendering(tokenizer, chat, codebook.question_in(language), codebook.asks_any_target)
