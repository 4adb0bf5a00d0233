"""The `models`, `training`, `engine` and `scoring` sections of the config. Hugging Face and PEFT names where they exist."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.codebook import Strict

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
        description="Its size, to reckon memory and minutes of jobs. null: as the source's name or files say.",
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


class Training(Strict):
    """How adapters are tuned. The keys are those of PEFT's LoraConfig and of Hugging Face's TrainingArguments."""

    r: int = Field(16, gt=0, description="Rank of the adapter.")
    lora_alpha: float = Field(32, gt=0, description="Scale: alpha / r, or alpha / sqrt(r) with rsLoRA.")
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the adapter's first matrix.")
    use_rslora: bool = Field(False, description="Rank-stabilised scale (Kalajdzievski 2023).")
    bias: Literal["none", "lora_only", "all"] = Field(
        "none", description="Which biases are tuned too: none, those of the target modules, or all."
    )
    target_modules: Literal["all-linear"] | list[str] = Field(
        "all-linear", description="Which linear layers get an adapter; 'all-linear' is all but the LM head."
    )
    learning_rate: float = Field(2e-4, gt=0, description="Peak learning rate.")
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="Decay after the warm-up."
    )
    warmup_ratio: float = Field(
        0.0, ge=0, lt=1, description="Share of the steps over which the rate rises from 0."
    )
    num_train_epochs: float | None = Field(
        3, gt=0, description="Passes over the data. Exactly one of this and max_steps."
    )
    max_steps: int | None = Field(
        None, gt=0, description="Optimizer steps. Exactly one of this and num_train_epochs."
    )
    per_device_train_batch_size: int = Field(16, gt=0, description="Rows of one adapter in one forward pass.")
    gradient_accumulation_steps: int = Field(1, gt=0, description="Forward passes for one optimizer step.")
    max_grad_norm: float = Field(
        1.0, ge=0, description="Clip each adapter's gradient to this norm. 0: never."
    )
    weight_decay: float = Field(0.0, ge=0, description="AdamW's decoupled weight decay.")
    optim: Literal["adamw_torch", "paged_adamw_8bit"] = Field(
        "adamw_torch", description="paged_adamw_8bit saves memory, most of it on CUDA."
    )
    gradient_checkpointing: bool = Field(
        False, description="Recompute activations: less memory, a third more time."
    )
    block_size: int = Field(512, gt=1, description="Tokens of a block of posts. Not used for surveys.")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.num_train_epochs is None) == (self.max_steps is None):
            raise ValueError("give exactly one of num_train_epochs and max_steps (set the other to null)")
        return self


class Engine(Strict):
    """How the work is done, never what comes out of it: results agree within floating point for all values."""

    cohort: Literal["auto", "stacked", "sequential"] = Field(
        "auto",
        description="Whether the adapters of a job train at once or one after another. auto: what is faster.",
    )
    adapters_at_once: int = Field(
        8,
        gt=0,
        description="Most adapters in memory at once. A GPU without memory for so many takes half, and half again.",
    )
    adapters_per_job: int | None = Field(
        None,
        gt=0,
        description="Adapters of a survey that one job trains: all of some conditions, or all folds of some seeds of one, "
        "or some folds of one seed. null: what takes about minutes_per_job.",
    )
    weeks_per_job: int | None = Field(
        None,
        gt=0,
        description="Weeks of a panel that one job trains. null: what takes about minutes_per_job, of long weeks some seeds.",
    )
    minutes_per_job: float = Field(30, gt=5, description="Of the GPU that gpu_tflops describes.")
    gpu_tflops: float | None = Field(
        None,
        gt=0,
        description="10^12 operations a second that come about in training; profiles/slurm sets it. Jobs are then cut by counted "
        "respondents and posts. null: no GPU is configured. Work is reckoned as with 100, without counting, and conditions are "
        "jobs of their own, however short, for all cores.",
    )
    checkpoint_minutes: float = Field(10, gt=0, description="How much training a sudden kill may cost.")
    tokens_per_batch: int = Field(
        16384,
        gt=0,
        description="Most tokens of one scoring batch. One that a GPU cannot hold goes in halves.",
    )

    def pace(self) -> dict[str, Any]:
        """Return what the trainer is told."""
        return self.model_dump(include={"cohort", "adapters_at_once", "checkpoint_minutes"})


class Scoring(Strict):
    """How an answer option's probability is read."""

    normalization: Literal["none", "token", "byte", "pmi"] = Field(
        "none",
        description="none: the whole option's loglikelihood. token, byte: per token, per byte. pmi: minus a blank prompt's.",
    )
    readout: Literal["exact", "first-token"] = Field(
        "exact",
        description="exact: all tokens of every option. first-token: as study A published it, for comparison.",
    )
