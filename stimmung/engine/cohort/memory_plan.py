"""What of a cohort is in a GPU's memory at a time: the arithmetic of ``memory_reckoning`` on a model and the card at hand."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from stimmung.engine.base.base_model import Base, load_base
from stimmung.engine.base.dequantized import dequantized_bytes, hold_dequantized, packed_layers
from stimmung.engine.base.devices import default_device, free_bytes
from stimmung.engine.base.memory_reckoning import (
    GB,
    ModelSizes,
    Plan,
    adapter_bytes,
    check_fits,
    cpu_plan,
    pass_bytes,
    plan,
)
from stimmung.engine.base.model_files import read_description
from stimmung.engine.cohort.expert_targets import shape_of, target_experts
from stimmung.engine.cohort.lora import features, target_names
from stimmung.engine.cohort.training_config import Task
from stimmung.vocabulary.pace import Pace
from stimmung.vocabulary.training import Lora, Training

logger = logging.getLogger(__name__)


def load_base_for_training(path: Path, training: Training) -> Base:
    """Load a prepared base; on a GPU its 4-bit weights stay packed until ``plan_memory`` has seen what the adapters leave.

    Raises InputError before anything is loaded if the GPU cannot hold it with one adapter.
    """
    if (free := free_bytes(default_device())) is None:
        return load_base(path)
    check_fits(read_description(path)["source"], sizes_of_files(path, training), training, free)
    return load_base(path, dequantized_mb=0)


def plan_memory(
    base: Base, training: Training, tasks: Sequence[Task], *, pace: Pace, stacked: bool, shared: int = 0
) -> Plan:
    """Return what is in memory at a time, say it, and hold the base's weights dequantised if there is room.

    ``shared`` is with how many tokens, read once for all, the rows of each task begin at least.
    What of a CPU's memory is free is not asked: other jobs share it. Raises InputError if not even one adapter fits.
    """
    wanted = pace.adapters_at_once if stacked else 1
    sizes = sizes_of(base.model, training, base_bytes=0)  # it is loaded
    rows = [row for task in tasks for row in task.rows]
    longest = max(len(row.input_ids) for row in rows)
    loss_tokens = max(row.n_loss_tokens for row in rows)
    if (free := free_bytes(base.device)) is None:
        if wanted != "auto":
            return Plan(wanted)
        return cpu_plan(sizes, training, longest=longest, loss_tokens=loss_tokens)
    check_fits(base.path, sizes, training, free)
    chosen = plan(
        sizes,
        training,
        free,
        n_adapters=len(tasks),
        longest=longest,
        loss_tokens=loss_tokens,
        at_once=None if wanted == "auto" else wanted,
        shared=shared,
    )
    if chosen.hold_dequantized:
        hold_dequantized(base.model, math.inf)
    n_rows = chosen.adapters_at_once * -(-training.per_device_train_batch_size // chosen.passes)
    spared = (n_rows - chosen.adapters_at_once) * shared
    logger.info(
        "memory: %.1f GB free; reckoned: base %s, %d adapters at once of %.1f GB each, batches in %d passes of %.1f GB",
        free / GB,
        f"held dequantised for {sizes.held_bytes / GB:.1f} GB more"
        if chosen.hold_dequantized
        else "as loaded",
        chosen.adapters_at_once,
        adapter_bytes(sizes, training) / GB,
        chosen.passes,
        pass_bytes(sizes, training, n_rows, longest, loss_tokens, spared=spared) / GB,
    )
    return chosen


def sizes_of(model: Any, settings: Lora, base_bytes: int) -> ModelSizes:
    """Return the sizes of a model, loaded or with its weights on the device `meta`, and of an adapter with these settings."""
    config = model.config.get_text_config()
    layers = [features(model.get_submodule(name)) for name in target_names(model, settings.target_modules)]
    experts = [
        [shape_of(model.get_submodule(owner), one) for one in parameters]
        for owner, parameters in target_experts(model, settings.target_parameters).items()
    ]
    packed = sum(one.weight.nbytes for one in packed_layers(model).values())
    hidden = config.hidden_size
    # A token visits several experts, each with its own intermediate features.
    n_experts = getattr(config, "num_experts_per_tok", None) or 1
    widths = [getattr(config, name, None) for name in ("moe_intermediate_size", "intermediate_size")]
    return ModelSizes(
        n_layers=config.num_hidden_layers,
        hidden=hidden,
        intermediate=n_experts * next((width for width in widths if width), 4 * hidden),
        vocabulary=config.vocab_size,
        itemsize=model.dtype.itemsize,
        base_bytes=base_bytes,
        four_bit=getattr(model.config, "quantization_config", None) is not None,
        held_bytes=dequantized_bytes(model) - packed,
        adapter_weights=sum(settings.r * (n_in + n_out) for n_in, n_out in layers)
        + sum(settings.r * n * (n_in + n_out) for of_layer in experts for n, n_in, n_out in of_layer),
        expert_inputs=n_experts * max((sum(n_in for _, n_in, _ in one) for one in experts), default=0),
    )


def sizes_of_files(path: Path, settings: Lora) -> ModelSizes:
    """Return the sizes of a prepared base, from its config and the size of its files; no weight is read."""
    config = AutoConfig.from_pretrained(path, trust_remote_code=False)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    return sizes_of(model, settings, sum(file.stat().st_size for file in path.glob("*.safetensors")))
