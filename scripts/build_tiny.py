"""Build the base model of the demo from text that is generated here: a tokenizer and a Llama of under a million parameters."""

from pathlib import Path

import numpy as np

from stimmung.data.simulate.generated_text import questionnaires, vocabulary
from stimmung.data.simulate.mood_sentences import mood_interviews
from stimmung.engine.base.devices import use_threads
from stimmung.engine.base.tiny import build_tiny as build
from stimmung.workflow.run import run

SEED = 1996


def build_tiny(*, threads: int, files: list[Path]) -> None:
    """Write the model as an ordinary Hugging Face directory, that of ``files``."""
    use_threads(threads)
    texts = [*questionnaires(6500, SEED), *mood_interviews(1800, SEED)]
    shuffled = [texts[number] for number in np.random.default_rng(SEED).permutation(len(texts))]
    folder = files[0].parent
    build(shuffled, vocabulary(), folder, vocab_size=2304, epochs=1, block_size=128, batch_size=4, seed=SEED)


if __name__ == "__main__":
    run(build_tiny, snakemake)
