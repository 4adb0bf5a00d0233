"""All options of a prompt in one row: their tokens as a trie after the context, each branch seeing the context and itself only.

What all prompts begin with is read once for each adapter, and its keys and values are shared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import DynamicCache

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.last_layer import last_layer_at
from stimmung.engine.cohort.lora import Cohort
from stimmung.engine.scoring.prompt_batches import Prompt, n_common, set_layout
from stimmung.text.trie import OptionTrie

# Shorter common beginnings are read again with each prompt: a cache of them would save nothing.
MIN_PREFIX = 4


@dataclass(frozen=True)
class Prefix:
    """What all prompts begin with, as each adapter has read it: ``rows`` says in which row of the cache."""

    length: int = 0
    rows: dict[int, int] | None = None
    cache: DynamicCache | None = None

    def of(self, prompts: Sequence[Prompt], base: Base) -> DynamicCache | None:
        """Return a cache that holds, for each prompt, the prefix as its adapter read it; None if there is no prefix."""
        if self.cache is None or self.rows is None:
            return None
        index = torch.tensor([self.rows[prompt.adapter] for prompt in prompts], device=base.device)
        copy = DynamicCache(config=base.model.config)
        for number, layer in enumerate(self.cache.layers):
            copy.update(layer.keys[index], layer.values[index], number)
        return copy


def read_prefix(base: Base, cohort: Cohort | None, prompts: Sequence[Prompt]) -> Prefix:
    """Read the common beginning of all contexts once for each adapter, leaving each context at least one token of its own."""
    prefix = list(prompts[0].context_ids[: n_common(prompts)])
    if len(prefix) < MIN_PREFIX or len(prompts) == 1:
        return Prefix()
    adapters = sorted({prompt.adapter for prompt in prompts})
    set_layout(cohort, adapters)
    cache = DynamicCache(config=base.model.config)
    ids = torch.tensor([prefix] * len(adapters), device=base.device)
    base.decoder(input_ids=ids, past_key_values=cache, use_cache=True)
    return Prefix(len(prefix), {adapter: row for row, adapter in enumerate(adapters)}, cache)


def read_trie(
    base: Base, cohort: Cohort | None, trie: OptionTrie, prefix: Prefix, prompts: Sequence[Prompt]
) -> torch.Tensor:
    """Return the hidden states of the trie's states, shape (prompts, 1 + read nodes, hidden), from one row for each prompt."""
    device = base.device
    contexts = [prompt.context_ids[prefix.length :] for prompt in prompts]
    lengths = torch.tensor([len(context) for context in contexts])
    width, n_read = int(lengths.max()), len(trie.read_tokens)
    # Padded with a token of the texts: the embedding of another, such as one made for padding, may be NaN.
    ids = torch.full((len(prompts), width + n_read), contexts[0][0])
    positions = torch.arange(width + n_read).repeat(len(prompts), 1)
    for row, context in enumerate(contexts):
        ids[row, : len(context)] = torch.tensor(context)
        ids[row, width:] = torch.tensor(trie.read_tokens, dtype=torch.long)
        positions[row, width:] = len(context) + torch.tensor(trie.read_depths, dtype=torch.long)
    set_layout(cohort, [prompt.adapter for prompt in prompts])
    # State -1 is the last token of the context, state j the j-th read token.
    states = torch.cat(
        [lengths[:, None] - 1, torch.arange(width, width + n_read).repeat(len(prompts), 1)], dim=1
    ).to(device)
    with last_layer_at(base, states):
        hidden = base.decoder(
            input_ids=ids.to(device),
            position_ids=(positions + prefix.length).to(device),
            # Without tokens after the contexts the plain causal mask is exact, and the fast kernels can be used.
            attention_mask=_mask(lengths, width, prefix.length, trie).to(device) if n_read else None,
            past_key_values=prefix.of(prompts, base),
            use_cache=prefix.length > 0,
        ).last_hidden_state
    picked: torch.Tensor = hidden.gather(1, states[..., None].expand(-1, -1, hidden.shape[-1]))
    return picked


def _mask(lengths: torch.Tensor, width: int, n_prefix: int, trie: OptionTrie) -> torch.Tensor:
    """Return which token sees which, shape (rows, 1, width + read, prefix + width + read), True where it does.

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
