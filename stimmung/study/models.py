"""The `models` section of the config: base models."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.strict import Strict

BUILT_IN = "built-in"


class Model(Strict):
    """A base model: a hub id with a pinned revision, a local directory, or the built-in one."""

    source: str = Field(description="'built-in', a local directory, or a Hugging Face id.")
    revision: str | None = Field(
        None,
        pattern="^[0-9a-f]{40}$",
        description="The commit of a hub model, 40 hex digits. Required for one.",
    )
    quantization: Literal["nf4", "none"] = Field(
        "nf4", description="nf4: 4-bit with double quantisation, made once. none: the weights as they are."
    )
    compute_dtype: Literal["bfloat16", "float32"] = Field(
        "bfloat16",
        description="What matrix products run in. float32 for small models whose scores must be exact.",
    )
    chat: bool = Field(False, description="Whether prompts go through the tokenizer's chat template.")
    billion_parameters: float | None = Field(
        None,
        gt=0,
        description="Its size in billions of parameters, which decides the memory and time limits of its jobs (`limits`). null: taken from "
        "the source's name (…-8B) or the size of its files.",
    )
    encoder: bool = Field(
        False,
        description="Whether it is a BERT-style encoder, for the arm classifier alone. Then quantization must be none.",
    )

    @property
    def directory(self) -> str | None:
        """The local directory that it comes from, if the source can be nothing else; a hub id has one slash at most."""
        local = self.source.startswith((".", "/", "~")) or self.source.count("/") > 1
        return self.source if local and not self.source.startswith("results/") else None

    @model_validator(mode="after")
    def _encoders_keep_their_weights(self) -> Self:
        if self.encoder and (self.quantization != "none" or self.chat):
            raise ValueError("an encoder needs quantization: none and chat: false")
        return self

    @model_validator(mode="after")
    def _hub_models_are_pinned(self) -> Self:
        is_hub_id = "/" in self.source and not self.source.startswith((".", "/"))
        if (
            is_hub_id
            and self.source.count("/") == 1
            and self.revision is None
            and not self.source.startswith("results/")
        ):
            raise ValueError(
                f"'{self.source}' needs a 'revision' of 40 hex digits, or a run can never be repeated"
            )
        return self
