"""Predict every respondent with the baselines, each by a model that was not trained on the respondent."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.baselines.predict_folds import predict_folds
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, RESPONDENTS, SPLITS
from stimmung.workflow.job import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def predict_baselines(
    *,
    respondents: Path,
    splits: Path,
    codebook: Path,
    language: str,
    baselines: Sequence[str],
    drop_items: Sequence[str],
    grids: Mapping[str, Mapping[str, Sequence[Any]]],
    inner_folds: int,
    condition: str,
    seed: int,
    outputs: Mapping[str, Path],
) -> None:
    """Write one predictions table for each baseline; ``outputs`` are files by baseline."""
    words = load_codebook(codebook)
    answers = read_table(respondents, RESPONDENTS)
    folds = read_table(splits, SPLITS)
    tables = {
        name: predict_folds(
            name,
            answers,
            folds[folds.condition == condition],
            predictors=words.predictors_without(drop_items),
            target=words.target,
            options=words.target_labels(language),
            grid=grids.get(name, {}),
            inner_folds=inner_folds,
            condition=condition,
            seed=seed,
        )
        for name in baselines
    }
    for name, table in tables.items():
        write_table(table, outputs[name], PREDICTIONS)


if __name__ == "__main__":
    with job(snakemake):
        predict_baselines(
            respondents=Path(snakemake.input.respondents),
            splits=Path(snakemake.input.splits),
            codebook=Path(snakemake.input.codebook),
            language=snakemake.params.language,
            baselines=snakemake.params.baselines,
            drop_items=snakemake.params.drop_items,
            grids=snakemake.params.grids,
            inner_folds=snakemake.params.inner_folds,
            condition=snakemake.params.condition,
            seed=int(snakemake.params.seed),
            outputs=dict(zip(snakemake.params.baselines, map(Path, snakemake.output), strict=True)),
        )
