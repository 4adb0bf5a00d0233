"""Answers scored by the numbers of their tokens: vLLM's `logprob_token_ids`, a parameter of its completions API from 0.26 on.

A request that names tokens gets the log-probability of each as the next one, however unlikely. The answers' trie is walked: one
request, of one token, for each node that another token follows. The prompt is sent as tokens, so that it is the local engine's to
the token, and each request begins with what the one before it read: the server's prefix cache has it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from openai import OpenAI

from stimmung.engine.endpoint.client import Pace
from stimmung.engine.endpoint.logprobs import (
    Answered,
    as_logprob,
    ask_for_one_token,
    check_probabilities,
    first_choice,
    unreadable,
)
from stimmung.text.trie import ROOT, OptionTrie, build_trie
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError

# The most that vLLM takes in a request (MAX_LOGPROB_TOKEN_IDS in vllm/sampling_params.py).
MOST_TOKENS_NAMED = 128


@dataclass(frozen=True)
class TokenQuestion:
    """A prompt and the answers that may follow it, as tokens."""

    prompt: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]
    texts: tuple[
        str, ...
    ]  # the prompt as the tokenizer writes it, with special tokens and without: servers do either


def read_token_ids(
    client: OpenAI, endpoint: Endpoint, question: TokenQuestion, pace: Pace, compares_words: bool = False
) -> Answered:
    """Score every answer exactly, with as many requests as the answers' trie has nodes that another token follows.

    ``compares_words``: whether the first request asks for the words of the prompt's tokens as well, which must be ours. vLLM does
    without its prefix cache in such a request.

    Raises an InputError if the server does not give the log-probability of every token that it was asked for, counts other tokens
    in the prompt, or reads other words in them; and the client's own errors, which ``told_plainly`` puts in words.
    """
    trie = build_trie(question.answers)
    steps: dict[tuple[int, int], float] = {}
    for state, tokens in _following(trie).items():
        line = [] if state == ROOT else [trie.read_tokens[node] for node in reversed(trie.ancestors(state))]
        for start in range(0, len(tokens), MOST_TOKENS_NAMED):
            named = tokens[start : start + MOST_TOKENS_NAMED]
            texts = question.texts if compares_words and not steps else ()
            found = _next_tokens(client, endpoint, [*question.prompt, *line], named, pace, texts)
            steps |= {(state, token): value for token, value in zip(named, found, strict=True)}
        check_probabilities(endpoint, (steps[state, token] for token in tokens))
    scores = [math.fsum(steps[pair] for pair in path) for path in trie.paths]
    return Answered(scores, [len(path) for path in trie.paths], [False] * len(scores), len(question.prompt))


def _following(trie: OptionTrie) -> dict[int, list[int]]:
    """Return which tokens follow each state of the trie, parents before children."""
    following: dict[int, dict[int, None]] = {ROOT: {}}
    for path in trie.paths:
        for state, token in path:
            following.setdefault(state, {})[token] = None
    return {state: list(tokens) for state, tokens in sorted(following.items())}


def _next_tokens(
    client: OpenAI,
    endpoint: Endpoint,
    prompt: Sequence[int],
    named: Sequence[int],
    pace: Pace,
    texts: Sequence[str],
) -> list[float]:
    """Return the log-probability of each named token as the next one; ``texts`` are the prompt's, if its words are compared."""
    more: dict[str, object] = {"logprob_token_ids": list(named), "return_tokens_as_token_ids": True}
    if texts:
        # Only the words are wanted: without `prompt_logprobs`, vLLM would give `logprobs` of the prompt's tokens as well.
        more |= {"echo": True, "prompt_logprobs": 0}
    # vLLM wants `logprobs` beside the tokens; its server in Rust, as many as there are tokens.
    answer = ask_for_one_token(client, endpoint, prompt, pace, logprobs=len(named), extra_body=more)
    choice = first_choice(answer)
    said = getattr(choice, "logprobs", None)
    shown = (said.top_logprobs[-1] if said is not None and said.top_logprobs else None) or {}
    names = [f"token_id:{token}" for token in named]
    if not all(name in shown for name in names):
        raise unreadable(
            endpoint,
            "the log-probabilities of the tokens that it was asked for by `logprob_token_ids`",
            "vLLM does from 0.26 on; elsewhere set `reads: prompt-logprobs`, `reads: prompt` or `reads: top`.",
        )
    if answer.usage is not None and answer.usage.prompt_tokens != len(prompt):
        raise InputError(
            f"the endpoint {endpoint.url} counts {answer.usage.prompt_tokens} tokens in a prompt of {len(prompt)}",
            "It adds tokens to a prompt, or cuts it; set `reads: prompt-logprobs`, where the server splits the text.",
        )
    if texts and not _words(choice.text or "").startswith(tuple(map(_words, texts))):
        raise InputError(
            f"the endpoint {endpoint.url} reads other words in the prompt's tokens than the tokenizer {endpoint.tokenizer}",
            f"Name in `tokenizer` that of the model behind the server, '{endpoint.model}'.",
        )
    return [as_logprob(endpoint, shown[name]) for name in names]


def _words(text: str) -> str:
    return "".join(text.split())  # tokenizers differ in where they write a space
