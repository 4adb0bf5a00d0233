"""How adapters are tuned: the `training` section of the config. The keys are PEFT's and Hugging Face's."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from stimmung.vocabulary.strict import Strict


class Lora(Strict):
    """What an adapter is, in the names of PEFT's ``LoraConfig``."""

    r: int = Field(16, gt=0, description="Rank of the adapter.")
    lora_alpha: float = Field(32, gt=0, description="Scale: alpha / r, or alpha / sqrt(r) with rsLoRA.")
    lora_dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the adapter's first matrix.")
    use_rslora: bool = Field(False, description="Rank-stabilised scale (Kalajdzievski 2023).")
    bias: Literal["none", "lora_only", "all"] = Field(
        "none", description="Which biases are tuned too: none, those of the target modules, or all."
    )
    target_modules: Literal["all-linear"] | tuple[str, ...] = Field(
        "all-linear", description="Which linear layers get an adapter; 'all-linear' is all but the LM head."
    )

    @property
    def scale(self) -> float:
        """The factor of B A x: alpha / r (Hu et al. 2021), or alpha / sqrt(r) (Kalajdzievski 2023)."""
        return self.lora_alpha / (math.sqrt(self.r) if self.use_rslora else self.r)


class Training(Lora):
    """A preset: the adapter, and how it is trained, in the names of Hugging Face's ``TrainingArguments``."""

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
