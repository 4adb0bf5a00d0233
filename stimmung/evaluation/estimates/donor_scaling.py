"""Calibration of the probabilities that answers are drawn from, by what the donors answered."""

import logging
from collections.abc import Collection

import numpy as np
import pandas as pd

from stimmung.evaluation.estimates.multiple_imputation import Scale
from stimmung.evaluation.votes.fold_metrics import answer_codes
from stimmung.evaluation.votes.scaling import check_scaling, fit_scaling
from stimmung.vocabulary.votes_schemas import NO_FOLD, option_columns, options_of

logger = logging.getLogger(__name__)


def donor_scaling(predictions: pd.DataFrame, donors: Collection[str], calibration: str) -> Scale:
    """Return what scales a method's probabilities as those of the donors need it.

    ``predictions`` is the PREDICTIONS table of the method with one seed, in which each donor is predicted by a model that was not
    trained on them; the scaling learned from these is used for the models of the imputations, which learned from as many rows and
    more. Answers of others are not looked at. ``calibration`` is one of :func:`scaled_predictions`; where there are too few donors
    for it, probabilities stay as they are, which the log says.
    """
    columns = option_columns(predictions)
    check_scaling(calibration, len(columns))
    shown = predictions["n_unseen"] < len(columns) if "n_unseen" in predictions else True
    known = predictions["respondent_id"].isin(list(donors)) & (predictions["fold"] != NO_FOLD) & shown
    rows = predictions[known]
    found = fit_scaling(
        calibration,
        rows[columns].to_numpy(dtype=float),
        np.asarray(answer_codes(rows)),
        rows["weight"].to_numpy(dtype=float),
        options_of(predictions),
        sorted(int(fold) for fold in rows["fold"].unique()),
    )
    logger.info("calibration of the drawn answers: %s, from %s", found.scaling, found.calibrated_on)
    return found.scale
