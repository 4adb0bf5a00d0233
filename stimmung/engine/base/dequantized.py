"""4-bit weights kept dequantised where memory is plentiful, instead of being dequantised twice in every step.

A 4-bit layer of bitsandbytes dequantises its weight for each forward and each backward pass and then multiplies like any layer. A
frozen weight is the same every time: kept, it gives the same numbers, in four times the memory: on a CPU to the last bit, on CUDA but
for a few tokens, for which bitsandbytes has a kernel of its own.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

# Choices: little of a CPU's memory, which a job shares with others; a quarter of what is free on a GPU, which it has to itself.
CPU_BUDGET_MB = 1024
GPU_SHARE = 0.25


class DequantizedLinear(nn.Module):
    """What a 4-bit layer computes, from its dequantised weight."""

    def __init__(self, packed: Any) -> None:
        super().__init__()
        from bitsandbytes.functional import dequantize_4bit

        self.in_features, self.out_features = packed.in_features, packed.out_features
        weight = dequantize_4bit(packed.weight.data.view(-1, 1), packed.weight.quant_state)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = packed.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``W x + b`` in the type of ``x``."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return functional.linear(x, self.weight.to(x.dtype), bias)


def hold_dequantized(model: Any, budget_mb: float | None = None) -> bool:
    """Replace all 4-bit layers of a frozen model if they then fit ``budget_mb`` of its device's memory; return whether they did."""
    packed = packed_layers(model)
    if not packed:
        return False
    if budget_mb is None:
        on_gpu = model.device.type == "cuda"
        budget_mb = GPU_SHARE * torch.cuda.mem_get_info(model.device)[0] / 2**20 if on_gpu else CPU_BUDGET_MB
    if dequantized_bytes(model) > 2**20 * budget_mb:
        return False
    for name in list(packed):  # one by one, so that each packed weight is gone before the next is unpacked
        model.set_submodule(name, DequantizedLinear(packed.pop(name)))
    return True


def packed_layers(model: Any) -> dict[str, Any]:
    """Return a model's 4-bit layers by name."""
    if not getattr(model, "is_loaded_in_4bit", False):
        return {}
    from bitsandbytes.nn import Linear4bit

    return {name: module for name, module in model.named_modules() if isinstance(module, Linear4bit)}


def dequantized_bytes(model: Any) -> int:
    """Return the memory that a model's 4-bit layers take once they are dequantised."""
    layers = packed_layers(model).values()
    return sum(one.in_features * one.out_features * model.dtype.itemsize for one in layers)
