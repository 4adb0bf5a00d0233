"""From survey answers to the columns of a tabular model: ordered answers as a line or as steps; missing answers are indicated."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from stimmung.vocabulary.votes_schemas import MISSING_SUFFIX

ABSENT = "(no answer)"
# A numeric item with more values than the longest usual rating scale, 0 to 10, is a quantity: a choice.
MAX_STEPS = 11

Steps = Mapping[str, Sequence[Any]]  # item to the answers that have an indicator


def steps_of(train: pd.DataFrame, predictors: Sequence[str]) -> dict[str, list[Any]]:
    """Return the ordered items, each with its answers: all options of an ordinal one, the values of a numeric rating scale.

    A numeric item is a rating scale if it has at most ``MAX_STEPS`` values in the training rows, and more than two.
    """
    steps: dict[str, list[Any]] = {}
    for item in predictors:
        answers = train[item]
        if isinstance(answers.dtype, pd.CategoricalDtype):
            steps[item] = list(answers.cat.categories) if answers.cat.ordered else []
        else:
            values = sorted(answers.dropna().unique())
            steps[item] = values if len(values) <= MAX_STEPS else []
    # Of two answers, a line says as much as two steps.
    return {item: answers for item, answers in steps.items() if len(answers) > 2}


def design_matrix(
    respondents: pd.DataFrame, predictors: Sequence[str], one_hot: bool = True, steps: Steps | None = None
) -> pd.DataFrame:
    """Return the columns that a tabular model is fitted to.

    Nothing here is learned from the data, so training and test rows may be encoded together. A numeric item is its value and an
    ordinal item the rank of the answer from 0, NaN where there is none; those in ``steps`` have an indicator of each answer
    there instead. A nominal item becomes an indicator of each option, or, without ``one_hot``, stays one column of labels, for
    an estimator that encodes them itself. Missing answers have an indicator for each reason, or one for the item if it declares
    none. The rows are those of ``respondents``, a RESPONDENTS table.
    """
    columns: dict[str, pd.Series[Any]] = {}
    for item in predictors:
        answers = respondents[item]
        if item in (steps or {}):
            for answer in (steps or {})[item]:
                columns[f"{item}={answer}"] = (answers == answer).astype(float)
        elif not isinstance(answers.dtype, pd.CategoricalDtype):
            columns[item] = answers.astype(float)
        elif answers.cat.ordered:
            ranks = answers.cat.codes
            columns[item] = ranks.where(ranks >= 0).astype(float)
        elif one_hot:
            for option in answers.cat.categories:
                columns[f"{item}={option}"] = (answers == option).astype(float)
        else:
            columns[item] = answers.astype(object).where(answers.notna(), ABSENT).astype(str)
        if item + MISSING_SUFFIX in respondents:
            reasons = respondents[item + MISSING_SUFFIX]
            for reason in reasons.cat.categories:
                columns[f"{item} ({reason})"] = (reasons == reason).astype(float)
        else:
            columns[f"{item} {ABSENT}"] = answers.isna().astype(float)
    return pd.DataFrame(columns, index=respondents.index)
