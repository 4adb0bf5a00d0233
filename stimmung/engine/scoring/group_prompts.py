"""From groups and the shares of their answers to what the engine trains on, and from what it scores to predicted shares."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.scorer import Asked, Scored
from stimmung.engine.scoring.survey_prompts import with_mean_weight_1
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


def group_task(name: str, rows: Sequence[tuple[str, TrainingRow]], seed: int) -> Task:
    """Return what one adapter is trained by, from the rows of all items: what is held out to stop early are whole groups."""
    weighted = with_mean_weight_1([row for _, row in rows])
    return Task(name, weighted, seed, [group for group, _ in rows], distributions=True)


def asked_of_groups(messages: Messages, folds: "pd.Series[int]", tuned: bool) -> list[Asked]:
    """Return what each group is asked; the adapter of the fold that tests it reads, if there are ``tuned`` ones."""
    return [
        Asked(messages[str(group)], int(fold) if tuned else NO_FOLD, str(group))
        for group, fold in folds.items()
    ]


def predicted_shares(
    scored: Sequence[Scored], folds: "pd.Series[int]", item: str, options: Sequence[str]
) -> pd.DataFrame:
    """Return the predicted share of each option in each group, the columns of a GROUP_PREDICTIONS table but for method and seed.

    ``folds`` are those of the groups that have shares of the ``item``, by name.
    """
    rows = [
        {"fold": fold, "group": group, "item": item, "option": option, "predicted": float(predicted)}
        for (group, fold), one in zip(folds.items(), scored, strict=True)
        for option, predicted in zip(options, one.probabilities, strict=True)
    ]
    return pd.DataFrame(rows)
