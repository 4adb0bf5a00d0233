"""The state of a classifier's training in one file of tensors, so that a killed job resumes where it was; the Trainer's has pickles.

It is written as a step begins, after the next batch is drawn: so dropout draws the same on an epoch's first step too.
"""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import TrainerCallback

from stimmung.engine.cohort.optimizer_state import optimizer_tensors, restore_optimizer
from stimmung.store.adapter_folders import DAMAGE
from stimmung.vocabulary.atomic_files import atomic_write
from stimmung.vocabulary.errors import Interrupted

logger = logging.getLogger(__name__)

TRAINER_STATE = "trainer_state.json"  # the Trainer's name
Tensors = dict[str, dict[str, torch.Tensor]]


class Checkpoints(TrainerCallback):
    """Saves the state of a training to ``path`` every few minutes and before it is stopped, and restores it.

    ``stop`` is asked before each step; once it is true, the state is saved and the training ends.
    """

    def __init__(self, path: Path, minutes: float, stop: Callable[[], bool]) -> None:
        self._path, self._minutes, self._stop = path, minutes, stop
        self._began = self._saved_at = time.monotonic()
        self._restored: tuple[Tensors, dict[str, Any]] | None = None

    @property
    def seconds(self) -> float:
        """How long the training has taken so far, including the time before a kill."""
        return time.monotonic() - self._began

    def resume(self, tuned: Any, folder: Path) -> str | None:
        """Restore the weights; return a folder that the Trainer resumes from, or None if there is no checkpoint."""
        self._restored = _load(self._path)
        if self._restored is None:
            return None
        tensors, state = self._restored
        with torch.no_grad():
            for name, parameter in _trainable(tuned).items():
                parameter.copy_(tensors["weights"][name])
        tuned.save_pretrained(folder)
        (folder / TRAINER_STATE).write_text(state["trainer"], encoding="utf-8")
        self._began -= state["seconds"]
        return str(folder)

    def on_train_begin(self, _args: Any, state: Any, _control: Any, **parts: Any) -> None:
        """Restore the optimizer and the learning rate."""
        if self._restored is not None:
            tensors, saved = self._restored
            optimizer, scheduler = _bare(parts["optimizer"]), parts["lr_scheduler"]
            restore_optimizer(optimizer, tensors.get("optimizer", {}))
            scheduler.load_state_dict(saved["scheduler"])
            for group, rate in zip(optimizer.param_groups, scheduler.get_last_lr(), strict=True):
                group["lr"] = rate
            logger.info("resuming at step %d", state.global_step)

    def on_step_begin(self, _args: Any, state: Any, _control: Any, **parts: Any) -> None:
        """Restore the random numbers before the first step after a resume; save before later ones if it is time to."""
        if self._restored is not None:
            random = self._restored[0]["random"]
            torch.set_rng_state(random["cpu"])
            if "cuda" in random:
                torch.cuda.set_rng_state(random["cuda"])
            self._restored = None
        stopped = self._stop()
        if state.global_step and (stopped or time.monotonic() - self._saved_at > self._minutes * 60):
            self._save(state, parts["model"], _bare(parts["optimizer"]), parts["lr_scheduler"])
        if stopped:
            raise Interrupted(f"stopped at step {state.global_step}; the next run goes on from there")

    def remove(self) -> None:
        """Delete the file of a training that has ended."""
        self._path.unlink(missing_ok=True)

    def _save(self, state: Any, model: Any, optimizer: Any, scheduler: Any) -> None:
        cuda = {"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {}
        kinds = {
            "weights": _trainable(model),
            "optimizer": optimizer_tensors(optimizer),
            "random": {"cpu": torch.get_rng_state(), **cuda},
        }
        tensors = {
            f"{kind}/{name}": tensor.detach().cpu().contiguous()
            for kind, named in kinds.items()
            for name, tensor in named.items()
        }
        with atomic_write(self._path) as draft:
            state.save_to_json(str(draft))
            trainer = draft.read_text(encoding="utf-8")
            saved = {"trainer": trainer, "scheduler": scheduler.state_dict(), "seconds": self.seconds}
            save_file(tensors, draft, metadata={"state": json.dumps(saved)})
        self._saved_at = time.monotonic()


def _load(path: Path) -> tuple[Tensors, dict[str, Any]] | None:
    """Return the tensors by kind and name, and what is not a tensor; None if there is no readable checkpoint."""
    if not path.exists():
        return None
    tensors: Tensors = {}
    try:
        with safe_open(path, framework="pt") as file:
            for key in file.keys():  # noqa: SIM118 (safe_open is no dict)
                kind, name = key.split("/", 1)
                tensors.setdefault(kind, {})[name] = file.get_tensor(key)
            return tensors, json.loads(file.metadata()["state"])
    except (*DAMAGE, AttributeError) as error:
        logger.warning("%s cannot be read, so training starts over: %s", path, error)
        return None


def _bare(optimizer: Any) -> Any:
    """Return the optimizer inside accelerate's wrapper."""
    return getattr(optimizer, "optimizer", optimizer)


def _trainable(model: Any) -> dict[str, torch.nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
