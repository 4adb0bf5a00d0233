"""A server as the config names it, and how one talks to it: with a key, at its pace, and with errors in plain words."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import openai
from openai import OpenAI

from stimmung.vocabulary.endpoint import Endpoint
from stimmung.vocabulary.errors import InputError

# With OPENAI_LOG=debug these would write requests, and with them respondents' answers, into the log.
for _talkative in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)


# What a server may not know of a request that it refuses, by `reads`.
_REFUSED = {
    "prompt": "It may not know `echo` with `logprobs`, or read no prompt so long. Answers are kept.",
    "prompt-logprobs": "It may not know `prompt_logprobs`, or read no prompt so long. Answers are kept.",
    "token-ids": "It may not know `logprob_token_ids` (vLLM from 0.26 does), have fewer tokens than `tokenizer`, or read no prompt so "
    "long. Answers are kept.",
    "top": "It may not show so many `top_logprobs`, or read no prompt so long. Answers are kept.",
}


def connect(endpoint: Endpoint) -> OpenAI:
    """Return a client of a server that is there and takes the key.

    Raises an InputError if the environment has no key, else the client's own errors; ``told_plainly`` puts them in words.
    """
    client = OpenAI(
        base_url=endpoint.url,
        api_key=_key(endpoint),
        max_retries=endpoint.max_retries,
        timeout=endpoint.timeout_seconds,
    )
    try:
        client.with_options(max_retries=0).models.list()
    except (openai.APIConnectionError, openai.AuthenticationError, openai.PermissionDeniedError):
        raise
    except (openai.OpenAIError, AttributeError):
        # A server without a list of models, one that fails now and then, or a web page, over which the client stumbles.
        pass
    return client


def _key(endpoint: Endpoint) -> str:
    if endpoint.key_variable is None:
        return "none"  # the client wants one, and a server without keys ignores it
    key = os.environ.get(endpoint.key_variable)
    if not key:
        raise InputError(
            f"the endpoint {endpoint.url} needs a key, and the environment variable {endpoint.key_variable} is not set",
            f"export {endpoint.key_variable}=… before you run snakemake; a key in a config would end up in its reports.",
        )
    return key


@contextmanager
def told_plainly(endpoint: Endpoint) -> Iterator[None]:
    """Turn the client's errors into one line. The server's own words are left out: many repeat the request in them."""
    where = f"the endpoint {endpoint.url}"
    try:
        yield
        return
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        what = f"{where} refuses the key (HTTP {error.status_code})"
        source = f"The key comes from the environment variable {endpoint.key_variable}."
        hint = source if endpoint.key_variable else "Name an environment variable in `key_variable`."
    except openai.NotFoundError:
        what = f"{where} knows no model '{endpoint.model}' for its {endpoint.route} API (HTTP 404)"
        hint = "Its list of models is at /models; `url` usually ends in /v1."
    except openai.APITimeoutError:
        what = f"{where} does not answer within {endpoint.timeout_seconds:g} seconds"
        hint = "Lower `at_once` or raise `timeout_seconds`. Answers that came are kept."
    except openai.APIConnectionError as error:
        what = f"no server answers at {endpoint.url} ({type(error.__cause__ or error).__name__})"
        hint = "Start it, or correct `url`. Answers that came are kept."
    except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
        what = f"{where} refuses the request (HTTP {error.status_code})"
        hint = _REFUSED[endpoint.reads]
    except openai.APIStatusError as error:
        what = f"{where} answers HTTP {error.status_code} after {endpoint.max_retries} retries"
        hint = "429: lower `requests_per_minute` or `at_once`. Answers that came are kept."
    except openai.APIError:
        what = f"{where} answers what is none of OpenAI's API"
        hint = "`url` usually ends in /v1."
    raise InputError(what, hint) from None


class Pace:
    """Lets requests through one by one, no more in a minute than allowed."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60 / per_minute if per_minute else 0.0
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Sleep until the next request may go; safe to call from several threads."""
        with self._lock:
            start = max(self._next, time.monotonic())
            self._next = start + self._gap
        time.sleep(max(0.0, start - time.monotonic()))
