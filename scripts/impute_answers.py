"""Merge all predictions of a survey into one data set, for who answered and for who did not, with a readme."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.evaluation.votes import imputation
from stimmung.vocabulary.atomic_files import write_whole
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import IMPUTED, PREDICTIONS
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def impute_answers(
    *,
    predictions: list[Path],
    conditions: Mapping[str, str],
    title: str,
    target: str,
    simulated: bool,
    parquet: Path,
    csv: Path,
    readme: Path,
) -> None:
    """Write the data set twice, and what it is; ``conditions`` are in words."""
    every = pd.concat([read_table(path, PREDICTIONS) for path in predictions], ignore_index=True)
    imputed = imputation.impute_answers(every)
    words = {name: conditions[name] for name in imputed["condition"].unique()}
    write_table(imputed, parquet, IMPUTED)
    write_whole(csv, imputed.to_csv(index=False))
    write_whole(readme, imputation.readme(imputed, words, title=title, target=target, simulated=simulated))


if __name__ == "__main__":
    with job(snakemake):
        impute_answers(
            predictions=[Path(path) for path in snakemake.input.predictions],
            conditions=snakemake.params.conditions,
            title=snakemake.params.title,
            target=snakemake.params.target,
            simulated=snakemake.params.simulated,
            **{name: Path(path) for name, path in snakemake.output.items()},
        )
