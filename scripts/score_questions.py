"""Ask the adapters of all weeks, and the untuned base, every question of a panel."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.model_files import load_tokenizer, read_description
from stimmung.engine.scoring.panel_scoring import answer_questions, word_questions
from stimmung.store.adapter_folders import restore
from stimmung.store.adapter_manifest import read_manifests
from stimmung.store.paths import Store
from stimmung.vocabulary.moods_schemas import ANSWERS, BASE_SEED
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.questions import Question
from stimmung.vocabulary.scoring import Scoring
from stimmung.workflow.run import run


def score_questions(
    *,
    base: Path,
    manifests: list[Path],
    answers: Path,
    questions: Mapping[str, Question],
    chat: bool,
    scoring: Scoring,
    tokens_per_batch: int,
    panel: str,
    model: str,
    store: Path,
    threads: int,
) -> None:
    """Write the answers table of a model; ``manifests`` name its adapters."""
    use_threads(threads)
    adapters = read_manifests(manifests)
    for adapter in adapters:
        restore(adapter.directory, Store(store), adapter.key)
    found = answer_questions(
        cache(lambda: load_base(base.parent)),
        read_description(base.parent)["digest"],
        word_questions(load_tokenizer(base.parent), questions, chat),
        adapters,
        scoring,
        tokens_per_batch,
        Store(store),
    )
    names = pd.Series(f"{model}/weekly", found.index).mask(found.seed == BASE_SEED, f"{model}/base")
    found.insert(0, "model", names)
    found.insert(0, "panel", panel)
    write_table(found, answers, ANSWERS)


if __name__ == "__main__":
    run(score_questions, snakemake)
