"""Merge all predictions of a survey into one data set, also for respondents who did not answer, with a readme."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from stimmung.evaluation.votes import imputation
from stimmung.evaluation.votes.condition_roles import in_words
from stimmung.vocabulary.atomic_files import write_atomic
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.predictions_by_target import read_predictions
from stimmung.vocabulary.votes_schemas import IMPUTED
from stimmung.workflow.run import run


def impute_answers(
    *,
    predictions: list[Path],
    parquet: Path,
    csv: Path,
    readme: Path,
    conditions: Mapping[str, Mapping[str, Any]],
    title: str,
    target: str,
    simulated: bool,
) -> None:
    """Write the data set as parquet and as CSV, and a readme that explains it."""
    every = pd.concat([read_predictions(path, target) for path in predictions], ignore_index=True)
    imputed = imputation.impute_answers(every)
    words = {name: in_words(conditions[name]) for name in imputed["condition"].unique()}
    write_table(imputed, parquet, IMPUTED)
    write_atomic(csv, imputed.to_csv(index=False))
    write_atomic(readme, imputation.readme(imputed, words, title=title, target=target, simulated=simulated))


if __name__ == "__main__":
    run(impute_answers, snakemake)
