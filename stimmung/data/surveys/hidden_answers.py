"""Whose answers a condition counts as not asked for, and the table of respondents without them."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.not_asked import NotAsked
from stimmung.vocabulary.votes_schemas import MISSING_SUFFIX

Mask = npt.NDArray[np.bool_]


def shown_answers(respondents: pd.DataFrame, not_asked: NotAsked | None, target: str) -> pd.DataFrame:
    """Return a RESPONDENTS table as prompts and baselines that ask for ``target`` may see it: without what was not asked.

    Answers to ``target`` stay: no prompt of its own shows them, and they are what is predicted.
    """
    if not_asked is None:
        return respondents
    unasked = gave_all(respondents, not_asked.among, "left_out")
    items = [name for name in not_asked.items if name != target and name in respondents]
    columns = [*items, *(name + MISSING_SUFFIX for name in items if name + MISSING_SUFFIX in respondents)]
    return respondents.assign(**{name: respondents[name].mask(unasked) for name in columns})


def gave_all(respondents: pd.DataFrame, answers: Mapping[str, Sequence[str]], where: str) -> Mask:
    """Return who gave one of the answers to each item, shape (n_respondents,); everybody if there is no item."""
    chosen = np.ones(len(respondents), dtype=bool)
    for item, wanted in answers.items():
        chosen &= gave(respondents, item, wanted, where)
    return chosen


def gave(respondents: pd.DataFrame, item: str, answers: Sequence[str], where: str) -> Mask:
    """Return who gave one of the answers, shape (n_respondents,); an InputError if the item or an answer is unknown."""
    if item not in respondents:
        raise InputError(f"{where}: no item '{item}'{did_you_mean(item, respondents.columns)}")
    dtype = respondents[item].dtype
    if not isinstance(dtype, pd.CategoricalDtype):
        raise InputError(f"{where}: '{item}' is numeric and has no answers to choose from")
    for answer in answers:
        if answer not in dtype.categories:
            raise InputError(
                f"{where}: item '{item}' has no answer '{answer}'{did_you_mean(answer, dtype.categories)}"
            )
    return respondents[item].isin(list(answers)).to_numpy()
