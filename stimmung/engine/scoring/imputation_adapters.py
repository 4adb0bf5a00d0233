"""Adapters for multiple imputation: one for each sample of the donors, trained as one cohort, and what each says of the recipients."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stimmung.engine.cohort.missing_adapters import train_missing
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.local_scorer import LocalScorer
from stimmung.engine.scoring.scorer import Asked
from stimmung.engine.scoring.survey_prompts import asked_messages, training_rows, with_mean_weight_1
from stimmung.store.paths import Store
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training
from stimmung.vocabulary.votes_schemas import GROUP


def tune_on_samples(
    base: Path,
    training: Training,
    prompts: pd.DataFrame,
    samples: Sequence[pd.DataFrame],
    seeds: Sequence[int],
    folders: Sequence[Path],
    rendering: Rendering,
    store: Store,
    *,
    name: str,
    pace: Pace,
    stop: Callable[[], bool],
    weighted: bool = False,
) -> list[str]:
    """Train an adapter on each sample of respondents, with its seed, and export it to its folder; return their keys.

    ``base`` is the folder of a prepared base model, ``prompts`` a PROMPTS table, ``samples`` rows of a RESPONDENTS table, repeated
    where a sample repeats them; ``weighted``: whether their weights count in the loss. The adapters train as one cohort. Errors as
    of ``train_missing``, which takes from the store what is there.
    """
    answers = sorted({str(answer) for answer in prompts["target"].dropna()})
    # Options that no score can tell apart are found here, not after hours of training.
    rendering.encode(asked_messages(prompts, list(prompts["respondent_id"].iloc[:1]))[0], answers)
    tasks = [
        _task(f"{name}, draw {draw}", sample, prompts, rendering, seed, weighted)
        for draw, (sample, seed) in enumerate(zip(samples, seeds, strict=True), 1)
    ]
    return train_missing(base, training, tasks, folders, store, pace=pace, stop=stop)


def _task(
    name: str, sample: pd.DataFrame, prompts: pd.DataFrame, rendering: Rendering, seed: int, weighted: bool
) -> Task:
    ids = list(sample["respondent_id"])
    once = sample.drop_duplicates("respondent_id").set_index("respondent_id")
    rows = training_rows(prompts, ids, rendering, once["weight"] if weighted else None)
    # What is held out to stop early are whole groups, where there are some.
    return Task(name, with_mean_weight_1(rows), seed, list(sample.get(GROUP, sample["respondent_id"])))


def read_with_each(scorer: LocalScorer, prompts: pd.DataFrame, ids: Sequence[str]) -> list[np.ndarray]:
    """Return what each of the scorer's adapters says of respondents: an array of shape (n_respondents, options) for each."""
    messages = asked_messages(prompts, ids)
    n_adapters = len(scorer.adapters)
    scored = scorer.score([Asked(one, reader) for reader in range(n_adapters) for one in messages])
    probabilities = np.array([one.probabilities for one in scored], dtype=float)
    return list(probabilities.reshape(n_adapters, len(ids), -1))
