"""What M bootstrap adapters for multiple imputation cost as a cohort, one by one, and beside the folds that a study trains anyway.

    python benchmarks/imputation.py [--size 5m] [--device cpu|cuda] [--repetitions 3]

All train the same rank of LoRA on the same 4-bit base for as many steps on their sample of the donors; reading the recipients with
each adapter is counted apart. Writes results/benchmarks/imputation.json.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measure import alternating, arguments, encoded, load_as_base, ratio, report, saved, survey, table

from stimmung.engine.base.base_model import Base
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.train import train_adapters
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.prompt_batches import Prompt
from stimmung.engine.scoring.score import score_with_adapters
from stimmung.store.paths import Store
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training

M, FOLDS = 20, 5
DONORS = 32
RECIPIENTS = 32
STEPS = 4
BATCHES = {"cpu": (1, 2, 4, 8), "cuda": (1, 4, 8)}


def main() -> None:
    options = arguments("Time of the adapters of multiple imputation.", "5m")
    tokenizer, texts = survey(DONORS + RECIPIENTS)
    prompts = encoded(tokenizer, texts)
    rows = [
        TrainingRow(one.context_ids + one.continuation_ids[n % 8], len(one.context_ids))
        for n, one in enumerate(prompts[:DONORS])
    ]
    samples = [np.random.default_rng([1, draw]).integers(DONORS, size=DONORS) for draw in range(M)]
    tasks = [
        Task(f"draw {draw}", [rows[place] for place in sample], draw) for draw, sample in enumerate(samples)
    ]
    training = Training.model_validate(
        {"r": 16, "lora_alpha": 16, "num_train_epochs": None, "max_steps": STEPS, "learning_rate": 2e-4}
    )
    with tempfile.TemporaryDirectory() as folder:
        base = load_as_base(saved(options.size, tokenizer, Path(folder) / "model"), "nf4")
        settings: dict[str, Callable[[], Callable[[], Any]]] = {}
        for batch in BATCHES[options.device]:
            own = training.model_copy(update={"per_device_train_batch_size": batch})
            settings |= {
                f"{M} adapters, batch {batch}, one by one": partial(_train, base, own, tasks, "sequential"),
                f"{M} adapters, batch {batch}, cohort": partial(_train, base, own, tasks, "stacked"),
                f"{FOLDS} adapters, batch {batch}, cohort": partial(
                    _train, base, own, tasks[:FOLDS], "stacked"
                ),
            }
        costs = alternating(settings, options.repetitions, warm=True)
        store = Store(Path(folder) / "kept")
        keys = train_adapters(base, training, tasks, store, pace=Pace.model_validate({"cohort": "stacked"}))
        asked = [
            Prompt(one.context_ids, one.continuation_ids, reader)
            for reader in range(M)
            for one in prompts[DONORS:]
        ]
        folders = [store.adapter(key) for key in keys]
        read = alternating(
            {
                f"{M} adapters read {RECIPIENTS} recipients": lambda: (
                    lambda: score_with_adapters(base, asked, folders, "exact", 16384)
                )
            },
            options.repetitions,
            warm=True,
        )
    cohort = {batch: costs[f"{M} adapters, batch {batch}, cohort"] for batch in BATCHES[options.device]}
    found = {
        "cohort_vs_one_by_one_by_batch": {
            batch: ratio(costs[f"{M} adapters, batch {batch}, one by one"], one)
            for batch, one in cohort.items()
        },
        "m_adapters_vs_folds_by_batch": {
            batch: ratio(one, costs[f"{FOLDS} adapters, batch {batch}, cohort"])
            for batch, one in cohort.items()
        },
    }
    lines = pd.concat([table(costs, 1, "run"), table(read, 1, "run")])
    report("imputation", found, lines, options, m=M, donors=DONORS, steps=STEPS, recipients=RECIPIENTS)


def _train(base: Base, training: Training, tasks: list[Task], mode: str) -> Callable[[], Any]:
    def run() -> None:
        # A new store each time: a finished adapter would not be trained again.
        with tempfile.TemporaryDirectory() as folder:
            train_adapters(
                base, training, tasks, Store(Path(folder)), pace=Pace.model_validate({"cohort": mode})
            )

    return run


if __name__ == "__main__":
    main()
