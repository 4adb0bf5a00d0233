"""Read the probability of each answer option for every held-out respondent."""

from pathlib import Path
from typing import TYPE_CHECKING

from stimmung.engine.base import load_base
from stimmung.engine.devices import use_threads
from stimmung.engine.predictions import predict_respondents
from stimmung.study.job import job
from stimmung.study.once import once
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import PREDICTIONS, PROMPTS, RESPONDENTS, SPLITS

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def score_respondents(
    *,
    base: Path,
    adapters: list[Path],
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
    seed: int,
    threads: int,
    output: Path,
) -> None:
    """Write the predictions table of one arm; ``adapters`` are directories by fold, none for an untuned arm."""
    use_threads(threads)
    loaded = load_base(base)
    words = load_codebook(codebook)
    predictions = predict_respondents(
        loaded,
        rendering_of(words, language, loaded.tokenizer, chat, persona),
        prompts=read_table(prompts, PROMPTS),
        splits=read_table(splits, SPLITS),
        weights=read_table(respondents, RESPONDENTS).set_index("respondent_id").weight,
        options=words.target_labels(language),
        answers=words.persona_answers(language) if persona else None,
        adapters=adapters,
        examples=examples,
        normalization=normalization,
        readout=readout,
        tokens_per_batch=tokens_per_batch,
        seed=seed,
    )
    write_table(predictions.assign(method=method, seed=seed), output, PREDICTIONS)


if __name__ == "__main__":
    with job(snakemake), once(snakemake) as wanted:
        if wanted:
            score_respondents(
                base=Path(snakemake.input.base).parent,
                adapters=[Path(weights).parent for weights in snakemake.input.adapters],
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
                method=f"{snakemake.wildcards.model}/{snakemake.wildcards.arm}",
                seed=int(snakemake.wildcards.seed),
                threads=snakemake.threads,
                output=Path(snakemake.output.predictions),
            )
