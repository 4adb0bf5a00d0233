"""From data frames and arrays, as scikit-learn passes them, to tables of respondents."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stimmung.vocabulary.codebook import Codebook
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.votes_schemas import MISSING_SUFFIX

Kinds = Mapping[str, Any]  # item to pandas dtype: a categorical or float


def kinds_of_codebook(codebook: Codebook, language: str) -> dict[str, Any]:
    """Return the dtype of each predictor of a codebook: its options, in order if they have one, or a number."""
    kinds: dict[str, Any] = {}
    for name in codebook.predictors:
        item = codebook.items[name]
        ordered = item.scale == "ordinal"
        kinds[name] = (
            float if item.scale == "numeric" else pd.CategoricalDtype(item.labels(language), ordered)
        )
    return kinds


def kinds_of_frame(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the dtype of each column: that which it has, if it is categorical, a number, or the values that occur."""
    kinds: dict[str, Any] = {}
    for name in frame:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            kinds[str(name)] = column.dtype
        elif pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            kinds[str(name)] = float
        else:
            kinds[str(name)] = pd.CategoricalDtype(sorted(column.dropna().unique(), key=str))
    return kinds


def items_table(frame: pd.DataFrame, kinds: Kinds) -> pd.DataFrame:
    """Return the items of ``kinds`` from a data frame, each with its dtype, and the columns of reasons for missing answers, if any.

    Raises an InputError if an item is absent, an answer is none of its options, or a number is none.
    """
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    problems = [
        f"no column '{name}'{did_you_mean(name, frame.columns)}" for name in kinds if name not in frame
    ]
    if problems:
        raise InputError(
            "; ".join(problems), "Each item that was there in `fit`, or in the codebook, is a column."
        )
    columns: dict[str, pd.Series[Any]] = {}
    for name, kind in kinds.items():
        answers = frame[name]
        if isinstance(kind, pd.CategoricalDtype):
            strange = answers.notna() & ~answers.isin(list(kind.categories))
            columns[name] = answers.astype(object).where(answers.notna() & ~strange, None).astype(kind)
        else:
            columns[name] = pd.to_numeric(answers, errors="coerce").astype(float)
            strange = (answers.notna() & columns[name].isna()) | np.isinf(columns[name])
        unknown = sorted({str(one) for one in answers[strange]})
        if unknown:
            known = list(kind.categories) if isinstance(kind, pd.CategoricalDtype) else []
            problems.append(f"'{name}': no answer '{unknown[0]}'{did_you_mean(unknown[0], known)}")
        if name + MISSING_SUFFIX in frame:
            columns[name + MISSING_SUFFIX] = frame[name + MISSING_SUFFIX].astype("category")
    if problems:
        raise InputError(
            "; ".join(problems), "An answer must be one of the codebook's, or one that was there in `fit`."
        )
    return pd.DataFrame(columns, index=frame.index)


def respondents_table(
    frame: pd.DataFrame, kinds: Kinds, *, weights: Any = None, target: str = "", answers: Any = None
) -> pd.DataFrame:
    """Return a RESPONDENTS table: ids from a column ``respondent_id``, else the index; weights of 1 if there are none given."""
    n = len(frame)
    if weights is not None and np.shape(weights) != (n,):
        raise InputError(
            f"survey_weight has shape {np.shape(weights)}, and X has {n} rows",
            "Give one weight for each row.",
        )
    given = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    if unusable := int((~((given > 0) & np.isfinite(given))).sum()):
        raise InputError(f"survey_weight: zero, negative or missing in {unusable} of {n} rows")
    ids: Any = frame["respondent_id"] if "respondent_id" in frame else frame.index  # noqa: SIM401 (an index is no column)
    texts = pd.Index(ids).astype(str)
    if not texts.is_unique:
        raise InputError("X: its index, or its column respondent_id, does not tell respondents apart")
    table = items_table(frame, kinds).reset_index(drop=True)
    table.insert(0, "respondent_id", texts)
    table.insert(1, "weight", given)
    return table if answers is None else table.assign(**{target: answers})
