"""The state of a classifier's training in one file, so that a killed job goes on where it was.

The Trainer's own checkpoints are folders of several files with pickles among them. This is one file of tensors, replaced by a
rename. It is written as a step begins, when the next batch is drawn already: then the random numbers of dropout are the next ones
on an epoch's first step as well.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import TrainerCallback

from stimmung.engine.cohort.checkpoint import optimizer_tensors, restore_optimizer
from stimmung.store.adapter_folders import DAMAGE
from stimmung.vocabulary.atomic_files import whole
from stimmung.vocabulary.errors import Interrupted

logger = logging.getLogger(__name__)

TRAINER_STATE = "trainer_state.json"  # as the Trainer calls it


@dataclass
class _Read:
    """What a checkpoint holds: tensors by kind, and what is no tensor."""

    tensors: dict[str, dict[str, torch.Tensor]]
    scheduler: dict[str, Any]
    trainer: str
    seconds: float


class Checkpoints(TrainerCallback):
    """Saves the state of a training now and then and before it is stopped, and puts it back.

    Parameters
    ----------
    path
        The checkpoint's file, there or not.
    minutes
        How much training a sudden kill may cost.
    stop
        Asked before each step; once it is true, the state is saved and the training ends.
    """

    def __init__(self, path: Path, minutes: float, stop: Callable[[], bool]) -> None:
        self._path, self._minutes, self._stop = path, minutes, stop
        self._began = self._saved_at = time.monotonic()
        self._read: _Read | None = None

    @property
    def seconds(self) -> float:
        """How long the training has taken so far, those before a kill included."""
        return time.monotonic() - self._began

    def resume(self, tuned: Any, folder: Path) -> str | None:
        """Put back the weights; return a folder that the Trainer goes on from, None where there is no checkpoint."""
        self._read = _load(self._path)
        if self._read is None:
            return None
        with torch.no_grad():
            for name, parameter in _trainable(tuned).items():
                parameter.copy_(self._read.tensors["weights"][name])
        tuned.save_pretrained(folder)
        (folder / TRAINER_STATE).write_text(self._read.trainer, encoding="utf-8")
        self._began -= self._read.seconds
        return str(folder)

    def on_train_begin(self, args: Any, state: Any, control: Any, **parts: Any) -> None:
        """Put back the optimizer and the learning rate."""
        del args, control
        if self._read is not None:
            optimizer, scheduler = _bare(parts["optimizer"]), parts["lr_scheduler"]
            restore_optimizer(optimizer, self._read.tensors.get("optimizer", {}))
            scheduler.load_state_dict(self._read.scheduler)
            for group, rate in zip(optimizer.param_groups, scheduler.get_last_lr(), strict=True):
                group["lr"] = rate
            logger.info("goes on at step %d", state.global_step)

    def on_step_begin(self, args: Any, state: Any, control: Any, **parts: Any) -> None:
        """Put back the random numbers in a training's first step; in later ones, save if it is time to."""
        del args, control
        if self._read is not None:
            _set_random_state(self._read.tensors["random"])
            self._read = None
        stopped = self._stop()
        if state.global_step and (stopped or time.monotonic() - self._saved_at > self._minutes * 60):
            self._save(state, parts["model"], parts["optimizer"], parts["lr_scheduler"])
        if stopped:
            raise Interrupted(f"stopped at step {state.global_step}; the next run goes on from there")

    def remove(self) -> None:
        """Delete the file of a training that has ended."""
        self._path.unlink(missing_ok=True)

    def _save(self, state: Any, model: Any, optimizer: Any, scheduler: Any) -> None:
        kinds = {
            "weights": _trainable(model),
            "optimizer": optimizer_tensors(_bare(optimizer)),
            "random": _random_state(),
        }
        with whole(self._path) as draft:
            state.save_to_json(str(draft))
            metadata = {
                "trainer": draft.read_text(encoding="utf-8"),
                "scheduler": json.dumps(scheduler.state_dict()),
                "seconds": json.dumps(self.seconds),
            }
            tensors = {
                f"{kind}/{name}": tensor.detach().cpu().contiguous()
                for kind, named in kinds.items()
                for name, tensor in named.items()
            }
            save_file(tensors, draft, metadata=metadata)
        self._saved_at = time.monotonic()


def _load(path: Path) -> _Read | None:
    if not path.exists():
        return None
    tensors: dict[str, dict[str, torch.Tensor]] = {}
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            for key in file.keys():  # noqa: SIM118 (safe_open is no dict)
                kind, name = key.split("/", 1)
                tensors.setdefault(kind, {})[name] = file.get_tensor(key)
        return _Read(
            tensors, json.loads(metadata["scheduler"]), metadata["trainer"], json.loads(metadata["seconds"])
        )
    except (*DAMAGE, AttributeError) as error:
        logger.warning("%s cannot be read, so training begins anew: %s", path, error)
        return None


def _bare(optimizer: Any) -> Any:
    """Return the optimizer within the one that accelerate has wrapped around it."""
    return getattr(optimizer, "optimizer", optimizer)


def _trainable(model: Any) -> dict[str, torch.nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def _random_state() -> dict[str, torch.Tensor]:
    cuda = {"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {}
    return {"cpu": torch.get_rng_state(), **cuda}


def _set_random_state(state: dict[str, torch.Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"])
