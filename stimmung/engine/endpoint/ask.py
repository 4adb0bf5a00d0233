"""Answer options scored by a model behind an OpenAI-compatible server: vLLM, llama-cpp-python, or a vendor.

A server that returns the log-probabilities of its prompt, or of tokens that it is asked for, scores exactly the options that it is
given. One that returns only the most likely first tokens does not show every option; what it did not show is counted and
bounded, never taken for 0.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from stimmung.engine.endpoint.answer_cache import AnswerCache
from stimmung.engine.endpoint.client import Pace, connect, told_plainly
from stimmung.engine.endpoint.logprobs import Answered, Question, read_prompt, read_prompt_logprobs, read_top
from stimmung.engine.endpoint.token_ids import TokenQuestion, read_token_ids
from stimmung.vocabulary.endpoint import Endpoint

logger = logging.getLogger(__name__)
_READ: dict[str, Callable[..., Answered]] = {
    "prompt": read_prompt,
    "prompt-logprobs": read_prompt_logprobs,
    "token-ids": read_token_ids,
    "top": read_top,
}


def ask(
    endpoint: Endpoint, questions: Sequence[Question | TokenQuestion], cache: AnswerCache
) -> list[Answered]:
    """Return what the server says of each question; equal ones are asked once, and those in the cache are not asked again.

    Raises an InputError if no server answers, it refuses the key or the model, it still fails after all retries, or its answers
    cannot be read.
    """
    keys = [cache.key(endpoint.url, endpoint.model, endpoint.api, endpoint.reads, endpoint.top_logprobs, one.prompt, one.answers)
            for one in questions]  # fmt: skip
    wanted = {key: one for key, one in zip(keys, questions, strict=True) if cache.get(key) is None}
    logger.info("%d questions, %d of them new", len(questions), len(wanted))
    if wanted:
        _ask_all(endpoint, wanted, cache)
    return [Answered(**cache.known(key)) for key in keys]


def _ask_all(endpoint: Endpoint, wanted: dict[str, Any], cache: AnswerCache) -> None:
    pace, read = Pace(endpoint.requests_per_minute), _READ[endpoint.reads]
    with told_plainly(endpoint), ThreadPoolExecutor(endpoint.at_once) as pool:
        client = connect(endpoint)
        if endpoint.reads == "token-ids":
            # Tokens are numbers, which say nothing about whose they are: the first question shows it before others are asked.
            key, first = wanted.popitem()
            cache.put(key, read(client, endpoint, first, pace, compares_words=True).__dict__)
        running = {
            pool.submit(read, client, endpoint, question, pace): key for key, question in wanted.items()
        }
        try:
            for done in as_completed(running):
                # Kept at once and by this thread alone: a kill costs what was under way, no more.
                cache.put(running[done], done.result().__dict__)
        except BaseException:  # also a signal: the questions that wait are not asked any more
            pool.shutdown(wait=False, cancel_futures=True)
            raise
