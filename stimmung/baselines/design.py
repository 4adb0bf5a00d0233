"""From survey answers to the columns of a tabular model: ordinal items stay ordered, and missing answers are indicated."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from stimmung.vocabulary.votes_schemas import MISSING_SUFFIX

ABSENT = "(no answer)"


def design_matrix(respondents: pd.DataFrame, predictors: Sequence[str], one_hot: bool = True) -> pd.DataFrame:
    """Return the columns that a tabular model is fitted to.

    Nothing here is learned from the data, so training and test rows may be encoded together. A numeric item is its value and an
    ordinal item the rank of the answer from 0, NaN where there is none. A nominal item becomes an indicator of each option, or,
    without ``one_hot``, stays one column of labels, for an estimator that encodes them itself. Missing answers have an indicator
    for each reason, or one for the item if it declares none. The rows are those of ``respondents``, a RESPONDENTS table.
    """
    columns: dict[str, pd.Series[Any]] = {}
    for item in predictors:
        answers = respondents[item]
        if not isinstance(answers.dtype, pd.CategoricalDtype):
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
