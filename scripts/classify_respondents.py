"""Have each fold's classifier predict its held-out respondents."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.engine.classifier import classify
from stimmung.engine.devices import use_threads
from stimmung.engine.predictions import described
from stimmung.engine.respondents import answers_texts, held_out_ids
from stimmung.study.job import job
from stimmung.study.study import load_codebook
from stimmung.vocabulary.tables import (
    OPTION_PREFIX,
    PREDICTIONS,
    PROMPTS,
    RESPONDENTS,
    SPLITS,
    read_table,
    write_table,
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
    parts = []
    for fold, adapter in enumerate(adapters):
        ids = held_out_ids(split, fold)
        probabilities, lengths = classify(base, adapter, len(options), answers_texts(texts, ids))
        part = pd.DataFrame(probabilities, columns=[OPTION_PREFIX + option for option in options])
        # A head has no answers but the options, so all probability is on them.
        part = part.assign(option_mass=1.0, n_tokens=lengths, normalization="none")
        parts.append(described(ids, texts, split, weights).join(part))
    table = pd.concat(parts, ignore_index=True)
    write_table(table.assign(method=method, seed=seed), output, PREDICTIONS)


if __name__ == "__main__":
    with job(snakemake):
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
