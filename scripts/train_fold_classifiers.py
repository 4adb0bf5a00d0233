"""Tune classification heads of a survey under one condition, one for each seed and fold."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stimmung.engine.base.devices import use_threads
from stimmung.engine.classifier.classifier import Labelled, train_classifier
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.scoring.survey_prompts import answers_texts, training_ids
from stimmung.store.adapter_manifest import TrainedAdapter, list_adapters
from stimmung.store.paths import Store
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.votes_schemas import PROMPTS, SPLITS
from stimmung.workflow.job import job
from stimmung.workflow.measured import measured
from stimmung.workflow.wait_for_twin_job import left_in_cache

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def train_fold_classifiers(
    *,
    base: Path,
    prompts: Mapping[str, Path],
    splits: Mapping[str, Path],
    codebook: Path,
    language: str,
    training: dict[str, Any],
    checkpoint_minutes: float,
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
    options = load_codebook(codebook).target_labels(language)
    texts = {condition: read_table(path, PROMPTS) for condition, path in prompts.items()}
    split = {condition: read_table(path, SPLITS) for condition, path in splits.items()}
    targets = {condition: table.set_index("respondent_id").target for condition, table in texts.items()}
    stop = StopOnSignal()
    trained = []
    for condition, seed, fold in adapters:
        ids = training_ids(split[condition], fold)
        labels = [options.index(answer) for answer in targets[condition].loc[ids]]
        name = f"{condition}, seed {seed}, fold {fold}"
        rows = Labelled(name, answers_texts(texts[condition], ids), labels)
        key = train_classifier(
            base,
            training,
            rows,
            options,
            Store(store),
            seed=seed,
            checkpoint_minutes=checkpoint_minutes,
            code=code,
            stop=stop,
        )
        trained.append(
            TrainedAdapter(output, f"{condition}/seed-{seed}/fold-{fold}", key, condition, seed, fold)
        )
    left_in_cache([output])
    list_adapters(trained, Store(store), output)


if __name__ == "__main__":
    with job(snakemake), measured(Path(snakemake.log.cost)):
        conditions = dict.fromkeys(condition for condition, _, _ in snakemake.params.adapters)
        train_fold_classifiers(
            base=Path(snakemake.input.base).parent,
            prompts=dict(zip(conditions, map(Path, snakemake.input.prompts), strict=True)),
            splits=dict(zip(conditions, map(Path, snakemake.input.splits), strict=True)),
            codebook=Path(snakemake.input.codebook),
            language=snakemake.params.language,
            training=snakemake.params.training,
            checkpoint_minutes=snakemake.params.checkpoint_minutes,
            adapters=snakemake.params.adapters,
            code=snakemake.params.code,
            threads=snakemake.threads,
            store=Path(snakemake.params.store),
            output=Path(snakemake.output.trained),
        )
