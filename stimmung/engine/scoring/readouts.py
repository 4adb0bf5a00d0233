"""What is read from the logits after a context: the exact loglikelihood of each option, or that of its first token.

A read-out takes the logits of a batch, float32, shape (rows, 1 + read nodes, vocabulary), state 0 being the last token of the
context, and returns a score for each option, shape (rows, options), in nats.
"""

from collections.abc import Callable

import torch

from stimmung.text.trie import ROOT, OptionTrie
from stimmung.vocabulary.errors import InputError

Readout = Callable[[torch.Tensor, OptionTrie], torch.Tensor]


def exact(logits: torch.Tensor, trie: OptionTrie) -> torch.Tensor:
    """Return the loglikelihood of all tokens of each option, with log-softmax over the whole vocabulary."""
    normalizer = logits.logsumexp(dim=-1)
    # A step that several options share is computed once.
    steps = dict.fromkeys(pair for path in trie.paths for pair in path)
    values = {
        (state, token): logits[:, state - ROOT, token] - normalizer[:, state - ROOT] for state, token in steps
    }
    columns = [torch.stack([values[pair] for pair in path]).sum(dim=0) for path in trie.paths]
    return torch.stack(columns, dim=1)


def first_token(logits: torch.Tensor, trie: OptionTrie) -> torch.Tensor:
    """Return the loglikelihood of each option's first token only (Holtdirk et al. 2025, ``model_wrappers.py``).

    Raises an InputError if two options share their first token: then this read-out cannot tell them apart.
    """
    firsts = [path[0][1] for path in trie.paths]
    if len(set(firsts)) < len(firsts):
        raise InputError(
            "two answer options share their first token, so the first-token read-out cannot tell them apart",
            "Use `readout: exact`, which reads all tokens.",
        )
    return logits[:, 0].log_softmax(dim=-1)[:, firsts]


READOUTS: dict[str, Readout] = {"exact": exact, "first-token": first_token}
