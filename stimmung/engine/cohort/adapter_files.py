"""Adapters in PEFT's format."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers.pytorch_utils import Conv1D

from stimmung.engine.cohort.expert_parameters import peft_names
from stimmung.engine.cohort.lora import Cohort, CohortLinear
from stimmung.store.adapter_folders import DAMAGE, new_folder
from stimmung.store.paths import CONFIG, RECORD, WEIGHTS
from stimmung.vocabulary.errors import InputError
from stimmung.vocabulary.training import Lora

PEFT_PREFIX = "base_model.model."


@dataclass(frozen=True)
class Adapter:
    """An adapter read from disk: weights by layer name and matrix, shapes (r, in) and (out, r)."""

    weights: dict[str, torch.Tensor]
    settings: Lora


def save_adapter(
    directory: Path, weights: dict[str, torch.Tensor], cohort: Cohort, record: dict[str, Any]
) -> None:
    """Write an adapter, which PEFT can load, so that it appears whole or not at all; an existing one is left alone."""
    if directory.exists():
        return
    with new_folder(directory) as draft:
        tensors = {_peft_name(name): tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
        save_file(tensors, draft / WEIGHTS, metadata={"format": "pt"})
        (draft / CONFIG).write_text(json.dumps(_peft_config(cohort), indent=2, sort_keys=True) + "\n")
        (draft / RECORD).write_text(json.dumps(record, indent=2) + "\n")


def load_adapter(directory: Path) -> Adapter:
    """Read an adapter; raise InputError if files are missing or damaged."""
    try:
        config = json.loads((directory / CONFIG).read_text())
        tensors = load_file(directory / WEIGHTS)
        settings = Lora.model_validate(
            {name: config[name] for name in Lora.model_fields if name != "target_parameters"}
            | {"target_parameters": config.get("target_parameters") or ()}
        )
    except DAMAGE as error:
        raise InputError(
            f"no readable adapter in {directory}", f"Delete the folder and run snakemake again. ({error})"
        ) from error
    return Adapter({_own_name(name): tensor for name, tensor in tensors.items()}, settings)


def _peft_name(name: str) -> str:
    if name.endswith(".bias"):
        return f"{PEFT_PREFIX}{name.removesuffix('.bias')}.base_layer.bias"
    return f"{PEFT_PREFIX}{name}.weight"


def _own_name(name: str) -> str:
    own = name.removeprefix(PEFT_PREFIX)
    return own.replace(".base_layer.bias", ".bias").removesuffix(".weight")


def _peft_config(cohort: Cohort) -> dict[str, Any]:
    """Return what PEFT's ``LoraConfig`` would write; written here, since importing peft takes a job two seconds."""
    settings, layers = cohort.settings, cohort.layers
    experts = {"target_parameters": peft_names(layers, settings)} if settings.target_parameters else {}
    return {
        **settings.model_dump(mode="json", include=set(Lora.model_fields)),
        **experts,
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": cohort.base.path,
        "inference_mode": True,
        "target_modules": sorted(
            {name.rsplit(".", 1)[-1] for name, layer in layers.items() if isinstance(layer, CohortLinear)}
        ),
        "use_dora": False,
        "fan_in_fan_out": any(isinstance(layer.base, Conv1D) for layer in layers.values()),
        "modules_to_save": None,
    }
