"""What a server says of one question: the log-probability of every answer that it shows, and a bound for what it hides."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from openai import OpenAI

from stimmung.engine.endpoint.client import Pace
from stimmung.text.chat import TEMPLATE_DATE
from stimmung.text.prompts import Message
from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError

# OpenAI and vLLM write this for a probability that they do not give, or that is 0 after rounding: JSON knows no infinity.
NOT_GIVEN = -9999.0
# How far a server's rounding may take a probability, or a sum of some, above 1: a choice, far below what logits would give.
ROUNDING = 1e-3

# What rounding in float32 may hide of 1 in a sum of some twenty probabilities: less than this is never known to be left.
FLOAT32_SUM = 1e-6


@dataclass(frozen=True)
class Question:
    """A prompt and the answers that may follow it: running text, or turns for a chat API."""

    prompt: str | tuple[Message, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Answered:
    """What a server said of one question."""

    loglikelihoods: list[float]  # of each answer; an upper bound (see ``first_tokens``) of one that is unseen
    n_tokens: list[int]  # of each answer; 1 where only the first token was read
    unseen: list[bool]  # whether the server did not show an answer
    n_prompt: int | None  # tokens of the prompt, as the server counts them; None if it does not say

    @property
    def seen_mass(self) -> float:
        """The probability of the answers that were shown: a lower bound of that of all."""
        shown = [score for score, hidden in zip(self.loglikelihoods, self.unseen, strict=True) if not hidden]
        return min(1.0, math.fsum(math.exp(score) for score in shown))


def read_prompt(client: OpenAI, endpoint: Endpoint, question: Question, pace: Pace) -> Answered:
    """Score every answer exactly: the server reads prompt and answer and returns how likely each token was.

    Raises an InputError if the server does not return log-probabilities, or an answer does not begin with a token of its own, and
    the client's own errors, which ``told_plainly`` puts in words.
    """
    prompt = str(question.prompt)
    tokens, _, n_prompt = _echoed(client, endpoint, prompt, pace)
    n_shown = _tokens_of(prompt, tokens, n_prompt)
    if n_shown is None:
        raise _no_prompt_logprobs(endpoint)
    head = tokens[:n_shown]
    scores, lengths = [], []
    for answer in question.answers:
        tokens, logprobs, n_whole = _echoed(client, endpoint, prompt + answer, pace)
        length = n_whole - n_prompt
        tail = logprobs[n_shown : n_shown + length]
        if tokens[:n_shown] != head or length < 1:
            raise _split_differently(endpoint, answer)
        if len(tail) < length:
            raise _no_prompt_logprobs(endpoint)
        scores.append(math.fsum(as_logprob(endpoint, value) for value in tail))
        lengths.append(length)
    return Answered(scores, lengths, [False] * len(scores), n_prompt)


def _tokens_of(prompt: str, tokens: Sequence[str], n_prompt: int) -> int | None:
    """Return how many of the tokens shown are the prompt's, or None if they are not those of the prompt.

    A token that begins the text is counted by all servers, but some do not show it; and the one token that is generated
    is shown by some, and by others not always. So the words decide. Blanks and letters that are no ASCII are left out of
    the comparison: where a token holds a part of one, servers write it in different ways.
    """
    wanted = _plain(prompt)
    fits = [
        shown
        for shown, skipped in ((n_prompt - 1, 0), (n_prompt, 0), (n_prompt, 1))
        if _plain("".join(tokens[skipped:shown])) == wanted
    ]
    # The prompt ends in a word or a colon, so of two that fit, the longer ends in a generated blank.
    return min(fits, default=None)


def _plain(text: str) -> str:
    return "".join(re.findall(r"[!-~]", re.sub(r"bytes:(\\x[0-9a-f]{2})+", "", text)))


def _echoed(
    client: OpenAI, endpoint: Endpoint, text: str, pace: Pace
) -> tuple[list[str], list[float | None], int]:
    """Return the tokens and log-probabilities that the server shows of a text, and how many tokens it says it has."""
    answer = ask_for_one_token(client, endpoint, text, pace, echo=True, logprobs=1)
    said = getattr(first_choice(answer), "logprobs", None)
    if said is None or not said.tokens or not said.token_logprobs or answer.usage is None:
        raise _no_prompt_logprobs(endpoint)
    return list(said.tokens), list(said.token_logprobs), int(answer.usage.prompt_tokens)


def ask_for_one_token(
    client: OpenAI,
    endpoint: Endpoint,
    prompt: str | Sequence[Message] | Sequence[int],
    pace: Pace,
    **options: Any,
) -> Any:
    """Ask for one token, because some servers do not take 0; who reads the prompt leaves it out."""
    pace.wait()
    options |= {"model": endpoint.model, "max_tokens": 1, "temperature": 0}
    said: Any = prompt if isinstance(prompt, str) else list(prompt)
    if endpoint.route == "completions":
        return client.completions.create(prompt=said, **options)
    return client.chat.completions.create(messages=said, **options)


def first_choice(answer: Any) -> Any:
    """Return the one choice asked for; None where the answer is a web page, which the client hands on as text."""
    choices = getattr(answer, "choices", None)
    return choices[0] if choices else None


def read_prompt_logprobs(client: OpenAI, endpoint: Endpoint, question: Question, pace: Pace) -> Answered:
    """Score every answer exactly by vLLM's `prompt_logprobs`, which its chat API has as well; errors as of ``read_prompt``."""
    head = _prompt_tokens(client, endpoint, question.prompt, "", pace)
    scores, lengths = [], []
    for answer in question.answers:
        whole = _prompt_tokens(client, endpoint, question.prompt, answer, pace)
        tail = whole[len(head) :]
        if [token for token, _ in whole[: len(head)]] != [token for token, _ in head] or not tail:
            raise _split_differently(endpoint, answer)
        scores.append(math.fsum(as_logprob(endpoint, value) for _, value in tail))
        lengths.append(len(tail))
    return Answered(scores, lengths, [False] * len(scores), len(head))


def _prompt_tokens(
    client: OpenAI, endpoint: Endpoint, prompt: str | tuple[Message, ...], answer: str, pace: Pace
) -> list[tuple[str, Any]]:
    """Return the tokens of a prompt with an answer behind it, by their numbers, and how likely each is after those before it.

    What a server says of a token may be no log-probability; see ``as_logprob``.
    """
    more: dict[str, Any] = {"prompt_logprobs": 0}  # of the prompt's own tokens, and of no other
    if isinstance(prompt, str):
        said = first_choice(ask_for_one_token(client, endpoint, prompt + answer, pace, extra_body=more))
    else:
        turns = list(prompt)
        if answer:
            turns.append(Message(role="assistant", content=answer))
            more |= {"add_generation_prompt": False, "continue_final_message": True}
        # As the local engine has it: the prompt is the same on every day.
        more["chat_template_kwargs"] = {"date_string": TEMPLATE_DATE.strftime("%d %b %Y")}
        said = ask_for_one_token(client, endpoint, turns, pace, extra_body=more)
    shown = getattr(said, "prompt_logprobs", None)
    if not shown or any(position is None or len(position) != 1 for position in shown[1:]):
        raise unreadable(
            endpoint, "`prompt_logprobs`", "vLLM does; elsewhere set `reads: prompt` or `reads: top`."
        )
    pairs = [next(iter(position.items())) for position in shown[1:]]
    # Nothing stands before the first token, so it has no probability.
    return [("", 0.0), *((str(token), one["logprob"]) for token, one in pairs)]


def read_top(client: OpenAI, endpoint: Endpoint, question: Question, pace: Pace) -> Answered:
    """Read the most likely first tokens, and bound what is not among them by ``first_tokens``; errors as of ``read_prompt``."""
    plain, most = endpoint.route == "completions", endpoint.top_logprobs
    options = {"logprobs": most} if plain else {"logprobs": True, "top_logprobs": most}
    answer = ask_for_one_token(client, endpoint, question.prompt, pace, **options)
    said = getattr(first_choice(answer), "logprobs", None)
    if plain:
        pairs = list((said.top_logprobs[0] or {}).items()) if said is not None and said.top_logprobs else []
    else:
        content = said.content if said is not None else None
        pairs = [(one.token, one.logprob) for one in content[0].top_logprobs] if content else []
    shown: dict[str, list[float]] = {}
    # A server may write several tokens alike, and may name one twice.
    for token, logprob in dict.fromkeys(pairs):
        if is_given(logprob):
            shown.setdefault(token, []).append(logprob)
    if not shown:
        raise unreadable(endpoint, "log-probabilities", "Its model or its settings may not allow them.")
    top = {token: _log_of_sum(logprobs) for token, logprobs in shown.items()}
    check_probabilities(endpoint, top.values())
    return first_tokens(
        top, question.answers, None if answer.usage is None else int(answer.usage.prompt_tokens)
    )


def first_tokens(top: dict[str, float], answers: Sequence[str], n_prompt: int | None = None) -> Answered:
    """Read answers from the most likely first tokens, as study A read GPT-4o, without its silent zeros.

    A token counts for the one answer that begins with it, whether or not a space stands before it. An answer without a
    token of its own is unseen. It gets the largest probability that all such answers can have alike: that of the least
    likely token shown, or an equal part of what all shown tokens leave, whichever is smaller; and an equal part of every
    token that begins it and others too. ``top`` has tokens and their log-probabilities, ``n_prompt`` is the prompt's length.
    """
    words = [answer.strip() for answer in answers]
    own: list[list[float]] = [[] for _ in words]
    shared = [0.0] * len(words)
    for token, logprob in top.items():
        begun = [
            place for place, word in enumerate(words) if token.strip() and word.startswith(token.strip())
        ]
        for place in begun:
            if len(begun) == 1:
                own[place].append(logprob)
            else:
                shared[place] += math.exp(logprob) / len(begun)
    unseen = [not logprobs for logprobs in own]
    left = max(FLOAT32_SUM, 1 - math.fsum(math.exp(logprob) for logprob in top.values()))
    # The least likely token shown may be too unlikely for a float; a probability of 0 would be a claim that nobody made.
    most = max(min(math.exp(min(top.values())), left / max(1, sum(unseen))), 1e-12)
    scores = [
        _log_of_sum(logprobs) if logprobs else math.log(most + part)
        for logprobs, part in zip(own, shared, strict=True)
    ]
    return Answered(scores, [1] * len(words), unseen, n_prompt)


def is_given(value: Any) -> bool:
    """Return whether a server's value is a log-probability, and not what some write for one that they do not give."""
    return isinstance(value, int | float) and math.isfinite(value) and NOT_GIVEN < value <= ROUNDING


def as_logprob(endpoint: Endpoint, value: Any) -> float:
    """Return a server's value for a token of an answer, as a number; raise an InputError if it is no log-probability."""
    if not is_given(value):
        raise unreadable(
            endpoint,
            "the log-probability of every token of the answers",
            "vLLM needs `--logprobs-mode raw_logprobs`, its default. Elsewhere `reads: top` counts what is not shown.",
        )
    return float(value)


def check_probabilities(endpoint: Endpoint, logprobs: Iterable[float]) -> None:
    """Raise an InputError if log-probabilities of different tokens after one text sum to more than 1, as raw logits may."""
    if (total := math.fsum(map(math.exp, logprobs))) > 1 + ROUNDING:
        raise unreadable(
            endpoint,
            f"log-probabilities: those of the tokens after one text sum to a probability of {total:.4g}",
            "vLLM needs `--logprobs-mode raw_logprobs`, its default.",
        )


def _log_of_sum(logprobs: Sequence[float]) -> float:
    most = max(logprobs)
    return most + math.log(math.fsum(math.exp(value - most) for value in logprobs))


def _split_differently(endpoint: Endpoint, answer: str) -> InputError:
    return InputError(
        f"the endpoint {endpoint.url} splits the prompt's end and the beginning of '{answer.strip()}' differently",
        "End the codebook's question with a colon, so that the answer begins a word of its own.",
    )


def _no_prompt_logprobs(endpoint: Endpoint) -> InputError:
    return unreadable(endpoint, "the log-probabilities of its prompt", "Set `reads: top`.")


def unreadable(endpoint: Endpoint, what: str, hint: str) -> InputError:
    """Return the error of a server that does not give ``what`` was asked for."""
    return InputError(
        f"the endpoint {endpoint.url} does not return {what} ({endpoint.route} API, model '{endpoint.model}')",
        hint,
    )
