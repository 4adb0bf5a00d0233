"""What is made of the logits behind a context: the exact loglikelihood, and the read-outs of the published systems.

The published ones are here so that a replication can show what the exact score changes. Each takes the logits of a
batch, float32, shape (rows, 1 + read nodes, vocabulary), state 0 being the last token of the context, and returns a
score for each option, shape (rows, options).
"""

from collections.abc import Callable
from functools import partial

import torch

from stimmung.text.trie import ROOT, OptionTrie
from stimmung.vocabulary.errors import InputError

Readout = Callable[[torch.Tensor, OptionTrie], torch.Tensor]


def exact(logits: torch.Tensor, trie: OptionTrie, temperature: float = 1.0) -> torch.Tensor:
    """Return the loglikelihood of all tokens of each option, with log-softmax over the whole vocabulary.

    Shape (rows, options), in nats. At another temperature than 1 it is variant 1 of Ahnert et al. 2025 (temporal-adapters,
    ``extract_answers.py``).
    """
    logits = logits / temperature
    normalizer = logits.logsumexp(dim=-1)
    return _over_paths(trie, lambda state, token: logits[:, state, token] - normalizer[:, state])


def first_token(logits: torch.Tensor, trie: OptionTrie) -> torch.Tensor:
    """Return the loglikelihood of each option's first token only (Holtdirk et al. 2025, ``model_wrappers.py``).

    Shape (rows, options), in nats.

    Raises
    ------
    InputError
        If two options share their first token: then this read-out cannot tell them apart.
    """
    firsts = [path[0][1] for path in trie.paths]
    if len(set(firsts)) < len(firsts):
        raise InputError(
            "two answer options share their first token, so the first-token read-out cannot tell them apart",
            "Use `readout: exact`, which reads all tokens.",
        )
    return logits[:, 0].log_softmax(dim=-1)[:, firsts]


def among_answers(logits: torch.Tensor, trie: OptionTrie, temperature: float = 1.0) -> torch.Tensor:
    """Return the sum, over token positions, of a log-softmax over the options' tokens at that position.

    Variant 2 of Ahnert et al. 2025, without its reference code's pad tokens: at a position that an option does not
    reach, the option takes no part. Shape (rows, options).
    """
    score = torch.zeros(len(logits), len(trie.paths), device=logits.device)
    for position in range(max(map(len, trie.paths))):
        reached = [number for number, path in enumerate(trie.paths) if position < len(path)]
        pairs = [trie.paths[number][position] for number in reached]
        values = torch.stack([logits[:, state - ROOT, token] for state, token in pairs], dim=1)
        score[:, reached] += (values / temperature).log_softmax(dim=1)
    return score


def raw_logits(logits: torch.Tensor, trie: OptionTrie) -> torch.Tensor:
    """Return the sum of each option's logits, shape (rows, options) (variant 3 of Ahnert et al. 2025)."""
    return _over_paths(trie, lambda state, token: logits[:, state, token])


def named(name: str, temperature: float = 1.0) -> Readout:
    """Return the read-out that the config calls ``name``."""
    readouts: dict[str, Readout] = {
        "exact": partial(exact, temperature=temperature),
        "first-token": first_token,
        "among-answers": partial(among_answers, temperature=temperature),
        "raw-logits": raw_logits,
    }
    return readouts[name]


def _over_paths(trie: OptionTrie, value: Callable[[int, int], torch.Tensor]) -> torch.Tensor:
    """Sum ``value(state, token)`` along each option's path; a pair that several options share is computed once."""
    wanted = {pair: value(pair[0] - ROOT, pair[1]) for path in trie.paths for pair in path}
    columns = [torch.stack([wanted[pair] for pair in path]).sum(dim=0) for path in trie.paths]
    return torch.stack(columns, dim=1)
