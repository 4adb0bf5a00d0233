"""Have each fold's classifier predict its held-out respondents, and all of them who did not answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.engine.base.devices import use_threads
from stimmung.engine.classifier.classifier_predictions import predict_by_classifiers
from stimmung.engine.scoring.survey_prompts import folds_of
from stimmung.store.adapter_manifest import listed_adapters
from stimmung.store.paths import Store
from stimmung.store.prediction_cache import predict_seeds
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.atomic_files import digest_of_file
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, RESPONDENTS, SPLITS
from stimmung.workflow.job import job
from stimmung.workflow.measured import measured
from stimmung.workflow.wait_for_twin_job import once

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def classify_respondents(
    *,
    base: Path,
    trained: Sequence[Path],
    respondents: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    language: str,
    method: str,
    condition: str,
    seeds: Sequence[int],
    code: str,
    threads: int,
    store: Path,
    output: Path,
) -> None:
    """Write the predictions table of a condition, for some seeds; ``trained`` list their classifiers."""
    use_threads(threads)
    options = load_codebook(codebook).target_labels(language)
    texts, split = read_table(prompts, PROMPTS), read_table(splits, SPLITS)
    weights = read_table(respondents, RESPONDENTS).set_index("respondent_id").weight

    def predict(seed: int, directories: list[Path]) -> pd.DataFrame:
        del seed  # nothing is drawn
        return predict_by_classifiers(
            base, directories, prompts=texts, splits=split, weights=weights, options=options
        )

    files = [base / "model.json", respondents, prompts, splits, codebook]
    predictions = predict_seeds(
        predict,
        condition=condition,
        seeds=seeds,
        adapters=listed_adapters(trained),
        folds=folds_of(split),
        about=[*map(digest_of_file, files), language, code],
        store=Store(store),
        method=method,
    )
    write_table(predictions, output, PREDICTIONS)


if __name__ == "__main__":
    with job(snakemake), once(snakemake) as wanted:
        if wanted:
            with measured(Path(snakemake.log.cost)):
                classify_respondents(
                    base=Path(snakemake.input.base).parent,
                    trained=[Path(listed) for listed in snakemake.input.trained],
                    respondents=Path(snakemake.input.respondents),
                    prompts=Path(snakemake.input.prompts),
                    splits=Path(snakemake.input.splits),
                    codebook=Path(snakemake.input.codebook),
                    language=snakemake.params.language,
                    method=snakemake.params.method,
                    condition=snakemake.params.condition,
                    seeds=snakemake.params.seeds,
                    code=snakemake.params.code,
                    threads=snakemake.threads,
                    store=Path(snakemake.params.store),
                    output=Path(snakemake.output.predictions),
                )
