"""Compare the predictions of all methods with what the respondents answered: one table for each stored result."""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.evaluation.votes.failed_training import ADVICE, less_accurate_than_untrained
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.scaling import scaled_predictions
from stimmung.evaluation.votes.tested_rows import answered
from stimmung.report.result import compute_results
from stimmung.report.survey_results import SurveyData, votes_results
from stimmung.vocabulary.parquet_tables import read_table, read_tables, write_table
from stimmung.vocabulary.predictions_by_target import read_all_predictions
from stimmung.vocabulary.votes_schemas import CALIBRATED, DRAWS, RECTIFIED, RESPONDENTS, SPLITS
from stimmung.workflow.run import run

logger = logging.getLogger(__name__)


def evaluate_votes(
    *,
    predictions: list[Path],
    splits: list[Path],
    draws: list[Path],
    respondents: Path,
    results: list[Path],
    calibrated: Path,
    conditions: Mapping[str, Mapping[str, Any]],
    subgroups: Mapping[str, Mapping[str, Any]],
    weighted: bool,
    calibration: str,
    target: str,
    option_values: Sequence[float] | None = None,
    rectified: list[Path] | None = None,
) -> None:
    """Write the tables named in the registry, and all predictions with calibrated probabilities.

    With ``weighted``, survey weights count in every metric, not only in shares. ``calibration`` is how probabilities are scaled,
    as in :func:`scaled_predictions`; ``target`` is the item that is predicted; ``option_values`` are the numbers of its options,
    if they stand in an order: they are then scored as ordered too; ``rectified`` is the table of a survey that has such estimates,
    which the report then shows. A tuned arm that is less accurate than what needs no training is told on the terminal.
    """
    every = read_all_predictions(predictions, target)
    of_splits = pd.concat([read_table(path, SPLITS) for path in splits])
    scaled = scaled_predictions(every, of_splits, calibration)
    data = SurveyData(
        predictions=answered(every, of_splits),
        scaled=answered(scaled, of_splits),
        splits=of_splits,
        draws=read_tables(draws, DRAWS),
        respondents=read_table(respondents, RESPONDENTS),
        conditions=conditions,
        subgroups=subgroups,
        weighted=weighted,
        option_values=option_values,
        target=target,
        rectified=read_tables(rectified or [], RECTIFIED),
    )
    compute_results(votes_results(), data, results)
    write_table(scaled, calibrated, CALIBRATED)
    if lines := less_accurate_than_untrained(summarize_folds(data.folds), conditions):
        for line in (*(f"WARNING: {one}" for one in lines), ADVICE):
            logger.warning(line)
            print(line, file=sys.stderr)


if __name__ == "__main__":
    run(evaluate_votes, snakemake)
