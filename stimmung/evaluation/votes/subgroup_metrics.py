"""Metrics of subgroups of the respondents, such as those who identify with no party."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.vocabulary.errors import InputError, near
from stimmung.vocabulary.parquet_tables import empty_table
from stimmung.vocabulary.votes_schemas import SUBGROUPS

Answers = Mapping[str, Sequence[str]]  # item to answers


def members(respondents: pd.DataFrame, keep: Answers, exclude: Answers) -> list[str]:
    """Return the respondents of a subgroup.

    Parameters
    ----------
    respondents, keep
        The RESPONDENTS table. Members gave one of the answers listed in ``keep``, for each of these items.
    exclude
        Members gave another answer than those listed, for each of these items. Who gave no answer to an item that a subgroup names
        does not belong to it.

    Raises
    ------
    InputError
        If an item or an answer is unknown.
    """
    chosen = np.ones(len(respondents), dtype=bool)
    for answers, wanted in ((keep, True), (exclude, False)):
        for item, labels in answers.items():
            if item not in respondents:
                raise InputError(f"subgroups: no item '{item}'{near(item, respondents.columns)}")
            known = [str(label) for label in respondents[item].dropna().unique()]
            if isinstance(respondents[item].dtype, pd.CategoricalDtype):
                known = [str(label) for label in respondents[item].cat.categories]
            for label in labels:
                if label not in known:
                    raise InputError(f"subgroups: item '{item}' has no answer '{label}'{near(label, known)}")
            gave = respondents[item].astype(object).isin(list(labels)).to_numpy() == wanted
            chosen &= gave & respondents[item].notna().to_numpy()
    return list(respondents["respondent_id"][chosen])


def measure_subgroups(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    respondents: pd.DataFrame,
    subgroups: Mapping[str, Mapping[str, Answers]],
    weighted: bool = False,
) -> pd.DataFrame:
    """Return a SUBGROUPS table: the METRICS of each subgroup's test rows, by models that were trained on everybody.

    Folds without a respondent of the subgroup are left out.

    Parameters
    ----------
    predictions, splits, respondents, weighted
        As of :func:`measure_folds`; the RESPONDENTS table.
    subgroups
        Name to ``keep`` and ``exclude``, see :func:`members`.

    Raises
    ------
    InputError
        If an item or an answer is unknown, or a subgroup is empty.
    """
    parts = []
    for name, subgroup in subgroups.items():
        ids = members(respondents, subgroup.get("keep", {}), subgroup.get("exclude", {}))
        part = predictions[predictions["respondent_id"].isin(ids)]
        if part.empty:
            raise InputError(
                f"subgroups.{name}: it has no tested respondent", "Check its `keep` and `exclude`."
            )
        folds = measure_folds(part, splits, weighted, whole=False)
        parts.append(summarize_folds(folds).assign(subgroup=name))
    return pd.concat(parts or [empty_table(SUBGROUPS)], ignore_index=True)
