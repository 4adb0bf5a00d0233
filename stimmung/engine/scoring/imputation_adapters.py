"""Adapters for multiple imputation: one for each sample of the donors, trained as one cohort, and what each says of the recipients."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from stimmung.engine.cohort.missing_adapters import train_missing
from stimmung.engine.cohort.training_config import Task
from stimmung.engine.scoring.local_scorer import LocalScorer
from stimmung.engine.scoring.scorer import Asked
from stimmung.engine.scoring.survey_prompts import asked_messages, training_rows
from stimmung.store.paths import Store
from stimmung.text.rendering import Rendering
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Training


def tune_on_samples(
    base: Path,
    training: Training,
    prompts: pd.DataFrame,
    samples: Sequence[Sequence[str]],
    seeds: Sequence[int],
    folders: Sequence[Path],
    rendering: Rendering,
    store: Store,
    *,
    name: str,
    pace: Pace,
    stop: Callable[[], bool],
) -> list[str]:
    """Train an adapter on each sample of respondents, with its seed, and export it to its folder; return their keys.

    ``base`` is the folder of a prepared base model, ``prompts`` a PROMPTS table, ``samples`` respondents by id, repeated where a
    sample repeats them. The adapters train as one cohort. Errors as of ``train_missing``, which takes from the store what is there.
    """
    answers = sorted({str(answer) for answer in prompts["target"].dropna()})
    # Options that no score can tell apart are found here, not after hours of training.
    rendering.encode(asked_messages(prompts, list(prompts["respondent_id"].iloc[:1]))[0], answers)
    tasks = [
        Task(f"{name}, draw {draw}", training_rows(prompts, ids, rendering), seed, ids)
        for draw, (ids, seed) in enumerate(zip(samples, seeds, strict=True), 1)
    ]
    return train_missing(base, training, tasks, folders, store, pace=pace, stop=stop)


def read_with_each(scorer: LocalScorer, prompts: pd.DataFrame, ids: Sequence[str]) -> list[np.ndarray]:
    """Return what each of the scorer's adapters says of respondents: an array of shape (n_respondents, options) for each."""
    messages = asked_messages(prompts, ids)
    n_adapters = len(scorer.adapters)
    scored = scorer.score([Asked(one, reader) for reader in range(n_adapters) for one in messages])
    probabilities = np.array([one.probabilities for one in scored], dtype=float)
    return list(probabilities.reshape(n_adapters, len(ids), -1))
