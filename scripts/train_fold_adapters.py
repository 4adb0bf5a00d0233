"""Tune the adapters of a survey under one condition with one seed, one adapter for each fold."""

from pathlib import Path

import pandas as pd

from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.model_files import load_tokenizer
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.cohort.missing_adapters import train_missing
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.survey_prompts import answers_texts, training_ids, training_rows
from stimmung.store.adapter_folders import export_adapter
from stimmung.store.paths import Store
from stimmung.study.reading import load_codebook
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.arms import ARMS
from stimmung.vocabulary.codebook import Codebook, in_language
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.training import Training
from stimmung.vocabulary.votes_schemas import PROMPTS, SPLITS
from stimmung.workflow.run import run


def train_fold_adapters(
    *,
    base: Path,
    prompts: Path,
    splits: Path,
    codebook: Path,
    adapters: list[Path],
    arm: str,
    condition: str,
    seed: int,
    language: str,
    chat: bool,
    training: Training,
    pace: Pace,
    store: Path,
    threads: int,
) -> None:
    """Write ``adapters``, the weights by fold, each trained on the respondents of the other folds."""
    use_threads(threads)
    kept, stop = Store(store), StopOnSignal()
    words, texts, split = load_codebook(codebook), read_table(prompts, PROMPTS), read_table(splits, SPLITS)
    names = {
        f"{condition}, seed {seed}, fold {fold}": training_ids(split, fold) for fold in range(len(adapters))
    }
    folders = [weights.parent for weights in adapters]
    if not ARMS[arm].classifies:
        tasks = _tasks(base.parent, words, texts, names, seed, language, chat)
        train_missing(base.parent, training, tasks, folders, kept, pace=pace, stop=stop)
        return
    # Here, since it imports PEFT and the Trainer, which takes seconds.
    from stimmung.engine.classifier.classifier import Labelled, train_classifier

    options = words.target_labels(language)
    targets = texts.set_index("respondent_id").target
    for (name, ids), folder in zip(names.items(), folders, strict=True):
        labels = [options.index(answer) for answer in targets.loc[ids]]
        fold = Labelled(name, answers_texts(texts, ids), labels)
        minutes = pace.checkpoint_minutes
        key = train_classifier(
            base.parent, training, fold, options, kept, seed=seed, checkpoint_minutes=minutes, stop=stop
        )
        export_adapter(kept.adapter(key), folder)


def _tasks(
    base: Path,
    words: Codebook,
    texts: pd.DataFrame,
    names: dict[str, list[str]],
    seed: int,
    language: str,
    chat: bool,
) -> list[Task]:
    rendering = Rendering(load_tokenizer(base), chat, in_language(words.question, language))
    # Options that no score can tell apart are found here, not after hours of training.
    rendering.encode(list(texts.messages.iloc[0]), words.target_labels(language))
    return [Task(name, training_rows(texts, ids, rendering), seed) for name, ids in names.items()]


if __name__ == "__main__":
    run(train_fold_adapters, snakemake)
