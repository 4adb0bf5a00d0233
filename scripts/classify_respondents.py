"""Have each fold's classifier predict its held-out respondents, and all of them who did not answer."""

from pathlib import Path
from typing import TYPE_CHECKING

from stimmung.engine.classifier import classify
from stimmung.engine.devices import use_threads
from stimmung.engine.predictions import averaged
from stimmung.engine.respondents import answers_texts, held_out_ids
from stimmung.study.job import job
from stimmung.study.once import once
from stimmung.study.study import load_codebook
from stimmung.vocabulary.tables import read_table, write_table
from stimmung.vocabulary.votes_schemas import (
    NO_FOLD,
    OPTION_PREFIX,
    PREDICTIONS,
    PROMPTS,
    RESPONDENTS,
    SPLITS,
)

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
    options = load_codebook(codebook).target_labels(language)
    texts, split = read_table(prompts, PROMPTS), read_table(splits, SPLITS)
    weights = read_table(respondents, RESPONDENTS).set_index("respondent_id").weight
    ids: list[str] = []
    rows: list[dict[str, float | int | str]] = []
    for fold, adapter in enumerate(adapters):
        # Who did not answer is in no fold: every classifier reads them, and their probabilities are averaged.
        read = [*held_out_ids(split, fold), *held_out_ids(split, NO_FOLD)]
        probabilities, lengths = classify(base, adapter, len(options), answers_texts(texts, read))
        for chances, length in zip(probabilities, lengths, strict=True):
            row = {OPTION_PREFIX + one: float(chance) for one, chance in zip(options, chances, strict=True)}
            # A head has no answers but the options, so all probability is on them.
            rows.append({**row, "option_mass": 1.0, "n_tokens": length, "normalization": "none"})
        ids += read
    table = averaged(ids, rows, texts, split, weights)
    write_table(table.assign(method=method, seed=seed), output, PREDICTIONS)


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
