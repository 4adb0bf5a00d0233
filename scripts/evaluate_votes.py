"""Compare the predictions of all methods with what the respondents answered.

Reads every predictions table of one survey, its splits and its respondents. Writes eight tables: each metric in each
fold; its mean over folds with an interval; every arm of a language model against the best baseline; predicted and
observed shares; reliability bins; the option whose voters are absent from training; how many respondents a tuned model
is worth; metrics of subgroups.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from stimmung.evaluation.votes.absent_options import compare_absent
from stimmung.evaluation.votes.calibration import bin_reliability
from stimmung.evaluation.votes.comparisons import compare_with_best_baseline
from stimmung.evaluation.votes.effective_sample import count_effective_respondents
from stimmung.evaluation.votes.fold_metrics import measure_folds
from stimmung.evaluation.votes.fold_summary import summarize_folds
from stimmung.evaluation.votes.predicted_shares import compare_shares
from stimmung.evaluation.votes.subgroup_metrics import measure_subgroups
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import (
    ABSENT,
    COMPARISONS,
    EFFECTIVE,
    FOLD_METRICS,
    METRICS,
    NO_FOLD,
    PREDICTIONS,
    RELIABILITY,
    RESPONDENTS,
    SHARES,
    SPLITS,
    SUBGROUPS,
    option_columns,
)
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def evaluate_votes(
    *,
    predictions: list[Path],
    splits: list[Path],
    respondents: Path,
    curves: Sequence[Sequence[str]],
    absences: Sequence[tuple[str, str]],
    subgroups: Mapping[str, Mapping[str, Any]] | None = None,
    weighted: bool = False,
    fold_metrics: Path,
    metrics: Path,
    comparisons: Path,
    shares: Path,
    reliability: Path,
    absent: Path,
    effective: Path,
    subgroup_metrics: Path,
) -> None:
    """Write the eight tables; with ``weighted``, survey weights count in every metric, not only in shares.

    ``curves`` are conditions that differ in the training share alone, ``absences`` conditions that exclude who gave an
    answer, each with the one that does not: see ``stimmung.report.conditions``.
    """
    predicted = read_predictions(predictions)
    split = pd.concat([read_table(path, SPLITS) for path in splits])
    folds = measure_folds(predicted, split, weighted)
    write_table(folds, fold_metrics, FOLD_METRICS)
    write_table(summarize_folds(folds), metrics, METRICS)
    write_table(compare_with_best_baseline(folds), comparisons, COMPARISONS)
    write_table(compare_shares(predicted, folds), shares, SHARES)
    write_table(bin_reliability(predicted, weighted=weighted), reliability, RELIABILITY)
    write_table(compare_absent(predicted, split, folds, absences), absent, ABSENT)
    worth = count_effective_respondents(predicted, split, curves, weighted=weighted)
    write_table(worth, effective, EFFECTIVE)
    parts = measure_subgroups(
        predicted, split, read_table(respondents, RESPONDENTS), subgroups or {}, weighted
    )
    write_table(parts, subgroup_metrics, SUBGROUPS)


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
    # Who did not answer is predicted for `impute_answers`; there is nothing to compare it with.
    return every[every.fold != NO_FOLD].reset_index(drop=True)


if __name__ == "__main__":
    with job(snakemake):
        evaluate_votes(
            predictions=[Path(path) for path in snakemake.input.predictions],
            splits=[Path(path) for path in snakemake.input.splits],
            respondents=Path(snakemake.input.respondents),
            curves=snakemake.params.curves,
            absences=snakemake.params.absences,
            subgroups=snakemake.params.subgroups,
            weighted=snakemake.params.weighted,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
