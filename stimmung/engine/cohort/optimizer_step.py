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
from stimmung.engine.cohort.early_stopping import EarlyStopper, held_out_losses
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
    shared: int = 0  # tokens that all rows begin with, and that are read once for all of a batch
    optimizer: torch.optim.Optimizer | None = None
    updating: bool = (
        False  # whether a step was begun that did not end: some of the weights may have done it, others not
    )
    norm: torch.Tensor | None = None  # of the step's gradient, before it was clipped
    held_out: EarlyStopper | None = None  # None: it does all its steps

    @property
    def active(self) -> bool:
        """Whether steps are left to be done, or the loss on held-out rows to be measured after the last."""
        progress = self.progress
        ended = progress.failed is not None or progress.stopped is not None
        return not ended and (progress.step < len(self.plan) or self.must_measure)

    @property
    def must_measure(self) -> bool:
        """Whether the loss on held-out rows is to be measured before the next step."""
        return self.held_out is not None and self.held_out.must_measure(self.progress, len(self.plan))

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
    # The only place of a step that waits for the device.
    norms = torch.stack([run.norm for run in runs if run.norm is not None])
    for run, loss, norm in zip(runs, *torch.stack([losses, norms]).tolist(), strict=True):
        _record(run, loss, norm)
    shared = (time.monotonic() - began) / len(runs)
    for run in runs:
        run.progress.seconds += shared


def measure_held_out(cohort: Cohort, runs: list[Run]) -> None:
    """Measure the loss of runs on their held-out rows; each goes on, or ends with the weights of its lowest loss."""
    if not runs:
        return
    began = time.monotonic()
    stoppers = {run.adapter: run.held_out for run in runs if run.held_out}
    shared = {run.adapter: run.shared for run in runs}
    losses = held_out_losses(cohort, stoppers, shared, max(run.progress.splits for run in runs))
    for run in runs:
        weights, stopper = cohort.parameters_of(run.adapter), stoppers[run.adapter]
        stopper.judge(run.progress, losses[run.adapter], weights)
        if run.progress.failed:
            logger.error("%s: %s", run.task.name, run.progress.failed)
        elif not run.active:
            stopper.restore_best(weights)
        run.progress.seconds += (time.monotonic() - began) / len(runs)


def _gradients(cohort: Cohort, runs: list[Run], splits: int) -> torch.Tensor:
    losses = torch.zeros(len(runs), device=cohort.base.device)
    for micro in range(max(len(run.batches) for run in runs)):
        going = [number for number, run in enumerate(runs) if micro < len(run.batches)]
        parts = [
            Part(
                adapter=run.adapter,
                rows=[run.task.rows[row] for row in run.batches[micro]],
                n_loss_tokens=run.task.loss_divisor(row for batch in run.batches for row in batch),
                dropout_key=((run.task.seed * 1_000_003 + run.progress.step) * 1_009 + micro) % 2**48,
                shared=run.shared,
            )
            for run in (runs[number] for number in going)
        ]
        found = forward_backward(cohort, parts, splits)
        losses = (
            losses + found
            if len(going) == len(runs)
            else losses.index_add(0, torch.tensor(going).to(losses.device), found)
        )
    return losses


def _update(cohort: Cohort, training: Training, run: Run, loss: torch.Tensor) -> None:
    """Clip the gradient and do the step, unless loss or gradient is not finite; AdamW of torch does both on the device."""
    optimizer, parameters = run.optimizer, list(cohort.parameters_of(run.adapter).values())
    assert optimizer is not None
    run.norm = nn.utils.get_total_norm([one.grad for one in parameters if one.grad is not None])
    finite = torch.isfinite(loss) & torch.isfinite(run.norm)
    rate = learning_rate_at(training, run.progress.step, len(run.plan))
    for group in optimizer.param_groups:
        group["lr"] = rate
    run.updating = True
    if optimizer.param_groups[0].get("fused"):
        # As torch's GradScaler tells it: gradients are divided by the one, and nothing is done if the other is 1.
        optimizer.grad_scale = _clip_divisor(training, run.norm)
        optimizer.found_inf = (~finite).float()
        optimizer.step()
    elif finite:
        if training.max_grad_norm:
            nn.utils.clip_grads_with_norm_(parameters, training.max_grad_norm, run.norm)
        optimizer.step()


def _clip_divisor(training: Training, norm: torch.Tensor) -> torch.Tensor:
    """Return by what a gradient is divided: 1, or what ``torch.nn.utils.clip_grad_norm_`` divides by."""
    if not training.max_grad_norm:
        return torch.ones_like(norm)
    return ((norm + 1e-6) / training.max_grad_norm).clamp(min=1)


def _record(run: Run, loss: float, norm: float) -> None:
    """Note that a run has done its step, or that it cannot."""
    run.updating = False
    if math.isfinite(loss) and math.isfinite(norm):
        run.progress.losses.append(loss)
        run.progress.step += 1
    else:
        run.progress.failed = f"the loss is {loss} at step {run.progress.step + 1}: training stopped"
        logger.error("%s: %s", run.task.name, run.progress.failed)
