"""What the adapters of a survey's folds are trained on, of one target or of several."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.survey_prompts import training_ids, training_rows, with_mean_weight_1
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.votes_schemas import GROUP


class Target(NamedTuple):
    """What adapters learn to predict: the codebook that asks for it, the prompts, and who may be learned from."""

    words: Codebook
    texts: pd.DataFrame
    split: pd.DataFrame


def fold_tasks(
    asked: Sequence[Target],
    names: Sequence[str],
    seed: int,
    language: str,
    chat: bool,
    tokenizer: Any,
    respondents: pd.DataFrame | None = None,
    *,
    weighted: bool = False,
) -> list[Task]:
    """Return what is trained for each fold, by its name: the rows of the first target, then of the second, and so on.

    With ``weighted``, the weights of ``respondents``, a RESPONDENTS table, count in the loss, with a mean of 1. If it has groups, a
    row belongs to its group, of which all or nothing is held out of training to stop early; else to its respondent. Raises an
    InputError if no score can tell two options apart.
    """
    people = None if respondents is None else respondents.set_index("respondent_id")
    weights = people["weight"] if people is not None and weighted else None
    group_of = people[GROUP] if people is not None and GROUP in people else None
    rows: list[list[TrainingRow]] = [[] for _ in names]
    owners: list[list[str]] = [[] for _ in names]
    for words, texts, split in asked:
        rendering = rendering_of(words, language, tokenizer, chat, persona=False)
        # Options that no score can tell apart are found here, not after hours of training.
        rendering.encode(list(texts.messages.iloc[0]), words.target_labels(language))
        for fold, of_fold in enumerate(rows):
            ids = training_ids(split, fold)
            of_fold += training_rows(texts, ids, rendering, weights)
            owners[fold] += ids if group_of is None else list(group_of.loc[ids])
    return [
        Task(name, with_mean_weight_1(of_fold), seed, whose)
        for name, of_fold, whose in zip(names, rows, owners, strict=True)
    ]
