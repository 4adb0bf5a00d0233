"""Prompts in tokens, and the batches in which they are read."""

from collections.abc import Sequence
from dataclasses import dataclass

from stimmung.engine.cohort.lora import BASE_ONLY, Cohort, Slice


@dataclass(frozen=True)
class Prompt:
    """A context, the options that may follow it, in tokens, and the adapter that reads them (-1: the base alone)."""

    context_ids: tuple[int, ...]
    option_ids: tuple[tuple[int, ...], ...]
    adapter: int = BASE_ONLY


def batches(
    prompts: Sequence[Prompt], members: Sequence[int], n_rows: int, n_read: int, tokens_per_batch: int
) -> list[list[int]]:
    """Divide prompts, those numbered ``members``, into batches of similar length, in which an adapter's rows are adjacent.

    A prompt takes ``n_rows`` rows, and in each ``n_read`` tokens after the context. A batch of more than one prompt has at most
    ``tokens_per_batch`` tokens, padding included.
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
