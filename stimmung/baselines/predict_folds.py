"""Baseline predictions of all respondents, each by a model that was not trained on that respondent."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stimmung.baselines.tabular import predict_baseline
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX
from stimmung.vocabulary.votes_schemas import NO_FOLD, OPTION_PREFIX

# From training and test rows of a RESPONDENTS table to the probability of each option for each test row, (n_test, n_options).
Predict = Callable[[pd.DataFrame, pd.DataFrame], npt.NDArray[np.float64]]


def predict_folds(
    name: str,
    respondents: pd.DataFrame,
    splits: pd.DataFrame,
    *,
    predictors: Sequence[str],
    target: str,
    options: Sequence[str],
    grid: Mapping[str, Sequence[Any]],
    inner_folds: int,
    condition: str,
    seed: int,
) -> pd.DataFrame:
    """Return the predictions table of one baseline under one condition: a row for each respondent, in the order given.

    ``splits`` is the SPLITS table of the condition: the model of fold f is trained on the rows with ``in_training`` that are not
    in fold f. Who did not answer has fold ``NO_FOLD``. The other arguments are those of :func:`predict_baseline`. Raises an
    InputError if the splits are those of other respondents.
    """

    def predict(train: pd.DataFrame, test: pd.DataFrame) -> npt.NDArray[np.float64]:
        return predict_baseline(name, train, test, predictors, target, options, grid, inner_folds, seed)

    return predict_each_fold(
        name, respondents, splits, predict, target=target, options=options, condition=condition, seed=seed
    )


def predict_each_fold(
    name: str,
    respondents: pd.DataFrame,
    splits: pd.DataFrame,
    predict: Predict,
    *,
    target: str,
    options: Sequence[str],
    condition: str,
    seed: int,
    learns: bool = True,
) -> pd.DataFrame:
    """Return the same of any way to ``predict``; one that ``learns`` no answer to the target gets all rows of the other folds."""
    if set(splits["respondent_id"]) != set(respondents["respondent_id"]):
        raise InputError(
            f"condition '{condition}': the splits table and the respondents table do not have the same respondents",
            "Delete both tables and run snakemake again.",
        )
    rows = respondents.merge(splits, on="respondent_id", validate="one_to_one")
    answered = rows["fold"] != NO_FOLD
    known = rows["in_training"] & answered if learns else answered
    parts = []
    for fold in sorted(rows["fold"][answered].unique()):
        # Who did not answer is in no fold: every model predicts them, and their probabilities are averaged.
        test = rows[(rows["fold"] == fold) | ~answered]
        train = rows[known & (rows["fold"] != fold)]
        predicted = predict(train, test)
        parts.append(pd.DataFrame(predicted, test.index, [OPTION_PREFIX + option for option in options]))
    probabilities = pd.concat(parts).groupby(level=0).mean()
    described = rows[["respondent_id"]].assign(
        method=f"{BASELINE_PREFIX}{name}",
        condition=condition,
        seed=seed,
        fold=rows["fold"],
        target=rows[target].astype(str).where(answered, None),
        weight=rows["weight"],
    )
    # A tabular model has no other answers than the options, and there is nothing to normalise.
    read_out = pd.DataFrame({"option_mass": 1.0, "n_tokens": 0, "normalization": "none"}, rows.index)
    return pd.concat([described, probabilities.loc[rows.index], read_out], axis=1)
