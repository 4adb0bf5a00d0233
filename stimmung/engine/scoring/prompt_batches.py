"""Prompts in tokens, and the batches in which they are read."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.devices import MAX_LOGITS
from stimmung.engine.cohort.lora import BASE_ONLY, Cohort, Slice
from stimmung.engine.scoring.readouts import Readout
from stimmung.text.trie import OptionTrie


@dataclass(frozen=True)
class Prompt:
    """A context, the options that may follow it, in tokens, and the adapter that reads them (-1: the base alone)."""

    context_ids: tuple[int, ...]
    option_ids: tuple[tuple[int, ...], ...]
    adapter: int = BASE_ONLY


def batches(
    prompts: Sequence[Prompt], members: Sequence[int], n_rows: int, n_read: int, tokens_per_batch: int
) -> list[list[int]]:
    """Divide prompts into batches of similar length, each sorted by adapter so that an adapter's rows are adjacent.

    Parameters
    ----------
    prompts, members
        All prompts, and the numbers of those to be batched.
    n_rows, n_read
        How many rows a prompt takes, and how many tokens are read after the context in each.
    tokens_per_batch
        At most so many, padding included, except for a single prompt.
    """
    order = sorted(
        members, key=lambda index: (len(prompts[index].context_ids), prompts[index].context_ids, index)
    )
    found: list[list[int]] = [[]]
    for index in order:
        width = len(prompts[index].context_ids) + n_read
        if found[-1] and n_rows * width * (len(found[-1]) + 1) > tokens_per_batch:
            found.append([])
        found[-1].append(index)
    return [sorted(batch, key=lambda index: (prompts[index].adapter, index)) for batch in found if batch]


def set_layout(cohort: Cohort | None, adapters: Sequence[int]) -> None:
    """Tell the cohort which rows belong to which adapter; ``adapters`` is sorted."""
    if cohort is None:
        if any(adapter != BASE_ONLY for adapter in adapters):
            raise ValueError("prompts name adapters, but no cohort is attached")
        return
    slices: list[Slice] = []
    for row, adapter in enumerate(adapters):
        start = slices.pop().start if slices and slices[-1].adapter == adapter else row
        slices.append(Slice(adapter, start, row + 1))
    cohort.layout.slices = slices
    cohort.layout.dropout = False


def read_scores(base: Base, hidden: torch.Tensor, trie: OptionTrie, readout: Readout) -> torch.Tensor:
    """Return the options' scores, shape (rows, options), from hidden states of the trie, shape (rows, 1 + read, hidden)."""
    n_rows = max(1, MAX_LOGITS // (hidden.shape[1] * base.vocabulary_size))
    return torch.cat([readout(base.logits(piece), trie) for piece in hidden.split(n_rows)])
