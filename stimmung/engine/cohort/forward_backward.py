"""One forward and backward pass over rows of several adapters, with the LM head only where a token carries loss."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.last_layer import last_layer_at
from stimmung.engine.base.memory_reckoning import MAX_LOGITS
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.lora import Cohort
from stimmung.engine.cohort.rows import Rows, plain_rows, shared_rows
from stimmung.engine.cohort.slices import Slice
from stimmung.vocabulary.errors import InputError


@dataclass(frozen=True)
class Part:
    """Rows of one adapter in one pass."""

    adapter: int
    rows: Sequence[TrainingRow]
    n_loss_tokens: int  # of the adapter's whole optimizer step, over which the loss is the mean, however the step is split
    dropout_key: int
    shared: int = 0  # tokens that all rows begin with, and that are read once for all of them

    @property
    def kind(self) -> tuple[int, int, bool]:
        """What parts must have in common to be read together: tokens that are shared, with texts in a row, and where loss is."""
        shared = self.shared if len(self.rows) > 1 else 0
        return shared, len(self.rows) if shared else 0, all(row.loss_from == 1 for row in self.rows)


def forward_backward(
    cohort: Cohort, parts: Sequence[Part], splits: int, *, learn: bool = True
) -> torch.Tensor:
    """Add the gradients of one part for each adapter, and return each part's share of its adapter's loss, shape (parts,).

    The rows are split over ``splits`` passes. The sum of gradients does not depend on it. Nothing waits for the device. Unless they
    are to ``learn``, there are neither gradients nor dropout.
    """
    losses = torch.zeros(len(parts), device=cohort.base.device)
    kinds = [part.kind for part in parts]
    for kind in dict.fromkeys(kinds):
        chosen = [number for number, one in enumerate(kinds) if one == kind]
        for split in range(splits):
            losses[chosen] += _one_pass(cohort, [parts[number] for number in chosen], split, splits, learn)
    return losses


def _one_pass(cohort: Cohort, parts: Sequence[Part], split: int, splits: int, learn: bool) -> torch.Tensor:
    """Go forwards and backwards through the ``split``-th of ``splits`` pieces of parts of one kind; return the losses."""
    shared, texts, everywhere = parts[0].kind
    device = cohort.base.device
    size = [-(-len(part.rows) // splits) for part in parts]
    pieces = [part.rows[split * n : (split + 1) * n] for part, n in zip(parts, size, strict=True)]
    rows = [row for piece in pieces for row in piece]
    if not rows:
        return torch.zeros(len(parts), device=device)
    texts = len(pieces[0]) if shared else 1
    batch = shared_rows(rows, shared, texts) if shared else plain_rows(rows)
    slices: list[Slice] = []
    for part, piece, n in zip(parts, pieces, size, strict=True):
        start = slices[-1].stop if slices else 0
        if piece:
            slices.append(
                Slice(
                    adapter=part.adapter,
                    start=start,
                    stop=start + len(piece) // texts,
                    dropout_key=part.dropout_key,
                    dropout_row=split * n,
                    dropout_rows=len(part.rows),
                    length=max(len(row.input_ids) - 1 for row in part.rows) - shared,
                    places=max(row.n_loss_tokens for row in part.rows),
                )
            )
    layout = cohort.layout
    layout.slices, layout.dropout = slices, learn and cohort.settings.lora_dropout > 0
    layout.shared, layout.texts, layout.tokens = shared, texts, batch.ids.shape[1]
    # Before the passes: bringing something to the device waits for what it is doing.
    read = [(number, row) for number, piece in enumerate(pieces) for row in piece]
    tokens = torch.tensor([row.n_loss_tokens for row in rows])
    owner = torch.tensor([number for number, _ in read]).repeat_interleave(tokens).to(device)
    norms = torch.tensor([row.weight / parts[number].n_loss_tokens for number, row in read])
    norm = norms.repeat_interleave(tokens).to(device)
    # Around the backward pass too, which recomputes layers under gradient checkpointing.
    narrowed = nullcontext() if everywhere else last_layer_at(cohort.base, batch.places.to(device))
    with narrowed, torch.set_grad_enabled(learn):
        per_token = loss_of(cohort.base, batch)
        total = torch.zeros(len(parts), device=device).index_add(0, owner, per_token * norm)
        if learn:
            total.sum().backward()
    return total.detach()


def loss_per_token(base: Base, rows: Sequence[TrainingRow]) -> torch.Tensor:
    """Return the negative loglikelihood of each token that carries loss, row by row, in float32, shape (tokens,)."""
    return loss_of(base, plain_rows(rows))


def loss_of(base: Base, batch: Rows) -> torch.Tensor:
    """Return the negative loglikelihood of each target of a batch, in float32, shape (targets,)."""
    device = base.device
    where, target = batch.where.to(device), batch.targets.to(device)
    hidden = base.decoder(
        input_ids=batch.ids.to(device), use_cache=False, **batch.more(device)
    ).last_hidden_state
    hidden = hidden.flatten(0, 1)[where]
    size = max(1, MAX_LOGITS // base.vocabulary_size)
    if len(target) <= size:
        return _head_loss(base, hidden, target)
    pieces = zip(hidden.split(size), target.split(size), strict=True)
    losses = [checkpoint(_head_loss, base, *piece, use_reentrant=False) for piece in pieces]
    return torch.cat(losses)


def _head_loss(base: Base, hidden: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(base.logits(hidden), target, reduction="none")


@contextmanager
def checkpointed_activations(base: Base, wanted: bool) -> Iterator[None]:
    """Recompute activations in the backward pass, without the base's dropout, which train mode would turn on.

    Raises InputError if transformers cannot recompute the architecture's layers.
    """
    if not wanted:
        yield
        return
    layers = [one for one in base.model.modules() if isinstance(one, GradientCheckpointingLayer)]
    if not layers:
        raise InputError(
            f"gradient_checkpointing: the layers of {base.path} cannot be recomputed", "Set it to false."
        )
    base.model.activation_checkpointing_enable({"use_reentrant": False})
    for layer in layers:
        layer._gradient_checkpointing_func = partial(_recomputed, layer)
        layer.training = True  # what transformers asks for; this module only, not its children
    try:
        yield
    finally:
        base.model.activation_checkpointing_disable()
        base.model.eval()


def _recomputed(layer: nn.Module, forward: Callable[..., Any], *arguments: Any) -> Any:
    def in_eval_mode(*given: Any) -> Any:
        layer.training = False
        try:
            return forward(*given)
        finally:
            layer.training = True

    return checkpoint(in_eval_mode, *arguments, use_reentrant=False)
