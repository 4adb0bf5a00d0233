"""Ask the adapters of all weeks, and the untuned base, every question of a panel."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from stimmung.engine.base.base_model import load_base
from stimmung.engine.base.devices import use_threads
from stimmung.engine.scoring.panel_scoring import Reading, answer_questions, word_questions
from stimmung.store.adapter_manifest import listed_adapters, make_whole
from stimmung.store.paths import Store
from stimmung.vocabulary.moods_schemas import ANSWERS, BASE_SEED
from stimmung.vocabulary.parquet_tables import write_table
from stimmung.vocabulary.questions import Question
from stimmung.workflow.job import job
from stimmung.workflow.measured import measured
from stimmung.workflow.wait_for_twin_job import once

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def score_questions(
    *,
    base: Path,
    trained: Sequence[Path],
    questions: Mapping[str, Question],
    normalization: str,
    readout: str,
    tokens_per_batch: int,
    panel: str,
    model: str,
    code: str,
    threads: int,
    store: Path,
    output: Path,
) -> None:
    """Write the answers table of a model; ``trained`` list its adapters, each beside its weeks' folders."""
    use_threads(threads)
    # Before the base is loaded: a mistake is told at once.
    adapters = listed_adapters(trained)
    make_whole(adapters, Store(store))
    loaded = load_base(base)
    answers = answer_questions(
        loaded,
        word_questions(loaded.tokenizer, questions),
        adapters,
        Reading(normalization, readout, tokens_per_batch),
        Store(store),
        code,
    )
    names = pd.Series(f"{model}/weekly", answers.index).mask(answers.seed == BASE_SEED, f"{model}/base")
    answers.insert(0, "model", names)
    answers.insert(0, "panel", panel)
    write_table(answers, output, ANSWERS)


if __name__ == "__main__":
    with job(snakemake), once(snakemake) as wanted:
        if wanted:
            with measured(Path(snakemake.log.cost)):
                score_questions(
                    base=Path(snakemake.input.base).parent,
                    trained=[Path(listed) for listed in snakemake.input.trained],
                    questions={name: Question(**one) for name, one in snakemake.params.questions.items()},
                    normalization=snakemake.params.normalization,
                    readout=snakemake.params.readout,
                    tokens_per_batch=snakemake.params.tokens_per_batch,
                    panel=snakemake.params.panel,
                    model=snakemake.params.model,
                    code=snakemake.params.code,
                    threads=snakemake.threads,
                    store=Path(snakemake.params.store),
                    output=Path(snakemake.output.answers),
                )
