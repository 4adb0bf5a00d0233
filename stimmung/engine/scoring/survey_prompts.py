"""From the tables of a survey to what the engine trains on and scores."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from stimmung.engine.cohort.batching import TrainingRow
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


def training_rows(
    prompts: pd.DataFrame, ids: Sequence[str], rendering: Rendering, weights: "pd.Series[float] | None" = None
) -> list[TrainingRow]:
    """Return each respondent's prompt and answer in tokens, in the order of ``ids``, with loss on the answer and its end only.

    ``weights``, by respondent, are those of the rows in the loss; None: all count alike.
    """
    rows: list[TrainingRow] = []
    counts = [1.0] * len(ids) if weights is None else [float(one) for one in weights.loc[list(ids)]]
    end: tuple[int, ...] | None = None
    asked = zip(asked_messages(prompts, ids), _targets(prompts, ids), counts, strict=True)
    for messages, target, weight in asked:
        context, (answer,) = rendering.encode(messages, [target])
        # A template ends every answer alike.
        end = rendering.end_ids(messages, target) if end is None else end
        rows.append(TrainingRow(context + answer + end, len(context), weight))
    return rows


def with_mean_weight_1(rows: Sequence[TrainingRow]) -> list[TrainingRow]:
    """Return rows with their weights divided by the mean, so that the adapter does not depend on the unit of the weights."""
    mean = sum(row.weight for row in rows) / max(1, len(rows))
    return list(rows) if mean == 1 else [replace(row, weight=row.weight / mean) for row in rows]


def asked_messages(
    prompts: pd.DataFrame, ids: Sequence[str], examples: Sequence[tuple[str, str]] = ()
) -> list[list[Message]]:
    """Return the messages that ask each respondent, behind the examples."""
    stored = prompts.set_index("respondent_id").messages.loc[list(ids)]
    asked = [[Message(role=one["role"], content=one["content"]) for one in messages] for messages in stored]
    return [few_shot_messages(messages, examples) for messages in asked] if examples else asked


def answers_texts(prompts: pd.DataFrame, ids: Sequence[str]) -> list[str]:
    """Return each respondent's answers alone, without instruction and question: what a classifier reads."""
    return [messages[-1]["content"] for messages in asked_messages(prompts, ids)]


def draw_examples(prompts: pd.DataFrame, ids: Sequence[str], k: int, seed: int) -> list[tuple[str, str]]:
    """Draw ``k`` few-shot examples from the training respondents ``ids``, whose order does not matter.

    Returns what each example's respondent answered, as a prompt words it, and the answer that is asked for. Raises an InputError if
    there are fewer respondents than ``k``.
    """
    check_enough(ids, k)
    return examples_of(
        prompts, np.random.default_rng(seed).choice(sorted(ids), size=k, replace=False).tolist()
    )


def examples_of(prompts: pd.DataFrame, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return what each respondent answered, as a prompt words it, and the answer that is asked for."""
    return list(zip(answers_texts(prompts, ids), _targets(prompts, ids), strict=True))


def check_enough(ids: Sequence[str], k: int) -> None:
    """Raise an InputError if there are fewer training respondents ``ids`` than the ``k`` examples that are asked for."""
    if len(ids) < k:
        raise InputError(
            f"few-shot: {k} examples are asked for, but there are {len(ids)} training respondents"
        )


def _targets(prompts: pd.DataFrame, ids: Sequence[str]) -> list[str]:
    return [str(target) for target in prompts.set_index("respondent_id").target.loc[list(ids)]]
