"""Training rows and their order: which rows of one adapter's data are in which batch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# Choices: rows are sorted by length within this many batches, enough that a batch has almost no padding, few enough that the order
# of an epoch stays random; and an epoch has at least so many buckets, or with few rows every epoch would have the same batches.
BUCKET_BATCHES = 16
MIN_BUCKETS = 4

Batch = list[int]
Step = list[Batch]


@dataclass(frozen=True)
class TrainingRow:
    """Tokens, of which those from ``loss_from`` on are to be predicted."""

    input_ids: tuple[int, ...]
    loss_from: int
    weight: float = 1.0  # by which its loss is multiplied

    @property
    def n_loss_tokens(self) -> int:
        """How many tokens carry loss."""
        return len(self.input_ids) - self.loss_from


def plan_steps(
    lengths: Sequence[int],
    *,
    batch_size: int,
    accumulation: int,
    epochs: float | None,
    max_steps: int | None,
    seed: int,
    sorted_batches: int = BUCKET_BATCHES,
) -> list[Step]:
    """Return all optimizer steps of one adapter's training: row numbers by step and forward pass.

    They depend on this adapter's data and seed only, so that they are the same in a cohort, alone, and after a restart.
    ``lengths`` are the rows' tokens, ``accumulation`` is the number of passes of a step; the last step of an epoch may be smaller.
    Either ``epochs``, which may be a fraction, or ``max_steps`` is given. Rows are sorted by length within ``sorted_batches`` batches.
    """
    rng = np.random.default_rng(seed)
    per_epoch = math.ceil(math.ceil(len(lengths) / batch_size) / accumulation)
    n_steps = max_steps if max_steps is not None else max(1, round((epochs or 0) * per_epoch))
    steps: list[Step] = []
    while len(steps) < n_steps:
        batches = list(_epoch(lengths, batch_size, rng, sorted_batches))
        steps += [batches[start : start + accumulation] for start in range(0, len(batches), accumulation)]
    return steps[:n_steps]


def _epoch(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator, sorted_batches: int
) -> Iterator[Batch]:
    order = rng.permutation(len(lengths))
    bucket = batch_size * max(1, min(sorted_batches, len(order) // (MIN_BUCKETS * batch_size)))
    batches = []
    for start in range(0, len(order), bucket):
        rows = sorted(order[start : start + bucket].tolist(), key=lambda row: (lengths[row], row))
        batches += [rows[first : first + batch_size] for first in range(0, len(rows), batch_size)]
    for index in rng.permutation(len(batches)):
        yield batches[index]


def pack_blocks(texts: Sequence[Sequence[int]], block_size: int) -> list[TrainingRow]:
    """Concatenate posts, each with its beginning-of-text token, and cut them into blocks of ``block_size`` predicted tokens.

    Every token but the very first is predicted once: blocks overlap by one token. The last block is shorter; no token is dropped.
    """
    stream = [token for text in texts for token in text]
    starts = range(0, max(len(stream) - 1, 0), block_size)
    return [TrainingRow(tuple(stream[start : start + block_size + 1]), 1) for start in starts]
