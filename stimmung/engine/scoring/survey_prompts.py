"""From the tables of a survey to what the engine trains on and scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.lora import BASE_ONLY
from stimmung.engine.scoring.score import Prompt
from stimmung.text.prompts import Message, few_shot_messages
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.votes_schemas import NO_FOLD


def training_ids(splits: pd.DataFrame, fold: int) -> list[str]:
    """Return the respondents that may be learned from when ``fold`` is tested, in the table's order."""
    chosen = splits.in_training & (splits.fold != fold) & (splits.fold != NO_FOLD)
    return list(splits.respondent_id[chosen])


def held_out_ids(splits: pd.DataFrame, fold: int) -> list[str]:
    """Return the respondents that ``fold`` tests, the same in every condition; of ``NO_FOLD``, who did not answer."""
    return list(splits.respondent_id[splits.fold == fold])


def folds_of(splits: pd.DataFrame) -> list[int]:
    """Return the numbers of the folds."""
    return sorted(int(fold) for fold in splits.fold.unique() if fold != NO_FOLD)


def training_rows(prompts: pd.DataFrame, ids: Sequence[str], rendering: Rendering) -> list[TrainingRow]:
    """Return each respondent's prompt and answer in tokens, with loss on the answer only.

    Parameters
    ----------
    prompts
        The prompts table.
    ids
        Whose rows, in this order.
    rendering
        How the model reads them.
    """
    rows = []
    for prompt in prompts.set_index("respondent_id").loc[list(ids)].itertuples():
        encoded = rendering.encode(_messages(prompt.messages), [str(prompt.target)])
        rows.append(TrainingRow(encoded.context_ids + encoded.continuation_ids[0], len(encoded.context_ids)))
    return rows


def scoring_prompts(
    prompts: pd.DataFrame,
    ids: Sequence[str],
    options: Sequence[str],
    rendering: Rendering,
    *,
    adapter: int = BASE_ONLY,
    examples: Sequence[tuple[str, str]] = (),
) -> list[Prompt]:
    """Return each respondent's prompt with all answer options in tokens.

    Parameters
    ----------
    prompts, ids, rendering
        As for ``training_rows``.
    options
        The target's options.
    adapter
        The adapter that reads the prompts.
    examples
        Few-shot examples: user message and answer.
    """
    found = []
    for messages in asked_messages(prompts, ids, examples):
        encoded = rendering.encode(messages, options)
        found.append(Prompt(encoded.context_ids, encoded.continuation_ids, adapter))
    return found


def asked_messages(
    prompts: pd.DataFrame, ids: Sequence[str], examples: Sequence[tuple[str, str]] = ()
) -> list[list[Message]]:
    """Return the messages that ask each respondent, behind the examples."""
    rows = prompts.set_index("respondent_id").loc[list(ids)]
    return [
        few_shot_messages(_messages(messages), examples) if examples else _messages(messages)
        for messages in rows.messages
    ]


def answers_texts(prompts: pd.DataFrame, ids: Sequence[str]) -> list[str]:
    """Return each respondent's answers alone, without instruction and question: what a classifier reads."""
    return [messages[-1]["content"] for messages in asked_messages(prompts, ids)]


def unconditional_prompt(prompts: pd.DataFrame, options: Sequence[str], rendering: Rendering) -> Prompt:
    """Return the prompt with the instruction and the question but without a respondent, for PMI."""
    system, _ = _messages(prompts.messages.iloc[0])
    encoded = rendering.encode([system, Message(role="user", content="")], options)
    return Prompt(encoded.context_ids, encoded.continuation_ids)


def draw_examples(prompts: pd.DataFrame, ids: Sequence[str], k: int, seed: int) -> list[tuple[str, str]]:
    """Draw ``k`` few-shot examples from the given training respondents.

    Parameters
    ----------
    prompts
        A PROMPTS table.
    ids
        The training respondents, in any order: the same ones give the same examples.
    k, seed
        How many, and what draws them.

    Returns
    -------
    list of tuple
        What the respondent answered, as a prompt words it, and the answer that is asked for.

    Raises
    ------
    InputError
        If there are fewer than ``k``.
    """
    if len(ids) < k:
        raise InputError(
            f"few-shot: {k} examples are asked for, but there are {len(ids)} training respondents"
        )
    chosen = np.random.default_rng(seed).choice(sorted(ids), size=k, replace=False)
    rows = prompts.set_index("respondent_id").loc[list(chosen)]
    return [(_messages(row.messages)[-1]["content"], str(row.target)) for row in rows.itertuples()]


def _messages(stored: Any) -> list[Message]:
    return [Message(role=message["role"], content=message["content"]) for message in stored]
