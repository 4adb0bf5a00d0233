"""One optimizer step of several adapters, each with its own batch, gradient, clipping, rate and dropout."""

import logging
import math
import time
from dataclasses import dataclass

import torch
from torch import nn

from stimmung.engine.base.devices import release_memory
from stimmung.engine.cohort.batching import Step
from stimmung.engine.cohort.checkpoint import Progress
from stimmung.engine.cohort.forward_backward import Part, forward_backward
from stimmung.engine.cohort.lora import Cohort
from stimmung.engine.cohort.training_config import Task, learning_rate_at
from stimmung.vocabulary.training import Training

logger = logging.getLogger(__name__)


@dataclass
class Run:
    """One adapter in training."""

    task: Task
    adapter: int
    plan: list[Step]
    progress: Progress
    optimizer: torch.optim.Optimizer | None = None
    updating: bool = (
        False  # whether a step was begun that did not end: some of the weights may have done it, others not
    )

    @property
    def active(self) -> bool:
        """Whether steps are left to be done."""
        return self.progress.failed is None and self.progress.step < len(self.plan)

    @property
    def batches(self) -> Step:
        """The batches of the next step."""
        return self.plan[self.progress.step]


def do_step(cohort: Cohort, training: Training, runs: list[Run]) -> None:
    """Do one optimizer step of each run, in smaller passes if a CUDA device runs out of memory."""
    began = time.monotonic()
    splits = max(run.progress.splits for run in runs)
    while True:
        try:
            losses = _gradients(cohort, runs, splits)
            break
        except torch.cuda.OutOfMemoryError:
            if splits >= training.per_device_train_batch_size:
                raise
        # Only here is the error gone, and with it the graph that its frames kept in memory.
        cohort.zero_gradients()
        release_memory()
        splits *= 2
        logger.warning("out of memory: splitting the batch into %d passes", splits)
    for run, loss in zip(runs, losses, strict=True):
        run.progress.splits = splits
        _update(cohort, training, run, loss)
    cohort.zero_gradients()
    shared = (time.monotonic() - began) / len(runs)
    for run in runs:
        run.progress.seconds += shared


def _gradients(cohort: Cohort, runs: list[Run], splits: int) -> list[float]:
    losses = {run.adapter: 0.0 for run in runs}
    for micro in range(max(len(run.batches) for run in runs)):
        parts = [
            Part(
                adapter=run.adapter,
                rows=[run.task.rows[row] for row in run.batches[micro]],
                n_loss_tokens=sum(run.task.rows[row].n_loss_tokens for batch in run.batches for row in batch),
                dropout_key=((run.task.seed * 1_000_003 + run.progress.step) * 1_009 + micro) % 2**48,
            )
            for run in runs
            if micro < len(run.batches)
        ]
        for part, loss in zip(parts, forward_backward(cohort, parts, splits), strict=True):
            losses[part.adapter] += loss
    return [losses[run.adapter] for run in runs]


def _update(cohort: Cohort, training: Training, run: Run, loss: float) -> None:
    assert run.optimizer is not None
    parameters = [one for group in run.optimizer.param_groups for one in group["params"]]
    norm = nn.utils.clip_grad_norm_(parameters, training.max_grad_norm or math.inf)
    if not math.isfinite(loss) or not torch.isfinite(norm):
        run.progress.failed = f"the loss is {loss} at step {run.progress.step + 1}: training stopped"
        logger.error("%s: %s", run.task.name, run.progress.failed)
    else:
        for group in run.optimizer.param_groups:
            group["lr"] = learning_rate_at(training, run.progress.step, len(run.plan))
        run.updating = True
        run.optimizer.step()
        run.updating = False
        run.progress.losses.append(loss)
        run.progress.step += 1
