"""Tune the adapters of a survey under one condition with one seed, one adapter for each fold."""

from collections.abc import Sequence
from pathlib import Path

from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.model_files import load_tokenizer
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.cohort.missing_adapters import train_missing
from stimmung.engine.scoring.fold_tasks import Target, fold_tasks
from stimmung.engine.scoring.survey_prompts import answers_texts, training_ids
from stimmung.store.adapter_folders import export_adapter
from stimmung.store.paths import Store
from stimmung.study.reading import load_codebook
from stimmung.vocabulary.arms import ARMS
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.training import Training
from stimmung.vocabulary.view import View
from stimmung.vocabulary.votes_schemas import PROMPTS, RESPONDENTS, SPLITS
from stimmung.workflow.run import run


def train_fold_adapters(
    *,
    base: Path,
    prompts: list[Path],
    splits: list[Path],
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
    views: Sequence[View | None] = (None,),
    respondents: Sequence[Path] = (),
    weighted: bool = False,
) -> None:
    """Write ``adapters``, the weights by fold, each trained on the respondents of the other folds.

    Prompts and splits are one table for each target, in the order of ``views``. An adapter's rows are those of the first target, then
    of the second, and so on, each in the order of its table; training draws an order of its own from all of them. With
    ``weighted``, the weights of ``respondents``, a list of one RESPONDENTS table, count in the loss; if it has groups, what is held
    out of training to stop early are whole groups.
    """
    use_threads(threads)
    kept, stop = Store(store), StopOnSignal()
    asked = [
        Target(load_codebook(codebook, view), read_table(text, PROMPTS), read_table(split, SPLITS))
        for view, text, split in zip(views, prompts, splits, strict=True)
    ]
    names = [f"{condition}, seed {seed}, fold {fold}" for fold in range(len(adapters))]
    folders = [weights.parent for weights in adapters]
    if not ARMS[arm].classifies:
        people = [read_table(path, RESPONDENTS) for path in respondents]
        tokenizer = load_tokenizer(base.parent)
        tasks = fold_tasks(asked, names, seed, language, chat, tokenizer, *people, weighted=weighted)
        train_missing(base.parent, training, tasks, folders, kept, pace=pace, stop=stop)
        return
    # Here, since it imports PEFT and the Trainer, which takes seconds.
    from stimmung.engine.classifier.classifier import Labelled, train_classifier

    # A head has the options of one target; the config allows no more.
    ((words, texts, split),) = asked
    options = words.target_labels(language)
    targets = texts.set_index("respondent_id").target
    for fold_number, (name, folder) in enumerate(zip(names, folders, strict=True)):
        ids = training_ids(split, fold_number)
        labels = [options.index(answer) for answer in targets.loc[ids]]
        fold = Labelled(name, answers_texts(texts, ids), labels)
        minutes = pace.checkpoint_minutes
        key = train_classifier(
            base.parent, training, fold, options, kept, seed=seed, checkpoint_minutes=minutes, stop=stop
        )
        export_adapter(kept.adapter(key), folder)


if __name__ == "__main__":
    run(train_fold_adapters, snakemake)
