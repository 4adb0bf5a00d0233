"""Compare the predictions of all methods with what the respondents answered.

Reads every predictions table of one survey and its splits. Writes five tables: each metric in each fold;
its mean over folds with an interval; every arm of a language model against the best baseline; predicted and
observed shares; reliability bins.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.evaluation.calibration import bin_reliability
from stimmung.evaluation.comparisons import compare_with_best_baseline
from stimmung.evaluation.folds import summarize_folds
from stimmung.evaluation.shares import compare_shares
from stimmung.evaluation.votes import measure_folds
from stimmung.study.job import job
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.tables import (
    COMPARISONS,
    FOLD_METRICS,
    METRICS,
    PREDICTIONS,
    RELIABILITY,
    SHARES,
    SPLITS,
    option_columns,
    read_table,
    write_table,
)

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def evaluate_votes(
    *,
    predictions: list[Path],
    splits: list[Path],
    weighted: bool = False,
    fold_metrics: Path,
    metrics: Path,
    comparisons: Path,
    shares: Path,
    reliability: Path,
) -> None:
    """Write the five tables; with ``weighted``, survey weights count in every metric, not only in shares."""
    predicted = read_predictions(predictions)
    folds = measure_folds(predicted, pd.concat([read_table(path, SPLITS) for path in splits]), weighted)
    write_table(folds, fold_metrics, FOLD_METRICS)
    write_table(summarize_folds(folds), metrics, METRICS)
    write_table(compare_with_best_baseline(folds), comparisons, COMPARISONS)
    write_table(compare_shares(predicted, folds), shares, SHARES)
    write_table(bin_reliability(predicted), reliability, RELIABILITY)


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
    return pd.concat(tables.values(), ignore_index=True)


if __name__ == "__main__":
    with job(snakemake):
        evaluate_votes(
            predictions=[Path(path) for path in snakemake.input.predictions],
            splits=[Path(path) for path in snakemake.input.splits],
            weighted=snakemake.params.weighted,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
