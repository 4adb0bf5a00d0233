"""Adapters that leave their cohort early: once the loss on rows that are held out of their training no longer falls."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.checkpoint import Progress
from stimmung.engine.cohort.forward_backward import Part, forward_backward
from stimmung.engine.cohort.lora import Cohort
from stimmung.vocabulary.training import EarlyStopping


@dataclass
class EarlyStopper:
    """The held-out rows of one adapter, and its weights where the loss on them was lowest."""

    settings: EarlyStopping
    rows: Sequence[TrainingRow]
    batch_size: int
    divisor: int  # of the weighted sum of their losses
    best: dict[str, torch.Tensor] = field(
        default_factory=dict
    )  # not on a GPU, whose memory is for what trains

    def must_measure(self, progress: Progress, n_steps: int) -> bool:
        """Whether more measurements were due by this step than there are; so none is lost to a kill between step and measurement."""
        return len(progress.held_out_losses) < len(self.steps(progress.step, n_steps))

    def steps(self, step: int, n_steps: int) -> list[int]:
        """Return the steps up to ``step`` that a measurement follows."""
        every = list(range(self.settings.eval_steps, step + 1, self.settings.eval_steps))
        return [*every, step] if step == n_steps and step % self.settings.eval_steps else every

    def batches(self) -> list[Sequence[TrainingRow]]:
        """Return the rows by batch, those of about one length together."""
        rows = sorted(self.rows, key=lambda row: len(row.input_ids))
        return [rows[first : first + self.batch_size] for first in range(0, len(rows), self.batch_size)]

    def judge(self, progress: Progress, loss: float, weights: dict[str, torch.Tensor]) -> None:
        """Note a loss; keep the weights if it is the lowest, or say why the adapter stops."""
        lowest = min(progress.held_out_losses, default=math.inf)
        if not math.isfinite(loss):  # not noted, so that a resumed run measures, and fails, again
            progress.failed = f"the loss on held-out rows is {loss} after step {progress.step}"
            return
        progress.held_out_losses.append(loss)
        if loss < lowest:
            progress.best_step = progress.step
            self.best = {name: one.detach().to("cpu", copy=True) for name, one in weights.items()}
        elif len(progress.held_out_losses) - self._place_of_lowest(progress) >= self.settings.patience:
            progress.stopped = (
                f"no lower loss on {len(self.rows)} held-out rows than {lowest:.4f} after step {progress.best_step},"
                f" in {self.settings.patience} measurements"
            )

    def record(self, progress: Progress, n_steps: int) -> dict[str, Any]:
        """Return what an adapter's record says of how it ended."""
        return {
            "held_out_rows": len(self.rows),
            "measured_after_steps": self.steps(progress.step, n_steps),
            "held_out_losses": progress.held_out_losses,
            "best_step": progress.best_step,
            "planned_steps": n_steps,
            "stopped": progress.stopped,
        }

    def restore_best(self, weights: dict[str, torch.Tensor]) -> None:
        """Put the weights of the lowest loss into those of the adapter, which has ended."""
        with torch.no_grad():
            for name, one in self.best.items():
                weights[name].copy_(one)
        self.best = {}

    def _place_of_lowest(self, progress: Progress) -> int:
        """Return the number of the measurement, from 1 on, that gave the lowest loss first."""
        return progress.held_out_losses.index(min(progress.held_out_losses)) + 1


def held_out_losses(
    cohort: Cohort, stoppers: dict[int, EarlyStopper], shared: dict[int, int], passes: int
) -> dict[int, float]:
    """Return the loss on the held-out rows of each adapter, by its number, as that of a step; adapters are read together.

    ``shared`` is how many tokens all rows of each adapter begin with, ``passes`` over how many passes a batch is split.
    """
    batches = {adapter: one.batches() for adapter, one in stoppers.items()}
    totals = dict.fromkeys(stoppers, 0.0)
    for number in range(max(map(len, batches.values()))):
        parts = [
            Part(
                adapter=adapter,
                rows=of_adapter[number],
                n_loss_tokens=stoppers[adapter].divisor,
                dropout_key=0,
                shared=shared[adapter],
            )
            for adapter, of_adapter in batches.items()
            if number < len(of_adapter)
        ]
        found = forward_backward(cohort, parts, passes, learn=False).tolist()
        for part, loss in zip(parts, found, strict=True):
            totals[part.adapter] += loss
    return totals
