"""Several prompts about one respondent in one row: their tokens as a tree, merged where the prompts begin alike.

A survey of several targets asks a respondent once for each, and most of these prompts is the same. Each token sees only what is
above it in the tree, at the position that it has in its prompt, so that scores are those of reading each prompt alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.last_layer import last_layer_at
from stimmung.engine.cohort.lora import Cohort
from stimmung.engine.scoring.prompt_batches import Prompt, n_alike, n_common, n_tokens, set_layout
from stimmung.engine.scoring.trie_pass import Prefix
from stimmung.text.trie import ROOT, build_trie

# Tokens of a row, in hidden sizes, from which on attention costs more than all else of a layer: of a layer with four times its
# hidden size in the middle, 12 h^2 products a token against 2 h for each token that it attends to.
ATTENTION_PAYS_HIDDEN_SIZES = 6


@dataclass(frozen=True)
class PromptTree:
    """The merged tokens of some prompts behind what all of them begin with, each node before the nodes below it."""

    tokens: tuple[int, ...]
    depths: tuple[int, ...]  # of each token, from 0: its place in its prompt
    ends: tuple[int, ...]  # the first node behind each one's subtree: what lies between sees it
    states: tuple[
        tuple[int, ...], ...
    ]  # of each prompt: the last node of its context, then its options' read nodes


def shared_rows(prompts: Sequence[Prompt], hidden_size: int, tokens_per_batch: int) -> list[list[int]]:
    """Return the places of prompts that are read in one row, two or more: about the same respondent, by the same adapter.

    They are put together while one row costs less than two, since attention grows with the square of a row, and while a batch holds
    it. What all prompts begin with is read once anyway, and does not count.
    """
    if all(prompt.about is None for prompt in prompts):
        return []
    n_prefix = n_common(prompts)
    asked: dict[tuple[int, str], list[int]] = {}
    for index, prompt in enumerate(prompts):
        if prompt.about is not None:
            asked.setdefault((prompt.adapter, prompt.about), []).append(index)

    def cost(tokens: int) -> float:
        return tokens * (1 + tokens / (ATTENTION_PAYS_HIDDEN_SIZES * hidden_size))

    rows: list[list[int]] = []
    for members in asked.values():
        row: list[int] = []
        size = 0
        # Of prompts in this order, each has most in common with its neighbours.
        for index in sorted(members, key=lambda index: (prompts[index].context_ids, index)):
            own, both = n_tokens(prompts[index]) - n_prefix, 0
            if row:
                shared = n_alike(prompts[row[-1]].context_ids, prompts[index].context_ids) - n_prefix
                both = size + own - shared
            if row and (both > tokens_per_batch or cost(both) > cost(size) + cost(own)):
                rows.append(row)
                row = []
            size = both if row else own
            row.append(index)
        rows.append(row)
    return [row for row in rows if len(row) > 1]


def merged(prompts: Sequence[Prompt], n_prefix: int) -> PromptTree:
    """Return the prompts as a tree, without the ``n_prefix`` tokens that all begin with."""
    tokens: list[int] = []
    depths: list[int] = []
    path: list[int] = []  # nodes of the context that was merged last
    states: dict[int, tuple[int, ...]] = {}
    before: Prompt | None = None
    for index in sorted(range(len(prompts)), key=lambda index: (prompts[index].context_ids, index)):
        prompt = prompts[index]
        del path[n_alike(before.context_ids, prompt.context_ids) - n_prefix if before else 0 :]
        for token in prompt.context_ids[n_prefix + len(path) :]:
            path.append(len(tokens))
            tokens.append(token)
            depths.append(len(path) - 1)
        trie = build_trie(prompt.option_ids)
        line_of = [tuple(trie.ancestors(node)[::-1]) for node in range(len(trie.read_tokens))]
        place_of = {ROOT: path[-1]}
        for node in sorted(range(len(line_of)), key=line_of.__getitem__):
            place_of[node] = len(tokens)
            tokens.append(trie.read_tokens[node])
            depths.append(len(path) + trie.read_depths[node])
        states[index] = tuple(place_of[node] for node in range(ROOT, len(trie.read_tokens)))
        before = prompt
    ordered = tuple(states[index] for index in range(len(prompts)))
    return PromptTree(tuple(tokens), tuple(depths), tuple(_ends(depths)), ordered)


def _ends(depths: Sequence[int]) -> list[int]:
    """Return where each node's subtree ends: at the next node that is not deeper."""
    ends = [len(depths)] * len(depths)
    above: list[int] = []
    for node, depth in enumerate(depths):
        while above and depths[above[-1]] >= depth:
            ends[above.pop()] = node
        above.append(node)
    return ends


def read_trees(
    base: Base,
    cohort: Cohort | None,
    prefix: Prefix,
    rows: Sequence[Sequence[Prompt]],
    trees: Sequence[PromptTree],
) -> list[torch.Tensor]:
    """Return, for each prompt of each row in turn, the hidden states of its trie's states, shape (1 + read nodes, hidden)."""
    width = max(len(tree.tokens) for tree in trees)
    # Padded with a token of the texts: the embedding of another, such as one made for padding, may be NaN.
    ids = torch.full((len(rows), width), trees[0].tokens[0])
    positions = torch.zeros(len(rows), width, dtype=torch.long)
    ends = torch.arange(1, width + 1).repeat(len(rows), 1)  # padding sees the prefix and itself
    for row, tree in enumerate(trees):
        n = len(tree.tokens)
        ids[row, :n] = torch.tensor(tree.tokens)
        positions[row, :n] = torch.tensor(tree.depths)
        ends[row, :n] = torch.tensor(tree.ends)
    set_layout(cohort, [row[0].adapter for row in rows])
    read = [sorted({node for states in tree.states for node in states}) for tree in trees]
    most = max(map(len, read))
    # Rows with fewer nodes to read read beyond their end.
    places = torch.tensor([nodes + list(range(width, width + most - len(nodes))) for nodes in read])
    with last_layer_at(base, places.to(base.device)):
        hidden = base.decoder(
            input_ids=ids.to(base.device),
            position_ids=(positions + prefix.length).to(base.device),
            attention_mask=_mask(ends, prefix.length).to(base.device),
            past_key_values=prefix.of([row[0] for row in rows], base),
            use_cache=prefix.length > 0,
        ).last_hidden_state
    return [
        hidden[row, torch.tensor(states, device=base.device)]
        for row, tree in enumerate(trees)
        for states in tree.states
    ]


def _mask(ends: torch.Tensor, n_prefix: int) -> torch.Tensor:
    """Return which token sees which, shape (rows, 1, width, prefix + width), True where it does: prefix, what is above, itself."""
    places = torch.arange(ends.shape[1])
    own = (places[None, :] <= places[:, None]) & (places[None, :, None] < ends[:, None, :])
    return torch.nn.functional.pad(own, (n_prefix, 0), value=True)[:, None]
