"""Tune adapters of a survey under one condition, one for each seed and fold, as one cohort."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.cohort.parallel import train_on_all_devices
from stimmung.engine.cohort.training_config import Pace, Recipe, Task, keys_of
from stimmung.engine.scoring.survey_prompts import training_ids, training_rows
from stimmung.store.adapter_manifest import TrainedAdapter, list_adapters, take_back
from stimmung.store.lock import only_one
from stimmung.store.paths import Store
from stimmung.study.reading import load_codebook
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.codebook import worded
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import PROMPTS, SPLITS
from stimmung.workflow.job import job
from stimmung.workflow.measured import measured
from stimmung.workflow.wait_for_twin_job import left_in_cache

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def train_fold_adapters(
    *,
    base: Path,
    prompts: Mapping[str, Path],
    splits: Mapping[str, Path],
    codebook: Path,
    language: str,
    chat: bool,
    training: dict[str, Any],
    pace: dict[str, Any],
    adapters: Sequence[tuple[str, int, int]],
    code: str,
    threads: int,
    store: Path,
    output: Path,
) -> None:
    """Write the list of ``adapters``, ``output``, and beside it ``{condition}/seed-{seed}/fold-{fold}/`` for each of them.

    An adapter is told by condition, seed and fold, and trained on the fold's training respondents. ``prompts`` and
    ``splits`` are by condition.
    """
    use_threads(threads)
    loaded = load_base(base)
    words = load_codebook(codebook)
    rendering = Rendering(loaded.tokenizer, chat, worded(words.question, language))
    texts = {condition: read_table(path, PROMPTS) for condition, path in prompts.items()}
    split = {condition: read_table(path, SPLITS) for condition, path in splits.items()}
    # Options that no score can tell apart are found here, not after hours of training.
    for table in texts.values():
        rendering.encode(list(table.messages.iloc[0]), words.target_labels(language))
    # Seeds share the rows of a fold.
    rows = {
        (condition, fold): training_rows(texts[condition], training_ids(split[condition], fold), rendering)
        for condition, fold in dict.fromkeys((condition, fold) for condition, _, fold in adapters)
    }
    tasks = [
        Task(f"{condition}, seed {seed}, fold {fold}", rows[condition, fold], seed)
        for condition, seed, fold in adapters
    ]
    recipe = Recipe.from_config(training)
    trained = [
        TrainedAdapter(output, f"{condition}/seed-{seed}/fold-{fold}", key, condition, seed, fold)
        for (condition, seed, fold), key in zip(
            adapters, keys_of(loaded.digest, recipe, tasks, code), strict=True
        )
    ]
    with only_one(loaded, recipe, tasks, Store(store), code=code, stop=StopOnSignal()) as stop:
        take_back(trained, Store(store))
        train_on_all_devices(loaded, recipe, tasks, Store(store), pace=Pace(**pace), code=code, stop=stop)
        left_in_cache([output])
        list_adapters(trained, Store(store), output)


if __name__ == "__main__":
    with job(snakemake), measured(Path(snakemake.log.cost)):
        conditions = dict.fromkeys(condition for condition, _, _ in snakemake.params.adapters)
        train_fold_adapters(
            base=Path(snakemake.input.base).parent,
            prompts=dict(zip(conditions, map(Path, snakemake.input.prompts), strict=True)),
            splits=dict(zip(conditions, map(Path, snakemake.input.splits), strict=True)),
            codebook=Path(snakemake.input.codebook),
            language=snakemake.params.language,
            chat=snakemake.params.chat,
            training=snakemake.params.training,
            pace=snakemake.params.pace,
            adapters=snakemake.params.adapters,
            code=snakemake.params.code,
            threads=snakemake.threads,
            store=Path(snakemake.params.store),
            output=Path(snakemake.output.trained),
        )
