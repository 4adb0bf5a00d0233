"""From groups and the shares of their answers to what the engine trains on, and from what it scores to predicted shares."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.scoring.scorer import Asked, Scorer
from stimmung.text.prompts import Message, survey_messages
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.votes_schemas import NO_FOLD

Messages = Mapping[str, Sequence[Message]]  # group to its prompt


def group_messages(groups: pd.DataFrame, words: Codebook, language: str) -> Messages:
    """Return the prompt of each group of a GROUPS table, as a respondent who gave its answers would be asked."""
    rows: list[Any] = groups.to_dict("records")
    return {row["group"]: survey_messages(row, words, language) for row in rows}


def soft_training_rows(
    messages: Messages, shares: pd.DataFrame, groups: Sequence[str], rendering: Rendering
) -> list[tuple[str, TrainingRow]]:
    """Return a row for each option that somebody in a group chose, with the option's share as its weight, each behind its group.

    The loss of a group's rows is then the cross-entropy of the whole continuations against the shares, sum_k s_k nll_k, which is
    KL(shares || model) but for a constant (as SubPOP, Suh et al. 2025, has it for the first token). ``shares`` are the rows of a
    GROUP_SHARES table of one item.
    """
    rows: list[tuple[str, TrainingRow]] = []
    chosen = shares[shares["group"].isin(list(groups)) & (shares["share"] > 0)]
    for group, part in chosen.groupby("group", sort=False):
        asked = list(messages[str(group)])
        context, answers = rendering.encode(asked, list(part["option"]))
        end = rendering.end_ids(asked, str(part["option"].iloc[0]))
        for answer, share in zip(answers, part["share"], strict=True):
            row = TrainingRow(context + answer + end, len(context), float(share))
            rows.append((str(group), row))
    return rows


def score_groups_of(
    scorer: Scorer, messages: Messages, folds: "pd.Series[int]", item: str, options: Sequence[str]
) -> pd.DataFrame:
    """Return the predicted share of each option in each group, read by the adapter of the fold that tests the group.

    ``folds`` are those of the groups that have shares of the ``item``, by name. The columns are those of a GROUP_PREDICTIONS table
    but for method and seed.
    """
    readers = [int(fold) if scorer.adapters else NO_FOLD for fold in folds]
    asked = [Asked(messages[group], reader) for group, reader in zip(folds.index, readers, strict=True)]
    rows = [
        {"fold": fold, "group": group, "item": item, "option": option, "predicted": float(predicted)}
        for (group, fold), scored in zip(folds.items(), scorer.score(asked), strict=True)
        for option, predicted in zip(options, scored.probabilities, strict=True)
    ]
    return pd.DataFrame(rows)
