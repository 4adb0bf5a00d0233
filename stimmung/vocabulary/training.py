"""How adapters are trained: the `training` section of the config. The keys are PEFT's and Hugging Face's."""

import math
from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from stimmung.vocabulary.strict import Strict

LATER_KEYS = ("target_parameters", "early_stopping")


class Lora(Strict):
    """What an adapter is, in the names of PEFT's ``LoraConfig``."""

    r: int = Field(16, gt=0)
    """Rank of the adapter."""
    lora_alpha: float = Field(32, gt=0)
    """The adapter's output is scaled by alpha / r, or by alpha / sqrt(r) with `use_rslora`."""
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    """Dropout on the input of the adapter."""
    use_rslora: bool = False
    """Rank-stabilised scale, alpha / sqrt(r) (Kalajdzievski 2023)."""
    bias: Literal["none", "lora_only", "all"] = "none"
    """Biases that are trained too: none, those of the target modules, or all that the model has. Llama has none."""
    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Linear layers that get an adapter: all but the LM head, or a list such as [q_proj, v_proj]."""
    target_parameters: Literal["all-experts"] | tuple[str, ...] = ()
    """Experts that get an adapter: of a mixture of experts all of them, or a list such as [mlp.experts.down_proj]. Empty: none."""

    @model_validator(mode="after")
    def _something_is_tuned(self) -> Self:
        if self.target_parameters and self.lora_dropout:
            raise ValueError("PEFT has no dropout for target_parameters: set lora_dropout to 0")
        if not self.target_modules and not self.target_parameters:
            raise ValueError("target_modules and target_parameters are empty: nothing would be tuned")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not_asked_for(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is empty of the later keys, so that adapters trained before there were such keep their keys."""
        found: dict[str, Any] = written(self)
        return {name: value for name, value in found.items() if value or name not in LATER_KEYS}

    @property
    def scale(self) -> float:
        """The factor of B A x: alpha / r (Hu et al. 2021), or alpha / sqrt(r) (Kalajdzievski 2023)."""
        return self.lora_alpha / (math.sqrt(self.r) if self.use_rslora else self.r)


class EarlyStopping(Strict):
    """When an adapter stops learning: once the loss on rows that it never learns from has not fallen for a while."""

    share: float = Field(0.1, gt=0, lt=1)
    """Share of an adapter's training respondents (of a week: blocks of posts) that is held out to measure the loss. It is drawn with
    the adapter's seed; all rows of a respondent, or options of a group, are held out together. What is tested is never among them."""
    eval_steps: int = Field(20, gt=0)
    """Optimizer steps between two measurements. The last step is followed by one too."""
    patience: int = Field(3, gt=0)
    """Measurements in a row without a new lowest loss after which the adapter stops. It keeps the weights of the lowest one."""


class Training(Lora):
    """A preset: the adapter and how it is trained, in the names of Hugging Face's ``TrainingArguments``."""

    learning_rate: float = Field(1e-4, gt=0)
    """Peak learning rate. Common for adapters of models of a billion parameters and more: 1e-5 to 3e-4."""
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = "linear"
    """How the rate falls after the warm-up."""
    warmup_ratio: float = Field(0.1, ge=0, lt=1)
    """Share of the steps over which the rate rises from 0."""
    num_train_epochs: float | None = Field(3, gt=0)
    """Passes over the training data. Give exactly one of this and `max_steps`, and set the other to null."""
    max_steps: int | None = Field(None, gt=0)
    """Optimizer steps, the same for every adapter however small its training set."""
    per_device_train_batch_size: int = Field(8, gt=0)
    """Rows of one adapter in one forward pass. A cohort of five adapters has five times as many."""
    gradient_accumulation_steps: int = Field(1, gt=0)
    """Forward passes per optimizer step."""
    max_grad_norm: float = Field(1.0, ge=0)
    """Each adapter's gradient is clipped to this norm. 0: never."""
    weight_decay: float = Field(0.0, ge=0)
    """AdamW's decoupled weight decay."""
    optim: Literal["adamw_torch", "paged_adamw_8bit"] = "adamw_torch"
    """paged_adamw_8bit saves memory, chiefly on CUDA."""
    gradient_checkpointing: bool = False
    """Recompute activations in the backward pass: less memory, about a third more time."""
    block_size: int = Field(512, gt=1)
    """Tokens per block of posts. Not used for surveys."""
    early_stopping: EarlyStopping | None = None
    """Hold out a part of the training rows, and stop each adapter when its loss there no longer falls; the rate falls as if all steps
    were done. null: all steps are done, on all rows."""

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.num_train_epochs is None) == (self.max_steps is None):
            raise ValueError("give exactly one of num_train_epochs and max_steps (set the other to null)")
        return self
