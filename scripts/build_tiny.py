"""Build the base model of the demo from text that is generated here: a tokenizer and a Llama of under a million parameters."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stimmung.data.simulate.generated_text import questionnaires, vocabulary
from stimmung.data.simulate.mood_sentences import mood_interviews
from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.tiny import build_tiny as build
from stimmung.workflow.job import job
from stimmung.workflow.measured import measured
from stimmung.workflow.wait_for_twin_job import once

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

SEED = 1996


def build_tiny(*, threads: int, output: Path) -> None:
    """Write the model as an ordinary Hugging Face directory."""
    use_threads(threads)
    texts = [*questionnaires(6500, SEED), *mood_interviews(1800, SEED)]
    shuffled = [texts[number] for number in np.random.default_rng(SEED).permutation(len(texts))]
    build(shuffled, vocabulary(), output, vocab_size=2304, epochs=1, block_size=128, batch_size=4, seed=SEED)


if __name__ == "__main__":
    with job(snakemake), once(snakemake) as wanted:
        if wanted:
            with measured(Path(snakemake.log.cost)):
                build_tiny(threads=snakemake.threads, output=Path(snakemake.output.weights).parent)
