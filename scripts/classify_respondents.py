"""Have each fold's classifier predict its held-out respondents, and all of them who did not answer."""

from pathlib import Path
from typing import TYPE_CHECKING

from stimmung.engine.classifier_predictions import predict_by_classifiers
from stimmung.engine.devices import use_threads
from stimmung.study.job import job
from stimmung.study.once import once
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, RESPONDENTS, SPLITS

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def classify_respondents(
    *,
    base: Path,
    adapters: list[Path],
    respondents: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    language: str,
    method: str,
    seed: int,
    threads: int,
    output: Path,
) -> None:
    """Write the predictions table; ``adapters`` are directories by fold."""
    use_threads(threads)
    predictions = predict_by_classifiers(
        base,
        adapters,
        prompts=read_table(prompts, PROMPTS),
        splits=read_table(splits, SPLITS),
        weights=read_table(respondents, RESPONDENTS).set_index("respondent_id").weight,
        options=load_codebook(codebook).target_labels(language),
    )
    write_table(predictions.assign(method=method, seed=seed), output, PREDICTIONS)


if __name__ == "__main__":
    with job(snakemake), once(snakemake) as wanted:
        if wanted:
            classify_respondents(
                base=Path(snakemake.input.base).parent,
                adapters=[Path(weights).parent for weights in snakemake.input.adapters],
                respondents=Path(snakemake.input.respondents),
                prompts=Path(snakemake.input.prompts),
                splits=Path(snakemake.input.splits),
                codebook=Path(snakemake.input.codebook),
                language=snakemake.params.language,
                method=f"{snakemake.wildcards.model}/classifier",
                seed=int(snakemake.wildcards.seed),
                threads=snakemake.threads,
                output=Path(snakemake.output.predictions),
            )
