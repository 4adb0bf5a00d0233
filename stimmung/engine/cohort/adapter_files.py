"""Adapters on disk, in PEFT's format."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from stimmung.engine.cohort.lora import Cohort, LoraSettings
from stimmung.vocabulary.atomic_files import share_as_usual
from stimmung.vocabulary.errors import InputError

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
RECORD = "training.json"
# The weights last: where they are, the others are too.
FILES = (CONFIG, RECORD, WEIGHTS)
PEFT_PREFIX = "base_model.model."
# What reading raises where a file is absent, cut off, or of another make. A want of memory is none of it.
DAMAGE = (OSError, SafetensorError, ValueError, KeyError, TypeError)


@dataclass(frozen=True)
class Adapter:
    """An adapter as it was read: weights by layer name and matrix, shapes (r, in) and (out, r)."""

    weights: dict[str, torch.Tensor]
    settings: LoraSettings


def save_adapter(
    directory: Path, weights: dict[str, torch.Tensor], cohort: Cohort, record: dict[str, Any]
) -> None:
    """Write an adapter so that it appears whole or not at all; an existing one is left as it is.

    ``PeftModel.from_pretrained(base, directory)`` loads it.
    """
    if directory.exists():
        return
    with whole_folder(directory) as draft:
        tensors = {_peft_name(name): tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
        save_file(tensors, draft / WEIGHTS, metadata={"format": "pt"})
        (draft / CONFIG).write_text(json.dumps(_peft_config(cohort), indent=2, sort_keys=True) + "\n")
        (draft / RECORD).write_text(json.dumps(record, indent=2) + "\n")


@contextmanager
def whole_folder(directory: Path) -> Iterator[Path]:
    """Yield a draft beside ``directory`` to write to, and rename it at the end, so that nobody ever reads half an adapter."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    draft = directory.with_name(f".{directory.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        yield draft
        share_as_usual(draft)
        draft.rename(directory)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def load_adapter(directory: Path) -> Adapter:
    """Read an adapter.

    Raises
    ------
    InputError
        If files are absent or damaged.
    """
    try:
        config = json.loads((directory / CONFIG).read_text())
        tensors = load_file(directory / WEIGHTS)
        settings = LoraSettings(
            r=config["r"],
            lora_alpha=config["lora_alpha"],
            lora_dropout=config["lora_dropout"],
            use_rslora=config["use_rslora"],
            target_modules=tuple(config["target_modules"]),
            bias=config["bias"],
        )
    except DAMAGE as error:
        raise InputError(
            f"no readable adapter in {directory}", f"Delete the folder and run snakemake again. ({error})"
        ) from error
    return Adapter({_own_name(name): tensor for name, tensor in tensors.items()}, settings)


def export_adapter(stored: Path, directory: Path) -> None:
    """Let the files of a stored adapter appear in ``directory``, the weights last, by hard links where the file system has them."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / WEIGHTS).unlink(missing_ok=True)
    for name in FILES:
        (directory / name).unlink(missing_ok=True)
        try:
            os.link(stored / name, directory / name)
        except OSError:
            shutil.copy2(stored / name, directory / name)


def _peft_name(name: str) -> str:
    if name.endswith(".bias"):
        return f"{PEFT_PREFIX}{name.removesuffix('.bias')}.base_layer.bias"
    return f"{PEFT_PREFIX}{name}.weight"


def _own_name(name: str) -> str:
    own = name.removeprefix(PEFT_PREFIX)
    return own.replace(".base_layer.bias", ".bias").removesuffix(".weight")


def _peft_config(cohort: Cohort) -> dict[str, Any]:
    """Return what PEFT's ``LoraConfig`` would write; written here, since importing peft takes a job two seconds."""
    settings = cohort.settings
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": cohort.base.path,
        "inference_mode": True,
        "r": settings.r,
        "lora_alpha": settings.lora_alpha,
        "lora_dropout": settings.lora_dropout,
        "use_rslora": settings.use_rslora,
        "target_modules": sorted({name.rsplit(".", 1)[-1] for name in cohort.layers}),
        "bias": settings.bias,
        "use_dora": False,
        "fan_in_fan_out": False,
        "modules_to_save": None,
    }
