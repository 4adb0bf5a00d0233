"""Shares of the answer options by each way to deal with absent answers: imputed by a method, or left out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stimmung.evaluation.estimates.multiple_imputation import stacked_data
from stimmung.evaluation.estimates.pooled_estimates import pooled_shares
from stimmung.evaluation.estimates.survey_design import design_columns, design_of, intervals_of_shares
from stimmung.vocabulary.parquet_tables import BASELINE_PREFIX
from stimmung.vocabulary.votes_schemas import CLUSTER, ESTIMATES, GROUP, NO_FOLD, STRATUM

# Named as methods are: leaving out whom one does not know is the baseline of all.
ALL_ANSWERS, COMPLETE_CASES = "all answers", f"{BASELINE_PREFIX}complete-cases"


def estimate_shares(
    draws: pd.DataFrame, respondents: pd.DataFrame, answers: "pd.Series[str]", splits: pd.DataFrame
) -> pd.DataFrame:
    """Return the ESTIMATES table: weighted shares under each condition that has draws.

    Under each condition, ``baselines/complete-cases`` are the shares among the respondents who may be learned from, and ``all
    answers`` those among all who answered, of which a condition hides some: what a good imputation comes near to, unless people are
    absent in fact.
    Standard errors are by the survey's strata and clusters; a survey without clusters that has groups has these.

    Parameters
    ----------
    draws
        DRAWS table of all methods and conditions.
    respondents
        RESPONDENTS table.
    answers
        The answer of each respondent to the target, a categorical, by respondent_id; NA where there is none.
    splits
        SPLITS tables of all conditions.
    """
    parts = []
    kept = [name for name in ("weight", GROUP, STRATUM, CLUSTER) if name in respondents]
    people = respondents.set_index("respondent_id")[kept].assign(target=answers).reset_index()
    design = design_columns(respondents)
    for condition, of_condition in draws.groupby("condition", sort=False):
        split = splits[splits["condition"] == condition].set_index("respondent_id")
        split = split.loc[people["respondent_id"]]
        answered = (split["fold"] != NO_FOLD).to_numpy()
        for name, rows in (
            (ALL_ANSWERS, answered),
            (COMPLETE_CASES, split["in_training"].to_numpy() & answered),
        ):
            parts.append(_observed(people[rows]).assign(method=name, condition=condition))
        for (method, uncertainty), part in of_condition.groupby(["method", "uncertainty"], sort=False):
            found = pooled_shares(stacked_data(people, part, target="target"), "target", **design)
            about = {"method": str(method), "condition": str(condition), "uncertainty": str(uncertainty)}
            parts.append(found.assign(**about, n_imputed=part["respondent_id"].nunique()))
    table = pd.concat(parts) if parts else pd.DataFrame(columns=list(ESTIMATES.columns))
    types = {name: column.dtype.type for name, column in ESTIMATES.columns.items()}
    return table[list(types)].astype(types).reset_index(drop=True)


def _observed(people: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of respondents who all have an answer, in the columns of :func:`pooled_shares`."""
    options: Sequence[str] = list(people["target"].cat.categories)
    chosen = (people["target"].to_numpy(dtype=object)[:, None] == np.array(options, object)).astype(float)
    design = design_of(people)
    found = design.estimate_means(chosen)
    _, low, high = intervals_of_shares(found, len(people) / design.kish_effect)
    return pd.DataFrame(
        {
            "option": options,
            "estimate": found.mean,
            "std_error": found.standard_error,
            "df": found.df,
            "ci_low": low,
            "ci_high": high,
            "missing_information": np.nan,
            "n_respondents": len(people),
            "n_imputations": 0,
            "n_imputed": 0,
            "uncertainty": "none",
        }
    )
