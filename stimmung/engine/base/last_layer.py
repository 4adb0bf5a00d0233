"""The last layer only where its result is used.

Later tokens attend to all layers' keys and values. But queries, their attention and the feed-forward block of the last layer are
needed only at the tokens that are read: in a prompt with one answer, a few of hundreds.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from stimmung.engine.base.base_model import Base

# Blocks of a layer that work token by token and whose result no other token sees, as Llama and its many relatives name them.
BLOCKS = ("self_attn.q_proj", "self_attn.o_proj", "mlp")


class _AtPlaces(nn.Module):
    """A block that works token by token, at ``places`` of each row; zero elsewhere."""

    def __init__(self, block: nn.Module, places: torch.Tensor) -> None:
        super().__init__()
        self.block = block
        self.places = places

    def forward(self, x: torch.Tensor) -> Any:
        rows, length, width = x.shape
        index = self.places[..., None]
        found = self.block(x.gather(1, index.expand(-1, -1, width).clamp(max=length - 1)))
        # The mlp of gpt-oss also returns the router's scores, which its layer drops.
        y, *others = found if isinstance(found, tuple) else (found,)
        # Places beyond the end are written there and cut off, so that a row's places, and the dropout masks
        # at them, do not depend on how long the batch's other rows are.
        whole = y.new_zeros(rows, length + self.places.shape[1], y.shape[-1])
        spread = whole.scatter(1, index.expand_as(y), y)[:, :length]
        return (spread, *others) if others else spread


@contextmanager
def last_layer_at(base: Base, places: torch.Tensor) -> Iterator[None]:
    """Let the last layer work at some tokens of each row only; other tokens' hidden states are wrong.

    ``places``, shape (rows, places), are these tokens, each at most once in a row; some may lie beyond the end. A model whose
    last layer lacks a block of ``BLOCKS`` keeps what it has instead.
    """
    layer = getattr(base.decoder, "layers", [None])[-1]
    with ExitStack() as stack:
        for name in BLOCKS:
            try:
                block = layer.get_submodule(name)
            except AttributeError:
                continue
            layer.set_submodule(name, _AtPlaces(block, places))
            stack.callback(layer.set_submodule, name, block)
        attention = getattr(layer, "self_attn", None)
        if attention is not None:
            attention.read_at = places
            stack.callback(delattr, attention, "read_at")
        yield
