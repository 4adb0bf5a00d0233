"""One forward and backward pass over rows of several adapters, with the LM head only where a token carries loss."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from stimmung.engine.base.base_model import Base
from stimmung.engine.base.last_layer import last_layer_at
from stimmung.engine.base.memory_reckoning import MAX_LOGITS
from stimmung.engine.cohort.batching import TrainingRow
from stimmung.engine.cohort.lora import Cohort, Slice
from stimmung.vocabulary.errors import InputError


@dataclass(frozen=True)
class Part:
    """Rows of one adapter in one pass."""

    adapter: int
    rows: Sequence[TrainingRow]
    n_loss_tokens: int  # of the adapter's whole optimizer step, over which the loss is the mean, however the step is split
    dropout_key: int


def forward_backward(cohort: Cohort, parts: Sequence[Part], splits: int) -> list[float]:
    """Add the gradients of one part for each adapter, and return each part's share of its adapter's loss.

    The rows are split over ``splits`` passes. The sum of gradients does not depend on it.
    """
    losses = [0.0] * len(parts)
    for split in range(splits):
        rows: list[TrainingRow] = []
        slices: list[Slice] = []
        owners: list[int] = []
        for index, part in enumerate(parts):
            size = -(-len(part.rows) // splits)
            chosen = part.rows[split * size : (split + 1) * size]
            if not chosen:
                continue
            slices.append(
                Slice(
                    adapter=part.adapter,
                    start=len(rows),
                    stop=len(rows) + len(chosen),
                    dropout_key=part.dropout_key,
                    dropout_row=split * size,
                    dropout_rows=len(part.rows),
                    length=max(len(row.input_ids) for row in part.rows),
                )
            )
            owners += [index] * sum(row.n_loss_tokens for row in chosen)
            rows += chosen
        if not rows:
            continue
        cohort.layout.slices = slices
        cohort.layout.dropout = cohort.settings.lora_dropout > 0
        starts = torch.tensor([row.loss_from - 1 for row in rows])
        places = starts[:, None] + torch.arange(max(row.n_loss_tokens for row in rows))
        # Around the backward pass too, which recomputes layers under gradient checkpointing.
        with last_layer_at(cohort.base, places.to(cohort.base.device)):
            per_token = loss_per_token(cohort.base, rows)
            owner = torch.tensor(owners, device=per_token.device)
            norm = torch.tensor([1 / part.n_loss_tokens for part in parts], device=per_token.device)
            total = torch.zeros(len(parts), device=per_token.device).index_add(
                0, owner, per_token * norm[owner]
            )
            total.sum().backward()
        losses = [loss + more for loss, more in zip(losses, total.tolist(), strict=True)]
    return losses


def loss_per_token(base: Base, rows: Sequence[TrainingRow]) -> torch.Tensor:
    """Return the negative loglikelihood of each token that carries loss, row by row, in float32, shape (tokens,).

    Rows are padded on the right and no mask is given: in a causal model no token sees a later one. They are padded with a token of
    the rows, since the embedding of another, such as one made for padding, may be NaN.
    """
    device = base.device
    # The last token of a row predicts nothing, so it is not read.
    texts = [torch.tensor(row.input_ids[:-1]) for row in rows]
    ids = pad_sequence(texts, batch_first=True, padding_value=rows[0].input_ids[0])
    where = [
        number * ids.shape[1] + place
        for number, row in enumerate(rows)
        for place in range(row.loss_from - 1, len(row.input_ids) - 1)
    ]
    hidden = base.decoder(input_ids=ids.to(device), use_cache=False).last_hidden_state
    hidden = hidden.reshape(-1, hidden.shape[-1])[torch.tensor(where, device=device)]
    target = torch.tensor([token for row in rows for token in row.input_ids[row.loss_from :]], device=device)
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
    base.model.gradient_checkpointing_enable({"use_reentrant": False})
    for layer in layers:
        layer._gradient_checkpointing_func = partial(_recomputed, layer)
        layer.training = True  # what transformers asks for; this module only, not its children
    try:
        yield
    finally:
        base.model.gradient_checkpointing_disable()
        base.model.eval()


def _recomputed(layer: nn.Module, forward: Callable[..., Any], *arguments: Any) -> Any:
    def in_eval_mode(*given: Any) -> Any:
        layer.training = False
        try:
            return forward(*given)
        finally:
            layer.training = True

    return checkpoint(in_eval_mode, *arguments, use_reentrant=False)
