"""Read the probability of each answer option for every held-out respondent."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.engine.base.base_model import Base, load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.scoring.predict import predict_respondents
from stimmung.engine.scoring.survey_prompts import folds_of
from stimmung.store.adapter_manifest import listed_adapters
from stimmung.store.paths import Store
from stimmung.store.prediction_cache import predict_seeds
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.atomic_files import digest_of_file
from stimmung.vocabulary.parquet_tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, RESPONDENTS, SPLITS
from stimmung.workflow.job import job
from stimmung.workflow.measured import measured
from stimmung.workflow.wait_for_twin_job import once

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def score_respondents(
    *,
    base: Path,
    trained: Sequence[Path],
    respondents: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    language: str,
    chat: bool,
    examples: int,
    persona: bool = False,
    normalization: str,
    readout: str,
    tokens_per_batch: int,
    method: str,
    condition: str,
    seeds: Sequence[int],
    code: str,
    threads: int,
    store: Path,
    output: Path,
) -> None:
    """Write the predictions table of one arm and condition, for some seeds; ``trained`` list its adapters, none for an untuned arm."""
    use_threads(threads)
    words = load_codebook(codebook)
    texts, split = read_table(prompts, PROMPTS), read_table(splits, SPLITS)
    weights = read_table(respondents, RESPONDENTS).set_index("respondent_id").weight
    # Not at all where the store has everything.
    loaded = cache(lambda: load_base(base))

    def predict(seed: int, directories: list[Path]) -> pd.DataFrame:
        model: Base = loaded()
        return predict_respondents(
            model,
            rendering_of(words, language, model.tokenizer, chat, persona),
            prompts=texts,
            splits=split,
            weights=weights,
            options=words.target_labels(language),
            answers=words.persona_answers(language) if persona else None,
            adapters=directories,
            examples=examples,
            normalization=normalization,
            readout=readout,
            tokens_per_batch=tokens_per_batch,
            seed=seed,
        )

    files = [base / "model.json", respondents, prompts, splits, codebook]
    settings = [language, chat, examples, persona, normalization, readout]
    predictions = predict_seeds(
        predict,
        condition=condition,
        seeds=seeds,
        adapters=listed_adapters(trained),
        folds=folds_of(split) if trained else [],
        about=[*map(digest_of_file, files), *settings, code],
        store=Store(store),
        method=method,
    )
    write_table(predictions, output, PREDICTIONS)


if __name__ == "__main__":
    with job(snakemake), once(snakemake) as wanted:
        if wanted:
            with measured(Path(snakemake.log.cost)):
                score_respondents(
                    base=Path(snakemake.input.base).parent,
                    trained=[Path(listed) for listed in snakemake.input.trained],
                    respondents=Path(snakemake.input.respondents),
                    prompts=Path(snakemake.input.prompts),
                    splits=Path(snakemake.input.splits),
                    codebook=Path(snakemake.input.codebook),
                    language=snakemake.params.language,
                    chat=snakemake.params.chat,
                    examples=snakemake.params.examples,
                    persona=snakemake.params.persona,
                    normalization=snakemake.params.normalization,
                    readout=snakemake.params.readout,
                    tokens_per_batch=snakemake.params.tokens_per_batch,
                    method=snakemake.params.method,
                    condition=snakemake.params.condition,
                    seeds=snakemake.params.seeds,
                    code=snakemake.params.code,
                    threads=snakemake.threads,
                    store=Path(snakemake.params.store),
                    output=Path(snakemake.output.predictions),
                )
