"""Prompts in tokens, and the batches in which they are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from stimmung.engine.cohort.lora import Cohort
from stimmung.engine.cohort.slices import BASE_ONLY, Slice
from stimmung.vocabulary.errors import InputError

# Tokens that prompts must have in common to be read apart from others: a choice, far above an instruction's length.
LONG_BEGINNING = 1024


class PromptTooLong(InputError):  # noqa: N818 (what is wrong)
    """A prompt does not fit the model's context. Raised before anything is scored."""


@dataclass(frozen=True)
class Prompt:
    """A context, the options that may follow it, in tokens, and the adapter that reads them (-1: the base alone)."""

    context_ids: tuple[int, ...]
    option_ids: tuple[tuple[int, ...], ...]
    adapter: int = BASE_ONLY
    about: str | None = (
        None  # a respondent: what prompts about the same one begin with is read once, where that saves time
    )


def n_tokens(prompt: Prompt) -> int:
    """Return the length of the context with its longest option."""
    return len(prompt.context_ids) + max(map(len, prompt.option_ids))


def n_alike(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many tokens two texts begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))


def n_common(prompts: Sequence[Prompt]) -> int:
    """Return how many tokens all contexts begin with, leaving each at least one of its own."""
    contexts = [prompt.context_ids for prompt in prompts]
    # What the first and the last in order begin with, all begin with.
    return min(n_alike(min(contexts), max(contexts)), min(map(len, contexts)) - 1)


def alike(prompts: Sequence[Prompt]) -> list[list[int]]:
    """Return the places of prompts that are read together: with the same options and, if long, with the same beginning.

    Of prompts that share ``LONG_BEGINNING`` tokens, such as those of a fold behind many examples, the whole common beginning is
    read once; of all others only what all of them begin with.
    """
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    beginnings: dict[tuple[object, ...], list[int]] = {}
    for index, prompt in enumerate(prompts):
        long = len(prompt.context_ids) > LONG_BEGINNING
        key = prompt.option_ids, prompt.context_ids[:LONG_BEGINNING] if long else ()
        beginnings.setdefault(key, []).append(index)
    found = [members for (_, begins), members in beginnings.items() if begins and len(members) > 1]
    apart = {index for members in found for index in members}
    for index, prompt in enumerate(prompts):
        if index not in apart:
            groups.setdefault(prompt.option_ids, []).append(index)
    return [*groups.values(), *found]


def batches(
    texts: Sequence[tuple[int, ...]],
    adapters: Sequence[int],
    tokens_per_batch: int,
    n_rows: int = 1,
    n_read: int = 0,
) -> list[list[int]]:
    """Divide texts, by their places, into batches of similar length, in which an adapter's rows are adjacent.

    A text takes ``n_rows`` rows, and in each ``n_read`` tokens after it. A batch of more than one text has at most
    ``tokens_per_batch`` tokens, padding included.
    """
    found: list[list[int]] = [[]]
    for index in sorted(range(len(texts)), key=lambda index: (len(texts[index]), texts[index], index)):
        width = len(texts[index]) + n_read
        if found[-1] and n_rows * width * (len(found[-1]) + 1) > tokens_per_batch:
            found.append([])
        found[-1].append(index)
    return [sorted(batch, key=lambda index: (adapters[index], index)) for batch in found if batch]


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
