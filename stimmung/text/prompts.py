"""From a respondent's answers to the messages a model reads, and from messages to plain text for base models."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import pandas as pd

from stimmung.vocabulary.answer_options import in_language
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.survey_item import SurveyItem
from stimmung.vocabulary.votes_schemas import MISSING_SUFFIX


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    content: str


def survey_messages(
    answers: Mapping[str, Any], codebook: Codebook, language: str, drop_items: Sequence[str] = ()
) -> list[Message]:
    """Return the system and the user message for one respondent.

    ``answers`` is the respondent's row of the RESPONDENTS table: labels, numbers, and ``{item}.missing`` reasons. ``drop_items``
    are left out, with the items that are part of them.
    """
    lines: dict[str, str] = {}
    for name, answer in item_texts(worded_answer, answers, codebook, language, drop_items).items():
        group = codebook.group_of(name)
        said = answer if group is None else chosen_options(answers, codebook, group, language, answer)
        if said is not None:
            asked = (codebook.items[name] if group is None else codebook.select_all[group]).wording
            lines.setdefault(group or name, f"{in_language(asked, language)}: {said}")
    options = codebook.target_labels(language)
    instruction = in_language(codebook.instruction, language).replace("{options}", ", ".join(options))
    # As in the study that is reproduced: ['CDU', 'SPD'].
    instruction = instruction.replace("{option_list}", str(options))
    return [
        Message(role="system", content=instruction),
        Message(role="user", content="\n".join(lines.values())),
    ]


def chosen_options(
    answers: Mapping[str, Any], codebook: Codebook, group: str, language: str, absent: str | None
) -> str | None:
    """Return the chosen options of a select-all item, with commas between them; in place of no answer at all, ``absent``.

    None, if no option was chosen and it is not known of all of them.
    """
    item, given = codebook.select_all[group], [answers[name] for name in codebook.members(group)]
    if all(pd.isna(value) for value in given):
        return absent
    chosen = in_language(item.chosen.label, language)
    words = [
        in_language(option.label, language)
        for option, value in zip(item.select_all, given, strict=True)
        if value == chosen
    ]
    if not words and any(pd.isna(value) for value in given):
        return None
    return ", ".join(words) or in_language(item.none.label, language)


def item_texts(
    text_of: Callable[[SurveyItem, Any, Any, str], str | None],
    answers: Mapping[str, Any],
    codebook: Codebook,
    language: str,
    drop_items: Sequence[str],
) -> dict[str, str | None]:
    """Return item to the text of its answer, by a function of item, answer, reason for its absence and language."""
    return {
        name: text_of(codebook.items[name], answers[name], answers.get(name + MISSING_SUFFIX), language)
        for name in codebook.predictors_without(drop_items)
    }


def prompts_table(
    respondents: pd.DataFrame, target: str, messages: Sequence[Sequence[Message]], texts: Sequence[str]
) -> pd.DataFrame:
    """Return a PROMPTS table: each respondent's prompt, as turns and as running text for base models, and answer, if any."""
    table = pd.DataFrame({"respondent_id": respondents["respondent_id"], "messages": messages, "text": texts})
    answers = respondents[target]
    return table.assign(target=answers.astype("str").where(answers.notna(), None))


def worded_answer(item: SurveyItem, value: Any, reason: Any, language: str) -> str | None:
    """Return an answer, or the reason for its absence, as prompts word it; None if the codebook has no words for it."""
    if pd.isna(value):
        label = next((missing.label for missing in item.missing if missing.reason == reason), None)
        return None if label is None else in_language(label, language)
    if item.scale == "numeric":
        return in_language(item.format, language).replace(
            "{value}", number_in_words(float(value), item.decimals)
        )
    return str(value)


def number_in_words(value: float, decimals: int | None) -> str:
    """Return a number as prompts have it: as it is, or with so many digits after the point."""
    if decimals is not None:
        # Adding 0 makes -0.0 a plain zero.
        return f"{round(value, decimals) + 0.0:.{decimals}f}"
    return str(int(value)) if value.is_integer() else repr(value)


def few_shot_messages(messages: Sequence[Message], examples: Sequence[tuple[str, str]]) -> list[Message]:
    """Return a system and a user message with examples between them: the user message and answer of other respondents."""
    system, user = messages
    turns = [turn for example in examples for turn in zip(("user", "assistant"), example, strict=True)]
    return [system, *(Message(role=role, content=said) for role, said in turns), user]


def plain_text(messages: Sequence[Message], question: str) -> str:
    """Return messages as the running text that a base model continues; it ends with ``question``, without a space.

    The space belongs to the answer: most tokenizers write a word and the space before it as one token.
    """
    parts = []
    for message in messages:
        if message["role"] == "user":
            parts.append(f"{message['content']}\n{question.rstrip(' ')}")
        elif message["role"] == "assistant":
            parts[-1] += f" {message['content']}"
        else:
            parts.append(message["content"])
    return "\n\n".join(parts)
