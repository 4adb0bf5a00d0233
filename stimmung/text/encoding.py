"""From text to tokens, with the border between context and continuation found, never assumed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from stimmung.vocabulary.errors import InputError

_HINT = "End the codebook's question with a colon, so that the answer begins a word of its own."


class Encoded(NamedTuple):
    """A context and what may follow it, in tokens."""

    context_ids: tuple[int, ...]
    continuation_ids: tuple[tuple[int, ...], ...]


def encode(
    tokenizer: Any, context: str, continuations: Sequence[str], add_special_tokens: bool = True
) -> Encoded:
    """Tokenise ``context + continuation`` whole, for each continuation, and split at the context.

    A tokenizer may write the border differently when it sees both sides, so the two are never tokenised apart: the token
    offsets of the whole string say which tokens belong to the continuation (Gao et al., lm-evaluation-harness, ``_encode_pair``).

    The tokenizer is a fast Hugging Face one. A space at the end of the context belongs to the continuation, which has one space
    even if both have one. ``add_special_tokens`` is False for text of a chat template, which has its own; with True, a special
    token's name in the text is text like any other. Raises an InputError if a token spans the border, if the context's tokens
    depend on the continuation, or if a continuation has no token.
    """
    # Trailing spaces of the context would be tokens that no text of a corpus has before a word.
    stripped = context.rstrip(" ")
    spaces = context[len(stripped) :]
    texts = [stripped + ("" if one.startswith(" ") else spaces) + one for one in continuations]
    special = {"add_special_tokens": add_special_tokens, "split_special_tokens": add_special_tokens}
    encodings = tokenizer(texts, **special, return_offsets_mapping=True)
    heads, tails = [], []
    tokens = zip(encodings["input_ids"], encodings["offset_mapping"], continuations, strict=True)
    for ids, offsets, continuation in tokens:
        border = _border(offsets, len(stripped), continuation)
        heads.append(tuple(ids[:border]))
        tails.append(tuple(ids[border : len(ids) - _appended_specials(offsets[border:])]))
        if not tails[-1]:
            raise InputError(f"the tokenizer has no token for '{continuation}'")
        if heads[-1] != heads[0]:
            raise InputError(
                f"the tokens before '{continuation}' differ from those before '{continuations[0]}'", _HINT
            )
    return Encoded(heads[0], tuple(tails))


def _border(offsets: Sequence[tuple[int, int]], length: int, continuation: str) -> int:
    """Return the index of the first token of the continuation."""
    for index, (start, stop) in enumerate(offsets):
        # Some tokenizers place a token of a lone space behind the space, without length.
        if stop > length:
            if start >= length:
                return index
            raise InputError(
                f"one token spans the end of the prompt and the beginning of '{continuation}'", _HINT
            )
    return len(offsets)


def _appended_specials(offsets: Sequence[tuple[int, int]]) -> int:
    """Return how many tokens without text stand at the end, such as an end-of-text token that a tokenizer appends."""
    return next((nth for nth, (start, stop) in enumerate(reversed(offsets)) if stop > start), len(offsets))
