"""The state of a cohort's training in one file, so that a killed job goes on where it was.

If adapters were saved one by one, a kill between two would change which rows share a batch, and with it the last bits of the result.
"""

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from stimmung.store.adapter_folders import DAMAGE
from stimmung.vocabulary.atomic_files import atomic_write

logger = logging.getLogger(__name__)


@dataclass
class Progress:
    """How far one adapter, by its key in the store, has come."""

    key: str
    step: int = 0
    losses: list[float] = field(default_factory=list)
    failed: str | None = None
    seconds: float = 0.0
    splits: int = 1
    held_out_losses: list[float] = field(default_factory=list)
    best_step: int = 0  # of the lowest of these losses
    stopped: str | None = None  # why it ended before its last step


@dataclass
class Saved:
    """One adapter in a checkpoint; ``optimizer`` is empty for one that has finished, ``weights`` also once the store has it.

    ``best`` are the weights of the lowest held-out loss of one that is in training, if there is such a loss.
    """

    progress: Progress
    weights: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor] = field(default_factory=dict)


def save_checkpoint(path: Path, adapters: list[Saved]) -> None:
    """Write the cohort's state in one step, replacing the last one."""
    tensors = {}
    for index, adapter in enumerate(adapters):
        for kind in ("weights", "optimizer", "best"):
            for name, tensor in getattr(adapter, kind).items():
                tensors[f"{index}/{kind}/{name}"] = tensor.detach().cpu().contiguous()
    progress = json.dumps([asdict(adapter.progress) for adapter in adapters])
    with atomic_write(path) as draft:
        save_file(tensors, draft, metadata={"progress": progress})


def load_checkpoint(path: Path) -> list[Saved] | None:
    """Return the cohort's state, or None if there is none or it cannot be read, which is logged."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            progress = json.loads(file.metadata()["progress"])
            adapters = [Saved(Progress(**one), {}, {}) for one in progress]
            for key in file.keys():  # noqa: SIM118 (safe_open is no dict)
                index, kind, name = key.split("/", 2)
                getattr(adapters[int(index)], kind)[name] = file.get_tensor(key)
    except (*DAMAGE, IndexError, AttributeError) as error:
        logger.warning("%s cannot be read, so training starts over: %s", path, error)
        return None
    return adapters
