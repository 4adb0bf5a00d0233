"""The `endpoints` section of the config: models that run elsewhere and are asked over OpenAI's API."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.strict import Strict, UserPath


class Endpoint(Strict):
    """A model behind an OpenAI-compatible server: vLLM, llama-cpp-python, or a vendor."""

    url: str = Field(pattern="^https?://[^@]+$")
    """Base URL of the API, e.g. http://localhost:8000/v1."""
    model: str
    """The model's name on the server, e.g. meta-llama/Llama-3.1-8B."""
    api: Literal["completions", "chat"] = "completions"
    """completions: running text, for base models. chat: turns; `reads` must then be another than prompt."""
    reads: Literal["prompt", "prompt-logprobs", "token-ids", "top"] = "prompt"
    """prompt: exact scores of whole options, where the server accepts `echo` with `logprobs`. prompt-logprobs: the same where it
    accepts `prompt_logprobs`, as vLLM does, also with api: chat. token-ids: the same where it accepts `logprob_token_ids`, as vLLM
    does from 0.26: requests that find the prompt in the server's prefix cache, one of them where each option is one token; also with
    api: chat. top: only the most likely first tokens; options that are not shown are flagged."""
    tokenizer: UserPath | None = None
    """The tokenizer of the server's model, for `reads: token-ids`: a name in `models`, or a folder with tokenizer.json and
    tokenizer_config.json. With api: chat its chat template is used, and not the server's."""
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

    @model_validator(mode="after")
    def _token_ids_need_a_tokenizer(self) -> Self:
        if self.reads == "token-ids" and self.tokenizer is None:
            raise ValueError(
                "reads: token-ids needs `tokenizer`: a name in `models`, or a folder with the files of the server's model"
            )
        if self.reads != "token-ids" and self.tokenizer is not None:
            raise ValueError(
                f"`tokenizer` has no use with reads: {self.reads}, where the server splits the text"
            )
        return self

    @property
    def route(self) -> str:
        """The API that requests go to: tokens, also those of turns, can only be sent to the one for running text."""
        return "completions" if self.reads == "token-ids" else self.api
