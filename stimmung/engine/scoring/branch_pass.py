"""Options read as a transformer without any shortcut reads them: a row for each branch of the trie, nothing shared between rows.

For models whose layers do not see all tokens before them, or see them as a state that is passed on from token to token.
"""

from collections.abc import Sequence

import torch

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.last_layer import last_layer_at
from stimmung.engine.cohort.lora import Cohort
from stimmung.engine.scoring.prompt_batches import Prompt, set_layout
from stimmung.text.trie import ROOT, OptionTrie


def branches(trie: OptionTrie) -> list[list[int]]:
    """Return the read nodes from the context to each leaf of the trie; one empty branch if no option has two tokens."""
    inner = set(trie.read_parents)
    leaves = [node for node in range(len(trie.read_tokens)) if node not in inner]
    return [trie.ancestors(leaf)[::-1] for leaf in leaves] or [[]]


def read_branches(
    base: Base, cohort: Cohort | None, trie: OptionTrie, prompts: Sequence[Prompt]
) -> torch.Tensor:
    """Return the hidden states of the trie's states, shape (prompts, 1 + read nodes, hidden), from one row for each branch.

    Rows are padded on the right, where causal layers do not look, with a token of the texts: another's embedding may be NaN.
    """
    lines = branches(trie)
    tails = [tuple(trie.read_tokens[node] for node in line) for line in lines]
    texts = [prompt.context_ids + tail for prompt in prompts for tail in tails]
    ids = torch.full((len(texts), max(map(len, texts))), texts[0][0])
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
    set_layout(cohort, [prompt.adapter for prompt in prompts for _ in lines])
    begins = torch.tensor([len(prompt.context_ids) - 1 for prompt in prompts for _ in lines])
    places = begins[:, None] + torch.arange(1 + max(map(len, lines)))
    with last_layer_at(base, places.to(base.device)):
        hidden = base.decoder(input_ids=ids.to(base.device), use_cache=False).last_hidden_state
    index = places.clamp(max=ids.shape[1] - 1).to(base.device)
    picked = hidden.gather(1, index[..., None].expand(-1, -1, hidden.shape[-1]))
    # The context's own state is in every branch, at depth 0; a read node in those that pass through it.
    found = {ROOT: (0, 0)} | {
        node: (number, depth) for number, line in enumerate(lines) for depth, node in enumerate(line, 1)
    }
    where = torch.tensor([found[state] for state in range(ROOT, len(trie.read_tokens))], device=base.device)
    return picked.view(len(prompts), len(lines), *picked.shape[1:])[:, where[:, 0], where[:, 1]]
