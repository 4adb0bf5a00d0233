"""Tune a classification head for each fold of a survey under one condition."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.engine.adapter_files import export_adapter
from stimmung.engine.classifier import Labelled, train_classifiers
from stimmung.engine.devices import use_threads
from stimmung.engine.interruption import StopOnSignal
from stimmung.engine.respondents import answers_texts, training_ids
from stimmung.engine.store import Store
from stimmung.study.job import job
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.tables import read_table
from stimmung.vocabulary.votes_schemas import PROMPTS, SPLITS

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def train_fold_classifiers(
    *,
    base: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    language: str,
    training: dict[str, Any],
    checkpoint_minutes: float,
    seed: int,
    code: str,
    threads: int,
    store: Path,
    outputs: Mapping[int, Path],
) -> None:
    """Train on each fold's training respondents; ``outputs`` are the adapters' directories, by fold."""
    use_threads(threads)
    options = load_codebook(codebook).target_labels(language)
    texts, split = read_table(prompts, PROMPTS), read_table(splits, SPLITS)
    targets = texts.set_index("respondent_id").target
    folds = []
    for fold in outputs:
        ids = training_ids(split, fold)
        labels = [options.index(answer) for answer in targets.loc[ids]]
        folds.append(Labelled(f"fold {fold}", answers_texts(texts, ids), labels))
    keys = train_classifiers(
        base,
        training,
        folds,
        options,
        Store(store),
        seed=seed,
        checkpoint_minutes=checkpoint_minutes,
        code=code,
        stop=StopOnSignal(),
    )
    for key, output in zip(keys, outputs.values(), strict=True):
        export_adapter(Store(store).adapter(key), output)


if __name__ == "__main__":
    with job(snakemake):
        train_fold_classifiers(
            base=Path(snakemake.input.base).parent,
            prompts=Path(snakemake.input.prompts),
            splits=Path(snakemake.input.splits),
            codebook=Path(snakemake.input.codebook),
            language=snakemake.params.language,
            training=snakemake.params.training,
            checkpoint_minutes=snakemake.params.checkpoint_minutes,
            seed=int(snakemake.wildcards.seed),
            code=snakemake.params.code,
            threads=snakemake.threads,
            store=Path(snakemake.params.store),
            outputs={
                fold: Path(weights).parent
                for fold, weights in zip(snakemake.params.folds, snakemake.output.weights, strict=True)
            },
        )
