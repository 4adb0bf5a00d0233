"""Weights of all adapters of a cohort in one tensor, whose first dimension counts the adapters."""

import math

import torch
from torch import nn


def no_adapters(*shape: int, device: torch.device) -> nn.Parameter:
    """Return the stacked weights of no adapter, each of ``shape``."""
    return nn.Parameter(torch.empty(0, *shape, device=device))


def with_adapter(stacked: nn.Parameter, one: torch.Tensor) -> nn.Parameter:
    """Return stacked weights with those of one more adapter, in float32 on their device."""
    one = one.to(device=stacked.device, dtype=torch.float32)
    return nn.Parameter(torch.cat([stacked.detach(), one[None]]))


def drawn(rank: int, n_in: int, n_out: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Draw an adapter's A, shape (rank, in), from Kaiming-uniform with a = sqrt(5); its B, shape (out, rank), is zero."""
    bound = 1 / math.sqrt(n_in)  # Kaiming-uniform with a = sqrt(5) is uniform within 1 / sqrt(fan in)
    a = torch.empty(rank, n_in).uniform_(-bound, bound, generator=generator)
    return {"lora_A": a, "lora_B": torch.zeros(n_out, rank)}
