"""The `models` section of the config: base models."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.engine.base.gguf_source import PACKAGE_PREFIX, is_gguf
from stimmung.engine.base.model_files import READ
from stimmung.vocabulary.strict import Strict, UserPath

BUILT_IN = "built-in"
# What is read of a local directory. Word lists of older tokenizers are plain text.
_FILES_OF_A_MODEL = (*READ, ".txt")


class Model(Strict):
    """A base model: a Hugging Face model with a pinned revision, a local directory, or the built-in one."""

    source: UserPath
    """'built-in', a local directory, a Hugging Face id, a .gguf file, or one in an installed package: 'package:NAME/FILE.gguf'."""
    revision: str | None = Field(None, pattern="^[0-9a-f]{40}$")
    """The commit of a Hugging Face model, 40 hex digits. Required for one."""
    quantization: Literal["nf4", "none"] = "nf4"
    """nf4: 4 bits with double quantisation, made once and saved. none: the weights as they are."""
    compute_dtype: Literal["bfloat16", "float32"] = "bfloat16"
    """Precision of matrix products. bfloat16 for models of a billion parameters and more; float32 gives scores exact to 1e-6."""
    chat: bool = False
    """Whether prompts, and the questions of a panel, go through the tokenizer's chat template. Posts are always plain text."""
    billion_parameters: float | None = Field(None, gt=0)
    """The model's size, by which `limits` gives its jobs memory and time. null: taken from the source's name (…-8B) or files."""
    encoder: bool = False
    """Whether it is a BERT-style encoder, for the arm MODEL/classifier only. Needs quantization: none."""

    @property
    def local(self) -> str | None:
        """The source if it is on this machine, a directory or .gguf file. A name with one slash is a hub id, unless there is one."""
        if self.source.startswith("results/"):
            return None
        local = self.source.startswith((".", "/")) or self.source.count("/") > 1 or is_gguf(self.source)
        return self.source if local or ("/" in self.source and Path(self.source).is_dir()) else None

    @model_validator(mode="after")
    def _encoders_keep_their_weights(self) -> Self:
        if self.encoder and (self.quantization != "none" or self.chat):
            raise ValueError("an encoder needs quantization: none and chat: false")
        if self.encoder and is_gguf(self.source):
            raise ValueError("an encoder comes from a directory or the hub, not from a .gguf file")
        return self

    @model_validator(mode="after")
    def _hub_models_are_pinned(self) -> Self:
        is_hub_id = self.source.count("/") == 1 and not self.source.startswith("results/")
        if is_hub_id and self.local is None and self.revision is None:
            needed = (
                "as a Hugging Face id it needs a 'revision' of 40 hex digits, so that the run can be repeated"
            )
            raise ValueError(f"'{self.source}' is not a directory here, and {needed}")
        return self

    def files(self, prepared: Path) -> list[str]:
        """Return the files that are read of a local model, so that a change of theirs prepares the model anew; of others, none.

        If the directory is gone after its model was ``prepared`` (described in a file), one that does not exist: Snakemake then
        leaves the model as it is. Without files it would count as changed, and a job that must fail would remove what was prepared.
        """
        if self.source.startswith(PACKAGE_PREFIX):
            return []  # as of a survey that a package brings: its release is pinned, and it lies elsewhere for each user
        if is_gguf(self.source):
            return [self.source] if Path(self.source).exists() or prepared.exists() else []
        directory = Path(self.source)
        if directory.is_dir():
            return sorted(str(file) for file in directory.iterdir() if file.suffix in _FILES_OF_A_MODEL)
        return [str(directory / "config.json")] if self.local and prepared.exists() else []
