"""The `endpoints` section of the config: models that run elsewhere and are asked over OpenAI's API."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.strict import Strict


class Endpoint(Strict):
    """A model behind an OpenAI-compatible server: vLLM, llama-cpp-python, or a vendor."""

    url: str = Field(pattern="^https?://[^@]+$")
    """Base URL of the API, e.g. http://localhost:8000/v1."""
    model: str
    """The model's name on the server, e.g. meta-llama/Llama-3.1-8B."""
    api: Literal["completions", "chat"] = "completions"
    """completions: running text, for base models. chat: turns; `reads` must then be prompt-logprobs or top."""
    reads: Literal["prompt", "prompt-logprobs", "top"] = "prompt"
    """prompt: exact scores of whole options, where the server accepts `echo` with `logprobs`. prompt-logprobs: the same where it
    accepts `prompt_logprobs`, as vLLM does, also with api: chat. top: only the most likely first tokens; options that are not shown
    are flagged."""
    top_logprobs: int = Field(20, gt=0)
    """Number of first tokens that the server shows, for `reads: top`."""
    key_variable: str | None = None
    """Environment variable that holds the API key; the key itself never belongs in a config. null: the server needs none."""
    at_once: int = Field(4, gt=0)
    """Most requests in flight at a time."""
    requests_per_minute: float | None = Field(None, gt=0)
    """The server's rate limit. null: no limit."""
    max_retries: int = Field(6, ge=0)
    """Retries of a request that fails with 429 or 5xx, each after a longer pause."""
    timeout_seconds: float = Field(60, gt=0)
    """Seconds after which a request counts as failed."""

    @model_validator(mode="after")
    def _chat_shows_no_prompt(self) -> Self:
        if self.api == "chat" and self.reads == "prompt":
            raise ValueError(
                "a chat API has no `echo`: set reads: prompt-logprobs for vLLM, reads: top for others, or api: completions"
            )
        return self
