"""Activations in float32 over weights of a shorter type, the same as in training, so that scores are not rounded to it.

In bfloat16 a hidden state has 8 bits, and log-odds of options come in steps of 1/32 to 1/8 nat: more than a week's posts move a mood.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from stimmung.engine.base.dequantized import DequantizedLinear
from stimmung.engine.base.float32_product import float32_linear

EXPERTS_DIM = 3  # transformers holds all experts of a layer in one tensor


@contextmanager
def in_float32(model: Any, *, exact: bool = False) -> Iterator[None]:
    """Let a frozen model of bfloat16, float16 or 4-bit weights compute in float32; one of float32 weights is left as it is.

    ``exact``: with products of float32 too, where quicker ones are nearly as good (see ``float32_product.py``).

    Linear layers upcast their weight, or their dequantised weight, for each product, and experts theirs while they run: they are most
    of a mixture's weights, of which a device may hold no second copy. Other weights, such as those of norms, are held in float32
    meanwhile.
    """
    with ExitStack() as stack:
        for module in model.modules():
            if isinstance(module, nn.Embedding):
                if _is_short(module.weight.dtype):
                    stack.callback(module.register_forward_hook(_upcast_output).remove)
            elif isinstance(module, nn.Linear | DequantizedLinear):
                packed = getattr(module.weight, "quant_state", None)
                if _is_short((packed or module.weight).dtype):
                    layer: Any = module
                    layer.forward = partial(_linear_in_float32, layer, exact)
                    stack.callback(delattr, layer, "forward")
            else:
                own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
                short = [(tensor, tensor.data) for tensor in own if _is_short(tensor.dtype)]
                if any(data.ndim == EXPERTS_DIM for _, data in short) and not isinstance(module, _ConvNd):
                    stack.callback(module.register_forward_pre_hook(partial(_upcast, short)).remove)
                    after = partial(_put_back, short)
                    stack.callback(module.register_forward_hook(after, always_call=True).remove)
                else:
                    stack.callback(_put_back, short)
                    _upcast(short)
        yield


def _upcast(tensors: Sequence[tuple[torch.Tensor, torch.Tensor]], *_: Any) -> None:
    for tensor, data in tensors:
        tensor.data = data.float()


def _put_back(tensors: Sequence[tuple[torch.Tensor, torch.Tensor]], *_: Any) -> None:
    for tensor, data in tensors:
        tensor.data = data


def _is_short(dtype: torch.dtype) -> bool:
    return dtype in (torch.bfloat16, torch.float16)


def _upcast_output(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
    del module, inputs
    return output.float()


def _linear_in_float32(module: Any, exact: bool, x: torch.Tensor) -> torch.Tensor:
    weight = module.weight
    if packed := getattr(weight, "quant_state", None):
        from bitsandbytes.functional import dequantize_4bit

        # To the type that training has it in: bitsandbytes' own kernel would not round it.
        weight = dequantize_4bit(weight.data.view(-1, 1), packed)
    return float32_linear(x.float(), weight, module.bias, exact=exact)
