"""Observed shares of the answer options with standard errors that know how the sample was drawn."""

import numpy as np
import pandas as pd

from stimmung.evaluation.estimates.survey_design import Floats, design_columns, design_of, intervals_of_shares
from stimmung.evaluation.votes.predicted_shares import DrawnShare
from stimmung.vocabulary.parquet_tables import typed_table
from stimmung.vocabulary.votes_schemas import SAMPLING_DESIGN, options_of


def observed_shares(answers: "pd.Series[str]", respondents: pd.DataFrame) -> pd.DataFrame:
    """Return the SAMPLING_DESIGN table: each option's weighted share among those who answered, and its design effects.

    The table has no rows if all weights are equal and there are neither strata nor clusters: the sample then counts as simply drawn.
    Standard errors are linearised (:meth:`SurveyDesign.scores`), for those who answered as a part of the whole sample; the
    interval is Wilson's for the effective number of respondents, with Student's t. ``answers`` is a categorical by respondent_id, with
    NA or nothing for who gave none; ``respondents`` is the RESPONDENTS table.
    """
    design = design_of(respondents)
    if design.strata is None and design.clusters is None and np.ptp(np.asarray(design.weights)) == 0:
        return typed_table([], SAMPLING_DESIGN)
    given = respondents["respondent_id"].map(answers.astype(object))
    answered = given.notna().to_numpy()
    options = list(answers.cat.categories)
    chosen: Floats = np.stack([(given == option).to_numpy(dtype=float) for option in options], axis=1)
    found = design.estimate_means(chosen, answered)
    kish = design.rows(answered).kish_effect
    n = int(answered.sum())
    n_effective, low, high = intervals_of_shares(found, n / kish)
    rows = []
    for place, option in enumerate(options):
        rows.append(
            {
                "option": option,
                "share": found.mean[place],
                "standard_error": found.standard_error[place],
                "ci_low": low[place],
                "ci_high": high[place],
                "n": n,
                "n_effective": n_effective[place],
                "design_effect": found.design_effect[place],
                "kish_effect": kish,
                "n_strata": len(np.unique(design.stratum_of)),
                "n_clusters": len(design.stratum_of_cluster),
                "n_lonely": 0 if design.clusters is None and design.strata is None else design.n_lonely,
            }
        )
    return typed_table(rows, SAMPLING_DESIGN)


def answers_of(predictions: pd.DataFrame) -> "pd.Series[str]":
    """Return the answer of each respondent in a PREDICTIONS table, a categorical by respondent_id."""
    target_of = predictions.drop_duplicates("respondent_id").set_index("respondent_id")["target"]
    return pd.Series(pd.Categorical(target_of, options_of(predictions)), target_of.index)


def drawn_shares(predictions: pd.DataFrame, respondents: pd.DataFrame) -> dict[str, DrawnShare]:
    """Return how well each option's share is known, if the sample has strata or clusters; else nothing.

    The share is that of the respondents in ``predictions``, a PREDICTIONS table.
    """
    if not design_columns(respondents):
        return {}
    table = observed_shares(answers_of(predictions), respondents)
    columns = (table[name] for name in ("n_effective", "ci_low", "ci_high"))
    return {option: DrawnShare(*one) for option, *one in zip(table["option"], *columns, strict=True)}
