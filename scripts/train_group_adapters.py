"""Tune the adapters of a survey of groups with one seed, one for each fold, on the shares of all items."""

from pathlib import Path

from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.model_files import load_tokenizer
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.interruption import StopOnSignal
from stimmung.engine.cohort.missing_adapters import train_missing
from stimmung.engine.scoring.group_prompts import group_messages, group_task, soft_training_rows
from stimmung.store.paths import Store
from stimmung.study.reading import load_codebook
from stimmung.text.personas import rendering_of
from stimmung.vocabulary.group_schemas import GROUP_SHARES, GROUPS
from stimmung.vocabulary.groups import words_of_groups
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.parquet_tables import read_table
from stimmung.vocabulary.training import Training
from stimmung.workflow.run import run


def train_group_adapters(
    *,
    base: Path,
    groups: Path,
    shares: Path,
    codebook: Path,
    adapters: list[Path],
    by: list[str],
    targets: list[str],
    seed: int,
    language: str,
    chat: bool,
    training: Training,
    pace: Pace,
    store: Path,
    threads: int,
) -> None:
    """Write ``adapters``, the weights by fold, each trained on the groups of the other folds."""
    use_threads(threads)
    stop, tokenizer, whole = StopOnSignal(), load_tokenizer(base.parent), load_codebook(codebook)
    table, observed = read_table(groups, GROUPS), read_table(shares, GROUP_SHARES)
    rows: list[list[tuple[str, TrainingRow]]] = [[] for _ in adapters]
    for target in targets:
        words = words_of_groups(whole, by, target)
        rendering = rendering_of(words, language, tokenizer, chat, persona=False)
        messages = group_messages(table, words, language)
        # Options that no score can tell apart are found here, not after hours of training.
        rendering.encode(list(next(iter(messages.values()))), words.target_labels(language))
        of_target = observed[observed["item"] == target]
        for fold, of_fold in enumerate(rows):
            learned = list(table["group"][table["fold"] != fold])
            of_fold += soft_training_rows(messages, of_target, learned, rendering)
    tasks = [
        group_task(f"groups, seed {seed}, fold {fold}", of_fold, seed) for fold, of_fold in enumerate(rows)
    ]
    folders = [weights.parent for weights in adapters]
    train_missing(base.parent, training, tasks, folders, Store(store), pace=pace, stop=stop)


if __name__ == "__main__":
    run(train_group_adapters, snakemake)
