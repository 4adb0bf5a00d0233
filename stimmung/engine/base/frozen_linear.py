"""The product of a frozen linear layer and its gradient, of those kinds of layer that are known to be a plain ``W x + b``."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from stimmung.engine.base.dequantized import DequantizedLinear


def is_known(layer: nn.Module, dtype: torch.dtype) -> bool:
    """Whether the functions here give what ``layer`` gives for an input of type ``dtype``.

    Not so if something was done to it, such as another ``forward`` or a hook, or if it is a subclass of a kind that is known.
    """
    if "forward" in vars(layer) or layer._forward_hooks or layer._forward_pre_hooks:
        return False
    if type(layer) in (nn.Linear, Conv1D):
        return bool(layer.weight.dtype == dtype)
    return type(layer) is DequantizedLinear or (_is_packed(layer) and layer.compute_dtype == dtype)


def known_product(layer: Any, x: torch.Tensor) -> torch.Tensor:
    """Return ``W x + b``, shape (..., out)."""
    bias = None if layer.bias is None else layer.bias.to(x.dtype)
    return functional.linear(x, _weight(layer, x.dtype), bias)


def known_gradient(layer: Any, g: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the input, shape (..., in), from that of the output."""
    return torch.matmul(g, _weight(layer, g.dtype))


def _weight(layer: Any, dtype: torch.dtype) -> torch.Tensor:
    """Return W, shape (out, in): of a packed layer dequantised each time, so that it is not kept."""
    weight: torch.Tensor
    if type(layer) is Conv1D:
        weight = layer.weight.T
    elif _is_packed(layer):
        from bitsandbytes.functional import dequantize_4bit

        weight = dequantize_4bit(layer.weight.data.view(-1, 1), layer.weight.quant_state)
    else:
        weight = layer.weight
    return weight.to(dtype)


def _is_packed(layer: Any) -> bool:
    """Whether it is a 4-bit layer of bitsandbytes, without importing that, which takes seconds."""
    return type(layer).__name__ == "Linear4bit" and getattr(layer.weight, "quant_state", None) is not None
