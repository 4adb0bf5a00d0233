"""Observed shares of the answer options with standard errors that know how the sample was drawn."""

import numpy as np
import pandas as pd

from stimmung.evaluation.estimates.survey_design import Floats, design_columns, design_of, intervals_of_shares
from stimmung.vocabulary.parquet_tables import typed_table
from stimmung.vocabulary.votes_schemas import SAMPLING_DESIGN, options_of


def observed_shares(predictions: pd.DataFrame, respondents: pd.DataFrame) -> pd.DataFrame:
    """Return the SAMPLING_DESIGN table: each option's weighted share among those who answered, and its design effects.

    The table has no rows if all weights are equal and there are neither strata nor clusters: the sample then counts as simply drawn.
    Standard errors are linearised (:meth:`SurveyDesign.scores`), for those who answered as a part of the whole sample; the
    interval is Wilson's for the effective number of respondents, with Student's t. ``predictions`` is a PREDICTIONS table, which
    knows who answered what; ``respondents`` is the RESPONDENTS table.
    """
    design = design_of(respondents)
    if design.strata is None and design.clusters is None and np.ptp(np.asarray(design.weights)) == 0:
        return typed_table([], SAMPLING_DESIGN)
    answer_of = predictions.drop_duplicates("respondent_id").set_index("respondent_id")["target"]
    answers = respondents["respondent_id"].map(answer_of)
    answered = answers.notna().to_numpy()
    options = options_of(predictions)
    chosen: Floats = np.stack([(answers == option).to_numpy(dtype=float) for option in options], axis=1)
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


def n_effective_of_drawn(predictions: pd.DataFrame, respondents: pd.DataFrame) -> dict[str, float]:
    """Return the effective number of respondents behind each option's share, if the sample has strata or clusters; else nothing."""
    if not design_columns(respondents):
        return {}
    table = observed_shares(predictions, respondents)
    return dict(zip(table["option"], table["n_effective"], strict=True))
