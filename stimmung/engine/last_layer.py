"""The last layer's feed-forward block only where its result is used.

Attention needs every token of every layer but the last one's feed-forward block, whose output no other token sees: of a survey prompt
with one answer, a few of hundreds of tokens. In a model of few layers that saves much, in one of many little.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from stimmung.engine.base import Base


class _AtPlaces(nn.Module):
    """A block that works token by token, at ``places`` of each row; zero elsewhere."""

    def __init__(self, block: nn.Module, places: torch.Tensor) -> None:
        super().__init__()
        self.block = block
        self.places = places

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, width = x.shape
        index = self.places[..., None].expand(-1, -1, width)
        y: torch.Tensor = self.block(x.gather(1, index.clamp(max=length - 1)))
        # Places behind the end are written there and cut off, so that a row's places, and the dropout masks
        # at them, do not depend on how long the batch's other rows are.
        whole = y.new_zeros(rows, length + self.places.shape[1], width)
        return whole.scatter(1, index, y)[:, :length]


@contextmanager
def last_layer_at(base: Base, places: torch.Tensor) -> Iterator[None]:
    """Let the last layer's feed-forward block work at some tokens of each row only; other tokens' hidden states are wrong.

    Parameters
    ----------
    base
        A model whose last layer has no feed-forward block called ``mlp`` is left as it is.
    places
        Shape (rows, places): which tokens, each at most once in a row. Some may lie behind the end.
    """
    layer = getattr(base.decoder, "layers", [None])[-1]
    block = getattr(layer, "mlp", None)
    if not isinstance(block, nn.Module):
        yield
        return
    layer.mlp = _AtPlaces(block, places)
    try:
        yield
    finally:
        layer.mlp = block
