"""Tune one adapter for each fold of a survey under one condition, as one cohort."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.engine.adapter_files import export_adapter
from stimmung.engine.base import load_base
from stimmung.engine.devices import use_threads
from stimmung.engine.interruption import StopOnSignal
from stimmung.engine.locks import only_one
from stimmung.engine.parallel import train_on_all_devices
from stimmung.engine.recipe import Pace, Recipe, Task
from stimmung.engine.respondents import training_ids, training_rows
from stimmung.engine.store import Store
from stimmung.study.job import job
from stimmung.study.reading import load_codebook
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.codebook import worded
from stimmung.vocabulary.tables import read_table
from stimmung.vocabulary.votes_schemas import PROMPTS, SPLITS

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def train_fold_adapters(
    *,
    base: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    language: str,
    chat: bool,
    training: dict[str, Any],
    pace: dict[str, Any],
    seed: int,
    code: str,
    threads: int,
    store: Path,
    outputs: Mapping[int, Path],
) -> None:
    """Train on each fold's training respondents; ``outputs`` are the adapters' directories, by fold."""
    use_threads(threads)
    loaded = load_base(base)
    words = load_codebook(codebook)
    rendering = Rendering(loaded.tokenizer, chat, worded(words.question, language))
    texts, split = read_table(prompts, PROMPTS), read_table(splits, SPLITS)
    # Options that no score can tell apart are found here, not after hours of training.
    rendering.encode(list(texts.messages.iloc[0]), words.target_labels(language))
    tasks = [
        Task(f"fold {fold}", training_rows(texts, training_ids(split, fold), rendering), seed)
        for fold in outputs
    ]
    recipe = Recipe.from_config(training)
    with only_one(loaded, recipe, tasks, Store(store), code=code, stop=StopOnSignal()) as stop:
        keys = train_on_all_devices(
            loaded, recipe, tasks, Store(store), pace=Pace(**pace), code=code, stop=stop
        )
    for key, output in zip(keys, outputs.values(), strict=True):
        export_adapter(Store(store).adapter(key), output)


if __name__ == "__main__":
    with job(snakemake):
        train_fold_adapters(
            base=Path(snakemake.input.base).parent,
            prompts=Path(snakemake.input.prompts),
            splits=Path(snakemake.input.splits),
            codebook=Path(snakemake.input.codebook),
            language=snakemake.params.language,
            chat=snakemake.params.chat,
            training=snakemake.params.training,
            pace=snakemake.params.pace,
            seed=int(snakemake.wildcards.seed),
            code=snakemake.params.code,
            threads=snakemake.threads,
            store=Path(snakemake.params.store),
            outputs={
                fold: Path(weights).parent
                for fold, weights in zip(snakemake.params.folds, snakemake.output.weights, strict=True)
            },
        )
