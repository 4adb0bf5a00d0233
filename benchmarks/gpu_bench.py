"""What the parts of gpu_acceptance.py share: its inputs, Llamas with random weights in memory, and steps that are timed and counted.

Imports nothing that a bare machine with a GPU lacks: torch, transformers, bitsandbytes, and stimmung.engine with pydantic.
"""

import gc
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import BitsAndBytesConfig, LlamaConfig, LlamaForCausalLM

from stimmung.engine.base.base_model import Base, prepare_loaded
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.checkpoint import Progress, Saved
from stimmung.engine.cohort.forward_backward import checkpointed_activations
from stimmung.engine.cohort.lora import Cohort, attached, features
from stimmung.engine.cohort.optimizer_step import do_step
from stimmung.engine.cohort.train import _begin_or_resume, _shared_tokens
from stimmung.engine.cohort.training_config import Task, adapter_keys
from stimmung.store.paths import Store
from stimmung.vocabulary.training import Training

CONTEXT = 1024
WARM_STEPS, TIMED_STEPS = 2, 5
DRY_TOKENS = 24
NOWHERE = Store(Path("/nonexistent"))  # has no adapter


@dataclass(frozen=True)
class Shape:
    """A Llama's."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv: int
    vocabulary: int


LARGE = Shape(32, 4096, 14336, 32, 8, 128256)  # Llama-3-8B
SMALL = Shape(4, 512, 1408, 8, 4, 4096)  # for comparisons of numbers
TINY = Shape(2, 64, 128, 4, 2, 2048)  # for both, in a dry run


@dataclass
class Finding:
    """One line of the result; ``passed`` is None for what is only recorded."""

    what: str
    value: Any
    passed: bool | None = None


@dataclass
class Bench:
    """Where and on what the parts run, and what they measured for each other."""

    dry: bool
    inputs: Path
    measured: dict[Any, float] = field(default_factory=dict)

    @property
    def device(self) -> torch.device:
        return torch.device("cpu" if self.dry else "cuda")

    @property
    def small(self) -> Shape:
        return TINY if self.dry else SMALL

    @property
    def ranks(self) -> tuple[int, ...]:
        return (2, 4) if self.dry else (16, 256)

    @property
    def steps(self) -> int:
        """Return how many optimizer steps are compared."""
        return 8 if self.dry else 20

    @property
    def peer_steps(self) -> int:
        """Return how many optimizer steps others do; the first two are not counted."""
        return 3 if self.dry else 6

    def judged(self, condition: bool) -> bool | None:
        """Return the verdict on a speed or size, which a dry run has not."""
        return None if self.dry else condition

    @cached_property
    def content(self) -> dict[str, Any]:
        return dict(json.loads(self.inputs.read_text(encoding="utf-8")))

    @property
    def option_ids(self) -> tuple[tuple[int, ...], ...]:
        return tuple(map(tuple, self.content["options"]))

    def contexts(self, n: int) -> list[tuple[int, ...]]:
        found = [tuple(one)[-DRY_TOKENS if self.dry else 0 :] for one in self.content["contexts"]]
        return [found[place % len(found)] for place in range(n)]

    def rows(self, n: int, first: int = 0) -> list[TrainingRow]:
        """Return prompts, each with one answer."""
        options = self.option_ids
        return [
            TrainingRow(context + options[place % len(options)], len(context))
            for place, context in enumerate(self.contexts(first + n))
        ][first:]

    def full_rows(self, n: int, length: int) -> list[TrainingRow]:
        """Return rows of exactly ``length`` tokens, the last three of which are to be predicted."""
        stream = [token for context in self.content["contexts"] for token in context]
        stream *= -(-(length + n) // len(stream))
        return [TrainingRow(tuple(stream[start : start + length]), length - 3) for start in range(n)]

    def small_base(self, dtype: torch.dtype, *, packed: bool, device: torch.device | None = None) -> Base:
        """Return a small model, the same weights each time and on each device."""
        model = random_llama(self.small, dtype, torch.device("cpu")).to(device or self.device)
        if packed:
            pack(model)
        return as_base(model)

    @cached_property
    def large_base(self) -> Base:
        """The 8B model, built at first use; its 4-bit weights are packed until a part holds them."""
        model = random_llama(TINY if self.dry else LARGE, torch.bfloat16, self.device)
        pack(model)
        return as_base(model)

    def training(self, **changes: Any) -> Training:
        settings: dict[str, Any] = {
            "r": self.ranks[0],
            "lora_alpha": 16,
            "lora_dropout": 0.05,
            "learning_rate": 2e-4,
            "per_device_train_batch_size": 4,
        }
        if "max_steps" in changes:
            settings["num_train_epochs"] = None
        return Training(**(settings | changes))


def as_base(model: Any) -> Base:
    prepare_loaded(model, 0)
    return Base(model, None, "random", "random")


def random_llama(shape: Shape, dtype: torch.dtype, device: torch.device) -> Any:
    """Return a Llama with random weights, made where it is to be; the same on each device only if made on a CPU."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv,
        max_position_embeddings=CONTEXT,
        dtype=dtype,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            return LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)


def four_bit(dtype: torch.dtype) -> BitsAndBytesConfig:
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def pack(model: Any) -> None:
    """Quantise all linear layers but the head where they are, one after another."""
    head = model.get_output_embeddings()
    for name, layer in list(model.named_modules()):
        if not isinstance(layer, nn.Linear) or layer is head:
            continue
        with torch.device("meta"):
            packed = Linear4bit(
                layer.in_features, layer.out_features, bias=False, compute_dtype=model.dtype, quant_type="nf4"
            )
        weight = Params4bit(
            layer.weight.data, requires_grad=False, quant_type="nf4", compress_statistics=True, module=packed
        )
        packed.weight = weight.to(layer.weight.device)
        model.set_submodule(name, packed)
        layer.weight = None  # freed before the next one is packed
    model.is_loaded_in_4bit = True
    model.config.quantization_config = four_bit(model.dtype)


@contextmanager
def stepping(
    base: Base, training: Training, rows: Sequence[Sequence[TrainingRow]]
) -> Iterator[tuple[Cohort, Callable[[], int]]]:
    """Attach an adapter for each list of rows; yield the cohort and a function that does one optimizer step of all.

    It returns in how many passes the batch was read: more than one if memory ran out.
    """
    training = training.model_copy(update={"num_train_epochs": None, "max_steps": 10_000})
    tasks = [Task(f"adapter {number}", one, number) for number, one in enumerate(rows)]
    part = list(zip(tasks, adapter_keys(base.digest, training, tasks), strict=True))
    with attached(base, training) as cohort, checkpointed_activations(base, training.gradient_checkpointing):
        # Drawn on the device: a CPU takes seconds for each adapter of rank 256.
        weights = _random_weights(cohort)
        saved = [Saved(Progress(key), weights, {}) for _, key in part]
        shared = _shared_tokens(base, training, {key: task for task, key in part})
        runs = _begin_or_resume(cohort, training, part, NOWHERE, saved, 1, shared)
        del weights, saved

        def step() -> int:
            do_step(cohort, training, runs)
            return runs[0].progress.splits

        yield cohort, step


def _random_weights(cohort: Cohort) -> dict[str, torch.Tensor]:
    rank, weights = cohort.settings.r, {}
    for name, layer in cohort.layers.items():
        n_in, n_out = features(layer.base)
        weights[f"{name}.lora_A"] = torch.randn(rank, n_in, device=cohort.base.device) / n_in**0.5
        weights[f"{name}.lora_B"] = torch.randn(n_out, rank, device=cohort.base.device) / 1000
    return weights


def seconds(run: Callable[[], Any], device: torch.device) -> float:
    """Return the wall time of a call, with the work that it left to the device."""
    synchronize(device)
    began = time.perf_counter()
    run()
    synchronize(device)
    return time.perf_counter() - began


def median_seconds(run: Callable[[], Any], device: torch.device) -> float:
    """Return the median of some calls, after some that load kernels."""
    warm, timed = (WARM_STEPS, TIMED_STEPS) if device.type == "cuda" else (1, 1)
    times = [seconds(run, device) for _ in range(warm + timed)]
    return statistics.median(times[warm:])


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def launches(run: Callable[[], Any], device: torch.device) -> tuple[int, float | None]:
    """Return how many kernels a call starts and for how many seconds they work; on a CPU the operations, and None."""
    if device.type == "cpu":
        with _Operations() as counted:
            run()
        return counted.number, None
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        seconds(run, device)
    spans = sorted(
        (event.time_range.start, event.time_range.end)
        for event in found.events() or ()
        if event.device_type == torch.autograd.DeviceType.CUDA
    )
    busy, until = 0.0, 0.0
    for start, end in spans:  # of several streams: what overlaps counts once
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    return len(spans), busy / 1e6


class _Operations(TorchDispatchMode):
    """Counts the operations that compute something: what only looks at memory in another way starts no kernel."""

    number = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        returns = function._schema.returns
        view = bool(returns) and all(one.alias_info and not one.alias_info.is_write for one in returns)
        self.number += not view
        return function(*args, **(kwargs or {}))


def free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def allocated_gb() -> float:
    return torch.cuda.memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0


def peak_gb() -> float:
    """Return the most memory since ``free_memory``; 0 on a CPU, which is not measured."""
    return torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else 0.0


def peak_flops(device: torch.device, width: int = 8192) -> float:
    """Return the bfloat16 operations per second of a large square product on this device."""
    width = width if device.type == "cuda" else 512
    one, other = (torch.randn(width, width, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * width**3 / statistics.median(seconds(lambda: one @ other, device) for _ in range(12))


def copied_bytes_per_second(device: torch.device) -> float:
    size = 2**30 if device.type == "cuda" else 2**24
    one, other = (torch.zeros(size, device=device, dtype=torch.uint8) for _ in range(2))
    return 2 * size / statistics.median(seconds(lambda: one.copy_(other), device) for _ in range(8))
