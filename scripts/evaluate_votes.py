"""Compare the predictions of all methods with what the respondents answered: one table for each stored result."""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.evaluation.votes.failed_training import ADVICE, less_accurate_than_untrained
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.report.result import compute_results
from stimmung.report.survey_results import SurveyData, votes_results
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import NO_FOLD, PREDICTIONS, RESPONDENTS, SPLITS, option_columns
from stimmung.workflow.run import run

logger = logging.getLogger(__name__)


def evaluate_votes(
    *,
    predictions: list[Path],
    splits: list[Path],
    respondents: Path,
    results: list[Path],
    conditions: Mapping[str, Mapping[str, Any]],
    subgroups: Mapping[str, Mapping[str, Any]],
    weighted: bool,
    ordered: bool = False,
) -> None:
    """Write the tables named in the registry; with ``weighted``, survey weights count in every metric, not only in shares.

    With ``ordered``, the target's options stand in their order, and are scored as such too.

    A tuned arm that is less accurate than what needs no training is told on the terminal.
    """
    data = SurveyData(
        predictions=read_predictions(predictions),
        splits=pd.concat([read_table(path, SPLITS) for path in splits]),
        respondents=read_table(respondents, RESPONDENTS),
        conditions=conditions,
        subgroups=subgroups,
        weighted=weighted,
        ordered=ordered,
    )
    compute_results(votes_results(), data, results)
    if lines := less_accurate_than_untrained(summarize_folds(data.folds), conditions):
        for line in (*(f"WARNING: {one}" for one in lines), ADVICE):
            logger.warning(line)
            print(line, file=sys.stderr)


def read_predictions(paths: list[Path]) -> pd.DataFrame:
    """Read tables that must all have the same answer options, in the order of the paths."""
    tables = {path: read_table(path, PREDICTIONS) for path in paths}
    first = option_columns(tables[paths[0]])
    for path, table in tables.items():
        if option_columns(table) != first:
            raise InputError(
                f"{path} and {paths[0]} do not have the same answer options",
                "The codebook has changed since: delete the older one and run snakemake again.",
            )
    every = pd.concat(tables.values(), ignore_index=True)
    # Predictions of those who did not answer are for `impute_answers`; there is nothing to compare them with.
    return every[every.fold != NO_FOLD].reset_index(drop=True)


if __name__ == "__main__":
    run(evaluate_votes, snakemake)
