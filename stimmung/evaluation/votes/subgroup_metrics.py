"""Metrics of subgroups of the respondents, such as those who identify with no party."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from stimmung.evaluation.votes.fold_metrics import measure_folds, training_rows
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.vocabulary.errors import InputError, did_you_mean
from stimmung.vocabulary.parquet_tables import empty_table
from stimmung.vocabulary.votes_schemas import GROUP, SUBGROUPS

Answers = Mapping[str, Sequence[str]]  # item to answers


def members(respondents: pd.DataFrame, keep: Answers, exclude: Answers) -> list[str]:
    """Return the ids of those in a RESPONDENTS table who gave an answer in ``keep``, and none in ``exclude``, for each item there.

    Who gave no answer to an item that a subgroup names does not belong to it. Raises an InputError if an item or an answer is
    unknown.
    """
    chosen = np.ones(len(respondents), dtype=bool)
    for answers, wanted in ((keep, True), (exclude, False)):
        for item, labels in answers.items():
            if item not in respondents:
                raise InputError(f"subgroups: no item '{item}'{did_you_mean(item, respondents.columns)}")
            answer = respondents[item]
            of_item = (
                answer.cat.categories if isinstance(answer.dtype, pd.CategoricalDtype) else answer.dropna()
            )
            known = [str(label) for label in of_item.unique()]
            for label in labels:
                if label not in known:
                    raise InputError(
                        f"subgroups: item '{item}' has no answer '{label}'{did_you_mean(label, known)}"
                    )
            gave = answer.astype(object).isin(list(labels)).to_numpy() == wanted
            chosen &= gave & answer.notna().to_numpy()
    return list(respondents["respondent_id"][chosen])


def measure_subgroups(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    respondents: pd.DataFrame,
    subgroups: Mapping[str, Mapping[str, Answers]],
    weighted: bool = False,
    option_values: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Return a SUBGROUPS table: the METRICS of each subgroup's test rows, by models that were trained on everybody.

    Folds without a respondent of the subgroup are left out. ``n_training`` counts the subgroup's own training rows: they decide what a
    method learns of it, and with those of everybody intervals were too short. Where a condition trains on none of it, all count.
    ``predictions``, ``splits``, ``weighted`` and ``option_values`` as
    of :func:`measure_folds`; ``subgroups`` has for each name the ``keep`` and ``exclude`` of :func:`members`. Raises the InputErrors
    of both, and one if a subgroup is empty.
    """
    groups, parts = respondents.set_index("respondent_id").get(GROUP), []
    for name, subgroup in subgroups.items():
        ids = members(respondents, subgroup.get("keep", {}), subgroup.get("exclude", {}))
        part = predictions[predictions["respondent_id"].isin(ids)]
        if part.empty:
            raise InputError(
                f"subgroups.{name}: it has no tested respondent", "Check its `keep` and `exclude`."
            )
        learned = learned_from(splits, ids)
        folds = measure_folds(
            part, learned, weighted, whole=False, option_values=option_values, groups=groups
        )
        parts.append(summarize_folds(folds).assign(subgroup=name))
    return pd.concat(parts or [empty_table(SUBGROUPS)], ignore_index=True)


def learned_from(splits: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    """Return the rows of a SPLITS table of these respondents, and all of a condition in which a fold trains on none of them."""
    own = splits["respondent_id"].isin(ids)
    untaught = {condition for (condition, _), n in training_rows(splits[own]).items() if n == 0}
    return splits[own | splits["condition"].isin(untaught)]
