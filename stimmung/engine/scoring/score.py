"""Exact loglikelihoods of answer options, all options of a prompt in one forward pass.

The options of a prompt form a token trie that is read behind the context, each branch seeing the context and its own tokens
only. What all prompts begin with is read once for each adapter, and its keys and values are shared.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from transformers import DynamicCache

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.devices import release_memory
from stimmung.engine.base.last_layer import last_layer_at
from stimmung.engine.cohort.lora import BASE_ONLY, Cohort, Slice
from stimmung.engine.scoring.readouts import Readout, exact
from stimmung.text.trie import OptionTrie, build_trie
from stimmung.vocabulary.errors import InputError

logger = logging.getLogger(__name__)

# Shorter common beginnings are read again with each prompt: a cache of them would save nothing.
MIN_PREFIX = 4
# Logits of this many entries (positions x vocabulary, float32) are held at once.
MAX_LOGITS = 2**27
# More tokens in a batch no longer fit a CPU's caches, and its rows need more padding (benchmarks/scoring.py).
CPU_TOKENS_PER_BATCH = 2048


@dataclass(frozen=True)
class Prompt:
    """A context, the options that may follow it, in tokens, and the adapter that reads them (-1: the base alone)."""

    context_ids: tuple[int, ...]
    option_ids: tuple[tuple[int, ...], ...]
    adapter: int = BASE_ONLY


def score_options(
    base: Base,
    prompts: Sequence[Prompt],
    *,
    cohort: Cohort | None = None,
    tokens_per_batch: int = 16384,
    readout: Readout = exact,
) -> list[np.ndarray]:
    """Return the loglikelihood of every option of every prompt.

    Parameters
    ----------
    base
        The resident base model.
    prompts
        In any order and mixture of adapters; results do not depend on it beyond floating point.
    cohort
        The attached adapters, if prompts name any.
    tokens_per_batch
        Bounds the memory of a batch. A CUDA device without memory for one gets it in halves.
    readout
        What is made of the logits: ``exact``, or one of the published read-outs.

    Returns
    -------
    list of ndarray, shape (options,), float64
        Natural logarithm of the probability of each option's tokens after the context, float32 log-softmax over the vocabulary.

    Raises
    ------
    InputError
        If a prompt is longer than the model's context, or options cannot be told apart.
    """
    _check_lengths(base, prompts)
    if base.device.type == "cpu":
        tokens_per_batch = min(tokens_per_batch, CPU_TOKENS_PER_BATCH)
    results: list[np.ndarray] = [np.empty(0)] * len(prompts)
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for index, prompt in enumerate(prompts):
        groups.setdefault(prompt.option_ids, []).append(index)
    with torch.inference_mode():
        for option_ids, members in groups.items():
            trie = _trie(option_ids)
            prefix = _common_prefix([prompts[index].context_ids for index in members])
            cache = _read_prefix(base, cohort, prompts, members, prefix)
            score = partial(_score_batch, base, cohort, trie, len(prefix), cache, readout)
            for batch in _batches(prompts, members, len(trie.read_tokens), tokens_per_batch):
                rows = _score_within_memory(score, [prompts[index] for index in batch])
                for index, row in zip(batch, rows, strict=True):
                    results[index] = row
    return results


@lru_cache(maxsize=64)
def _trie(option_ids: tuple[tuple[int, ...], ...]) -> OptionTrie:
    return build_trie(option_ids)


def _check_lengths(base: Base, prompts: Sequence[Prompt]) -> None:
    longest = max((len(one.context_ids) + max(map(len, one.option_ids)) for one in prompts), default=0)
    if longest > base.max_length:
        raise InputError(
            f"a prompt of {longest} tokens does not fit the model's context of {base.max_length}",
            "Shorten the codebook's wording, drop items, or take fewer few-shot examples; a prompt is never cut.",
        )


def _common_prefix(contexts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Return what all contexts begin with, leaving each at least one token of its own."""
    first, last = min(contexts), max(contexts)
    limit = min(map(len, contexts)) - 1
    length = 0
    while length < limit and first[length] == last[length]:
        length += 1
    return first[:length] if length >= MIN_PREFIX and len(contexts) > 1 else ()


def _read_prefix(
    base: Base,
    cohort: Cohort | None,
    prompts: Sequence[Prompt],
    members: Sequence[int],
    prefix: tuple[int, ...],
) -> tuple[dict[int, int], DynamicCache] | None:
    """Read the common beginning once for each adapter; return the cache and each adapter's row in it."""
    if not prefix:
        return None
    adapters = sorted({prompts[index].adapter for index in members})
    _set_layout(cohort, adapters)
    cache = DynamicCache(config=base.model.config)
    ids = torch.tensor([prefix] * len(adapters), device=base.device)
    base.decoder(input_ids=ids, past_key_values=cache, use_cache=True)
    return {adapter: row for row, adapter in enumerate(adapters)}, cache


def _batches(
    prompts: Sequence[Prompt], members: Sequence[int], n_read: int, tokens_per_batch: int
) -> list[list[int]]:
    """Cut into batches of prompts of similar length, each sorted by adapter so that its rows lie together."""
    order = sorted(
        members, key=lambda index: (len(prompts[index].context_ids), prompts[index].context_ids, index)
    )
    batches: list[list[int]] = [[]]
    for index in order:
        width = len(prompts[index].context_ids) + n_read
        if batches[-1] and width * (len(batches[-1]) + 1) > tokens_per_batch:
            batches.append([])
        batches[-1].append(index)
    return [sorted(batch, key=lambda index: (prompts[index].adapter, index)) for batch in batches if batch]


def _set_layout(cohort: Cohort | None, adapters: Sequence[int]) -> None:
    """Tell the cohort which rows belong to which adapter; ``adapters`` is sorted."""
    if cohort is None:
        if any(adapter != BASE_ONLY for adapter in adapters):
            raise ValueError("prompts name adapters, but no cohort is attached")
        return
    slices: list[Slice] = []
    for row, adapter in enumerate(adapters):
        if slices and slices[-1].adapter == adapter:
            slices[-1] = Slice(adapter, slices[-1].start, row + 1)
        else:
            slices.append(Slice(adapter, row, row + 1))
    cohort.layout.slices = slices
    cohort.layout.dropout = False


def _score_within_memory(
    score: Callable[[Sequence[Prompt]], list[np.ndarray]], prompts: Sequence[Prompt]
) -> list[np.ndarray]:
    """Score a batch, or its halves where a CUDA device has no memory for the whole."""
    try:
        return score(prompts)
    except torch.cuda.OutOfMemoryError:
        if len(prompts) == 1:
            raise
    # Only here the error is gone, and with it what it held in memory.
    release_memory()
    logger.warning("out of memory with %d prompts: half of them at once", len(prompts))
    middle = len(prompts) // 2
    return [*_score_within_memory(score, prompts[:middle]), *_score_within_memory(score, prompts[middle:])]


def _score_batch(
    base: Base,
    cohort: Cohort | None,
    trie: OptionTrie,
    n_prefix: int,
    prefix: tuple[dict[int, int], DynamicCache] | None,
    readout: Readout,
    prompts: Sequence[Prompt],
) -> list[np.ndarray]:
    device = base.device
    contexts = [prompt.context_ids[n_prefix:] for prompt in prompts]
    lengths = torch.tensor([len(context) for context in contexts])
    width, n_read = int(lengths.max()), len(trie.read_tokens)
    ids = torch.zeros(len(prompts), width + n_read, dtype=torch.long)
    positions = torch.arange(width + n_read).repeat(len(prompts), 1)
    for row, context in enumerate(contexts):
        ids[row, : len(context)] = torch.tensor(context)
        ids[row, width:] = torch.tensor(trie.read_tokens, dtype=torch.long)
        positions[row, width:] = len(context) + torch.tensor(trie.read_depths, dtype=torch.long)
    _set_layout(cohort, [prompt.adapter for prompt in prompts])
    # State -1 is the last token of the context, state j the j-th read token.
    states = torch.cat(
        [lengths[:, None] - 1, torch.arange(width, width + n_read).repeat(len(prompts), 1)], dim=1
    ).to(device)
    with last_layer_at(base, states):
        hidden = base.decoder(
            input_ids=ids.to(device),
            position_ids=(positions + n_prefix).to(device),
            # Without tokens behind the contexts the plain causal mask is exact, and the fast kernels can be used.
            attention_mask=_mask(lengths, width, n_prefix, trie).to(device) if n_read else None,
            past_key_values=_rows_of(prefix, prompts, base),
            use_cache=prefix is not None,
        ).last_hidden_state
    picked = hidden.gather(1, states[..., None].expand(-1, -1, hidden.shape[-1]))
    return _read_paths(base, picked, trie, readout)


def _mask(lengths: torch.Tensor, width: int, n_prefix: int, trie: OptionTrie) -> torch.Tensor:
    """Return who sees whom, True where it does, shape (rows, 1, width + read, prefix + width + read).

    Context tokens see what is before them; a read node sees the prefix, its own row's context, its ancestors and itself.
    """
    n_read = len(trie.read_tokens)
    mask = torch.zeros(len(lengths), 1, width + n_read, n_prefix + width + n_read, dtype=torch.bool)
    mask[..., :n_prefix] = True
    mask[:, :, :width, n_prefix : n_prefix + width] = torch.ones(width, width, dtype=torch.bool).tril()
    own_context = torch.arange(width)[None] < lengths[:, None]
    mask[:, :, width:, n_prefix : n_prefix + width] = own_context[:, None, None]
    for node in range(n_read):
        for ancestor in trie.ancestors(node):
            mask[:, :, width + node, n_prefix + width + ancestor] = True
    return mask


def _rows_of(
    prefix: tuple[dict[int, int], DynamicCache] | None, prompts: Sequence[Prompt], base: Base
) -> DynamicCache | None:
    """Return a cache that holds, for each prompt, the prefix as its adapter read it."""
    if prefix is None:
        return None
    rows, cache = prefix
    index = torch.tensor([rows[prompt.adapter] for prompt in prompts], device=base.device)
    copy = DynamicCache(config=base.model.config)
    for number, layer in enumerate(cache.layers):
        copy.update(layer.keys[index], layer.values[index], number)
    return copy


def _read_paths(base: Base, picked: torch.Tensor, trie: OptionTrie, readout: Readout) -> list[np.ndarray]:
    """Return the options' scores from the hidden states, shape (rows, 1 + read, hidden), of the trie's states."""
    n_rows = max(1, MAX_LOGITS // (picked.shape[1] * base.model.config.vocab_size))
    scores = torch.cat([readout(base.logits(piece), trie) for piece in picked.split(n_rows)])
    return list(scores.double().cpu().numpy())


def normalize(
    loglikelihoods: np.ndarray,
    normalization: str,
    *,
    n_tokens: Sequence[int],
    n_bytes: Sequence[int],
    unconditional: np.ndarray | None = None,
) -> np.ndarray:
    """Turn options' loglikelihoods into probabilities that sum to 1.

    Parameters
    ----------
    loglikelihoods
        Shape (options,).
    normalization
        'none': as they are. 'token', 'byte': divided by the option's length, which takes the penalty from long options
        (lm-evaluation-harness' acc_norm). 'pmi': minus the loglikelihood without the respondent (Holtzman et al. 2021, eq. 2), which
        takes the word's own frequency out.
    n_tokens, n_bytes
        Lengths of each option.
    unconditional
        Loglikelihoods after a context without the respondent; for 'pmi'.
    """
    scores = np.asarray(loglikelihoods, dtype=float)
    if normalization == "token":
        scores = scores / np.asarray(n_tokens)
    elif normalization == "byte":
        scores = scores / np.asarray(n_bytes)
    elif normalization == "pmi":
        if unconditional is None:
            raise ValueError("pmi needs the unconditional loglikelihoods")
        scores = scores - unconditional
    elif normalization != "none":
        raise ValueError(f"unknown normalization '{normalization}'")
    shifted = np.exp(scores - scores.max())
    probabilities: np.ndarray = shifted / shifted.sum()
    return probabilities


def option_mass(loglikelihoods: np.ndarray) -> float:
    """Return the probability that the model answers with any of the options."""
    return min(1.0, math.fsum(np.exp(loglikelihoods)))
