"""What an adapter is trained by: hyper-parameters, its rows and seed, and how a cohort of them is worked."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn

from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.lora import LoraSettings
from stimmung.store.paths import adapter_key, data_digest


@dataclass(frozen=True)
class Recipe:
    """Hyper-parameters that a cohort shares, in the names of Hugging Face's TrainingArguments."""

    lora: LoraSettings
    learning_rate: float
    lr_scheduler_type: str = "linear"
    warmup_ratio: float = 0.0
    num_train_epochs: float | None = 3
    max_steps: int | None = None
    per_device_train_batch_size: int = 16
    gradient_accumulation_steps: int = 1
    max_grad_norm: float = 1.0
    weight_decay: float = 0.0
    optim: str = "adamw_torch"
    gradient_checkpointing: bool = False

    @classmethod
    def from_config(cls, training: Mapping[str, Any]) -> "Recipe":
        """Return the recipe of a preset of the config's `training` section."""
        own = {name: value for name, value in training.items() if name in cls.__dataclass_fields__}
        lora = {name: value for name, value in training.items() if name in LoraSettings.__dataclass_fields__}
        if not isinstance(lora.get("target_modules", ""), str):
            lora["target_modules"] = tuple(lora["target_modules"])
        return cls(lora=LoraSettings(**lora), **own)

    def learning_rate_at(self, step: int, n_steps: int) -> float:
        """Return the rate of optimizer step ``step`` of ``n_steps``, as transformers' schedules give it."""
        warmup = math.ceil(self.warmup_ratio * n_steps)
        if step < warmup:
            return self.learning_rate * step / warmup
        done = (step - warmup) / max(1, n_steps - warmup)
        if self.lr_scheduler_type == "cosine":
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
        return self.learning_rate * (1 - done if self.lr_scheduler_type == "linear" else 1)

    def optimizer_of(self, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Return a new optimizer of one adapter's weights; bitsandbytes' pages its state on CUDA only."""
        options = {"lr": self.learning_rate, "weight_decay": self.weight_decay}
        if self.optim == "paged_adamw_8bit":
            from bitsandbytes.optim import PagedAdamW8bit

            paged: torch.optim.Optimizer = PagedAdamW8bit(parameters, **options)
            return paged
        return torch.optim.AdamW(parameters, fused=True, **options)

    def record(self) -> dict[str, Any]:
        """Return all hyper-parameters as plain Python: part of an adapter's key in the store, and of its record."""
        return asdict(self)


@dataclass(frozen=True)
class Task:
    """One adapter to be trained: a name for messages, its rows, its seed."""

    name: str
    rows: Sequence[TrainingRow]
    seed: int


def keys_of(base_digest: str, recipe: Recipe, tasks: Sequence[Task], code: str) -> list[str]:
    """Return the name in the store of each task's adapter."""
    # Seeds share the rows of a week or a fold, and to digest these takes a moment.
    digests = {
        id(task.rows): data_digest(task.rows) for task in {id(one.rows): one for one in tasks}.values()
    }
    return [
        adapter_key(
            base_digest=base_digest,
            data_digest=digests[id(task.rows)],
            settings=recipe.record(),
            seed=task.seed,
            code=code,
        )
        for task in tasks
    ]


def distinct(tasks: Sequence[Task], keys: Sequence[str]) -> dict[str, Task]:
    """Return tasks by the names of their adapters, of those that make the same one the first.

    Two conditions may leave out the same respondents, and two weeks hold the same posts.
    """
    found: dict[str, Task] = {}
    for key, task in zip(keys, tasks, strict=True):
        found.setdefault(key, task)
    return found


@dataclass(frozen=True)
class Pace:
    """How a cohort is worked: it changes time and memory, not the result beyond floating point."""

    cohort: str = "auto"
    adapters_at_once: int = 8
    checkpoint_minutes: float = 10
