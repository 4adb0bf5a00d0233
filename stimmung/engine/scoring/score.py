"""Exact loglikelihoods of answer options, each read once however many options share its first tokens."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.devices import release_memory
from stimmung.engine.base.full_attention import options_can_share_a_row
from stimmung.engine.base.memory_reckoning import MAX_LOGITS
from stimmung.engine.cohort.adapter_files import load_adapter
from stimmung.engine.cohort.lora import Cohort, attached
from stimmung.engine.scoring.branch_pass import branches, read_branches
from stimmung.engine.scoring.float32 import in_float32
from stimmung.engine.scoring.prompt_batches import Prompt, PromptTooLong, alike, batches, n_tokens
from stimmung.engine.scoring.readouts import READOUTS, Readout, exact
from stimmung.engine.scoring.tree_pass import merged, read_trees, shared_rows
from stimmung.engine.scoring.trie_pass import read_prefix, read_trie
from stimmung.text.trie import OptionTrie, build_trie
from stimmung.vocabulary.errors import InputError

logger = logging.getLogger(__name__)

Asked = TypeVar("Asked")
Scored = TypeVar("Scored")

# Part of the key of everything scored: raise it with every change that changes a score. A test with golden scores guards it.
SCORING_VERSION = 2
# More tokens in a batch no longer fit a CPU's caches, and its rows need more padding (benchmarks/scoring.py).
CPU_TOKENS_PER_BATCH = 2048


def score_options(
    base: Base,
    prompts: Sequence[Prompt],
    *,
    cohort: Cohort | None = None,
    tokens_per_batch: int = 16384,
    readout: Readout = exact,
    exact_products: bool = False,
) -> list[np.ndarray]:
    """Return the loglikelihood of every option of every prompt, computed in float32 whatever the type of the weights.

    Parameters
    ----------
    prompts
        In any order and mixture of adapters; results do not depend on it beyond floating point.
    cohort
        The attached adapters, if prompts name any.
    tokens_per_batch
        Bounds the memory of a batch. One that a CUDA device has no memory for is split in two and retried.
    exact_products
        Multiply in float32 also where quicker products are nearly as good (see ``float32_product.py``).

    Returns
    -------
    list of ndarray, shape (options,), float64
        Natural logarithm of the probability of each option's tokens after the context.

    Raises
    ------
    InputError
        If a prompt is longer than the model's context, or options cannot be told apart.
    """
    longest = max(map(n_tokens, prompts), default=0)
    if longest > base.max_length:
        raise PromptTooLong(
            f"a prompt of {longest} tokens does not fit the model's context of {base.max_length}",
            "Shorten the codebook's wording, drop items, or take fewer few-shot examples; a prompt is never cut.",
        )
    if base.device.type == "cpu":
        tokens_per_batch = min(tokens_per_batch, CPU_TOKENS_PER_BATCH)
    results: dict[int, np.ndarray] = {}
    with torch.inference_mode(), in_float32(base.model, exact=exact_products):
        rows: list[list[int]] = []
        if options_can_share_a_row(base.model, longest):
            hidden_size = base.model.config.get_text_config().hidden_size
            rows = shared_rows(prompts, hidden_size, tokens_per_batch)
            results |= _score_rows(base, cohort, prompts, rows, readout, tokens_per_batch)
        apart = [index for index in range(len(prompts)) if index not in results]
        for places in alike([prompts[index] for index in apart]):
            members = [apart[place] for place in places]
            own = [prompts[index] for index in members]
            trie = build_trie(own[0].option_ids)
            n_read = len(trie.read_tokens)
            if options_can_share_a_row(base.model, max(len(one.context_ids) for one in own) + n_read):
                read, n_rows = partial(read_trie, base, cohort, trie, read_prefix(base, cohort, own)), 1
            else:
                read, n_rows = partial(read_branches, base, cohort, trie), len(branches(trie))
            score = partial(_score_batch, base, trie, readout, read)
            texts, adapters = [one.context_ids for one in own], [one.adapter for one in own]
            for batch in batches(texts, adapters, tokens_per_batch, n_rows, n_read):
                found = _score_within_memory(score, [own[place] for place in batch])
                results |= zip([members[place] for place in batch], found, strict=True)
    return [results[index] for index in range(len(prompts))]


def _score_rows(
    base: Base,
    cohort: Cohort | None,
    prompts: Sequence[Prompt],
    rows: Sequence[Sequence[int]],
    readout: Readout,
    tokens_per_batch: int,
) -> dict[int, np.ndarray]:
    """Return the scores of prompts that are read several in a row, by their places."""
    if not rows:
        return {}
    asked = [[prompts[index] for index in row] for row in rows]
    prefix = read_prefix(base, cohort, [one for row in asked for one in row])
    trees = [merged(row, prefix.length) for row in asked]

    def score(batch: Sequence[int]) -> list[list[np.ndarray]]:
        together = [asked[place] for place in batch]
        states = read_trees(base, cohort, prefix, together, [trees[place] for place in batch])
        scored = iter(_score_states(base, readout, [one for row in together for one in row], states))
        return [[next(scored) for _ in row] for row in together]

    results: dict[int, np.ndarray] = {}
    for batch in batches(
        [tree.tokens for tree in trees], [row[0].adapter for row in asked], tokens_per_batch
    ):
        for place, found in zip(batch, _score_within_memory(score, batch), strict=True):
            results |= zip(rows[place], found, strict=True)
    return results


@contextmanager
def with_adapters(
    base: Base, adapters: Sequence[Path], readout: str, tokens_per_batch: int
) -> Iterator[Callable[[Sequence[Prompt]], list[np.ndarray]]]:
    """Yield what scores as ``score_options`` does, with the adapters in these directories, whose numbers prompts name.

    Without adapters, the base alone scores. Raises an InputError if an adapter cannot be read, or they differ in their settings.
    """
    score = partial(score_options, base, tokens_per_batch=tokens_per_batch, readout=READOUTS[readout])
    if not adapters:
        yield score
        return
    loaded = [load_adapter(directory) for directory in adapters]
    if len({adapter.settings for adapter in loaded}) > 1:
        raise InputError(
            f"the adapters of the folds differ in rank, scale or target modules: {adapters[0]} and others",
            "Delete their folders and run snakemake again.",
        )
    with attached(base, loaded[0].settings) as cohort:
        for adapter in loaded:
            cohort.add(adapter.weights)
        yield partial(score, cohort=cohort)


def score_with_adapters(
    base: Base, prompts: Sequence[Prompt], adapters: Sequence[Path], readout: str, tokens_per_batch: int
) -> list[np.ndarray]:
    """Score prompts once :func:`with_adapters`; errors as there and of ``score_options``."""
    with with_adapters(base, adapters, readout, tokens_per_batch) as score:
        return score(prompts)


def _score_batch(
    base: Base,
    trie: OptionTrie,
    readout: Readout,
    read: Callable[[Sequence[Prompt]], torch.Tensor],
    prompts: Sequence[Prompt],
) -> list[np.ndarray]:
    hidden = read(prompts)
    n_rows = max(1, MAX_LOGITS // (hidden.shape[1] * base.vocabulary_size))
    scores = [readout(base.logits(piece), trie) for piece in hidden.split(n_rows)]
    return list(torch.cat(scores).double().cpu().numpy())


def _score_states(
    base: Base, readout: Readout, prompts: Sequence[Prompt], states: Sequence[torch.Tensor]
) -> list[np.ndarray]:
    """Return the scores of prompts with options of their own, from the hidden states of their tries' states."""
    scores: list[np.ndarray] = []
    most = max(1, MAX_LOGITS // base.vocabulary_size)
    while len(scores) < len(prompts):
        n_states = np.cumsum([len(one) for one in states[len(scores) :]])
        piece = states[len(scores) :][: max(1, int((n_states <= most).sum()))]
        logits = base.logits(torch.cat(list(piece))[None]).split([len(one) for one in piece], dim=1)
        for prompt, of_prompt in zip(prompts[len(scores) :], logits, strict=False):
            found = readout(of_prompt, build_trie(prompt.option_ids))
            scores.append(found[0].double().cpu().numpy())
    return scores


def _score_within_memory(
    score: Callable[[Sequence[Asked]], list[Scored]], prompts: Sequence[Asked]
) -> list[Scored]:
    """Score a batch, or its halves if a CUDA device has no memory for the whole."""
    try:
        return score(prompts)
    except torch.cuda.OutOfMemoryError:
        if len(prompts) == 1:
            raise
    # Only here the error is gone, and with it what it held in memory.
    release_memory()
    logger.warning("out of memory with %d prompts: splitting the batch in two", len(prompts))
    middle = len(prompts) // 2
    return [*_score_within_memory(score, prompts[:middle]), *_score_within_memory(score, prompts[middle:])]
