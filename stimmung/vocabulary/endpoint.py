"""The `endpoints` section of the config: models that run elsewhere and are asked over OpenAI's API."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.strict import Strict


class Endpoint(Strict):
    """A model behind an OpenAI-compatible server: vLLM, llama-cpp-python, or a vendor."""

    url: str = Field(
        pattern="^https?://[^@]+$", description="Where its API begins, e.g. http://localhost:8000/v1."
    )
    model: str = Field(description="The model, as the server calls it.")
    api: Literal["completions", "chat"] = Field(
        "completions",
        description="completions: running text, for base models. chat: turns; then `reads` is prompt-logprobs or top.",
    )
    reads: Literal["prompt", "prompt-logprobs", "top"] = Field(
        "prompt",
        description="prompt: exact scores, from the log-probabilities of the prompt (`echo`). prompt-logprobs: the same by vLLM's own "
        "option of that name, with api: chat as well. top: first tokens of the most likely.",
    )
    top_logprobs: int = Field(
        20, gt=0, description="How many first tokens the server shows, for `reads: top`."
    )
    key_variable: str | None = Field(
        None, description="The environment variable that holds the key. None: the server needs none."
    )
    at_once: int = Field(4, gt=0, description="Requests under way at once.")
    requests_per_minute: float | None = Field(None, gt=0, description="The server's limit. None: no limit.")
    max_retries: int = Field(
        6, ge=0, description="Of a request that fails with 429 or 5xx, each after a longer pause."
    )
    timeout_seconds: float = Field(60, gt=0, description="After which a request has failed.")

    @model_validator(mode="after")
    def _chat_shows_no_prompt(self) -> Self:
        if self.api == "chat" and self.reads == "prompt":
            raise ValueError(
                "a chat API has no `echo`: set reads: prompt-logprobs for vLLM, reads: top for others, or api: completions"
            )
        return self
