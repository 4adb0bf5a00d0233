"""What an adapter is trained by: its rows and seed, its key in the store, and the schedule and optimizer of its steps."""

import hashlib
import json
import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn

from stimmung.engine.cohort.batching import TrainingRow
from stimmung.store.keys import adapter_key, digest_of_content
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import EarlyStopping, Training

# Raise it with every change that gives an adapter other weights: tests/unit/engine/test_golden_weights.py fails until then.
TRAINING_VERSION = 2


@dataclass(frozen=True)
class Task:
    """One adapter to be trained: a name for messages, its rows, its seed."""

    name: str
    rows: Sequence[TrainingRow]
    seed: int
    respondents: Sequence[str] | None = None  # whose each row is; None: rows with the same prompt are one's
    # Whether rows are options of distributions, weighted by their shares. The loss is then a mean over rows, and not over tokens, and
    # rows are not sorted by length: else long options would count less, and a batch of one option would teach nothing about shares.
    distributions: bool = False

    def loss_divisor(self, rows: Iterable[int]) -> int:
        """Return by what the weighted sum of the losses of a step's rows is divided: by their number of tokens, or of rows."""
        return sum(1 if self.distributions else self.rows[row].n_loss_tokens for row in rows)

    @cached_property
    def data_digest(self) -> str:
        """SHA-256 of the rows in their order."""
        digest = hashlib.sha256(b"distributions" if self.distributions else b"")
        for row in self.rows:
            # Nothing for a weight of 1, so that adapters from before there were weights are found again.
            weight = [] if row.weight == 1 else [row.weight]
            digest.update(json.dumps([row.input_ids, row.loss_from, *weight]).encode())
        return digest.hexdigest()


def adapter_keys(base_digest: str, training: Training, tasks: Sequence[Task]) -> list[str]:
    """Return the key in the store of each task's adapter."""
    # How posts are cut into blocks is in the rows already.
    settings = training.model_dump(mode="json", exclude={"block_size"})
    return [
        adapter_key(
            version=TRAINING_VERSION,
            base_digest=base_digest,
            data_digest=_data_digest(training, task),
            settings=settings,
            seed=task.seed,
        )
        for task in tasks
    ]


def _data_digest(training: Training, task: Task) -> str:
    if training.early_stopping is None:
        return task.data_digest
    return digest_of_content([task.data_digest, held_out_rows(task, training.early_stopping)])


def held_out_rows(task: Task, settings: EarlyStopping) -> list[int]:
    """Return the numbers of the rows that are held out of a task's training, drawn with its seed.

    All rows of a respondent are held out or none; so are rows with the same prompt, as in a sample with replacement, or of a group's
    distribution. Raises InputError if there is but one.
    """
    owners: Sequence[Hashable] = task.respondents or [_prompt(row) for row in task.rows]
    units = list(dict.fromkeys(owners))
    if len(units) < 2:
        raise InputError(
            f"{task.name}: early_stopping needs the rows of two respondents at least, and there is one",
            "Set it to null, or train on more.",
        )
    n = min(len(units) - 1, max(1, round(settings.share * len(units))))
    chosen = {units[place] for place in np.random.default_rng(task.seed).permutation(len(units))[:n]}
    return [row for row, owner in enumerate(owners) if owner in chosen]


def _prompt(row: TrainingRow) -> tuple[int, ...]:
    """Return what a row begins with before its loss; posts carry loss from the second token on, and stand for themselves."""
    return row.input_ids[: row.loss_from] if row.loss_from > 1 else row.input_ids


def by_key(keys: Sequence[str], tasks: Sequence[Task]) -> dict[str, Task]:
    """Return tasks by key, the first of those that make the same adapter.

    Two conditions may leave out the same respondents, and two weeks may have the same posts.
    """
    found: dict[str, Task] = {}
    for key, task in zip(keys, tasks, strict=True):
        found.setdefault(key, task)
    return found


def learning_rate_at(training: Training, step: int, n_steps: int) -> float:
    """Return the rate of optimizer step ``step`` of ``n_steps``, as transformers' schedules give it."""
    warmup = math.ceil(training.warmup_ratio * n_steps)
    if step < warmup:
        return training.learning_rate * step / warmup
    done = (step - warmup) / max(1, n_steps - warmup)
    if training.lr_scheduler_type == "cosine":
        return training.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
    return training.learning_rate * (1 - done if training.lr_scheduler_type == "linear" else 1)


def make_optimizer(training: Training, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return a new optimizer of one adapter's weights; the paged one of bitsandbytes pages its state on CUDA only."""
    options = {"lr": training.learning_rate, "weight_decay": training.weight_decay}
    if training.optim == "paged_adamw_8bit":
        from bitsandbytes.optim import PagedAdamW8bit

        return PagedAdamW8bit(parameters, **options)
    return torch.optim.AdamW(parameters, fused=True, **options)
